"""Places that are neither on PCI nor drives nor USB: virtio-serial ports, slots of smartcard readers and of memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....wire.documents.domain import (
    CcidAddress,
    Channel,
    Console,
    Devices,
    DimmAddress,
    MemoryDevice,
    VirtioSerialAddress,
)
from ....wire.documents.replacing import replace
from ....wire.errors import XMLError
from .drives import with_controllers
from .labels import label

VIRTIO_SERIAL_PORTS = 31
MODULES = ("dimm", "nvdimm")


def with_virtio_serial_ports(devices: Devices) -> Devices:
    """Give virtio consoles and channels their ports; port 0 is for a console only."""
    ports = _SerialPorts(devices)
    consoles = tuple(ports.placed(each, first=0) if each.target_type == "virtio" else each for each in devices.consoles)
    channels = tuple(ports.placed(each, first=1) if is_serial_port(each) else each for each in devices.channels)
    devices = with_controllers(devices, [("virtio-serial", index) for index in ports.used])
    return replace(devices, consoles=consoles, channels=channels)


def is_serial_port(device: Channel | Console) -> bool:
    """Whether it is a port of a virtio-serial controller."""
    return device.target_type == "virtio"


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


def with_card_slots(devices: Devices) -> Devices:
    """Give smartcards their slots and add the readers: one for each card, as QEMU's have one slot."""
    cards = devices.smartcards
    taken: set[tuple[int, int]] = set()
    for card in cards:
        if isinstance(card.address, CcidAddress):
            place = (card.address.controller, card.address.slot)
            if place in taken:
                raise XMLError(f"{label(card)}: slot {place[1]} of reader {place[0]} is taken")
            taken.add(place)
    placed = []
    for card in cards:
        if card.address is None:
            free = next(reader for reader in range(len(cards) + len(taken)) if (reader, 0) not in taken)
            taken.add((free, 0))
            card = replace(card, address=CcidAddress(controller=free))
        placed.append(card)
    return replace(with_controllers(devices, [("ccid", reader) for reader, _ in taken]), smartcards=tuple(placed))


def with_memory_slots(devices: Devices) -> Devices:
    """Give modules of memory the first free slots."""
    modules = [each for each in devices.memories if each.model in MODULES]
    taken: set[int] = set()
    for module in modules:
        slot = _slot(module)
        if slot in taken:
            raise XMLError(f"memory device slot '{slot}' is already being used by another memory device")
        if slot is not None:
            taken.add(slot)

    def placed(module: MemoryDevice) -> MemoryDevice:
        if module.model not in MODULES or _slot(module) is not None:
            return module
        free = next(slot for slot in range(len(taken) + 1) if slot not in taken)
        taken.add(free)
        base = module.address.base if isinstance(module.address, DimmAddress) else None
        return replace(module, address=DimmAddress(slot=free, base=base))

    return replace(devices, memories=tuple(map(placed, devices.memories)))


def _slot(module: MemoryDevice) -> int | None:
    return module.address.slot if isinstance(module.address, DimmAddress) else None
