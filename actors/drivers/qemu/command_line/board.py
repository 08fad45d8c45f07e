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
    CcidAddress,
    Controller,
    Device,
    DimmAddress,
    Disk,
    DomainDefinition,
    DriveAddress,
    Features,
    Interface,
    IsaAddress,
    MmioAddress,
    PciAddress,
    RedirectedDevice,
    UsbAddress,
    VirtioSerialAddress,
)
from .....wire.errors import InternalError, UnsupportedConfig
from ..address_kinds import address_class
from ..capabilities import Capabilities
from ..drives import BUSES, NARROW_CHIPS, SCSI_LIMITS
from ..labels import label
from ..machine import family_of
from .resources import Resources
from .syntax import identifier, json_option

NO_FEATURES = Features()
ROOT_BUSES = {"pci-root": "pci.0", "pcie-root": "pcie.0"}
# The disk controller that a machine brings along.
BUILTIN_DISK_BUS = "ide"
VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
# What can be booted from; a floppy's place in the order is its controller's to know.
BOOTABLE = (Disk, Interface, RedirectedDevice)
# Options of virtio devices, and QEMU's names of them.
VIRTIO_OPTIONS = {"iommu": "iommu_platform", "ats": "ats", "packed": "packed", "page_per_vq": "page-per-vq"}


class Board:
    """A definition on its machine, with what was opened for this start; builds the arguments of devices."""

    def __init__(self, definition: DomainDefinition, capabilities: Capabilities, resources: Resources) -> None:
        self.definition = definition
        self.capabilities = capabilities
        self.resources = resources
        self.features = definition.features or NO_FEATURES
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
            bootindex=self.boot_index(device),
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

    def virtio(self, kind: str, model: str | None = None, *, prefix: str = "virtio") -> str:
        """QEMU's name of a virtio device on this machine's bus; ``model`` is "virtio" or says how old its guests may
        be. Raises UnsupportedConfig for other models, and for those where there is no PCI."""
        if model not in (None, *VIRTIO_MODELS):
            raise UnsupportedConfig(f"virtio {kind} of model {model!r}")
        age = (model or "").removeprefix("virtio")
        if not self.family.root:
            if age:
                raise UnsupportedConfig(f"virtio {kind} of model {model!r} on machine type {self.family.name}")
            return f"{prefix}-{kind}-device"
        return f"{prefix}-{kind}-pci{age}"

    def virtio_options(self, said: Any) -> dict[str, bool | None]:
        """The properties of any virtio device, from what a device or its driver element says."""
        if said is None:
            return {}
        options = {VIRTIO_OPTIONS[name]: getattr(said, name, None) for name in VIRTIO_OPTIONS}
        on_pci = ("ats", "page-per-vq")
        if not self.family.root and any(options[name] is not None for name in on_pci):
            raise UnsupportedConfig(f"{' and '.join(on_pci)} on machine type {self.family.name}")
        return options

    def refuse_virtio_options(self, name: str, said: Any) -> None:
        """Refuse what is for virtio devices, said of one that is none."""
        for option in VIRTIO_OPTIONS:
            if getattr(said, option, None) is not None:
                raise UnsupportedConfig(f"{name}: {option} is for virtio devices")

    def boot_index(self, device: Device) -> int | None:
        """The place of a device in the boot order, from 1."""
        return self._boot_indexes.get(device.alias)

    def is_builtin(self, controller: Controller) -> bool:
        """Whether the machine has this controller without being asked."""
        if controller.type == "pci":
            return (controller.index or 0) == 0
        if controller.type == "fdc":
            return self.family.floppies and not controller.index
        return (controller.type, controller.index or 0) in self.family.places

    # --- addresses

    def _check_place(self, device: Device) -> None:
        """Refuse an address or a boot order that a device of this kind cannot have."""
        wanted = address_class(device, self.family)
        if device.address is not None and not (wanted and isinstance(device.address, wanted)):
            raise UnsupportedConfig(f"{label(device)}: an address of type {device.address.TAG!r}")
        if device.boot_order is not None and not isinstance(device, BOOTABLE):
            raise UnsupportedConfig(f"{label(device)}: nothing can be booted from it")
        if not isinstance(device.address, PciAddress):
            for field in ("rom", "rom_bar", "rom_file", "acpi_index"):
                if getattr(device, field) is not None:
                    raise UnsupportedConfig(f"{label(device)}: {field.replace('_', ' ')} is for PCI devices")

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
            case CcidAddress() as address:
                return {"bus": f"{self.controller(device, 'ccid', address.controller)}.0", "slot": address.slot}
            case DimmAddress() as address:
                return {"slot": address.slot, "addr": address.base}
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
            **_rom(device),
            "acpi-index": device.acpi_index,
        }

    def _drive(self, device: Device, address: DriveAddress) -> dict[str, Any]:
        kind = getattr(device, "bus", None) or ""
        if kind not in BUSES or not BUSES[kind].has(address):
            raise UnsupportedConfig(f"{label(device)}: there is no such drive address on {kind}")
        controller = self.controller(device, kind, address.controller)
        match kind:
            case "sata":
                return {"bus": f"{controller}.{address.unit}"}
            case "fdc":
                return {"unit": address.unit}
            case "scsi":
                return self._scsi(device, address, controller)
        return {"bus": f"{controller}.{address.bus}", "unit": address.unit}

    def _scsi(self, device: Device, address: DriveAddress, controller: str) -> dict[str, Any]:
        chip = self._controllers["scsi", address.controller].model or ""
        targets, units = SCSI_LIMITS.get(chip, SCSI_LIMITS["virtio-scsi"])
        if address.bus or address.target >= targets or address.unit >= units:
            raise UnsupportedConfig(
                f"{label(device)}: a {chip} controller has no target {address.target} with unit {address.unit}"
            )
        bus = f"{controller}.0"
        if chip in NARROW_CHIPS:
            return {"bus": bus, "scsi-id": address.unit}
        return {"bus": bus, "channel": 0, "scsi-id": address.target, "lun": address.unit}

    def controller(self, device: Device, kind: Any, index: int) -> str:
        """The id of the controller that a device hangs on, under which QEMU has its bus."""
        found = self._controllers.get((kind, index))
        if found is None or found.model == "none":
            raise UnsupportedConfig(f"{label(device)}: there is no {kind} controller {index} for its address")
        if not self.is_builtin(found):
            return alias(found)
        if kind == "fdc":
            return kind
        return ROOT_BUSES.get(found.model or "", "pci.0") if kind == "pci" else BUILTIN_DISK_BUS


def boot_indexes(definition: DomainDefinition) -> dict[str | None, int]:
    """The place of devices in the boot order, from 1, by alias: their own, or that of the first device of each kind
    that os/boot lists."""
    devices = definition.devices
    bootable: tuple[Device, ...] = (*devices.disks, *devices.interfaces, *devices.redirdevs)
    order = {device.alias: device.boot_order for device in bootable if device.boot_order is not None}
    candidates: dict[str, list[Device]] = {
        "hd": [disk for disk in devices.disks if disk.device in ("disk", "lun")],
        "fd": [disk for disk in devices.disks if disk.device == "floppy"],
        "cdrom": [disk for disk in devices.disks if disk.device == "cdrom"],
        "network": list(devices.interfaces),
    }
    for place, kind in enumerate(definition.os.boot, 1):
        for first in candidates[kind][:1]:
            order.setdefault(first.alias, place)
    return order


def _rom(device: Device) -> dict[str, Any]:
    """An option ROM is left out by an empty name."""
    if device.rom is False and (device.rom_bar is not None or device.rom_file is not None):
        raise UnsupportedConfig(f"{label(device)}: a rom that is not enabled, with settings")
    rom_file = "" if device.rom is False else device.rom_file
    return {"rombar": None if device.rom_bar is None else int(device.rom_bar), "romfile": rom_file}


def alias(device: Device) -> str:
    """The alias of a device, which is its id in QEMU. Raises UnsupportedConfig for one that QEMU does not take."""
    if device.alias is None:
        raise InternalError(f"{label(device)} has no alias")
    return identifier(device.alias, label(device))
