"""A processor that is described apart from a domain: what is compared, and what several have in common.

It is libvirt's `<cpu>`, in the form that a host has in its capabilities or in that of a domain's definition. Only what
decides about features is read; what else stands in such documents (topology, caches, NUMA cells, page sizes, …) is
passed over, for callers cut these elements out of larger documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lxml import etree

from ..enums.error import ErrorDomain, ErrorNumber
from ..errors import VirtError, XMLError
from .binding import At
from .domain.cpu import FeaturePolicy
from .reader import parse, path_of, read_element
from .values import ON_OFF
from .writer import write_document


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedFeature:
    """One feature; no policy means that the processor has it."""

    policy: Annotated[FeaturePolicy | None, At("@policy")] = None
    name: Annotated[str, At("@name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuDescription:
    """A processor: a model, and the features that it has beyond or does not have."""

    mode: Annotated[Literal["custom", "host-model", "host-passthrough", "maximum"] | None, At("@mode")] = None
    match: Annotated[Literal["minimum", "exact", "strict"] | None, At("@match")] = None
    check: Annotated[Literal["none", "partial", "full"] | None, At("@check")] = None
    migratable: Annotated[bool | None, At("@migratable", ON_OFF)] = None
    arch: Annotated[str | None, At("arch")] = None
    fallback: Annotated[Literal["allow", "forbid"] | None, At("model/@fallback")] = None
    vendor_id: Annotated[str | None, At("model/@vendor_id")] = None
    model: Annotated[str | None, At("model")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    features: Annotated[tuple[DescribedFeature, ...], At("feature")] = ()


_READ = frozenset({"arch", "model", "vendor", "feature"})
_PASSED_OVER = frozenset(
    {"cache", "counter", "features", "maxphysaddr", "microcode", "numa", "pages", "signature", "topology"}
)


def parse_cpu(text: str, *, strict: bool = False) -> CpuDescription:
    """What a `<cpu>` document says of the processor's features. With ``strict`` all its elements must be libvirt's.

    Raises XMLError, and UnsupportedConfig for an attribute that libvirt has not.
    """
    try:
        element = parse(text, "cpu")
        for child in [child for child in element.iterchildren(etree.Element) if child.tag not in _READ]:
            if strict and child.tag not in _PASSED_OVER:
                raise _invalid(child)
            element.remove(child)
        return read_element(element, CpuDescription)
    except VirtError as error:
        error.domain = ErrorDomain.CPU
        raise


def _invalid(element: etree._Element) -> XMLError:
    line = element.sourceline
    return XMLError(
        f"line {line}: {path_of(element)}, expected what a cpu has", code=ErrorNumber.XML_INVALID_SCHEMA, line=line
    )


def format_cpu(cpu: CpuDescription) -> str:
    """The `<cpu>` document, as virConnectBaselineCPU gives it."""
    return write_document(cpu, "cpu")
