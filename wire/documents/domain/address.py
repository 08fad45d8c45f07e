"""Where a device sits: libvirt's `<address type='…'>`, a class per type, and what every device has in common."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ..binding import At
from ..values import DECIMAL_OR_HEX, HEX2, HEX4, HEX8, ON_OFF, hexadecimal

# Refused by name: addresses of machines and buses that no driver here has.
FOREIGN_ADDRESSES = ("ccid", "ccw", "spapr-vio", "dimm", "unassigned", "mdev")


@dataclass(frozen=True, slots=True, kw_only=True)
class PciAddress:
    """A slot and function on a PCI bus; `bus` is the index of the pci controller that it hangs on."""

    TAG: ClassVar[str] = "pci"

    domain: Annotated[int, At("@domain", HEX4)] = 0
    bus: Annotated[int, At("@bus", HEX2)] = 0
    slot: Annotated[int, At("@slot", HEX2)] = 0
    function: Annotated[int, At("@function", hexadecimal(1, 7))] = 0
    multifunction: Annotated[bool | None, At("@multifunction", ON_OFF)] = None


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


Address = PciAddress | DriveAddress | VirtioSerialAddress | IsaAddress | UsbAddress | MmioAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What every device may carry. `alias` is the live name ("net0") or, in a definition, a user's own ("ua-…")."""

    boot_order: Annotated[int | None, At("boot/@order", last=True)] = None
    alias: Annotated[str | None, At("alias/@name", last=True)] = None
    address: Annotated[Address | None, At("address", by="type", known=FOREIGN_ADDRESSES, last=True)] = None
