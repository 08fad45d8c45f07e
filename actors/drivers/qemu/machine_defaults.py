"""What libvirt's qemu driver makes of a document outside its devices, of which only a part is said.

Pure, and changes nothing in a definition that has been through it.
"""

from __future__ import annotations

from ....wire.documents.binding import Subtree
from ....wire.documents.domain import Cpu, DomainDefinition, Features, PowerManagement, SecurityLabel
from ....wire.documents.domain.tuning import NumaTune
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig

# The security model of who has none.
NO_MODEL = "none"


def with_variables_path(definition: DomainDefinition) -> DomainDefinition:
    """The definition with the path of its UEFI's variables where that is said as a disk's source is.

    Raises UnsupportedConfig for a source that is no file.
    """
    nvram = definition.os.nvram
    if nvram is None or (nvram.type is None and nvram.source is None):
        return definition
    source = nvram.source or Subtree()
    path = dict(source.attributes).get("file")
    if path is None or len(source.attributes) > 1 or source.children:
        raise UnsupportedConfig("os/nvram: a source that is not <source file='…'/>")
    return replace(definition, os=replace(definition.os, nvram=replace(nvram, type=None, source=None, path=path)))


def with_machine_defaults(definition: DomainDefinition) -> DomainDefinition:
    """The definition with modes and types that follow from what is said, without what says nothing."""
    loader = definition.os.loader
    if loader is not None and loader.type is None and loader.path is not None:
        definition = replace(definition, os=replace(definition.os, loader=replace(loader, type="rom")))
    return replace(
        definition,
        cpu=definition.cpu and _cpu(definition.cpu, definition.type),
        features=definition.features and _features(definition.features),
        numatune=definition.numatune and _numatune(definition.numatune),
        pm=None if definition.pm == PowerManagement() else definition.pm,
        seclabels=tuple(map(_label, definition.seclabels)),
    )


def _cpu(cpu: Cpu, type: str) -> Cpu:
    """A processor with what libvirt checks of it: what it asks of a host, it asks of one that has KVM."""
    if cpu.check is not None or cpu.mode is None:
        return cpu
    asks = cpu.mode == "host-model" or (cpu.mode == "custom" and type == "kvm")
    return replace(cpu, check="partial" if asks else "none")


def _features(features: Features) -> Features | None:
    if features == Features():
        return None
    hyperv = features.hyperv
    return replace(features, hyperv=hyperv and replace(hyperv, mode=hyperv.mode or "custom"))


def _numatune(tune: NumaTune) -> NumaTune:
    return replace(tune, mode=tune.mode or "strict") if tune.nodeset is not None else tune


def _label(label: SecurityLabel) -> SecurityLabel:
    """A label of no model's is one of none; what a model labels is labelled anew for the guest, unless it is told."""
    if label.model is None and label.type in (None, "none", "dynamic"):
        return replace(label, type="none", model=NO_MODEL, relabel=None)
    if label.type == "none":
        return label
    return replace(label, relabel=label.type == "dynamic" if label.relabel is None else label.relabel)
