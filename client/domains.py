"""The domains of a host: finding, making and driving many at once.

What works on many is imported where it is called: it brings events with it, which most programs do without.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from ..wire.enums.domain import ConnectListAllDomainsFlags, DomainDefineFlags, DomainState
from ..wire.errors import NoDomain
from ..wire.table import ROWS
from .domain import Domain, start_flags

if TYPE_CHECKING:
    from ..wire.documents.domain import DomainDefinition
    from .reconnect import Session
    from .results import Progress, Results

_LIST = ROWS["connect_list_all_domains"]
_BY_ID = ROWS["domain_lookup_by_id"]
_BY_NAME = ROWS["domain_lookup_by_name"]
_BY_UUID = ROWS["domain_lookup_by_uuid"]
_CREATE = ROWS["domain_create_xml"]
_DEFINE = ROWS["domain_define_xml_flags"]


class Domains:
    """``host.domains``: iterable (all of them, in the daemon's order), ``len``, ``in``, and ``host.domains[name]``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __iter__(self) -> Iterator[Domain]:
        return iter(self.list())

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, key: str | int | uuids.UUID) -> Domain:
        return self.lookup(key)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, Domain):
            key = key.uuid
        if not isinstance(key, str | int | uuids.UUID):
            return False
        try:
            self.lookup(key)
        except NoDomain:
            return False
        return True

    def list(
        self,
        flags: ConnectListAllDomainsFlags | int = 0,
        *,
        active: bool = False,
        inactive: bool = False,
        persistent: bool = False,
        transient: bool = False,
        running: bool = False,
        paused: bool = False,
        shutoff: bool = False,
        autostart: bool = False,
        no_autostart: bool = False,
        deadline: float | None = None,
    ) -> list[Domain]:
        """The domains that pass the filter, all without one (virConnectListAllDomains).

        Wishes of one group (``active`` and ``inactive``) widen, those of different groups (``active`` and
        ``persistent``) narrow. ``flags`` are further ConnectListAllDomainsFlags.
        """
        wishes = {
            ConnectListAllDomainsFlags.ACTIVE: active,
            ConnectListAllDomainsFlags.INACTIVE: inactive,
            ConnectListAllDomainsFlags.PERSISTENT: persistent,
            ConnectListAllDomainsFlags.TRANSIENT: transient,
            ConnectListAllDomainsFlags.RUNNING: running,
            ConnectListAllDomainsFlags.PAUSED: paused,
            ConnectListAllDomainsFlags.SHUTOFF: shutoff,
            ConnectListAllDomainsFlags.AUTOSTART: autostart,
            ConnectListAllDomainsFlags.NO_AUTOSTART: no_autostart,
        }
        chosen = int(flags) | sum(int(flag) for flag, wished in wishes.items() if wished)
        found, _ = self._session.call(_LIST, 1, chosen, deadline=deadline)
        return [Domain(self._session, ref) for ref in found]

    def count(self, flags: ConnectListAllDomainsFlags | int = 0, *, deadline: float | None = None) -> int:
        """How many domains pass the filter flags."""
        return self._session.call(_LIST, 0, int(flags), deadline=deadline)[1]

    def lookup(self, key: str | int | uuids.UUID, *, deadline: float | None = None) -> Domain:
        """The domain with that name, UUID (value or text) or, for an int, the running one with that id.

        A text is tried as a name first. Raises NoDomain.
        """
        if isinstance(key, uuids.UUID):
            return self._found(self._session.call(_BY_UUID, key.bytes, deadline=deadline))
        if isinstance(key, int):
            return self._found(self._session.call(_BY_ID, key, deadline=deadline))
        try:
            return self._found(self._session.call(_BY_NAME, key, deadline=deadline))
        except NoDomain:
            number = _uuid_in(key)
            if number is None:
                raise
        return self._found(self._session.call(_BY_UUID, number.bytes, deadline=deadline))

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Domain:
        """Keep a definition, or replace the one with the same UUID and name (virDomainDefineXMLFlags).

        Raises XMLError, UnsupportedConfig for what the driver cannot do, AlreadyExists for a name or UUID that is
        another domain's.
        """
        flags = DomainDefineFlags.VALIDATE if validate else 0
        return self._found(self._session.call(_DEFINE, xml, int(flags), deadline=deadline))

    def create(
        self,
        xml: str,
        *,
        paused: bool = False,
        autodestroy: bool = False,
        validate: bool = False,
        reset_nvram: bool = False,
        flags: int = 0,
        deadline: float | None = None,
    ) -> Domain:
        """Start a transient domain: it is gone when it stops (virDomainCreateXML); see :meth:`Domain.start`."""
        flags |= start_flags(paused, autodestroy, reset_nvram=reset_nvram, validate=validate)
        return self._found(self._session.call(_CREATE, xml, flags, deadline=deadline))

    def start_all(
        self,
        definitions: Iterable[str | Domain | DomainDefinition],
        *,
        paused: bool = False,
        autodestroy: bool = False,
        transient: bool = True,
        deadline: float | None = None,
        window: int = 64,
        progress: Progress | None = None,
    ) -> Results:
        """Start many guests at once over this one connection.

        ``definitions`` are XML texts, definitions of ``wire.documents`` or Domain values (which are started as they
        are). XML makes transient guests, or with ``transient=False`` is defined first. At most ``window`` calls are
        under way. ``deadline`` holds for each guest's start. ``progress(name, outcome)`` is called as each result
        comes, on this thread. One guest's failure does not touch the others: it is its entry in the result.
        """
        from .bulk import start_all

        flags = start_flags(paused, autodestroy)
        return start_all(self._session, definitions, flags, transient, deadline, window, progress)

    def destroy_all(
        self,
        domains: Iterable[Domain] | None = None,
        *,
        graceful: bool = False,
        deadline: float | None = None,
        window: int = 64,
        progress: Progress | None = None,
    ) -> Results:
        """Stop many guests at once, by default every active one; see :meth:`start_all` for the rest."""
        from .bulk import destroy_all

        chosen = self.list(active=True, deadline=deadline) if domains is None else domains
        return destroy_all(self._session, chosen, graceful, deadline, window, progress)

    def wait(
        self,
        domains: Iterable[Domain],
        state: DomainState | Collection[DomainState],
        deadline: float | None = None,
        *,
        progress: Progress | None = None,
    ) -> Results:
        """Block until every domain is in ``state`` (or one of several), for at most ``deadline`` seconds in all.

        A guest that did not come there has an OperationTimeout as its outcome; see :meth:`Domain.wait`.
        """
        from .states import wait_for_states

        return wait_for_states(self._session, domains, state, deadline, progress)

    def _found(self, fields: tuple) -> Domain:
        return Domain(self._session, fields[0])


def _uuid_in(text: str) -> uuids.UUID | None:
    try:
        return uuids.UUID(text)
    except ValueError:
        return None
