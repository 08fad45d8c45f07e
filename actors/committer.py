"""Changes of files made durable, in a thread: written beside their place, recorded in the journal, and renamed.

The journal says why, and what becomes of its records. Without a journal, or when it has no room, the temporary file is
fsynced, and after the renaming the directory. A crash at any instant leaves every file whole, old or new.

What need not be waited for comes when those who waited have been told (``follow_up``). To make a file takes the file
system longer than to write and rename it: so where one has been written another is kept ready, empty, for the next one
there. And removals that may be told first are recorded then.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..wire.errors import SystemFailure
from .changes import Change, Link, Remove, Write
from .foreign import translate
from .journal import Journal

logger = logging.getLogger("virtactor.store")

FLUSHERS = 4
TEMPORARY = ".virtactor-"
MODE = 0o600

# How a change went, or what stands beside its place: a temporary file, or None for a removal.
Outcome = BaseException | None
_Prepared = str | BaseException | None


class Committer:
    """Commits changes of different files, many at once. For one thread; it takes others to help with many files.

    Who gives it a journal has called ``recover`` before.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal
        self._pool = ThreadPoolExecutor(FLUSHERS, thread_name_prefix="store")
        # Empty files of mode MODE, by their directories.
        self._ready: dict[Path, str] = {}

    def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """Prepare all at once, record or flush them, and put them in place; how each of them went."""
        durable = [change for change in changes if _is_waited_for(change)]
        journal = self._journal if durable else None
        if journal is None or not _make_room(journal, durable):
            return self._commit_flushed(changes)
        prepared = _record(journal, changes, self._prepare_all(changes, flush=False))
        return list(map(_settled, changes, prepared))

    def _commit_flushed(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes = list(map(_settled, changes, self._prepare_all(changes, flush=True)))
        flushed = {
            directory: _flush(directory) for directory in {each.path.parent for each in changes if _is_waited_for(each)}
        }
        return [error or flushed.get(change.path.parent) for change, error in zip(changes, outcomes, strict=True)]

    def _prepare_all(self, changes: Sequence[Change], *, flush: bool) -> list[_Prepared]:
        def prepare(change: Change) -> _Prepared:
            return _prepare(change, flush and change.durable, self._ready)

        return [prepare(changes[0])] if len(changes) == 1 else list(self._pool.map(prepare, changes))

    def follow_up(self, changes: Sequence[Change]) -> None:
        """Do what is left to do for changes that have been made and told."""
        if told := [each for each in changes if isinstance(each, Remove) and each.told_first]:
            self._record_told(told)
        if self._journal is not None:
            self._get_ready({each.path.parent for each in changes if isinstance(each, Write) and each.durable})

    def _record_told(self, changes: Sequence[Remove]) -> None:
        try:
            if self._journal is not None and _make_room(self._journal, changes):
                self._journal.record(changes)
                return
        except (OSError, SystemFailure) as error:
            logger.error("%s: %s", changes[0].path, error)
        for directory in {each.path.parent for each in changes}:
            if (failed := _flush(directory)) is not None:
                logger.error("%s: %s", directory, failed)

    def _get_ready(self, directories: Iterable[Path]) -> None:
        """Have a file ready in each."""
        for directory in directories:
            if directory not in self._ready:
                with contextlib.suppress(OSError):  # Whoever writes there next tries for himself, and is told.
                    name, fd = _make_file(directory, MODE)
                    os.close(fd)
                    self._ready[directory] = name

    def close(self) -> None:
        """Leave nothing that is ready."""
        for name in self._ready.values():
            _discard(name)
        self._ready.clear()
        self._pool.shutdown()


def _is_waited_for(change: Change) -> bool:
    """Whether a change is told when it is durable."""
    return change.durable and not (isinstance(change, Remove) and change.told_first)


def _make_room(journal: Journal, changes: Sequence[Change]) -> bool:
    """Whether the journal can take these changes, begun anew if it is full. Raises SystemFailure.

    Where it cannot, nothing older is left in it that would be made again over what is done without it.
    """
    if journal.has_room(changes):
        return True
    settle(journal)
    return journal.has_room(changes)


def _record(journal: Journal, changes: Sequence[Change], prepared: list[_Prepared]) -> list[_Prepared]:
    """Record the durable ones of the changes that are prepared; where that fails, so do they."""
    recorded = [
        _is_waited_for(change) and not isinstance(temporary, BaseException)
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


def _prepare(change: Change, flush: bool, ready: MutableMapping[Path, str]) -> _Prepared:
    """The temporary file or link that is to take the change's place, None for a removal, or what went wrong.

    ``ready`` are the empty files that may become it; the one that does is taken out.
    """
    name = ""
    try:
        match change:
            case Remove():
                return None
            case Link():
                name = _temporary(change.path.parent)
                os.symlink(change.target, name)
            case Write():
                name, fd = _open_file(change, ready)
                _write_and_close(fd, change.data, flush)
    except OSError as error:
        _discard(name)
        return _failure(change, error)
    return name


def _open_file(change: Write, ready: MutableMapping[Path, str]) -> tuple[str, int]:
    """An empty file beside the change's place."""
    directory = change.path.parent
    if change.mode == MODE and (name := ready.pop(directory, None)) is not None:
        with contextlib.suppress(FileNotFoundError):  # Somebody has tidied up.
            return name, os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    return _make_file(directory, change.mode)


def _make_file(directory: Path, mode: int) -> tuple[str, int]:
    name = _temporary(directory)
    return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)


def _temporary(directory: Path) -> str:
    return f"{directory}/{TEMPORARY}{secrets.token_hex(8)}"


def _write_and_close(fd: int, data: bytes, flush: bool) -> None:
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        if flush:
            os.fsync(fd)
    finally:
        os.close(fd)


def _discard(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _settled(change: Change, prepared: _Prepared) -> Outcome:
    """How a prepared change went, put in place."""
    return prepared if isinstance(prepared, BaseException) else _put_in_place(change, prepared)


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
        failed = _settled(change, _prepare(change, flush=False, ready={}))
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
