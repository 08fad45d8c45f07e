"""A host and the guests it can run as values: libvirt's `<capabilities>` document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .binding import At
from .domain.cpu import Topology
from .reader import read_document
from .values import SIZE_KIB, UUID, YES_NO
from .writer import write_document


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSize:
    """A size of pages that the processor has, in KiB."""

    unit: Annotated[Literal["KiB"], At("@unit")] = "KiB"
    size: Annotated[int, At("@size")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePool:
    """How many pages of a size (KiB) a cell has."""

    unit: Annotated[Literal["KiB"], At("@unit")] = "KiB"
    size: Annotated[int, At("@size")]
    count: Annotated[int, At(".")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFeature:
    """A feature that the processor has beyond its model."""

    name: Annotated[str, At("@name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCpu:
    """The host's processor. `model` is the nearest one that guests can be given; `topology` is that of one cell.

    `address_bits` are those of a physical address.
    """

    arch: Annotated[str, At("arch")]
    pae: Annotated[bool, At("features/pae")] = False
    nonpae: Annotated[bool, At("features/nonpae")] = False
    model: Annotated[str | None, At("model")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    microcode: Annotated[int | None, At("microcode/@version")] = None
    family: Annotated[int | None, At("signature/@family")] = None
    family_model: Annotated[int | None, At("signature/@model")] = None
    stepping: Annotated[int | None, At("signature/@stepping")] = None
    topology: Annotated[Topology | None, At("topology")] = None
    address_bits_mode: Annotated[Literal["emulate", "passthrough"] | None, At("maxphysaddr/@mode")] = None
    address_bits: Annotated[int | None, At("maxphysaddr/@bits")] = None
    features: Annotated[tuple[HostFeature, ...], At("feature")] = ()
    pages: Annotated[tuple[PageSize, ...], At("pages")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far another cell's memory is; 10 is the cell's own."""

    id: Annotated[int, At("@id")]
    value: Annotated[int, At("@value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCpu:
    """A logical processor; `siblings` is the list of those that share its core (`0-1`)."""

    id: Annotated[int, At("@id")]
    socket: Annotated[int | None, At("@socket_id")] = None
    die: Annotated[int | None, At("@die_id")] = None
    core: Annotated[int | None, At("@core_id")] = None
    siblings: Annotated[str | None, At("@siblings")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A NUMA cell; `memory` in KiB."""

    id: Annotated[int, At("@id")]
    memory: Annotated[int, At("memory", SIZE_KIB)]
    pages: Annotated[tuple[PagePool, ...], At("pages")] = ()
    distances: Annotated[tuple[Distance, ...], At("distances/sibling")] = ()
    cpu_count: Annotated[int, At("cpus/@num")]
    cpus: Annotated[tuple[CellCpu, ...], At("cpus/cpu")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBank:
    """A processor cache and the logical processors that share it (`0-3`); `size` in `unit`."""

    id: Annotated[int, At("@id")]
    level: Annotated[int, At("@level")]
    type: Annotated[Literal["both", "code", "data"], At("@type")]
    size: Annotated[int, At("@size")]
    unit: Annotated[Literal["B", "KiB", "MiB", "GiB"], At("@unit")]
    cpus: Annotated[str, At("@cpus")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityModel:
    """How guests are kept apart, and what is to be known of its labels."""

    model: Annotated[str, At("model")]
    doi: Annotated[str | None, At("doi")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine that the daemon runs on."""

    uuid: Annotated[str | None, At("uuid", UUID)] = None
    cpu: Annotated[HostCpu, At("cpu")]
    power_management: Annotated[bool, At("power_management")] = False
    iommu: Annotated[bool | None, At("iommu/@support", YES_NO)] = None
    live_migration: Annotated[bool, At("migration_features/live")] = False
    migration_transports: Annotated[tuple[str, ...], At("migration_features/uri_transports/uri_transport")] = ()
    cell_count: Annotated[int, At("topology/cells/@num")]
    cells: Annotated[tuple[Cell, ...], At("topology/cells/cell")] = ()
    caches: Annotated[tuple[CacheBank, ...], At("cache/bank")] = ()
    security_models: Annotated[tuple[SecurityModel, ...], At("secmodel")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMachine:
    """A machine type, by its name or by an alias of the `canonical` one."""

    canonical: Annotated[str | None, At("@canonical")] = None
    max_cpus: Annotated[int | None, At("@maxCpus")] = None
    deprecated: Annotated[bool | None, At("@deprecated", YES_NO)] = None
    name: Annotated[str, At(".")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A kind of guests: the emulator that runs them, on what machines, by which domain types."""

    os_type: Annotated[Literal["hvm", "xen"], At("os_type")] = "hvm"
    arch: Annotated[str, At("arch/@name")]
    word_size: Annotated[int, At("arch/wordsize")]
    emulator: Annotated[str | None, At("arch/emulator")] = None
    machines: Annotated[tuple[GuestMachine, ...], At("arch/machine")] = ()
    domain_types: Annotated[tuple[str, ...], At("arch/domain/@type")] = ()
    pae: Annotated[bool, At("features/pae")] = False
    nonpae: Annotated[bool, At("features/nonpae")] = False
    acpi_default: Annotated[Literal["on", "off"] | None, At("features/acpi/@default")] = None
    acpi_toggle: Annotated[bool | None, At("features/acpi/@toggle", YES_NO)] = None
    apic_default: Annotated[Literal["on", "off"] | None, At("features/apic/@default")] = None
    apic_toggle: Annotated[bool | None, At("features/apic/@toggle", YES_NO)] = None
    cpuselection: Annotated[bool, At("features/cpuselection")] = False
    deviceboot: Annotated[bool, At("features/deviceboot")] = False
    disksnapshot_default: Annotated[Literal["on", "off"] | None, At("features/disksnapshot/@default")] = None
    disksnapshot_toggle: Annotated[bool | None, At("features/disksnapshot/@toggle", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What virConnectGetCapabilities tells."""

    host: Annotated[Host, At("host")]
    guests: Annotated[tuple[Guest, ...], At("guest")] = ()


def format_capabilities(capabilities: Capabilities) -> str:
    """The `<capabilities>` document, in libvirt's order."""
    return write_document(capabilities, "capabilities")


def parse_capabilities(text: str) -> Capabilities:
    """The values of a `<capabilities>` document of virtactor's. Raises XMLError, and UnsupportedConfig for more."""
    return read_document(text, "capabilities", Capabilities)
