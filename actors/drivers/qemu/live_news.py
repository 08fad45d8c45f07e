"""What an event of QEMU's changes in a guest's live document: pure functions, by the event's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....wire.documents.domain import Devices, Disk, DomainDefinition
from ....wire.documents.replacing import replace

BYTES_PER_KIB = 1024

Data = Mapping[str, Any]


def disk_of_node(definition: DomainDefinition, node: str) -> Disk | None:
    """The disk that a node of QEMU's block layer is of: nodes are named after the disk's target."""
    return next((disk for disk in definition.devices.disks if node.startswith(f"{disk.target}-")), None)


def disk_of_alias(definition: DomainDefinition, name: str) -> Disk | None:
    """The disk whose device QEMU calls so; a path of its objects has the name in it."""
    parts = name.split("/")
    return next((disk for disk in definition.devices.disks if disk.alias in parts), None)


def plugged_memory(definition: DomainDefinition) -> int:
    """KiB of virtio-mem devices that the guest has taken: they count beside what the balloon leaves it."""
    return sum(each.current or 0 for each in definition.devices.memories)


def adjustment(definition: DomainDefinition) -> int:
    """Seconds that the clock of a definition is to be off UTC, where it says so."""
    clock = definition.clock
    return (clock.adjustment or 0) if clock is not None and clock.offset == "variable" else 0


def _with_devices(live: DomainDefinition, **families: Any) -> DomainDefinition:
    devices: Devices = replace(live.devices, **families)
    return replace(live, devices=devices)


def _tray_moved(live: DomainDefinition, data: Data, clock_base: int) -> DomainDefinition:
    """A tray is open, or nothing is said of it."""
    moved = disk_of_alias(live, str(data.get("id") or data.get("device", "")))
    tray = "open" if data.get("tray-open") else None
    return _with_devices(
        live, disks=tuple(replace(disk, tray=tray) if disk is moved else disk for disk in live.devices.disks)
    )


def _clock_set(live: DomainDefinition, data: Data, clock_base: int) -> DomainDefinition:
    """The guest's clock is as far off as the guest has set it, counted from where it began."""
    if live.clock is None or live.clock.offset != "variable":
        return live
    return replace(live, clock=replace(live.clock, adjustment=int(data.get("offset", 0)) + clock_base))


def _balloon_changed(live: DomainDefinition, data: Data, clock_base: int) -> DomainDefinition:
    return replace(live, current_memory=int(data["actual"]) // BYTES_PER_KIB + plugged_memory(live))


def _memory_plugged(live: DomainDefinition, data: Data, clock_base: int) -> DomainDefinition:
    size = int(data.get("size", 0)) // BYTES_PER_KIB
    memories = tuple(
        replace(each, current=size) if each.alias == data.get("id") else each for each in live.devices.memories
    )
    changed = _with_devices(live, memories=memories)
    more = plugged_memory(changed) - plugged_memory(live)
    return replace(changed, current_memory=(live.current_memory or live.memory) + more)


_NOTED: Mapping[str, Callable[[DomainDefinition, Data, int], DomainDefinition]] = {
    "DEVICE_TRAY_MOVED": _tray_moved,
    "RTC_CHANGE": _clock_set,
    "BALLOON_CHANGE": _balloon_changed,
    "MEMORY_DEVICE_SIZE_CHANGE": _memory_plugged,
}


def noted(live: DomainDefinition, event: str, data: Data, clock_base: int) -> DomainDefinition:
    """The live document after an event; itself where that changes nothing. ``clock_base``: seconds, what the guest's
    clock was off UTC when it started."""
    note = _NOTED.get(event)
    return live if note is None else note(live, data, clock_base)
