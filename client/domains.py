"""The domains of a host: finding, making and driving many at once.

What works on many is imported where it is called: it brings events with it, which most programs do without.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..wire.enums.domain import ConnectListAllDomainsFlags, DomainDefineFlags, DomainState
from ..wire.errors import NoDomain
from ..wire.table import ROWS
from .domain import Domain, start_flags
from .values import bits

if TYPE_CHECKING:
    from ..wire.documents.domain import DomainDefinition
    from ..wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags, DomainStatsTypes
    from ..wire.params import ParamValue
    from .descriptors import File
    from .reconnect import Session
    from .results import Progress, Results

_LIST = ROWS["connect_list_all_domains"]
_BY_ID = ROWS["domain_lookup_by_id"]
_BY_NAME = ROWS["domain_lookup_by_name"]
_BY_UUID = ROWS["domain_lookup_by_uuid"]
_CREATE = ROWS["domain_create_xml"]
_CREATE_WITH_FILES = ROWS["domain_create_xml_with_files"]
_DEFINE = ROWS["domain_define_xml_flags"]
_RESTORE = ROWS["domain_restore_flags"]
_RESTORE_PARAMS = ROWS["domain_restore_params"]
_SAVE_IMAGE_XML = ROWS["domain_save_image_get_xml_desc"]
_DEFINE_SAVE_IMAGE = ROWS["domain_save_image_define_xml"]
_FROM_NATIVE = ROWS["connect_domain_xml_from_native"]
_TO_NATIVE = ROWS["connect_domain_xml_to_native"]
_STATS = ROWS["connect_get_all_domain_stats"]
_ATTACH = ROWS["domain_attach"]


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
        with_managed_save: bool = False,
        with_snapshot: bool = False,
        with_checkpoint: bool = False,
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
            ConnectListAllDomainsFlags.MANAGEDSAVE: with_managed_save,
            ConnectListAllDomainsFlags.HAS_SNAPSHOT: with_snapshot,
            ConnectListAllDomainsFlags.HAS_CHECKPOINT: with_checkpoint,
        }
        chosen = int(flags) | bits(wishes)
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
        files: Sequence[File] = (),
        deadline: float | None = None,
    ) -> Domain:
        """Start a transient domain: it is gone when it stops (virDomainCreateXML, virDomainCreateXMLWithFiles).

        See :meth:`Domain.start`.
        """
        flags |= start_flags(paused, autodestroy, reset_nvram=reset_nvram, validate=validate)
        if not files:
            return self._found(self._session.call(_CREATE, xml, flags, deadline=deadline))
        fields, _ = self._session.call_with_files(_CREATE_WITH_FILES, xml, flags, files=files, deadline=deadline)
        return self._found(fields)

    def restore(
        self,
        path: str,
        xml: str | None = None,
        *,
        bypass_cache: bool = False,
        running: bool = False,
        paused: bool = False,
        reset_nvram: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Start the guest whose memory is in a file on the host (virDomainRestoreFlags); see :meth:`Domain.save`.

        ``xml`` replaces parts of the definition in the file.
        """
        from .domain.saving import save_flags

        flags = save_flags(bypass_cache, running, paused, reset_nvram)
        self._session.call(_RESTORE, path, xml, flags, deadline=deadline)

    def restore_with(self, params: dict[str, str], flags: int = 0, *, deadline: float | None = None) -> None:
        """Restore as ``params`` say: ``file``, ``dxml`` (virDomainRestoreParams)."""
        from ..wire.params import param

        given = [param(name, value) for name, value in params.items()]
        self._session.call(_RESTORE_PARAMS, given, flags, deadline=deadline)

    def save_image_xml(self, path: str, *, secure: bool = False, deadline: float | None = None) -> str:
        """The definition in a file that a guest was saved to (virDomainSaveImageGetXMLDesc)."""
        return self._session.call(_SAVE_IMAGE_XML, path, int(secure), deadline=deadline)[0]

    def define_save_image(
        self,
        path: str,
        xml: str,
        *,
        running: bool = False,
        paused: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Replace that definition, or what the guest is to be once restored (virDomainSaveImageDefineXML)."""
        from .domain.saving import save_flags

        flags = save_flags(running=running, paused=paused)
        self._session.call(_DEFINE_SAVE_IMAGE, path, xml, flags, deadline=deadline)

    def from_native(self, format: str, config: str, *, deadline: float | None = None) -> str:
        """The XML for a configuration in a hypervisor's own form (virConnectDomainXMLFromNative)."""
        return self._session.call(_FROM_NATIVE, format, config, 0, deadline=deadline)[0]

    def to_native(self, format: str, xml: str, *, deadline: float | None = None) -> str:
        """What a hypervisor makes of XML: with ``qemu-argv`` its command line (virConnectDomainXMLToNative)."""
        return self._session.call(_TO_NATIVE, format, xml, 0, deadline=deadline)[0]

    def stats(
        self,
        domains: Iterable[Domain] = (),
        types: DomainStatsTypes | int = 0,
        flags: ConnectGetAllDomainStatsFlags | int = 0,
        *,
        deadline: float | None = None,
    ) -> list[tuple[Domain, dict[str, ParamValue]]]:
        """Figures of these domains, by default of all, by libvirt's names (virConnectGetAllDomainStats).

        ``types`` choose groups of figures, 0 all that the driver has; ``flags`` choose among all domains. Lists are
        flat: ``vcpu.current``, ``vcpu.0.time``, …
        """
        from ..wire.params import values_of

        chosen = [domain.ref for domain in domains]
        (records,) = self._session.call(_STATS, chosen, int(types), int(flags), deadline=deadline)
        return [(Domain(self._session, record.dom), values_of(record.params)) for record in records]

    def attach(self, pid: int, *, deadline: float | None = None) -> Domain:
        """Take a QEMU that somebody else started under the daemon's care (virDomainQemuAttach)."""
        return self._found(self._session.call(_ATTACH, pid, 0, deadline=deadline))

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
