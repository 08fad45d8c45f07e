"""Which kind of address each device has on a machine, and whether it is one of PCI Express."""

from __future__ import annotations

from typing import Any

from ....wire.documents.domain import (
    CcidAddress,
    Channel,
    Console,
    Controller,
    Crypto,
    Device,
    DimmAddress,
    Disk,
    DriveAddress,
    Filesystem,
    HostDevice,
    Hub,
    Input,
    Interface,
    Iommu,
    IsaAddress,
    Memballoon,
    MemoryDevice,
    MmioAddress,
    NvramDevice,
    Panic,
    Parallel,
    PciAddress,
    RedirectedDevice,
    Rng,
    Serial,
    SharedMemory,
    Smartcard,
    Sound,
    Tpm,
    UsbAddress,
    Video,
    VirtioSerialAddress,
    Vsock,
    Watchdog,
)
from .machine import MachineFamily

AddressClass = type[Any] | None

# What is of one kind on all machines. Devices of the machine itself, and those of processors, have no address.
_EVERYWHERE: dict[type[Device], AddressClass] = {
    Hub: UsbAddress,
    RedirectedDevice: UsbAddress,
    Smartcard: CcidAddress,
    Parallel: IsaAddress,
    Tpm: None,
    HostDevice: None,
    NvramDevice: None,
}
# What is on the machine's bus for virtio devices (PCI if there is any), whatever else is said of it.
_ON_BUS = (Filesystem, Interface, Rng, Vsock, Crypto, SharedMemory)
_BY_CONTROLLER: dict[str, AddressClass] = {"fdc": None, "ccid": UsbAddress, "isa": None}
_BY_BUS: dict[str, AddressClass] = {"usb": UsbAddress, "ps2": None, "none": None}
_BY_SERIAL_TARGET: dict[str, AddressClass] = {"pci-serial": PciAddress, "usb-serial": UsbAddress}
_BY_SOUND: dict[str, AddressClass] = {"usb": UsbAddress, "sb16": None, "pcspk": None}
_BY_WATCHDOG: dict[str, AddressClass] = {"i6300esb": PciAddress}
_BY_PANIC: dict[str, AddressClass] = {"isa": IsaAddress, "pvpanic": PciAddress}
_BY_MEMORY: dict[str, AddressClass] = {"dimm": DimmAddress, "nvdimm": DimmAddress, "sgx-epc": None}

# Cards that libvirt puts on a conventional bus; those that it has never heard of are taken for PCI Express.
CONVENTIONAL_INTERFACES = frozenset({"rtl8139", "e1000", "vmxnet3", "virtio-transitional"})
EXPRESS_USB = frozenset({"nec-xhci", "qemu-xhci"})
EXPRESS_SCSI = frozenset({"virtio-scsi", "virtio-non-transitional"})
TRANSITIONAL = "virtio-transitional"


def address_class(device: Device, family: MachineFamily) -> AddressClass:
    """The class of address that a device has; None for one that has none."""
    on_bus = PciAddress if family.root else MmioAddress
    if type(device) in _EVERYWHERE:
        return _EVERYWHERE[type(device)]
    if isinstance(device, _ON_BUS):
        return on_bus
    match device:
        case Disk(bus=bus):
            return {"virtio": on_bus, "usb": UsbAddress}.get(bus or "", DriveAddress)
        case Controller(type="pci", index=0) | Controller(type="usb", model="none"):
            return None
        case Controller(type=kind):
            return _BY_CONTROLLER.get(kind, on_bus)
        case Serial(target_type=target):
            return _BY_SERIAL_TARGET.get(target or "", IsaAddress)
        case Console(target_type=target) | Channel(target_type=target):
            return VirtioSerialAddress if target == "virtio" else None
        case Input(bus=bus):
            return None if device.type == "evdev" else _BY_BUS.get(bus or "", on_bus)
        case Video(model=model) | Memballoon(model=model):
            return None if model in ("none", "ramfb") else on_bus
        case Sound(model=model):
            return _BY_SOUND.get(model, PciAddress)
        case Watchdog(model=model):
            return _BY_WATCHDOG.get(model)
        case Panic(model=model):
            return _BY_PANIC.get(model or "isa")
        case MemoryDevice(model=model):
            return _BY_MEMORY.get(model, on_bus)
        case Iommu(model=model):
            return on_bus if model == "virtio" else None
    raise TypeError(f"{type(device).__name__} has no place")


def is_express(device: Device) -> bool:
    """Whether a device goes on PCI Express where there is such a thing; libvirt's choice for each."""
    if getattr(device, "model", None) == TRANSITIONAL:
        return False
    match device:
        case Interface(model=model):
            return model not in CONVENTIONAL_INTERFACES
        case Controller(type="usb", model=model):
            return model in EXPRESS_USB
        case Controller(type="scsi", model=model):
            return model in EXPRESS_SCSI
        case Controller(type="sata" | "ide"):
            return False
        case Controller(type="pci", model=model):
            return model not in ("pci-bridge", "dmi-to-pci-bridge", "pci-expander-bus")
        case Video(model=model):
            return model in ("virtio", "bochs")
        case Serial() | Sound() | Watchdog() | Panic() | SharedMemory():
            return False
    return True
