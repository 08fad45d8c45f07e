"""Dumps of a guest's memory that nobody asked for: when it has panicked (`on_crash` coredump-…), before it ends or
starts again, and when its watchdog has run out (`action` dump), before it goes on.

Such a dump is a job like one that a client asks for: it waits for the job at work, shows in what is told of jobs, and
can be aborted. What is to follow follows also where there is no dump, as the disk is full or somebody aborted it: a
guest that was to be started again is of more use to most than one that waits for its dump. (libvirt leaves it crashed.)
Only who ends the guest meanwhile, or does something else with it, is let do so.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from ....wire.enums.domain import DomainPausedReason, DomainState
from ....wire.enums.domain_tuning import DomainCoreDumpFlags, DomainCoreDumpFormat
from ....wire.errors import SystemFailure, VirtError
from ...call import Call
from ...lifecycle import Happening
from ..domain import internal_call
from .saving import ENDS, GuestSaving

logger = logging.getLogger("virtactor.qemu")

# What follows the dump of a guest that panicked, by `on_crash`; and that of one whose watchdog has run out.
_AFTER_PANIC = {"coredump-destroy": "destroy", "coredump-restart": "restart"}
_GOES_ON = "goes on"
_PATIENCE = 60.0  # seconds that a dump may make no progress
_MOST_OF_NAME = 20  # characters


def dump_name(id: int, name: str, when: datetime) -> str:
    """The name of a dump, which is libvirt's."""
    return f"{id}-{name[:_MOST_OF_NAME]}-{when:%Y-%m-%d-%H:%M:%S}"


class AutomaticDumps(GuestSaving):
    """What becomes of a guest that panicked, and of one whose watchdog has run out."""

    def follow_panic(self, action: str) -> None:
        if action in _AFTER_PANIC:
            self._begin_dump(_AFTER_PANIC[action])
        else:
            super().follow_panic(action)

    def follow_watchdog(self) -> None:
        if any(each.action == "dump" for each in self.definition.devices.watchdogs):
            self._begin_dump(_GOES_ON)

    def _begin_dump(self, then: str) -> None:
        call = internal_call("domain_core_dump_with_format", (then,), _PATIENCE)
        call.method = "dump_automatically"
        call.deadline = math.inf  # It waits for the job at work for as long as that takes.
        self.take(call)

    def dump_automatically(self, call: Call, then: str) -> Coroutine[Any, Any, None]:
        """Dump the memory of a guest that waits for that; ``then`` is what follows."""
        call.deadline = self.runtime.loop.time() + call.patience
        return self._dump_and_go_on(call, then)

    async def _dump_and_go_on(self, call: Call, then: str) -> None:
        if not self._waits_for(then):
            return
        try:
            path = await self._dump_automatically(call)
        except asyncio.CancelledError:
            if self.job is None or not self.job.ending or self.job.interrupted_by in ENDS:
                raise
            logger.error("%s: its memory is not dumped: %s", self.label, self.job.interrupted_by or "it hangs")
            await self._go_on_with(call, then)
            raise
        except VirtError as error:
            logger.error("%s: its memory is not dumped: %s", self.label, error)
        else:
            logger.info("%s: its memory is dumped to %s", self.label, path)
        await self._go_on_with(call, then)

    def _waits_for(self, then: str) -> bool:
        """Whether nothing has been done yet about the guest."""
        if self.process is None or self.process.exit is not None or self._ending is not None or self._restarting:
            return False
        if then == _GOES_ON:
            return self.state is DomainState.PAUSED and self.reason == DomainPausedReason.WATCHDOG
        return self.state is DomainState.CRASHED

    async def _go_on_with(self, call: Call, then: str) -> None:
        if not self._waits_for(then):
            return
        if then != _GOES_ON:
            super().follow_panic(then)
            return
        call.deadline = self.runtime.loop.time() + call.patience
        try:
            await self.unpause(call)
        except VirtError as error:
            logger.error("%s: cannot go on: %s", self.label, error)
        else:
            self.happen(Happening.UNPAUSED)

    async def _dump_automatically(self, call: Call) -> Path:
        """Dump the guest's memory where dumps belong that nobody asked for; the file. Raises VirtError."""
        config = self.around.config
        folder = Path(config.auto_dump_path) if config.auto_dump_path else self.around.files.dumps
        await self.runtime.in_thread(_make_folder, folder)
        path = folder / dump_name(self.id, self.name, datetime.now())
        flags = DomainCoreDumpFlags.MEMORY_ONLY
        if config.auto_dump_bypass_cache:
            flags |= DomainCoreDumpFlags.BYPASS_CACHE
        await self.dump_guest(call, str(path), DomainCoreDumpFormat.RAW, flags)
        return path


def _make_folder(path: Path) -> None:
    """Raises SystemFailure."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFailure(f"failed to create '{path}': {error.strerror}", errno=error.errno) from error
