"""Which domains a command is for: names, UUIDs, ids, patterns, or all of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ...wire.errors import NoDomain

if TYPE_CHECKING:
    from ..domain import Domain
    from ..host import Host

ID_MAX = 0x7FFFFFFF
_WILD = frozenset("*?[")


class Selection(NamedTuple):
    """What was asked for. ``applies`` (ConnectListAllDomainsFlags) narrows patterns and ``everything``, never names.

    ``sweeping`` tells that the command takes patterns at all: what cannot be undone wants names.
    """

    names: tuple[str, ...]
    everything: bool = False
    applies: int = 0
    sweeping: bool = True

    @property
    def is_one(self) -> bool:
        """Whether it names one domain, rather than choosing among many."""
        return len(self.names) == 1 and not self.is_pattern(self.names[0])

    def is_pattern(self, name: str) -> bool:
        return self.sweeping and not _WILD.isdisjoint(name)


def find(host: Host, name: str) -> Domain:
    """The domain with that id, name or UUID, tried in this order as virsh does. Raises NoDomain."""
    if name.isdecimal() and int(name) <= ID_MAX:
        try:
            return host.domains.lookup(int(name))
        except NoDomain:
            pass
    return host.domains.lookup(name)


def choose(host: Host, selection: Selection) -> tuple[list[Domain], dict[str, NoDomain]]:
    """The domains that are meant, each once and in the order asked for, and the errors of names that fit none.

    Where one domain is named it is looked up, and NoDomain raised if it is not there; else all are listed once.
    """
    if selection.is_one:
        return [find(host, selection.names[0])], {}
    if selection.everything:
        return sorted(host.domains.list(selection.applies), key=by_activity), {}
    domains = host.domains.list()
    index = _index(domains)
    fitting = host.domains.list(selection.applies) if selection.applies else domains
    chosen: dict[bytes, Domain] = {}
    missing: dict[str, NoDomain] = {}
    for name in selection.names:
        found = _matching(selection, name, index, fitting)
        chosen.update((domain.ref.uuid, domain) for domain in found)
        if not found:
            missing[name] = _no_domain(name, selection.is_pattern(name))
    return list(chosen.values()), missing


def _no_domain(name: str, is_pattern: bool) -> NoDomain:
    what = f"none that this applies to matches '{name}'" if is_pattern else f"no domain with matching name '{name}'"
    return NoDomain(what, object=name)


def by_activity(domain: Domain) -> tuple[bool, int, str]:
    """The order of virsh's lists: running ones by id, then the others by name."""
    number = domain.id
    return (True, 0, domain.name.casefold()) if number is None else (False, number, "")


def _index(domains: Iterable[Domain]) -> dict[str, Domain]:
    index = {str(domain.uuid): domain for domain in domains}
    index.update((domain.name, domain) for domain in domains)
    index.update((str(domain.id), domain) for domain in domains if domain.id is not None)
    return index


def _matching(selection: Selection, name: str, index: Mapping[str, Domain], fitting: Iterable[Domain]) -> list[Domain]:
    if name in index:
        return [index[name]]
    if not selection.is_pattern(name):
        return []
    from fnmatch import fnmatchcase

    return sorted((domain for domain in fitting if fnmatchcase(domain.name, name)), key=by_activity)
