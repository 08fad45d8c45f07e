"""What domains of one emulator and machine type can have (virConnectGetDomainCapabilities).

It tells what this driver does, not all that QEMU can: values are those that the domain document has a place for, less
those that the machine or the binary lacks. So a document that learns a new value is told of here at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ....wire.documents.domain import (
    Channel,
    Devices,
    Disk,
    DomainDefinition,
    Features,
    Graphics,
    Loader,
    OperatingSystem,
    Rng,
    Video,
)
from ....wire.documents.domain_capabilities import (
    Choice,
    CpuMode,
    DeviceSupport,
    DomainCapabilities,
    FeatureSupport,
    ModeModel,
    OperatingSystems,
    Support,
)
from ....wire.errors import UnsupportedConfig
from ...cpu.arithmetic import describe
from .capabilities import Capabilities, Machine
from .command_line.graphics import CARDS
from .cpu_models import QemuCpus
from .machine import family_of

_NO = Support(supported=False)


def domain_capabilities(
    capabilities: Capabilities, arch: str, machine: Machine, type: str, cpus: QemuCpus | None
) -> DomainCapabilities:
    """The document of an emulator, a machine type and a domain type; ``cpus`` are known for x86 only."""
    return DomainCapabilities(
        path=capabilities.binary,
        domain=type,
        machine=machine.name,
        arch=arch,
        max_vcpus=machine.max_cpus,
        iothreads=Support(supported=_has(DomainDefinition, "iothreads")),
        os=_operating_systems(),
        cpu_modes=tuple(_modes(capabilities, type, cpus)),
        memory_backing=_NO,
        devices=_devices(capabilities, machine),
        features=_features(capabilities),
    )


def _operating_systems() -> OperatingSystems:
    return OperatingSystems(
        choices=(_choice("firmware", values_of(OperatingSystem, "firmware")),),
        loader=_support(
            type=values_of(Loader, "type"),
            readonly=("yes", "no"),
            secure=("no",),
        ),
    )


# -- processors --------------------------------------------------------------------------------------------------------


def _modes(capabilities: Capabilities, type: str, cpus: QemuCpus | None) -> Iterator[CpuMode]:
    yield CpuMode(name="host-passthrough", supported=type == "kvm")
    migratable = _choice("maximumMigratable", ("on", "off"))
    yield CpuMode(name="maximum", supported=cpus is not None, choices=(migratable,) if cpus is not None else ())
    yield _host_model(cpus)
    models = _known_models(cpus) if cpus is not None else _named_models(capabilities)
    yield CpuMode(name="custom", supported=bool(models), models=models)


def _host_model(cpus: QemuCpus | None) -> CpuMode:
    described = describe(cpus.most, cpus.models) if cpus is not None else None
    if described is None or described.model is None:
        return CpuMode(name="host-model", supported=False)
    return CpuMode(
        name="host-model",
        supported=True,
        models=(ModeModel(fallback="forbid", name=described.model),),
        vendor=described.vendor,
        features=described.features,
    )


def _known_models(cpus: QemuCpus) -> tuple[ModeModel, ...]:
    return tuple(
        ModeModel(
            name=model.name,
            usable="yes" if model.features <= cpus.most.features else "no",
            vendor=model.vendor or "unknown",
        )
        for model in cpus.models
    )


def _named_models(capabilities: Capabilities) -> tuple[ModeModel, ...]:
    return tuple(ModeModel(name=model.name, usable="unknown") for model in capabilities.cpu_models)


# -- devices and features ----------------------------------------------------------------------------------------------


def _devices(capabilities: Capabilities, machine: Machine) -> DeviceSupport:
    cards = (name for name, card in CARDS.items() if card.primary in capabilities.devices)
    return DeviceSupport(
        disk=_support(diskDevice=values_of(Disk, "device"), bus=_disk_buses(machine)),
        graphics=_support(type=values_of(Graphics, "type")),
        video=_support(modelType=(*_within(values_of(Video, "model"), cards), "none")),
        hostdev=Support(supported=_has(Devices, "hostdevs")),
        rng=_support(model=values_of(Rng, "model"), backendModel=values_of(Rng, "backend")),
        filesystem=Support(supported=_has(Devices, "filesystems")),
        tpm=Support(supported=_has(Devices, "tpms")),
        redirdev=Support(supported=_has(Devices, "redirdevs")),
        channel=_support(type=values_of(Channel, "type")),
    )


def _disk_buses(machine: Machine) -> tuple[str, ...]:
    try:
        family = family_of(machine.name)
    except UnsupportedConfig:
        return ()
    return _within(values_of(Disk, "bus"), family.buses)


def _features(capabilities: Capabilities) -> FeatureSupport:
    return FeatureSupport(
        gic=_NO,
        vmcoreinfo=Support(supported="vmcoreinfo" in capabilities.devices),
        genid=Support(supported=_has(DomainDefinition, "genid")),
        backing_store_input=Support(supported=_has(Disk, "backing_store")),
        backup=_NO,
        sev=_NO,
        sgx=_NO,
        hyperv=Support(supported=_has(Features, "hyperv")),
    )


def _support(**choices: tuple[str, ...]) -> Support:
    return Support(supported=True, choices=tuple(_choice(name, values) for name, values in choices.items()))


def _choice(name: str, values: Iterable[str]) -> Choice:
    return Choice(name=name, values=tuple(values))


def _within(values: Iterable[str], possible: Iterable[str]) -> tuple[str, ...]:
    there = frozenset(possible)
    return tuple(value for value in values if value in there)


def _has(cls: type, name: str) -> bool:
    """Whether the document has a place for it."""
    return any(field.name == name for field in fields(cls))


def values_of(cls: type, name: str) -> tuple[str, ...]:
    """The values that a field of a document's class can have; none where it has no such field."""
    return tuple(_literals(get_type_hints(cls).get(name)))


def _literals(type_: Any) -> Iterator[str]:
    if get_origin(type_) is Literal:
        yield from get_args(type_)
    else:
        for arm in get_args(type_):
            yield from _literals(arm)
