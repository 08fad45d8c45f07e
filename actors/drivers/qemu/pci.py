"""PCI addresses: which bus, slot and function each device of a definition gets.

Bus 0 is the machine's root. On pc every device takes a slot of a conventional bus, and a bridge is added before the
last one is used up. On q35 a PCI Express device takes a root port, which is added with the others eight to a slot, and
a conventional device a slot behind a pcie-to-pci-bridge; whenever ports were added there is one more, for hotplug.

The plan knows a device by its position in the definition's order; nothing is written into it but addresses and the
controllers that had to be added.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from ....wire.documents.domain import (
    Controller,
    Crypto,
    Device,
    Devices,
    Disk,
    Filesystem,
    Input,
    Interface,
    Iommu,
    Memballoon,
    MemoryDevice,
    Panic,
    PciAddress,
    Rng,
    Serial,
    SharedMemory,
    Sound,
    Video,
    Vsock,
    Watchdog,
)
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig, XMLError
from .address_kinds import address_class, is_express
from .labels import label
from .machine import MachineFamily, Place

MAX_INDEX = 255
FUNCTIONS = range(8)

# Slots that a bus of each kind of controller has for devices.
SLOTS = {
    "pci-root": range(32),
    "pcie-root": range(32),
    "pci-expander-bus": range(32),
    "pcie-expander-bus": range(32),
    "pcie-root-port": range(1),
    "pcie-switch-upstream-port": range(32),
    "pcie-switch-downstream-port": range(1),
    "dmi-to-pci-bridge": range(32),
    "pci-bridge": range(1, 32),
    "pcie-to-pci-bridge": range(1, 32),
}
# Where devices of conventional PCI go; an expander's bus is for those that ask for it.
CONVENTIONAL = ("pci-root", "pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge")
PORTS = ("pcie-root-port", "pcie-switch-downstream-port")
ROOTS = ("pci-root", "pcie-root")
BUS_MODELS = {
    "pc": ("pci-root", "pci-bridge", "pci-expander-bus"),
    "q35": (
        *("pcie-root", "pcie-root-port", "pcie-to-pci-bridge", "pci-bridge", "dmi-to-pci-bridge"),
        *("pcie-switch-upstream-port", "pcie-switch-downstream-port", "pcie-expander-bus"),
    ),
}
# What a kind of bus hangs on, where it does not hang on the root.
HANGS_ON = {
    "pci-bridge": CONVENTIONAL,
    "pcie-to-pci-bridge": PORTS,
    "pcie-switch-upstream-port": PORTS,
    "pcie-switch-downstream-port": ("pcie-switch-upstream-port",),
}
# What cannot hang on the root instead.
NEVER_ON_ROOT = ("pcie-switch-upstream-port", "pcie-switch-downstream-port")
EXPANDERS = ("pci-expander-bus", "pcie-expander-bus")
# The number of the first expander's bus, and the room for buses behind each.
LAST_BUS_NUMBER = 256
EXPANDER_BUSES = 2
# QEMU's device for a kind of controller.
PCI_MODELS = {
    "pcie-root-port": "pcie-root-port",
    "pci-bridge": "pci-bridge",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
}
# The functions in one slot of a USB 2 controller and its companions.
USB2_FUNCTIONS = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}
# The companion that a slot of their own on PCI Express's root is for.
USB2_FIRST = "ich9-uhci1"
USB2_SLOTS = (0x1D, 0x1A)
DMI_BRIDGE = (0x1E, 0)
INTERFACES = frozenset(
    {
        *("virtio", "virtio-transitional", "virtio-non-transitional", "virtio-net-pci", "virtio-net-pci-transitional"),
        *("virtio-net-pci-non-transitional", "e1000e", "igb", "vmxnet3", "rtl8139", "e1000", "e1000-82544gc"),
        *("e1000-82545em", "ne2k_pci", "pcnet", "tulip", "i82550", "i82551", "i82557a", "i82557b", "i82557c"),
        *("i82558a", "i82558b", "i82559a", "i82559b", "i82559c", "i82559er", "i82562", "i82801", "rocker"),
    }
)
USB_CONTROLLERS = frozenset(
    {"piix3-uhci", "piix4-uhci", "vt82c686b-uhci", "pci-ohci", "ehci", "nec-xhci", "qemu-xhci", *USB2_FUNCTIONS}
)

# Families in the order of service.
_ORDER = (
    *(Filesystem, Interface, Sound, Controller, Disk, Memballoon, Rng, Watchdog, Video, SharedMemory, Input, Serial),
    *(Vsock, Panic, Crypto, MemoryDevice),
)


class Slot(NamedTuple):
    """One slot of one bus."""

    bus: int
    slot: int


def assign_pci(devices: Devices, family: MachineFamily) -> Devices:
    """The devices with PCI addresses for all that need one, and the bridges and ports that these need.

    Raises XMLError for addresses that collide or do not exist, UnsupportedConfig for unknown controllers and cards.
    """
    for device in devices:
        if _needs_slot(device, family):
            _check_model(device)
    if family.pcie:
        devices = _with_buses(devices, family)
    return _planned(devices, family).applied(devices)


def _with_buses(devices: Devices, family: MachineFamily) -> Devices:
    """The devices with the buses that they will need, found by a plan that is thrown away: in the final one all buses
    come before what hangs on them, as in libvirt. Who has laid out buses himself gets no spare port."""
    plan = _planned(devices, family)
    if plan.added and all(each.type != "pci" or each.model in ROOTS for each in devices.controllers):
        plan.add_spare_port()
    added = (replace(each, address=None) for each in plan.added)
    return replace(devices, controllers=(*devices.controllers, *added))


def _planned(devices: Devices, family: MachineFamily) -> _Plan:
    plan = _Plan(family, devices.controllers)
    everything = list(devices)
    plan.claim_given(everything)
    for position, device in _in_order(everything, family):
        if device.address is None:
            plan.place(position, device)
    for position, device in enumerate(everything):
        if _is_on_root(device, family) and device.address is None:
            plan.place_on_root(position, device)
    return plan


def _check_model(device: Device) -> None:
    """Refuse chips that no QEMU has on PCI."""
    match device:
        case Interface(model=model):
            known = model in INTERFACES
        case Controller(type="usb", model=model):
            known = model in USB_CONTROLLERS
        case _:
            return
    if not known:
        raise UnsupportedConfig(f"{label(device)}: model {model!r}")


def _needs_slot(device: Device, family: MachineFamily) -> bool:
    return address_class(device, family) is PciAddress


def _in_order(devices: list[Device], family: MachineFamily) -> list[tuple[int, Device]]:
    """Devices that need a slot, with their positions, in the order of service: what has a place of its own, then
    buses, then libvirt's order of families."""
    numbered = [
        (position, device)
        for position, device in enumerate(devices)
        if _needs_slot(device, family) and not _is_on_root(device, family)
    ]
    usb2 = (
        {device.index for device in devices if isinstance(device, Controller) and device.model == USB2_FIRST}
        if family.pcie
        else set[int | None]()
    )
    return sorted(numbered, key=lambda item: (_rank(item[1], family, usb2), item[0]))


def _is_on_root(device: Device, family: MachineFamily) -> bool:
    """Whether a device is a part of the root; it comes after the ports."""
    return isinstance(device, Iommu) and _needs_slot(device, family)


def _rank(device: Device, family: MachineFamily, usb2: set[int | None]) -> int:
    """``usb2`` are the USB 2 controllers with a slot of their own on the root."""
    if _preferred(device, family) is not None or (
        isinstance(device, Controller) and _usb2_model(device) and device.index in usb2
    ):
        return -2
    if isinstance(device, Controller) and device.type == "pci":
        return -1
    return _ORDER.index(type(device))


def _preferred(device: Device, family: MachineFamily) -> Place | None:
    """The place on bus 0 that a device gets if it is free."""
    match device:
        case Video(primary=True):
            return family.video
        case Sound(model="ich9"):
            return family.sound
        case Controller(type="pci", model="dmi-to-pci-bridge"):
            return DMI_BRIDGE
        case Controller(type="usb", model="piix3-uhci", index=0):
            return family.usb_place
        case Controller(type=kind, index=index):
            return family.places.get((kind, index or 0))
    return None


def _usb2_model(device: Device) -> str | None:
    if isinstance(device, Controller) and device.type == "usb" and device.model in USB2_FUNCTIONS:
        return device.model
    return None


class _Plan:
    """The buses of one definition, and what sits where."""

    def __init__(self, family: MachineFamily, controllers: tuple[Controller, ...]) -> None:
        self._family = family
        self._models: dict[int, str] = {}
        self._used: dict[Slot, dict[int, str]] = {}
        self._addresses: dict[int, PciAddress] = {}
        self.added: list[Controller] = []
        self._port_slots: set[int] = set()
        self._usb2_slots: dict[int, Slot] = {}
        self._usb2_models: dict[int, set[str]] = {}
        for (slot, function), name in family.reserved.items():
            self._used.setdefault(Slot(0, slot), {})[function] = name
        for controller in controllers:
            if controller.type == "pci":
                self._add_bus(controller)
            elif model := _usb2_model(controller):
                self._usb2_models.setdefault(controller.index or 0, set()).add(model)

    def _add_bus(self, controller: Controller) -> None:
        index, model = controller.index or 0, controller.model or ""
        allowed = BUS_MODELS[self._family.name]
        if model not in allowed or (index == 0) != (model in ROOTS):
            raise UnsupportedConfig(f"{label(controller)} on machine type {self._family.name}")
        self._models[index] = model

    # --- addresses that are given

    def claim_given(self, devices: list[Device]) -> None:
        """Take the addresses that the definition gives, and add controllers for buses that only these speak of."""
        given = [(device, device.address) for device in devices if isinstance(device.address, PciAddress)]
        missing = {address.bus: device for device, address in given if address.bus not in self._models}
        added = [self._missing_bus(device, index) for index, device in sorted(missing.items())]
        for device, address in given:
            self._check(device, address)
            self._settle(device, address)
        for controller in added:
            self._add(controller, self._bus_address(controller))

    def _missing_bus(self, device: Device, index: int) -> Controller:
        if index > MAX_INDEX:
            raise XMLError(f"{label(device)}: there is no PCI controller {index} for its address")
        model = "pcie-root-port" if self._family.pcie else "pci-bridge"
        self._models[index] = model
        return Controller(type="pci", index=index, model=model)

    def _check(self, device: Device, address: PciAddress) -> None:
        name = label(device)
        if address.domain:
            raise XMLError(f"{name}: only PCI domain 0 is available")
        model = self._models[address.bus]
        if address.slot not in SLOTS[model]:
            raise XMLError(f"{name}: PCI bus {address.bus} ({model}) has no slot {address.slot:#x}")
        if isinstance(device, Controller):
            if device.type == "pci" and address.bus >= (device.index or 0):
                raise XMLError(f"{name} is on bus {address.bus}, expected a bus with a lower index than its own")
            place = self._family.places.get((device.type, device.index or 0))
            if place and (address.bus, address.slot, address.function) != (0, *place):
                raise UnsupportedConfig(f"{name} must have PCI address {_shown(Slot(0, place[0]), place[1])}")

    def _settle(self, device: Device, address: PciAddress) -> None:
        """Take an address for a device, and note what that means for the others."""
        slot = Slot(address.bus, address.slot)
        functions = self._used.setdefault(slot, {})
        name = label(device)
        if address.function in functions and not self._is_machines(device, slot, address.function):
            shown = _shown(slot, address.function)
            raise XMLError(f"{functions[address.function]} and {name} have the same PCI address {shown}")
        functions[address.function] = name
        if _usb2_model(device) and isinstance(device, Controller):
            self._usb2_slots[device.index or 0] = slot
        on_root = isinstance(device, Controller) and device.model == "pcie-root-port" and slot.bus == 0
        if on_root and address.multifunction and address.function == 0:
            self._port_slots.add(slot.slot)

    def _is_machines(self, device: Device, slot: Slot, function: int) -> bool:
        """Whether the device is the one that the machine has there, seen for the first time."""
        if slot.bus or not isinstance(device, Controller):
            return False
        place = (slot.slot, function)
        if self._family.places.get((device.type, device.index or 0)) != place:
            return False
        return self._used[slot].get(function) == self._family.reserved[place]

    # --- addresses that are assigned

    def place(self, position: int, device: Device) -> None:
        """Assign an address to the device at a position."""
        address = self._address_for(device)
        self._settle(device, address)
        self._addresses[position] = address

    def _address_for(self, device: Device) -> PciAddress:
        if _usb2_model(device) and isinstance(device, Controller):
            return self._usb2_address(device)
        if place := self._free_place(device):
            return PciAddress(slot=place[0], function=place[1])
        if isinstance(device, Controller) and device.type == "pci":
            return self._bus_address(device)
        slot = self._port() if self._family.pcie and is_express(device) else self._conventional_slot()
        return PciAddress(bus=slot.bus, slot=slot.slot)

    def _free_place(self, device: Device) -> Place | None:
        """The place that the device prefers, if nobody else has it."""
        place = _preferred(device, self._family)
        if place is None:
            return None
        slot = Slot(0, place[0])
        free = place[1] not in self._used.get(slot, {}) or self._is_machines(device, slot, place[1])
        return place if free else None

    def _usb2_address(self, device: Controller) -> PciAddress:
        """A function in the slot that a USB 2 controller shares with its companions."""
        index = device.index or 0
        slot = self._usb2_slots.get(index) or self._usb2_slot(has_first=USB2_FIRST in self._usb2_models[index])
        if len(self._usb2_models[index]) == 1:
            return PciAddress(bus=slot.bus, slot=slot.slot)
        function = USB2_FUNCTIONS[device.model or ""]
        return PciAddress(bus=slot.bus, slot=slot.slot, function=function, multifunction=True if not function else None)

    def _usb2_slot(self, *, has_first: bool) -> Slot:
        if not self._family.pcie or not has_first:
            return self._conventional_slot()
        usual = (Slot(0, number) for number in USB2_SLOTS)
        return next((slot for slot in usual if not self._used.get(slot)), None) or self._root_slot()

    def _bus_address(self, controller: Controller) -> PciAddress:
        """The place of a pci controller: ports eight to a slot of the root, others on a bus with a lower index."""
        model = controller.model or ""
        if model == "pcie-root-port":
            return self._port_address()
        index = controller.index or 0
        slots = self._free_slots(HANGS_ON.get(model, ROOTS))
        slot = next((each for each in slots if each.bus < index), None)
        if slot is None and model in NEVER_ON_ROOT:
            raise UnsupportedConfig(
                f"{label(controller)}: no bus of a lower index has a place for it",
                hint=f"it hangs on {' or '.join(HANGS_ON[model])}",
            )
        slot = slot or self._root_slot()
        return PciAddress(bus=slot.bus, slot=slot.slot)

    def place_on_root(self, position: int, device: Device) -> None:
        """Assign an address on the root bus itself."""
        slot = self._root_slot()
        address = PciAddress(bus=slot.bus, slot=slot.slot)
        self._settle(device, address)
        self._addresses[position] = address

    def _free_slots(self, models: tuple[str, ...]) -> Iterator[Slot]:
        for index in sorted(self._models):
            if self._models[index] in models:
                slots = (Slot(index, number) for number in SLOTS[self._models[index]])
                yield from (slot for slot in slots if not self._used.get(slot))

    def _root_slot(self) -> Slot:
        slot = next(self._free_slots(ROOTS), None)
        if slot is None:
            raise XMLError("No more available PCI slots")
        return slot

    def _conventional_slot(self) -> Slot:
        """A free slot on a conventional bus; the last one is spent on a bridge that brings more."""
        slots = list(itertools.islice(self._free_slots(CONVENTIONAL), 2))
        if self._family.pcie and not slots:
            self._add_bridge("pcie-to-pci-bridge", self._add_port())
        elif len(slots) == 1 and not self._family.pcie:
            self._add_bridge("pci-bridge", slots[0])
        elif slots:
            return slots[0]
        slot = next(self._free_slots(CONVENTIONAL), None)
        if slot is None:
            raise XMLError("No more available PCI slots")
        return slot

    def _port(self) -> Slot:
        """The slot of a root port that is free, of a new one if need be."""
        return next(self._free_slots(PORTS), None) or self._add_port()

    def _add_port(self) -> Slot:
        return self._add(Controller(type="pci", index=self._next_index(), model="pcie-root-port"), self._port_address())

    def _add_bridge(self, model: str, slot: Slot) -> None:
        controller = Controller(type="pci", index=self._next_index(), model=model)
        self._add(controller, PciAddress(bus=slot.bus, slot=slot.slot))

    def _add(self, controller: Controller, address: PciAddress) -> Slot:
        self._settle(controller, address)
        self._add_bus(controller)
        self.added.append(replace(controller, address=address))
        return Slot(controller.index or 0, 0)

    def _next_index(self) -> int:
        index = max(self._models) + 1
        if index > MAX_INDEX:
            raise XMLError("No more available PCI controllers")
        return index

    def _port_address(self) -> PciAddress:
        for number in sorted(self._port_slots):
            for function in FUNCTIONS:
                if function not in self._used[Slot(0, number)]:
                    return PciAddress(slot=number, function=function)
        return PciAddress(slot=self._root_slot().slot, multifunction=True)

    def add_spare_port(self) -> None:
        """Add a port if none is free, so that something can be plugged in while the guest runs."""
        if next(self._free_slots(PORTS), None) is None and max(self._models) < MAX_INDEX:
            self._add_port()

    def applied(self, devices: Devices) -> Devices:
        """The devices with the addresses of this plan and the controllers that it added."""
        positions = itertools.count()

        def placed(device: Any) -> Device:
            address = self._addresses.get(next(positions))
            return device if address is None else replace(device, address=address)

        devices = devices.mapped(placed)
        controllers = _with_bus_numbers((*devices.controllers, *self.added))
        return replace(devices, controllers=tuple(map(_detailed, controllers)))


def _with_bus_numbers(controllers: tuple[Controller, ...]) -> Iterator[Controller]:
    """Give expanders their numbers, each below the last one's with room for buses between."""
    lowest = min(
        (each.bus_number for each in controllers if each.bus_number is not None and each.model in EXPANDERS),
        default=LAST_BUS_NUMBER,
    )
    for controller in controllers:
        if controller.model in EXPANDERS and controller.bus_number is None:
            lowest -= EXPANDER_BUSES
            controller = replace(controller, bus_number=lowest)
        yield controller


def _detailed(controller: Controller) -> Controller:
    """A pci controller with its device's name and the numbers that QEMU wants of it."""
    address = controller.address
    if controller.type != "pci" or controller.model in ROOTS or not isinstance(address, PciAddress):
        return controller
    controller = replace(controller, pci_model=controller.pci_model or PCI_MODELS[controller.model or ""])
    if controller.model == "pci-bridge" and controller.chassis_number is None:
        return replace(controller, chassis_number=controller.index)
    if controller.model not in PORTS:
        return controller
    port = address.slot << 3 | address.function if controller.model == "pcie-root-port" else address.slot
    return replace(
        controller,
        chassis=controller.index if controller.chassis is None else controller.chassis,
        port=port if controller.port is None else controller.port,
    )


def _shown(slot: Slot, function: int) -> str:
    return f"0000:{slot.bus:02x}:{slot.slot:02x}.{function}"
