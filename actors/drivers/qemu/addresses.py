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

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ....wire.documents.domain import (
    Channel,
    Console,
    Controller,
    Device,
    Devices,
    Disk,
    DomainDefinition,
    DriveAddress,
    Input,
    Interface,
    IsaAddress,
    Memballoon,
    MmioAddress,
    PciAddress,
    Rng,
    Serial,
    UsbAddress,
    Video,
    VirtioSerialAddress,
)
from ....wire.errors import UnsupportedConfig, XMLError
from .labels import label, labelled
from .machine import MachineFamily, family_of
from .pci import assign_pci

# Drives on one controller, and how its unit number splits into bus and unit.
UNITS_PER_BUS = {"ide": 2, "sata": 6}
BUSES_PER_CONTROLLER = {"ide": 2, "sata": 1}
VIRTIO_SERIAL_PORTS = 31
# Ports of a USB controller by model, where the definition does not say.
USB_PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "pci-ohci": 3,
    "ehci": 6,
    "ich9-ehci1": 6,
    "nec-xhci": 4,
    "qemu-xhci": 4,
}
USB_COMPANIONS = ("ich9-uhci1", "ich9-uhci2", "ich9-uhci3")


def assign_addresses(definition: DomainDefinition) -> DomainDefinition:
    """The definition with an address for every device that needs one, and the controllers that these need.

    The definition has gone through `complete` and names its machine. Raises XMLError for addresses that collide or do
    not exist, UnsupportedConfig for devices that the machine has no bus for.
    """
    family = family_of(definition.os.machine or "pc")
    devices = definition.devices
    _check_buses(devices, family)
    devices = _with_drives(devices)
    devices = _with_virtio_serial_ports(devices)
    devices = _with_usb_ports(devices)
    devices = assign_pci(devices, family) if family.root else devices.mapped(_with_mmio)
    return replace(definition, devices=devices)


def _check_buses(devices: Devices, family: MachineFamily) -> None:
    """Refuse what has no place on this machine, and addresses of another kind than the device's."""
    for name, device in labelled(devices):
        if not _fits(device, family):
            raise UnsupportedConfig(f"{name} on machine type {family.name}")
        wanted = address_class(device, family)
        if device.address is not None and not (wanted and isinstance(device.address, wanted)):
            shown = wanted.TAG if wanted else "no"
            raise XMLError(f"{name} has an address of type {device.address.TAG!r}, expected {shown}")


def _fits(device: Device, family: MachineFamily) -> bool:
    match device:
        case Disk(bus=bus):
            return bus in family.buses
        case Interface(model=model):
            return family.root is not None or model == "virtio"
        case Controller(type="virtio-serial"):
            return True
        case Controller(type="ide", index=index):
            return "ide" in family.buses and index == 0
        case Input(bus="ps2"):
            return family.keyboard
        case Controller() | Video() | Input(bus="usb") | Serial(target_type="pci-serial"):
            return family.root is not None
    return True


def address_class(device: Device, family: MachineFamily) -> type[Any] | None:
    """The class of address that a device has; None for one that has none."""
    on_bus = PciAddress if family.root else MmioAddress
    match device:
        case Disk(bus="virtio"):
            return on_bus
        case Disk():
            return DriveAddress
        case Controller(type="pci", index=0) | Controller(type="usb", model="none"):
            return None
        case Serial(target_type="pci-serial"):
            return PciAddress
        case Serial():
            return IsaAddress
        case Console(target_type="virtio") | Channel():
            return VirtioSerialAddress
        case Input(bus="usb"):
            return UsbAddress
        case Console() | Input(bus="ps2") | Video(model="none" | "ramfb") | Memballoon(model="none"):
            return None
        case Controller() | Interface() | Input() | Video() | Memballoon() | Rng():
            return on_bus
    raise TypeError(f"{type(device).__name__} has no place")


def _with_mmio(device: Device) -> Device:
    if device.address is None and address_class(device, family_of("microvm")) is MmioAddress:
        return replace(device, address=MmioAddress())
    return device


# --- drives


def _with_drives(devices: Devices) -> Devices:
    """Give drives on ide and sata the place that their target names say ("sdb" is the second), and controllers."""
    disks = tuple(_with_drive(disk) if disk.bus in UNITS_PER_BUS else disk for disk in devices.disks)
    taken: dict[tuple[Any, ...], str] = {}
    for disk in disks:
        if isinstance(disk.address, DriveAddress):
            _check_drive(disk, disk.address)
            place = (disk.bus, disk.address.controller, disk.address.bus, disk.address.target, disk.address.unit)
            if place in taken:
                raise XMLError(f"disks {taken[place]!r} and {disk.target!r} have the same drive address")
            taken[place] = disk.target
    needed = [(disk.bus, disk.address.controller) for disk in disks if isinstance(disk.address, DriveAddress)]
    return replace(_with_controllers(devices, needed), disks=disks)


def _with_drive(disk: Disk) -> Disk:
    if disk.address is not None or disk.bus is None:
        return disk
    index = target_index(disk.target)
    if index is None:
        raise XMLError(f"Unknown disk name '{disk.target}' and no address specified")
    number, unit = divmod(index, UNITS_PER_BUS[disk.bus])
    controller, bus = divmod(number, BUSES_PER_CONTROLLER[disk.bus])
    return replace(disk, address=DriveAddress(controller=controller, bus=bus, unit=unit))


def target_index(target: str) -> int | None:
    """The number of a drive by its name, "sda" 0, "sdz" 25, "sdaa" 26; None for a name of another form."""
    letters = target[2:]
    if not (letters.isascii() and letters.isalpha() and letters.islower() and len(letters) <= 3):
        return None
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def _check_drive(disk: Disk, address: DriveAddress) -> None:
    bus = disk.bus or ""
    if bus == "ide" and address.controller:
        raise UnsupportedConfig(
            f"disk {disk.target!r}: only a single IDE controller is supported for this machine type"
        )
    if address.target or address.bus >= BUSES_PER_CONTROLLER[bus] or address.unit >= UNITS_PER_BUS[bus]:
        raise XMLError(f"disk {disk.target!r}: there is no such drive address on {bus}")


def _with_controllers(devices: Devices, needed: list[tuple[Any, int]]) -> Devices:
    """Add the controllers (type, index) that are needed and not there."""
    present = {(each.type, each.index) for each in devices.controllers}
    missing = sorted(set(needed) - present)
    added = tuple(Controller(type=kind, index=index) for kind, index in missing)
    return replace(devices, controllers=(*devices.controllers, *added))


# --- virtio-serial


def _with_virtio_serial_ports(devices: Devices) -> Devices:
    """Give virtio consoles and channels their ports; port 0 is for a console only."""
    ports = _SerialPorts(devices)
    consoles = tuple(ports.placed(each, first=0) if each.target_type == "virtio" else each for each in devices.consoles)
    channels = tuple(ports.placed(each, first=1) for each in devices.channels)
    devices = _with_controllers(devices, [("virtio-serial", index) for index in ports.used])
    return replace(devices, consoles=consoles, channels=channels)


class _SerialPorts:
    """The ports of all virtio-serial controllers; `used` maps a controller to its ports and who has them."""

    def __init__(self, devices: Devices) -> None:
        self._size = {
            each.index: each.ports or VIRTIO_SERIAL_PORTS
            for each in devices.controllers
            if each.type == "virtio-serial"
        }
        self.used: dict[int, dict[int, str]] = {}
        for device in (*devices.consoles, *devices.channels):
            if isinstance(device.address, VirtioSerialAddress):
                self._claim(label(device), device.address, 0 if isinstance(device, Console) else 1)

    def _claim(self, name: str, address: VirtioSerialAddress, first: int) -> None:
        if address.bus or address.port not in self._ports(address.controller, first):
            raise XMLError(f"{name}: virtio-serial controller {address.controller} has no port {address.port} for it")
        ports = self.used.setdefault(address.controller, {})
        if address.port in ports:
            raise XMLError(f"{ports[address.port]} and {name} have the same virtio-serial port {address.port}")
        ports[address.port] = name

    def placed(self, device: Any, first: int) -> Any:
        """The device with the first free port from `first` on, if it has none yet."""
        if device.address is not None:
            return device
        controller, port = next(self._free(first))
        self.used.setdefault(controller, {})[port] = label(device)
        return replace(device, address=VirtioSerialAddress(controller=controller, port=port))

    def _free(self, first: int) -> Iterator[tuple[int, int]]:
        # One controller more than there are has room, so this does not end without a port.
        for controller in range(len(self._size) + len(self.used) + 1):
            for port in self._ports(controller, first):
                if port not in self.used.get(controller, {}):
                    yield controller, port

    def _ports(self, controller: int, first: int) -> range:
        return range(first, self._size.get(controller, VIRTIO_SERIAL_PORTS))


# --- usb


def _with_usb_ports(devices: Devices) -> Devices:
    """Give USB devices their ports."""
    if not any(each.bus == "usb" for each in devices.inputs):
        return devices
    sizes = _usb_sizes(devices)
    used: dict[tuple[int, str], str] = {}
    for device in devices.inputs:
        if isinstance(device.address, UsbAddress):
            _claim_usb(sizes, used, device, device.address)
    return replace(devices, inputs=tuple(_with_usb_port(sizes, used, each) for each in devices.inputs))


def _usb_sizes(devices: Devices) -> dict[int, int]:
    """The number of ports of each USB controller, by index."""
    sizes = {}
    for controller in devices.controllers:
        if controller.type == "usb" and controller.model in USB_PORTS:
            sizes[controller.index or 0] = controller.ports or USB_PORTS[controller.model]
    if not sizes:
        raise UnsupportedConfig("USB is disabled for this domain, but USB devices are present")
    return sizes


def _claim_usb(sizes: dict[int, int], used: dict[tuple[int, str], str], device: Input, address: UsbAddress) -> None:
    if address.bus not in sizes:
        raise XMLError(f"{label(device)}: there is no USB controller {address.bus}")
    if address.port is None:
        return
    if address.port not in map(str, range(1, sizes[address.bus] + 1)):
        raise XMLError(f"{label(device)}: USB controller {address.bus} has no port {address.port!r}")
    key = (address.bus, address.port)
    if key in used:
        raise XMLError(f"{used[key]} and {label(device)} have the same USB port {address.port} of bus {address.bus}")
    used[key] = label(device)


def _with_usb_port(sizes: dict[int, int], used: dict[tuple[int, str], str], device: Input) -> Input:
    address = device.address
    if device.bus != "usb" or (isinstance(address, UsbAddress) and address.port):
        return device
    buses = [address.bus] if isinstance(address, UsbAddress) else sorted(sizes)
    for bus in buses:
        for port in map(str, range(1, sizes[bus] + 1)):
            if (bus, port) not in used:
                used[bus, port] = label(device)
                return replace(device, address=UsbAddress(bus=bus, port=port))
    raise XMLError(f"no USB port is free for {label(device)}")
