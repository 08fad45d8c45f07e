"""What a QEMU binary can do: asked of it by QMP, and kept on disk.

A binary is asked once, in a process without a machine, and again when what it said may have changed (answers.py).

Rejected: versions as a measure of what exists (distributions leave devices out and port features back), and parsing
``-help`` (it is prose).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....wire.errors import UnsupportedConfig, VirtError
from .accelerator import kvm_works
from .answers import cached
from .interrogation import Interrogation, interrogate

# QEMU's name of a target -> libvirt's name of the architecture, where they differ.
_LIBVIRT_ARCH = {"i386": "i686", "arm": "armv7l"}
_TARGETS = (
    *(
        "x86_64",
        "i386",
        "aarch64",
        "arm",
        "riscv64",
        "riscv32",
        "ppc64",
        "ppc",
        "s390x",
        "loongarch64",
        "alpha",
        "hppa",
    ),
    *("m68k", "microblaze", "microblazeel", "mips", "mipsel", "mips64", "mips64el", "sh4", "sh4eb", "sparc", "sparc64"),
    *("xtensa", "xtensaeb"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type. ``alias`` is its short name (``pc``), ``default_cpu`` the type name of its usual CPU model."""

    name: str
    alias: str | None = None
    max_cpus: int = 1
    is_default: bool = False
    deprecated: bool = False
    hotpluggable_cpus: bool = False
    default_cpu: str | None = None
    default_ram_id: str | None = None


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model; ``usable`` without KVM, ``type_name`` as QOM calls it."""

    name: str
    type_name: str
    usable: bool = True
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one binary can do. ``arch`` is libvirt's name; ``kvm`` says that a KVM guest really runs.

    ``devices`` are the types that ``-device`` takes, ``objects`` those of ``-object``; ``options`` maps command line
    options (without the dash) to their parameters, as far as QEMU tells.
    """

    binary: str
    version: tuple[int, int, int]
    package: str
    arch: str
    kvm: bool
    machines: tuple[Machine, ...]
    cpu_models: tuple[CpuModel, ...]
    devices: frozenset[str]
    objects: frozenset[str]
    commands: frozenset[str]
    options: Mapping[str, frozenset[str]]
    _machines: Mapping[str | None, Machine] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A binary has a hundred machines, and each definition asks for its own several times.
        names: dict[str | None, Machine] = {}
        for machine in reversed(self.machines):
            names[machine.name] = machine
            if machine.alias is not None:
                names[machine.alias] = machine
            if machine.is_default:
                names[None] = machine
        object.__setattr__(self, "_machines", names)

    def machine(self, name: str | None) -> Machine:
        """The machine type of that name or alias, the default one for None. Raises UnsupportedConfig."""
        found = self._machines.get(name)
        if found is not None:
            return found
        if name is None:
            raise UnsupportedConfig(f"emulator {self.binary} has no default machine type, name one")
        raise UnsupportedConfig(f"emulator {self.binary} has no machine type '{name}'")

    def cpu_model(self, name: str) -> CpuModel:
        """The CPU model of that name. Raises UnsupportedConfig."""
        for model in self.cpu_models:
            if model.name == name:
                return model
        raise UnsupportedConfig(f"emulator {self.binary} has no CPU model '{name}'")

    def has_option(self, option: str, parameter: str) -> bool:
        """Whether QEMU tells of that parameter of a command line option."""
        return parameter in self.options.get(option, ())


def find_emulators(path: str | None = None) -> dict[str, str]:
    """The QEMU binaries on ``path`` (the process's PATH when None), by libvirt's name of the architecture."""
    found = {_libvirt_arch(target): shutil.which(f"qemu-system-{target}", path=path) for target in _TARGETS}
    host = os.uname().machine
    if found.get(host) is None:
        # Some distributions have one for the host's own architecture, under another name.
        found[host] = shutil.which("qemu-kvm", path=path) or shutil.which("/usr/libexec/qemu-kvm")
    return {arch: binary for arch, binary in found.items() if binary is not None}


async def probe(binary: str, cache_dir: Path) -> Capabilities:
    """What the binary can do, from the cache when that is still true.

    Raises ProcessFailure (``stderr``) when it is no QEMU or does not answer, SystemFailure when it cannot be executed.
    """
    return await cached(binary, cache_dir, "", lambda: ask(binary), _to_json, _from_json)


async def ask(binary: str) -> Capabilities:
    """What the binary can do, asked of it now. Raises as ``probe`` does."""
    async with interrogate(binary) as peer:
        told = await asyncio.gather(*(_question(peer, name) for name in _QUESTIONS))
    answers = dict(zip(_QUESTIONS, told, strict=True))
    capabilities = _digest(binary, answers, str(answers["version"].get("package", "")))
    return await _with_kvm(capabilities, answers)


# -- asking -----------------------------------------------------------------------------------------------------------

_QUESTIONS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "version": ("query-version", None),
    "target": ("query-target", None),
    "machines": ("query-machines", None),
    "cpu_models": ("query-cpu-definitions", None),
    "kvm": ("query-kvm", None),
    "devices": ("qom-list-types", {"implements": "device", "abstract": False}),
    "objects": ("qom-list-types", {"implements": "user-creatable", "abstract": False}),
    "commands": ("query-commands", None),
    "options": ("query-command-line-options", None),
}
# Not every target can be asked these.
_OPTIONAL = frozenset({"cpu_models", "kvm"})


async def _question(peer: Interrogation, name: str) -> Any:
    command, arguments = _QUESTIONS[name]
    try:
        return await peer.ask(command, arguments)
    except VirtError as error:
        if name in _OPTIONAL and error.qmp_class is not None:
            return {} if name == "kvm" else []
        raise


def _digest(binary: str, answers: Mapping[str, Any], package: str) -> Capabilities:
    numbers = answers["version"]["qemu"]
    return Capabilities(
        binary=binary,
        version=(numbers["major"], numbers["minor"], numbers["micro"]),
        package=package,
        arch=_libvirt_arch(answers["target"]["arch"]),
        kvm=False,
        machines=tuple(_machine(each) for each in answers["machines"] if each["name"] != "none"),
        cpu_models=tuple(sorted(map(_cpu_model, answers["cpu_models"]), key=lambda model: model.name)),
        devices=frozenset(each["name"] for each in answers["devices"]),
        objects=frozenset(each["name"] for each in answers["objects"]),
        commands=frozenset(each["name"] for each in answers["commands"]),
        options={
            each["option"]: frozenset(parameter["name"] for parameter in each["parameters"])
            for each in answers["options"]
        },
    )


def _machine(told: Mapping[str, Any]) -> Machine:
    return Machine(
        name=told["name"],
        alias=told.get("alias"),
        max_cpus=told["cpu-max"],
        is_default=told.get("is-default", False),
        deprecated=told.get("deprecated", False),
        hotpluggable_cpus=told.get("hotpluggable-cpus", False),
        default_cpu=told.get("default-cpu-type"),
        default_ram_id=told.get("default-ram-id"),
    )


def _cpu_model(told: Mapping[str, Any]) -> CpuModel:
    return CpuModel(
        name=told["name"],
        type_name=told["typename"],
        usable=not told.get("unavailable-features"),
        deprecated=told.get("deprecated", False),
    )


async def _with_kvm(capabilities: Capabilities, answers: Mapping[str, Any]) -> Capabilities:
    names = {name for machine in capabilities.machines for name in (machine.name, machine.alias)}
    machine = next((name for name in ("pc", "q35", "microvm") if name in names), None)
    present = answers["kvm"].get("present", False)
    if not present or machine is None:
        return capabilities
    works = await kvm_works(capabilities.binary, capabilities.arch, machine)
    return replace(capabilities, kvm=works)


# -- the cache ---------------------------------------------------------------------------------------------------------


def _to_json(capabilities: Capabilities) -> dict[str, Any]:
    return {name: _plain(getattr(capabilities, name)) for name in Capabilities.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Machine | CpuModel):
        return {name: getattr(value, name) for name in type(value).__slots__}
    return value


def _from_json(told: Mapping[str, Any]) -> Capabilities:
    major, minor, micro = told["version"]
    return Capabilities(
        binary=told["binary"],
        version=(int(major), int(minor), int(micro)),
        package=told["package"],
        arch=told["arch"],
        kvm=told["kvm"] is True,
        machines=tuple(Machine(**each) for each in told["machines"]),
        cpu_models=tuple(CpuModel(**each) for each in told["cpu_models"]),
        devices=frozenset(told["devices"]),
        objects=frozenset(told["objects"]),
        commands=frozenset(told["commands"]),
        options={name: frozenset(parameters) for name, parameters in told["options"].items()},
    )


def _libvirt_arch(target: str) -> str:
    return _LIBVIRT_ARCH.get(target, target)
