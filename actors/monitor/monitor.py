"""The monitor of one running QEMU, as an actor between a domain and its QMP connection.

Its domain asks it to run commands (``execute``: downward, so waiting is allowed) and is told what QEMU tells
(``MonitorEvent``, ``MonitorLost``: upward, by ``tell`` alone). A command under way holds up nobody but the job that
waits for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pykka

from ...wire.errors import OperationFailed, VirtError
from ..call import Trace, spanning
from ..foreign import translate
from ..runtime import LoopActor, Runtime, send
from .qmp import QmpConnection, QmpEvent


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """A monitor to its domain: QEMU tells this."""

    monitor: pykka.ActorRef[Any]
    event: QmpEvent


@dataclass(frozen=True, slots=True)
class MonitorLost:
    """A monitor to its domain: the connection has ended, and not because you closed it."""

    monitor: pykka.ActorRef[Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the QMP socket at ``path`` until ``deadline`` (a time of ``loop.time()``), then resolve ``answer``."""

    path: str | os.PathLike[str]
    deadline: float
    answer: asyncio.Future[None]

    def fail(self, error: BaseException) -> None:
        """The monitor stopped with this in its mailbox."""
        _fail(self.answer, translate(error))


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a QMP command until ``deadline``, then resolve ``answer`` with its result."""

    command: str
    arguments: Mapping[str, Any] | None
    deadline: float
    answer: asyncio.Future[Any]
    fds: Sequence[int] = ()
    trace: Trace | None = None

    def fail(self, error: BaseException) -> None:
        """The monitor stopped with this in its mailbox."""
        _fail(self.answer, translate(error))


class Monitor(LoopActor):
    """One QEMU's monitor."""

    def __init__(self, runtime: Runtime, name: str, domain: pykka.ActorRef[Any]) -> None:
        super().__init__(runtime)
        self.label = f"monitor {name}"
        self._domain = domain
        self._qmp = QmpConnection(name, self._on_event, self._on_lost)

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Execute):
            return self._start(message, self._execute(message), message.command)
        if isinstance(message, Connect):
            work = self._settle(message.answer, self._qmp.connect(message.path, message.deadline))
            return self._start(message, work, "connect")
        return super().on_receive(message)

    def on_stop(self) -> None:
        # Closing never waits for QEMU; it only needs turns of the loop, which this actor no longer has.
        self.runtime.spawn(self._qmp.close(), f"{self.label} closes")

    def _on_event(self, event: QmpEvent) -> None:
        send(self._domain, MonitorEvent(self.actor_ref, event))

    def _on_lost(self, reason: str) -> None:
        send(self._domain, MonitorLost(self.actor_ref, reason))

    def _start(self, message: Execute | Connect, work: Coroutine[Any, Any, None], name: str) -> None:
        """Work that ends when nobody waits for its answer any more: a command that was not sent yet never will be."""
        task = self.spawn(work, name=name)
        message.answer.add_done_callback(lambda answer: task.cancel() if answer.cancelled() else None)

    async def _execute(self, message: Execute) -> None:
        work = self._qmp.execute(message.command, message.arguments, deadline=message.deadline, fds=message.fds)
        with spanning(message.trace, self.label, f"QMP {message.command}"):
            await self._settle(message.answer, work)

    async def _settle(self, answer: asyncio.Future[Any], work: Any) -> None:
        try:
            result = await work
        except asyncio.CancelledError:
            # Either nobody waits for the answer any more, or this actor was stopped under it.
            _fail(answer, OperationFailed(f"the {self.label} is closed"))
            raise
        except Exception as error:
            _fail(answer, translate(error))
        else:
            if not answer.done():
                answer.set_result(result)


async def connect(monitor: pykka.ActorRef[Monitor], path: str | os.PathLike[str], deadline: float) -> None:
    """Have a monitor connect. Raises as QmpConnection.connect does."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    monitor.tell(Connect(path, deadline, answer))
    await answer


async def execute(
    monitor: pykka.ActorRef[Monitor],
    command: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    deadline: float,
    fds: Sequence[int] = (),
    trace: Trace | None = None,
) -> Any:
    """Run a QMP command and give its result. Raises as QmpConnection.execute does."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    monitor.tell(Execute(command, arguments, deadline, answer, fds, trace))
    return await answer


def _fail(answer: asyncio.Future[Any], error: VirtError) -> None:
    if not answer.done():
        answer.set_exception(error)
