"""Changes of a running guest's definition, and how its QEMU and the kernel are told of them.

``apply_live`` compares what the definition says with what it is to say. Each thing that can change has a coroutine that
brings it about; where anything else differs, nothing is done.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ....wire.documents.domain import Devices, Disk, DomainDefinition
from ....wire.errors import OperationInvalid, UnsupportedConfig
from ...call import Call
from .command_line.disk import throttle
from .command_line.iothread import iothread_pools
from .guest import BYTES_PER_KIB
from .guest_figures import is_of
from .placing import PLACED, Placing
from .vcpu_changes import VcpuChanges

_NO_LIMITS: dict[str, Any] = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
_CHANGING = frozenset({"current_memory", "devices", "perf", *PLACED})
_CHANGING_DEVICES = frozenset({"disks", "memballoon"})


class LiveChanges(VcpuChanges, Placing):
    """How the running guest follows its definition."""

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
        if (live.current_vcpus, live.vcpu_list) != (before.current_vcpus, before.vcpu_list):
            live = await self.change_vcpus(call, before, live)
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


def _check_changes(before: DomainDefinition, live: DomainDefinition) -> None:
    """Refuse what no running guest can follow. Raises UnsupportedConfig that names it."""
    changed = _different(before, live) - _CHANGING
    if not changed and before.devices != live.devices:
        changed = _different(before.devices, live.devices) - _CHANGING_DEVICES
    if changed:
        raise UnsupportedConfig(f"{', '.join(sorted(changed))}: cannot be changed while the guest runs")


def _different(one: DomainDefinition | Devices, other: DomainDefinition | Devices) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}
