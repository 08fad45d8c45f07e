"""Changes of a running guest's definition, and how its QEMU and the kernel are told of them.

``apply_live`` compares what the definition says with what it is to say. Each thing that can change has a coroutine that
brings it about; where anything else differs, nothing is done.
"""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import Any

from ....wire.documents.domain import Devices, Disk, DomainDefinition, Vcpu
from ....wire.enums.error import ErrorNumber
from ....wire.errors import OperationInvalid, OperationTimeout, UnsupportedConfig
from ...call import Call
from ...monitor.qmp import QmpEvent
from .command_line.disk import throttle
from .command_line.iothread import iothread_pools
from .guest import BYTES_PER_KIB
from .guest_figures import is_of
from .placing import PLACED, Placing

# Seconds that a guest has to let go of a device.
PATIENCE = 5.0
_NO_LIMITS: dict[str, Any] = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
_CHANGING = frozenset({"current_memory", "devices", "perf", *PLACED})
_CHANGING_DEVICES = frozenset({"disks", "memballoon"})
# The order in which QEMU numbers processors.
_PLACES = ("node-id", "socket-id", "die-id", "core-id", "thread-id")


class LiveChanges(Placing):
    """How the running guest follows its definition."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Devices that the guest has been asked to let go of, by alias.
        self._leaving: dict[str, asyncio.Future[None]] = {}

    async def apply_live(self, call: Call, live: DomainDefinition) -> DomainDefinition:
        before = self.definition
        _check_changes(before, live)
        if live.current_memory != before.current_memory:
            await self._set_balloon(call, live)
        if live.devices.memballoon != before.devices.memballoon:
            await self._set_stats_period(call, live)
        for old, new in zip(before.devices.disks, live.devices.disks, strict=True):
            if old != new:
                await self._throttle(call, new)
        if (live.iothreads, live.iothread_ids) != (before.iothreads, before.iothread_ids):
            await self._change_iothreads(call, before, live)
        if live.current_vcpus != before.current_vcpus:
            live = await self._change_vcpus(call, before, live)
        if any(getattr(live, name) != getattr(before, name) for name in PLACED):
            await self.place_anew(call, before, live)
        if live.perf != before.perf:
            await self.count(live)
        return live

    # -- memory --------------------------------------------------------------------------------------------------------

    async def _set_balloon(self, call: Call, live: DomainDefinition) -> None:
        balloon = live.devices.memballoon
        if balloon is None or balloon.model == "none":
            raise OperationInvalid(
                "Unable to change memory of active domain without the balloon device and guest OS balloon driver",
                object=self.name,
            )
        await self.execute(call, "balloon", {"value": (live.current_memory or live.memory) * BYTES_PER_KIB})

    async def _set_stats_period(self, call: Call, live: DomainDefinition) -> None:
        balloon = live.devices.memballoon
        assert balloon is not None
        path = f"/machine/peripheral/{balloon.alias}"
        value = {"path": path, "property": "guest-stats-polling-interval", "value": balloon.stats_period or 0}
        await self.execute(call, "qom-set", value)

    # -- disks ---------------------------------------------------------------------------------------------------------

    async def _throttle(self, call: Call, disk: Disk) -> None:
        told = await self.execute(call, "query-block")
        # A virtio disk's drive belongs to a part of its device, not to the device of the alias.
        drive = next((each["qdev"] for each in told if disk.alias and is_of(each, disk.alias)), disk.alias)
        limits: dict[str, Any] = throttle(disk) or _NO_LIMITS
        await self.execute(call, "block_set_io_throttle", {**limits, "id": drive})

    # -- threads -------------------------------------------------------------------------------------------------------

    async def _change_iothreads(self, call: Call, before: DomainDefinition, live: DomainDefinition) -> None:
        old = {number: (low, high) for number, low, high in iothread_pools(before)}
        new = {number: (low, high) for number, low, high in iothread_pools(live)}
        for number in old.keys() - new.keys():
            await self.execute(call, "object-del", {"id": f"iothread{number}"})
        for number, (low, high) in new.items():
            limits = {"thread-pool-min": low, "thread-pool-max": high}
            if number not in old:
                said = {name: value for name, value in limits.items() if value is not None}
                await self.execute(call, "object-add", {"qom-type": "iothread", "id": f"iothread{number}", **said})
            elif old[number] != (low, high):
                for name, value in limits.items():
                    if value is not None:
                        path = f"/objects/iothread{number}"
                        await self.execute(call, "qom-set", {"path": path, "property": name, "value": value})

    # -- processors ----------------------------------------------------------------------------------------------------

    async def _change_vcpus(self, call: Call, before: DomainDefinition, live: DomainDefinition) -> DomainDefinition:
        """Plug processors in, or ask the guest to let go of such as have been plugged in."""
        wanted = live.current_vcpus or live.vcpus or 1
        slots = await self.execute(call, "query-hotpluggable-cpus")
        slots = sorted(slots, key=lambda slot: [slot["props"].get(place, 0) for place in _PLACES])
        if any(slot["vcpus-count"] != 1 for slot in slots):
            raise UnsupportedConfig("this machine's processors come several at a time")
        used = {number for number, slot in enumerate(slots) if "qom-path" in slot}
        for number in sorted(set(range(len(slots))) - used)[: max(0, wanted - len(used))]:
            slot = slots[number]
            await self.execute(call, "device_add", {"driver": slot["type"], "id": f"vcpu{number}", **slot["props"]})
            used.add(number)
        if len(used) > wanted:
            await self._unplug_vcpus(call, slots, used, wanted)
        return _with_vcpus(live, used)

    async def _unplug_vcpus(self, call: Call, slots: list[Any], used: set[int], wanted: int) -> None:
        removable = [number for number in sorted(used, reverse=True) if _alias_of(slots[number]) == f"vcpu{number}"]
        if len(removable) < len(used) - wanted:
            raise OperationInvalid(
                "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count",
                object=self.name,
            )
        for number in removable[: len(used) - wanted]:
            await self.let_go(call, f"vcpu{number}")
            used.discard(number)

    async def let_go(self, call: Call, alias: str) -> None:
        """Ask the guest to let go of a device, and wait until it has. Raises OperationTimeout when it does not."""
        gone = self._leaving[alias] = self.runtime.loop.create_future()
        try:
            await self.execute(call, "device_del", {"id": alias})
            async with asyncio.timeout(PATIENCE):
                await gone
        except TimeoutError:
            raise OperationTimeout(
                f"unplug of device '{alias}' timed out: the guest has not let go of it yet",
                object=self.name,
                code=ErrorNumber.OPERATION_TIMEOUT,
            ) from None
        finally:
            self._leaving.pop(alias, None)

    def on_device_deleted(self, event: QmpEvent) -> None:
        gone = self._leaving.get(str(event.data.get("device")))
        if gone is not None and not gone.done():
            gone.set_result(None)


def _alias_of(slot: Any) -> str:
    return str(slot["qom-path"]).rpartition("/")[2]


def _with_vcpus(live: DomainDefinition, used: set[int]) -> DomainDefinition:
    """The live definition with the processors that are there."""

    def updated(vcpu: Vcpu) -> Vcpu:
        return replace(vcpu, enabled=vcpu.id in used, order=vcpu.order if vcpu.id in used else None)

    return replace(live, current_vcpus=len(used), vcpu_list=tuple(updated(vcpu) for vcpu in live.vcpu_list))


def _check_changes(before: DomainDefinition, live: DomainDefinition) -> None:
    """Refuse what no running guest can follow. Raises UnsupportedConfig that names it."""
    changed = _different(before, live) - _CHANGING
    if not changed and before.devices != live.devices:
        changed = _different(before.devices, live.devices) - _CHANGING_DEVICES
    if changed:
        raise UnsupportedConfig(f"{', '.join(sorted(changed))}: cannot be changed while the guest runs")


def _different(one: DomainDefinition | Devices, other: DomainDefinition | Devices) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}
