"""Snapshots: taken, listed, gone back to and deleted.

A mixin for the domains of drivers that have them. What a snapshot says, and which follows which, is the same
everywhere; a driver adds how a guest's state is kept and found again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from ....wire.documents.domain import DomainDefinition
from ....wire.documents.moment import (
    SnapshotDefinition,
    SnapshotMemory,
    align_snapshot_disks,
    check_domain_of,
    format_snapshot,
    parse_snapshot,
)
from ....wire.documents.schemas import SNAPSHOT
from ....wire.enums.domain import DomainState, DomainUndefineFlagsValues
from ....wire.enums.domain_jobs import DomainSnapshotCreateFlags as Create
from ....wire.enums.domain_jobs import DomainSnapshotDeleteFlags as Delete
from ....wire.enums.domain_jobs import DomainSnapshotListFlags as List
from ....wire.enums.domain_jobs import DomainSnapshotRevertFlags as Revert
from ....wire.enums.domain_jobs import DomainSnapshotXMLFlags
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, NoSnapshot, NotSupported, OperationInvalid
from ....wire.table import DomainRef
from ....wire.table.structs import SnapshotRef
from ...call import Call
from ...lifecycle import Happening
from ..directory import Summary
from ..validation import check_document
from .definitions import Definitions
from .domain_object import check_flags
from .moments import MomentKind, Moments, exclude, names_of, require

SNAPSHOTS = MomentKind("snapshot", "VIR_DOMAIN_SNAPSHOT", NoSnapshot, ErrorDomain.DOMAIN_SNAPSHOT)
# What a list may ask for, beyond where it begins.
_FILTERS = (
    List.METADATA | List.NO_METADATA | List.LEAVES | List.NO_LEAVES | List.INACTIVE | List.ACTIVE | List.DISK_ONLY
    | List.INTERNAL | List.EXTERNAL | List.TOPOLOGICAL
)  # fmt: skip
_STATES = List.INACTIVE | List.ACTIVE | List.DISK_ONLY
_LOCATIONS = List.INTERNAL | List.EXTERNAL
_NAMES = {
    DomainState.RUNNING: "running",
    DomainState.BLOCKED: "blocked",
    DomainState.PAUSED: "paused",
    DomainState.SHUTDOWN: "shutdown",
    DomainState.SHUTOFF: "shutoff",
    DomainState.CRASHED: "crashed",
    DomainState.PMSUSPENDED: "pmsuspended",
}


class Snapshots(Definitions):
    """Calls about the snapshots of a domain."""

    driver_name = "test"
    snapshot_create_flags: int = (
        Create.REDEFINE | Create.CURRENT | Create.HALT | Create.QUIESCE | Create.ATOMIC | Create.LIVE | Create.VALIDATE
    )
    snapshot_revert_flags: int = Revert.RUNNING | Revert.PAUSED | Revert.FORCE
    snapshot_delete_flags: int = Delete.CHILDREN | Delete.CHILDREN_ONLY

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.snapshots: Moments[SnapshotDefinition] = Moments(SNAPSHOTS)

    # -- what a driver provides ----------------------------------------------------------------------------------------

    def check_snapshots(self) -> None:
        """Raise when no snapshot can be taken now."""

    def check_snapshot(self, snapshot: SnapshotDefinition) -> None:
        """Refuse a new snapshot that this driver cannot take."""

    async def keep_state(self, call: Call, snapshot: SnapshotDefinition) -> None:
        """Keep the state that the guest and its disks have now; leave nothing behind when that fails."""

    async def return_to(self, call: Call, live: DomainDefinition, snapshot: SnapshotDefinition, paused: bool) -> Any:
        """Start the guest from a snapshot's state, and give its live definition (``live`` says what it is to be)."""
        return live

    async def return_disks_to(self, call: Call, snapshot: SnapshotDefinition) -> None:
        """Give the disks of a guest that is off the state of a snapshot."""

    async def drop_state(self, call: Call, snapshot: SnapshotDefinition) -> None:
        """Remove what was kept."""

    async def save_snapshots(self) -> None:
        """Make durable which snapshots there are."""

    # -- taking --------------------------------------------------------------------------------------------------------

    async def domain_snapshot_create_xml(
        self, call: Call, dom: DomainRef, xml_desc: str, flags: int
    ) -> tuple[SnapshotRef]:
        check_flags(call, flags, self.snapshot_create_flags)
        require(SNAPSHOTS, "CREATE", flags, Create.CURRENT, Create.REDEFINE)
        exclude(SNAPSHOTS, "CREATE", flags, Create.REDEFINE, Create.NO_METADATA)
        exclude(SNAPSHOTS, "CREATE", flags, Create.REDEFINE, Create.HALT)
        self.check_snapshots()
        if flags & Create.VALIDATE:
            await check_document(self.runtime, xml_desc, SNAPSHOT)
        asked = parse_snapshot(xml_desc, redefine=bool(flags & Create.REDEFINE))
        if flags & Create.REDEFINE:
            made = self._redefined(asked)
            if flags & Create.CURRENT:
                self.snapshots.current = made.name
        else:
            made = await self._take(call, asked, flags)
        self.tell_summary()
        await self.save_snapshots()
        return (self._snapshot_ref(made),)

    def _redefined(self, asked: SnapshotDefinition) -> SnapshotDefinition:
        """Take over what a caller says that a snapshot is."""
        self.snapshots.check_parent(asked)
        try:
            check_domain_of(asked, str(UUID(bytes=self.uuid)), "snapshot")
            known = self.snapshots.get(asked.name)
            if known is not None and known.online != asked.online:
                raise InvalidArgument(
                    f"cannot change between online and offline snapshot state in snapshot {asked.name}"
                )
        except InvalidArgument as error:
            error.domain = ErrorDomain.DOMAIN_SNAPSHOT
            raise
        memory = asked.memory
        if asked.state == "disk-snapshot" or (memory is not None and memory.snapshot == "external"):
            made = align_snapshot_disks(asked, location="external", uniform=False)
        else:
            made = align_snapshot_disks(asked, location="internal", uniform=True)
        self.snapshots.put(made)
        return made

    async def _take(self, call: Call, asked: SnapshotDefinition, flags: int) -> SnapshotDefinition:
        if flags & Create.HALT and self.persistent is None:
            raise OperationInvalid("cannot halt after transient domain snapshot", object=self.name)
        now = int(time.time())
        snapshot = replace(
            asked,
            name=asked.name or str(now),
            state=_NAMES[self.state],
            parent=self.snapshots.current,
            creation_time=now,
            domain=replace(self.definition, id=None),
        )
        snapshot = self._placed(snapshot, flags)
        assert snapshot.name is not None
        self.snapshots.check_new(snapshot.name)
        self.check_snapshot(snapshot)
        await self.keep_state(call, snapshot)
        self.snapshots.put(snapshot)
        self.snapshots.current = snapshot.name
        if flags & Create.HALT and self.active:
            await self.kill(call, False)
            self.happen(Happening.SNAPSHOT_STOP)
        return snapshot

    def _placed(self, snapshot: SnapshotDefinition, flags: int) -> SnapshotDefinition:
        """The snapshot that says where its memory and disks are kept."""
        memory = snapshot.memory
        if any(disk.snapshot == "manual" for disk in snapshot.disks):
            raise NotSupported(
                f"'manual' snapshot mode is not supported by the {self.driver_name} driver",
                code=ErrorNumber.OPERATION_UNSUPPORTED,
            )
        if flags & Create.DISK_ONLY:
            placed = replace(snapshot, state="disk-snapshot", memory=SnapshotMemory(snapshot="no"))
            return align_snapshot_disks(placed, location="external", uniform=False)
        if memory is not None and memory.snapshot == "external":
            return align_snapshot_disks(snapshot, location="external", uniform=False)
        where = SnapshotMemory(snapshot="internal" if self.active else "no")
        return align_snapshot_disks(replace(snapshot, memory=where), location="internal", uniform=True)

    # -- going back ----------------------------------------------------------------------------------------------------

    async def domain_revert_to_snapshot(self, call: Call, snap: SnapshotRef, flags: int) -> None:
        check_flags(call, flags, self.snapshot_revert_flags)
        exclude(SNAPSHOTS, "REVERT", flags, Revert.RUNNING, Revert.PAUSED)
        snapshot = self.snapshots.find(snap.name)
        if snapshot.domain is None:
            raise OperationInvalid(f"snapshot '{snap.name}' lacks domain '{self.name}' rollback info")
        runs = snapshot.online or bool(flags & (Revert.RUNNING | Revert.PAUSED))
        if self.persistent is None and not runs:
            raise OperationInvalid("transient domain needs to request run or pause to revert to inactive snapshot")
        paused = bool(flags & Revert.PAUSED) or (snapshot.state == "paused" and not flags & Revert.RUNNING)
        if self.active:
            await self.kill(call, False)
            self.happen(Happening.SNAPSHOT_STOP)
        if self.persistent is not None:
            kept = snapshot.inactive_domain or snapshot.domain
            await self.save_definition(kept)
            self.persistent = kept
        if runs:
            await self._start_from(call, snapshot, paused)
        else:
            await self.return_disks_to(call, snapshot)
        self.snapshots.current = snapshot.name
        self.tell_summary()
        await self.save_snapshots()

    async def _start_from(self, call: Call, snapshot: SnapshotDefinition, paused: bool) -> None:
        assert snapshot.domain is not None
        self.id = next(self.around.ids)
        try:
            self.live = await self.return_to(call, replace(snapshot.domain, id=self.id), snapshot, paused)
        except BaseException:
            self.id, self.live = -1, None
            self.happen(Happening.START_FAILED)
            raise
        self.happen(Happening.SNAPSHOT_START_PAUSED if paused else Happening.SNAPSHOT_START)

    # -- deleting ------------------------------------------------------------------------------------------------------

    async def domain_snapshot_delete(self, call: Call, snap: SnapshotRef, flags: int) -> None:
        check_flags(call, flags, self.snapshot_delete_flags)
        exclude(SNAPSHOTS, "DELETE", flags, Delete.CHILDREN, Delete.CHILDREN_ONLY)
        snapshot = self.snapshots.find(snap.name)
        doomed = self.snapshots.descendants(snap.name) if flags & (Delete.CHILDREN | Delete.CHILDREN_ONLY) else []
        if not flags & Delete.CHILDREN_ONLY:
            doomed = [snapshot, *doomed]
        if not flags & Delete.METADATA_ONLY:
            for each in reversed(doomed):
                await self.drop_state(call, each)
        if flags & (Delete.CHILDREN | Delete.CHILDREN_ONLY):
            self.snapshots.remove_descendants(snap.name)
        if not flags & Delete.CHILDREN_ONLY:
            self.snapshots.remove(snap.name)
        self.tell_summary()
        await self.save_snapshots()

    async def check_undefine(self, flags: int) -> None:
        await super().check_undefine(flags)
        if not self.active and len(self.snapshots) and not flags & DomainUndefineFlagsValues.SNAPSHOTS_METADATA:
            raise OperationInvalid(
                f"cannot delete inactive domain with {len(self.snapshots)} snapshots", object=self.name
            )

    def summary(self) -> Summary:
        return replace(super().summary(), snapshots=len(self.snapshots) > 0)

    # -- questions -----------------------------------------------------------------------------------------------------

    def _snapshot_ref(self, snapshot: SnapshotDefinition) -> SnapshotRef:
        return SnapshotRef(snapshot.name or "", self.wire_ref())

    def domain_snapshot_lookup_by_name(self, call: Call, dom: DomainRef, name: str, flags: int) -> tuple[SnapshotRef]:
        check_flags(call, flags, 0)
        return (self._snapshot_ref(self.snapshots.find(name)),)

    def domain_snapshot_get_xml_desc(self, call: Call, snap: SnapshotRef, flags: int) -> tuple[str]:
        check_flags(call, flags, DomainSnapshotXMLFlags.SECURE)
        snapshot = self.snapshots.find(snap.name)
        return (format_snapshot(snapshot, secure=bool(flags & DomainSnapshotXMLFlags.SECURE)),)

    def domain_has_current_snapshot(self, call: Call, dom: DomainRef, flags: int) -> tuple[int]:
        check_flags(call, flags, 0)
        return (int(self.snapshots.current is not None),)

    def domain_snapshot_current(self, call: Call, dom: DomainRef, flags: int) -> tuple[SnapshotRef]:
        check_flags(call, flags, 0)
        current = self.snapshots.get(self.snapshots.current)
        if current is None:
            raise NoSnapshot("the domain does not have a current snapshot")
        return (self._snapshot_ref(current),)

    def domain_snapshot_is_current(self, call: Call, snap: SnapshotRef, flags: int) -> tuple[int]:
        check_flags(call, flags, 0)
        return (int(self.snapshots.find(snap.name).name == self.snapshots.current),)

    def domain_snapshot_has_metadata(self, call: Call, snap: SnapshotRef, flags: int) -> tuple[int]:
        check_flags(call, flags, 0)
        self.snapshots.find(snap.name)
        return (1,)

    def domain_snapshot_get_parent(self, call: Call, snap: SnapshotRef, flags: int) -> tuple[SnapshotRef]:
        check_flags(call, flags, 0)
        return (self._snapshot_ref(self.snapshots.parent_of(snap.name)),)

    # -- lists ---------------------------------------------------------------------------------------------------------

    def _select(self, call: Call, name: str | None, flags: int) -> list[SnapshotDefinition]:
        """What passes a list's filters: of a domain's snapshots (``name`` None), or of those that follow one."""
        check_flags(call, flags, _FILTERS | List.ROOTS)
        if name is not None:
            self.snapshots.find(name)
        # The same bit: a domain's list begins with all and may be cut to the roots, a snapshot's the other way round.
        deep = not flags & List.ROOTS if name is None else bool(flags & List.DESCENDANTS)
        found = self.snapshots.among(name, deep=deep)
        tests = self._tests(flags)
        return [snapshot for snapshot in found if all(test(snapshot) for test in tests)]

    def _tests(self, flags: int) -> Sequence[Callable[[SnapshotDefinition], bool]]:
        """What snapshots must be to pass. Filters that name all kinds, or none, let all pass, but for leaves."""
        tests: list[Callable[[SnapshotDefinition], bool]] = []
        if flags & (List.METADATA | List.NO_METADATA) == List.NO_METADATA:
            tests.append(lambda _: False)
        if flags & List.LEAVES:
            tests.append(self.snapshots.is_leaf)
        if flags & List.NO_LEAVES:
            tests.append(lambda snapshot: not self.snapshots.is_leaf(snapshot))
        if flags & _STATES:
            tests.append(lambda snapshot: bool(_state_flag(snapshot) & flags))
        if (location := flags & _LOCATIONS) in (List.INTERNAL, List.EXTERNAL):
            tests.append(lambda snapshot: snapshot.external == (location == List.EXTERNAL))
        return tests

    def domain_snapshot_num(self, call: Call, dom: DomainRef, flags: int) -> tuple[int]:
        return (len(self._select(call, None, flags)),)

    def domain_snapshot_list_names(self, call: Call, dom: DomainRef, maxnames: int, flags: int) -> tuple[list[str]]:
        return (names_of(self._select(call, None, flags), maxnames),)

    def domain_list_all_snapshots(
        self, call: Call, dom: DomainRef, need_results: int, flags: int
    ) -> tuple[list[SnapshotRef], int]:
        return self._refs(self._select(call, None, flags), need_results)

    def domain_snapshot_num_children(self, call: Call, snap: SnapshotRef, flags: int) -> tuple[int]:
        return (len(self._select(call, snap.name, flags)),)

    def domain_snapshot_list_children_names(
        self, call: Call, snap: SnapshotRef, maxnames: int, flags: int
    ) -> tuple[list[str]]:
        return (names_of(self._select(call, snap.name, flags), maxnames),)

    def domain_snapshot_list_all_children(
        self, call: Call, snapshot: SnapshotRef, need_results: int, flags: int
    ) -> tuple[list[SnapshotRef], int]:
        return self._refs(self._select(call, snapshot.name, flags), need_results)

    def _refs(self, found: Sequence[SnapshotDefinition], need_results: int) -> tuple[list[SnapshotRef], int]:
        return [self._snapshot_ref(snapshot) for snapshot in found] if need_results else [], len(found)


def _state_flag(snapshot: SnapshotDefinition) -> int:
    if snapshot.state == "disk-snapshot":
        return List.DISK_ONLY
    return List.INACTIVE if snapshot.state == "shutoff" else List.ACTIVE
