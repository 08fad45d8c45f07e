"""The guest's processor and its nodes: libvirt's `<cpu>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import CPUSET, ON_OFF, SCALED_KIB, YES_NO

FeaturePolicy = Literal["force", "require", "optional", "disable", "forbid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """How the virtual processors are spread; the product is the maximal number of them."""

    sockets: Annotated[int, At("@sockets")]
    dies: Annotated[int | None, At("@dies")] = None
    cores: Annotated[int, At("@cores")]
    threads: Annotated[int, At("@threads")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuFeature:
    """One feature, by libvirt's name of it; no policy means require."""

    policy: Annotated[FeaturePolicy | None, At("@policy")] = None
    name: Annotated[str, At("@name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far another node's memory is; 10 is the own."""

    id: Annotated[int, At("@id")]
    value: Annotated[int, At("@value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCache:
    """A cache in front of a node's memory; sizes in their units."""

    level: Annotated[int, At("@level")]
    associativity: Annotated[Literal["none", "direct", "full"], At("@associativity")]
    policy: Annotated[Literal["none", "writeback", "writethrough"], At("@policy")]
    size: Annotated[int, At("size/@value")]
    size_unit: Annotated[str | None, At("size/@unit")] = None
    line: Annotated[int, At("line/@value")]
    line_unit: Annotated[str | None, At("line/@unit")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One of the guest's nodes; `memory` is KiB."""

    id: Annotated[int | None, At("@id")] = None
    cpus: Annotated[str | None, At("@cpus", CPUSET)] = None
    memory: Annotated[int, At("@memory", SCALED_KIB)]
    access: Annotated[Literal["shared", "private"] | None, At("@memAccess")] = None
    discard: Annotated[bool | None, At("@discard", YES_NO)] = None
    distances: Annotated[tuple[Distance, ...], At("distances/sibling")] = ()
    caches: Annotated[tuple[SideCache, ...], At("cache")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long an access from one node to another takes, ns."""

    initiator: Annotated[int, At("@initiator")]
    target: Annotated[int, At("@target")]
    cache: Annotated[int | None, At("@cache")] = None
    type: Annotated[Literal["access", "read", "write"], At("@type")]
    value: Annotated[int, At("@value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """How much goes from one node to another, KiB/s."""

    initiator: Annotated[int, At("@initiator")]
    target: Annotated[int, At("@target")]
    cache: Annotated[int | None, At("@cache")] = None
    type: Annotated[Literal["access", "read", "write"], At("@type")]
    value: Annotated[int, At("@value", SCALED_KIB)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numa:
    """The guest's nodes, and what lies between them."""

    cells: Annotated[tuple[Cell, ...], At("cell")] = ()
    latencies: Annotated[tuple[Latency, ...], At("interconnects/latency")] = ()
    bandwidths: Annotated[tuple[Bandwidth, ...], At("interconnects/bandwidth")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processor mode and model. Without a mode it is `custom` when a model is named."""

    mode: Annotated[Literal["custom", "host-model", "host-passthrough", "maximum"] | None, At("@mode")] = None
    match: Annotated[Literal["minimum", "exact", "strict"] | None, At("@match")] = None
    check: Annotated[Literal["none", "partial", "full"] | None, At("@check")] = None
    migratable: Annotated[bool | None, At("@migratable", ON_OFF)] = None
    fallback: Annotated[Literal["allow", "forbid"] | None, At("model/@fallback")] = None
    vendor_id: Annotated[str | None, At("model/@vendor_id")] = None
    model: Annotated[str | None, At("model")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    topology: Annotated[Topology | None, At("topology")] = None
    cache_level: Annotated[int | None, At("cache/@level")] = None
    cache: Annotated[Literal["emulate", "passthrough", "disable"] | None, At("cache/@mode")] = None
    maxphysaddr: Annotated[Literal["emulate", "passthrough"] | None, At("maxphysaddr/@mode")] = None
    maxphysaddr_bits: Annotated[int | None, At("maxphysaddr/@bits")] = None
    features: Annotated[tuple[CpuFeature, ...], At("feature")] = ()
    numa: Annotated[Numa | None, At("numa")] = None
