"""A domain's snapshots and checkpoints: libvirt's ``virDomainSnapshotPtr`` and ``virDomainCheckpointPtr``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

from ..wire.enums.domain_jobs import (
    DomainCheckpointCreateFlags,
    DomainCheckpointDeleteFlags,
    DomainCheckpointListFlags,
    DomainCheckpointXMLFlags,
    DomainSnapshotCreateFlags,
    DomainSnapshotDeleteFlags,
    DomainSnapshotListFlags,
    DomainSnapshotRevertFlags,
    DomainSnapshotXMLFlags,
)
from ..wire.errors import NoCheckpoint, NoSnapshot, NotFound
from ..wire.table import ROWS, Row
from .objects import HostObject, OwnedObjects
from .values import bits

if TYPE_CHECKING:
    from .domain import Domain

_CREATE = ROWS["domain_snapshot_create_xml"]
_NUM = ROWS["domain_snapshot_num"]
_NAMES = ROWS["domain_snapshot_list_names"]
_HAS_CURRENT = ROWS["domain_has_current_snapshot"]
_CURRENT = ROWS["domain_snapshot_current"]
_XML = ROWS["domain_snapshot_get_xml_desc"]
_NUM_CHILDREN = ROWS["domain_snapshot_num_children"]
_CHILDREN_NAMES = ROWS["domain_snapshot_list_children_names"]
_IS_CURRENT = ROWS["domain_snapshot_is_current"]
_HAS_METADATA = ROWS["domain_snapshot_has_metadata"]
_REVERT = ROWS["domain_revert_to_snapshot"]
_CHECKPOINT_CREATE = ROWS["domain_checkpoint_create_xml"]
_CHECKPOINT_XML = ROWS["domain_checkpoint_get_xml_desc"]


class MomentKind(NamedTuple):
    """What snapshots and checkpoints have both, each with procedures and flags of its own."""

    list_all: Row
    lookup: Row
    parent: Row
    children: Row
    delete: Row
    listed: type[DomainSnapshotListFlags | DomainCheckpointListFlags]
    deleted: type[DomainSnapshotDeleteFlags | DomainCheckpointDeleteFlags]
    missing: type[NotFound]


class Moment(HostObject):
    """A snapshot or checkpoint; it stands for it by its name and its domain."""

    __slots__ = ()

    kind: ClassVar[MomentKind]

    @property
    def domain(self) -> Domain:
        """Whose it is (virDomainSnapshotGetDomain)."""
        from .domain import Domain

        return Domain(self._session, self._ref.dom)

    @property
    def key(self) -> tuple[bytes, str]:
        return self._ref.dom.uuid, self._ref.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} of {self._ref.dom.name}>"

    def parent(self, *, deadline: float | None = None) -> Self | None:
        """The one that it was made after, None for a root.

        (virDomainSnapshotGetParent, virDomainCheckpointGetParent).
        """
        try:
            return type(self)(self._session, self._call(self.kind.parent, 0, deadline=deadline)[0])
        except self.kind.missing:
            # That is what a root's missing parent raises, too: then something else can be asked of it.
            self._call(self.kind.children, 0, 0, deadline=deadline)
            return None

    def children(
        self,
        flags: DomainSnapshotListFlags | DomainCheckpointListFlags | int = 0,
        *,
        descendants: bool = False,
        deadline: float | None = None,
    ) -> list[Self]:
        """Those that were made after it, and those after these as well with ``descendants``

        (virDomainSnapshotListAllChildren, virDomainCheckpointListAllChildren).
        """
        chosen = int(flags) | (int(self.kind.listed.DESCENDANTS) if descendants else 0)
        found, _ = self._call(self.kind.children, 1, chosen, deadline=deadline)
        return [type(self)(self._session, ref) for ref in found]

    def delete(
        self,
        *,
        children: bool = False,
        children_only: bool = False,
        metadata_only: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Remove it; what was made after it stays unless ``children`` or ``children_only`` (virDomainSnapshotDelete,
        virDomainCheckpointDelete).

        ``metadata_only`` forgets the record and leaves the disks.
        """
        flags = self.kind.deleted
        wishes = {flags.CHILDREN: children, flags.CHILDREN_ONLY: children_only, flags.METADATA_ONLY: metadata_only}
        self._call(self.kind.delete, bits(wishes), deadline=deadline)


One = TypeVar("One", bound=Moment)


class Moments(OwnedObjects[One]):
    """A domain's snapshots or checkpoints: iterable (all of them), ``len``, ``in``, and ``[name]``."""

    kind: ClassVar[MomentKind]

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __len__(self) -> int:
        return self._domain._call(self.kind.list_all, 0, 0)[1]

    def list(
        self,
        flags: DomainSnapshotListFlags | DomainCheckpointListFlags | int = 0,
        *,
        roots: bool = False,
        leaves: bool = False,
        topological: bool = False,
        deadline: float | None = None,
    ) -> Sequence[One]:
        """Those that pass the filter, all without one (virDomainListAllSnapshots, virDomainListAllCheckpoints).

        ``topological``: no child before its parent. ``flags`` are further flags of the kind's.
        """
        known = self.kind.listed
        wishes = {known.ROOTS: roots, known.LEAVES: leaves, known.TOPOLOGICAL: topological}
        found, _ = self._domain._call(self.kind.list_all, 1, int(flags) | bits(wishes), deadline=deadline)
        return [self._made(ref) for ref in found]

    def lookup(self, name: str, *, deadline: float | None = None) -> One:
        """The one of that name (virDomainSnapshotLookupByName, virDomainCheckpointLookupByName).

        Raises NoSnapshot, NoCheckpoint.
        """
        return self._made(self._domain._call(self.kind.lookup, name, 0, deadline=deadline)[0])

    def _made(self, ref: Any) -> One:
        return self.thing(self._domain._session, ref)  # type: ignore[return-value]


class Snapshot(Moment):
    """A domain as it was, found or made through ``guest.snapshots``. One that is gone raises NoSnapshot."""

    __slots__ = ()

    kind = MomentKind(
        ROWS["domain_list_all_snapshots"],
        ROWS["domain_snapshot_lookup_by_name"],
        ROWS["domain_snapshot_get_parent"],
        ROWS["domain_snapshot_list_all_children"],
        ROWS["domain_snapshot_delete"],
        DomainSnapshotListFlags,
        DomainSnapshotDeleteFlags,
        NoSnapshot,
    )

    def xml(self, *, secure: bool = False, deadline: float | None = None) -> str:
        """Its XML, the domain's as it was within; ``secure`` includes passwords (virDomainSnapshotGetXMLDesc)."""
        return self._call(_XML, int(DomainSnapshotXMLFlags.SECURE) if secure else 0, deadline=deadline)[0]

    def children_names(self, *, descendants: bool = False, deadline: float | None = None) -> list[str]:
        """Their names (virDomainSnapshotListChildrenNames)."""
        flags = int(DomainSnapshotListFlags.DESCENDANTS) if descendants else 0
        (number,) = self._call(_NUM_CHILDREN, flags, deadline=deadline)
        return self._call(_CHILDREN_NAMES, number, flags, deadline=deadline)[0]

    def is_current(self, *, deadline: float | None = None) -> bool:
        """Whether the domain's next snapshot would be made after it (virDomainSnapshotIsCurrent)."""
        return self._call(_IS_CURRENT, 0, deadline=deadline)[0] == 1

    def has_metadata(self, *, deadline: float | None = None) -> bool:
        """Whether the daemon keeps a record of it beside what is in the disks (virDomainSnapshotHasMetadata)."""
        return self._call(_HAS_METADATA, 0, deadline=deadline)[0] == 1

    def revert(
        self,
        *,
        running: bool = False,
        paused: bool = False,
        force: bool = False,
        reset_nvram: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Make the domain what it was (virDomainRevertToSnapshot).

        ``running`` and ``paused`` say what it does afterwards, else what it did then; ``force`` where that is risky.
        """
        wishes = {
            DomainSnapshotRevertFlags.RUNNING: running,
            DomainSnapshotRevertFlags.PAUSED: paused,
            DomainSnapshotRevertFlags.FORCE: force,
            DomainSnapshotRevertFlags.RESET_NVRAM: reset_nvram,
        }
        self._call(_REVERT, bits(wishes), deadline=deadline)


class Snapshots(Moments[Snapshot]):
    """``guest.snapshots``: iterable (all of them), ``len``, ``in``, and ``guest.snapshots[name]``."""

    thing = Snapshot
    kind = Snapshot.kind
    missing = NoSnapshot

    def count(self, flags: DomainSnapshotListFlags | int = 0, *, deadline: float | None = None) -> int:
        """How many there are (virDomainSnapshotNum)."""
        return self._domain._call(_NUM, int(flags), deadline=deadline)[0]

    def names(self, flags: DomainSnapshotListFlags | int = 0, *, deadline: float | None = None) -> list[str]:
        """Their names (virDomainSnapshotListNames)."""
        number = self.count(flags, deadline=deadline)
        return self._domain._call(_NAMES, number, int(flags), deadline=deadline)[0]

    def current(self, *, deadline: float | None = None) -> Snapshot | None:
        """The snapshot that the next one is made after, None where there is none (virDomainSnapshotCurrent)."""
        if not self._domain._call(_HAS_CURRENT, 0, deadline=deadline)[0]:
            return None
        return Snapshot(self._domain._session, self._domain._call(_CURRENT, 0, deadline=deadline)[0])

    def create(
        self,
        xml: str = "<domainsnapshot/>",
        *,
        disk_only: bool = False,
        redefine: bool = False,
        current: bool = False,
        no_metadata: bool = False,
        halt: bool = False,
        reuse_external: bool = False,
        quiesce: bool = False,
        atomic: bool = False,
        live: bool = False,
        validate: bool = False,
        deadline: float | None = None,
    ) -> Snapshot:
        """Keep the domain as it is now (virDomainSnapshotCreateXML).

        ``disk_only`` leaves its memory out. ``redefine`` only restores the record of one that is there, as the
        ``current`` one or not; ``no_metadata`` keeps none. ``halt`` stops the guest afterwards, ``live`` lets it run
        meanwhile; ``quiesce`` has the agent freeze its file systems. With ``reuse_external`` the files are there,
        ``atomic`` takes all disks or none.
        """
        flags = bits(
            {
                DomainSnapshotCreateFlags.DISK_ONLY: disk_only,
                DomainSnapshotCreateFlags.REDEFINE: redefine,
                DomainSnapshotCreateFlags.CURRENT: current,
                DomainSnapshotCreateFlags.NO_METADATA: no_metadata,
                DomainSnapshotCreateFlags.HALT: halt,
                DomainSnapshotCreateFlags.REUSE_EXT: reuse_external,
                DomainSnapshotCreateFlags.QUIESCE: quiesce,
                DomainSnapshotCreateFlags.ATOMIC: atomic,
                DomainSnapshotCreateFlags.LIVE: live,
                DomainSnapshotCreateFlags.VALIDATE: validate,
            }
        )
        return Snapshot(self._domain._session, self._domain._call(_CREATE, xml, flags, deadline=deadline)[0])


class Checkpoint(Moment):
    """A point from which changes of disks are followed, found or made through ``guest.checkpoints``.

    One that is gone raises NoCheckpoint.
    """

    __slots__ = ()

    kind = MomentKind(
        ROWS["domain_list_all_checkpoints"],
        ROWS["domain_checkpoint_lookup_by_name"],
        ROWS["domain_checkpoint_get_parent"],
        ROWS["domain_checkpoint_list_all_children"],
        ROWS["domain_checkpoint_delete"],
        DomainCheckpointListFlags,
        DomainCheckpointDeleteFlags,
        NoCheckpoint,
    )

    def xml(
        self, *, secure: bool = False, no_domain: bool = False, size: bool = False, deadline: float | None = None
    ) -> str:
        """Its XML (virDomainCheckpointGetXMLDesc).

        ``no_domain`` leaves the domain's out; ``size`` tells how much of each disk has changed since.
        """
        wishes = {
            DomainCheckpointXMLFlags.SECURE: secure,
            DomainCheckpointXMLFlags.NO_DOMAIN: no_domain,
            DomainCheckpointXMLFlags.SIZE: size,
        }
        return self._call(_CHECKPOINT_XML, bits(wishes), deadline=deadline)[0]


class Checkpoints(Moments[Checkpoint]):
    """``guest.checkpoints``: iterable (all of them), ``len``, ``in``, and ``guest.checkpoints[name]``."""

    thing = Checkpoint
    kind = Checkpoint.kind
    missing = NoCheckpoint

    def create(
        self,
        xml: str = "<domaincheckpoint/>",
        *,
        redefine: bool = False,
        quiesce: bool = False,
        redefine_validate: bool = False,
        deadline: float | None = None,
    ) -> Checkpoint:
        """Follow changes of disks from now on (virDomainCheckpointCreateXML).

        ``redefine`` only restores the record of one that is there, and checks it with ``redefine_validate``.
        """
        flags = bits(
            {
                DomainCheckpointCreateFlags.REDEFINE: redefine,
                DomainCheckpointCreateFlags.QUIESCE: quiesce,
                DomainCheckpointCreateFlags.REDEFINE_VALIDATE: redefine_validate,
            }
        )
        return Checkpoint(
            self._domain._session, self._domain._call(_CHECKPOINT_CREATE, xml, flags, deadline=deadline)[0]
        )
