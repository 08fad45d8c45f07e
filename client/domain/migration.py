"""Moving a guest to another host, and the settings of that.

A migration has five steps: begin (here), prepare (there), perform (here), finish (there), confirm (here). ``to`` makes
them all itself; ``to_uri`` leaves them to the source's daemon, which then speaks to the destination's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...wire.enums.domain_jobs import DomainMigrateFlags, DomainMigrateMaxSpeedFlags
from ...wire.errors import VirtError
from ...wire.params import ParamValue, TypedParam
from ...wire.table import ROWS
from . import parameters
from .identity import Part

if TYPE_CHECKING:
    from ..host import Host
    from .domain import Domain

_MAX_DOWNTIME = ROWS["domain_migrate_get_max_downtime"]
_SET_MAX_DOWNTIME = ROWS["domain_migrate_set_max_downtime"]
_MAX_SPEED = ROWS["domain_migrate_get_max_speed"]
_SET_MAX_SPEED = ROWS["domain_migrate_set_max_speed"]
_CACHE = ROWS["domain_migrate_get_compression_cache"]
_SET_CACHE = ROWS["domain_migrate_set_compression_cache"]
_START_POST_COPY = ROWS["domain_migrate_start_post_copy"]
_BEGIN = ROWS["domain_migrate_begin3_params"]
_PREPARE = ROWS["domain_migrate_prepare3_params"]
_PERFORM = ROWS["domain_migrate_perform3_params"]
_FINISH = ROWS["domain_migrate_finish3_params"]
_CONFIRM = ROWS["domain_migrate_confirm3_params"]

Values = Mapping[str, ParamValue]


class Migration(Part):
    """``guest.migration``."""

    __slots__ = ()

    def to(
        self,
        destination: Host,
        flags: DomainMigrateFlags | int = DomainMigrateFlags.LIVE,
        values: Values | None = None,
        *,
        disks: Iterable[str] = (),
        deadline: float | None = None,
    ) -> Domain:
        """Move it to another host that we are connected to; gives the domain there (virDomainMigrate3).

        ``values`` are libvirt's migration parameters: ``migrate_uri``, ``destination_name``, ``bandwidth`` (MiB/s), …;
        ``disks`` those to be copied. When anything fails the guest goes on here.
        """
        params = _params(values, disks)
        cookie, xml = self._call(_BEGIN, params, int(flags), deadline=deadline)
        if not (values and "destination_xml" in values):
            params = [*params, *parameters.typed({"destination_xml": xml}, parameters.MIGRATION)]
        try:
            cookie, uri = destination.call(_PREPARE, params, cookie, int(flags), deadline=deadline)
        except VirtError:
            self._confirm(params, b"", flags, deadline, cancelled=True)
            raise
        if uri and not (values and "migrate_uri" in values):
            params = [*params, *parameters.typed({"migrate_uri": uri}, parameters.MIGRATION)]
        return self._perform(destination, params, cookie, int(flags), deadline)

    def to_uri(
        self,
        uri: str,
        flags: DomainMigrateFlags | int = DomainMigrateFlags.LIVE,
        values: Values | None = None,
        *,
        disks: Iterable[str] = (),
        deadline: float | None = None,
    ) -> None:
        """Let the source's daemon move it to the daemon of that connection URI (virDomainMigrateToURI3)."""
        together = int(flags) | int(DomainMigrateFlags.PEER2PEER)
        self._call(_PERFORM, uri, _params(values, disks), b"", together, deadline=deadline)

    def start_post_copy(self, *, deadline: float | None = None) -> None:
        """Let the guest run there at once, its memory to follow (virDomainMigrateStartPostCopy)."""
        self._call(_START_POST_COPY, 0, deadline=deadline)

    def max_downtime(self, *, deadline: float | None = None) -> int:
        """For how many milliseconds the guest may stand still (virDomainMigrateGetMaxDowntime)."""
        return self._call(_MAX_DOWNTIME, 0, deadline=deadline)[0]

    def set_max_downtime(self, milliseconds: int, *, deadline: float | None = None) -> None:
        """Change that (virDomainMigrateSetMaxDowntime)."""
        self._call(_SET_MAX_DOWNTIME, milliseconds, 0, deadline=deadline)

    def max_speed(self, *, postcopy: bool = False, deadline: float | None = None) -> int:
        """How many MiB/s may be sent (virDomainMigrateGetMaxSpeed)."""
        return self._call(_MAX_SPEED, _speed_flags(postcopy), deadline=deadline)[0]

    def set_max_speed(self, bandwidth: int, *, postcopy: bool = False, deadline: float | None = None) -> None:
        """Change that (virDomainMigrateSetMaxSpeed)."""
        self._call(_SET_MAX_SPEED, bandwidth, _speed_flags(postcopy), deadline=deadline)

    def compression_cache(self, *, deadline: float | None = None) -> int:
        """How many bytes remember pages that were sent (virDomainMigrateGetCompressionCache)."""
        return self._call(_CACHE, 0, deadline=deadline)[0]

    def set_compression_cache(self, size: int, *, deadline: float | None = None) -> None:
        """Change that (virDomainMigrateSetCompressionCache)."""
        self._call(_SET_CACHE, size, 0, deadline=deadline)

    def _perform(
        self, destination: Host, params: list[TypedParam], cookie: bytes, flags: int, deadline: float | None
    ) -> Domain:
        """The steps from the sending on. Both sides are told how it went, whatever went wrong."""
        failure: VirtError | None = None
        sent = b""
        try:
            (sent,) = self._call(_PERFORM, None, params, cookie, flags, deadline=deadline)
        except VirtError as error:
            failure = error
        found: Any = None
        back = b""
        try:
            found, back = destination.call(_FINISH, params, sent, flags, int(failure is not None), deadline=deadline)
        except VirtError as error:
            failure = failure or error
        self._confirm(params, back, flags, deadline, cancelled=failure is not None)
        if failure is not None:
            raise failure
        from .domain import Domain

        return Domain(destination._session, found)

    def _confirm(
        self, params: list[TypedParam], cookie: bytes, flags: int, deadline: float | None, *, cancelled: bool
    ) -> None:
        self._call(_CONFIRM, params, cookie, int(flags), int(cancelled), deadline=deadline)


def _params(values: Values | None, disks: Iterable[str]) -> list[TypedParam]:
    params = parameters.typed(values or {}, parameters.MIGRATION)
    return [
        *params,
        *(one for disk in disks for one in parameters.typed({"migrate_disks": disk}, parameters.MIGRATION)),
    ]


def _speed_flags(postcopy: bool) -> int:
    return int(DomainMigrateMaxSpeedFlags.POSTCOPY) if postcopy else 0
