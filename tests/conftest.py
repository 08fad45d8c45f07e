"""What every test may use, and the check that nothing outlives them.

Processes are found by what /proc says of them (parent, working directory, command line), because a guest's QEMU is
meant to outlive the daemon that started it: being nobody's child any more is its normal life.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import guest
import hypothesis
import pytest

from .libvirtd import libvirtd

__all__ = ["libvirtd"]

# How long an example takes says something of the machine; in a fresh clone the first text waits for Unicode's tables.
hypothesis.settings.register_profile(
    "virtactor", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("virtactor")

GRACE = 2.0  # seconds that a process may take to be gone after the last test


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
        assert select.select([descriptor], [], [], 10)[0], f"cannot be killed: {process}"
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def _roots() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="va", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def root(_roots: Path) -> Iterator[Path]:
    """A daemon's private root directory with a short path, as sockets need; what still runs in it is killed after."""
    path = Path(tempfile.mkdtemp(prefix="", dir=_roots))
    yield path
    end_processes_of(path)
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def guest_image() -> guest.Guest:
    """The small Linux guest: `kernel` and `initrd` paths, `cmdline_for(name)`; built when it is not there yet."""
    return guest.load()


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left(tmp_path_factory: pytest.TempPathFactory, _roots: Path) -> Iterator[None]:
    """Fails the session when a process outlives the tests: a child of ours, or one that works in their directories."""
    yield
    folders = [tmp_path_factory.getbasetemp(), _roots]
    deadline = time.monotonic() + GRACE
    while (left := _left_in(folders)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        end(process)
    assert not left, "left behind by the tests:\n" + "\n".join(f"  {p.pid} {p.command[:300]}" for p in left)


def _left_in(folders: list[Path]) -> list[Process]:
    return [p for p in processes() if p.parent == os.getpid() or any(p.belongs_to(folder) for folder in folders)]
