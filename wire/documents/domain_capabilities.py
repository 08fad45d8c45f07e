"""What an emulator can give to domains of one machine type: libvirt's `<domainCapabilities>`.

Whatever can be chosen from is an `<enum>` with its values; an enum without values says that there is nothing to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .binding import At
from .cpu import DescribedFeature
from .reader import read_document
from .values import YES_NO
from .writer import write_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The values that something has (`bus`: `virtio`, `sata`, …)."""

    name: Annotated[str, At("@name")]
    values: Annotated[tuple[str, ...], At("value")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Whether there is something, and in which kinds."""

    supported: Annotated[bool, At("@supported", YES_NO)]
    choices: Annotated[tuple[Choice, ...], At("enum")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystems:
    """What boots a domain: `firmware` is chosen by kind, `loader` by its file."""

    supported: Annotated[bool, At("@supported", YES_NO)] = True
    choices: Annotated[tuple[Choice, ...], At("enum")] = ()
    loader: Annotated[Support | None, At("loader")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeModel:
    """A model that a mode stands for or offers; `usable` says whether the host can give all of it."""

    usable: Annotated[Literal["yes", "no", "unknown"] | None, At("@usable")] = None
    deprecated: Annotated[bool | None, At("@deprecated", YES_NO)] = None
    vendor: Annotated[str | None, At("@vendor")] = None
    fallback: Annotated[Literal["allow", "forbid"] | None, At("@fallback")] = None
    name: Annotated[str, At(".")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuMode:
    """One of the modes of a domain's `<cpu>`: `host-model` says what it stands for, `custom` from what one chooses."""

    name: Annotated[Literal["host-passthrough", "maximum", "host-model", "custom"], At("@name")]
    supported: Annotated[bool, At("@supported", YES_NO)]
    choices: Annotated[tuple[Choice, ...], At("enum")] = ()
    models: Annotated[tuple[ModeModel, ...], At("model")] = ()
    vendor: Annotated[str | None, At("vendor")] = None
    features: Annotated[tuple[DescribedFeature, ...], At("feature")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSupport:
    """The devices, in libvirt's order. None says nothing of a kind."""

    disk: Annotated[Support | None, At("disk")] = None
    graphics: Annotated[Support | None, At("graphics")] = None
    video: Annotated[Support | None, At("video")] = None
    hostdev: Annotated[Support | None, At("hostdev")] = None
    rng: Annotated[Support | None, At("rng")] = None
    filesystem: Annotated[Support | None, At("filesystem")] = None
    tpm: Annotated[Support | None, At("tpm")] = None
    redirdev: Annotated[Support | None, At("redirdev")] = None
    channel: Annotated[Support | None, At("channel")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSupport:
    """What the machine can offer to its guest, and the driver to its callers."""

    gic: Annotated[Support | None, At("gic")] = None
    vmcoreinfo: Annotated[Support | None, At("vmcoreinfo")] = None
    genid: Annotated[Support | None, At("genid")] = None
    backing_store_input: Annotated[Support | None, At("backingStoreInput")] = None
    backup: Annotated[Support | None, At("backup")] = None
    sev: Annotated[Support | None, At("sev")] = None
    sgx: Annotated[Support | None, At("sgx")] = None
    hyperv: Annotated[Support | None, At("hyperv")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCapabilities:
    """What virConnectGetDomainCapabilities tells. `domain` is the domain type, `max_vcpus` the machine's."""

    path: Annotated[str, At("path")]
    domain: Annotated[str, At("domain")]
    machine: Annotated[str | None, At("machine")] = None
    arch: Annotated[str, At("arch")]
    max_vcpus: Annotated[int | None, At("vcpu/@max")] = None
    iothreads: Annotated[Support | None, At("iothreads")] = None
    os: Annotated[OperatingSystems | None, At("os")] = None
    cpu_modes: Annotated[tuple[CpuMode, ...], At("cpu/mode")] = ()
    memory_backing: Annotated[Support | None, At("memoryBacking")] = None
    devices: Annotated[DeviceSupport | None, At("devices")] = None
    features: Annotated[FeatureSupport | None, At("features")] = None


def format_domain_capabilities(capabilities: DomainCapabilities) -> str:
    """The `<domainCapabilities>` document, in libvirt's order."""
    return write_document(capabilities, "domainCapabilities")


def parse_domain_capabilities(text: str) -> DomainCapabilities:
    """The values of a `<domainCapabilities>` document. Raises XMLError, and UnsupportedConfig for more than these."""
    return read_document(text, "domainCapabilities", DomainCapabilities)
