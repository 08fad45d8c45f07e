"""Displays and what draws on them: libvirt's `<graphics>`, `<video>` and `<audio>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import SIGNED, YES_NO
from ..address import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """One address that a display listens on."""

    type: Annotated[Literal["address"], At("@type", known=("network", "socket", "none"))]
    address: Annotated[str | None, At("@address")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphics:
    """A VNC server. `port` is a TCP port; None or -1 with `autoport` takes a free one (live: the actual one).

    `password` is written only into secure documents. `listen` repeats the first of `listens` for old clients.
    """

    type: Annotated[Literal["vnc"], At("@type", known=("spice", "sdl", "rdp", "desktop", "egl-headless", "dbus"))] = (
        "vnc"
    )
    port: Annotated[int | None, At("@port", SIGNED)] = None
    autoport: Annotated[bool | None, At("@autoport", YES_NO)] = None
    listen: Annotated[str | None, At("@listen")] = None
    keymap: Annotated[str | None, At("@keymap")] = None
    share_policy: Annotated[Literal["allow-exclusive", "force-shared", "ignore"] | None, At("@sharePolicy")] = None
    password: Annotated[str | None, At("@passwd", secure=True)] = None
    listens: Annotated[tuple[Listen, ...], At("listen")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The sound backend that libvirt adds to guests with VNC; only the silent one is offered."""

    id: Annotated[int, At("@id")]
    type: Annotated[
        Literal["none"],
        At("@type", known=("alsa", "coreaudio", "dbus", "jack", "oss", "pulseaudio", "sdl", "spice", "file")),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Device):
    """A graphics card. `ram`, `vram`, `vram64` and `vgamem` are KiB; model None leaves it to
    the driver, `none` means that no default one is added."""

    model: Annotated[
        Literal["vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "ramfb", "none"] | None,
        At("model/@type", known=("xen", "vbox", "parallels", "gop")),
    ] = None
    ram: Annotated[int | None, At("model/@ram")] = None
    vram: Annotated[int | None, At("model/@vram")] = None
    vram64: Annotated[int | None, At("model/@vram64")] = None
    vgamem: Annotated[int | None, At("model/@vgamem")] = None
    heads: Annotated[int | None, At("model/@heads")] = None
    primary: Annotated[bool | None, At("model/@primary", YES_NO)] = None
