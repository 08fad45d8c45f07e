"""Displays and what draws on them: libvirt's `<graphics>` and `<video>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF, SIGNED, YES_NO
from ..address import Device

GraphicsType = Literal["vnc", "spice", "sdl", "rdp", "desktop", "egl-headless", "dbus"]
Compression = Literal["auto", "never", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """One address, network or socket that a display listens on."""

    type: Annotated[Literal["address", "network", "socket", "none"], At("@type")]
    address: Annotated[str | None, At("@address")] = None
    network: Annotated[str | None, At("@network")] = None
    socket: Annotated[str | None, At("@socket")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiceChannel:
    """Whether one of SPICE's channels is encrypted."""

    name: Annotated[
        Literal["main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"], At("@name")
    ]
    mode: Annotated[Literal["any", "secure", "insecure"], At("@mode")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphics:
    """A display. `port` is a TCP port; None or -1 with `autoport` takes a free one (live: the actual one).

    `password` is written only into secure documents. `listen` and `socket` repeat the first of `listens` for old
    clients.
    """

    type: Annotated[GraphicsType, At("@type")] = "vnc"
    socket: Annotated[str | None, At("@socket")] = None
    port: Annotated[int | None, At("@port", SIGNED)] = None
    tls_port: Annotated[int | None, At("@tlsPort", SIGNED)] = None
    autoport: Annotated[bool | None, At("@autoport", YES_NO)] = None
    websocket: Annotated[int | None, At("@websocket", SIGNED)] = None
    websocket_generated: Annotated[bool | None, At("@websocketGenerated", YES_NO)] = None
    multi_user: Annotated[bool | None, At("@multiUser", YES_NO)] = None
    replace_user: Annotated[bool | None, At("@replaceUser", YES_NO)] = None
    display: Annotated[str | None, At("@display")] = None
    xauth: Annotated[str | None, At("@xauth")] = None
    fullscreen: Annotated[bool | None, At("@fullscreen", YES_NO)] = None
    peer_to_peer: Annotated[bool | None, At("@p2p", YES_NO)] = None
    bus_address: Annotated[str | None, At("@address")] = None
    listen: Annotated[str | None, At("@listen")] = None
    keymap: Annotated[str | None, At("@keymap")] = None
    share_policy: Annotated[Literal["allow-exclusive", "force-shared", "ignore"] | None, At("@sharePolicy")] = None
    power_control: Annotated[bool | None, At("@powerControl", YES_NO)] = None
    default_mode: Annotated[Literal["any", "secure", "insecure"] | None, At("@defaultMode")] = None
    password: Annotated[str | None, At("@passwd", secure=True)] = None
    password_valid_to: Annotated[str | None, At("@passwdValidTo", secure=True)] = None
    connected: Annotated[Literal["keep", "disconnect", "fail"] | None, At("@connected", secure=True)] = None
    listens: Annotated[tuple[Listen, ...], At("listen")] = ()
    channels: Annotated[tuple[SpiceChannel, ...], At("channel")] = ()
    image_compression: Annotated[
        Literal["auto_glz", "auto_lz", "quic", "glz", "lz", "off"] | None, At("image/@compression")
    ] = None
    jpeg_compression: Annotated[Compression | None, At("jpeg/@compression")] = None
    zlib_compression: Annotated[Compression | None, At("zlib/@compression")] = None
    playback_compression: Annotated[bool | None, At("playback/@compression", ON_OFF)] = None
    streaming: Annotated[Literal["filter", "all", "off"] | None, At("streaming/@mode")] = None
    mouse: Annotated[Literal["server", "client"] | None, At("mouse/@mode")] = None
    clipboard: Annotated[bool | None, At("clipboard/@copypaste", YES_NO)] = None
    file_transfer: Annotated[bool | None, At("filetransfer/@enable", YES_NO)] = None
    gl: Annotated[bool | None, At("gl/@enable", YES_NO)] = None
    render_node: Annotated[str | None, At("gl/@rendernode")] = None
    audio: Annotated[int | None, At("audio/@id")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoDriver:
    """How the hypervisor drives a graphics card."""

    name: Annotated[Literal["qemu", "vhostuser"] | None, At("@name")] = None
    vgaconf: Annotated[Literal["io", "on", "off"] | None, At("@vgaconf")] = None
    iommu: Annotated[bool | None, At("@iommu", ON_OFF)] = None
    ats: Annotated[bool | None, At("@ats", ON_OFF)] = None
    packed: Annotated[bool | None, At("@packed", ON_OFF)] = None
    page_per_vq: Annotated[bool | None, At("@page_per_vq", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Device):
    """A graphics card. `ram`, `vram`, `vram64` and `vgamem` are KiB; model None leaves it to
    the driver, `none` means that no default one is added."""

    driver: Annotated[VideoDriver | None, At("driver")] = None
    model: Annotated[
        Literal[
            "vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "ramfb", "none", "xen", "vbox", "parallels", "gop",
            "default",
        ]
        | None,
        At("model/@type"),
    ] = None  # fmt: skip
    ram: Annotated[int | None, At("model/@ram")] = None
    vram: Annotated[int | None, At("model/@vram")] = None
    vram64: Annotated[int | None, At("model/@vram64")] = None
    vgamem: Annotated[int | None, At("model/@vgamem")] = None
    heads: Annotated[int | None, At("model/@heads")] = None
    primary: Annotated[bool | None, At("model/@primary", YES_NO)] = None
    blob: Annotated[bool | None, At("model/@blob", ON_OFF)] = None
    accel3d: Annotated[bool | None, At("model/acceleration/@accel3d", YES_NO)] = None
    accel2d: Annotated[bool | None, At("model/acceleration/@accel2d", YES_NO)] = None
    render_node: Annotated[str | None, At("model/acceleration/@rendernode")] = None
    width: Annotated[int | None, At("model/resolution/@x")] = None
    height: Annotated[int | None, At("model/resolution/@y")] = None
