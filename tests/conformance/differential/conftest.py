"""A daemon for the comparison, as a process of its own: libvirt-python is a client that blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...system.virtactord import Virtactord


@pytest.fixture(scope="module")
def daemon_socket(shared: Virtactord) -> Path:
    """The socket of a daemon."""
    return shared.paths.socket
