"""Serial ports, consoles and channels: libvirt's `<serial>`, `<console>` and `<channel>`.

All three have a host side, `type` and `source_…`, and a guest side, the target. `source_path` is live information
with type pty (the terminal's path), configuration with file and unix. A unix socket's `source_mode` is `bind` where
the hypervisor listens.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF
from ..address import Device

HostSide = Literal["pty", "null", "file", "unix"]
OTHER_HOST_SIDES = (
    "vc", "dev", "pipe", "stdio", "udp", "tcp", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterDevice(Device):
    """What the three have in common; see the module."""

    type: Annotated[HostSide, At("@type", known=OTHER_HOST_SIDES)]
    source_mode: Annotated[Literal["bind", "connect"] | None, At("source/@mode")] = None
    source_path: Annotated[str | None, At("source/@path")] = None
    source_append: Annotated[bool | None, At("source/@append", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(CharacterDevice):
    """A serial port; `target_model` is the guest's device ("isa-serial", "pci-serial")."""

    target_type: Annotated[
        Literal["isa-serial", "pci-serial"] | None,
        At(
            "target/@type",
            known=("usb-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug"),
        ),
    ] = None
    target_port: Annotated[int | None, At("target/@port")] = None
    target_model: Annotated[str | None, At("target/model/@name")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Console(CharacterDevice):
    """The console; target_type serial mirrors the first serial port, virtio is a port of its own.

    `tty` repeats a live pty's path, as libvirt does for old clients.
    """

    tty: Annotated[str | None, At("@tty")] = None
    target_type: Annotated[
        Literal["serial", "virtio"] | None,
        At("target/@type", known=("xen", "uml", "lxc", "openvz", "sclp", "sclplm")),
    ] = None
    target_port: Annotated[int | None, At("target/@port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(CharacterDevice):
    """A named virtio-serial port. `state` is live: whether the guest has it open."""

    target_type: Annotated[Literal["virtio"], At("target/@type", known=("guestfwd", "xen"))]
    name: Annotated[str | None, At("target/@name")] = None
    state: Annotated[Literal["connected", "disconnected"] | None, At("target/@state")] = None
