"""Processors of a running guest: plugged in, and taken out again as far as the guest lets go of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ....wire.cpuset import parse_numbers
from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain_tuning import DomainVcpuFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, NotSupported, OperationInvalid, UnsupportedConfig
from ....wire.table import DomainRef
from ...call import Call
from ..domain.flags import IMPACTS
from ..domain.vcpu_lists import enabled, individually, with_count, with_enabled, with_list
from .departures import Departures

_ALIAS = re.compile(r"vcpu(\d+)")
# The order in which QEMU numbers processors.
_PLACES = ("node-id", "socket-id", "die-id", "core-id", "thread-id")


class VcpuChanges(Departures):
    """Calls that change which processors there are, and how the running guest follows."""

    def with_vcpu_count(self, definition: DomainDefinition, count: int, flags: int) -> DomainDefinition:
        if definition is not self.live:
            hotpluggable = bool(flags & DomainVcpuFlags.HOTPLUGGABLE)
            return with_count(definition, count, hotpluggable=hotpluggable)
        there = enabled(definition)
        if count >= len(there):
            absent = [each.id for each in individually(definition) if not each.enabled]
            return with_enabled(definition, absent[: count - len(there)], True)
        movable = [each.id for each in individually(definition) if each.enabled and each.hotpluggable]
        if len(movable) < len(there) - count:
            raise OperationInvalid(
                "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count",
                object=self.name,
            )
        return with_enabled(definition, movable[count - len(there) :], False)

    async def domain_set_vcpu(self, call: Call, dom: DomainRef, cpumap: str, state: int, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        if state not in (0, 1):
            raise InvalidArgument("unsupported state value")
        try:
            numbers = parse_numbers(cpumap)
        except ValueError:
            raise InvalidArgument(f"Failed to parse bitmap '{cpumap}'") from None
        if not numbers:
            raise InvalidArgument("no vcpus selected for modification")

        def changed(definition: DomainDefinition) -> DomainDefinition:
            check = _check_live if definition is self.live else _check_kept
            check(definition, numbers, bool(state))
            return with_enabled(definition, numbers, bool(state))

        await self.change_definition(call, flags, changed)

    async def change_vcpus(self, call: Call, before: DomainDefinition, live: DomainDefinition) -> DomainDefinition:
        """Plug processors in, or ask the guest to let go of such as have been plugged in, until all is as told.

        What has been done when it fails stays done, and stands in the live definition.
        """
        there, wanted = enabled(before), enabled(live)
        slots = await self.execute(call, "query-hotpluggable-cpus")
        slots = sorted(slots, key=lambda slot: [slot["props"].get(place, 0) for place in _PLACES])
        if any(slot["vcpus-count"] != 1 for slot in slots):
            raise UnsupportedConfig("this machine's processors come several at a time")
        done = before
        try:
            for number in sorted(wanted - there):
                slot = slots[number]
                await self.execute(call, "device_add", {"driver": slot["type"], "id": f"vcpu{number}", **slot["props"]})
                done = _in_order(with_enabled(done, {number}, True))
            for number in sorted(there - wanted, reverse=True):
                await self.let_go(call, f"vcpu{number}")
                done = _in_order(with_enabled(done, {number}, False))
        finally:
            if done is not before and self.live is not None:
                self.live = with_list(self.live, done.vcpu_list)
                self.save_live_state()
        return with_list(live, done.vcpu_list)

    def left_late(self, alias: str) -> None:
        super().left_late(alias)
        found = _ALIAS.fullmatch(alias)
        if found is not None and self.live is not None and int(found[1]) in enabled(self.live):
            self.live = _in_order(with_enabled(self.live, {int(found[1])}, False))
            self.save_live_state()


def _check_live(definition: DomainDefinition, numbers: frozenset[int], state: bool) -> None:
    """Refuse what a running guest cannot follow. Raises InvalidArgument, NotSupported."""
    vcpus = {each.id: each for each in individually(definition)}
    for number in sorted(numbers):
        if number not in vcpus:
            raise InvalidArgument(f"vcpu {number} is not present in live config")
        if vcpus[number].enabled == state:
            raise InvalidArgument(f"vcpu '{number}' is already in requested state")
        if not state and not vcpus[number].hotpluggable:
            raise NotSupported(f"vcpu '{number}' can't be unplugged", code=ErrorNumber.OPERATION_UNSUPPORTED)
    if len(numbers) > 1:
        # Some could be done and others not.
        raise NotSupported("only one hotpluggable entity can be selected", code=ErrorNumber.OPERATION_UNSUPPORTED)


def _check_kept(definition: DomainDefinition, numbers: frozenset[int], state: bool) -> None:
    """Refuse what no definition may say. Raises InvalidArgument."""
    if 0 in numbers:
        raise InvalidArgument("vCPU '0' can't be modified")
    if missing := sorted(numbers - {each.id for each in individually(definition)}):
        raise InvalidArgument(f"vcpu {missing[0]} is not present in persistent config")


def _in_order(definition: DomainDefinition) -> DomainDefinition:
    """The live definition with its processors' places in the order in which they were plugged in."""
    vcpus = individually(definition)
    there = [each for each in vcpus if each.enabled]
    there.sort(key=lambda each: (bool(each.hotpluggable), each.order or len(vcpus), each.id))
    order = {each.id: place for place, each in enumerate(there, 1)}
    return replace(definition, vcpu_list=tuple(replace(each, order=order.get(each.id)) for each in vcpus))


def describes_vcpu(alias: Any) -> bool:
    """Whether QEMU's device of that alias is a processor."""
    return _ALIAS.fullmatch(str(alias)) is not None
