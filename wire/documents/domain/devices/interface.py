"""Network cards: libvirt's `<interface>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import MAC
from ..address import Device

OTHER_NETWORKS = (
    "network", "bridge", "direct", "ethernet", "vhostuser", "server", "client", "mcast", "udp", "internal",
    "hostdev", "vdpa", "null", "vds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface(Device):
    """One card on QEMU's user-mode network. `mac` is lower-case with colons, None until one is assigned."""

    type: Annotated[Literal["user"], At("@type", known=OTHER_NETWORKS)] = "user"
    mac: Annotated[str | None, At("mac/@address", MAC)] = None
    model: Annotated[str | None, At("model/@type")] = None
    link: Annotated[Literal["up", "down"] | None, At("link/@state")] = None
