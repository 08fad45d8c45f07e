"""Mice, tablets and keyboards: libvirt's `<input>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF
from ..address import VirtioDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(VirtioDevice):
    """One input device; without a bus a mouse or keyboard is ps2 and a tablet is usb.

    `source_device` (evdev) and `event_device` (passthrough) are the host's.
    """

    type: Annotated[Literal["mouse", "tablet", "keyboard", "passthrough", "evdev"], At("@type")]
    bus: Annotated[Literal["ps2", "usb", "virtio", "xen", "parallels", "none"] | None, At("@bus")] = None
    model: Annotated[Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None, At("@model")] = None
    source_device: Annotated[str | None, At("source/@dev")] = None
    event_device: Annotated[str | None, At("source/@evdev")] = None
    grab: Annotated[Literal["all"] | None, At("source/@grab")] = None
    grab_toggle: Annotated[str | None, At("source/@grabToggle")] = None
    repeat: Annotated[bool | None, At("source/@repeat", ON_OFF)] = None
