"""Storage pools and volumes as values: libvirt's `<pool>`, `<sources>` and `<volume>` documents."""

from .kinds import KINDS, PoolKind, clean_path, complete_pool, complete_volume
from .permissions import Encryption, Permissions
from .pool import (
    Adapter,
    PoolDefinition,
    PoolSource,
    PoolTarget,
    SourceAuth,
    SourceDevice,
    SourceHost,
    format_pool,
    format_sources,
    parse_pool,
    parse_source,
    parse_sources,
)
from .volume import BackingStore, VolumeDefinition, VolumeTarget, format_volume, parse_volume

__all__ = [
    "KINDS",
    "Adapter",
    "BackingStore",
    "Encryption",
    "Permissions",
    "PoolDefinition",
    "PoolKind",
    "PoolSource",
    "PoolTarget",
    "SourceAuth",
    "SourceDevice",
    "SourceHost",
    "VolumeDefinition",
    "VolumeTarget",
    "clean_path",
    "complete_pool",
    "complete_volume",
    "format_pool",
    "format_sources",
    "format_volume",
    "parse_pool",
    "parse_source",
    "parse_sources",
    "parse_volume",
]
