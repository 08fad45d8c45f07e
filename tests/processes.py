"""The processes of this machine, as tests look for what they have left.

They are found by what /proc says of them (parent, working directory, command line), because a guest's QEMU is meant to
outlive the daemon that started it: being nobody's child any more is its normal life.
"""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    parent: int
    folder: str
    command: str

    def belongs_to(self, root: Path) -> bool:
        """Whether it works in `root` or was told of it."""
        path = re.escape(str(root)) + r"(?![\w-])"
        return bool(re.match(path, self.folder) or re.search(path, self.command))


def processes() -> Iterator[Process]:
    """All processes that live now, ours excepted; zombies count as gone."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and (process := _process(entry)):
            yield process


def _process(entry: Path) -> Process | None:
    try:
        state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        folder = os.readlink(entry / "cwd")
    except OSError:
        return None
    return None if state in "ZX" else Process(int(entry.name), int(parent), folder, command)


def end_processes_of(root: Path) -> None:
    """Kills every process that belongs to `root`; also those that one of them started meanwhile."""
    while alive := [process for process in processes() if process.belongs_to(root)]:
        for process in alive:
            end(process)


def end(process: Process) -> None:
    """Kills a process and waits until it is gone."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        assert select.select([descriptor], [], [], 60)[0], f"cannot be killed: {process}"
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)
