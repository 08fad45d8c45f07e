"""How a domain shares the host with others: processors, block layer, performance counters."""

from __future__ import annotations

from collections.abc import Mapping

from ...wire.params import ParamType, ParamValue, values_of
from ...wire.table import ROWS
from ..values import STRINGS_TOO, impact
from . import parameters
from .identity import Part

_SCHEDULER_TYPE = ROWS["domain_get_scheduler_type"]
_SCHEDULER = ROWS["domain_get_scheduler_parameters"]
_SCHEDULER_FLAGS = ROWS["domain_get_scheduler_parameters_flags"]
_SET_SCHEDULER = ROWS["domain_set_scheduler_parameters_flags"]
_BLOCK = ROWS["domain_get_blkio_parameters"]
_SET_BLOCK = ROWS["domain_set_blkio_parameters"]
_PERF = ROWS["domain_get_perf_events"]
_SET_PERF = ROWS["domain_set_perf_events"]
_SET_THROTTLE_GROUP = ROWS["domain_set_throttle_group"]
_DELETE_THROTTLE_GROUP = ROWS["domain_del_throttle_group"]

PARAMETERS_MAX = 16


class Tuning(Part):
    """``guest.tuning``. Parameters are mappings by libvirt's names of them."""

    __slots__ = ()

    def scheduler_type(self, *, deadline: float | None = None) -> str:
        """What divides the host's processors, such as ``posix`` (virDomainGetSchedulerType)."""
        return self._call(_SCHEDULER_TYPE, deadline=deadline)[0]

    def scheduler(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """Its parameters: shares, and periods and quotas in microseconds (virDomainGetSchedulerParametersFlags)."""
        if live or config:
            (params,) = self._call(_SCHEDULER_FLAGS, PARAMETERS_MAX, impact(live, config), deadline=deadline)
        else:
            # libvirt's own test driver answers this older form only.
            (params,) = self._call(_SCHEDULER, PARAMETERS_MAX, deadline=deadline)
        return values_of(params)

    def set_scheduler(
        self,
        values: Mapping[str, int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change some of them (virDomainSetSchedulerParametersFlags)."""
        params = parameters.typed(values, parameters.SCHEDULER)
        self._call(_SET_SCHEDULER, params, impact(live, config), deadline=deadline)

    def block(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """Weights and limits of its block devices on the host (virDomainGetBlkioParameters)."""
        return self._parameters(_BLOCK, PARAMETERS_MAX, live=live, config=config, deadline=deadline)

    def set_block(
        self,
        values: Mapping[str, int | str],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change some of them (virDomainSetBlkioParameters); of devices: ``/dev/sda,500,/dev/sdb,100``."""
        params = parameters.typed(values, parameters.BLOCK)
        self._call(_SET_BLOCK, params, impact(live, config), deadline=deadline)

    def perf_events(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, bool]:
        """Which performance counters run for it (virDomainGetPerfEvents)."""
        flags = impact(live, config) | STRINGS_TOO
        (params,) = self._call(_PERF, flags, deadline=deadline)
        return {param.field: bool(param.value) for param in params}

    def set_perf_events(
        self,
        events: Mapping[str, bool],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Switch some of them on or off (virDomainSetPerfEvents)."""
        params = parameters.all_of_type(events, ParamType.BOOLEAN)
        self._call(_SET_PERF, params, impact(live, config), deadline=deadline)

    def set_throttle_group(
        self,
        group: str,
        values: Mapping[str, int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Make or change a group of limits that disks share (virDomainSetThrottleGroup)."""
        params = parameters.typed(values, parameters.DISK_IO)
        self._call(_SET_THROTTLE_GROUP, group, params, impact(live, config), deadline=deadline)

    def delete_throttle_group(
        self, group: str, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Forget a group that no disk uses (virDomainDelThrottleGroup)."""
        self._call(_DELETE_THROTTLE_GROUP, group, impact(live, config), deadline=deadline)
