"""Serial ports, consoles and channels: -chardev for the host's side and -device for the guest's.

QEMU makes the terminals of type pty itself; `query-chardev` tells their paths under the ids that `chardev_id` gives.
"""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import Channel, CharacterDevice, Console, Serial
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .syntax import key_values

# What a PC can have.
ISA_PORTS = 4


def chardev_id(device: CharacterDevice) -> str:
    """The id of a character device's host side in QEMU."""
    return f"char{alias(device)}"


def character_devices(board: Board) -> list[str]:
    """The arguments of all serial ports, channels and consoles; a console on the serial port is that port."""
    devices = board.definition.devices
    arguments = [word for serial in devices.serials for word in _serial(board, serial)]
    arguments += [word for channel in devices.channels for word in _channel(board, channel)]
    for console in devices.consoles:
        arguments += _console(board, console)
    return arguments


def _serial(board: Board, serial: Serial) -> list[str]:
    driver = serial.target_type or "isa-serial"
    if serial.target_model not in (None, driver):
        raise UnsupportedConfig(f"{label(serial)}: target model {serial.target_model!r}")
    if driver == "pci-serial":
        return _host_side(board, serial) + board.device(serial, driver, chardev=chardev_id(serial))
    port = serial.target_port or 0
    if port >= ISA_PORTS:
        raise UnsupportedConfig(f"{label(serial)}: there are {ISA_PORTS} isa-serial ports, from 0")
    place = board.place(serial) if serial.address else {}
    guest_side = {"chardev": chardev_id(serial), "id": alias(serial), "index": port, **place}
    return _host_side(board, serial) + board.bare_device(label(serial), driver, **guest_side)


def _channel(board: Board, channel: Channel) -> list[str]:
    guest_side = board.device(channel, "virtserialport", chardev=chardev_id(channel), name=channel.name)
    return _host_side(board, channel) + guest_side


def _console(board: Board, console: Console) -> list[str]:
    if console.target_type == "virtio":
        return _host_side(board, console) + board.device(console, "virtconsole", chardev=chardev_id(console))
    serials = board.definition.devices.serials
    if not serials or serials[0].type != console.type:
        raise UnsupportedConfig(f"{label(console)} on a serial port that is not there")
    return []


# --- the host's side


def _host_side(board: Board, device: CharacterDevice) -> list[str]:
    """-chardev. QEMU 7.2 takes no JSON here."""
    _check_source(device)
    match device.type:
        case "file":
            settings: dict[str, Any] = {"path": device.source_path, "append": device.source_append}
        case "unix":
            return ["-chardev", _unix_socket(board, device)]
        case _:
            settings = {}
    return ["-chardev", key_values(device.type, id=chardev_id(device), **settings)]


def _check_source(device: CharacterDevice) -> None:
    if device.type == "file" and device.source_path is None:
        raise UnsupportedConfig(f"{label(device)}: type 'file' without a path")
    if device.source_append is not None and device.type != "file":
        raise UnsupportedConfig(f"{label(device)}: append is for type 'file'")
    if device.source_mode is not None and device.type != "unix":
        raise UnsupportedConfig(f"{label(device)}: mode is for type 'unix'")
    if device.source_path is not None and device.type == "null":
        raise UnsupportedConfig(f"{label(device)}: a path with type 'null'")


def _unix_socket(board: Board, device: CharacterDevice) -> str:
    """A unix socket: what was opened for it, else at its own path."""
    name = chardev_id(device)
    opened = board.resources.sockets.get(device.alias or "")
    if isinstance(opened, int):
        return key_values("socket", id=name, fd=opened, server=True, wait=False)
    path = device.source_path if opened is None else str(opened)
    if path is None:
        raise UnsupportedConfig(f"{label(device)}: type 'unix' without a path")
    server = True if device.source_mode == "bind" or opened is not None else None
    return key_values("socket", id=name, path=path, server=server, wait=False if server else None)
