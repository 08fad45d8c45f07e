"""Displays: -vnc, -spice and -display.

A password never stands in an argument, where every user of the host can read it: the display demands one and the
monitor sets it before the guest runs (see `preparation`).
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import Any

from .....wire.documents.domain import Graphics, Listen
from .....wire.errors import UnsupportedConfig
from .board import Board
from .sound import audio_id
from .syntax import Value, identifier, key_values, on_off

VNC_BASE = 5900
MAX_PORT = 65535
DEFAULT_LISTEN = "127.0.0.1"
TYPES = ("vnc", "spice", "egl-headless", "dbus")
# What is said of a display -> the types that it is for; what is not here all of them have.
ONLY_FOR = {
    "socket": ("vnc", "spice"),
    "port": ("vnc", "spice"),
    "tls_port": ("spice",),
    "autoport": ("vnc", "spice"),
    "websocket": ("vnc",),
    "peer_to_peer": ("dbus",),
    "bus_address": ("dbus",),
    "listen": ("vnc", "spice"),
    "keymap": ("vnc", "spice"),
    "share_policy": ("vnc",),
    "power_control": ("vnc",),
    "default_mode": ("spice",),
    "password": ("vnc", "spice"),
    "password_valid_to": ("vnc", "spice"),
    "connected": ("vnc", "spice"),
    "listens": ("vnc", "spice"),
    "channels": ("spice",),
    "image_compression": ("spice",),
    "jpeg_compression": ("spice",),
    "zlib_compression": ("spice",),
    "playback_compression": ("spice",),
    "streaming": ("spice",),
    "mouse": ("spice",),
    "clipboard": ("spice",),
    "file_transfer": ("spice",),
    "gl": ("spice", "dbus"),
    "render_node": ("spice", "egl-headless", "dbus"),
    "audio": ("vnc", "dbus"),
}

# IPv4 addresses included.
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)


def graphics(board: Board) -> list[str]:
    """The arguments of all displays; the one that QEMU would open by itself is none."""
    displays = board.definition.devices.graphics
    for kind, times in Counter(display.type for display in displays).items():
        if times > 1:
            raise UnsupportedConfig(f"more than one graphics of type {kind}")
    arguments = ["-display", _local_display(board)]
    for display in displays:
        _check(display)
        if display.type == "vnc":
            arguments += _vnc(board, display)
        elif display.type == "spice":
            arguments += _spice(board, display)
    keymaps = {display.keymap for display in displays if display.keymap is not None}
    if len(keymaps) > 1:
        raise UnsupportedConfig("graphics with different keymaps: a guest has one")
    for keymap in keymaps:
        arguments += ["-k", identifier(keymap, "graphics keymap")]
    return arguments


def _check(display: Graphics) -> None:
    for field, types in ONLY_FOR.items():
        if display.type not in types and getattr(display, field) not in (None, ()):
            raise UnsupportedConfig(f"graphics {display.type}: {field.replace('_', ' ')}")
    if display.render_node is not None and display.type == "spice" and not display.gl:
        raise UnsupportedConfig("graphics spice: a render node without OpenGL")
    if display.password_valid_to is not None and display.password is None:
        raise UnsupportedConfig(f"graphics {display.type}: a password's end without a password")
    if display.connected is not None and display.password is None:
        raise UnsupportedConfig(f"graphics {display.type}: connected without a password")


def _local_display(board: Board) -> str:
    """What QEMU itself shows: nothing, or what other programs of the host may show."""
    displays = [each for each in board.definition.devices.graphics if each.type in ("egl-headless", "dbus")]
    if len(displays) > 1:
        raise UnsupportedConfig("graphics egl-headless together with dbus")
    for display in displays:
        if display.type == "egl-headless":
            return key_values("egl-headless", rendernode=display.render_node)
        return _dbus(board, display)
    return "none"


def _dbus(board: Board, display: Graphics) -> str:
    if bool(display.peer_to_peer) == (display.bus_address is not None):
        raise UnsupportedConfig("graphics dbus: a bus of its own", hint="p2p='yes', or the address of a bus")
    if len(board.definition.devices.graphics) > 1:
        raise UnsupportedConfig("graphics dbus beside others")
    audio = audio_id(board, "graphics dbus", display.audio) if display.audio is not None else None
    return key_values(
        "dbus",
        p2p=True if display.peer_to_peer else None,
        addr=display.bus_address,
        gl=display.gl,
        rendernode=display.render_node,
        audiodev=audio,
    )


# --- vnc


def _vnc(board: Board, display: Graphics) -> list[str]:
    settings: dict[str, Value] = {
        "share": display.share_policy,
        "password": True if display.password is not None else None,
        "power_control": display.power_control,
        "audiodev": audio_id(board, "graphics vnc", display.audio),
    }
    listen = _listen(display)
    if listen.type == "none":
        return ["-vnc", key_values("none", **settings)]
    if listen.type == "socket":
        if display.websocket is not None:
            raise UnsupportedConfig("graphics vnc: a websocket beside a socket")
        return ["-vnc", key_values(f"unix:{_socket(board, listen)}".replace(",", ",,"), **settings)]
    number, last = _display_number(board, display)
    return ["-vnc", key_values(f"{_host(listen)}:{number}", to=last, websocket=_websocket(display), **settings)]


def _display_number(board: Board, display: Graphics) -> tuple[int, int | None]:
    """The display's number, which is its port less 5900, and the last that QEMU may take instead."""
    automatic = display.autoport or display.port in (None, -1)
    port = board.resources.vnc_port if automatic else display.port
    if port is None:
        return 0, MAX_PORT - VNC_BASE
    if not VNC_BASE <= port <= MAX_PORT:
        raise UnsupportedConfig(f"vnc port {port} is not in range {VNC_BASE}-{MAX_PORT}")
    return port - VNC_BASE, None


def _websocket(display: Graphics) -> str | int | None:
    """A port for browsers; -1 leaves it to QEMU, which counts from 5700 as it does from 5900."""
    if display.websocket == -1 or display.websocket_generated:
        return on_off(True)
    if display.websocket is not None and not 0 < display.websocket <= MAX_PORT:
        raise UnsupportedConfig(f"vnc websocket {display.websocket}")
    return display.websocket


# --- spice


def _spice(board: Board, display: Graphics) -> list[str]:
    if not board.capabilities.has_option("spice", "port"):
        raise UnsupportedConfig(f"graphics type 'spice': {board.capabilities.binary} has none")
    _check_spice(display)
    settings: dict[str, Any] = {
        **_spice_place(board, display),
        "disable_ticketing": True if display.password is None else None,
        "agent_mouse": None if display.mouse is None else display.mouse == "client",
        "image_compression": display.image_compression,
        "jpeg_wan_compression": display.jpeg_compression,
        "zlib_glz_wan_compression": display.zlib_compression,
        "playback_compression": display.playback_compression,
        "streaming_video": display.streaming,
        "disable_copy_paste": True if display.clipboard is False else None,
        "disable_agent_file_xfer": True if display.file_transfer is False else None,
        "gl": True if display.gl else None,
        "rendernode": display.render_node,
    }
    plain = [f"plaintext-channel={channel.name}" for channel in display.channels if channel.mode == "insecure"]
    if display.default_mode == "insecure":
        plain.insert(0, "plaintext-channel=default")
    return ["-spice", key_values(*plain, **settings, seamless_migration=True)]


def _check_spice(display: Graphics) -> None:
    """Nobody here has certificates to encrypt with."""
    secure = [channel.name for channel in display.channels if channel.mode == "secure"]
    if display.tls_port not in (None, -1, 0) or display.default_mode == "secure" or secure:
        raise UnsupportedConfig("graphics spice: an encrypted port")


def _spice_place(board: Board, display: Graphics) -> dict[str, Value]:
    listen = _listen(display)
    if listen.type == "socket":
        return {"unix": True, "addr": str(_socket(board, listen))}
    automatic = display.autoport or display.port == -1
    if listen.type == "none" or (display.port is None and not automatic):
        return {}  # Clients come by descriptors that the monitor is given.
    port = board.resources.spice_port if automatic else display.port
    if port is None or not 0 < port <= MAX_PORT:
        raise UnsupportedConfig(f"spice port {port}")
    host = _host(listen)
    return {"port": port, "addr": host.strip("[]")}


# --- where they listen


def _listen(display: Graphics) -> Listen:
    if len(display.listens) > 1:
        raise UnsupportedConfig(f"more than one listen element of graphics {display.type}")
    if display.listens:
        listen = display.listens[0]
    elif display.socket is not None:
        listen = Listen(type="socket", socket=display.socket)
    else:
        listen = Listen(type="address", address=display.listen)
    if (listen.socket is not None and listen.type != "socket") or (
        listen.address is not None and listen.type != "address"
    ):
        raise UnsupportedConfig(f"graphics {display.type}: listen type {listen.type!r} with another one's place")
    return listen


def _socket(board: Board, listen: Listen) -> str:
    path = listen.socket or board.resources.display_socket
    if path is None:
        raise UnsupportedConfig("graphics: listen type 'socket' without a path")
    if not str(path).startswith("/"):
        raise UnsupportedConfig(f"graphics: socket {str(path)!r} is not an absolute path")
    return str(path)


def _host(listen: Listen) -> str:
    """The address or name that it listens on, IPv6 in brackets."""
    given = listen.address or DEFAULT_LISTEN
    if _HOST_NAME.fullmatch(given):
        return given
    try:
        return f"[{ipaddress.IPv6Address(given)}]"
    except ValueError:
        raise UnsupportedConfig(f"graphics listen address {given!r}", hint="an IP address or a host's name") from None
