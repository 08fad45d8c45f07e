"""Moments of a domain as values: libvirt's `<domainsnapshot>` and `<domaincheckpoint>` documents.

A snapshot is what a domain was, to go back to; a checkpoint is a point from which on its disks' changes are noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

from lxml import etree

from ..enums.error import ErrorDomain
from ..errors import InternalError, InvalidArgument, UnsupportedConfig, VirtError, XMLError
from .binding import At
from .domain import Disk, DomainDefinition
from .reader import parse, read_element
from .writer import write_document

SnapshotState = Literal["nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended",
                        "disk-snapshot"]  # fmt: skip
Location = Literal["no", "internal", "external", "manual"]
# The states in which a domain's memory is part of its snapshot.
ONLINE = ("running", "paused")
# What of a new moment is not the caller's to say.
_LIBVIRTS = ("state", "parent", "creationTime", "domain", "inactiveDomain", "active")
Moment = TypeVar("Moment", "SnapshotDefinition", "CheckpointDefinition")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMemory:
    """Where the memory is kept."""

    snapshot: Annotated[Literal["no", "internal", "external"] | None, At("@snapshot")] = None
    file: Annotated[str | None, At("@file")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDisk:
    """Where a disk's state is kept: in its own image, or in that image while `source` takes what is written on.

    `name` is the disk's target or, in what a caller says, its source.
    """

    name: Annotated[str | None, At("@name")] = None
    snapshot: Annotated[Location | None, At("@snapshot")] = None
    type: Annotated[Literal["file", "block", "network"] | None, At("@type")] = None
    driver: Annotated[str | None, At("driver/@type")] = None
    source: Annotated[str | None, At("source/@file")] = None
    device: Annotated[str | None, At("source/@dev")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDefinition:
    """A snapshot. `creation_time` is in seconds since 1970; `domain` is what the domain was, as it ran."""

    name: Annotated[str | None, At("name")] = None
    description: Annotated[str | None, At("description")] = None
    state: Annotated[SnapshotState | None, At("state")] = None
    parent: Annotated[str | None, At("parent/name")] = None
    creation_time: Annotated[int | None, At("creationTime")] = None
    memory: Annotated[SnapshotMemory | None, At("memory")] = None
    disks: Annotated[tuple[SnapshotDisk, ...], At("disks/disk")] = ()
    domain: Annotated[DomainDefinition | None, At("domain")] = None
    inactive_domain: Annotated[DomainDefinition | None, At("inactiveDomain")] = None
    active: Annotated[int | None, At("active")] = None

    @property
    def online(self) -> bool:
        return self.state in ONLINE

    @property
    def external(self) -> bool:
        """Whether any of it is kept in a file of its own."""
        memory = self.memory is not None and self.memory.snapshot == "external"
        return memory or any(disk.snapshot == "external" for disk in self.disks)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointDisk:
    """A disk whose changes are noted, in the bitmap of that name; `size` (bytes) is that of the changes so far."""

    name: Annotated[str | None, At("@name")] = None
    checkpoint: Annotated[Literal["no", "bitmap"] | None, At("@checkpoint")] = None
    bitmap: Annotated[str | None, At("@bitmap")] = None
    size: Annotated[int | None, At("@size")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointDefinition:
    """A checkpoint. `creation_time` is in seconds since 1970; `domain` is what the domain was."""

    name: Annotated[str | None, At("name")] = None
    description: Annotated[str | None, At("description")] = None
    parent: Annotated[str | None, At("parent/name")] = None
    creation_time: Annotated[int | None, At("creationTime")] = None
    disks: Annotated[tuple[CheckpointDisk, ...], At("disks/disk")] = ()
    domain: Annotated[DomainDefinition | None, At("domain")] = None


# -- documents ---------------------------------------------------------------------------------------------------------


def parse_snapshot(text: str, *, redefine: bool = False) -> SnapshotDefinition:
    """The snapshot that a `<domainsnapshot>` document asks for; one that is to be defined again must be whole.

    What only libvirt itself can say of a new one (state, parent, time, domain) is passed over. Raises XMLError,
    UnsupportedConfig, and InternalError, as libvirt does, for what a whole one lacks.
    """
    with _Reporting(ErrorDomain.DOMAIN_SNAPSHOT):
        found = _read(text, "domainsnapshot", SnapshotDefinition, whole=redefine)
        _check_memory(found)
        return _whole_snapshot(found) if redefine else found


def read_snapshot(element: etree._Element) -> SnapshotDefinition:
    """The whole snapshot that an element of a test driver's document has; it must say whether it is `active`."""
    with _Reporting(ErrorDomain.DOMAIN_SNAPSHOT):
        found = read_element(element, SnapshotDefinition, strict=False)
        _check_memory(found)
        if found.active is None:
            raise InternalError("Could not find 'active' element")
        return _whole_snapshot(found)


def format_snapshot(snapshot: SnapshotDefinition, *, secure: bool = False) -> str:
    """The `<domainsnapshot>` document. Answers to virDomainSnapshotGetXMLDesc."""
    return write_document(snapshot, "domainsnapshot", secure=secure)


def parse_checkpoint(text: str, *, redefine: bool = False) -> CheckpointDefinition:
    """The checkpoint that a `<domaincheckpoint>` document asks for; see `parse_snapshot`."""
    with _Reporting(ErrorDomain.DOMAIN_CHECKPOINT):
        found = _read(text, "domaincheckpoint", CheckpointDefinition, whole=redefine)
        if redefine:
            _check_whole(found, "checkpoint")
        return found


def format_checkpoint(checkpoint: CheckpointDefinition, *, secure: bool = False, domain: bool = True) -> str:
    """The `<domaincheckpoint>` document. Answers to virDomainCheckpointGetXMLDesc."""
    shown = checkpoint if domain else replace(checkpoint, domain=None)
    return write_document(shown, "domaincheckpoint", secure=secure)


def _read(text: str, root: str, cls: type[Moment], *, whole: bool) -> Moment:
    element = parse(text, root)
    for child in () if whole else [child for child in element.iterchildren() if child.tag in _LIBVIRTS]:
        element.remove(child)
    return read_element(element, cls, strict=False)


class _Reporting:
    """Errors within come from an area of libvirt's, unless they say otherwise."""

    def __init__(self, domain: ErrorDomain) -> None:
        self.domain = domain

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, VirtError):
            error.domain = error.domain or self.domain


def _whole_snapshot(found: SnapshotDefinition) -> SnapshotDefinition:
    """Refuse a snapshot that lacks something; one that does not say where its memory is has it in its image."""
    _check_whole(found, "snapshot")
    if found.state is None:
        raise XMLError("missing state from existing snapshot")
    if found.domain is None:
        raise InternalError("missing domain in snapshot")
    return _with_memory(found)


def _check_whole(found: SnapshotDefinition | CheckpointDefinition, kind: str) -> None:
    if not found.name:
        raise XMLError(f"a redefined {kind} must have a name")
    if found.creation_time is None:
        raise InternalError(f"missing creationTime from existing {kind}")


def _check_memory(snapshot: SnapshotDefinition) -> None:
    memory = snapshot.memory
    if memory is None:
        return
    if memory.file is not None and memory.snapshot != "external":
        raise XMLError(f"memory filename '{memory.file}' requires external snapshot")
    if memory.snapshot == "external":
        if not memory.file:
            raise XMLError("external memory snapshots require a filename")
        if not memory.file.startswith("/"):
            raise XMLError(f"memory snapshot file path ({memory.file}) must be absolute")


def _with_memory(snapshot: SnapshotDefinition) -> SnapshotDefinition:
    """A whole snapshot that says where its memory is."""
    memory = snapshot.memory or SnapshotMemory()
    if memory.snapshot is None:
        return replace(snapshot, memory=SnapshotMemory(snapshot="internal" if snapshot.online else "no"))
    if memory.snapshot != "no" and not snapshot.online:
        raise XMLError("memory state cannot be saved with offline or disk-only snapshot")
    return snapshot


# -- disks -------------------------------------------------------------------------------------------------------------


def align_snapshot_disks(snapshot: SnapshotDefinition, *, location: Location, uniform: bool) -> SnapshotDefinition:
    """A snapshot that says of each of its domain's disks where its state is kept, `location` where nothing was said.

    `uniform` refuses any other than that. Raises UnsupportedConfig for disks that the domain does not have, are named
    twice, or cannot be kept so.
    """
    with _Reporting(ErrorDomain.DOMAIN_SNAPSHOT):
        assert snapshot.domain is not None
        if any(not disk.name for disk in snapshot.disks):
            raise InternalError("missing name from disk snapshot element")
        asked = _by_disk(snapshot.disks, snapshot.domain, "snapshot")
        disks = tuple(
            _aligned(asked.get(disk.target), disk, location, uniform=uniform) for disk in snapshot.domain.devices.disks
        )
        return replace(snapshot, disks=disks)


def _aligned(asked: SnapshotDisk | None, disk: Disk, location: Location, *, uniform: bool) -> SnapshotDisk:
    said = asked.snapshot if asked is not None else None
    kept = said or disk.snapshot or ("no" if _is_fixed(disk) else location)
    if asked is not None and uniform and kept not in (location, "manual"):
        raise UnsupportedConfig(f"disk '{disk.target}' must use snapshot mode '{location}'")
    named = replace(asked or SnapshotDisk(), name=disk.target, snapshot=kept)
    if kept != "external":
        return named
    if named.source is None and named.device is None:
        # libvirt makes a name from that of a file which it sees; what a caller says of a path is not looked at here.
        raise UnsupportedConfig(
            f"source for disk '{disk.target}' is not a regular file; refusing to generate external snapshot name"
        )
    return replace(named, type=named.type or ("file" if named.source is not None else "block"))


def align_checkpoint_disks(checkpoint: CheckpointDefinition) -> CheckpointDefinition:
    """A checkpoint that says of each of its domain's disks whether its changes are noted, and in which bitmap.

    Where the caller names disks the others are left out, else all that have a source are noted. Raises
    UnsupportedConfig for disks that the domain does not have or that are named twice.
    """
    with _Reporting(ErrorDomain.DOMAIN_CHECKPOINT):
        assert checkpoint.domain is not None
        if not checkpoint.domain.devices.disks:
            raise UnsupportedConfig("domain must have at least one disk to perform checkpoints")
        asked = _by_disk(checkpoint.disks, checkpoint.domain, "checkpoint")
        unasked = "no" if checkpoint.disks else "bitmap"
        disks = []
        for disk in checkpoint.domain.devices.disks:
            kept = asked.get(disk.target)
            noted = (kept.checkpoint or "bitmap") if kept is not None else ("no" if _is_fixed(disk) else unasked)
            if noted == "bitmap" and _is_fixed(disk):
                raise UnsupportedConfig(f"disk '{disk.target}' is empty or readonly")
            bitmap = (kept.bitmap if kept is not None else None) or checkpoint.name
            disks.append(CheckpointDisk(name=disk.target, checkpoint=noted, bitmap=bitmap if noted != "no" else None))
        return replace(checkpoint, disks=tuple(disks))


def _is_fixed(disk: Disk) -> bool:
    """Whether nothing is ever written to a disk."""
    return disk.path is None or disk.readonly


def _by_disk(disks: Sequence[Any], domain: DomainDefinition, kind: str) -> dict[str, Any]:
    """What is said of disks, by the targets of the domain's disks that are meant."""
    if len(disks) > len(domain.devices.disks):
        raise UnsupportedConfig(f"too many disk {kind} requests for domain")
    found: dict[str, Any] = {}
    for disk in disks:
        target = _target(disk.name or "", domain)
        if target in found:
            raise UnsupportedConfig(f"disk '{target}' specified twice")
        found[target] = disk
    return found


def _target(name: str, domain: DomainDefinition) -> str:
    for disk in domain.devices.disks:
        if name in (disk.target, disk.path):
            return disk.target
    raise UnsupportedConfig(f"no disk named '{name}'")


# -- what must fit -----------------------------------------------------------------------------------------------------


def check_domain_of(moment: SnapshotDefinition | CheckpointDefinition, uuid: str, kind: str) -> None:
    """Refuse a moment that is another domain's. Raises InvalidArgument."""
    if moment.domain is not None and moment.domain.uuid != uuid:
        raise InvalidArgument(f"definition for {kind} {moment.name} must use uuid {uuid}")
