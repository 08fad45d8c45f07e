"""Displays and what draws on them: -vnc, -audiodev, and -device for graphics cards.

A VNC password never stands in an argument, where every user of the host can read it: the display demands one
(`password=on`) and the monitor sets it before the guest runs (see `preparation`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from .....wire.documents.domain import Audio, Graphics, Video
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board
from .syntax import identifier, json_option, key_values

VNC_BASE = 5900
MAX_PORT = 65535
DEFAULT_LISTEN = "127.0.0.1"
KIB_PER_MIB = 1024
MIB = 1024 * 1024
MAX_OUTPUTS = 16
MAX_MIB = 512

# IPv4 addresses included.
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Card:
    """How a model of graphics card is made in QEMU.

    primary, secondary: QEMU's devices for the first card and for others; None where there is none.
    memory: which of the document's sizes it takes; `ignored` are those that libvirt's documents have and QEMU has not.
    outputs: whether it has several.
    """

    primary: str
    secondary: str | None = None
    memory: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    outputs: bool = False


_VRAM = frozenset({"vram"})
CARDS = {
    "vga": Card("VGA", memory=_VRAM),
    "cirrus": Card("cirrus-vga", ignored=_VRAM),
    "vmvga": Card("vmware-svga", memory=_VRAM),
    "bochs": Card("bochs-display", memory=_VRAM),
    "ramfb": Card("ramfb"),
    "virtio": Card("virtio-vga", secondary="virtio-gpu-pci", outputs=True),
    "qxl": Card("qxl-vga", secondary="qxl", memory=frozenset({"ram", "vram", "vram64", "vgamem"}), outputs=True),
}
SIZES = ("ram", "vram", "vram64", "vgamem")


def graphics(board: Board) -> list[str]:
    """-audiodev, -vnc and the cards; the -display that QEMU would open by itself is none."""
    devices = board.definition.devices
    if len(devices.graphics) > 1:
        raise UnsupportedConfig("more than one graphics of type vnc")
    arguments = [word for audio in devices.audios for word in _audio(audio)]
    arguments += ["-display", "none"]
    for display in devices.graphics:
        arguments += _vnc(board, display, devices.audios)
    # The primary card comes first; without one that is called so it is the first.
    for place, video in enumerate(sorted(devices.videos, key=lambda video: not video.primary)):
        arguments += _video(board, video, is_primary=place == 0)
    return arguments


def _audio(audio: Audio) -> list[str]:
    return json_option("-audiodev", {"id": _audio_id(audio), "driver": audio.type})


def _audio_id(audio: Audio) -> str:
    return f"audio{audio.id}"


# --- the display


def _vnc(board: Board, display: Graphics, audios: tuple[Audio, ...]) -> list[str]:
    host = _host(display)
    settings: dict[str, Any] = {
        "share": display.share_policy,
        "password": True if display.password is not None else None,
        "audiodev": _audio_id(audios[0]) if audios else None,
    }
    number, last = _display_number(board, display)
    keymap = [] if display.keymap is None else ["-k", identifier(display.keymap, "graphics keymap")]
    return ["-vnc", key_values(f"{host}:{number}", to=last, **settings), *keymap]


def _display_number(board: Board, display: Graphics) -> tuple[int, int | None]:
    """The display's number, which is its port less 5900, and the last that QEMU may take instead."""
    automatic = display.autoport or display.port in (None, -1)
    port = board.resources.vnc_port if automatic else display.port
    if port is None:
        return 0, MAX_PORT - VNC_BASE
    if not VNC_BASE <= port <= MAX_PORT:
        raise UnsupportedConfig(f"vnc port {port} is not in range {VNC_BASE}-{MAX_PORT}")
    return port - VNC_BASE, None


def _host(display: Graphics) -> str:
    """The address or name that it listens on, IPv6 in brackets."""
    if len(display.listens) > 1:
        raise UnsupportedConfig("more than one listen element of graphics vnc")
    given = (display.listens[0].address if display.listens else display.listen) or DEFAULT_LISTEN
    if _HOST_NAME.fullmatch(given):
        return given
    try:
        return f"[{ipaddress.IPv6Address(given)}]"
    except ValueError:
        raise UnsupportedConfig(f"graphics listen address {given!r}", hint="an IP address or a host's name") from None


# --- cards


def _video(board: Board, video: Video, *, is_primary: bool) -> list[str]:
    if video.model == "none":
        return []
    card = CARDS[video.model or "cirrus"]
    driver = card.primary if is_primary else card.secondary
    if driver is None:
        raise UnsupportedConfig(f"video type '{video.model}' is only valid as primary video device")
    properties = {**_outputs(card, video), **_memory(card, video)}
    if video.model == "ramfb":
        return board.bare_device(label(video), driver, id=video.alias, **properties)
    return board.device(video, driver, **properties)


def _outputs(card: Card, video: Video) -> dict[str, Any]:
    heads = 1 if video.heads is None else video.heads
    if not 1 <= heads <= (MAX_OUTPUTS if card.outputs else 1):
        raise UnsupportedConfig(f"video {video.model!r} with {heads} heads")
    return {"max_outputs": video.heads} if card.outputs else {}


def _memory(card: Card, video: Video) -> dict[str, Any]:
    sizes = {name: size for name in SIZES if (size := getattr(video, name)) is not None}
    for name in sizes.keys() - card.memory - card.ignored:
        raise UnsupportedConfig(f"video {video.model!r} with {name}")
    if video.model == "qxl":
        return _qxl_memory(video)
    vram = _mib(video, "vram") if card.memory else None
    if video.model == "bochs":
        return {"vgamem": vram and vram * MIB}
    return {"vgamem_mb": vram}


def _qxl_memory(video: Video) -> dict[str, Any]:
    """QXL takes bytes for what libvirt calls ram and vram, MiB for the rest."""
    ram, vram = _mib(video, "ram"), _mib(video, "vram")
    return {
        "ram_size": ram and ram * MIB,
        "vram_size": vram and vram * MIB,
        "vram64_size_mb": _mib(video, "vram64") or 0,
        "vgamem_mb": _mib(video, "vgamem"),
    }


def _mib(video: Video, name: str) -> int | None:
    """A size in MiB, rounded up to a power of two of them: cards have no others."""
    size = getattr(video, name)
    if size is None:
        return None
    mib = -(-size // KIB_PER_MIB)
    rounded = 1 << (mib - 1).bit_length() if mib else 0
    if rounded > MAX_MIB:
        raise UnsupportedConfig(f"video {video.model!r}: {name} of {size} KiB", hint=f"at most {MAX_MIB} MiB")
    return rounded
