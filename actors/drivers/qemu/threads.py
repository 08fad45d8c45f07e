"""Where a guest's threads run, and by which scheduler: set for each thread when the guest has started.

QEMU tells which threads are its processors and its I/O threads; all others are the emulator. Threads that it makes
later inherit from those that make them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....wire.cpuset import format_numbers
from ....wire.errors import UnsupportedConfig
from .command_line import Placement
from .command_line.placement import Schedule

POLICIES = {"batch": os.SCHED_BATCH, "idle": os.SCHED_IDLE, "fifo": os.SCHED_FIFO, "rr": os.SCHED_RR}
# What must be asked of QEMU to know its threads.
QUESTIONS = ("query-cpus-fast", "query-iothreads")


@dataclass(frozen=True, slots=True)
class Threads:
    """The threads of a guest by their numbers in the definition; ``emulator`` are all that are nothing else."""

    vcpus: dict[int, int]
    iothreads: dict[int, int]
    emulator: frozenset[int]

    @classmethod
    def of(cls, pid: int, told: Mapping[str, Any]) -> Threads:
        """The threads of a process, by QEMU's answers to ``QUESTIONS``."""
        vcpus = {each["cpu-index"]: each["thread-id"] for each in told["query-cpus-fast"]}
        iothreads = {
            int(each["id"].removeprefix("iothread")): each["thread-id"]
            for each in told["query-iothreads"]
            if each["id"].removeprefix("iothread").isdigit()
        }
        known = {*vcpus.values(), *iothreads.values()}
        return cls(vcpus, iothreads, frozenset(threads_of(pid)) - known)

    def group(self, name: str) -> Iterable[int]:
        """The threads of a part of the guest: "emulator", "vcpu0", "iothread1". Empty for one that is not there."""
        if name == "emulator":
            return self.emulator
        kind = name.rstrip("0123456789")
        known = {"vcpu": self.vcpus, "iothread": self.iothreads}.get(kind, {})
        found = known.get(int(name.removeprefix(kind) or -1))
        return () if found is None else (found,)


def threads_of(pid: int) -> list[int]:
    """All threads of a process."""
    return [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()]


def place_threads(placement: Placement, threads: Threads) -> None:
    """Pin and schedule a guest's threads. Raises UnsupportedConfig for what the kernel refuses, naming it."""
    if len(set(threads.vcpus.values())) < len(threads.vcpus) and (placement.vcpus or placement.vcpu_schedules):
        raise UnsupportedConfig("cputune: all processors of this guest are one thread")
    if placement.emulator is not None:
        _pin(threads.emulator, placement.emulator, "emulatorpin")
    if placement.emulator_schedule is not None:
        _schedule(threads.emulator, placement.emulator_schedule, "emulatorsched")
    _place("vcpu", threads.vcpus, placement.vcpus, placement.vcpu_schedules)
    _place("iothread", threads.iothreads, placement.iothreads, placement.iothread_schedules)


def _place(
    kind: str, threads: dict[int, int], pins: Mapping[int, frozenset[int]], schedules: Mapping[int, Schedule]
) -> None:
    for number, thread in threads.items():
        if number in pins:
            _pin((thread,), pins[number], f"{kind}pin {number}")
        if number in schedules:
            _schedule((thread,), schedules[number], f"{kind}sched {number}")


def _pin(threads: Iterable[int], cpus: frozenset[int], about: str) -> None:
    for thread in threads:
        try:
            os.sched_setaffinity(thread, cpus)
        except ProcessLookupError:
            continue  # One of the emulator's that has done its work.
        except OSError as error:
            raise UnsupportedConfig(
                f"{about}: processors {format_numbers(cpus)}: {error.strerror}",
                hint=f"this host has {format_numbers(range(os.cpu_count() or 1))}",
            ) from error


def _schedule(threads: Iterable[int], schedule: Schedule, about: str) -> None:
    for thread in threads:
        try:
            os.sched_setscheduler(thread, POLICIES[schedule.policy], os.sched_param(schedule.priority))
        except ProcessLookupError:
            continue
        except OSError as error:
            raise UnsupportedConfig(f"{about}: scheduler {schedule.policy!r}: {error.strerror}") from error
