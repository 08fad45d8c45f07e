"""Durable files: what has been acknowledged is on disk.

The committer (committer.py) makes changes durable, in a thread of the store's. Changes that arrive while a commit is
under way are gathered and share the next one, so a hundred definitions cost two or three flushes. Two changes of one
file keep their order.

``await commit(store, Write(path, data))`` returns when the change is durable; it is not undone when the waiting job
is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pykka

from .changes import Change
from .committer import Committer, Outcome
from .journal import Journal
from .runtime import LoopActor, Runtime

logger = logging.getLogger("virtactor.store")


@dataclass(frozen=True, slots=True)
class _Request:
    change: Change
    done: asyncio.Future[None]


class Store(LoopActor):
    """Commits changes of files, many at once. Who gives it a journal has called ``recover`` before."""

    label = "store"

    def __init__(self, runtime: Runtime, journal: Journal | None = None) -> None:
        super().__init__(runtime)
        self._committer = Committer(journal)
        self._pending: list[_Request] = []
        self._under_way: list[_Request] = []
        # What the thread is to commit (None: end), and how it went.
        self._orders: SimpleQueue[list[Change] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[list[Outcome]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    def on_receive(self, message: Any) -> Any:
        if not isinstance(message, _Request):
            return super().on_receive(message)
        self._pending.append(message)
        if not self._under_way:
            self._begin()
        return None

    def on_stop(self) -> None:
        # Whoever stops the daemon has waited for its jobs; what is still pending nobody waits for, but it is kept too,
        # after what is under way.
        while self._under_way:
            self._settle(self._outcomes.get())
        self._orders.put(None)
        self._thread.join()

    def _begin(self) -> None:
        """Commit what is pending, and then what has come meanwhile."""
        self._under_way, self._pending = _first_of_each_path(self._pending)
        self._orders.put([request.change for request in self._under_way])

    def _go_on(self) -> None:
        # Who stops the store has waited for the commit himself.
        try:
            outcomes = self._outcomes.get_nowait()
        except Empty:
            return
        self._settle(outcomes)

    def _settle(self, outcomes: list[Outcome]) -> None:
        """Tell those who wait how their commit went, and begin the next one."""
        batch, self._under_way = self._under_way, []
        if self._pending:
            self._begin()
        for request, outcome in zip(batch, outcomes, strict=True):
            _settle(request.done, outcome)

    def _work(self) -> None:
        """The thread's."""
        while (changes := self._orders.get()) is not None:
            outcomes: list[Outcome]
            try:
                outcomes = self._committer.commit(changes)
            except Exception as error:
                outcomes = [error for _ in changes]
            self._outcomes.put(outcomes)
            self.runtime.loop.call_soon_threadsafe(self._go_on)
            done = [change for change, outcome in zip(changes, outcomes, strict=True) if outcome is None]
            self._committer.follow_up(done)
        self._committer.close()


async def commit(store: pykka.ActorRef[Store], change: Change) -> None:
    """Make a change durable. Raises SystemFailure (disk full, no permission); then the old content stands."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    store.tell(_Request(change, done))
    await done


def commit_later(store: pykka.ActorRef[Store], change: Change) -> asyncio.Future[None]:
    """Make a change durable; a failure is logged. Nobody has to wait for what this returns, but may (shielded)."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.add_done_callback(lambda future: _log_failure(change, future))
    store.tell(_Request(change, done))
    return done


def _log_failure(change: Change, done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.error("%s: %s", change.path, error)


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        # A job that was cancelled meanwhile does not fetch it; that is no lost exception.
        done.exception()


def _first_of_each_path(requests: list[_Request]) -> tuple[list[_Request], list[_Request]]:
    """Split into those that can go together and those that must wait for an earlier change of the same file."""
    now: list[_Request] = []
    later: list[_Request] = []
    taken: set[Path] = set()
    for request in requests:
        (later if request.change.path in taken else now).append(request)
        taken.add(request.change.path)
    return now, later
