"""Buses and what they hang on: libvirt's `<controller>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import DECIMAL_OR_HEX, ON_OFF, SIZE_KIB, hexadecimal
from ..address import Device

ControllerType = Literal["pci", "usb", "ide", "sata", "virtio-serial", "scsi", "fdc", "ccid", "xenbus", "isa", "nvme"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerDriver:
    """How the hypervisor drives a scsi controller."""

    queues: Annotated[int | None, At("@queues")] = None
    cmd_per_lun: Annotated[int | None, At("@cmd_per_lun")] = None
    max_sectors: Annotated[int | None, At("@max_sectors")] = None
    ioeventfd: Annotated[bool | None, At("@ioeventfd", ON_OFF)] = None
    iothread: Annotated[int | None, At("@iothread")] = None
    iommu: Annotated[bool | None, At("@iommu", ON_OFF)] = None
    ats: Annotated[bool | None, At("@ats", ON_OFF)] = None
    packed: Annotated[bool | None, At("@packed", ON_OFF)] = None
    page_per_vq: Annotated[bool | None, At("@page_per_vq", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller(Device):
    """One controller; (type, index) is its name, and what other devices' addresses refer to.

    `model` is pci's kind ("pci-root", "pcie-root-port", …), usb's chip ("qemu-xhci"), scsi's or ide's. `pci_model`,
    `chassis…`, `port`, `bus_number`, `hotplug`, `node`, `target_index` and `pcihole64` (KiB) belong to pci, `ports` to
    usb and virtio-serial, `vectors` to virtio-serial, `max_…` to xenbus, `master_startport` to the companions of a usb
    2 controller.
    """

    type: Annotated[ControllerType, At("@type")]
    index: Annotated[int | None, At("@index")] = None
    model: Annotated[str | None, At("@model")] = None
    ports: Annotated[int | None, At("@ports")] = None
    vectors: Annotated[int | None, At("@vectors")] = None
    max_grant_frames: Annotated[int | None, At("@maxGrantFrames")] = None
    max_event_channels: Annotated[int | None, At("@maxEventChannels")] = None
    driver: Annotated[ControllerDriver | None, At("driver")] = None
    pci_model: Annotated[str | None, At("model/@name")] = None
    chassis_number: Annotated[int | None, At("target/@chassisNr", DECIMAL_OR_HEX)] = None
    chassis: Annotated[int | None, At("target/@chassis", DECIMAL_OR_HEX)] = None
    port: Annotated[int | None, At("target/@port", hexadecimal(1, 255))] = None
    bus_number: Annotated[int | None, At("target/@busNr", DECIMAL_OR_HEX)] = None
    target_index: Annotated[int | None, At("target/@index")] = None
    hotplug: Annotated[bool | None, At("target/@hotplug", ON_OFF)] = None
    node: Annotated[int | None, At("target/node")] = None
    pcihole64: Annotated[int | None, At("pcihole64", SIZE_KIB)] = None
    master_startport: Annotated[int | None, At("master/@startport")] = None
