"""Where disks sit on the controllers of drives: the address that a disk's name tells, and the controllers needed.

"sdb" is the second disk of its bus, wherever it stands in the document. Two disks at one place are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ....wire.documents.domain import Controller, Devices, Disk, DriveAddress
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig, XMLError
from .machine import MachineFamily


@dataclass(frozen=True, slots=True)
class DriveBus:
    """A kind of controller. ``per_controller`` drives get their places on one by their names, ``per_bus`` on each of
    its buses; ``targets`` and ``units`` bound what an address may say. ``reserved`` is a unit of the controller's own.
    """

    per_controller: int
    per_bus: int
    buses: int
    targets: int
    units: int
    reserved: int | None = None

    def address(self, index: int) -> DriveAddress:
        """The place of the disk of that number, from 0."""
        controller, rest = divmod(index, self.per_controller)
        bus, unit = divmod(rest, self.per_bus)
        if self.reserved is not None and unit >= self.reserved:
            unit += 1
        return DriveAddress(controller=controller, bus=bus, unit=unit)

    def has(self, address: DriveAddress) -> bool:
        """Whether there is such a place; the controller's own is none."""
        return (
            address.bus < self.buses
            and address.target < self.targets
            and address.unit < self.units
            and (self.reserved is None or address.target > 0 or address.unit != self.reserved)
        )


BUSES: dict[str, DriveBus] = {
    "ide": DriveBus(per_controller=4, per_bus=2, buses=2, targets=1, units=2),
    "sata": DriveBus(per_controller=6, per_bus=6, buses=1, targets=1, units=6),
    "fdc": DriveBus(per_controller=2, per_bus=2, buses=1, targets=1, units=2),
    "scsi": DriveBus(per_controller=7, per_bus=7, buses=1, targets=256, units=16384, reserved=7),
}
# Chips whose disks have a target of their own and nothing else; libvirt calls it their unit.
NARROW_CHIPS = ("lsilogic", "am53c974", "dc390")
# Targets and units that chips have.
SCSI_LIMITS = {
    "virtio-scsi": (256, 16384),
    "lsilogic": (1, 8),
    "lsisas1068": (8, 2),
    "lsisas1078": (128, 256),
    "vmpvscsi": (64, 1),
    "am53c974": (1, 7),
    "dc390": (1, 7),
}
IDE_CONTROLLERS = 1
FDC_CONTROLLERS = 1


def with_drives(devices: Devices, family: MachineFamily) -> Devices:
    """The devices with an address for every disk on a bus of drives, and the controllers for them.

    Raises XMLError for a name that tells no place and for places that are taken twice, UnsupportedConfig for ones that
    the machine does not have.
    """
    disks = tuple(_with_drive(disk) if disk.bus in BUSES else disk for disk in devices.disks)
    placed = [(disk, disk.address) for disk in disks if isinstance(disk.address, DriveAddress)]
    taken: dict[tuple[Any, ...], str] = {}
    for disk, address in placed:
        _check(disk, address, family)
        place = (disk.bus, address.controller, address.bus, address.target, address.unit)
        if place in taken:
            raise XMLError(f"disks {taken[place]!r} and {disk.target!r} have the same drive address")
        taken[place] = disk.target
    needed = [(disk.bus, address.controller) for disk, address in placed]
    return replace(with_controllers(devices, needed, scsi=family.scsi_model), disks=disks)


def with_controllers(devices: Devices, needed: Iterable[tuple[Any, int]], scsi: str | None = None) -> Devices:
    """Add the controllers (type, index) that are needed and not there, and those of a lower index, as libvirt does.

    ``scsi`` is the model of those of that type."""
    present = {(each.type, each.index) for each in devices.controllers}
    highest: dict[Any, int] = {}
    for kind, index in needed:
        highest[kind] = max(index, highest.get(kind, 0))
    added = tuple(
        Controller(type=kind, index=index, model=scsi if kind == "scsi" else None)
        for kind, last in sorted(highest.items())
        for index in range(last + 1)
        if (kind, index) not in present
    )
    return replace(devices, controllers=(*devices.controllers, *added))


def target_index(target: str) -> int | None:
    """The number of a drive by its name, "sda" 0, "sdz" 25, "sdaa" 26; None for a name of another form."""
    letters = target[2:]
    if not (letters.isascii() and letters.isalpha() and letters.islower() and len(letters) <= 3):
        return None
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def in_order(disks: tuple[Disk, ...]) -> tuple[Disk, ...]:
    """Disks of one bus in the order of their names, as libvirt lists them: each as it comes goes before the first one
    of its bus with a later name, or else after the last of its bus that comes before it."""
    ordered: list[Disk] = []
    for disk in disks:
        ordered.insert(_position(ordered, disk), disk)
    return tuple(ordered)


def _position(ordered: list[Disk], disk: Disk) -> int:
    own = target_index(disk.target)
    position = None
    for index in range(len(ordered) - 1, -1, -1):
        other = ordered[index]
        if other.bus != disk.bus:
            continue
        theirs = target_index(other.target)
        if own is not None and theirs is not None and own > theirs:
            return index + 1 if position is None else position
        position = index
    return len(ordered) if position is None else position


def _with_drive(disk: Disk) -> Disk:
    if disk.address is not None or disk.bus is None:
        return disk
    index = target_index(disk.target)
    if index is None:
        raise XMLError(f"Unknown disk name '{disk.target}' and no address specified")
    return replace(disk, address=BUSES[disk.bus].address(index))


def _check(disk: Disk, address: DriveAddress, family: MachineFamily) -> None:
    bus = disk.bus or ""
    if bus == "ide" and address.controller >= IDE_CONTROLLERS:
        raise UnsupportedConfig(
            f"disk {disk.target!r}: only a single IDE controller is supported for this machine type"
        )
    if bus == "fdc" and address.controller >= FDC_CONTROLLERS:
        raise UnsupportedConfig(f"disk {disk.target!r}: only a single fdc controller is supported")
    if bus not in family.buses or not BUSES[bus].has(address):
        raise XMLError(f"disk {disk.target!r}: there is no such drive address on {bus}")
