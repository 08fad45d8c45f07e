"""What each type of pool has and needs, as data, and what follows of it for a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...errors import UnsupportedConfig, XMLError
from .pool import Adapter, PoolDefinition, PoolSource, PoolTarget
from .volume import VolumeDefinition

FILE_FORMATS = (
    "none",
    "raw",
    "dir",
    "bochs",
    "cloop",
    "dmg",
    "iso",
    "vpc",
    "vdi",
    "fat",
    "vhd",
    "ploop",
    "cow",
    "qcow",
    "qcow2",
    "qed",
    "vmdk",
)
PARTITION_FORMATS = ("none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid", "extended")


@dataclass(frozen=True, slots=True)
class PoolKind:
    """What one type of pool is made of.

    `parts` are the fields of its source, those in `needs` cannot be left out. `formats` are the formats of its source,
    the first one the default; `volume_formats` those of its volumes. Volumes are below `target`, where the name of the
    source stands for `{}`; None leaves the path to the definition, an empty text means that there is none.
    """

    parts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    volume_formats: tuple[str, ...] = ()
    volume_default: str | None = None
    target: str | None = None


_FILES = {"volume_formats": FILE_FORMATS, "volume_default": "raw"}
KINDS: Mapping[str, PoolKind] = {
    "dir": PoolKind(**_FILES),
    "fs": PoolKind(
        parts=("devices", "format"),
        needs=("devices",),
        formats=(
            *("auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+", "xfs", "ocfs2"),
            "vmfs",
        ),
        **_FILES,
    ),
    "netfs": PoolKind(
        parts=("hosts", "dir", "format", "protocol_version"),
        needs=("hosts", "dir"),
        formats=("auto", "nfs", "glusterfs", "cifs"),
        **_FILES,
    ),
    "logical": PoolKind(parts=("devices", "name", "format"), formats=("lvm2", "unknown"), target="/dev/{}"),
    "disk": PoolKind(
        parts=("devices", "format"),
        needs=("devices",),
        formats=("unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2"),
        volume_formats=PARTITION_FORMATS,
        volume_default="none",
    ),
    "iscsi": PoolKind(parts=("hosts", "devices", "initiator"), needs=("hosts",)),
    "iscsi-direct": PoolKind(parts=("hosts", "devices", "initiator"), needs=("hosts", "initiator"), target=""),
    "scsi": PoolKind(parts=("adapter",), needs=("adapter",)),
    "mpath": PoolKind(),
    "rbd": PoolKind(parts=("hosts", "name"), needs=("name",), target="", **_FILES),
    "sheepdog": PoolKind(parts=("hosts", "name"), needs=("hosts",), target="", **_FILES),
    "gluster": PoolKind(parts=("hosts", "dir", "name"), needs=("hosts",), target="", **_FILES),
    "zfs": PoolKind(parts=("devices", "name"), target="/dev/zvol/{}"),
    "vstorage": PoolKind(parts=("name",), **_FILES),
}
# What the source of any pool may have.
_ALWAYS = frozenset({"auth", "vendor", "product"})
_LACKING = {
    "hosts": "missing storage pool source host name",
    "devices": "missing storage pool source device name",
    "dir": "missing storage pool source path",
    "adapter": "missing storage pool source adapter",
    "name": "element 'name' is mandatory for this type of pool",
}
# Where the source's name is the pool's unless it is said.
_NAMED_AS_POOL = frozenset({"logical", "sheepdog", "gluster", "zfs", "vstorage"})
_SLASHES = re.compile("/+")


def complete_pool(definition: PoolDefinition) -> PoolDefinition:
    """The definition with what its type makes of the unsaid, and without what its type does not have.

    Raises XMLError for what its type needs, UnsupportedConfig for a format that it does not have. Completing twice
    changes nothing.
    """
    kind = KINDS[definition.type]
    name = definition.name or definition.source.name
    if not name:
        raise XMLError("missing pool source name element")
    source = _complete_source(definition, kind, name)
    if definition.source.protocol_version and definition.type == "netfs" and source.format not in ("auto", "nfs"):
        raise UnsupportedConfig(f"storage pool protocol ver unsupported for pool type '{source.format}'")
    return replace(
        definition,
        name=name,
        capacity=None,
        allocation=None,
        available=None,
        source=source,
        target=_complete_target(definition, kind, source),
    )


def _complete_source(definition: PoolDefinition, kind: PoolKind, name: str) -> PoolSource:
    given = definition.source
    for part in kind.needs:
        if part == "initiator" and given.initiator is None:
            raise UnsupportedConfig("missing initiator IQN")
        if not getattr(given, part):
            raise XMLError(_LACKING[part])
    kept = {part: getattr(given, part) for part in (*kind.parts, *_ALWAYS)}
    if kind.formats:
        kept["format"] = _format(given.format, kind.formats, "pool")
    if definition.type in _NAMED_AS_POOL:
        kept["name"] = given.name or name
    if definition.type == "gluster":
        kept["dir"] = given.dir or "/"
    if "devices" in kept:
        kept["devices"] = tuple(replace(device, free_extents=()) for device in given.devices)
    if given.adapter is not None and "adapter" in kept:
        kept["adapter"] = _complete_adapter(given.adapter)
    return PoolSource(**kept)


def _complete_adapter(adapter: Adapter) -> Adapter:
    if adapter.type == "fc_host":
        if not (adapter.wwnn and adapter.wwpn):
            raise XMLError("'wwnn' and 'wwpn' must be specified for adapter type 'fc_host'")
        return adapter
    if not (adapter.name or adapter.parent_address):
        raise XMLError("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter")
    return replace(adapter, type="scsi_host")


def _complete_target(definition: PoolDefinition, kind: PoolKind, source: PoolSource) -> PoolTarget | None:
    given = definition.target or PoolTarget()
    permissions = given.permissions
    if permissions is not None:
        owner, group = (None if number == -1 else number for number in (permissions.owner, permissions.group))
        permissions = replace(permissions, owner=owner, group=group)
    if kind.target is None:
        if not given.path:
            raise XMLError("missing storage pool target path")
        return PoolTarget(path=clean_path(given.path), permissions=permissions)
    if not kind.target:
        return None
    return PoolTarget(path=kind.target.format(source.name), permissions=permissions)


def complete_volume(definition: VolumeDefinition, pool_type: str) -> VolumeDefinition:
    """The definition with what its pool's type makes of the unsaid; what only the host can tell is taken out.

    Raises XMLError for what every volume needs, UnsupportedConfig for a format that the pool's volumes do not have.
    """
    kind = KINDS[pool_type]
    if not definition.name:
        raise XMLError("missing volume name element")
    if definition.capacity is None:
        raise XMLError("missing capacity element")
    target = replace(definition.target, timestamps=None, nocow=False)
    if kind.volume_formats:
        chosen = _format(target.format, (kind.volume_default or "", *kind.volume_formats), "volume")
        target = replace(target, format=chosen)
    else:
        target = replace(target, format=None)
    return replace(
        definition,
        type=definition.type or "file",
        source=None,
        physical=None,
        allocation=definition.capacity if definition.allocation is None else definition.allocation,
        target=target,
    )


def _format(given: str | None, formats: tuple[str, ...], what: str) -> str:
    if given is None:
        return formats[0]
    if given not in formats:
        raise UnsupportedConfig(f"unknown {what} format type {given}")
    return given


def clean_path(path: str) -> str:
    """A path with single slashes and none at its end; two at its beginning, which POSIX sets apart, stay."""
    head = "//" if path.startswith("//") and not path.startswith("///") else path[:1] if path.startswith("/") else ""
    rest = _SLASHES.sub("/", path[len(head) :]).strip("/") if head else _SLASHES.sub("/", path).rstrip("/")
    return head + rest
