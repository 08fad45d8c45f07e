"""What else may be on a board: `<hub>`, `<watchdog>`, `<nvram>`, `<panic>`, `<iommu>` and `<vsock>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF, YES_NO
from ..address import Device, VirtioDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub(Device):
    """A USB hub."""

    type: Annotated[Literal["usb"], At("@type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog(Device):
    """A watchdog, and what happens when it fires."""

    model: Annotated[Literal["i6300esb", "ib700", "diag288", "itco"], At("@model")]
    action: Annotated[
        Literal["reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"] | None, At("@action")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NvramDevice(Device):
    """POWER's memory for variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panic(Device):
    """What tells the host that the guest's kernel panicked."""

    model: Annotated[Literal["isa", "pseries", "hyperv", "s390", "pvpanic"] | None, At("@model")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Iommu(Device):
    """The unit that translates devices' addresses."""

    model: Annotated[Literal["intel", "smmuv3", "virtio"], At("@model")]
    intremap: Annotated[bool | None, At("driver/@intremap", ON_OFF)] = None
    caching_mode: Annotated[bool | None, At("driver/@caching_mode", ON_OFF)] = None
    eim: Annotated[bool | None, At("driver/@eim", ON_OFF)] = None
    iotlb: Annotated[bool | None, At("driver/@iotlb", ON_OFF)] = None
    aw_bits: Annotated[int | None, At("driver/@aw_bits")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vsock(VirtioDevice):
    """Sockets between host and guest."""

    model: Annotated[Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None, At("@model")] = None
    auto: Annotated[bool | None, At("cid/@auto", YES_NO)] = None
    cid: Annotated[int | None, At("cid/@address")] = None
