"""What a document tells QEMU past all of libvirt's model: the elements of the namespace
http://libvirt.org/schemas/domain/qemu/1.0."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuVariable:
    """One variable of the process's environment."""

    name: Annotated[str, At("@name")]
    value: Annotated[str | None, At("@value")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuProperty:
    """A device's property. `remove` leaves it to QEMU; the others say how `value` is written for it."""

    name: Annotated[str, At("@name")]
    type: Annotated[Literal["string", "signed", "unsigned", "bool", "remove"], At("@type")]
    value: Annotated[str | None, At("@value")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuOverride:
    """Properties of the device of that alias."""

    alias: Annotated[str, At("@alias")]
    properties: Annotated[tuple[QemuProperty, ...], At("qemu:frontend/qemu:property")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuCommandLine:
    """Arguments after all others, and variables of the environment."""

    arguments: Annotated[tuple[str, ...], At("qemu:arg/@value")] = ()
    environment: Annotated[tuple[QemuVariable, ...], At("qemu:env")] = ()
