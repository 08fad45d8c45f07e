"""The guests of a run: their definitions, their QEMU processes, and the end of all of them."""

from __future__ import annotations

import os
import select
import signal
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

DEFINITION = """
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
</domain>
"""


class Guest(NamedTuple):
    """One definition: PC, 128 MiB, emulated processor, no disk. Its UUID is told to QEMU and so names its process."""

    name: str
    uuid: str

    @property
    def xml(self) -> str:
        return DEFINITION.format(name=self.name, uuid=self.uuid)


class Guests:
    """Makes guests of unique names, and ends the processes of all that it ever made."""

    def __init__(self) -> None:
        self._made: list[Guest] = []

    def make(self, count: int) -> list[Guest]:
        made = [
            Guest(f"guest{number}", str(uuid.uuid4())) for number in range(len(self._made), len(self._made) + count)
        ]
        self._made += made
        return made

    def end(self, guests: Iterable[Guest] | None = None) -> None:
        """Kill the QEMU processes of these guests (of all), stopped ones too, and wait until they are gone."""
        descriptors = []
        for pid in processes(self._made if guests is None else guests).values():
            with suppress(ProcessLookupError):
                descriptors.append(os.pidfd_open(pid))
        for descriptor in descriptors:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        for descriptor in descriptors:
            select.select([descriptor], [], [], 10)
            os.close(descriptor)


def processes(guests: Iterable[Guest]) -> dict[Guest, int]:
    """The pids of the guests that run."""
    by_uuid = {guest.uuid: guest for guest in guests}
    return {by_uuid[found]: pid for pid, found in _running() if found in by_uuid}


def _running() -> Iterator[tuple[int, str]]:
    """Every process that was given a UUID, and that."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if b"-uuid" in arguments:
                    yield int(entry.name), arguments[arguments.index(b"-uuid") + 1].decode()


def send(guests: Iterable[Guest], number: signal.Signals) -> None:
    """Send a signal to the processes of these guests."""
    for pid in processes(guests).values():
        os.kill(pid, number)
