"""Serial and parallel ports, consoles and channels: libvirt's `<serial>`, `<parallel>`, `<console>` and `<channel>`.

All have a host side, `type` and `source_…`, and a guest side, the target. `source_path` is live information with type
pty (the terminal's path), configuration with file, pipe, dev and unix. A socket's `source_mode` is `bind` where the
hypervisor listens. Udp has two ends: what is sent to, and (bind) what is listened on; `second_…` is the one that is
said second.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF, YES_NO
from ..address import Device
from ..security import DeviceLabel

HostSide = Literal[
    "pty", "null", "file", "unix", "vc", "dev", "pipe", "stdio", "udp", "tcp", "spicevmc", "spiceport", "nmdm",
    "qemu-vdagent", "dbus",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterDevice(Device):
    """What they have in common; see the module."""

    type: Annotated[HostSide, At("@type")]
    source_mode: Annotated[Literal["bind", "connect", "client", "server"] | None, At("source/@mode")] = None
    source_path: Annotated[str | None, At("source/@path")] = None
    source_append: Annotated[bool | None, At("source/@append", ON_OFF)] = None
    source_channel: Annotated[str | None, At("source/@channel")] = None
    source_host: Annotated[str | None, At("source/@host")] = None
    source_service: Annotated[str | None, At("source/@service")] = None
    source_tls: Annotated[bool | None, At("source/@tls", YES_NO)] = None
    source_master: Annotated[str | None, At("source/@master")] = None
    source_slave: Annotated[str | None, At("source/@slave")] = None
    reconnect: Annotated[bool | None, At("source/reconnect/@enabled", YES_NO)] = None
    reconnect_timeout: Annotated[int | None, At("source/reconnect/@timeout")] = None
    clipboard: Annotated[bool | None, At("source/clipboard/@copypaste", YES_NO)] = None
    mouse: Annotated[Literal["server", "client"] | None, At("source/mouse/@mode")] = None
    source_labels: Annotated[tuple[DeviceLabel, ...], At("source/seclabel")] = ()
    second_mode: Annotated[Literal["bind", "connect"] | None, At("source[2]/@mode")] = None
    second_host: Annotated[str | None, At("source[2]/@host")] = None
    second_service: Annotated[str | None, At("source[2]/@service")] = None
    protocol: Annotated[Literal["raw", "telnet", "telnets", "tls"] | None, At("protocol/@type")] = None
    log_file: Annotated[str | None, At("log/@file")] = None
    log_append: Annotated[bool | None, At("log/@append", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(CharacterDevice):
    """A serial port; `target_model` is the guest's device ("isa-serial", "pci-serial")."""

    target_type: Annotated[
        Literal[
            "isa-serial", "pci-serial", "usb-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug",
            "xen-serial",
        ]
        | None,
        At("target/@type"),
    ] = None  # fmt: skip
    target_port: Annotated[int | None, At("target/@port")] = None
    target_model: Annotated[str | None, At("target/model/@name")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(CharacterDevice):
    """A parallel port."""

    target_port: Annotated[int | None, At("target/@port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Console(CharacterDevice):
    """The console; target_type serial mirrors the first serial port, virtio is a port of its own.

    `tty` repeats a live pty's path, as libvirt does for old clients.
    """

    tty: Annotated[str | None, At("@tty")] = None
    target_type: Annotated[
        Literal["serial", "virtio", "xen", "uml", "lxc", "openvz", "sclp", "sclplm"] | None, At("target/@type")
    ] = None
    target_port: Annotated[int | None, At("target/@port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(CharacterDevice):
    """A named virtio-serial port, or (guestfwd) an address of the guest's network. `state` is live: whether the guest
    has it open."""

    target_type: Annotated[Literal["virtio", "guestfwd", "xen"], At("target/@type")]
    name: Annotated[str | None, At("target/@name")] = None
    forward_address: Annotated[str | None, At("target/@address")] = None
    forward_port: Annotated[int | None, At("target/@port")] = None
    state: Annotated[Literal["connected", "disconnected"] | None, At("target/@state")] = None
