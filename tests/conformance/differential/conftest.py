"""A daemon for the comparison, as a process of its own: libvirt-python is a client that blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...system.virtactord import Virtactord


@pytest.fixture(scope="module")
def daemon_socket(_roots: Path) -> Iterator[Path]:
    """The socket of a daemon."""
    daemon = Virtactord(Path(tempfile.mkdtemp(prefix="", dir=_roots)))
    try:
        daemon.start()
        yield daemon.paths.socket
    finally:
        daemon.stop()
