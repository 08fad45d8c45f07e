"""Sources of randomness: libvirt's `<rng>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ..address import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Rng(Device):
    """A virtio source. Backend random reads `source` (/dev/urandom if None), builtin is QEMU's own.

    At most `rate_bytes` are given per `rate_period` milliseconds (a second if None).
    """

    model: Annotated[Literal["virtio"], At("@model", known=("virtio-transitional", "virtio-non-transitional"))]
    rate_bytes: Annotated[int | None, At("rate/@bytes")] = None
    rate_period: Annotated[int | None, At("rate/@period")] = None
    backend: Annotated[Literal["random", "builtin"], At("backend/@model", known=("egd",))]
    source: Annotated[str | None, At("backend")] = None
