"""A guest that panicked and whose memory is to be dumped before it ends or starts again (`on_crash` coredump-…).

The dump is a job like one that a client asks for: it waits for the job at work, shows in what is told of jobs, and can
be aborted. What is to follow follows also where there is no dump, as the disk is full or somebody aborted it: a guest
that was to be started again is of more use to most than one that waits for its dump. (libvirt leaves it crashed.) Only
who ends the guest meanwhile, or does something else with it, is let do so.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from ....wire.enums.domain import DomainState
from ....wire.enums.domain_tuning import DomainCoreDumpFlags, DomainCoreDumpFormat
from ....wire.errors import SystemFailure, VirtError
from ...call import Call
from ..domain import internal_call
from .saving import ENDS, GuestSaving

logger = logging.getLogger("virtactor.qemu")

# What follows the dump.
_AFTER_DUMP = {"coredump-destroy": "destroy", "coredump-restart": "restart"}
_PATIENCE = 60.0  # seconds that a dump may make no progress
_MOST_OF_NAME = 20  # characters


def dump_name(id: int, name: str, when: datetime) -> str:
    """The name of a dump, which is libvirt's."""
    return f"{id}-{name[:_MOST_OF_NAME]}-{when:%Y-%m-%d-%H:%M:%S}"


class Panics(GuestSaving):
    """What becomes of a guest that panicked."""

    def follow_panic(self, action: str) -> None:
        if action not in _AFTER_DUMP:
            super().follow_panic(action)
            return
        call = internal_call("domain_core_dump_with_format", (_AFTER_DUMP[action],), _PATIENCE)
        call.method = "dump_panicked"
        call.deadline = math.inf  # It waits for the job at work for as long as that takes.
        self.take(call)

    def dump_panicked(self, call: Call, then: str) -> Coroutine[Any, Any, None]:
        """Dump the memory of a guest that panicked; ``then`` is the action that follows."""
        call.deadline = self.runtime.loop.time() + call.patience
        return self._dump_panicked(call, then)

    async def _dump_panicked(self, call: Call, then: str) -> None:
        if not self._waits_for_its_end:
            return
        try:
            path = await self._dump_automatically(call)
        except asyncio.CancelledError:
            if self.job is None or not self.job.ending or self.job.interrupted_by in ENDS:
                raise
            logger.error(
                "%s: its memory is not dumped after the panic: %s", self.label, self.job.interrupted_by or "it hangs"
            )
            self._go_on_with(then)
            raise
        except VirtError as error:
            logger.error("%s: its memory is not dumped after the panic: %s", self.label, error)
        else:
            logger.info("%s: its memory is dumped after the panic, to %s", self.label, path)
        self._go_on_with(then)

    @property
    def _waits_for_its_end(self) -> bool:
        """Whether nothing has been done yet about the guest that panicked."""
        is_there = self.process is not None and self.process.exit is None
        return is_there and self.state is DomainState.CRASHED and self._ending is None and not self._restarting

    def _go_on_with(self, then: str) -> None:
        if self._waits_for_its_end:
            super().follow_panic(then)

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
