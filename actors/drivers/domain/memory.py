"""The guest's memory: how much it has, how much it may have, what its balloon tells of it. All sizes are KiB."""

from __future__ import annotations

from dataclasses import replace

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain_tuning import DomainMemoryModFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, OperationInvalid
from ....wire.table import DomainRef
from ...call import Call
from .domain_object import DomainObject
from .flags import IMPACTS, LIVE, check_not_zero, refusal

_MAXIMUM = int(DomainMemoryModFlags.MAXIMUM)


class Memory(DomainObject):
    """Calls about memory."""

    def domain_get_max_memory(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (self.definition.memory,)

    async def domain_set_max_memory(self, call: Call, dom: DomainRef, memory: int) -> None:
        check_not_zero(call, "memory", memory)
        await self._set_memory(call, memory, _MAXIMUM)

    async def domain_set_memory(self, call: Call, dom: DomainRef, memory: int) -> None:
        check_not_zero(call, "memory", memory)
        await self._set_memory(call, memory, LIVE)

    async def domain_set_memory_flags(self, call: Call, dom: DomainRef, memory: int, flags: int) -> None:
        check_not_zero(call, "memory", memory)
        self.check_flags(call, flags, IMPACTS | _MAXIMUM)
        await self._set_memory(call, memory, flags)

    async def _set_memory(self, call: Call, memory: int, flags: int) -> None:
        impact = flags & IMPACTS
        if flags & _MAXIMUM:
            if self.affected(impact).live:
                raise OperationInvalid("cannot resize the maximum memory on an active domain", object=self.name)
            await self.change_definition(call, impact, lambda definition: _with_maximum(definition, memory))
        else:
            await self.change_definition(call, impact, lambda definition: _with_current(definition, memory))

    async def domain_set_memory_stats_period(self, call: Call, dom: DomainRef, period: int, flags: int) -> None:
        if period < 0:
            raise refusal(f"period in {call.row.api} must be zero or greater")
        self.check_flags(call, flags, IMPACTS)
        await self.change_definition(call, flags, lambda definition: _with_period(definition, period))


def _with_maximum(definition: DomainDefinition, memory: int) -> DomainDefinition:
    current = definition.current_memory
    return replace(definition, memory=memory, current_memory=None if current is None else min(current, memory))


def _with_current(definition: DomainDefinition, memory: int) -> DomainDefinition:
    if memory > definition.memory:
        raise InvalidArgument("cannot set memory higher than max memory")
    return replace(definition, current_memory=memory)


def _with_period(definition: DomainDefinition, period: int) -> DomainDefinition:
    balloon = definition.devices.memballoon
    if balloon is None or balloon.model != "virtio":
        raise OperationInvalid(
            "No memory balloon device configured, can not set the collection period", code=ErrorNumber.INTERNAL_ERROR
        )
    balloon = replace(balloon, stats_period=period or None)
    return replace(definition, devices=replace(definition.devices, memballoon=balloon))
