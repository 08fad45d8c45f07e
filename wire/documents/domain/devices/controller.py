"""Buses and what they hang on: libvirt's `<controller>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import DECIMAL_OR_HEX, hexadecimal
from ..address import Device

ControllerType = Literal["pci", "usb", "ide", "sata", "virtio-serial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller(Device):
    """One controller; (type, index) is its name, and what other devices' addresses refer to.

    `model` is pci's kind ("pci-root", "pcie-root-port", …), usb's chip ("qemu-xhci") or ide's. `pci_model`,
    `chassis`, `chassis_number` and `port` belong to pci, `ports` to usb and virtio-serial, `vectors` to
    virtio-serial, `master_startport` to the companions of a usb 2 controller.
    """

    type: Annotated[ControllerType, At("@type", known=("scsi", "fdc", "ccid", "xenbus", "isa", "nvme"))]
    index: Annotated[int | None, At("@index")] = None
    model: Annotated[str | None, At("@model")] = None
    ports: Annotated[int | None, At("@ports")] = None
    vectors: Annotated[int | None, At("@vectors")] = None
    pci_model: Annotated[str | None, At("model/@name")] = None
    chassis_number: Annotated[int | None, At("target/@chassisNr", DECIMAL_OR_HEX)] = None
    chassis: Annotated[int | None, At("target/@chassis", DECIMAL_OR_HEX)] = None
    port: Annotated[int | None, At("target/@port", hexadecimal(1, 255))] = None
    master_startport: Annotated[int | None, At("master/@startport")] = None
