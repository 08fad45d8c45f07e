"""The guest's processor: libvirt's `<cpu>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import ON_OFF

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
class Cpu:
    """Processor mode and model. Without a mode it is `custom` when a model is named."""

    mode: Annotated[Literal["custom", "host-model", "host-passthrough", "maximum"] | None, At("@mode")] = None
    match: Annotated[Literal["minimum", "exact", "strict"] | None, At("@match")] = None
    check: Annotated[Literal["none", "partial", "full"] | None, At("@check")] = None
    migratable: Annotated[bool | None, At("@migratable", ON_OFF)] = None
    fallback: Annotated[Literal["allow", "forbid"] | None, At("model/@fallback")] = None
    model: Annotated[str | None, At("model")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    topology: Annotated[Topology | None, At("topology")] = None
    features: Annotated[tuple[CpuFeature, ...], At("feature")] = ()
