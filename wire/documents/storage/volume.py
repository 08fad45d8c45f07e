"""A storage volume: libvirt's `<volume>`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ..binding import At, Codec, Datatype, Lexical
from ..reader import read_document
from ..writer import write_document
from .permissions import CLUSTER_BYTES, SIZE_BYTES, Encryption, Permissions

VolumeType = Literal["file", "block", "dir", "network", "netdir", "ploop"]


def _version(text: str) -> str:
    if not text or set(text) - set("0123456789."):
        raise ValueError(text)
    return text


COMPAT = Codec(
    _version, str, "a version like 1.1", Datatype("version", forms=(Lexical(facets=(("pattern", "[0-9.]+"),)),))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamps:
    """When a volume was used, as ``seconds.nanoseconds`` since 1970."""

    atime: Annotated[str | None, At("atime")] = None
    mtime: Annotated[str | None, At("mtime")] = None
    ctime: Annotated[str | None, At("ctime")] = None
    btime: Annotated[str | None, At("btime")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTarget:
    """The volume as the host sees it. `format` is that of its contents; `cluster_size` in bytes."""

    path: Annotated[str | None, At("path")] = None
    format: Annotated[str | None, At("format/@type")] = None
    permissions: Annotated[Permissions | None, At("permissions")] = None
    timestamps: Annotated[Timestamps | None, At("timestamps")] = None
    encryption: Annotated[Encryption | None, At("encryption")] = None
    compat: Annotated[str | None, At("compat", COMPAT)] = None
    cluster_size: Annotated[int | None, At("clusterSize", CLUSTER_BYTES)] = None
    nocow: Annotated[bool, At("nocow")] = False
    lazy_refcounts: Annotated[bool, At("features/lazy_refcounts")] = False
    extended_l2: Annotated[bool, At("features/extended_l2")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingStore:
    """What a volume's contents are added to."""

    path: Annotated[str | None, At("path")] = None
    format: Annotated[str | None, At("format/@type")] = None
    permissions: Annotated[Permissions | None, At("permissions")] = None
    timestamps: Annotated[Timestamps | None, At("timestamps")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A part of a device, in bytes from its start."""

    start: Annotated[int, At("@start")]
    end: Annotated[int, At("@end")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtentDevice:
    """A device that a volume lies on."""

    path: Annotated[str, At("@path")]
    extents: Annotated[tuple[Extent, ...], At("extent")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSource:
    """Where on its devices a volume lies."""

    devices: Annotated[tuple[ExtentDevice, ...], At("device")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDefinition:
    """One volume. Sizes are bytes: what it can hold, what of that is taken from the pool, how large its file is."""

    type: Annotated[VolumeType | None, At("@type")] = None
    name: Annotated[str | None, At("name")] = None
    key: Annotated[str | None, At("key")] = None
    source: Annotated[VolumeSource | None, At("source")] = None
    capacity: Annotated[int | None, At("capacity", SIZE_BYTES)] = None
    allocation: Annotated[int | None, At("allocation", SIZE_BYTES)] = None
    physical: Annotated[int | None, At("physical", SIZE_BYTES)] = None
    target: Annotated[VolumeTarget, At("target")] = field(default_factory=VolumeTarget)
    backing_store: Annotated[BackingStore | None, At("backingStore")] = None


def parse_volume(text: str, *, strict: bool = True) -> VolumeDefinition:
    """The definition that a `<volume>` document gives: what it says, with no defaults added.

    Raises XMLError and, where ``strict``, UnsupportedConfig. Answers to virStorageVolCreateXML's argument.
    """
    return read_document(text, "volume", VolumeDefinition, strict=strict)


def format_volume(definition: VolumeDefinition) -> str:
    """The `<volume>` document of a definition (virStorageVolGetXMLDesc)."""
    return write_document(definition, "volume")
