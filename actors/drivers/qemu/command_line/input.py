"""Mice, tablets and keyboards: -device, -object for the host's own; those on ps2 are the machine's."""

from __future__ import annotations

from .....wire.documents.domain import Input
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias

USB_DEVICES = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}
# Those of the host's: what they need and what they may be told.
HOST_FIELDS = {
    "passthrough": ("event_device",),
    "evdev": ("source_device", "grab", "grab_toggle", "repeat"),
}


def inputs(board: Board) -> list[str]:
    """The arguments of all input devices."""
    return [word for device in board.definition.devices.inputs for word in _input(board, device)]


def _input(board: Board, device: Input) -> list[str]:
    name = label(device)
    for field in ("source_device", "event_device", "grab", "grab_toggle", "repeat"):
        if getattr(device, field) is not None and field not in HOST_FIELDS.get(device.type, ()):
            raise UnsupportedConfig(f"{name}: {field.replace('_', ' ')}")
    if device.type == "evdev":
        return _host_events(board, device)
    if device.bus == "virtio":
        return _virtio(board, device)
    board.refuse_virtio_options(name, device)
    if device.model is not None or device.type == "passthrough":
        raise UnsupportedConfig(f"{name}: passthrough and models are for bus virtio")
    if device.bus == "usb":
        return board.device(device, USB_DEVICES[device.type])
    if device.type == "tablet" or not board.family.keyboard:
        raise UnsupportedConfig(f"{name} on machine type {board.family.name}")
    return []


def _virtio(board: Board, device: Input) -> list[str]:
    options = board.virtio_options(device)
    if device.type != "passthrough":
        return board.device(device, board.virtio(device.type, device.model), **options)
    if device.event_device is None:
        raise UnsupportedConfig(f"{label(device)} without a device of the host's")
    return board.device(device, board.virtio("input-host", device.model), **options, evdev=device.event_device)


def _host_events(board: Board, device: Input) -> list[str]:
    """A keyboard or mouse of the host's that feeds those that the guest has."""
    board.refuse_virtio_options(label(device), device)
    if device.source_device is None or device.model is not None or device.bus not in (None, "none"):
        raise UnsupportedConfig(f"{label(device)}: a device of the host's, and neither bus nor model")
    properties = {
        "evdev": device.source_device,
        "repeat": device.repeat,
        "grab_all": True if device.grab == "all" else None,
        "grab-toggle": device.grab_toggle,
    }
    return board.object(label(device), "input-linux", id=alias(device), **properties)
