"""Debian's own clients of libvirt, unmodified, against a daemon of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..system.virtactord import PATIENCE, Virtactord, clear

Run = Callable[..., str]

# Where libvirt's clients look for their configuration and keep their caches: nowhere of the user's.
ENVIRONMENT = {"LC_ALL": "C", "LIBVIRT_DEBUG": "4"}


def need(program: str, package: str) -> str:
    """The path of a program, or the test is skipped."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: {package})")
    return found


def said(command: list[str], environment: dict[str, str], input: str | None = None) -> str:
    """What a program printed. Fails the test when it failed."""
    done = subprocess.run(
        command, env=environment, input=input, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which libvirt's clients find nothing of the user's."""
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
    return {**os.environ, **ENVIRONMENT, **folders, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def qemu_uri(shared: Virtactord) -> Iterator[str]:
    """How libvirt's clients reach the module's daemon; what the test leaves there is destroyed and undefined."""
    with shared.connect() as host:
        kept = host.domains.list()
        yield f"qemu+unix:///system?socket={shared.paths.socket}"
        clear(host, kept)


@pytest.fixture
def test_uri(shared: Virtactord) -> str:
    """The module's daemon's test driver."""
    return f"test+unix:///default?socket={shared.paths.socket}"


@pytest.fixture
def virsh(environment: dict[str, str]) -> Run:
    """``virsh(URI, command, arguments…)`` gives what it printed, without the empty lines around; ``input`` is typed."""
    program = need("virsh", "libvirt-clients")

    def run(uri: str, *arguments: object, input: str | None = None) -> str:
        return said([program, "--quiet", "--connect", uri, *map(str, arguments)], environment, input).strip()

    return run
