"""A storage pool: libvirt's `<pool>`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ..binding import At
from ..reader import read_document
from ..values import HEX2, HEX4, NAME, UUID, YES_NO, hexadecimal
from ..writer import write_document
from .permissions import SIZE_BYTES, Permissions

PoolType = Literal[
    "dir",
    "fs",
    "netfs",
    "logical",
    "disk",
    "iscsi",
    "scsi",
    "mpath",
    "rbd",
    "sheepdog",
    "gluster",
    "zfs",
    "vstorage",
    "iscsi-direct",
]
HEX1 = hexadecimal(1, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHost:
    """A server that has the storage; None is the usual port."""

    name: Annotated[str, At("@name")]
    port: Annotated[int | None, At("@port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeExtent:
    """A part of a disk that no partition has, in bytes from its start."""

    start: Annotated[int, At("@start")]
    end: Annotated[int, At("@end")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDevice:
    """A block device, or an iSCSI target, that storage is taken from."""

    path: Annotated[str, At("@path")]
    part_separator: Annotated[bool | None, At("@part_separator", YES_NO)] = None
    free_extents: Annotated[tuple[FreeExtent, ...], At("freeExtent")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterAddress:
    """The PCI address of a SCSI adapter's parent."""

    domain: Annotated[int | None, At("@domain", HEX4)] = None
    bus: Annotated[int | None, At("@bus", HEX2)] = None
    slot: Annotated[int | None, At("@slot", HEX2)] = None
    function: Annotated[int | None, At("@function", HEX1)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentAddress:
    """A SCSI adapter by its parent and number there."""

    unique_id: Annotated[int, At("@unique_id")]
    address: Annotated[AdapterAddress, At("address")] = field(default_factory=AdapterAddress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A SCSI adapter, by name or parent, or a Fibre Channel one, by its world wide names."""

    type: Annotated[Literal["scsi_host", "fc_host"] | None, At("@type")] = None
    name: Annotated[str | None, At("@name")] = None
    parent: Annotated[str | None, At("@parent")] = None
    parent_wwnn: Annotated[str | None, At("@parent_wwnn")] = None
    parent_wwpn: Annotated[str | None, At("@parent_wwpn")] = None
    parent_fabric_wwn: Annotated[str | None, At("@parent_fabric_wwn")] = None
    managed: Annotated[bool | None, At("@managed", YES_NO)] = None
    wwnn: Annotated[str | None, At("@wwnn")] = None
    wwpn: Annotated[str | None, At("@wwpn")] = None
    parent_address: Annotated[ParentAddress | None, At("parentaddr")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAuth:
    """Who we are at the server, and the secret that proves it, by UUID or usage."""

    type: Annotated[Literal["chap", "ceph"], At("@type")]
    username: Annotated[str, At("@username")]
    secret_uuid: Annotated[str | None, At("secret/@uuid", UUID)] = None
    secret_usage: Annotated[str | None, At("secret/@usage")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSource:
    """Where a pool's storage comes from; each type of pool has some of these."""

    hosts: Annotated[tuple[SourceHost, ...], At("host")] = ()
    devices: Annotated[tuple[SourceDevice, ...], At("device")] = ()
    dir: Annotated[str | None, At("dir/@path")] = None
    adapter: Annotated[Adapter | None, At("adapter")] = None
    name: Annotated[str | None, At("name")] = None
    initiator: Annotated[str | None, At("initiator/iqn/@name")] = None
    format: Annotated[str | None, At("format/@type")] = None
    auth: Annotated[SourceAuth | None, At("auth")] = None
    protocol_version: Annotated[str | None, At("protocol/@ver")] = None
    vendor: Annotated[str | None, At("vendor/@name")] = None
    product: Annotated[str | None, At("product/@name")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTarget:
    """Where the host sees the pool."""

    path: Annotated[str | None, At("path")] = None
    permissions: Annotated[Permissions | None, At("permissions")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDefinition:
    """One storage pool. `capacity`, `allocation` and `available` (bytes) are what it has and not what it is given."""

    type: Annotated[PoolType, At("@type")]
    name: Annotated[str | None, At("name", NAME)] = None
    uuid: Annotated[str | None, At("uuid", UUID)] = None
    capacity: Annotated[int | None, At("capacity", SIZE_BYTES)] = None
    allocation: Annotated[int | None, At("allocation", SIZE_BYTES)] = None
    available: Annotated[int | None, At("available", SIZE_BYTES)] = None
    copy_on_write: Annotated[bool | None, At("features/cow/@state", YES_NO)] = None
    source: Annotated[PoolSource, At("source")] = field(default_factory=PoolSource)
    target: Annotated[PoolTarget | None, At("target")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSources:
    """What virConnectFindStoragePoolSources found."""

    sources: Annotated[tuple[PoolSource, ...], At("source")] = ()


def parse_pool(text: str, *, strict: bool = True) -> PoolDefinition:
    """The definition that a `<pool>` document gives: what it says, with no defaults added.

    Raises XMLError and, where ``strict``, UnsupportedConfig. Answers to virStoragePoolDefineXML's argument.
    """
    return read_document(text, "pool", PoolDefinition, strict=strict)


def format_pool(definition: PoolDefinition) -> str:
    """The `<pool>` document of a definition (virStoragePoolGetXMLDesc)."""
    return write_document(definition, "pool")


def parse_source(text: str) -> PoolSource:
    """The `<source>` document that says where to look for pools. Raises XMLError and UnsupportedConfig."""
    return read_document(text, "source", PoolSource)


def format_sources(sources: tuple[PoolSource, ...]) -> str:
    """The `<sources>` document of what was found."""
    return write_document(PoolSources(sources=sources), "sources")


def parse_sources(text: str) -> tuple[PoolSource, ...]:
    """What a `<sources>` document tells. Raises XMLError and UnsupportedConfig."""
    return read_document(text, "sources", PoolSources).sources
