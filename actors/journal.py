"""The store's journal: what has been acknowledged and may not be on disk at its own place yet.

To flush a new file and its directory takes the disk half a millisecond, for the file system writes its own log twice.
To write through into a file that is there, and has its blocks, takes a seventh of that. So durable changes are recorded
here before they are made, many in one record, and the files themselves are left to the kernel. When the journal is
full, at a stop and at the next start, the files that it speaks of are flushed (by the store), and it begins anew.

What is in it is wanted only when the host went down: a daemon that was merely killed finds all changes made. The boot
that the journal belongs to tells which it was. Replaying it all, in its order, is right whatever part was on disk.

The file: a header (magic, boot, a number of its own for each new beginning), then records from START on, each a length,
a checksum over the header's number and the rest, and changes. The first that does not fit its checksum ends it: one
torn by a crash, which nobody was told of, or an old one.

Rejected: an append-only file (its growth is what makes flushes dear), io_uring, a database.
"""

from __future__ import annotations

import os
import secrets
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .changes import Change, Link, Remove, Write

SIZE = 1 << 20
START = 4096
BOOT = Path("/proc/sys/kernel/random/boot_id")
_MAGIC = b"virtactor 1\n"
_HEADER = struct.Struct("<12s36s8s")
_RECORD = struct.Struct("<II")
_CHANGE = struct.Struct("<BHII")
_KINDS: tuple[type[Change], ...] = (Write, Link, Remove)


class Recorded(NamedTuple):
    """What a journal was found with, in its order; ``made`` says that this boot's kernel has made it all."""

    changes: list[Change]
    made: bool


class Journal:
    """The journal at a path; made with the first record. Not for several threads at once."""

    def __init__(self, path: Path, boot: Path = BOOT) -> None:
        self.path = path
        # What the records are about.
        self.paths: set[Path] = set()
        self._boot = boot
        self._fd = -1
        self._number = b""
        self._end = START

    def read(self) -> Recorded:
        """What another daemon has left. Raises OSError."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Recorded([], made=True)
        if len(data) < START or not data.startswith(_MAGIC):
            return Recorded([], made=True)
        _, boot, number = _HEADER.unpack_from(data)
        changes = list(_changes(data, number))
        self.paths = {change.path for change in changes}
        return Recorded(changes, made=boot == self._boot_id())

    def has_room(self, changes: Sequence[Change]) -> bool:
        """Whether these can be recorded; never when they are too many at once, or the journal cannot be made."""
        try:
            if self._fd < 0:
                self._open()
        except OSError:
            return False
        return self._end + _RECORD.size + sum(map(_size, changes)) <= SIZE

    def record(self, changes: Sequence[Change]) -> None:
        """Write changes through to the disk. Raises OSError, and then has not recorded them."""
        content = b"".join(map(_encoded, changes))
        record = _RECORD.pack(len(content), zlib.crc32(content, zlib.crc32(self._number))) + content
        _write_all(self._fd, record, self._end)
        self._end += len(record)
        self.paths.update(change.path for change in changes)

    def clear(self) -> None:
        """Begin anew: all that is recorded is on disk at its own place. Raises OSError."""
        if self._fd < 0:
            self._open()
            return
        number = secrets.token_bytes(8)
        _write_all(self._fd, _HEADER.pack(_MAGIC, self._boot_id(), number), 0)
        self._number, self._end, self.paths = number, START, set()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        """Open an empty journal, the one that is there or a new one with all its blocks."""
        if not self.path.exists() or self.path.stat().st_size != SIZE:
            self._make()
        self._fd = os.open(self.path, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC)
        self.clear()

    def _make(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(fd, bytes(SIZE), 0)
            os.fsync(fd)
        except BaseException:
            self.path.unlink()
            raise
        finally:
            os.close(fd)
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _boot_id(self) -> bytes:
        try:
            return self._boot.read_bytes().strip().ljust(36)[:36]
        except OSError:
            return secrets.token_hex(18).encode()  # Another one each time: whatever is found is made again.


def _write_all(fd: int, data: bytes, at: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(fd, left, at)
        left, at = left[written:], at + written


def _parts(change: Change) -> tuple[int, bytes, bytes]:
    """A change's mode, path and content."""
    path = os.fsencode(change.path)
    match change:
        case Write(data=data, mode=mode):
            return mode, path, data
        case Link(target=target):
            return 0, path, os.fsencode(target)
        case Remove():
            return 0, path, b""


def _size(change: Change) -> int:
    _, path, data = _parts(change)
    return _CHANGE.size + len(path) + len(data)


def _encoded(change: Change) -> bytes:
    mode, path, data = _parts(change)
    return _CHANGE.pack(_KINDS.index(type(change)), mode, len(path), len(data)) + path + data


def _changes(data: bytes, number: bytes) -> Iterator[Change]:
    """All changes of a journal's whole records."""
    at = START
    while at + _RECORD.size <= len(data):
        length, checksum = _RECORD.unpack_from(data, at)
        content = data[at + _RECORD.size : at + _RECORD.size + length]
        if not length or len(content) < length or zlib.crc32(content, zlib.crc32(number)) != checksum:
            return
        yield from _decoded(content)
        at += _RECORD.size + length


def _decoded(content: bytes) -> Iterator[Change]:
    at = 0
    while at < len(content):
        kind, mode, path_length, length = _CHANGE.unpack_from(content, at)
        at += _CHANGE.size
        path = Path(os.fsdecode(content[at : at + path_length]))
        at += path_length
        data = content[at : at + length]
        at += length
        if _KINDS[kind] is Write:
            yield Write(path, data, mode)
        elif _KINDS[kind] is Link:
            yield Link(path, os.fsdecode(data))
        else:
            yield Remove(path)
