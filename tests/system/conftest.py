"""A connection to a module's daemon, and what its guests go through."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import Domain, Host

from .guests import Shell
from .told import Told
from .virtactord import Virtactord, clear


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
def told(host: Host) -> Iterator[Told]:
    told = Told(host)
    yield told
    told.events.close()


@pytest.fixture
def shell(booted: Domain) -> Iterator[Shell]:
    """The console of the Linux guest that a module has in its ``booted``."""
    with Shell(booted) as shell:
        shell.answers()
        yield shell


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder for less than a guest's memory."""
    path = tmp_path / "small"
    path.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path]).returncode:
        pytest.skip("only root can mount a small disk")
    yield path
    subprocess.run(["umount", path], check=True)
