"""How the host's resources are shared out to the guest: scheduler, memory, block devices, nodes, counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, get_args

from ....wire.cpuset import format_numbers, parse_numbers
from ....wire.documents.domain import (
    BlkioDevice,
    BlkioTune,
    CpuTune,
    DomainDefinition,
    MemoryTune,
    NumaTune,
    PerfEvent,
)
from ....wire.documents.domain.tuning import NumaMode
from ....wire.enums.domain_tuning import DomainNumatuneMemMode
from ....wire.enums.error import ErrorDomain
from ....wire.errors import InvalidArgument, OperationInvalid, UnsupportedConfig
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ...call import Call
from .flags import IMPACTS, TEXT_OKAY
from .iothreads import check_not_empty
from .tunables import Tunables
from .typed_params import check_names, first

# KiB; what libvirt calls a limit that there is not.
UNLIMITED = 9007199254740991
_LLONG, _ULLONG, _UINT, _INT, _TEXT = (
    ParamType.LLONG, ParamType.ULLONG, ParamType.UINT, ParamType.INT, ParamType.STRING,
)  # fmt: skip
_MEMORY_LIMITS = ("hard_limit", "soft_limit", "swap_hard_limit")
# A parameter of block devices' and the field of BlkioDevice that it is about.
_BLKIO_DEVICES = {
    "device_weight": "weight",
    "device_read_iops_sec": "read_iops",
    "device_write_iops_sec": "write_iops",
    "device_read_bytes_sec": "read_bytes",
    "device_write_bytes_sec": "write_bytes",
}
_SCHEDULER: Mapping[str, tuple[str, ParamType]] = {
    "cpu_shares": ("shares", _ULLONG),
    "vcpu_period": ("period", _ULLONG),
    "vcpu_quota": ("quota", _LLONG),
    "emulator_period": ("emulator_period", _ULLONG),
    "emulator_quota": ("emulator_quota", _LLONG),
    "global_period": ("global_period", _ULLONG),
    "global_quota": ("global_quota", _LLONG),
    "iothread_period": ("iothread_period", _ULLONG),
    "iothread_quota": ("iothread_quota", _LLONG),
}
PERF_EVENTS = (
    "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
    "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock",
    "task_clock", "page_faults", "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj",
    "alignment_faults", "emulation_faults",
)  # fmt: skip
Change = Callable[[DomainDefinition], DomainDefinition]


class Tuning(Tunables):
    """Calls about parameters of resources."""

    # A running guest's weight for the host's disks when nothing is said of it.
    usual_weight = 0

    # What the parameters of a scheduler may be beside 0 and less, which is none.
    scheduler_ranges: ClassVar[Mapping[str, range]] = {}

    def usual_scheduler(self) -> Mapping[str, int]:
        """What a running guest has of which nothing is said, by the fields of CpuTune."""
        return {}

    # -- scheduler -----------------------------------------------------------------------------------------------------

    def domain_get_scheduler_type(self, call: Call, dom: DomainRef) -> tuple[str, int]:
        return "posix", len(_SCHEDULER)

    def domain_get_scheduler_parameters(self, call: Call, dom: DomainRef, nparams: int) -> tuple[list[TypedParam]]:
        return (self._scheduler(self.definition)[:nparams],)

    def domain_get_scheduler_parameters_flags(
        self, call: Call, dom: DomainRef, nparams: int, flags: int
    ) -> tuple[list[TypedParam]]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        return (self._scheduler(self.definition_for(flags & IMPACTS))[:nparams],)

    def _scheduler(self, definition: DomainDefinition) -> list[TypedParam]:
        tune = definition.cputune or CpuTune()
        usual = self.usual_scheduler() if definition is self.live else {}
        found: list[TypedParam] = []
        for name, (field, type_) in _SCHEDULER.items():
            value = getattr(tune, field)
            found.append(TypedParam(name, int(type_), usual.get(field, 0) if value is None else value))
        return found

    async def domain_set_scheduler_parameters(self, call: Call, dom: DomainRef, params: list[TypedParam]) -> None:
        await self._set_scheduler(call, params, 0)

    async def domain_set_scheduler_parameters_flags(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        self.check_flags(call, flags, IMPACTS)
        await self._set_scheduler(call, params, flags)

    async def _set_scheduler(self, call: Call, params: list[TypedParam], flags: int) -> None:
        check_not_empty(call, params)
        check_names(params, {name: type_ for name, (_, type_) in _SCHEDULER.items()})
        for param in params:
            allowed = self.scheduler_ranges.get(param.field)
            if allowed is not None and int(param.value) > 0 and param.value not in allowed:
                bounds = f"[{allowed.start}, {allowed.stop - 1}]"
                raise InvalidArgument(f"value of '{param.field}' is out of range {bounds}")
        values = {_SCHEDULER[param.field][0]: param.value or None for param in params}
        impact = self.affected(flags)
        await self.change_definition(
            call, flags, lambda definition: replace(definition, cputune=_or_none(definition.cputune, CpuTune(), values))
        )
        if impact.live:
            self.tell_tuned(*(param._replace(field=f"cputune.{param.field}") for param in params))

    # -- memory --------------------------------------------------------------------------------------------------------

    def domain_get_memory_parameters(
        self, call: Call, dom: DomainRef, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        tune = self.definition_for(flags & IMPACTS).memtune or MemoryTune()
        limits = ((name, getattr(tune, name)) for name in _MEMORY_LIMITS)
        found = [TypedParam(name, _ULLONG, UNLIMITED if limit is None else limit) for name, limit in limits]
        return first(found, nparams)

    async def domain_set_memory_parameters(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, dict.fromkeys(_MEMORY_LIMITS, _ULLONG))
        self.affected(flags)
        values = {param.field: param.value if int(param.value) < UNLIMITED else None for param in params}

        def changed(definition: DomainDefinition) -> DomainDefinition:
            tune = _or_none(definition.memtune, MemoryTune(), values)
            hard, swap = (tune.hard_limit, tune.swap_hard_limit) if tune else (None, None)
            if swap is not None and (UNLIMITED if hard is None else hard) > swap:
                raise InvalidArgument("memory hard_limit tunable value must be lower than or equal to swap_hard_limit")
            return replace(definition, memtune=tune)

        await self.change_definition(call, flags, changed)

    # -- block devices -------------------------------------------------------------------------------------------------

    def domain_get_blkio_parameters(
        self, call: Call, dom: DomainRef, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        definition = self.definition_for(flags & IMPACTS)
        tune = definition.blkiotune or BlkioTune()
        usual = self.usual_weight if definition is self.live else 0
        found = [
            TypedParam("weight", _UINT, tune.weight or usual),
            *(TypedParam(name, _TEXT, _shown(tune.devices, field)) for name, field in _BLKIO_DEVICES.items()),
        ]
        return first(found, nparams)

    async def domain_set_blkio_parameters(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, {"weight": _UINT, **dict.fromkeys(_BLKIO_DEVICES, _TEXT)})
        self.affected(flags)

        def changed(definition: DomainDefinition) -> DomainDefinition:
            tune = definition.blkiotune or BlkioTune()
            for param in params:
                if param.field == "weight":
                    tune = replace(tune, weight=param.value or None)
                else:
                    said = _said(param.field, str(param.value))
                    tune = replace(tune, devices=_merged(tune.devices, _BLKIO_DEVICES[param.field], said))
            return replace(definition, blkiotune=None if tune == BlkioTune() else tune)

        await self.change_definition(call, flags, changed)

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def domain_get_numa_parameters(
        self, call: Call, dom: DomainRef, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        tune = self.definition_for(flags & IMPACTS).numatune or NumaTune()
        found = [
            TypedParam("numa_mode", _INT, int(DomainNumatuneMemMode[(tune.mode or "strict").upper()])),
            TypedParam("numa_nodeset", _TEXT, tune.nodeset or ""),
        ]
        return first(found, nparams)

    async def domain_set_numa_parameters(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, {"numa_mode": _INT, "numa_nodeset": _TEXT})
        impact = self.affected(flags)
        mode, nodeset = _numa_values(params)
        now = self.live.numatune.mode if self.live is not None and self.live.numatune is not None else None
        if impact.live and mode is not None and mode != (now or "strict"):
            raise OperationInvalid("can't change numatune mode for running domain", object=self.name)
        await self.change_definition(call, flags, lambda definition: _with_nodes(definition, mode, nodeset))

    # -- counters ------------------------------------------------------------------------------------------------------

    def domain_get_perf_events(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[TypedParam]]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        enabled = {event.name: event.enabled for event in self.definition_for(flags & IMPACTS).perf}
        return ([TypedParam(name, ParamType.BOOLEAN, enabled.get(name, False)) for name in PERF_EVENTS],)

    async def domain_set_perf_events(self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, dict.fromkeys(PERF_EVENTS, ParamType.BOOLEAN))

        def changed(definition: DomainDefinition) -> DomainDefinition:
            events = {event.name: event.enabled for event in definition.perf}
            events |= {param.field: bool(param.value) for param in params}
            kept = tuple(PerfEvent(name=name, enabled=events[name]) for name in PERF_EVENTS if name in events)
            return replace(definition, perf=kept)

        await self.change_definition(call, flags, changed)


def _or_none(tune: Any, empty: Any, values: Mapping[str, Any]) -> Any:
    """A tuning with other values, None when it says nothing then."""
    changed = replace(tune or empty, **values)
    return None if changed == empty else changed


def _shown(devices: tuple[BlkioDevice, ...], field: str) -> str:
    """One figure of all devices, as "/dev/sda,500,/dev/sdb,400"."""
    return ",".join(f"{device.path},{value}" for device in devices if (value := getattr(device, field)))


def _said(name: str, text: str) -> dict[str, int]:
    """What such a text says, by device. Raises InvalidArgument."""
    parts = text.split(",") if text else []
    paths, numbers = parts[::2], parts[1::2]
    if len(paths) != len(numbers):
        raise InvalidArgument(f"unable to parse blkio device '{name}' '{text}'", domain=ErrorDomain.DOMAIN)
    for path, number in zip(paths, numbers, strict=True):
        if not (number.isascii() and number.isdigit()):
            raise InvalidArgument(
                f"invalid value '{number}' for parameter '{name}' of device '{path}'", domain=ErrorDomain.DOMAIN
            )
    return {path: int(number) for path, number in zip(paths, numbers, strict=True)}


def _merged(devices: tuple[BlkioDevice, ...], field: str, said: Mapping[str, int]) -> tuple[BlkioDevice, ...]:
    known = {device.path: device for device in devices}
    for path, value in said.items():
        known[path] = replace(known.get(path, BlkioDevice(path=path)), **{field: value or None})
    return tuple(device for device in known.values() if device != BlkioDevice(path=device.path))


def _numa_values(params: list[TypedParam]) -> tuple[NumaMode | None, str | None]:
    mode: NumaMode | None = None
    nodeset: str | None = None
    for param in params:
        if param.field == "numa_mode":
            modes: tuple[NumaMode, ...] = get_args(NumaMode)
            if not 0 <= int(param.value) < len(modes):
                raise InvalidArgument(f"unsupported numatune mode: '{param.value}'")
            mode = modes[int(param.value)]
        else:
            nodeset = _nodes(str(param.value))
    return mode, nodeset


def _nodes(text: str) -> str:
    try:
        nodes = parse_numbers(text)
    except ValueError:
        raise InvalidArgument(f"Failed to parse bitmap '{text}'", domain=ErrorDomain.DOMAIN) from None
    if not nodes:
        raise OperationInvalid(f"Invalid nodeset for 'numatune': {text}")
    return format_numbers(nodes)


def _with_nodes(definition: DomainDefinition, mode: NumaMode | None, nodeset: str | None) -> DomainDefinition:
    tune = definition.numatune or NumaTune()
    tune = replace(tune, mode=mode or tune.mode or "strict", nodeset=nodeset or tune.nodeset)
    if tune.nodeset is None and tune.placement != "auto":
        raise UnsupportedConfig(
            "nodeset for NUMA memory tuning must be set if 'placement' is 'static'", domain=ErrorDomain.DOMAIN
        )
    return replace(definition, numatune=tune)
