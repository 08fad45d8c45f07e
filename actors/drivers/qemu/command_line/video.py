"""Graphics cards: -device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .....wire.documents.domain import Video
from .....wire.documents.domain.devices.graphics import VideoDriver
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import VIRTIO_OPTIONS, Board

KIB_PER_MIB = 1024
MIB = 1024 * 1024
MAX_OUTPUTS = 16
MAX_MIB = 512


@dataclass(frozen=True, slots=True)
class Card:
    """How a model of graphics card is made in QEMU.

    primary, secondary: QEMU's devices for the first card and for others; None where there is none.
    memory: which of the document's sizes it takes; `ignored` are those that libvirt's documents have and QEMU has not.
    outputs: whether it has several; `resolution` whether it can be told what to begin with.
    """

    primary: str
    secondary: str | None = None
    memory: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    outputs: bool = False
    resolution: bool = False


_VRAM = frozenset({"vram"})
CARDS = {
    "vga": Card("VGA", memory=_VRAM, resolution=True),
    "cirrus": Card("cirrus-vga", ignored=_VRAM),
    "default": Card("cirrus-vga", ignored=_VRAM),
    "vmvga": Card("vmware-svga", memory=_VRAM),
    "bochs": Card("bochs-display", memory=_VRAM, resolution=True),
    "ramfb": Card("ramfb"),
    "virtio": Card("virtio-vga", secondary="virtio-gpu-pci", outputs=True, resolution=True),
    "qxl": Card(
        "qxl-vga",
        secondary="qxl",
        memory=frozenset({"ram", "vram", "vram64", "vgamem"}),
        outputs=True,
        resolution=True,
    ),
}
# The same cards of virtio's with OpenGL.
WITH_OPENGL = {"virtio-vga": "virtio-vga-gl", "virtio-gpu-pci": "virtio-gpu-gl-pci"}
SIZES = ("ram", "vram", "vram64", "vgamem")


def videos(board: Board) -> list[str]:
    """The arguments of all cards. The primary one comes first; without one that is called so it is the first."""
    cards = sorted(board.definition.devices.videos, key=lambda video: not video.primary)
    return [word for place, video in enumerate(cards) for word in _video(board, video, is_primary=place == 0)]


def _video(board: Board, video: Video, *, is_primary: bool) -> list[str]:
    if video.model == "none":
        return []
    card = CARDS[video.model or "cirrus"]
    driver = card.primary if is_primary else card.secondary
    if driver is None:
        raise UnsupportedConfig(f"video type '{video.model}' is only valid as primary video device")
    properties = {
        **_virtio(board, video),
        **_outputs(card, video),
        **_memory(card, video),
        **_resolution(card, video),
    }
    if video.accel3d:
        driver = _with_opengl(board, video, driver)
    if video.model == "ramfb":
        return board.bare_device(label(video), driver, id=video.alias, **properties)
    return board.device(video, driver, **properties)


def _virtio(board: Board, video: Video) -> dict[str, Any]:
    driver = video.driver or VideoDriver()
    if video.model == "virtio":
        return {**board.virtio_options(driver), "blob": video.blob}
    if video.blob is not None or any(getattr(driver, option) is not None for option in VIRTIO_OPTIONS):
        raise UnsupportedConfig(f"video {video.model!r}: blob and settings of the driver are for virtio")
    return {}


def _with_opengl(board: Board, video: Video, driver: str) -> str:
    """The card that draws with the host's OpenGL. QEMU needs a display for that which has it."""
    if driver not in WITH_OPENGL:
        raise UnsupportedConfig(f"video {video.model!r} with accel3d")
    displays = board.definition.devices.graphics
    if not any(each.gl or each.type == "egl-headless" for each in displays):
        raise UnsupportedConfig("video 'virtio' with accel3d and no display with OpenGL", hint="graphics egl-headless")
    return WITH_OPENGL[driver]


def _outputs(card: Card, video: Video) -> dict[str, Any]:
    heads = 1 if video.heads is None else video.heads
    if not 1 <= heads <= (MAX_OUTPUTS if card.outputs else 1):
        raise UnsupportedConfig(f"video {video.model!r} with {heads} heads")
    return {"max_outputs": video.heads} if card.outputs else {}


def _resolution(card: Card, video: Video) -> dict[str, Any]:
    if (video.width is None) != (video.height is None):
        raise UnsupportedConfig(f"video {video.model!r}: a resolution has x and y")
    if video.width is not None and not (card.resolution and video.width and video.height):
        raise UnsupportedConfig(f"video {video.model!r} with resolution {video.width}x{video.height}")
    return {"xres": video.width, "yres": video.height}


def _memory(card: Card, video: Video) -> dict[str, Any]:
    sizes = {name: size for name in SIZES if (size := getattr(video, name)) is not None}
    for name in ("vram", "vgamem"):
        if 0 < sizes.get(name, KIB_PER_MIB) < KIB_PER_MIB:
            raise UnsupportedConfig(f"value for '{name}' must be at least 1 MiB (1024 KiB)")
    if (size := sizes.get("vgamem", 0)) & (size - 1):
        raise UnsupportedConfig("value for 'vgamem' must be power of two")
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
