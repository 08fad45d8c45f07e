"""What libvirt adds to any domain because of what is in it, whatever the hypervisor: addresses on disks' buses, the
controllers that those need, a card for a display to draw on.

Drivers that lay out their machines themselves (qemu) do this in their own way; the test driver takes it from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import XMLError
from ..replacing import replace
from .address import CcidAddress, DriveAddress
from .definition import DomainDefinition
from .devices import Controller, Devices, Disk, HostDevice, Smartcard, Video
from .devices.controller import ControllerType

# The units on one controller of each bus.
UNITS: dict[ControllerType, int] = {"scsi": 7, "fdc": 2, "ide": 4, "sata": 6}
_NAME = re.compile(r"(?:fd|hd|vd|sd|xvd|ubd)([a-z]+)\d*", re.ASCII)


def with_implicit_devices(definition: DomainDefinition) -> DomainDefinition:
    """The completed definition with what libvirt adds. Raises XMLError for a disk whose place nothing tells."""
    devices = definition.devices
    devices = replace(devices, disks=_ordered(tuple(map(_with_address, devices.disks))))
    devices = replace(
        devices, smartcards=_in_slots(devices.smartcards), hostdevs=tuple(map(_host_device, devices.hostdevs))
    )
    if devices.graphics and not devices.videos:
        devices = replace(devices, videos=(Video(model="cirrus", vram=16384, heads=1, primary=True),))
    return replace(definition, devices=_with_controllers(devices))


def name_index(target: str) -> int | None:
    """How many disks come before one of that name: 0 for vda, 26 for sdaa. None where the name tells nothing."""
    match = _NAME.fullmatch(target)
    if match is None:
        return None
    index = 0
    for letter in match[1]:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def _ordered(disks: tuple[Disk, ...]) -> tuple[Disk, ...]:
    return tuple(sorted(disks, key=lambda disk: name_index(disk.target) or 0))


def _with_address(disk: Disk) -> Disk:
    index = name_index(disk.target)
    units = {str(bus): units for bus, units in UNITS.items()}.get(str(disk.bus))
    if units is None or disk.address is not None:
        return disk
    if index is None:
        raise XMLError(f"Unknown disk name '{disk.target}' and no address specified")
    controller, unit = divmod(index, units)
    bus, unit = divmod(unit, 2) if disk.bus == "ide" else (0, unit)
    return replace(disk, address=DriveAddress(controller=controller, bus=bus, unit=unit))


def _in_slots(cards: tuple[Smartcard, ...]) -> tuple[Smartcard, ...]:
    return tuple(
        card if card.address is not None else replace(card, address=CcidAddress(slot=slot))
        for slot, card in enumerate(cards)
    )


def _host_device(device: HostDevice) -> HostDevice:
    if device.type == "scsi" and device.mode == "subsystem" and device.address is None:
        return replace(device, address=DriveAddress())
    return device


def _with_controllers(devices: Devices) -> Devices:
    controllers = list(devices.controllers)
    for kind, index in _needed(devices):
        taken = {controller.index for controller in controllers if controller.type == kind}
        controllers += [Controller(type=kind, index=each) for each in range(index + 1) if each not in taken]
    return replace(devices, controllers=tuple(controllers))


def _needed(devices: Devices) -> Iterator[tuple[ControllerType, int]]:
    """The controllers that devices sit on, by type, with the highest index of each."""
    for bus in UNITS:
        used = [_controller(disk.address) for disk in devices.disks if disk.bus == bus]
        if bus == "scsi":
            used += [_controller(device.address) for device in devices.hostdevs if device.type == "scsi"]
        if used:
            yield bus, max(used)
    if devices.channels or devices.consoles:
        ports = [each for each in (*devices.channels, *devices.consoles) if each.target_type == "virtio"]
        if ports:
            yield "virtio-serial", max(_controller(port.address) for port in ports)
    if devices.smartcards:
        yield "ccid", max(_controller(card.address) for card in devices.smartcards)


def _controller(address: object) -> int:
    return getattr(address, "controller", 0)
