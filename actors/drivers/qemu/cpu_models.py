"""The processor models of a QEMU binary with their features, and what it can give to a guest at most.

QEMU spells out a model's features when it is asked to (query-cpu-model-expansion), for 130 models in a tenth of a
second. They depend on the accelerator. Only x86 is asked: elsewhere QEMU's models are names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....wire.errors import MonitorFailure
from ...cpu.arithmetic import Processor
from ...cpu.models import Model, Models
from ...cpu.names import BEYOND_QEMU, VENDORS, is_feature, of_qemu
from ...cpu.x86 import x86_models
from .answers import cached
from .interrogation import Interrogation, interrogate

# What QEMU can give at most, by accelerator.
_MOST = {"tcg": "max", "kvm": "host"}
# Names that stand for no model of their own: the most that there is, nothing at all, and numbered versions.
_NO_MODELS = frozenset({"max", "host", "base"})
_VERSIONED = re.compile(r".+-v\d+")
# Models of nobody's in particular, although QEMU gives them a maker.
_GENERIC = frozenset({"486", "pentium", "pentium2", "pentium3", "kvm32", "kvm64", "qemu32", "qemu64"})


@dataclass(frozen=True, slots=True)
class QemuCpus:
    """The models of one binary with one accelerator; ``most`` is the processor that has all that it can give."""

    models: Models
    most: Processor


async def qemu_cpus(binary: str, arch: str, accelerator: str, cache: Path) -> QemuCpus:
    """What the binary says of its models with an accelerator (``tcg`` or ``kvm``), from the cache when that is true.

    Raises ProcessFailure when it does not answer.
    """
    told = await cached(binary, cache, f" {accelerator}", lambda: _ask(binary, accelerator), dict, dict)
    return _digest(told, arch, accelerator)


async def _ask(binary: str, accelerator: str) -> dict[str, Any]:
    """The properties of each model that are switched on (a list) and its vendor, and the names of all switches."""
    async with interrogate(binary, accelerator) as peer:
        definitions = await peer.ask("query-cpu-definitions")
        names = [each["name"] for each in definitions if not _VERSIONED.fullmatch(each["name"])]
        models = {name: await _expansion(peer, name) for name in names}
    told = {name: properties for name, properties in models.items() if properties is not None}
    switches = {name for properties in told.values() for name, value in properties.items() if isinstance(value, bool)}
    return {
        "known": sorted(filter(is_feature, switches)),
        "models": {
            name: {
                "vendor": properties.get("vendor"),
                "features": sorted(name for name, value in properties.items() if value is True and is_feature(name)),
            }
            for name, properties in told.items()
        },
    }


async def _expansion(peer: Interrogation, name: str) -> dict[str, Any] | None:
    """A model's properties; None where QEMU cannot tell them (the host's without KVM)."""
    try:
        told = await peer.ask("query-cpu-model-expansion", {"type": "static", "model": {"name": name}})
    except MonitorFailure:
        return None
    return told["model"]["props"]


def _digest(told: Mapping[str, Any], arch: str, accelerator: str) -> QemuCpus:
    models = Models(_sorted(told["models"]), {*map(of_qemu, told["known"]), *BEYOND_QEMU})
    most = told["models"].get(_MOST[accelerator], {"vendor": None, "features": []})
    return QemuCpus(models, Processor(arch, VENDORS.get(most["vendor"]), _features(most)))


def _sorted(told: Mapping[str, Mapping[str, Any]]) -> Iterator[Model]:
    """The models in the order in which libvirt lists them, those that it does not know last."""
    order = {model.name: place for place, model in enumerate(x86_models())}
    for name in sorted(told.keys() - _NO_MODELS, key=lambda name: (order.get(name, len(order)), name)):
        vendor = None if name in _GENERIC else VENDORS.get(told[name]["vendor"])
        # That the guest is one of a hypervisor's is in all of QEMU's models, and in no processor.
        yield Model(name, vendor, _features(told[name]) - {"hypervisor"})


def _features(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(map(of_qemu, told["features"]))
