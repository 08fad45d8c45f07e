"""Processors spelled out: what `host-model` is on this host, and what a guest gets of the model that was asked for.

A live document names a model and features, whatever the definition said, so that the guest can be started again with
the same processor elsewhere. QEMU is not asked again for that: what its models are and what it can give at most with an
accelerator is known (cpu_models.py), and it gives what is in both.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....wire.documents.cpu import CpuDescription, DescribedFeature
from ....wire.documents.domain import Cpu, CpuFeature, DomainDefinition
from ....wire.documents.replacing import replace
from ....wire.enums.domain_tuning import CPUCompareResult
from ....wire.errors import InvalidArgument, UnsupportedConfig
from ...cpu.architectures import X86
from ...cpu.arithmetic import compare, describe, incompatible
from .cpu_models import QemuCpus

ACCELERATORS = {"kvm": "kvm", "qemu": "tcg"}
# What a guest of QEMU's has and no processor.
HYPERVISOR = "hypervisor"
_HAS = ("force", "require")


def says_a_processor(definition: DomainDefinition) -> bool:
    """Whether there is something to spell out: a model, or the host's."""
    cpu = definition.cpu
    return cpu is not None and definition.os.arch in X86 and (cpu.mode == "host-model" or cpu.model is not None)


def with_named_model(definition: DomainDefinition, cpus: QemuCpus) -> DomainDefinition:
    """The definition with the model and features that `host-model` stands for, which match 'minimum' asks for too.

    Of others no feature stays optional. Raises UnsupportedConfig where there is no model for what QEMU gives,
    OperationFailed for a minimum that is more than that.
    """
    cpu = definition.cpu
    if cpu is None:
        return definition
    own = {feature.name: feature.policy for feature in cpu.features}
    if not (cpu.mode == "host-model" or cpu.match == "minimum"):
        return replace(definition, cpu=replace(cpu, features=_features(_settled(own, cpus)))) if own else definition
    if cpu.mode != "host-model":
        _check_minimum(cpu, cpus)
    found = describe(cpus.most, cpus.models)
    if found is None or found.model is None:
        raise UnsupportedConfig("cpu mode 'host-model': there is no model for what this QEMU can give")
    policies = {**{feature.name: feature.policy for feature in found.features}, **_settled(own, cpus)}
    named = replace(
        cpu,
        mode="custom",
        match="exact",
        check=cpu.check or "partial",
        fallback=cpu.fallback or "allow",
        model=found.model,
        vendor=found.vendor if cpu.mode == "host-model" else None,
        features=_features(policies),
    )
    return replace(definition, cpu=named)


def as_given(definition: DomainDefinition, cpus: QemuCpus) -> DomainDefinition:
    """The definition of a guest that runs: with what QEMU gives it of a model that it named, and nothing left open."""
    cpu = definition.cpu
    if cpu is None or cpu.mode != "custom" or cpu.model is None:
        return definition
    try:
        model = cpus.models.find(cpu.model)
    except InvalidArgument:
        return definition  # One that this QEMU has no word for, or that is the host itself.
    policies = _settled({feature.name: feature.policy for feature in cpu.features}, cpus)
    policies = {name: policy if name in cpus.most.features else "disable" for name, policy in policies.items()}
    for name in sorted(model.features - cpus.most.features - policies.keys()):
        policies[name] = "disable"
    if HYPERVISOR in cpus.most.features:
        policies.setdefault(HYPERVISOR, "require")
    given = replace(cpu, check="full", fallback="forbid", features=_features(policies))
    return replace(definition, cpu=given)


def _settled(policies: Mapping[str, str | None], cpus: QemuCpus) -> dict[str, str | None]:
    """What becomes of each feature: an optional one is there or not."""
    optional = {True: "require", False: "disable"}
    return {
        name: optional[name in cpus.most.features] if policy == "optional" else policy
        for name, policy in policies.items()
    }


def _features(policies: Mapping[str, str | None]) -> tuple[CpuFeature, ...]:
    return tuple(
        CpuFeature(policy="require" if policy in (None, *_HAS) else "disable", name=name)
        for name, policy in policies.items()
    )


def _check_minimum(cpu: Cpu, cpus: QemuCpus) -> None:
    described = tuple(DescribedFeature(policy=each.policy, name=each.name) for each in cpu.features)
    wanted = CpuDescription(match="minimum", model=cpu.model, vendor=cpu.vendor, features=described)
    verdict = compare(cpus.most, wanted, cpus.models)
    if verdict.result is CPUCompareResult.INCOMPATIBLE:
        raise incompatible(verdict)
