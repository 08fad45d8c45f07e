"""Where each device of a definition sits: addresses given are kept and checked, the others are assigned.

Rules:
- Pure and deterministic: the same definition gets the same addresses, and one that has them all stays as it is. So a
  guest that is defined again with its own document never sees its hardware move.
- An address is taken once. Two devices that claim one, or a device at a place that the machine itself uses, are an
  XMLError that names both.
- What is needed to reach an address (a controller, a PCI Express port) is added.

Order matters: drives and serial ports first (they may add controllers), then USB, then PCI, on which all controllers
hang. libvirt's order of PCI assignment is followed, so that most guests get the slots they would get there.
"""

from __future__ import annotations

from ....wire.documents.domain import (
    Controller,
    Device,
    Devices,
    Disk,
    DomainDefinition,
    Input,
    Interface,
    MmioAddress,
    Panic,
    PciAddress,
    SharedMemory,
    Sound,
    Video,
)
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig, XMLError
from .address_kinds import address_class
from .drives import with_drives
from .labels import label
from .machine import MachineFamily, family_of
from .pci import assign_pci
from .ports import with_card_slots, with_memory_slots, with_virtio_serial_ports
from .usb import is_usb, with_usb_ports


def assign_addresses(definition: DomainDefinition) -> DomainDefinition:
    """The definition with an address for every device that needs one, and the controllers that these need.

    The definition has gone through `complete` and names its machine. Raises XMLError for addresses that collide or do
    not exist, UnsupportedConfig for devices that the machine has no bus for.
    """
    family = family_of(definition.os.machine or "pc")
    devices = definition.devices
    _check_buses(devices, family)
    devices = with_drives(devices, family)
    devices = with_virtio_serial_ports(devices)
    devices = with_card_slots(devices)
    devices = with_memory_slots(devices)
    devices = with_usb_ports(devices)
    devices = assign_pci(devices, family) if family.root else devices.mapped(_with_mmio)
    return replace(definition, devices=devices)


def _check_buses(devices: Devices, family: MachineFamily) -> None:
    """Refuse what has no place on this machine, and addresses of another kind than the device's."""
    for device in devices:
        if not _fits(device, family):
            raise UnsupportedConfig(f"{label(device)} on machine type {family.name}")
        if device.address is None:
            continue
        wanted = address_class(device, family)
        if wanted is None or not isinstance(device.address, wanted):
            shown = wanted.TAG if wanted else "no"
            raise XMLError(f"{label(device)} has an address of type {device.address.TAG!r}, expected {shown}")


def _fits(device: Device, family: MachineFamily) -> bool:
    """Whether the machine has a bus for a device; without PCI there are virtio's and what is on the processor's own."""
    match device:
        case Disk(bus=bus):
            return bus in family.buses
        case Controller(type="ide", index=index):
            return "ide" in family.buses and index == 0
        case Input(bus="ps2"):
            return family.keyboard
    if family.root:
        return True
    match device:
        case Interface(model=model):
            return model == "virtio"
        case Controller(type="virtio-serial"):
            return True
        case Controller(type="scsi", model=model):
            return model == "virtio-scsi"
        case Controller() | Video() | Sound() | SharedMemory() | Panic():
            return False
    return not is_usb(device) and address_class(device, family) is not PciAddress


def _with_mmio(device: Device) -> Device:
    if device.address is None and address_class(device, family_of("microvm")) is MmioAddress:
        return replace(device, address=MmioAddress())
    return device
