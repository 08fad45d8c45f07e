"""Where a device sits: libvirt's `<address type='…'>`, a class per type, and what every device has in common."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ..binding import At
from ..values import DECIMAL_OR_HEX, HEX2, HEX4, HEX8, LONG_HEX, ON_OFF, SLOT, YES_NO, hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PciAddress:
    """A slot and function on a PCI bus; `bus` is the index of the pci controller that it hangs on. `zpci_…` are
    s390's numbers for it."""

    TAG: ClassVar[str] = "pci"

    domain: Annotated[int, At("@domain", HEX4)] = 0
    bus: Annotated[int, At("@bus", HEX2)] = 0
    slot: Annotated[int, At("@slot", SLOT)] = 0
    function: Annotated[int, At("@function", hexadecimal(1, 7))] = 0
    multifunction: Annotated[bool | None, At("@multifunction", ON_OFF)] = None
    zpci_uid: Annotated[int | None, At("zpci/@uid", HEX4)] = None
    zpci_fid: Annotated[int | None, At("zpci/@fid", HEX8)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveAddress:
    """A unit on a disk controller (ide: bus is the channel; sata: unit is the port)."""

    TAG: ClassVar[str] = "drive"

    controller: Annotated[int, At("@controller", DECIMAL_OR_HEX)] = 0
    bus: Annotated[int, At("@bus", DECIMAL_OR_HEX)] = 0
    target: Annotated[int, At("@target", DECIMAL_OR_HEX)] = 0
    unit: Annotated[int, At("@unit", DECIMAL_OR_HEX)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtioSerialAddress:
    """A port of a virtio-serial controller; port 0 is the console's only."""

    TAG: ClassVar[str] = "virtio-serial"

    controller: Annotated[int, At("@controller", DECIMAL_OR_HEX)] = 0
    bus: Annotated[int, At("@bus", DECIMAL_OR_HEX)] = 0
    port: Annotated[int, At("@port", DECIMAL_OR_HEX)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IsaAddress:
    """A legacy port and interrupt line; None leaves them to the machine."""

    TAG: ClassVar[str] = "isa"

    iobase: Annotated[int | None, At("@iobase", hexadecimal(1, 0xFFFF))] = None
    irq: Annotated[int | None, At("@irq", hexadecimal(1, 0xFFFF))] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbAddress:
    """A port of a USB controller, dotted through hubs ("1", "2.4"); None takes the next free one."""

    TAG: ClassVar[str] = "usb"

    bus: Annotated[int, At("@bus", DECIMAL_OR_HEX)] = 0
    port: Annotated[str | None, At("@port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MmioAddress:
    """A virtio-mmio transport, which QEMU assigns (microvm)."""

    TAG: ClassVar[str] = "virtio-mmio"

    reg: Annotated[int | None, At("@reg", HEX8)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CcidAddress:
    """A slot of a smartcard reader."""

    TAG: ClassVar[str] = "ccid"

    controller: Annotated[int, At("@controller", DECIMAL_OR_HEX)] = 0
    slot: Annotated[int, At("@slot", DECIMAL_OR_HEX)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaprVioAddress:
    """A register of POWER's virtual bus."""

    TAG: ClassVar[str] = "spapr-vio"

    reg: Annotated[int | None, At("@reg", HEX8)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CcwAddress:
    """A subchannel of s390's."""

    TAG: ClassVar[str] = "ccw"

    cssid: Annotated[int | None, At("@cssid", hexadecimal(1, 0xFE))] = None
    ssid: Annotated[int | None, At("@ssid", hexadecimal(1, 3))] = None
    devno: Annotated[int | None, At("@devno", HEX4)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimmAddress:
    """A slot for memory, and where it begins in the guest's address space."""

    TAG: ClassVar[str] = "dimm"

    slot: Annotated[int | None, At("@slot")] = None
    base: Annotated[int | None, At("@base", LONG_HEX)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnassignedAddress:
    """Nowhere: the device is not in the guest."""

    TAG: ClassVar[str] = "unassigned"


Address = (
    PciAddress
    | DriveAddress
    | VirtioSerialAddress
    | IsaAddress
    | UsbAddress
    | MmioAddress
    | CcidAddress
    | SpaprVioAddress
    | CcwAddress
    | DimmAddress
    | UnassignedAddress
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What every device may carry. `alias` is the live name ("net0") or, in a definition, a user's own ("ua-…").

    `rom` says whether its option ROM is there, `rom_bar` whether the guest's PCI shows it, `rom_file` what is in it.
    """

    boot_order: Annotated[int | None, At("boot/@order", last=2)] = None
    loadparm: Annotated[str | None, At("boot/@loadparm", last=2)] = None
    alias: Annotated[str | None, At("alias/@name", last=2)] = None
    rom: Annotated[bool | None, At("rom/@enabled", YES_NO, last=2)] = None
    rom_bar: Annotated[bool | None, At("rom/@bar", ON_OFF, last=2)] = None
    rom_file: Annotated[str | None, At("rom/@file", last=2)] = None
    acpi_index: Annotated[int | None, At("acpi/@index", last=2)] = None
    address: Annotated[Address | None, At("address", by="type", last=2)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtioDevice(Device):
    """A device that may be a virtio one, and what any of those may be told."""

    iommu: Annotated[bool | None, At("driver/@iommu", ON_OFF, last=1)] = None
    ats: Annotated[bool | None, At("driver/@ats", ON_OFF, last=1)] = None
    packed: Annotated[bool | None, At("driver/@packed", ON_OFF, last=1)] = None
    page_per_vq: Annotated[bool | None, At("driver/@page_per_vq", ON_OFF, last=1)] = None
