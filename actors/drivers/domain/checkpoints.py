"""Checkpoints: points from which on the changes of a running domain's disks are noted.

A mixin for the domains of drivers that have them. A domain has snapshots or checkpoints, not both, as with libvirt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from ....wire.documents.moment import (
    CheckpointDefinition,
    align_checkpoint_disks,
    check_domain_of,
    format_checkpoint,
    parse_checkpoint,
)
from ....wire.documents.schemas import CHECKPOINT
from ....wire.enums.domain_jobs import DomainCheckpointCreateFlags as Create
from ....wire.enums.domain_jobs import DomainCheckpointDeleteFlags as Delete
from ....wire.enums.domain_jobs import DomainCheckpointListFlags as List
from ....wire.enums.domain_jobs import DomainCheckpointXMLFlags as XMLFlags
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, NoCheckpoint, NotSupported
from ....wire.table import DomainRef
from ....wire.table.structs import CheckpointRef
from ...call import Call
from ..directory import Summary
from ..validation import check_document
from .domain_object import check_flags
from .moments import MomentKind, Moments, exclude, require
from .snapshots import Snapshots

CHECKPOINTS = MomentKind("checkpoint", "VIR_DOMAIN_CHECKPOINT", NoCheckpoint, ErrorDomain.DOMAIN_CHECKPOINT)
_FILTERS = List.LEAVES | List.NO_LEAVES | List.TOPOLOGICAL


class Checkpoints(Snapshots):
    """Calls about the checkpoints of a domain."""

    checkpoint_create_flags: int = Create.REDEFINE | Create.QUIESCE

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.checkpoints: Moments[CheckpointDefinition] = Moments(CHECKPOINTS)

    # -- what a driver provides ----------------------------------------------------------------------------------------

    async def note_changes(self, call: Call, checkpoint: CheckpointDefinition) -> None:
        """Begin to note what changes on the disks; leave nothing behind when that fails."""

    async def forget_changes(self, call: Call, checkpoint: CheckpointDefinition) -> None:
        """Note them for the checkpoint before, or no more."""

    async def save_checkpoints(self) -> None:
        """Make durable which checkpoints there are."""

    # -- calls ---------------------------------------------------------------------------------------------------------

    def summary(self) -> Summary:
        return replace(super().summary(), checkpoints=len(self.checkpoints) > 0)

    def check_snapshots(self) -> None:
        super().check_snapshots()
        if len(self.checkpoints):
            raise _unsupported("cannot create snapshot while checkpoint exists")

    async def domain_checkpoint_create_xml(
        self, call: Call, dom: DomainRef, xml_desc: str, flags: int
    ) -> tuple[CheckpointRef]:
        require(CHECKPOINTS, "CREATE", flags, Create.REDEFINE_VALIDATE, Create.REDEFINE)
        exclude(CHECKPOINTS, "CREATE", flags, Create.REDEFINE, Create.QUIESCE)
        check_flags(call, flags, self.checkpoint_create_flags)
        if len(self.snapshots):
            raise _unsupported("cannot create checkpoint while snapshot exists")
        if not self.active:
            raise _unsupported("cannot create checkpoint for inactive domain")
        # As libvirt, which checks these without being asked; the flag that validates is about bitmaps.
        await check_document(self.runtime, xml_desc, CHECKPOINT)
        asked = parse_checkpoint(xml_desc, redefine=bool(flags & Create.REDEFINE))
        made = self._redefined_checkpoint(asked) if flags & Create.REDEFINE else await self._begin(call, asked)
        self.tell_summary()
        await self.save_checkpoints()
        return (self._checkpoint_ref(made),)

    def _redefined_checkpoint(self, asked: CheckpointDefinition) -> CheckpointDefinition:
        self.checkpoints.check_parent(asked)
        try:
            check_domain_of(asked, str(UUID(bytes=self.uuid)), "checkpoint")
        except InvalidArgument as error:
            error.domain = ErrorDomain.DOMAIN_CHECKPOINT
            raise
        made = align_checkpoint_disks(asked) if asked.domain is not None else asked
        self.checkpoints.put(made)
        return made

    async def _begin(self, call: Call, asked: CheckpointDefinition) -> CheckpointDefinition:
        now = int(time.time())
        checkpoint = align_checkpoint_disks(
            replace(
                asked,
                name=asked.name or str(now),
                parent=self.checkpoints.current,
                creation_time=now,
                domain=replace(self.definition, id=None),
            )
        )
        assert checkpoint.name is not None
        self.checkpoints.check_new(checkpoint.name)
        await self.note_changes(call, checkpoint)
        self.checkpoints.put(checkpoint)
        self.checkpoints.current = checkpoint.name
        return checkpoint

    async def domain_checkpoint_delete(self, call: Call, checkpoint: CheckpointRef, flags: int) -> None:
        check_flags(call, flags, Delete.CHILDREN | Delete.METADATA_ONLY | Delete.CHILDREN_ONLY)
        exclude(CHECKPOINTS, "DELETE", flags, Delete.CHILDREN, Delete.CHILDREN_ONLY)
        found = self.checkpoints.find(checkpoint.name)
        below = flags & (Delete.CHILDREN | Delete.CHILDREN_ONLY)
        doomed = self.checkpoints.descendants(checkpoint.name) if below else []
        if not flags & Delete.CHILDREN_ONLY:
            doomed = [found, *doomed]
        if not flags & Delete.METADATA_ONLY:
            for each in reversed(doomed):
                await self.forget_changes(call, each)
        if below:
            self.checkpoints.remove_descendants(checkpoint.name)
        if not flags & Delete.CHILDREN_ONLY:
            self.checkpoints.remove(checkpoint.name)
        self.tell_summary()
        await self.save_checkpoints()

    # -- questions -----------------------------------------------------------------------------------------------------

    def _checkpoint_ref(self, checkpoint: CheckpointDefinition) -> CheckpointRef:
        return CheckpointRef(checkpoint.name or "", self.wire_ref())

    def domain_checkpoint_lookup_by_name(
        self, call: Call, dom: DomainRef, name: str, flags: int
    ) -> tuple[CheckpointRef]:
        check_flags(call, flags, 0)
        return (self._checkpoint_ref(self.checkpoints.find(name)),)

    def domain_checkpoint_get_xml_desc(self, call: Call, checkpoint: CheckpointRef, flags: int) -> tuple[str]:
        check_flags(call, flags, XMLFlags.SECURE | XMLFlags.NO_DOMAIN | XMLFlags.SIZE)
        found = self.checkpoints.find(checkpoint.name)
        secure, domain = bool(flags & XMLFlags.SECURE), not flags & XMLFlags.NO_DOMAIN
        return (format_checkpoint(found, secure=secure, domain=domain),)

    def domain_checkpoint_get_parent(self, call: Call, checkpoint: CheckpointRef, flags: int) -> tuple[CheckpointRef]:
        check_flags(call, flags, 0)
        return (self._checkpoint_ref(self.checkpoints.parent_of(checkpoint.name)),)

    def domain_list_all_checkpoints(
        self, call: Call, dom: DomainRef, need_results: int, flags: int
    ) -> tuple[list[CheckpointRef], int]:
        check_flags(call, flags, _FILTERS | List.ROOTS)
        found = self.checkpoints.among(None, deep=not flags & List.ROOTS)
        return self._checkpoint_refs(found, need_results, flags)

    def domain_checkpoint_list_all_children(
        self, call: Call, checkpoint: CheckpointRef, need_results: int, flags: int
    ) -> tuple[list[CheckpointRef], int]:
        check_flags(call, flags, _FILTERS | List.DESCENDANTS)
        self.checkpoints.find(checkpoint.name)
        found = self.checkpoints.among(checkpoint.name, deep=bool(flags & List.DESCENDANTS))
        return self._checkpoint_refs(found, need_results, flags)

    def _checkpoint_refs(
        self, found: Sequence[CheckpointDefinition], need_results: int, flags: int
    ) -> tuple[list[CheckpointRef], int]:
        if flags & List.LEAVES:
            found = [each for each in found if self.checkpoints.is_leaf(each)]
        if flags & List.NO_LEAVES:
            found = [each for each in found if not self.checkpoints.is_leaf(each)]
        return [self._checkpoint_ref(each) for each in found] if need_results else [], len(found)


def _unsupported(words: str) -> NotSupported:
    return NotSupported(words, code=ErrorNumber.OPERATION_UNSUPPORTED)
