"""What every test may use, and the check that nothing outlives them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import guest
import hypothesis
import pytest
from virtactor.client import Host

from .libvirtd import libvirtd
from .processes import Process, end, end_processes_of, processes
from .system.virtactord import Story, Virtactord

__all__ = ["libvirtd"]

# What is printed is compared: it does not depend on who runs the tests in which terminal.
for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE"):
    os.environ.pop(name, None)

# How long an example takes says something of the machine; in a fresh clone the first text waits for Unicode's tables.
# The same examples each time: whoever changes something else is not to be the one who finds a defect. Looking for those
# is work of its own.
hypothesis.settings.register_profile(
    "virtactor",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="VIRTACTOR_EXPLORE" not in os.environ,
)
hypothesis.settings.load_profile("virtactor")

GRACE = 30.0  # seconds that a process may take to be gone after the last test


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
def probed(_roots: Path) -> Iterator[Path]:
    """What probing the emulators gave, so that each daemon does not have to."""
    daemon = Virtactord(Path(tempfile.mkdtemp(prefix="", dir=_roots)))
    try:
        daemon.start()
        with daemon.connect() as host:
            host.capabilities()
        daemon.kill()
        yield daemon.paths.cache / "qemu"
    finally:
        daemon.stop()


@pytest.fixture
def daemon(root: Path, probed: Path) -> Iterator[Virtactord]:
    """A daemon for one test, running."""
    daemon = Virtactord(root, probed)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture(scope="module")
def shared(_roots: Path, probed: Path) -> Iterator[Virtactord]:
    """A daemon for all tests of a module that leave it as they found it."""
    daemon = Virtactord(Path(tempfile.mkdtemp(prefix="", dir=_roots)), probed)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def story(host: Host) -> Iterator[Story]:
    """What is told of the lives of all domains of a test's ``host``."""
    story = Story(host)
    yield story
    story.close()


@pytest.fixture(scope="session")
def guest_image() -> guest.Guest:
    """The small Linux guest: `kernel` and `initrd` paths, `cmdline_for(name)`; built when it is not there yet."""
    return guest.load()


@pytest.fixture(scope="session")
def agent_image() -> guest.Guest:
    """The small Linux guest with QEMU's guest agent in it, which a channel of that name starts."""
    return guest.load_with_agent()


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
