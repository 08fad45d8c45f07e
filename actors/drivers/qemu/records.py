"""What of a domain is on disk: its definition, its autostart mark, and what a later daemon has to know of its guest."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ....wire.documents.domain import DomainDefinition, format_domain
from ....wire.enums.domain import DomainState
from ...changes import Link, Remove, Write
from ...runtime import Runtime
from ...store import commit, commit_later
from ..domain import Domain
from .process import Process
from .status import Deed, Status, format_status
from .surroundings import QemuSurroundings
from .unfinished_dumps import UnfinishedDump
from .unfinished_saves import UnfinishedSave

logger = logging.getLogger("virtactor.qemu")


class Records(Domain):
    """A domain's files."""

    around: QemuSurroundings

    def __init__(self, runtime: Runtime, around: QemuSurroundings, name: str, uuid: bytes, text_uuid: str) -> None:
        super().__init__(runtime, around, name, uuid)
        self.text_uuid = text_uuid
        self.process: Process | None = None
        # KiB, what the balloon leaves the guest.
        self.memory: int | None = None
        self.reboot_asked = False
        # Seconds that the guest's clock was off UTC when it started, as its definition said.
        self.clock_base = 0
        # Seconds that the guest's agent has for any command, None for each command's own.
        self.agent_patience: int | None = None
        # What has been done to the running guest that taints it.
        self.deeds: frozenset[str] = frozenset()
        # What a guest is being saved to, as the next daemon has to know it.
        self.unfinished_save: UnfinishedSave | None = None
        # The file that the guest's memory is being dumped to, as the next daemon has to know it.
        self.unfinished_dump: UnfinishedDump | None = None
        self.has_status = False
        self._saved: tuple[Any, ...] | None = None
        self._saving: asyncio.Future[None] | None = None

    # -- definitions on disk -------------------------------------------------------------------------------------------

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        return await self.around.complete(definition)

    async def complete_to_start(self, definition: DomainDefinition) -> DomainDefinition:
        return await self.around.complete_to_start(definition)

    async def save_definition(self, definition: DomainDefinition) -> None:
        data = format_domain(definition, secure=True).encode()
        await commit(self.around.store, Write(self.around.files.definition(self.name), data))

    async def move_definition(self, definition: DomainDefinition, old: str) -> None:
        files = self.around.files
        # The new file before the old one goes: a daemon that ends between them leaves one of them out, by its UUID.
        await self.save_definition(definition)
        changes: list[Remove] = [Remove(files.definition(old))]
        if self.autostart:
            await self.save_autostart(True)
            changes.insert(0, Remove(files.autostart_link(old)))
        for change in changes:
            await commit(self.around.store, change)

    async def delete_definition(self) -> None:
        # The mark first: a link to nothing must not be found by the next daemon.
        if self.autostart:
            await self.save_autostart(False)
        await commit(self.around.store, Remove(self.around.files.definition(self.name), told_first=True))

    async def save_autostart(self, wanted: bool) -> None:
        link = self.around.files.autostart_link(self.name)
        change = Link(link, str(self.around.files.definition(self.name))) if wanted else Remove(link)
        await commit(self.around.store, change)

    async def note_deed(self, name: str) -> None:
        """Note that something has been done to the running guest that taints it (`notes.TAINTS`)."""
        if self.live is not None and name not in self.deeds:
            self.deeds |= {name}
            logger.warning("%s is tainted: %s", self.label, name)
            self.save_live_state()
            await self.live_state_saved()

    def save_live_state(self) -> None:
        if self.live is not None:
            self.save_status(self.live, self.state, self.reason)

    def save_status(self, live: DomainDefinition, state: DomainState, reason: int) -> asyncio.Future[None] | None:
        """Begin to write the status file, unless it says that already."""
        says = (
            *(live, state, reason, self.memory, self.reboot_asked, self.ends_with_its_session, self.unfinished_save),
            *(self.unfinished_dump, self.agent_patience, self.deeds),
        )
        if self.process is None or says == self._saved:
            return None
        self._saved = says
        status = Status(
            state=state,
            reason=int(reason),
            memory=self.memory,
            reboot=self.reboot_asked,
            autodestroy=self.ends_with_its_session,
            clock_base=self.clock_base,
            agent_patience=self.agent_patience,
            deeds=tuple(Deed(name=each) for each in sorted(self.deeds)),
            save=self.unfinished_save,
            dump=self.unfinished_dump,
            process=self.process.identity,
            domain=live,
        )
        self.has_status = True
        path = self.around.files.status(self.text_uuid)
        self._saving = commit_later(self.around.store, Write(path, format_status(status), durable=False))
        self._saving.add_done_callback(lambda saving: self._unsaved(says, saving))
        return self._saving

    def _unsaved(self, says: tuple[Any, ...], saving: asyncio.Future[None]) -> None:
        """What could not be written is written with the next change, also where that leads back to it."""
        if not saving.cancelled() and saving.exception() is not None and self._saved is says:
            self._saved = None

    async def live_state_saved(self) -> None:
        if self._saving is not None and not self._saving.done():
            await asyncio.wait((self._saving,))

    async def live_state_kept(self) -> None:
        if self._saving is not None:
            await asyncio.shield(self._saving)

    def remove_status(self) -> None:
        """Let later daemons find no guest."""
        self._saved = None
        if self.has_status:
            self.has_status = False
            path = self.around.files.status(self.text_uuid)
            self._saving = commit_later(self.around.store, Remove(path, durable=False))
