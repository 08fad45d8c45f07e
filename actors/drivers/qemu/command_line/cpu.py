"""The processor: -cpu, with all that is a feature of it although the document says it elsewhere.

A start spells out `host-model` (host_models.py). Where nobody did, it is the host itself with KVM, and what QEMU can
emulate at most without it. Features that only KVM
gives are asked for without it too, as by libvirt: QEMU takes them, and the guest does not see them.
"""

from __future__ import annotations

import re
from typing import Any

from .....wire.documents.domain import Cpu
from .....wire.errors import UnsupportedConfig, XMLError
from ..capabilities import CpuModel
from . import hyperv
from .board import Board
from .syntax import key_values

VENDOR_LENGTH = 12
# For machines that do not tell.
DEFAULT_MODEL = "qemu64"
ENABLED = {"force": True, "require": True, "optional": True, "disable": False, "forbid": False}
VENDORS = {"Intel": "GenuineIntel", "AMD": "AuthenticAMD", "Hygon": "HygonGenuine", "Zhaoxin": "CentaurHauls"}
# libvirt's names of features are QEMU's with "_" for "-", but for this one.
RENAMED = {"pclmuldq": "pclmulqdq"}
# Timers that are features of the processor.
TIMER_FEATURES = {"kvmclock": "kvmclock", "hypervclock": "hv-time"}
# What only KVM gives, by the field of the features that asks for it.
KVM_FEATURES = {
    "kvm_dedicated": "kvm-hint-dedicated",
    "kvm_poll_control": "kvm-poll-control",
    "kvm_pv_ipi": "kvm-pv-ipi",
    "pvspinlock": "kvm-pv-unhalt",
    "pmu": "pmu",
}

NO_CPU = Cpu()
_FEATURE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*", re.ASCII)


def cpu(board: Board) -> list[str]:
    """-cpu."""
    definition = board.definition
    wanted = definition.cpu or NO_CPU
    _check(wanted)
    properties: dict[str, Any] = {}
    if wanted.vendor is not None:
        properties["vendor"] = _known_vendor(wanted.vendor)
    if wanted.vendor_id is not None:
        properties["vendor"] = _vendor_id(wanted)
    if wanted.check == "full":
        properties["enforce"] = True
    if wanted.migratable is not None:
        properties["migratable"] = wanted.migratable
    properties |= _features(wanted)
    properties |= _cache(wanted)
    properties |= _address_width(wanted)
    properties |= _timers(board)
    properties |= _machine_features(board)
    properties |= hyperv.enlightenments(board)
    return ["-cpu", key_values(_model(board, wanted), **properties)]


def type_name(board: Board) -> str:
    """The processor's name as a device."""
    return board.capabilities.cpu_model(_model(board, board.definition.cpu or NO_CPU)).type_name


def _model(board: Board, cpu: Cpu) -> str:
    kvm = board.definition.type == "kvm"
    match cpu.mode:
        case "host-passthrough":
            if not kvm:
                raise UnsupportedConfig(
                    "cpu mode 'host-passthrough' without KVM", hint="'host-model' or 'maximum' run in software"
                )
            return "host"
        case "host-model":
            return "host" if kvm else "max"
        case "maximum":
            return "max"
    model = board.capabilities.cpu_model(cpu.model) if cpu.model else _default_model(board)
    if model.name == "host" and not kvm:
        raise UnsupportedConfig("cpu model 'host' without KVM")
    return model.name


def _default_model(board: Board) -> CpuModel:
    """What the machine has by itself; spelled out, for a feature cannot be asked of an unnamed processor."""
    capabilities = board.capabilities
    wanted = capabilities.machine(board.definition.os.machine).default_cpu
    default = next((model for model in capabilities.cpu_models if model.type_name == wanted), None)
    return default or capabilities.cpu_model(DEFAULT_MODEL)


def _check(cpu: Cpu) -> None:
    """Refuse what QEMU would not do."""
    if cpu.features and not cpu.mode and not cpu.model:
        raise XMLError("cpu: features without a mode or a model")
    if cpu.model and cpu.mode not in (None, "custom"):
        raise UnsupportedConfig(f"cpu model {cpu.model!r} with mode {cpu.mode!r}")
    if cpu.migratable is not None and cpu.mode not in ("host-passthrough", "maximum"):
        raise UnsupportedConfig("cpu: migratable is for the modes 'host-passthrough' and 'maximum'")


def _known_vendor(vendor: str) -> str:
    if vendor not in VENDORS:
        raise UnsupportedConfig(f"cpu vendor {vendor!r}", hint=f"one of {', '.join(VENDORS)}")
    return VENDORS[vendor]


def _vendor_id(cpu: Cpu) -> str | None:
    """What the processor calls its maker, whatever its model's is."""
    said = cpu.vendor_id or ""
    if len(said) != VENDOR_LENGTH or not said.isprintable() or not said.isascii():
        raise UnsupportedConfig(f"cpu model: vendor_id {said!r}", hint="it has 12 characters")
    if cpu.vendor is not None and VENDORS[cpu.vendor] != said:
        raise UnsupportedConfig(f"cpu model: vendor_id {said!r} and vendor {cpu.vendor!r}")
    return said


def _cache(cpu: Cpu) -> dict[str, Any]:
    """Whether there is a cache of level 3, and whether the host's caches are told of."""
    if cpu.cache is None:
        if cpu.cache_level is not None:
            raise UnsupportedConfig("cpu cache: a level without a mode")
        return {}
    if (cpu.cache == "emulate") != (cpu.cache_level is not None) or cpu.cache_level not in (None, 3):
        raise UnsupportedConfig(
            f"cpu cache: mode {cpu.cache!r} with level {cpu.cache_level}", hint="level='3' goes with mode='emulate'"
        )
    if cpu.cache == "passthrough" and cpu.mode not in ("host-passthrough", "maximum"):
        raise UnsupportedConfig(f"cpu cache: mode 'passthrough' with cpu mode {cpu.mode or 'custom'!r}")
    whole = cpu.mode in ("host-passthrough", "maximum")
    return {
        **({"l3-cache": True} if cpu.cache == "emulate" else {}),
        "host-cache-info": cpu.cache == "passthrough" if whole else None,
        **({} if cpu.cache == "emulate" else {"l3-cache": False}),
    }


def _address_width(cpu: Cpu) -> dict[str, Any]:
    """How many bits a physical address has."""
    if cpu.maxphysaddr is None:
        if cpu.maxphysaddr_bits is not None:
            raise UnsupportedConfig("cpu maxphysaddr: bits without a mode")
        return {}
    if cpu.maxphysaddr == "passthrough":
        if cpu.maxphysaddr_bits is not None:
            raise UnsupportedConfig("cpu maxphysaddr: bits with mode 'passthrough'")
        if cpu.mode not in ("host-passthrough", "maximum"):
            raise UnsupportedConfig(f"cpu maxphysaddr: mode 'passthrough' with cpu mode {cpu.mode or 'custom'!r}")
        return {"host-phys-bits": True}
    if cpu.maxphysaddr_bits is None:
        raise UnsupportedConfig("cpu maxphysaddr: mode 'emulate' without bits")
    return {"phys-bits": cpu.maxphysaddr_bits}


def _features(cpu: Cpu) -> dict[str, bool]:
    """The features by QEMU's names. An optional one is asked for as well: a start has none that QEMU cannot give."""
    features: dict[str, bool] = {}
    for feature in cpu.features:
        name = RENAMED.get(feature.name, feature.name.replace("_", "-"))
        if not _FEATURE.fullmatch(name):
            raise UnsupportedConfig(f"cpu feature {feature.name!r}")
        if name in features:
            raise XMLError(f"CPU feature '{feature.name}' specified more than once")
        features[name] = ENABLED[feature.policy or "require"]
    return features


def _timers(board: Board) -> dict[str, Any]:
    timers = board.definition.clock.timers if board.definition.clock else ()
    properties: dict[str, Any] = {}
    for timer in timers:
        if name := TIMER_FEATURES.get(timer.name):
            if timer.present is not None:
                properties[name] = timer.present
        elif timer.name == "tsc" and timer.frequency is not None:
            properties["tsc-frequency"] = timer.frequency
    return properties


def _machine_features(board: Board) -> dict[str, Any]:
    """What `<features>` says of the processor."""
    features = board.features
    properties: dict[str, Any] = {}
    if features.apic is not None and features.apic.eoi is not None:
        properties["kvm-pv-eoi"] = features.apic.eoi
    if features.kvm_hidden is not None:
        properties["kvm"] = not features.kvm_hidden
    for field, name in KVM_FEATURES.items():
        enabled = getattr(features, field)
        if enabled is not None:
            properties[name] = enabled
    kvm = board.definition.type == "kvm"
    if features.kvm_dedicated and kvm and (board.definition.cpu or NO_CPU).mode != "host-passthrough":
        raise UnsupportedConfig("feature kvm hint-dedicated without cpu mode 'host-passthrough'")
    if any(panic.model == "hyperv" for panic in board.definition.devices.panics):
        properties["hv-crash"] = True
    return properties
