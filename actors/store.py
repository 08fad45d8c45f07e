"""Durable files: what has been acknowledged is on disk.

A change is written to a temporary file beside its place, fsynced, renamed, and its directory fsynced, in a thread.
Changes that arrive while a commit is under way are gathered and share the next one, so a hundred definitions cost two
or three flushes of each directory. A crash at any instant leaves every file whole, old or new. Two changes of one
file keep their order.

``await commit(store, Write(path, data))`` returns when the change is durable; it is not undone when the waiting job
is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykka

from ..wire.errors import SystemFailure
from .foreign import translate
from .runtime import LoopActor, Runtime

logger = logging.getLogger("virtactor.store")

FLUSHERS = 4
TEMPORARY = ".virtactor-"


@dataclass(frozen=True, slots=True)
class Write:
    """The file at ``path`` has this content.

    Without ``durable`` it survives the daemon's death but not the host's: right for the state of running guests, which
    do not survive that either, and free of flushes.
    """

    path: Path
    data: bytes
    mode: int = 0o600
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """``path`` is a symbolic link to ``target``."""

    path: Path
    target: str
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Remove:
    """There is no file at ``path``; there need not have been one."""

    path: Path
    durable: bool = True


Change = Write | Link | Remove


@dataclass(frozen=True, slots=True)
class _Request:
    change: Change
    done: asyncio.Future[None]


class Store(LoopActor):
    """Commits changes of files, many at once."""

    label = "store"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._pending: list[_Request] = []
        self._under_way: tuple[list[_Request], Future[list[BaseException | None]]] | None = None
        self._committing = False
        self._pool = ThreadPoolExecutor(FLUSHERS + 1, thread_name_prefix="store")

    def on_receive(self, message: Any) -> Any:
        if not isinstance(message, _Request):
            return super().on_receive(message)
        self._pending.append(message)
        if not self._committing:
            self._committing = True
            self.spawn(self._commit())
        return None

    def on_stop(self) -> None:
        # Whoever stops the daemon has waited for its jobs; what is still pending nobody waits for, but it is kept too,
        # after what is under way.
        self._settle_under_way()
        while self._pending:
            self._begin()
            self._settle_under_way()
        self._pool.shutdown(wait=True)

    async def _commit(self) -> None:
        try:
            while self._pending:
                await asyncio.gather(asyncio.wrap_future(self._begin()), return_exceptions=True)
                self._settle_under_way()
        finally:
            self._committing = False

    def _begin(self) -> Future[list[BaseException | None]]:
        batch, self._pending = _first_of_each_path(self._pending)
        work = self._pool.submit(_commit_changes, [request.change for request in batch], self._pool)
        self._under_way = (batch, work)
        return work

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
    await asyncio.shield(done)


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


def _commit_changes(changes: list[Change], pool: ThreadPoolExecutor) -> list[BaseException | None]:
    """Commit changes of different files: prepare all at once, put them in place, flush each directory once."""
    prepared = list(pool.map(_prepare, changes)) if len(changes) > 1 else [_prepare(changes[0])]
    errors: list[BaseException | None] = []
    for change, temporary in zip(changes, prepared, strict=True):
        errors.append(temporary if isinstance(temporary, BaseException) else _put_in_place(change, temporary))
    directories = {change.path.parent for change in changes if change.durable}
    flushed = {directory: _flush_directory(directory) for directory in directories}
    return [error or flushed.get(change.path.parent) for change, error in zip(changes, errors, strict=True)]


def _prepare(change: Change) -> str | BaseException | None:
    """The temporary file or link that is to take the change's place, None for a removal, or what went wrong."""
    name = f"{change.path.parent}/{TEMPORARY}{secrets.token_hex(8)}"
    try:
        if isinstance(change, Write):
            _write_through(name, change)
        elif isinstance(change, Link):
            os.symlink(change.target, name)
        else:
            return None
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        return _failure(change, error)
    return name


def _write_through(name: str, change: Write) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, change.mode)
    try:
        left = memoryview(change.data)
        while left:
            left = left[os.write(fd, left) :]
        if change.durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def _put_in_place(change: Change, temporary: str | None) -> BaseException | None:
    try:
        if temporary is not None:
            os.replace(temporary, change.path)
        else:
            change.path.unlink(missing_ok=True)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        return _failure(change, error)
    return None


def _flush_directory(directory: Path) -> BaseException | None:
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        return translate(error)
    return None


def _failure(change: Change, error: OSError) -> SystemFailure:
    return SystemFailure(f"cannot write {change.path}: {error.strerror}", errno=error.errno)


def sweep(directory: Path) -> None:
    """Remove temporary files that a crash has left in a directory."""
    for path in directory.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)
