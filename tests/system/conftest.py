"""Daemons for the tests: one for each module where its tests can share it, private ones where they cannot."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import Host

from .virtactord import Story, Virtactord, clear


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
def host(shared: Virtactord) -> Iterator[Host]:
    """A connection to the module's daemon; what a test leaves there is destroyed and undefined."""
    with shared.connect() as host:
        kept = host.domains.list()
        try:
            yield host
        finally:
            clear(host, kept)


@pytest.fixture
def story(host: Host) -> Iterator[Story]:
    story = Story(host)
    yield story
    story.close()
