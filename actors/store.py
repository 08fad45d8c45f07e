"""Durable files: what has been acknowledged is on disk.

A change is written to a temporary file beside its place, recorded in the journal, and renamed, in a thread; the journal
says why, and what becomes of its records. Without a journal, or when it has no room, the temporary file is fsynced, and
after the renaming the directory. Changes that arrive while a commit is under way are gathered and share the next one,
so a hundred definitions cost two or three flushes. A crash at any instant leaves every file whole, old or new. Two
changes of one file keep their order.

``await commit(store, Write(path, data))`` returns when the change is durable; it is not undone when the waiting job
is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykka

from ..wire.errors import SystemFailure
from .changes import Change, Remove, Write
from .foreign import translate
from .journal import Journal
from .runtime import LoopActor, Runtime

logger = logging.getLogger("virtactor.store")

FLUSHERS = 4
TEMPORARY = ".virtactor-"


@dataclass(frozen=True, slots=True)
class _Request:
    change: Change
    done: asyncio.Future[None]


_Commit = Future[list[BaseException | None]]


class Store(LoopActor):
    """Commits changes of files, many at once. Who gives it a journal has called ``recover`` before."""

    label = "store"

    def __init__(self, runtime: Runtime, journal: Journal | None = None) -> None:
        super().__init__(runtime)
        self._journal = journal
        self._pending: list[_Request] = []
        self._under_way: tuple[list[_Request], _Commit] | None = None
        self._pool = ThreadPoolExecutor(FLUSHERS + 1, thread_name_prefix="store")

    def on_receive(self, message: Any) -> Any:
        if not isinstance(message, _Request):
            return super().on_receive(message)
        self._pending.append(message)
        if self._under_way is None:
            self._begin()
        return None

    def on_stop(self) -> None:
        # Whoever stops the daemon has waited for its jobs; what is still pending nobody waits for, but it is kept too,
        # after what is under way.
        self._settle_under_way()
        while self._pending:
            self._begin()
            self._settle_under_way()
        self._pool.shutdown(wait=True)

    def _begin(self) -> None:
        """Commit what is pending, and then what has come meanwhile."""
        batch, self._pending = _first_of_each_path(self._pending)
        changes = [request.change for request in batch]
        work = self._pool.submit(_commit_changes, changes, self._pool, self._journal)
        self._under_way = (batch, work)
        work.add_done_callback(lambda _: self.runtime.loop.call_soon_threadsafe(self._go_on, work))

    def _go_on(self, done: _Commit) -> None:
        # Who stops the store waits for the commit himself.
        if self._under_way is not None and self._under_way[1] is done:
            self._settle_under_way()
            if self._pending:
                self._begin()

    def _settle_under_way(self) -> None:
        """Tell those who wait how their commit went; waits for it where it is not over yet."""
        if self._under_way is None:
            return
        batch, work = self._under_way
        self._under_way = None
        unexpected = work.exception()
        errors = [unexpected] * len(batch) if unexpected is not None else work.result()
        for request, error in zip(batch, errors, strict=True):
            _settle(request.done, error)


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


def _commit_changes(
    changes: list[Change], pool: ThreadPoolExecutor, journal: Journal | None = None
) -> list[BaseException | None]:
    """Commit changes of different files: prepare all at once, record or flush them, and put them in place."""
    durable = [change for change in changes if change.durable]
    recorded = journal is not None and bool(durable) and _make_room(journal, durable)
    prepared = _prepare_all(changes, pool, flush=not recorded)
    if recorded and journal is not None:
        prepared = _record(journal, changes, prepared)
    errors: list[BaseException | None] = []
    for change, temporary in zip(changes, prepared, strict=True):
        errors.append(temporary if isinstance(temporary, BaseException) else _put_in_place(change, temporary))
    if recorded:
        return errors
    flushed = {directory: _flush(directory) for directory in {change.path.parent for change in durable}}
    return [error or flushed.get(change.path.parent) for change, error in zip(changes, errors, strict=True)]


def _make_room(journal: Journal, changes: list[Change]) -> bool:
    """Whether the journal can take these changes, begun anew if it is full. Raises SystemFailure.

    Where it cannot, nothing older is left in it that would be made again over what is done without it.
    """
    if journal.has_room(changes):
        return True
    settle(journal)
    return journal.has_room(changes)


_Prepared = str | BaseException | None


def _prepare_all(changes: list[Change], pool: ThreadPoolExecutor, *, flush: bool) -> list[_Prepared]:
    def prepare(change: Change) -> _Prepared:
        return _prepare(change, flush and change.durable)

    return list(pool.map(prepare, changes)) if len(changes) > 1 else [prepare(changes[0])]


def _record(journal: Journal, changes: list[Change], prepared: list[_Prepared]) -> list[_Prepared]:
    """Record the durable ones of the changes that are prepared; where that fails, so do they."""
    recorded = [
        change.durable and not isinstance(temporary, BaseException)
        for change, temporary in zip(changes, prepared, strict=True)
    ]
    try:
        journal.record([change for change, is_recorded in zip(changes, recorded, strict=True) if is_recorded])
    except OSError as error:
        for temporary, is_recorded in zip(prepared, recorded, strict=True):
            if is_recorded and isinstance(temporary, str):
                _discard(temporary)
        return [
            _failure(change, error) if is_recorded else temporary
            for change, temporary, is_recorded in zip(changes, prepared, recorded, strict=True)
        ]
    return prepared


def _prepare(change: Change, flush: bool) -> _Prepared:
    """The temporary file or link that is to take the change's place, None for a removal, or what went wrong."""
    if isinstance(change, Remove):
        return None
    name = f"{change.path.parent}/{TEMPORARY}{secrets.token_hex(8)}"
    try:
        if isinstance(change, Write):
            _write_file(name, change, flush)
        else:
            os.symlink(change.target, name)
    except OSError as error:
        _discard(name)
        return _failure(change, error)
    return name


def _write_file(name: str, change: Write, flush: bool) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, change.mode)
    try:
        left = memoryview(change.data)
        while left:
            left = left[os.write(fd, left) :]
        if flush:
            os.fsync(fd)
    finally:
        os.close(fd)


def _discard(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _put_in_place(change: Change, temporary: str | None) -> BaseException | None:
    try:
        if temporary is not None:
            os.replace(temporary, change.path)
        else:
            change.path.unlink(missing_ok=True)
    except OSError as error:
        if temporary is not None:
            _discard(temporary)
        return _failure(change, error)
    return None


def _flush(path: Path) -> BaseException | None:
    """Flush a file or directory, if it is there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        return translate(error)
    return None


def _failure(change: Change, error: OSError) -> SystemFailure:
    return SystemFailure(f"cannot write {change.path}: {error.strerror}", errno=error.errno)


def recover(journal: Journal) -> None:
    """Bring to disk what the journal of an earlier daemon still holds; for the start, before anybody reads the files.

    Raises SystemFailure when that cannot be done: what was acknowledged must not be forgotten.
    """
    try:
        found = journal.read()
    except OSError as error:
        raise SystemFailure(f"cannot read {journal.path}: {error.strerror}", errno=error.errno) from error
    if not found.made:
        logger.warning("the host went down: %d changes are made again from %s", len(found.changes), journal.path)
        _make_again(found.changes)
    settle(journal)


def _make_again(changes: Iterable[Change]) -> None:
    """Make changes that may be made already; the last one of each file counts. Raises SystemFailure."""
    for change in {change.path: change for change in changes}.values():
        temporary = _prepare(change, flush=False)
        failed = temporary if isinstance(temporary, BaseException) else _put_in_place(change, temporary)
        # Whoever removed a directory has no use for what was in it.
        if failed is not None and change.path.parent.exists():
            raise failed


def settle(journal: Journal) -> None:
    """Flush all that the journal speaks of, so that it can begin anew. Raises SystemFailure."""
    if not journal.paths:
        return
    for path in (*journal.paths, *{path.parent for path in journal.paths}):
        failed = _flush(path) if path.exists() and not path.is_symlink() else None
        if failed is not None:
            raise failed
    try:
        journal.clear()
    except OSError as error:
        raise SystemFailure(f"cannot write {journal.path}: {error.strerror}", errno=error.errno) from error


def sweep(directory: Path) -> None:
    """Remove temporary files that a crash has left in a directory."""
    for path in directory.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)
