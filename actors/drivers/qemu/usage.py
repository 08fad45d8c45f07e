"""What the kernel tells of running guests, read for all of them in one go: processes, threads, taps, images.

It blocks (a little), so it runs in a thread. What cannot be read (a process that has ended meanwhile) is not there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  # ns
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
NANOSECONDS = 1_000_000_000
BYTES_PER_BLOCK = 512
# Where the fields stand behind the command's name in /proc/PID/stat.
_USER, _SYSTEM, _RESIDENT = 11, 12, 21
# What stands at the beginning of a qcow image, and where it says how large the disk is.
_QCOW = b"QFI\xfb"
_QCOW_SIZE = struct.Struct(">24xQ")


class ProcessUsage(NamedTuple):
    """Processor time in ns, resident memory in KiB."""

    user: int
    system: int
    resident: int


class ThreadUsage(NamedTuple):
    """In ns: how long it ran, waited to run on (0 where the kernel does not count), and for a processor."""

    time: int
    wait: int
    delay: int | None


class Traffic(NamedTuple):
    """Of a network device of the host's, as the host sees it: what it received and sent."""

    received: tuple[int, int, int, int]  # bytes, packets, errors, drops
    sent: tuple[int, int, int, int]


class ImageSize(NamedTuple):
    """Bytes: that are allocated, that the disk has, and that the file has."""

    allocation: int
    capacity: int
    physical: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read."""

    processes: Iterable[int] = ()
    threads: Iterable[tuple[int, int]] = ()  # process, thread
    traffic: bool = False
    images: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What was read: by process, by thread, by network device, by path."""

    processes: Mapping[int, ProcessUsage] = field(default_factory=dict)
    threads: Mapping[int, ThreadUsage] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    images: Mapping[str, ImageSize] = field(default_factory=dict)


def read_usage(wanted: Wanted) -> Usage:
    """Read all that is wanted. Blocks."""
    return Usage(
        {pid: found for pid in wanted.processes if (found := _process(pid)) is not None},
        {thread: found for pid, thread in wanted.threads if (found := _thread(pid, thread)) is not None},
        _traffic() if wanted.traffic else {},
        {path: found for path in wanted.images if (found := image_size(path)) is not None},
    )


def _read(path: str) -> bytes:
    """A small file of the kernel's; empty when it is not there. Cheaper than open()."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 16384)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _process(pid: int) -> ProcessUsage | None:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) <= _RESIDENT:
        return None
    return ProcessUsage(int(fields[_USER]) * TICK, int(fields[_SYSTEM]) * TICK, int(fields[_RESIDENT]) * PAGE_KIB)


def _thread(pid: int, thread: int) -> ThreadUsage | None:
    place = f"/proc/{pid}/task/{thread}"
    fields = _read(f"{place}/stat").rpartition(b")")[2].split()
    if len(fields) <= _SYSTEM:
        return None
    waited = _read(f"{place}/schedstat").split()
    time = (int(fields[_USER]) + int(fields[_SYSTEM])) * TICK
    return ThreadUsage(time, _wait_sum(_read(f"{place}/sched")), int(waited[1]) if len(waited) > 1 else None)


def _wait_sum(scheduling: bytes) -> int:
    """The nanoseconds that a thread waited, which the kernel tells in milliseconds with digits behind the point."""
    _, found, rest = scheduling.partition(b"wait_sum")
    if not found:
        return 0
    whole, _, part = rest.partition(b":")[2].split(None, 1)[0].partition(b".")
    return int(whole) * 1_000_000 + int(part.ljust(6, b"0")[:6] or b"0")


def _traffic() -> dict[str, Traffic]:
    found = {}
    try:
        with open("/proc/net/dev", encoding="ascii", errors="replace") as file:
            lines = file.readlines()[2:]
    except OSError:
        return {}
    for line in lines:
        name, _, rest = line.partition(":")
        numbers = [int(number) for number in rest.split()]
        if len(numbers) >= 12:
            found[name.strip()] = Traffic(
                (numbers[0], numbers[1], numbers[2], numbers[3]), (numbers[8], numbers[9], numbers[10], numbers[11])
            )
    return found


def image_size(path: str) -> ImageSize | None:
    """The sizes of an image that no QEMU has open; the disk's as a qcow image says it, else the file's. Blocks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        size = status.st_size or os.lseek(descriptor, 0, os.SEEK_END)
        header = os.read(descriptor, _QCOW_SIZE.size)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    is_qcow = header.startswith(_QCOW) and len(header) == _QCOW_SIZE.size
    return ImageSize(status.st_blocks * BYTES_PER_BLOCK, _QCOW_SIZE.unpack(header)[0] if is_qcow else size, size)
