"""Mice, tablets and keyboards: -device; those on ps2 are the machine's."""

from __future__ import annotations

from .....wire.documents.domain import Input
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board

USB_DEVICES = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}


def inputs(board: Board) -> list[str]:
    """The arguments of all input devices."""
    return [word for device in board.definition.devices.inputs for word in _input(board, device)]


def _input(board: Board, device: Input) -> list[str]:
    if device.bus == "usb":
        return board.device(device, USB_DEVICES[device.type])
    if device.bus == "virtio":
        return board.device(device, board.virtio(device.type))
    if device.type == "tablet" or not board.family.keyboard:
        raise UnsupportedConfig(f"{label(device)} on machine type {board.family.name}")
    return []
