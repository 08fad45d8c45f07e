"""How actors run: Pykka actors, all of them on one asyncio event loop.

Rules

- An actor's state is touched by its own handlers and its own coroutines (``spawn``) only. They all run on the loop's
  thread, so there are no locks; between two ``await`` of a coroutine other handlers of the same actor may run.
- ``tell`` works from any thread and never waits. ``await ref.ask(message, block=False)`` is for requests that go down
  the tree (driver -> object -> monitor). Events go up by ``tell`` alone: an ask upward is a deadlock waiting.
- No handler blocks. What can only block goes to ``runtime.in_thread`` and comes back as a result.
- An unexpected exception in a handler is logged with its traceback and answered as an InternalError; the actor lives
  on.
- An actor's mail is handled in the order in which it was sent.

Mail does not lie in a box per actor: the runtime has one queue of messages, each with its actor, first in, first out.
``run_ready`` handles it until it is empty, at the end of the loop callback that filled it where that callback asks for
it (``deliver``: a call crosses connection, router and target within one turn of the loop) and otherwise in the loop's
next turn. It stops after DRAIN_MAX messages or DRAIN_SECONDS so that sockets and timers get their turn. When the queue
is empty the flushers run: what connections want to write goes out in one piece.

Rejected: a thread for each actor (three to five times the latency, and locks around what drivers share), an asyncio
task for each actor (a queue wake-up costs a turn of the loop for each hop), and a loop per driver (state would be
shared between threads again), and a deque per actor with a queue of actors that have mail (half as fast, for the same
order).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

import pykka
from pykka import messages

from ..wire.errors import OperationInvalid, VirtError

logger = logging.getLogger("virtactor.runtime")

T = TypeVar("T")
DRAIN_MAX = 2000
DRAIN_SECONDS = 0.01
# How many messages are handled between two looks at the clock, less one; a power of two, less one.
_CLOCK_MASK = 3
_PYKKA_MESSAGES = frozenset({messages._ActorStop, messages.ProxyCall, messages.ProxyGetAttr, messages.ProxySetAttr})


class LoopFuture(pykka.ThreadingFuture[T]):
    """A Pykka future that coroutines await; other threads may ``get`` it, the loop's own thread never waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def set(self, value: Any | None = None) -> None:
        super().set(value)
        self._wake()

    def set_exception(self, exc_info: Any = None) -> None:
        super().set_exception(exc_info)
        self._wake()

    def get(self, *, timeout: float | None = None) -> Any:
        if self._result is None and asyncio._get_running_loop() is not None:
            raise RuntimeError("get() of an unset future would block the event loop; await it")
        return super().get(timeout=timeout)

    def __await__(self):
        if self._result is None:
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()
            self._waiters.append((loop, waiter))
            if self._result is None:
                yield from waiter
        return self.get(timeout=0)

    def _wake(self) -> None:
        for loop, waiter in self._waiters:
            loop.call_soon_threadsafe(_resolve, waiter)
        self._waiters.clear()


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class LoopInbox:
    """Pykka's side of a LoopActor's mail: what comes through it goes to the runtime's queue. Set up by ``bind``."""

    __slots__ = ("actor", "runtime")

    def bind(self, actor: LoopActor, runtime: Runtime) -> None:
        self.actor = actor
        self.runtime = runtime

    def put(self, envelope: Any, /) -> None:
        self.runtime.post(self.actor, envelope.message, envelope.reply_to)

    def get(self) -> Any:
        raise LookupError("the mail of a LoopActor is in its runtime's queue")

    def empty(self) -> bool:
        return True


class LoopRef(pykka.ActorRef[Any]):
    """A reference to a LoopActor. ``tell`` does what Pykka's does, without an envelope."""

    def __init__(self, actor: LoopActor) -> None:
        super().__init__(actor)
        inbox = self.actor_inbox
        assert isinstance(inbox, LoopInbox)
        self._inbox = inbox

    def tell(self, message: Any) -> None:
        inbox = self._inbox
        if inbox.actor.stopped:
            raise pykka.ActorDeadError(f"{self} not found")
        inbox.runtime.post(inbox.actor, message, None)


class Runtime:
    """One event loop and the actors on it. Made on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.get_ident()
        self.actors: set[LoopActor] = set()
        self.tasks: set[asyncio.Task[Any]] = set()
        self._ready: deque[tuple[LoopActor, Any, Any]] = deque()
        self._flushers: list[Callable[[], None]] = []
        self._draining = False
        # Whether somebody is about to handle the queue: a drain under way, or a turn of the loop that is due.
        self._awake = False

    def post(self, actor: LoopActor, message: Any, reply_to: Any) -> None:
        """Queue a message for an actor, from any thread."""
        if threading.get_ident() != self.thread:
            self.loop.call_soon_threadsafe(self.post, actor, message, reply_to)
            return
        self._ready.append((actor, message, reply_to))
        if not self._awake:
            self._awake = True
            self.loop.call_soon(self.run_ready)

    def deliver(self, ref: pykka.ActorRef[Any], message: Any) -> None:
        """Tell an actor, and handle that and all that follows from it now: for callbacks of the loop."""
        self._awake = True
        send(ref, message)
        self.run_ready()

    def when_drained(self, flush: Callable[[], None]) -> None:
        """Run ``flush`` once, when no actor has mail left or this turn of the loop ends."""
        self._flushers.append(flush)
        if not self._awake:
            self._awake = True
            self.loop.call_soon(self.run_ready)

    def run_ready(self) -> None:
        """Handle the mail of all actors that have some, also what arises meanwhile, within bounds."""
        if self._draining:
            return
        self._draining = self._awake = True
        budget = DRAIN_MAX
        until = monotonic() + DRAIN_SECONDS
        ready = self._ready
        try:
            while ready and budget:
                budget -= 1
                actor, message, reply_to = ready.popleft()
                actor.handle(message, reply_to)
                if not budget & _CLOCK_MASK and monotonic() > until:
                    break
        finally:
            self._flush()
            self._draining = self._awake = False
            if ready:
                self._awake = True
                self.loop.call_soon(self.run_ready)

    @property
    def idle(self) -> bool:
        """Whether no actor has mail."""
        return not self._ready

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run a coroutine that no actor's end cancels; ``finish`` waits for it."""
        task = self.loop.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def finish(self, seconds: float) -> set[asyncio.Task[Any]]:
        """Wait until all that was spawned is over, also what was cancelled and cleans up; what is not by then."""
        until = self.loop.time() + seconds
        while self.tasks and (left := until - self.loop.time()) > 0:
            await asyncio.wait(tuple(self.tasks), timeout=left)
        return set(self.tasks)

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run what may block in a thread of the loop's pool."""
        return await self.loop.run_in_executor(None, function, *args)

    def _flush(self) -> None:
        while self._flushers:
            flushers, self._flushers = self._flushers, []
            for flush in flushers:
                try:
                    flush()
                except Exception:
                    logger.exception("writing out failed")


class LoopActor(pykka.Actor):
    """An actor on a Runtime's loop. Start one on the loop's thread: ``SomeActor.start(runtime, …)``.

    Subclasses implement ``on_receive``; ``label`` is the name under which traces and logs show the actor.
    """

    label = "actor"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self.runtime = runtime
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stopped = False
        assert isinstance(self.actor_inbox, LoopInbox)
        self.actor_inbox.bind(self, runtime)
        self._actor_ref = LoopRef(self)

    @staticmethod
    def _create_actor_inbox() -> LoopInbox:
        return LoopInbox()

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return LoopFuture()

    def _start_actor_loop(self) -> None:
        self.runtime.actors.add(self)
        try:
            self.on_start()
        except BaseException:
            self._stop()
            raise

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Run a coroutine of this actor's beside its handlers; it is cancelled when the actor stops."""
        task = self.runtime.spawn(work, name or self.label)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s: %s failed", self.label, task.get_name(), exc_info=error)

    def _stop(self) -> None:
        if self.actor_stopped.is_set():
            return
        super()._stop()
        for task in tuple(self._tasks):
            task.cancel()
        self.runtime.actors.discard(self)
        self.stopped = True
        self.handle = self._handle_no_more

    def gone(self) -> VirtError:
        """The answer to what this actor was still asked when it stopped."""
        return OperationInvalid(f"{self.label} is gone")

    def handle(self, message: Any, reply_to: Any) -> None:
        """Handle one message of the runtime's queue; nothing that it raises gets past here."""
        try:
            if message.__class__ in _PYKKA_MESSAGES:
                response = self._handle_receive(message)
            else:
                response = self.on_receive(message)
        except (Exception, asyncio.CancelledError) as error:
            self._handler_failed(message, error)
            if reply_to is not None:
                reply_to.set_exception()
        else:
            if reply_to is not None:
                reply_to.set(response)

    def _handle_no_more(self, message: Any, reply_to: Any) -> None:
        """What ``handle`` becomes when the actor has stopped: mail that was under way is answered, not lost."""
        fail = getattr(message, "fail", None)
        if fail is not None:
            fail(self.gone())
        if reply_to is None:
            return
        if isinstance(message, messages._ActorStop):
            reply_to.set(None)
        else:
            error = pykka.ActorDeadError(f"{self.actor_ref} stopped before handling the message")
            reply_to.set_exception((type(error), error, None))

    def _handler_failed(self, message: Any, error: BaseException) -> None:
        if not isinstance(error, VirtError):
            logger.error("%s: handling %s failed", self.label, type(message).__name__, exc_info=error)
        fail = getattr(message, "fail", None)
        if fail is not None:
            fail(error)


def send(ref: pykka.ActorRef[Any] | None, message: Any) -> bool:
    """Tell an actor that may be gone; whether it was still there."""
    if ref is None:
        return False
    try:
        ref.tell(message)
    except pykka.ActorDeadError:
        return False
    return True
