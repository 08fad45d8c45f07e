"""The memory balloon: libvirt's `<memballoon>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import ON_OFF
from ..address import VirtioDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Memballoon(VirtioDevice):
    """The balloon; model none means that no default one is added. `stats_period` is in seconds."""

    model: Annotated[Literal["virtio", "none", "xen", "virtio-transitional", "virtio-non-transitional"], At("@model")]
    autodeflate: Annotated[bool | None, At("@autodeflate", ON_OFF)] = None
    free_page_reporting: Annotated[bool | None, At("@freePageReporting", ON_OFF)] = None
    stats_period: Annotated[int | None, At("stats/@period")] = None
