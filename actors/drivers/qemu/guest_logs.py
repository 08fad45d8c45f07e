"""What QEMUs write, bounded: NAME.log, and what was before it as NAME.log.0 (the newest), NAME.log.1, …

QEMU writes to a file that it has open, for as long as the guest runs, whether a daemon does or not. So a log that has
grown too large is not renamed: its older part is copied, and then cut out of the file under QEMU's hands. File systems
that can take blocks out of a file (ext4, XFS) do it without losing a byte, though a line may be divided between two
files. On others the log is copied and emptied, and what QEMU writes between the two, some microseconds, is lost.

Rejected: a process that all logs pass through, as virtlogd (it has to live as long as the guests, and what it cannot
take holds QEMU up), and renaming at the guest's start alone (guests run for years).
"""

from __future__ import annotations

import ctypes
import logging
import os
from pathlib import Path

logger = logging.getLogger("virtactor.qemu")

CHECK_EVERY = 5.0  # seconds
_COLLAPSE_RANGE = 0x08
_CHUNK = 1 << 20


def bound_logs(directory: Path, size: int, backups: int) -> None:
    """Rotate the logs in a directory that have more than ``size`` bytes, and keep so many backups of each."""
    with os.scandir(directory) as entries:
        large = [
            Path(entry.path)
            for entry in entries
            if entry.name.endswith(".log")
            and entry.is_file(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_size > size
        ]
    for path in large:
        try:
            rotate(path, backups)
        except OSError as error:
            logger.warning("%s cannot be rotated: %s", path, error.strerror)


def rotate(log: Path, backups: int) -> None:
    """Move a log into its first backup, but for its last bytes; whoever has it open writes on. Raises OSError."""
    fd = os.open(log, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        block = os.fstatvfs(fd).f_bsize
        # Whole blocks, and not the end of the file: that is what can be taken out.
        older = (os.fstat(fd).st_size - 1) // block * block
        if older <= 0:
            return
        if backups == 0:
            if not _cut_out(fd, older):
                os.ftruncate(fd, 0)
            return
        fresh = log.with_name(f"{log.name}.new")
        _copy(fd, 0, older, fresh)
        if not _cut_out(fd, older):
            _copy(fd, older, os.fstat(fd).st_size, fresh)
            os.ftruncate(fd, 0)
        _shift(log, backups)
        fresh.replace(_backup(log, 0))
    finally:
        os.close(fd)


def _backup(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _shift(log: Path, backups: int) -> None:
    for number in range(backups - 1, 0, -1):
        if (newer := _backup(log, number - 1)).exists():
            newer.replace(_backup(log, number))


def _copy(fd: int, begin: int, end: int, target: Path) -> None:
    """Append a range of an open file to another, which is removed where there is no room for it. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_APPEND if begin else os.O_TRUNC)
    copy = os.open(target, flags, 0o600)
    try:
        while begin < end and (data := os.pread(fd, min(_CHUNK, end - begin), begin)):
            begin += os.write(copy, data)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    finally:
        os.close(copy)


def _cut_out(fd: int, length: int) -> bool:
    """Take so many bytes out of the beginning of an open file; False where its file system cannot."""
    fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    return fallocate(fd, _COLLAPSE_RANGE, ctypes.c_int64(0), ctypes.c_int64(length)) == 0
