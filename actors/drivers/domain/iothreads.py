"""I/O threads: which there are, and on which of the host's processors they run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....wire.cpuset import bits_of, format_numbers, numbers_of, parse_numbers
from ....wire.documents.domain import CpuTune, DomainDefinition, IOThread, IOThreadPin
from ....wire.enums.error import ErrorDomain
from ....wire.errors import InvalidArgument
from ....wire.params import TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import IOThreadInfo
from ...call import Call
from .flags import IMPACTS, check_one_impact, refusal
from .tunables import Tunables
from .typed_params import check_names

PARAMETERS = {
    "poll_max_ns": 4,
    "poll_grow": 2,
    "poll_shrink": 2,
    "thread_pool_min": 1,
    "thread_pool_max": 1,
}
_POOL = {"thread_pool_min": "pool_min", "thread_pool_max": "pool_max"}


class IOThreads(Tunables):
    """Calls about I/O threads."""

    def domain_get_iothread_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[IOThreadInfo], int]:
        check_one_impact(flags)
        self.check_flags(call, flags, IMPACTS)
        definition = self.definition_for(flags)
        pins = {pin.iothread: pin.cpuset for pin in definition.cputune.iothread_pins} if definition.cputune else {}
        found = [
            IOThreadInfo(thread.id, self._bits(definition, pins.get(thread.id))) for thread in threads_of(definition)
        ]
        return found, len(found)

    def _bits(self, definition: DomainDefinition, pinned: str | None) -> bytes:
        cpuset = definition.cpuset if pinned is None else pinned
        numbers = self.unpinned(definition) if cpuset is None else parse_numbers(cpuset)
        return bits_of(numbers, max(numbers, default=0) // 8 + 1)

    def unpinned(self, definition: DomainDefinition) -> Iterable[int]:
        """Where a thread may run of which nothing is said."""
        return self.host_cpus()

    def check_iothread_change(self, flags: int) -> None:
        """Refuse to change what the flags name. Raises InvalidArgument."""

    async def domain_add_iothread(self, call: Call, dom: DomainRef, iothread_id: int, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        if iothread_id == 0:
            raise InvalidArgument("invalid value of 0 for iothread_id")
        self.check_iothread_change(flags)

        def added(definition: DomainDefinition) -> DomainDefinition:
            threads = threads_of(definition)
            if any(thread.id == iothread_id for thread in threads):
                raise InvalidArgument(
                    f"an IOThread is already using iothread_id '{iothread_id}'", domain=ErrorDomain.DOMAIN
                )
            return _with_threads(definition, (*threads, IOThread(id=iothread_id)))

        await self.change_definition(call, flags, added)

    async def domain_del_iothread(self, call: Call, dom: DomainRef, iothread_id: int, flags: int) -> None:
        if iothread_id == 0:
            raise refusal(f"iothread_id in {call.row.api} must not be zero")
        self.check_flags(call, flags, IMPACTS)
        self.check_iothread_change(flags)

        def without(definition: DomainDefinition) -> DomainDefinition:
            threads = threads_of(definition)
            if all(thread.id != iothread_id for thread in threads):
                raise InvalidArgument(
                    f"cannot find IOThread '{iothread_id}' in iothreadids list", domain=ErrorDomain.DOMAIN
                )
            for disk in definition.devices.disks:
                if disk.driver is not None and disk.driver.iothread == iothread_id:
                    raise InvalidArgument(
                        f"cannot remove IOThread {iothread_id} since it is being used by disk '{disk.target}'",
                        domain=ErrorDomain.DOMAIN,
                    )
            left = tuple(thread for thread in threads if thread.id != iothread_id)
            return _with_threads(definition, left)

        await self.change_definition(call, flags, without)

    async def domain_pin_iothread(
        self, call: Call, dom: DomainRef, iothreads_id: int, cpumap: bytes, flags: int
    ) -> None:
        self.check_iothread_change(flags)
        self.check_flags(call, flags, IMPACTS)
        cpuset = format_numbers(numbers_of(cpumap))
        impact = self.affected(flags)
        if not cpuset:
            raise InvalidArgument("Empty iothread cpumap list for pinning")

        def pinned(definition: DomainDefinition) -> DomainDefinition:
            threads = threads_of(definition)
            if all(thread.id != iothreads_id for thread in threads):
                raise InvalidArgument(f"iothreadid {iothreads_id} not found")
            definition = _with_threads(definition, threads)
            tune = definition.cputune or CpuTune()
            pins = {pin.iothread: pin for pin in tune.iothread_pins}
            pins[iothreads_id] = IOThreadPin(iothread=iothreads_id, cpuset=cpuset)
            return replace(definition, cputune=replace(tune, iothread_pins=tuple(pins.values())))

        await self.change_definition(call, flags, pinned)
        if impact.live:
            self.tell_pinned(f"iothreadpin{iothreads_id}", cpuset)

    async def domain_set_iothread_params(
        self, call: Call, dom: DomainRef, iothread_id: int, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, PARAMETERS)

        def changed(definition: DomainDefinition) -> DomainDefinition:
            threads = threads_of(definition)
            if all(thread.id != iothread_id for thread in threads):
                raise InvalidArgument(f"cannot find IOThread '{iothread_id}' in iothreadids")
            sizes = {_POOL[each.field]: each.value for each in params if each.field in _POOL}
            if not sizes:
                return definition
            changed = (replace(each, **sizes) if each.id == iothread_id else each for each in threads)
            return _with_threads(definition, tuple(changed))

        await self.change_definition(call, flags, changed)


def check_not_empty(call: Call, params: list[TypedParam]) -> None:
    """Refuse a change of nothing. Raises InvalidArgument."""
    if not params:
        raise refusal(f"params in {call.row.api} must not be NULL")


def threads_of(definition: DomainDefinition) -> tuple[IOThread, ...]:
    """The threads of a definition, those that it only counts by the numbers that they get."""
    if definition.iothread_ids:
        return definition.iothread_ids
    return tuple(IOThread(id=number) for number in range(1, (definition.iothreads or 0) + 1))


def _with_threads(definition: DomainDefinition, threads: tuple[IOThread, ...]) -> DomainDefinition:
    kept = {thread.id for thread in threads}
    tune = definition.cputune
    if tune is not None:
        tune = replace(tune, iothread_pins=tuple(pin for pin in tune.iothread_pins if pin.iothread in kept))
    return replace(definition, iothreads=len(threads) or None, iothread_ids=threads, cputune=tune)
