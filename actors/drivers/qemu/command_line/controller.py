"""Controllers: buses and what they hang on. Those of the machine itself need no argument; PCI's are in `bridge`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .....wire.documents.domain import Controller, ControllerDriver, DriveAddress, PciAddress
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .bridge import bridge, root
from .iothread import iothread_name

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
SCSI_DEVICES = {
    "lsilogic": "lsi53c895a",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "am53c974": "am53c974",
    "dc390": "dc390",
}
VIRTIO_SCSI = {
    "virtio-scsi": "virtio",
    "virtio-transitional": "virtio-transitional",
    "virtio-non-transitional": "virtio-non-transitional",
}
# What chips the machine's own are.
BUILTIN_MODELS = {"ide": "piix3"}
XHCI = ("nec-xhci", "qemu-xhci")
MAX_XHCI_PORTS = 15
# The first port that a companion serves, where the document does not say.
COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
# What of a controller is for which type; the rest of a controller all have.
FIELDS: dict[str, set[str]] = {
    "pci": {
        *("pci_model", "chassis", "chassis_number", "port", "bus_number", "hotplug", "node", "target_index"),
        "pcihole64",
    },
    "usb": {"ports", "master_startport"},
    "virtio-serial": {"ports", "vectors", "driver"},
    "scsi": {"driver"},
    "ide": set(),
    "sata": set(),
    "fdc": set(),
    "ccid": set(),
}
_FOREIGN = {kind: sorted(set().union(*FIELDS.values()) - fields) for kind, fields in FIELDS.items()}


def controllers(board: Board) -> list[str]:
    """-device for every controller that the machine does not have anyway."""
    arguments: list[str] = []
    for controller in sorted(board.definition.devices.controllers, key=_turn):
        _check_fields(controller)
        builder = _BUILDERS[controller.type]
        if board.is_builtin(controller):
            arguments += _builtin(board, controller)
        elif controller.type == "ccid":
            continue  # It hangs on USB, behind hubs that come later.
        else:
            arguments += builder(board, controller)
    return arguments


def readers(board: Board) -> list[str]:
    """-device for every reader of smartcards."""
    return [
        word
        for controller in board.definition.devices.controllers
        if controller.type == "ccid"
        for word in _ccid(board, controller)
    ]


def _turn(controller: Controller) -> tuple[bool, int, bool]:
    """PCI buses first, each after the lower ones that it may hang on; then the others, masters before companions."""
    is_bus = controller.type == "pci"
    return not is_bus, (controller.index or 0) if is_bus else 0, controller.model in COMPANIONS


def _check_fields(controller: Controller) -> None:
    for field in _FOREIGN[controller.type]:
        if getattr(controller, field) is not None:
            raise UnsupportedConfig(f"{label(controller)}: {field.replace('_', ' ')}")


def _builtin(board: Board, controller: Controller) -> list[str]:
    """The machine's own controllers are as they are, but for settings of the root bus."""
    is_root = controller.type == "pci"
    expected = board.family.root if is_root else BUILTIN_MODELS.get(controller.type)
    if controller.model not in (None, expected):
        raise UnsupportedConfig(f"{label(controller)}: the machine has its own")
    place = board.family.places.get((controller.type, controller.index or 0))
    if controller.address is not None and controller.address != (
        place and PciAddress(slot=place[0], function=place[1])
    ):
        raise UnsupportedConfig(f"{label(controller)}: another address than the machine's own controller has")
    for field in ("pci_model", "rom", "rom_bar", "rom_file", "acpi_index"):
        if getattr(controller, field) is not None:
            raise UnsupportedConfig(f"{label(controller)}: {field.replace('_', ' ')} of the machine's own controller")
    if controller.type == "fdc":
        order = _floppy_order(board).items()
        return [word for name, index in order for word in ("-global", f"isa-fdc.{name}={index}")]
    return root(board, controller) if is_root else []


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
    if controller.master_startport is not None or controller.model in COMPANIONS:
        raise UnsupportedConfig(f"{label(controller)}: No master USB controller specified")
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
    if controller.vectors is not None and board.family.root is None:
        raise UnsupportedConfig(f"{label(controller)}: vectors without PCI")
    for field in ("queues", "cmd_per_lun", "max_sectors", "ioeventfd", "iothread"):
        if getattr(controller.driver, field, None) is not None:
            raise UnsupportedConfig(f"{label(controller)}: driver {field}")
    return board.device(
        controller,
        board.virtio("serial", controller.model),
        **board.virtio_options(controller.driver),
        max_ports=controller.ports,
        vectors=controller.vectors,
    )


def _scsi(board: Board, controller: Controller) -> list[str]:
    driver = controller.driver or ControllerDriver()
    if controller.model in VIRTIO_SCSI:
        return board.device(
            controller,
            board.virtio("scsi", VIRTIO_SCSI[controller.model]),
            **board.virtio_options(driver),
            **_virtio_scsi_properties(board, controller, driver),
        )
    device = SCSI_DEVICES.get(controller.model or "")
    if device is None:
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    if driver != ControllerDriver():
        raise UnsupportedConfig(f"{label(controller)}: settings of the driver are for virtio-scsi")
    return board.device(controller, device)


def _virtio_scsi_properties(board: Board, controller: Controller, driver: ControllerDriver) -> dict[str, Any]:
    return {
        "iothread": iothread_name(board, label(controller), driver.iothread),
        "num_queues": driver.queues,
        "cmd_per_lun": driver.cmd_per_lun,
        "max_sectors": driver.max_sectors,
        "ioeventfd": driver.ioeventfd,
    }


def _ide(board: Board, controller: Controller) -> list[str]:
    raise UnsupportedConfig(f"{label(controller)}: only a PC has one, and one only")


def _sata(board: Board, controller: Controller) -> list[str]:
    if controller.model is not None:
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    return board.device(controller, "ich9-ahci")


def _fdc(board: Board, controller: Controller) -> list[str]:
    """The floppies' controller knows which of its drives to boot from."""
    if controller.model is not None or controller.index:
        raise UnsupportedConfig(label(controller))
    return board.bare_device(label(controller), "isa-fdc", id=alias(controller), **_floppy_order(board))


def _floppy_order(board: Board) -> dict[str, int]:
    order: dict[str, int] = {}
    for disk in board.definition.devices.disks:
        index = board.boot_index(disk)
        address = disk.address
        if disk.bus == "fdc" and index is not None and isinstance(address, DriveAddress):
            order |= {FLOPPY_ORDER[address.unit]: index} if address.unit < len(FLOPPY_ORDER) else {}
    return order


def _ccid(board: Board, controller: Controller) -> list[str]:
    if controller.model is not None:
        raise UnsupportedConfig(f"{label(controller)}: model {controller.model!r}")
    return board.device(controller, "usb-ccid")


FLOPPY_ORDER = ("bootindexA", "bootindexB")

_BUILDERS: dict[str, Callable[[Board, Controller], list[str]]] = {
    "pci": bridge,
    "usb": _usb,
    "virtio-serial": _virtio_serial,
    "scsi": _scsi,
    "ide": _ide,
    "sata": _sata,
    "fdc": _fdc,
    "ccid": _ccid,
}
