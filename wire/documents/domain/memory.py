"""What the guest's memory is made of: libvirt's `<memoryBacking>` and `<maxMemory>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import CPUSET, SCALED_KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class HugePage:
    """Pages of one size (KiB), for some of the guest's nodes."""

    size: Annotated[int, At("@size", SCALED_KIB)]
    nodeset: Annotated[str | None, At("@nodeset", CPUSET)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HugePages:
    """Huge pages; without `pages` the host's default size."""

    pages: Annotated[tuple[HugePage, ...], At("page")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBacking:
    """Where the hypervisor takes the guest's memory from, and how."""

    hugepages: Annotated[HugePages | None, At("hugepages")] = None
    nosharepages: Annotated[bool, At("nosharepages")] = False
    locked: Annotated[bool, At("locked")] = False
    source: Annotated[Literal["file", "anonymous", "memfd"] | None, At("source/@type")] = None
    access: Annotated[Literal["shared", "private"] | None, At("access/@mode")] = None
    allocation: Annotated[Literal["immediate", "ondemand"] | None, At("allocation/@mode")] = None
    allocation_threads: Annotated[int | None, At("allocation/@threads")] = None
    discard: Annotated[bool, At("discard")] = False
