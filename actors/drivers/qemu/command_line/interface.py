"""Network cards: -netdev for the host's side and -device for the guest's.

A link that is down is set so by the monitor, before the guest runs (see `preparation`).
"""

from __future__ import annotations

from .....wire.documents.domain import Interface
from .....wire.errors import UnsupportedConfig
from ..labels import label
from ..pci import CONVENTIONAL_INTERFACES, EXPRESS_INTERFACES
from .board import Board, alias
from .syntax import json_option

MODELS = (EXPRESS_INTERFACES | CONVENTIONAL_INTERFACES) - {"virtio"}


def interfaces(board: Board) -> list[str]:
    """The arguments of all cards."""
    return [word for interface in board.definition.devices.interfaces for word in _interface(board, interface)]


def _interface(board: Board, interface: Interface) -> list[str]:
    netdev = f"host{alias(interface)}"
    return [
        *json_option("-netdev", {"type": "user", "id": netdev}),
        *board.device(interface, _driver(board, interface), netdev=netdev, mac=interface.mac),
    ]


def _driver(board: Board, interface: Interface) -> str:
    model = interface.model or board.family.interface_model
    if model == "virtio":
        return board.virtio("net")
    if model not in MODELS or board.family.root is None:
        raise UnsupportedConfig(f"{label(interface)}: model {model!r} on machine type {board.family.name}")
    return model
