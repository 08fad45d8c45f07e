"""What every managed object (domain, network, pool, …) has in common: its identity, its job, and how it takes calls.

An object never waits: a job does. The kind of the row (wire/table) says how a call is taken:

- a *query* is answered at once, also during a job;
- a *change* runs alone; changes queue first in, first out behind the object's current job;
- an *interrupt* cancels the current job and runs now, before the changes that wait. It never cancels another interrupt:
  it follows it. A job is cancelled once, so that nothing disturbs its clean-up.

A handler is a method named as the row. It is called with the call and the row's arguments and returns the result
fields (a tuple, or None for none), or it is a coroutine that does. A change whose handler returns without waiting
never becomes a task.

Deadlines. Every call has one. A change that still waits when it passes leaves the queue, and its caller is told which
job held the object and for how long. A job that is at work when its caller's deadline passes goes on as long as it
makes progress (``self.job.progress()``); when it has been silent for as long as its caller was willing to wait, it is
cancelled.

Rejected: letting a timed-out job run on behind the caller's back (its late effects would surprise whoever calls
next), and a lock per object with waiting coroutines (no holder to name, no way to interrupt).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType
from typing import Any

from ..wire.errors import NotSupported, OperationAborted, OperationTimeout
from ..wire.table.rows import Kind
from .call import FORWARDED, Call
from .runtime import LoopActor, Runtime

logger = logging.getLogger("virtactor.objects")

# Looked up once: Python 3.11 finds a member of an enumeration by a Python function.
_QUERY = Kind.QUERY


class Job:
    """A change or interrupt that is queued or at work on one object."""

    __slots__ = ("call", "heard", "interrupted_by", "name", "started", "task", "timed_out", "timer")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.name = call.row.name
        self.started = 0.0
        self.heard = 0.0
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.interrupted_by: str | None = None
        self.timed_out = False

    @property
    def is_interrupt(self) -> bool:
        return self.call.row.kind is Kind.INTERRUPT

    @property
    def ending(self) -> bool:
        """Whether it has been cancelled and is cleaning up."""
        return self.timed_out or self.interrupted_by is not None

    def progress(self) -> None:
        """Say that the job got on; its silence is counted from now."""
        self.heard = asyncio.get_running_loop().time()


class CallTarget(LoopActor):
    """An actor that answers calls with methods named as their rows."""

    def find_handler(self, call: Call) -> Any:
        """The bound method for a call. Raises NotSupported where there is none."""
        handler = getattr(self, call.method, None)
        if handler is None:
            raise NotSupported(call.row.api or call.row.name)
        return handler

    def answer(self, call: Call) -> None:
        """Answer a call at once, or beside the handlers where it has to wait for somebody (within its deadline)."""
        span = call.trace.open(self.label, call.method, 2) if call.trace is not None else None
        result = self.find_handler(call)(call, *call.args)
        if result is FORWARDED:
            return
        if isinstance(result, CoroutineType):
            task = self.spawn(self._answer_later(call, result, span), name=call.row.name)
            task.add_done_callback(lambda _: self._never_answered(call, result))
            return
        call.finish(result, span)

    def _never_answered(self, call: Call, work: Coroutine[Any, Any, Any]) -> None:
        # See ManagedObject._never_ran. A call that was forwarded is answered by another actor.
        if getcoroutinestate(work) == CORO_CREATED:
            work.close()
            call.fail(self.gone())

    async def _answer_later(self, call: Call, work: Coroutine[Any, Any, Any], span: Any) -> None:
        try:
            async with asyncio.timeout_at(call.deadline):
                result = await work
        except TimeoutError:
            call.fail(OperationTimeout(f"{self.label} did not answer {call.row.name} within {call.patience:g} s"))
        except asyncio.CancelledError:
            call.fail(self.gone())  # Nothing but the end of this actor cancels it.
            raise
        except Exception as error:
            call.fail(error)
        else:
            if result is not FORWARDED:
                call.finish(result, span)


class ManagedObject(CallTarget):
    """A named object that drivers manage; see the module's docstring for how it takes calls."""

    kind = "object"

    def __init__(self, runtime: Runtime, name: str, uuid: bytes) -> None:
        super().__init__(runtime)
        self.name = name
        self.uuid = uuid
        self.job: Job | None = None
        self._waiting: deque[Job] = deque()
        self._starting_next = False

    @property
    def label(self) -> str:  # type: ignore[override]
        return f"{self.kind} {self.name}"

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Call):
            return self.take(message)
        return self.on_message(message)

    def on_message(self, message: Any) -> Any:
        """Handle what is not a call (a monitor's event, say)."""
        return super().on_receive(message)

    def take(self, call: Call) -> None:
        """Answer, start or queue a call, by its row's kind."""
        if call.row.kind is _QUERY:
            self.answer(call)
            return
        job = Job(call)
        if job.is_interrupt:
            self._interrupt(job)
        elif self.job is None and not self._waiting:
            self._start(job)
        else:
            self._waiting.append(job)
            self._watch(job)

    def holder(self) -> tuple[str, float] | None:
        """The name of the job at work and for how many seconds it has been, None when there is none."""
        if self.job is None:
            return None
        return self.job.name, self.runtime.loop.time() - self.job.started

    def on_stop(self) -> None:
        for job in self._waiting:
            if job.timer is not None:
                job.timer.cancel()
            job.call.fail(self.gone())
        self._waiting.clear()
        if self.job is not None and self.job.timer is not None:
            self.job.timer.cancel()

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def _start(self, job: Job) -> None:
        self.job = job
        job.started = job.heard = self.runtime.loop.time()
        call = job.call
        span = call.trace.open(self.label, call.method, 2) if call.trace is not None else None
        try:
            result = self.find_handler(call)(call, *call.args)
        except Exception as error:
            call.fail(error)
            self._finish(job)
            return
        if isinstance(result, CoroutineType):
            job.task = self.spawn(self._run(job, result, span), name=job.name)
            job.task.add_done_callback(lambda _: self._never_ran(job, result))
            self._watch(job)
            return
        call.finish(result, span)
        self._finish(job)

    async def _run(self, job: Job, work: Coroutine[Any, Any, Any], span: Any) -> None:
        call = job.call
        try:
            result = await work
        except asyncio.CancelledError:
            call.fail(self._why_cancelled(job))
            if job.interrupted_by is None and not job.timed_out:
                raise
        except Exception as error:
            call.fail(error)
        else:
            call.finish(result, span)
        finally:
            self._finish(job)

    def _never_ran(self, job: Job, work: Coroutine[Any, Any, Any]) -> None:
        # A task that is cancelled before its first step runs nothing of its coroutine, not even a ``finally``.
        if self.job is job:
            work.close()
            job.call.fail(self._why_cancelled(job))
            self._finish(job)

    def _finish(self, job: Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
        if self.job is job:
            self.job = None
            self._start_next()

    def _start_next(self) -> None:
        # A change that ends without waiting comes back here from its own start: the loop below goes on with the next.
        if self._starting_next:
            return
        self._starting_next = True
        try:
            while self.job is None and self._waiting and not self.actor_stopped.is_set():
                job = self._waiting.popleft()
                if job.timer is not None:
                    job.timer.cancel()
                self._start(job)
        finally:
            self._starting_next = False

    # -- interrupts ----------------------------------------------------------------------------------------------------

    def _interrupt(self, job: Job) -> None:
        held = self.job
        if held is None:
            self._start(job)
            return
        changes = (at for at, waiting in enumerate(self._waiting) if not waiting.is_interrupt)
        self._waiting.insert(next(changes, len(self._waiting)), job)
        self._watch(job)
        if not held.is_interrupt and held.task is not None:
            job.call.interrupted = held.name
            if not held.ending:
                held.interrupted_by = job.name
                held.task.cancel()

    def _why_cancelled(self, job: Job) -> Exception:
        if job.interrupted_by is not None:
            return OperationAborted(
                f"{job.name} of {self.label} was ended by {job.interrupted_by}",
                object=self.name,
                holder=job.interrupted_by,
            )
        if job.timed_out:
            return self._timeout(job, job)
        return OperationAborted(f"{job.name} of {self.label} was ended", object=self.name)

    # -- deadlines -----------------------------------------------------------------------------------------------------

    def _watch(self, job: Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.timer = self.runtime.loop.call_at(job.call.deadline, self._deadline_passed, job)

    def _deadline_passed(self, job: Job) -> None:
        if self.job is not job:
            self._waiting.remove(job)
            job.call.fail(self._timeout(job, self.job))
            return
        silent_until = job.heard + job.call.patience
        if silent_until > self.runtime.loop.time() + 0.001:
            job.timer = self.runtime.loop.call_at(silent_until, self._deadline_passed, job)
        elif job.task is not None and not job.ending:
            job.timed_out = True
            job.task.cancel()

    def _timeout(self, job: Job, held: Job | None) -> OperationTimeout:
        patience = f"{job.call.patience:g} s"
        if held is None or held is job:
            return OperationTimeout(
                f"{job.name} of {self.label} made no progress for {patience}",
                object=self.name,
                holder=job.name,
                held_for=self.runtime.loop.time() - job.started,
            )
        held_for = self.runtime.loop.time() - held.started
        return OperationTimeout(
            f"{job.name} of {self.label} waited {patience}; {held.name} has held it for {held_for:.1f} s",
            object=self.name,
            holder=held.name,
            held_for=held_for,
        )
