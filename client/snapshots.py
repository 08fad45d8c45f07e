"""A domain's snapshots and checkpoints: libvirt's ``virDomainSnapshotPtr`` and ``virDomainCheckpointPtr``."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from ..wire.errors import NoCheckpoint, NoSnapshot
from ..wire.table import ROWS
from .objects import HostObject, OwnedObjects
from .values import bits

if TYPE_CHECKING:
    from .domain import Domain

_CREATE = ROWS["domain_snapshot_create_xml"]
_LIST = ROWS["domain_list_all_snapshots"]
_NUM = ROWS["domain_snapshot_num"]
_NAMES = ROWS["domain_snapshot_list_names"]
_LOOKUP = ROWS["domain_snapshot_lookup_by_name"]
_HAS_CURRENT = ROWS["domain_has_current_snapshot"]
_CURRENT = ROWS["domain_snapshot_current"]
_XML = ROWS["domain_snapshot_get_xml_desc"]
_PARENT = ROWS["domain_snapshot_get_parent"]
_NUM_CHILDREN = ROWS["domain_snapshot_num_children"]
_CHILDREN_NAMES = ROWS["domain_snapshot_list_children_names"]
_CHILDREN = ROWS["domain_snapshot_list_all_children"]
_IS_CURRENT = ROWS["domain_snapshot_is_current"]
_HAS_METADATA = ROWS["domain_snapshot_has_metadata"]
_REVERT = ROWS["domain_revert_to_snapshot"]
_DELETE = ROWS["domain_snapshot_delete"]

_CHECKPOINT_CREATE = ROWS["domain_checkpoint_create_xml"]
_CHECKPOINT_LIST = ROWS["domain_list_all_checkpoints"]
_CHECKPOINT_LOOKUP = ROWS["domain_checkpoint_lookup_by_name"]
_CHECKPOINT_XML = ROWS["domain_checkpoint_get_xml_desc"]
_CHECKPOINT_PARENT = ROWS["domain_checkpoint_get_parent"]
_CHECKPOINT_CHILDREN = ROWS["domain_checkpoint_list_all_children"]
_CHECKPOINT_DELETE = ROWS["domain_checkpoint_delete"]


class Moment(HostObject):
    """A snapshot or checkpoint; it stands for it by its name and its domain."""

    __slots__ = ()

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


class Snapshot(Moment):
    """A domain as it was, found or made through ``guest.snapshots``. One that is gone raises NoSnapshot."""

    __slots__ = ()

    def xml(self, *, secure: bool = False, deadline: float | None = None) -> str:
        """Its XML, the domain's as it was within; ``secure`` includes passwords (virDomainSnapshotGetXMLDesc)."""
        return self._call(_XML, int(DomainSnapshotXMLFlags.SECURE) if secure else 0, deadline=deadline)[0]

    def parent(self, *, deadline: float | None = None) -> Snapshot | None:
        """The snapshot that it was made after, None for a root (virDomainSnapshotGetParent)."""
        try:
            return Snapshot(self._session, self._call(_PARENT, 0, deadline=deadline)[0])
        except NoSnapshot:
            # That is what a root's missing parent raises, too: then the snapshot itself can be asked.
            self.is_current(deadline=deadline)
            return None

    def children(
        self, flags: DomainSnapshotListFlags | int = 0, *, descendants: bool = False, deadline: float | None = None
    ) -> list[Snapshot]:
        """The snapshots that were made after it, those after these as well with ``descendants``

        (virDomainSnapshotListAllChildren).
        """
        chosen = int(flags) | (int(DomainSnapshotListFlags.DESCENDANTS) if descendants else 0)
        found, _ = self._call(_CHILDREN, 1, chosen, deadline=deadline)
        return [Snapshot(self._session, ref) for ref in found]

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

    def delete(
        self,
        *,
        children: bool = False,
        children_only: bool = False,
        metadata_only: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Remove it; what was made after it stays unless ``children`` or ``children_only`` (virDomainSnapshotDelete).

        ``metadata_only`` forgets the record and leaves the disks.
        """
        wishes = {
            DomainSnapshotDeleteFlags.CHILDREN: children,
            DomainSnapshotDeleteFlags.CHILDREN_ONLY: children_only,
            DomainSnapshotDeleteFlags.METADATA_ONLY: metadata_only,
        }
        self._call(_DELETE, bits(wishes), deadline=deadline)


class Snapshots(OwnedObjects[Snapshot]):
    """``guest.snapshots``: iterable (all of them), ``len``, ``in``, and ``guest.snapshots[name]``."""

    thing = Snapshot
    missing = NoSnapshot

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __len__(self) -> int:
        return self.count()

    def list(
        self,
        flags: DomainSnapshotListFlags | int = 0,
        *,
        roots: bool = False,
        leaves: bool = False,
        topological: bool = False,
        deadline: float | None = None,
    ) -> list[Snapshot]:
        """The snapshots that pass the filter, all without one (virDomainListAllSnapshots).

        ``topological``: no child before its parent. ``flags`` are further DomainSnapshotListFlags.
        """
        wishes = {
            DomainSnapshotListFlags.ROOTS: roots,
            DomainSnapshotListFlags.LEAVES: leaves,
            DomainSnapshotListFlags.TOPOLOGICAL: topological,
        }
        found, _ = self._domain._call(_LIST, 1, int(flags) | bits(wishes), deadline=deadline)
        return [Snapshot(self._domain._session, ref) for ref in found]

    def count(self, flags: DomainSnapshotListFlags | int = 0, *, deadline: float | None = None) -> int:
        """How many there are (virDomainSnapshotNum)."""
        return self._domain._call(_NUM, int(flags), deadline=deadline)[0]

    def names(self, flags: DomainSnapshotListFlags | int = 0, *, deadline: float | None = None) -> list[str]:
        """Their names (virDomainSnapshotListNames)."""
        number = self.count(flags, deadline=deadline)
        return self._domain._call(_NAMES, number, int(flags), deadline=deadline)[0]

    def lookup(self, name: str, *, deadline: float | None = None) -> Snapshot:
        """The snapshot of that name (virDomainSnapshotLookupByName). Raises NoSnapshot."""
        return Snapshot(self._domain._session, self._domain._call(_LOOKUP, name, 0, deadline=deadline)[0])

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

    def parent(self, *, deadline: float | None = None) -> Checkpoint | None:
        """The checkpoint that it was made after, None for a root (virDomainCheckpointGetParent)."""
        try:
            return Checkpoint(self._session, self._call(_CHECKPOINT_PARENT, 0, deadline=deadline)[0])
        except NoCheckpoint:
            # That is what a root's missing parent raises, too: then the checkpoint itself can be asked.
            self.children(deadline=deadline)
            return None

    def children(
        self, flags: DomainCheckpointListFlags | int = 0, *, descendants: bool = False, deadline: float | None = None
    ) -> list[Checkpoint]:
        """The checkpoints that were made after it (virDomainCheckpointListAllChildren)."""
        chosen = int(flags) | (int(DomainCheckpointListFlags.DESCENDANTS) if descendants else 0)
        found, _ = self._call(_CHECKPOINT_CHILDREN, 1, chosen, deadline=deadline)
        return [Checkpoint(self._session, ref) for ref in found]

    def delete(
        self,
        *,
        children: bool = False,
        children_only: bool = False,
        metadata_only: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Follow changes since then no more (virDomainCheckpointDelete); see :meth:`Snapshot.delete`."""
        wishes = {
            DomainCheckpointDeleteFlags.CHILDREN: children,
            DomainCheckpointDeleteFlags.CHILDREN_ONLY: children_only,
            DomainCheckpointDeleteFlags.METADATA_ONLY: metadata_only,
        }
        self._call(_CHECKPOINT_DELETE, bits(wishes), deadline=deadline)


class Checkpoints(OwnedObjects[Checkpoint]):
    """``guest.checkpoints``: iterable (all of them), ``len``, ``in``, and ``guest.checkpoints[name]``."""

    thing = Checkpoint
    missing = NoCheckpoint

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __len__(self) -> int:
        return self._domain._call(_CHECKPOINT_LIST, 0, 0)[1]

    def list(
        self,
        flags: DomainCheckpointListFlags | int = 0,
        *,
        roots: bool = False,
        leaves: bool = False,
        topological: bool = False,
        deadline: float | None = None,
    ) -> list[Checkpoint]:
        """The checkpoints that pass the filter, all without one (virDomainListAllCheckpoints)."""
        wishes = {
            DomainCheckpointListFlags.ROOTS: roots,
            DomainCheckpointListFlags.LEAVES: leaves,
            DomainCheckpointListFlags.TOPOLOGICAL: topological,
        }
        found, _ = self._domain._call(_CHECKPOINT_LIST, 1, int(flags) | bits(wishes), deadline=deadline)
        return [Checkpoint(self._domain._session, ref) for ref in found]

    def lookup(self, name: str, *, deadline: float | None = None) -> Checkpoint:
        """The checkpoint of that name (virDomainCheckpointLookupByName). Raises NoCheckpoint."""
        return Checkpoint(self._domain._session, self._domain._call(_CHECKPOINT_LOOKUP, name, 0, deadline=deadline)[0])

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
