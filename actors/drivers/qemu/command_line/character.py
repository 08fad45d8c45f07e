"""Serial and parallel ports, consoles and channels: `chardev` has their host's side, here is the guest's: -device."""

from __future__ import annotations

from .....wire.documents.domain import Channel, CharacterDevice, Console, Parallel, Serial
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .chardev import end_of, host_side

# What a PC can have.
ISA_PORTS = 4
PARALLEL_PORTS = 3
# QEMU's devices for the targets of serial ports; `target_model` says the same once more.
SERIAL_DEVICES = {
    "isa-serial": "isa-serial",
    "pci-serial": "pci-serial",
    "usb-serial": "usb-serial",
    "isa-debug": "isa-debugcon",
}


def chardev_id(device: CharacterDevice) -> str:
    """The id of a character device's host side in QEMU."""
    return f"char{alias(device)}"


def listens_for(channel: Channel) -> bool:
    """Whether the daemon listens for a channel, whose document does not say where."""
    return channel.type == "unix" and channel.source_path is None


def character_devices(board: Board) -> list[str]:
    """The arguments of all ports, channels and consoles; a console on the serial port is that port."""
    devices = board.definition.devices
    arguments = [word for serial in devices.serials for word in _serial(board, serial)]
    arguments += [word for parallel in devices.parallels for word in _parallel(board, parallel)]
    arguments += [word for channel in devices.channels for word in _channel(board, channel)]
    for console in devices.consoles:
        arguments += _console(board, console)
    return arguments


def _serial(board: Board, serial: Serial) -> list[str]:
    target = serial.target_type or "isa-serial"
    driver = SERIAL_DEVICES[target]
    if serial.target_model not in (None, driver):
        raise UnsupportedConfig(f"{label(serial)}: target model {serial.target_model!r}")
    if target in ("pci-serial", "usb-serial"):
        return _host_side(board, serial) + board.device(serial, driver, chardev=chardev_id(serial))
    place = board.place(serial) if serial.address else {}
    guest_side = {"chardev": chardev_id(serial), "id": alias(serial), **place}
    if target == "isa-debug":
        if guest_side.pop("irq", None) is not None:
            raise UnsupportedConfig(f"{label(serial)}: an irq of the debug port")
    else:
        port = serial.target_port or 0
        if port >= ISA_PORTS:
            raise UnsupportedConfig(f"{label(serial)}: there are {ISA_PORTS} isa-serial ports, from 0")
        guest_side["index"] = port
    return _host_side(board, serial) + board.bare_device(label(serial), driver, **guest_side)


def _parallel(board: Board, parallel: Parallel) -> list[str]:
    port = parallel.target_port or 0
    if port >= PARALLEL_PORTS:
        raise UnsupportedConfig(f"{label(parallel)}: there are {PARALLEL_PORTS} parallel ports, from 0")
    place = board.place(parallel) if parallel.address else {}
    guest_side = {"chardev": chardev_id(parallel), "id": alias(parallel), "index": port, **place}
    return _host_side(board, parallel) + board.bare_device(label(parallel), "isa-parallel", **guest_side)


def _channel(board: Board, channel: Channel) -> list[str]:
    if channel.target_type == "guestfwd":
        _check_forward(board, channel)
        return []
    if channel.forward_address is not None or channel.forward_port is not None:
        raise UnsupportedConfig(f"{label(channel)}: address and port are for type guestfwd")
    guest_side = board.device(channel, "virtserialport", chardev=chardev_id(channel), name=channel.name)
    return _host_side(board, channel) + guest_side


def _check_forward(board: Board, channel: Channel) -> None:
    if channel.name is not None:
        raise UnsupportedConfig(f"{label(channel)}: a name with type guestfwd")
    if channel.forward_address is None or channel.forward_port is None:
        raise UnsupportedConfig(f"{label(channel)}: type guestfwd without address and port")
    if not any(each.type == "user" for each in board.definition.devices.interfaces):
        raise UnsupportedConfig(f"{label(channel)}: type guestfwd without an interface of type user")


def forwards(board: Board) -> tuple[list[str], list[dict[str, str]]]:
    """The host's sides of channels that are addresses of the guest's network, and what the network is told of them."""
    arguments: list[str] = []
    told: list[dict[str, str]] = []
    for channel in board.definition.devices.channels:
        if channel.target_type == "guestfwd":
            arguments += _host_side(board, channel)
            place = f"tcp:{channel.forward_address}:{channel.forward_port}"
            told.append({"str": f"{place}-chardev:{chardev_id(channel)}"})
    return arguments, told


def _console(board: Board, console: Console) -> list[str]:
    if console.target_type == "virtio":
        return _host_side(board, console) + board.device(console, "virtconsole", chardev=chardev_id(console))
    serials = board.definition.devices.serials
    if not serials or serials[0].type != console.type:
        raise UnsupportedConfig(f"{label(console)} on a serial port that is not there")
    return []


def _host_side(board: Board, device: CharacterDevice) -> list[str]:
    return host_side(end_of(device, board), chardev_id(device), board)
