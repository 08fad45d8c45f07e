"""Whether a processor can do what another is described to do, and what several have in common.

Both are arithmetic on sets of features. A description names a model and what is more or less than it; the model's
features come from ``Models``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...wire.documents.cpu import CpuDescription, DescribedFeature
from ...wire.enums.domain_tuning import CPUCompareResult
from ...wire.enums.error import ErrorDomain, ErrorNumber
from ...wire.errors import InvalidArgument, OperationFailed, UnsupportedConfig, VirtError, XMLError
from .architectures import ARCHITECTURES, same_family
from .models import Features, Model, Models

# Policies of a feature that the described processor has; no policy is `require`.
_HAS = (None, "force", "require", "optional")
# What no guest can take along to another host.
UNMIGRATABLE = frozenset({"invtsc"})


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor that is there: a host's, or what a hypervisor makes of it."""

    arch: str
    vendor: str | None
    features: Features


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a processor compares to a description; ``why`` says what is wrong where they are incompatible."""

    result: CPUCompareResult
    why: str = ""


def compare(there: Processor, wanted: CpuDescription, models: Models) -> Verdict:
    """Whether the processor ``there`` has all that is wanted (superset), that and no more (identical), or less.

    Raises InvalidArgument for a model or feature that nobody knows.
    """
    if not same_family(there.arch, wanted.arch or there.arch):
        return _incompatible(f"CPU arch {wanted.arch} does not match host arch {there.arch}")
    if wanted.vendor is not None and wanted.vendor != there.vendor:
        return _incompatible(f"host CPU vendor does not match required CPU vendor {wanted.vendor}")
    if wanted.model is None:
        return Verdict(CPUCompareResult.SUPERSET)
    model = models.find(wanted.model)
    models.check(feature.name for feature in wanted.features)
    named = _by_policy(wanted, "force", "optional", "disable", "forbid")
    if forbidden := _by_policy(wanted, "forbid") & there.features:
        return _incompatible(f"Host CPU provides forbidden features: {_listed(forbidden)}")
    required = (model.features - named) | _by_policy(wanted, None, "require")
    if missing := required - there.features:
        return _incompatible(f"Host CPU does not provide required features: {_listed(missing)}")
    extra = there.features - required - named
    if not extra:
        return Verdict(CPUCompareResult.IDENTICAL)
    if wanted.match == "strict":
        return _incompatible(f"Host CPU does not strictly match guest CPU: Extra features: {_listed(extra)}")
    return Verdict(CPUCompareResult.SUPERSET)


def baseline(described: Sequence[CpuDescription], models: Models, *, expand: bool, migratable: bool) -> CpuDescription:
    """The most that all the described processors can do: the greatest model within it, and what is more than that.

    ``expand`` lists the model's own features too, ``migratable`` leaves out what forbids migration. Raises
    InvalidArgument for a model or feature that nobody knows, OperationFailed when there is nothing in common.
    """
    common, vendor, vendors = _common(described, models)
    if migratable:
        common -= UNMIGRATABLE
    model = models.greatest_within(common, vendors)
    if model is None:
        raise OperationFailed("CPUs are incompatible", domain=ErrorDomain.CPU)
    return _description(described, vendor, model, common, expand)


def baseline_for(
    there: Processor, described: Sequence[CpuDescription], models: Models, *, expand: bool, migratable: bool
) -> CpuDescription:
    """What all the described processors can do and a hypervisor can give (``there``), as a guest's processor.

    The model may have more than that: what the guest does not get is disabled. Raises as ``baseline`` does.
    """
    common, vendor, vendors = _common(described, models)
    common &= there.features
    if migratable:
        common -= UNMIGRATABLE
    preferred = {each.model for each in described if each.model is not None}
    model = models.nearest(common, vendors, preferred)
    if model is None:
        raise OperationFailed("CPUs are incompatible", domain=ErrorDomain.CPU)
    return _description(described, vendor, model, common, expand, fallback="forbid")


def describe(there: Processor, models: Models) -> CpuDescription | None:
    """A processor by its nearest model, what is more than that required and what is less disabled."""
    vendors = [there.vendor] if there.vendor is not None else []
    model = models.nearest(there.features, vendors)
    if model is None:
        return None
    features = _differences(model, there.features)
    return CpuDescription(
        mode="host-model", fallback="forbid", model=model.name, vendor=there.vendor, features=features
    )


def check_description(described: CpuDescription) -> None:
    """Refuse a description of no known architecture, or with features of no model. Raises VirtError."""
    if described.arch is not None and described.arch not in ARCHITECTURES:
        raise UnsupportedConfig(f"Unknown architecture {described.arch}", domain=ErrorDomain.CPU)
    if described.arch is not None:
        # With an architecture it is a host that is described.
        if described.mode is not None:
            raise UnsupportedConfig("Attribute mode is only allowed for guest CPU", domain=ErrorDomain.CPU)
        if described.model is None:
            raise _xml_error("Missing CPU model name")
    if described.features and described.model is None:
        raise _xml_error("Non-empty feature list specified without CPU model")
    names = [feature.name for feature in described.features]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _xml_error(f"CPU feature '{twice}' specified more than once")


def check_host_descriptions(described: Sequence[CpuDescription]) -> None:
    """Refuse what does not describe the processors of hosts. Raises VirtError."""
    if not described:
        raise InvalidArgument("no CPUs given", domain=ErrorDomain.CPU)
    for each in described:
        if each.mode is not None:
            raise UnsupportedConfig("Attribute mode is only allowed for guest CPU", domain=ErrorDomain.CPU)
        if each.arch is None:
            raise _xml_error("Missing CPU architecture")
        check_description(each)


def check_with_models(described: Sequence[CpuDescription]) -> None:
    """Refuse what describes no processor or names no model. Raises VirtError."""
    if not described:
        raise InvalidArgument("no CPUs given", domain=ErrorDomain.CPU)
    for place, each in enumerate(described):
        check_description(each)
        if each.model is None:
            raise InvalidArgument(f"no CPU model specified at index {place}", domain=ErrorDomain.CPU)


def _common(described: Sequence[CpuDescription], models: Models) -> tuple[Features, str | None, set[str]]:
    """What all have in common, the vendor that all name, and the makers of all that have one."""
    vendors: set[str] = set()
    common: Features | None = None
    for each in described:
        assert each.model is not None
        model = models.find(each.model)
        models.check(feature.name for feature in each.features)
        if model.vendor is not None and each.vendor is not None and each.vendor != model.vendor:
            raise OperationFailed(
                f"CPU vendor {model.vendor} of model {model.name} differs from vendor {each.vendor}",
                domain=ErrorDomain.CPU,
            )
        vendors |= {vendor for vendor in (each.vendor, model.vendor) if vendor is not None}
        has = (model.features | _by_policy(each, *_HAS)) - _by_policy(each, "disable", "forbid")
        common = has if common is None else common & has
    named = {each.vendor for each in described}
    if len(named - {None}) > 1:
        raise OperationFailed("CPU vendors do not match", domain=ErrorDomain.CPU)
    return common or frozenset(), named.pop() if len(named) == 1 else None, vendors


def _description(
    described: Sequence[CpuDescription],
    vendor: str | None,
    model: Model,
    features: Features,
    expand: bool,
    fallback: str | None = None,
) -> CpuDescription:
    same = all(each.model == model.name for each in described)
    listed = _differences(model, features)
    if expand:
        own = (DescribedFeature(policy="require", name=name) for name in model.features & features)
        listed = tuple(sorted((*listed, *own), key=lambda feature: feature.name))
    return CpuDescription(
        mode="custom",
        match="exact",
        fallback="forbid" if same or fallback == "forbid" else "allow",
        model=model.name,
        vendor=vendor,
        features=listed,
    )


def _differences(model: Model, features: Features) -> tuple[DescribedFeature, ...]:
    more = (DescribedFeature(policy="require", name=name) for name in sorted(features - model.features))
    less = (DescribedFeature(policy="disable", name=name) for name in sorted(model.features - features))
    return *more, *less


def _by_policy(described: CpuDescription, *policies: str | None) -> Features:
    return frozenset(feature.name for feature in described.features if feature.policy in policies)


def _listed(features: Iterable[str]) -> str:
    return ", ".join(sorted(features))


def _incompatible(why: str) -> Verdict:
    return Verdict(CPUCompareResult.INCOMPATIBLE, why)


def incompatible(verdict: Verdict) -> VirtError:
    """The error for who wants one where the processors are incompatible."""
    return OperationFailed(
        f"the CPU is incompatible with host CPU: {verdict.why}",
        code=ErrorNumber.CPU_INCOMPATIBLE,
        domain=ErrorDomain.CPU,
    )


def _xml_error(message: str) -> XMLError:
    return XMLError(message, domain=ErrorDomain.CPU)
