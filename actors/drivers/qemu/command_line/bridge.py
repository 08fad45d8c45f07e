"""PCI buses: ports, bridges, switches and expanders. The root is the machine's; its settings are globals."""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import Controller
from .....wire.errors import UnsupportedConfig
from ..labels import label
from ..pci import PCI_MODELS
from .board import Board

# libvirt's kinds of PCI buses -> other devices of QEMU's that are one.
OTHER_DEVICES = {"pcie-root-port": ("ioh3420",)}
# What a document may say of each kind -> QEMU's property; what is said of another kind is refused.
PROPERTIES: dict[str, dict[str, str]] = {
    "pcie-root-port": {"port": "port", "chassis": "chassis", "hotplug": "hotplug"},
    "pcie-switch-downstream-port": {"port": "port", "chassis": "chassis"},
    "pci-bridge": {"chassis_number": "chassis_nr"},
    "pci-expander-bus": {"bus_number": "bus_nr", "node": "numa_node"},
    "pcie-expander-bus": {"bus_number": "bus_nr", "node": "numa_node"},
}
SETTINGS = ("chassis_number", "chassis", "port", "bus_number", "hotplug", "node", "target_index", "pcihole64")
# The root's device, by its kind, and its power management's.
ROOT_DEVICES = {"pci-root": "i440FX-pcihost", "pcie-root": "q35-pcihost"}
KIB = 1024


def bridge(board: Board, controller: Controller) -> list[str]:
    """The -device of one bus that is not the root. Raises UnsupportedConfig."""
    model = controller.model or ""
    usual = PCI_MODELS.get(model)
    if usual is None:
        raise UnsupportedConfig(label(controller))
    driver = controller.pci_model or usual
    if driver not in (usual, *OTHER_DEVICES.get(model, ())):
        raise UnsupportedConfig(f"{label(controller)}: model name {driver!r}")
    properties: dict[str, Any] = {}
    known = PROPERTIES.get(model, {})
    for setting in SETTINGS:
        value = getattr(controller, setting)
        if value is None:
            continue
        if setting not in known:
            raise UnsupportedConfig(f"{label(controller)}: {setting.replace('_', ' ')}")
        properties[known[setting]] = value
    return board.device(controller, driver, **properties)


def root(board: Board, controller: Controller) -> list[str]:
    """The -global settings of the machine's root bus. Raises UnsupportedConfig for what it does not have."""
    model = controller.model or board.family.root or ""
    for setting in SETTINGS:
        if setting not in ("hotplug", "pcihole64") and getattr(controller, setting) is not None:
            raise UnsupportedConfig(f"{label(controller)}: {setting.replace('_', ' ')}")
    arguments = []
    if controller.pcihole64 is not None:
        arguments += ["-global", f"{ROOT_DEVICES[model]}.pci-hole64-size={controller.pcihole64 * KIB}"]
    if controller.hotplug is not None:
        if model != "pci-root":
            raise UnsupportedConfig(f"{label(controller)}: hotplug")
        switch = "on" if controller.hotplug else "off"
        arguments += ["-global", f"PIIX4_PM.acpi-root-pci-hotplug={switch}"]
    return arguments
