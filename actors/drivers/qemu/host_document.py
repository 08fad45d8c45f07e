"""The `<capabilities>` document of a host with its emulators (virConnectGetCapabilities)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....wire.documents.capabilities import Capabilities as CapabilitiesDocument
from ....wire.documents.capabilities import Guest, GuestMachine, Host, HostFeature, SecurityModel, format_capabilities
from ...cpu.architectures import X86
from ...cpu.models import Models
from .capabilities import Capabilities, Machine

# Guests are kept apart by nothing but who runs them.
SECURITY = SecurityModel(model="none", doi="0")


def host_document(host: Host, known: Iterable[Capabilities], models: Models) -> str:
    """The document of a host and the emulators that are ``known``; ``models`` are those that guests can be given."""
    guests = tuple(_guest(capabilities) for capabilities in sorted(known, key=lambda each: each.arch))
    return format_capabilities(CapabilitiesDocument(host=with_model(host, models), guests=guests))


def with_model(host: Host, models: Models) -> Host:
    """The host with the greatest model that its processor has all features of, and the features that are more.

    Flags of the kernel's that are no features of a processor are left out.
    """
    features = frozenset(feature.name for feature in host.cpu.features) & models.known
    model = models.greatest_within(features, [host.cpu.vendor] if host.cpu.vendor is not None else [])
    more = features if model is None else features - model.features
    cpu = replace(
        host.cpu,
        model=None if model is None else model.name,
        features=tuple(HostFeature(name=name) for name in sorted(more)),
    )
    return replace(host, cpu=cpu, security_models=(SECURITY,))


_WORD_SIZE = {"i686": 32, "armv7l": 32, "ppc": 32, "riscv32": 32, "mips": 32, "mipsel": 32, "m68k": 32, "hppa": 32}


def _guest(capabilities: Capabilities) -> Guest:
    x86 = capabilities.arch in X86
    return Guest(
        arch=capabilities.arch,
        word_size=_WORD_SIZE.get(capabilities.arch, 64),
        emulator=capabilities.binary,
        # The default one first: some callers take what comes first.
        machines=tuple(
            entry
            for machine in sorted(capabilities.machines, key=lambda machine: not machine.is_default)
            for entry in _guest_machines(machine)
        ),
        domain_types=("qemu", "kvm") if capabilities.kvm else ("qemu",),
        pae=capabilities.arch == "i686",
        nonpae=capabilities.arch == "i686",
        acpi_default="on" if x86 else None,
        acpi_toggle=True if x86 else None,
        apic_default="on" if x86 else None,
        apic_toggle=False if x86 else None,
        cpuselection=bool(capabilities.cpu_models),
        deviceboot=True,
    )


def _guest_machines(machine: Machine) -> tuple[GuestMachine, ...]:
    deprecated = True if machine.deprecated else None
    full = GuestMachine(name=machine.name, max_cpus=machine.max_cpus, deprecated=deprecated)
    if machine.alias is None:
        return (full,)
    alias = GuestMachine(name=machine.alias, canonical=machine.name, max_cpus=machine.max_cpus, deprecated=deprecated)
    return full, alias
