"""The machine that devices are put on: what they are called in QEMU and where they go, by their addresses.

Rules
- A device gets its definition's address; one without (where its kind has one) is a defect of ours and an InternalError,
  for left to itself QEMU would move devices when others come and go.
- A device that this QEMU does not have is refused by its name in the definition and in QEMU.
- The bus of a controller is named after the controller's alias; the machine's own have QEMU's names.
"""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import (
    Controller,
    Device,
    Disk,
    DomainDefinition,
    DriveAddress,
    Interface,
    IsaAddress,
    MmioAddress,
    PciAddress,
    UsbAddress,
    VirtioSerialAddress,
)
from .....wire.errors import InternalError, UnsupportedConfig
from ..addresses import address_class
from ..capabilities import Capabilities
from ..labels import label
from ..machine import family_of
from .resources import Resources
from .syntax import identifier, json_option

ROOT_BUSES = {"pci-root": "pci.0", "pcie-root": "pcie.0"}
# The disk controller that a machine brings along.
BUILTIN_DISK_BUS = "ide"


class Board:
    """A definition on its machine, with what was opened for this start; builds the arguments of devices."""

    def __init__(self, definition: DomainDefinition, capabilities: Capabilities, resources: Resources) -> None:
        self.definition = definition
        self.capabilities = capabilities
        self.resources = resources
        self.family = family_of(definition.os.machine or "pc")
        # Of a USB 2 controller and its companions, which share an index and an alias, any will do.
        self._controllers = {(each.type, each.index or 0): each for each in definition.devices.controllers}
        self._boot_indexes = boot_indexes(definition)
        for device in definition.devices:
            self._check_place(device)

    def device(self, device: Device, driver: str, /, **properties: Any) -> list[str]:
        """The -device argument for a device, a QEMU `driver`, at its address and with its alias and boot index."""
        return self.bare_device(
            label(device),
            driver,
            **self.place(device),
            id=alias(device),
            **properties,
            bootindex=self._boot_indexes.get(device.alias),
        )

    def bare_device(self, name: str, driver: str, /, **properties: Any) -> list[str]:
        """A -device argument with nothing but its properties; `name` is what it is called if QEMU does not have it."""
        if driver not in self.capabilities.devices:
            raise UnsupportedConfig(f"{name}: {self.capabilities.binary} has no device {driver!r}")
        return json_option("-device", {"driver": driver, **properties})

    def object(self, name: str, kind: str, /, **properties: Any) -> list[str]:
        """An -object argument; `name` is what it is called if QEMU does not have that `kind`."""
        if kind not in self.capabilities.objects:
            raise UnsupportedConfig(f"{name}: {self.capabilities.binary} has no object {kind!r}")
        return json_option("-object", {"qom-type": kind, **properties})

    def virtio(self, kind: str) -> str:
        """QEMU's name of a virtio device on this machine's bus."""
        return f"virtio-{kind}-pci" if self.family.root else f"virtio-{kind}-device"

    def is_builtin(self, controller: Controller) -> bool:
        """Whether the machine has this controller without being asked."""
        if controller.type == "pci":
            return (controller.index or 0) == 0
        return (controller.type, controller.index or 0) in self.family.places

    # --- addresses

    def _check_place(self, device: Device) -> None:
        """Refuse an address or a boot order that a device of this kind cannot have."""
        wanted = address_class(device, self.family)
        if device.address is not None and not (wanted and isinstance(device.address, wanted)):
            raise UnsupportedConfig(f"{label(device)}: an address of type {device.address.TAG!r}")
        if device.boot_order is not None and not isinstance(device, Disk | Interface):
            raise UnsupportedConfig(f"{label(device)}: nothing can be booted from it")

    def place(self, device: Device) -> dict[str, Any]:
        """The properties that put a device at its address. Raises UnsupportedConfig, InternalError."""
        match device.address:
            case PciAddress() as address:
                return self._pci(device, address)
            case UsbAddress() as address:
                return {"bus": f"{self.controller(device, 'usb', address.bus)}.0", "port": address.port}
            case VirtioSerialAddress() as address:
                bus = self.controller(device, "virtio-serial", address.controller)
                return {"bus": f"{bus}.{address.bus}", "nr": address.port}
            case DriveAddress() as address:
                return self._drive(device, address)
            case IsaAddress() as address:
                return {"iobase": address.iobase, "irq": address.irq}
            case MmioAddress(reg=None):
                return {}
            case MmioAddress():
                raise UnsupportedConfig(f"{label(device)}: a virtio-mmio address of its own")
        raise InternalError(f"{label(device)} has no address")

    def _pci(self, device: Device, address: PciAddress) -> dict[str, Any]:
        if address.domain:
            raise UnsupportedConfig(f"{label(device)}: PCI domain {address.domain:#x}")
        slot = f"{address.slot:#x}.{address.function:#x}" if address.function else f"{address.slot:#x}"
        return {
            "bus": self.controller(device, "pci", address.bus),
            "multifunction": address.multifunction,
            "addr": slot,
        }

    def _drive(self, device: Device, address: DriveAddress) -> dict[str, Any]:
        kind = getattr(device, "bus", None)
        if address.target or kind not in ("ide", "sata") or (kind == "sata" and address.bus):
            raise UnsupportedConfig(f"{label(device)}: there is no such drive address on {kind}")
        controller = self.controller(device, kind, address.controller)
        if kind == "sata":
            return {"bus": f"{controller}.{address.unit}"}
        return {"bus": f"{controller}.{address.bus}", "unit": address.unit}

    def controller(self, device: Device, kind: Any, index: int) -> str:
        """The id of the controller that a device hangs on, under which QEMU has its bus."""
        found = self._controllers.get((kind, index))
        if found is None or found.model == "none":
            raise UnsupportedConfig(f"{label(device)}: there is no {kind} controller {index} for its address")
        if not self.is_builtin(found):
            return alias(found)
        return ROOT_BUSES.get(found.model or "", "pci.0") if kind == "pci" else BUILTIN_DISK_BUS


def boot_indexes(definition: DomainDefinition) -> dict[str | None, int]:
    """The place of devices in the boot order, from 1, by alias: their own, or that of the first device of each kind
    that os/boot lists."""
    devices = definition.devices
    bootable: tuple[Device, ...] = (*devices.disks, *devices.interfaces)
    order = {device.alias: device.boot_order for device in bootable if device.boot_order is not None}
    candidates: dict[str, list[Device]] = {
        "hd": [disk for disk in devices.disks if disk.device == "disk"],
        "cdrom": [disk for disk in devices.disks if disk.device == "cdrom"],
        "network": list(devices.interfaces),
    }
    for place, kind in enumerate(definition.os.boot, 1):
        for first in candidates[kind][:1]:
            order.setdefault(first.alias, place)
    return order


def alias(device: Device) -> str:
    """The alias of a device, which is its id in QEMU. Raises UnsupportedConfig for one that QEMU does not take."""
    if device.alias is None:
        raise InternalError(f"{label(device)} has no alias")
    return identifier(device.alias, label(device))
