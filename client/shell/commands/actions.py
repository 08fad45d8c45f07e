"""What commands that do something with domains have in common: do it with all at once, tell of each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ....wire.table import ROWS, DomainRef
from ..render import Text, View, print_json, show
from ..selection import Selection

if TYPE_CHECKING:
    from ...bulk import Errand
    from ...domain import Domain
    from ..session import Shell


def act(shell: Shell, selection: Selection, done: str, procedure: str, *arguments: Any) -> list[DomainRef]:
    """Call a procedure for each domain of a selection, and tell which it is done to (``web: suspended``).

    ``arguments`` follow the domain. Gives those that it is done to, as they are named afterwards.
    """
    domains = shell.choose(selection)
    return act_with(shell, ((domain, call(domain.ref, procedure, *arguments)) for domain in domains), done)


def call(ref: DomainRef, procedure: str, *arguments: Any) -> Errand[DomainRef]:
    """The errand of one call; gives the domain as the daemon names it afterwards, if it does."""
    fields = yield ROWS[procedure], (ref, *arguments)
    return fields[0] if fields and isinstance(fields[0], DomainRef) else ref


def act_with(
    shell: Shell, errands: Iterable[tuple[Hashable, Errand[DomainRef]]], done: str | Callable[[DomainRef], str]
) -> list[DomainRef]:
    """Run errands that each leave a domain, and tell of each; see ``act``."""
    finished: list[DomainRef] = []
    for _, ref in shell.run(errands):
        finished.append(ref)
        shell.say(f"{ref.name}: {done if isinstance(done, str) else done(ref)}")
    if shell.options.json:
        print_json({"domains": [as_data(ref) for ref in finished], "failed": shell.failures_as_data()})
    return finished


def finish(shell: Shell, domain: Domain, done: str) -> None:
    """Tell what was done to one domain, as ``act`` does of several."""
    shell.say(f"{domain.name}: {done}")
    if shell.options.json:
        print_json({"domains": [as_data(domain.ref)], "failed": []})


def tell(shell: Shell, domain: Domain, data: dict[str, Any], *views: View) -> None:
    """Show what was asked of one domain: ``data`` beside what names it, or the views that are made of it."""
    show(shell.options, {**as_data(domain.ref), **data}, *views)


def tell_values(shell: Shell, domain: Domain, values: dict[str, Any], lines: list[str] | None = None) -> None:
    """Show values by their names, in virsh's columns unless other ``lines`` are given."""
    if lines is None:
        lines = [f"{name:<15}: {value}" for name, value in values.items()]
    tell(shell, domain, {"values": values}, Text("\n".join(lines)))


def as_data(ref: DomainRef) -> dict[str, Any]:
    """What names a domain, for JSON."""
    return {"name": ref.name, "uuid": str(UUID(bytes=ref.uuid)), "id": None if ref.id < 0 else ref.id}
