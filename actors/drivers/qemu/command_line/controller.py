"""Controllers: buses and what they hang on. Those of the machine itself need no argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .....wire.documents.domain import Controller, PciAddress
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias

# libvirt's kinds of PCI buses -> QEMU's devices that are one, the usual one first.
PCI_DEVICES = {
    "pcie-root-port": ("pcie-root-port", "ioh3420"),
    "pci-bridge": ("pci-bridge",),
    "pcie-to-pci-bridge": ("pcie-pci-bridge",),
}
USB_DEVICES = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "ehci": "usb-ehci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
}
XHCI = ("nec-xhci", "qemu-xhci")
MAX_XHCI_PORTS = 15
# The first port that a companion serves, where the document does not say.
COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
# What of a controller is for which type; the rest of a controller all have.
FIELDS = {
    "pci": {"pci_model", "chassis", "chassis_number", "port"},
    "usb": {"ports", "master_startport"},
    "virtio-serial": {"ports", "vectors"},
    "ide": set[str](),
    "sata": set[str](),
}


def controllers(board: Board) -> list[str]:
    """-device for every controller that the machine does not have anyway."""
    arguments: list[str] = []
    for controller in sorted(board.definition.devices.controllers, key=_turn):
        _check_fields(controller)
        builder = _BUILDERS[controller.type]
        if board.is_builtin(controller):
            _check_builtin(board, controller)
        else:
            arguments += builder(board, controller)
    return arguments


def _turn(controller: Controller) -> tuple[bool, int, bool]:
    """PCI buses first, each after the lower ones that it may hang on; then the others, masters before companions."""
    is_bus = controller.type == "pci"
    return not is_bus, (controller.index or 0) if is_bus else 0, controller.model in COMPANIONS


def _check_fields(controller: Controller) -> None:
    for field in set().union(*FIELDS.values()) - FIELDS[controller.type]:
        if getattr(controller, field) is not None:
            raise UnsupportedConfig(f"{label(controller)}: {field}")


def _check_builtin(board: Board, controller: Controller) -> None:
    """The machine's own controllers are as they are."""
    expected = board.family.root if controller.type == "pci" else None
    if controller.model not in (None, expected):
        raise UnsupportedConfig(f"{label(controller)}: the machine has its own")
    place = board.family.places.get((controller.type, controller.index or 0))
    if controller.address is not None and controller.address != (
        place and PciAddress(slot=place[0], function=place[1])
    ):
        raise UnsupportedConfig(f"{label(controller)}: another address than the machine's own controller has")
    for field in FIELDS[controller.type]:
        if getattr(controller, field) is not None:
            raise UnsupportedConfig(f"{label(controller)}: {field} of the machine's own controller")


def _pci(board: Board, controller: Controller) -> list[str]:
    drivers = PCI_DEVICES.get(controller.model or "")
    if drivers is None:
        raise UnsupportedConfig(label(controller))
    driver = controller.pci_model or drivers[0]
    if driver not in drivers:
        raise UnsupportedConfig(f"{label(controller)}: model name {driver!r}")
    is_bridge = controller.model == "pci-bridge"
    numbers: dict[str, Any] = {"chassis_nr": controller.chassis_number if is_bridge else None}
    if controller.model == "pcie-root-port":
        numbers = {"port": controller.port, "chassis": controller.chassis}
    elif controller.port is not None or controller.chassis is not None:
        raise UnsupportedConfig(f"{label(controller)}: chassis and port are for pcie-root-port")
    if controller.chassis_number is not None and not is_bridge:
        raise UnsupportedConfig(f"{label(controller)}: chassisNr is for pci-bridge")
    return board.device(controller, driver, **numbers)


def _usb(board: Board, controller: Controller) -> list[str]:
    if controller.model == "none":
        return []
    driver = USB_DEVICES.get(controller.model or "")
    if driver is None:
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    if controller.ports is not None and (controller.model not in XHCI or not 0 < controller.ports <= MAX_XHCI_PORTS):
        raise UnsupportedConfig(f"{label(controller)}: {controller.ports} ports")
    if controller.model in COMPANIONS and _has_master(board, controller):
        return _companion(board, controller, driver)
    if controller.master_startport is not None:
        raise UnsupportedConfig(f"{label(controller)}: it has no master")
    return board.device(controller, driver, p2=controller.ports, p3=controller.ports)


def _has_master(board: Board, companion: Controller) -> bool:
    return any(
        each.type == "usb" and each.index == companion.index and each.model == "ich9-ehci1"
        for each in board.definition.devices.controllers
    )


def _companion(board: Board, controller: Controller, driver: str) -> list[str]:
    """A companion shares its master's alias, so it has no id."""
    first = COMPANIONS[controller.model or ""] if controller.master_startport is None else controller.master_startport
    master = {"masterbus": f"{alias(controller)}.0", "firstport": first}
    return board.bare_device(label(controller), driver, **board.place(controller), **master)


def _virtio_serial(board: Board, controller: Controller) -> list[str]:
    if controller.model not in (None, "virtio"):
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    if controller.vectors is not None and board.family.root is None:
        raise UnsupportedConfig(f"{label(controller)}: vectors without PCI")
    return board.device(controller, board.virtio("serial"), max_ports=controller.ports, vectors=controller.vectors)


def _ide(board: Board, controller: Controller) -> list[str]:
    raise UnsupportedConfig(f"{label(controller)}: only a PC has one, and one only")


def _sata(board: Board, controller: Controller) -> list[str]:
    if controller.model is not None:
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    return board.device(controller, "ich9-ahci")


_BUILDERS: dict[str, Callable[[Board, Controller], list[str]]] = {
    "pci": _pci,
    "usb": _usb,
    "virtio-serial": _virtio_serial,
    "ide": _ide,
    "sata": _sata,
}
