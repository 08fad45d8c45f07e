"""The monitor of a domain's guest: connecting to it, commands and their deadlines, and its loss.

A monitor that is lost is the first sign of its process's end. Where the process lives on, the daemon connects anew
beside everything else, as it does to a guest that an earlier daemon has started; commands wait for that within their
deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pykka

from ....wire.errors import OperationFailed, OperationTimeout, ProcessFailure, VirtError
from ...call import Call
from ...monitor import monitor
from ...monitor.monitor import Monitor, MonitorLost
from ...runtime import Runtime
from .launch import END_NOTICED
from .process import Process
from .records import Records
from .surroundings import QemuSurroundings

logger = logging.getLogger("virtactor.qemu")

_MOMENT = 0.05  # seconds


class GuestMonitor(Records):
    """A domain that talks with the QEMU of its guest."""

    def __init__(self, runtime: Runtime, around: QemuSurroundings, name: str, uuid: bytes, text_uuid: str) -> None:
        super().__init__(runtime, around, name, uuid, text_uuid)
        self._monitor: pykka.ActorRef[Monitor] | None = None
        # While the monitor is being connected anew: what resolves when it is, and the task that does it.
        self._ready: asyncio.Future[None] | None = None
        self._connecting: asyncio.Task[None] | None = None
        # The loop's time since when nothing is heard of QEMU.
        self.lost_since: float | None = None

    def on_message(self, message: Any) -> Any:
        if isinstance(message, MonitorLost):
            return self._monitor_lost(message)
        return super().on_message(message)

    # -- connecting ----------------------------------------------------------------------------------------------------

    def connect_monitor(self) -> None:
        """Connect to the monitor of a guest that runs already, beside everything else: it may be frozen."""
        self._ready = self.runtime.loop.create_future()
        self.lost_since = self.lost_since or self.runtime.loop.time()
        self._connecting = self.spawn(self._connect_until_done(self._ready), name="connect the monitor")

    async def _connect_until_done(self, ready: asyncio.Future[None]) -> None:
        path = self.around.files.monitor(self.text_uuid)
        while True:
            # A new one each time: what is left of a failed attempt would keep QEMU from greeting the next.
            ref = self._monitor = Monitor.start(self.runtime, self.name, self.actor_ref)
            try:
                await monitor.connect(ref, path, self.runtime.loop.time() + self.around.config.start_deadline)
                await self.catch_up(ref)
            except VirtError as error:
                ref.stop(block=False)
                if self.process is None or await self.process.ends_within(END_NOTICED):
                    return
                logger.warning("%s: %s", self.label, error)
                await asyncio.sleep(self.around.config.reconnect_pause)
            else:
                self.lost_since = None
                ready.set_result(None)
                return

    async def catch_up(self, ref: pykka.ActorRef[Monitor]) -> None:
        """Take from QEMU what happened while nobody listened. Raises VirtError."""

    async def ask(self, ref: pykka.ActorRef[Monitor], command: str) -> Any:
        """Run a command of ``catch_up``, for which nobody waits by a deadline of his own. Raises VirtError."""
        deadline = self.runtime.loop.time() + self.around.config.monitor_deadline
        return await monitor.execute(ref, command, deadline=deadline)

    # -- commands ------------------------------------------------------------------------------------------------------

    async def execute(
        self, call: Call | None, command: str, arguments: dict[str, Any] | None = None, fds: Sequence[int] = ()
    ) -> Any:
        """Run a QMP command within the configured deadline and what is left of the call's; ``fds`` go along with it.

        It gives up a moment before the call itself would: the caller is told which command had no answer.
        """
        now = self.runtime.loop.time()
        deadline = now + self.around.config.monitor_deadline
        if call is not None:
            deadline = min(deadline, call.deadline - min(_MOMENT, (call.deadline - now) / 4))
        if self._ready is not None and not self._ready.done():
            await self._until_ready(self._ready, deadline)
        process = self.process
        if self._monitor is None or process is None:
            raise OperationFailed(f"the monitor of {self.label} is closed", object=self.name)
        try:
            trace = call.trace if call is not None else None
            return await monitor.execute(self._monitor, command, arguments, deadline=deadline, fds=fds, trace=trace)
        except OperationFailed as error:
            # The monitor closed under the command: most likely the process is ending, and its last words tell more.
            if await process.ends_within(END_NOTICED):
                raise self.ended(process) from error
            raise

    async def _until_ready(self, ready: asyncio.Future[None], deadline: float) -> None:
        began = self.runtime.loop.time()
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(ready)
        except TimeoutError:
            raise OperationTimeout(
                f"the monitor of {self.label} does not answer yet",
                object=self.name,
                holder="connecting the monitor",
                held_for=self.runtime.loop.time() - began,
            ) from None

    def ended(self, process: Process) -> ProcessFailure:
        """What a caller is told of a process that has ended under his call."""
        return ProcessFailure(f"QEMU of {self.name} {process.exit}", stderr=process.last_lines(), object=self.name)

    # -- the end -------------------------------------------------------------------------------------------------------

    def drop_monitor(self) -> None:
        """Talk no more; whoever waits for an answer is told that the guest has ended."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._monitor is not None and self._monitor.is_alive():
            self._monitor.stop(block=False)
        self._monitor = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(OperationFailed(f"{self.label} has ended", object=self.name))
            self._ready.exception()  # Nobody need have waited for it.
        self._ready = None

    def _monitor_lost(self, message: MonitorLost) -> None:
        if message.monitor is self._monitor and self.lost_since is None and self.process is not None:
            self.lost_since = self.runtime.loop.time()
            self.spawn(self._outlive_monitor(self.process, message), name="the monitor is gone")

    async def _outlive_monitor(self, process: Process, message: MonitorLost) -> None:
        """A lost monitor is the first sign of a process's end; where it is not, connect anew."""
        if not await process.ends_within(END_NOTICED) and message.monitor is self._monitor:
            logger.warning("%s: its monitor is gone: %s", self.label, message.reason)
            self.drop_monitor()
            self.connect_monitor()
