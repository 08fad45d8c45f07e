"""Counters of the kernel's for a process: what `<perf>` in a definition asks for (perf_event_open(2)).

A counter is a descriptor; it counts for one thread and for those that this thread starts from then on. So one is opened
for each thread that there is, and a process's figure is their sum. It begins at 0 when it is opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterable, Mapping

from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, SystemFailure
from .threads import threads_of

_HARDWARE, _SOFTWARE = 0, 1
# The kernel's type and number of each event, by libvirt's name.
EVENTS: Mapping[str, tuple[int, int]] = {
    "cpu_cycles": (_HARDWARE, 0),
    "instructions": (_HARDWARE, 1),
    "cache_references": (_HARDWARE, 2),
    "cache_misses": (_HARDWARE, 3),
    "branch_instructions": (_HARDWARE, 4),
    "branch_misses": (_HARDWARE, 5),
    "bus_cycles": (_HARDWARE, 6),
    "stalled_cycles_frontend": (_HARDWARE, 7),
    "stalled_cycles_backend": (_HARDWARE, 8),
    "ref_cpu_cycles": (_HARDWARE, 9),
    "cpu_clock": (_SOFTWARE, 0),
    "task_clock": (_SOFTWARE, 1),
    "page_faults": (_SOFTWARE, 2),
    "context_switches": (_SOFTWARE, 3),
    "cpu_migrations": (_SOFTWARE, 4),
    "page_faults_min": (_SOFTWARE, 5),
    "page_faults_maj": (_SOFTWARE, 6),
    "alignment_faults": (_SOFTWARE, 7),
    "emulation_faults": (_SOFTWARE, 8),
}
_SYSCALLS = {"x86_64": 298, "aarch64": 241}
_INHERIT = 1 << 1
_CLOSE_ON_EXEC = 1 << 3
_ANY_PROCESSOR = _NO_GROUP = -1
_BYTES = 8


class _Attributes(ctypes.Structure):
    """struct perf_event_attr as it first was, 64 bytes; `flags` are its bits (disabled, inherit, …)."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("config", ctypes.c_uint64),
        ("sample_period", ctypes.c_uint64),
        ("sample_type", ctypes.c_uint64),
        ("read_format", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("wakeup_events", ctypes.c_uint32),
        ("bp_type", ctypes.c_uint32),
        ("config1", ctypes.c_uint64),
    ]


class Counters:
    """The counters of one process. ``close`` them when it has ended."""

    def __init__(self) -> None:
        self._opened: dict[str, list[int]] = {}

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self._opened)

    def add(self, opened: Mapping[str, list[int]]) -> None:
        """Take what ``open_counters`` gave."""
        self._opened |= opened

    def read(self) -> dict[str, int]:
        """What was counted, by event: a number, or ns for clocks."""
        return {event: sum(map(_value, descriptors)) for event, descriptors in self._opened.items()}

    def close(self, events: Iterable[str] | None = None) -> None:
        """Close the counters of these events, all of them unless some are named."""
        for event in list(self._opened) if events is None else events:
            close_counters({event: self._opened.pop(event, [])})


def open_counters(pid: int, events: Iterable[str]) -> dict[str, list[int]]:
    """Begin to count events for a process and all its threads; blocks a little.

    Raises InvalidArgument for events that need a processor's own counters of caches, SystemFailure with the kernel's
    reason for what it does not count here; nothing is open then.
    """
    opened: dict[str, list[int]] = {}
    try:
        for event in events:
            opened[event] = []
            for thread in sorted(threads_of(pid)):
                with contextlib.suppress(ProcessLookupError):  # It has ended meanwhile.
                    opened[event].append(_open(event, thread))
    except BaseException:
        close_counters(opened)
        raise
    return opened


def close_counters(opened: Mapping[str, list[int]]) -> None:
    """Close what ``open_counters`` opened."""
    for descriptors in opened.values():
        for descriptor in descriptors:
            os.close(descriptor)


def _open(event: str, thread: int) -> int:
    if event not in EVENTS:
        # cmt, mbmt and mbml, which no kernel since 4.14 has.
        raise InvalidArgument(
            f"unable to enable host cpu perf event for {event}", code=ErrorNumber.ARGUMENT_UNSUPPORTED
        )
    kind, number = EVENTS[event]
    attributes = _Attributes(type=kind, size=ctypes.sizeof(_Attributes), config=number, flags=_INHERIT)
    call = _SYSCALLS.get(platform.machine())
    if call is None:
        raise SystemFailure(f"unable to open host cpu perf event for {event}: not known on {platform.machine()}")
    system = ctypes.CDLL(None, use_errno=True).syscall
    descriptor = system(call, ctypes.byref(attributes), thread, _ANY_PROCESSOR, _NO_GROUP, _CLOSE_ON_EXEC)
    if descriptor >= 0:
        return descriptor
    error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if isinstance(error, ProcessLookupError):
        raise error
    raise SystemFailure(f"unable to open host cpu perf event for {event}: {error.strerror}", errno=error.errno)


def _value(descriptor: int) -> int:
    return int.from_bytes(os.read(descriptor, _BYTES), "little")
