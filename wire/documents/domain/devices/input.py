"""Mice, tablets and keyboards: libvirt's `<input>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ..address import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Device):
    """One input device; without a bus a mouse or keyboard is ps2 and a tablet is usb."""

    type: Annotated[Literal["mouse", "tablet", "keyboard"], At("@type", known=("passthrough", "evdev"))]
    bus: Annotated[Literal["ps2", "usb", "virtio"] | None, At("@bus", known=("xen", "parallels", "none"))] = None
