"""What devices of the host are and can do: libvirt's `<capability type='…'>`, a class per type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ..binding import At
from ..values import DECIMAL_OR_HEX, HEX2, HEX4, UUID, hexadecimal

# The parts of an s390 channel's address.
CSSID = hexadecimal(1, 0xFE)
SSID = hexadecimal(1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """A vendor or product: its number, and its name where that is known."""

    id: Annotated[str | None, At("@id")] = None
    name: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAddress:
    """A PCI address."""

    domain: Annotated[int, At("@domain", HEX4)] = 0
    bus: Annotated[int, At("@bus", HEX2)] = 0
    slot: Annotated[int, At("@slot", HEX2)] = 0
    function: Annotated[int, At("@function", hexadecimal(1, 7))] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IommuGroup:
    """Devices that can only be given to a guest together."""

    number: Annotated[int, At("@number")]
    addresses: Annotated[tuple[DeviceAddress, ...], At("address")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MdevType:
    """A kind of mediated devices that a device can make."""

    id: Annotated[str, At("@id")]
    name: Annotated[str | None, At("name")] = None
    device_api: Annotated[str, At("deviceAPI")]
    available: Annotated[int, At("availableInstances")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MdevTypes:
    TAG: ClassVar[str] = "mdev_types"

    types: Annotated[tuple[MdevType, ...], At("type")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyMdevTypes(MdevTypes):
    """The same, in a device whose capabilities can be no others."""

    type: Annotated[Literal["mdev_types"], At("@type")] = "mdev_types"


# -- the machine -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCapability:
    """The machine itself, as its firmware tells."""

    TAG: ClassVar[str] = "system"

    product: Annotated[str | None, At("product")] = None
    hardware_vendor: Annotated[str | None, At("hardware/vendor")] = None
    hardware_version: Annotated[str | None, At("hardware/version")] = None
    hardware_serial: Annotated[str | None, At("hardware/serial")] = None
    hardware_uuid: Annotated[str | None, At("hardware/uuid", UUID)] = None
    firmware_vendor: Annotated[str | None, At("firmware/vendor")] = None
    firmware_version: Annotated[str | None, At("firmware/version")] = None
    firmware_release_date: Annotated[str | None, At("firmware/release_date")] = None


# -- PCI ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalFunction:
    """The device that this one is a virtual function of."""

    TAG: ClassVar[str] = "phys_function"

    address: Annotated[DeviceAddress | None, At("address")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFunctions:
    """The virtual functions of a device, and how many it can have."""

    TAG: ClassVar[str] = "virt_functions"

    max_count: Annotated[int | None, At("@maxCount")] = None
    addresses: Annotated[tuple[DeviceAddress, ...], At("address")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PciBridge:
    TAG: ClassVar[str] = "pci-bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBusBridge:
    TAG: ClassVar[str] = "cardbus-bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class VpdField:
    """A field of a vendor's own."""

    index: Annotated[str, At("@index")]
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VpdFields:
    """What a device has been given to tell of itself; read-only fields, or those that its owner may change."""

    access: Annotated[Literal["readonly", "readwrite"], At("@access")]
    change_level: Annotated[str | None, At("change_level")] = None
    manufacture_id: Annotated[str | None, At("manufacture_id")] = None
    part_number: Annotated[str | None, At("part_number")] = None
    serial_number: Annotated[str | None, At("serial_number")] = None
    asset_tag: Annotated[str | None, At("asset_tag")] = None
    vendor_fields: Annotated[tuple[VpdField, ...], At("vendor_field")] = ()
    system_fields: Annotated[tuple[VpdField, ...], At("system_field")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductData:
    """A device's vital product data."""

    TAG: ClassVar[str] = "vpd"

    name: Annotated[str | None, At("name")] = None
    fields: Annotated[tuple[VpdFields, ...], At("fields")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressLink:
    """A PCI Express link: what it could be (`cap`) or is (`sta`); `speed` in GT/s."""

    validity: Annotated[Literal["cap", "sta"], At("@validity")]
    port: Annotated[int | None, At("@port")] = None
    speed: Annotated[str | None, At("@speed")] = None
    width: Annotated[int | None, At("@width")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Express:
    links: Annotated[tuple[ExpressLink, ...], At("link")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PciCapability:
    """A device on a PCI bus."""

    TAG: ClassVar[str] = "pci"

    device_class: Annotated[str | None, At("class")] = None
    domain: Annotated[int, At("domain", DECIMAL_OR_HEX)] = 0
    bus: Annotated[int, At("bus", DECIMAL_OR_HEX)] = 0
    slot: Annotated[int, At("slot", DECIMAL_OR_HEX)] = 0
    function: Annotated[int, At("function", DECIMAL_OR_HEX)] = 0
    product: Annotated[Identified | None, At("product")] = None
    vendor: Annotated[Identified | None, At("vendor")] = None
    capabilities: Annotated[
        tuple[PhysicalFunction | VirtualFunctions | PciBridge | CardBusBridge | MdevTypes | ProductData, ...],
        At("capability", by="type"),
    ] = ()
    iommu_group: Annotated[IommuGroup | None, At("iommuGroup")] = None
    numa_node: Annotated[int | None, At("numa/@node")] = None
    express: Annotated[Express | None, At("pci-express")] = None


# -- USB ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbDeviceCapability:
    """A device on a USB bus."""

    TAG: ClassVar[str] = "usb_device"

    bus: Annotated[int, At("bus", DECIMAL_OR_HEX)]
    device: Annotated[int, At("device", DECIMAL_OR_HEX)]
    product: Annotated[Identified | None, At("product")] = None
    vendor: Annotated[Identified | None, At("vendor")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbInterfaceCapability:
    """One of the things that a USB device is."""

    TAG: ClassVar[str] = "usb"

    number: Annotated[int, At("number", DECIMAL_OR_HEX)]
    device_class: Annotated[int, At("class", DECIMAL_OR_HEX)]
    subclass: Annotated[int, At("subclass", DECIMAL_OR_HEX)]
    protocol: Annotated[int, At("protocol", DECIMAL_OR_HEX)]
    description: Annotated[str | None, At("description")] = None


# -- network cards -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ethernet:
    TAG: ClassVar[str] = "80203"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wireless:
    TAG: ClassVar[str] = "80211"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetCapability:
    """A network interface; `link_speed` in Mbit/s."""

    TAG: ClassVar[str] = "net"

    interface: Annotated[str, At("interface")]
    address: Annotated[str | None, At("address")] = None
    link_speed: Annotated[int | None, At("link/@speed")] = None
    link_state: Annotated[str | None, At("link/@state")] = None
    features: Annotated[tuple[str, ...], At("feature/@name")] = ()
    capabilities: Annotated[tuple[Ethernet | Wireless, ...], At("capability", by="type")] = ()


# -- SCSI and storage --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FcHost:
    """A Fibre Channel adapter's names."""

    TAG: ClassVar[str] = "fc_host"

    wwnn: Annotated[str | None, At("wwnn")] = None
    wwpn: Annotated[str | None, At("wwpn")] = None
    fabric_wwn: Annotated[str | None, At("fabric_wwn")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VportOps:
    """An adapter that can make virtual ones."""

    TAG: ClassVar[str] = "vport_ops"

    max_vports: Annotated[int, At("max_vports")] = 0
    vports: Annotated[int, At("vports")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScsiHostCapability:
    """A SCSI adapter."""

    TAG: ClassVar[str] = "scsi_host"

    host: Annotated[int | None, At("host")] = None
    unique_id: Annotated[int | None, At("unique_id")] = None
    capabilities: Annotated[tuple[FcHost | VportOps, ...], At("capability", by="type")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePort:
    TAG: ClassVar[str] = "fc_remote_port"

    rport: Annotated[str, At("rport")]
    wwpn: Annotated[str | None, At("wwpn")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScsiTargetCapability:
    TAG: ClassVar[str] = "scsi_target"

    target: Annotated[str, At("target")]
    capabilities: Annotated[tuple[RemotePort | MdevTypes, ...], At("capability", by="type")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScsiCapability:
    """A device on a SCSI bus."""

    TAG: ClassVar[str] = "scsi"

    host: Annotated[int, At("host")]
    bus: Annotated[int, At("bus")]
    target: Annotated[int, At("target")]
    lun: Annotated[int, At("lun")]
    type: Annotated[str | None, At("type")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removable:
    """A drive whose medium can be taken out; sizes in bytes."""

    TAG: ClassVar[str] = "removable"

    media_available: Annotated[int, At("media_available")] = 0
    media_size: Annotated[int | None, At("media_size")] = None
    media_label: Annotated[str | None, At("media_label")] = None
    logical_block_size: Annotated[int | None, At("logical_block_size")] = None
    num_blocks: Annotated[int | None, At("num_blocks")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotpluggable:
    TAG: ClassVar[str] = "hotpluggable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCapability:
    """A block device; sizes in bytes."""

    TAG: ClassVar[str] = "storage"

    block: Annotated[str, At("block")]
    bus: Annotated[str | None, At("bus")] = None
    drive_type: Annotated[str | None, At("drive_type")] = None
    model: Annotated[str | None, At("model")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    serial: Annotated[str | None, At("serial")] = None
    size: Annotated[int | None, At("size")] = None
    logical_block_size: Annotated[int | None, At("logical_block_size")] = None
    num_blocks: Annotated[int | None, At("num_blocks")] = None
    capabilities: Annotated[tuple[Removable | Hotpluggable, ...], At("capability", by="type")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScsiGenericCapability:
    TAG: ClassVar[str] = "scsi_generic"

    char: Annotated[str, At("char")]


# -- the rest ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DrmCapability:
    """A graphics device node."""

    TAG: ClassVar[str] = "drm"

    type: Annotated[Literal["primary", "control", "render"], At("type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MdevAttribute:
    name: Annotated[str, At("@name")]
    value: Annotated[str, At("@value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MdevCapability:
    """A mediated device: a part of another that a guest can be given."""

    TAG: ClassVar[str] = "mdev"

    type: Annotated[str, At("type/@id")]
    uuid: Annotated[str | None, At("uuid", UUID)] = None
    parent_addr: Annotated[str | None, At("parent_addr")] = None
    iommu_group: Annotated[IommuGroup | None, At("iommuGroup")] = None
    attributes: Annotated[tuple[MdevAttribute, ...], At("attr")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CcwCapability:
    """A device on a channel subsystem (s390)."""

    TAG: ClassVar[str] = "ccw"

    cssid: Annotated[int, At("cssid", CSSID)]
    ssid: Annotated[int, At("ssid", SSID)]
    devno: Annotated[int, At("devno", HEX4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAddress:
    cssid: Annotated[int, At("cssid", CSSID)]
    ssid: Annotated[int, At("ssid", SSID)]
    devno: Annotated[int, At("devno", HEX4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CssCapability:
    """A subchannel (s390)."""

    TAG: ClassVar[str] = "css"

    cssid: Annotated[int, At("cssid", CSSID)]
    ssid: Annotated[int, At("ssid", SSID)]
    devno: Annotated[int, At("devno", HEX4)]
    channel_device: Annotated[ChannelAddress | None, At("channel_dev_addr")] = None
    capabilities: Annotated[tuple[OnlyMdevTypes, ...], At("capability")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VdpaCapability:
    TAG: ClassVar[str] = "vdpa"

    chardev: Annotated[str, At("chardev")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApCardCapability:
    """A cryptographic adapter (s390)."""

    TAG: ClassVar[str] = "ap_card"

    adapter: Annotated[int, At("ap-adapter", HEX2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApQueueCapability:
    TAG: ClassVar[str] = "ap_queue"

    adapter: Annotated[int, At("ap-adapter", HEX2)]
    domain: Annotated[int, At("ap-domain", HEX4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApMatrixCapability:
    TAG: ClassVar[str] = "ap_matrix"

    capabilities: Annotated[tuple[OnlyMdevTypes, ...], At("capability")] = ()


Capability = (
    SystemCapability
    | PciCapability
    | UsbDeviceCapability
    | UsbInterfaceCapability
    | NetCapability
    | ScsiHostCapability
    | ScsiTargetCapability
    | ScsiCapability
    | StorageCapability
    | ScsiGenericCapability
    | DrmCapability
    | MdevCapability
    | CcwCapability
    | CssCapability
    | VdpaCapability
    | ApCardCapability
    | ApQueueCapability
    | ApMatrixCapability
)
