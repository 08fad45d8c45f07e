"""A definition's processors one by one: which there are, which are enabled, which may come and go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ....wire.documents.domain import DomainDefinition, Vcpu


def individually(definition: DomainDefinition) -> tuple[Vcpu, ...]:
    """The processors, as they are told or as the counts mean: those enabled at the start are there for good."""
    if definition.vcpu_list:
        return definition.vcpu_list
    most = definition.vcpus or 1
    current = definition.current_vcpus or most
    return tuple(Vcpu(id=number, enabled=number < current, hotpluggable=number >= current) for number in range(most))


def enabled(definition: DomainDefinition) -> frozenset[int]:
    return frozenset(each.id for each in individually(definition) if each.enabled)


def with_list(definition: DomainDefinition, vcpus: tuple[Vcpu, ...]) -> DomainDefinition:
    """The definition with these processors, its counts along with them."""
    count, most = sum(1 for each in vcpus if each.enabled), len(vcpus)
    return replace(definition, vcpus=most, current_vcpus=None if count == most else count, vcpu_list=vcpus)


def with_enabled(
    definition: DomainDefinition, numbers: Collection[int], state: bool, *, hotpluggable: bool = True
) -> DomainDefinition:
    """The definition with some processors enabled or not.

    What is disabled may come later, and so is hotpluggable; what is enabled is, too, unless said otherwise.
    """

    def changed(vcpu: Vcpu) -> Vcpu:
        if vcpu.id not in numbers:
            return vcpu
        may_go = True if hotpluggable or not state else vcpu.hotpluggable
        return replace(vcpu, enabled=state, hotpluggable=may_go, order=vcpu.order if state and vcpu.enabled else None)

    return with_list(definition, tuple(map(changed, individually(definition))))


def with_count(definition: DomainDefinition, count: int, *, hotpluggable: bool = False) -> DomainDefinition:
    """The definition with its first ``count`` processors enabled; they are listed where they were, or where the new
    ones are to be ``hotpluggable``.
    """
    if not definition.vcpu_list and not hotpluggable:
        return replace(definition, current_vcpus=None if count == (definition.vcpus or 1) else count)
    there = enabled(definition)
    more = with_enabled(definition, set(range(count)) - there, True, hotpluggable=hotpluggable)
    return with_enabled(more, {number for number in there if number >= count}, False)


def with_maximum(definition: DomainDefinition, most: int) -> DomainDefinition:
    """The definition with so many processors at most; more are not enabled."""
    if definition.vcpu_list:
        listed = individually(definition)
        return with_list(definition, (*listed[:most], *(Vcpu(id=at, enabled=False) for at in range(len(listed), most))))
    current = definition.current_vcpus or definition.vcpus or 1
    return replace(definition, vcpus=most, current_vcpus=min(current, most))
