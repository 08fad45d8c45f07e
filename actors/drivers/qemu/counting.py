"""What the kernel counts of a guest's process (`<perf>`): from before it runs to its end, again by a later daemon."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ....wire.documents.domain import DomainDefinition
from ....wire.errors import VirtError
from .command_line import placement
from .guest import Guest
from .perf_events import Counters, close_counters, open_counters
from .process import Process

logger = logging.getLogger("virtactor.qemu")


class Counting(Guest):
    """A guest's counters."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._counters = Counters()

    async def count(self, live: DomainDefinition) -> None:
        process = self.process
        wanted = placement(live).counters
        new = wanted - self._counters.events
        if process is not None and new:
            await self._begin_to_count(process, new)
        self._counters.close(self._counters.events - wanted)

    async def _begin_to_count(self, process: Process, events: frozenset[str]) -> None:
        opening = asyncio.ensure_future(self.runtime.in_thread(open_counters, process.pid, sorted(events)))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_forget)
            raise
        if self.process is not process:
            close_counters(opened)
            raise self.ended(process)
        self._counters.add(opened)

    def counted(self) -> dict[str, int]:
        return self._counters.read()

    def _watch_process(self, process: Process) -> None:
        super()._watch_process(process)
        if self.live is not None and placement(self.live).counters:
            # It was adopted: who has started it counts no more.
            self.spawn(self._count_again(self.live), name="count events")

    async def _count_again(self, live: DomainDefinition) -> None:
        try:
            await self.count(live)
        except VirtError as error:
            logger.warning("%s: %s", self.label, error.message)

    def _clean_up(self) -> None:
        self._counters.close()
        super()._clean_up()

    def on_stop(self) -> None:
        self._counters.close()
        super().on_stop()


def _forget(opening: asyncio.Future[dict[str, list[int]]]) -> None:
    """Close what was opened for a call that is not there any more."""
    if not opening.cancelled() and opening.exception() is None:
        close_counters(opening.result())
