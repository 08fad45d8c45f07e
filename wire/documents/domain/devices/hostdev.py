"""Devices of the host's that the guest gets, and USB devices that come over the network: `<hostdev>`, `<redirdev>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import HEX2, HEX4, HEX4_CAPITALS, ON_OFF, UUID, YES_NO, hexadecimal
from ..address import Device
from .character import HostSide
from .disk import DiskAuth, DiskHost


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDeviceAddress:
    """Where the host has a device: of PCI all but the rest, of USB `bus` and `device`, of SCSI `bus`, `target`, `unit`,
    of a mediated device its UUID."""

    uuid: Annotated[str | None, At("@uuid", UUID)] = None
    domain: Annotated[int | None, At("@domain", HEX4)] = None
    bus: Annotated[str | None, At("@bus")] = None
    slot: Annotated[int | None, At("@slot", HEX2)] = None
    function: Annotated[int | None, At("@function", hexadecimal(1, 7))] = None
    device: Annotated[str | None, At("@device")] = None
    target: Annotated[str | None, At("@target")] = None
    unit: Annotated[str | None, At("@unit")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDevice(Device):
    """One of the host's devices (`mode` subsystem), or what a container may see (capabilities).

    A unit of an iSCSI target's is said with `protocol`, `source_name`, `hosts`, `initiator` and `source_auth`.
    """

    mode: Annotated[Literal["subsystem", "capabilities"], At("@mode")] = "subsystem"
    type: Annotated[Literal["usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net"], At("@type")]
    managed: Annotated[bool | None, At("@managed", YES_NO)] = None
    sgio: Annotated[Literal["filtered", "unfiltered"] | None, At("@sgio")] = None
    rawio: Annotated[bool | None, At("@rawio", YES_NO)] = None
    model: Annotated[str | None, At("@model")] = None
    display: Annotated[bool | None, At("@display", ON_OFF)] = None
    ramfb: Annotated[bool | None, At("@ramfb", ON_OFF)] = None
    driver: Annotated[Literal["kvm", "vfio", "xen"] | None, At("driver/@name")] = None
    startup_policy: Annotated[Literal["mandatory", "requisite", "optional"] | None, At("source/@startupPolicy")] = None
    guest_reset: Annotated[Literal["off", "uninitialized", "on"] | None, At("source/@guestReset")] = None
    write_filtering: Annotated[bool | None, At("source/@writeFiltering", YES_NO)] = None
    protocol: Annotated[str | None, At("source/@protocol")] = None
    source_name: Annotated[str | None, At("source/@name")] = None
    wwpn: Annotated[str | None, At("source/@wwpn")] = None
    vendor: Annotated[int | None, At("source/vendor/@id", HEX4)] = None
    product: Annotated[int | None, At("source/product/@id", HEX4)] = None
    adapter: Annotated[str | None, At("source/adapter/@name")] = None
    source_address: Annotated[HostDeviceAddress | None, At("source/address")] = None
    hosts: Annotated[tuple[DiskHost, ...], At("source/host")] = ()
    source_auth: Annotated[DiskAuth | None, At("source/auth")] = None
    initiator: Annotated[str | None, At("source/initiator/iqn/@name")] = None
    block: Annotated[str | None, At("source/block")] = None
    char: Annotated[str | None, At("source/char")] = None
    network_interface: Annotated[str | None, At("source/interface")] = None
    teaming: Annotated[Literal["persistent", "transient"] | None, At("teaming/@type")] = None
    teaming_persistent: Annotated[str | None, At("teaming/@persistent")] = None
    readonly: Annotated[bool, At("readonly")] = False
    shareable: Annotated[bool, At("shareable")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectedDevice(Device):
    """A place for a USB device that a viewer lends."""

    bus: Annotated[Literal["usb"], At("@bus")] = "usb"
    type: Annotated[HostSide, At("@type")]
    source_mode: Annotated[Literal["bind", "connect"] | None, At("source/@mode")] = None
    source_path: Annotated[str | None, At("source/@path")] = None
    source_host: Annotated[str | None, At("source/@host")] = None
    source_service: Annotated[str | None, At("source/@service")] = None
    protocol: Annotated[Literal["raw", "telnet", "telnets", "tls"] | None, At("protocol/@type")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbFilter:
    """Which USB devices a viewer may lend; None is any."""

    usb_class: Annotated[int | None, At("@class", HEX2)] = None
    vendor: Annotated[int | None, At("@vendor", HEX4_CAPITALS)] = None
    product: Annotated[int | None, At("@product", HEX4_CAPITALS)] = None
    version: Annotated[str | None, At("@version")] = None
    allow: Annotated[bool, At("@allow", YES_NO)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectionFilter:
    """The rules, the first that fits counts."""

    rules: Annotated[tuple[UsbFilter, ...], At("usbdev")] = ()
