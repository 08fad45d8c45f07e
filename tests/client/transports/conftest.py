"""A daemon that listens for TCP and TLS at ports of the system's choice."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.config import Config
from virtactor.actors.listening import Listening

from ...actors.served import Served
from ...certificates import Authority, authority

__all__ = ["authority"]

PATIENCE = 60.0  # seconds for what takes a moment on an idle machine

Serve = Callable[..., Served]


@pytest.fixture
def serve(root: Path) -> Iterator[Serve]:
    """Starts daemons by sections of their configuration: ``serve(tcp={...})``. Without ports they choose their own."""
    daemons: list[Served] = []

    def start(**sections: dict[str, Any]) -> Served:
        for name in ("tcp", "tls"):
            if name in sections:
                sections[name] = {"listen": True, "address": "127.0.0.1", "port": 0, **sections[name]}
        daemons.append(Served(root, Config.of(sections)))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.stop()


def port_of(daemon: Served, *, tls: bool = False) -> int:
    """The port where it listens."""
    (found,) = [one for one in daemon.daemon.listening if _is_wanted(one, tls)]
    return found.socket.getsockname()[1]


def _is_wanted(one: Listening, tls: bool) -> bool:
    return not one.made and (one.tls is not None) == tls


def server_files(authority: Authority, subject: str = "/CN=localhost", names: str = "DNS:localhost") -> dict[str, Any]:
    """[tls] of a host with a certificate for that name."""
    folder = authority.folder / f"server{subject.replace('/', '-')}"
    if not folder.exists():
        authority.issue("server", subject, names)
    return {
        "authority": str(authority.certificate),
        "revoked": str(authority.folder / "no such list"),
        "certificate": str(folder / "servercert.pem"),
        "key": str(folder / "serverkey.pem"),
    }


def client_files(authority: Authority, subject: str = "/C=GB/O=Tests/CN=client") -> Path:
    """A client's pkipath."""
    folder = authority.folder / f"client{subject.replace('/', '-')}"
    return folder if folder.exists() else authority.issue("client", subject)


def virsh(uri: str, *command: str) -> str:
    """What libvirt's own client says, its complaints included. Skips where it is not installed."""
    if shutil.which("virsh") is None:
        pytest.skip("virsh is not installed")
    done = subprocess.run(
        ["virsh", "--connect", uri, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        env={**os.environ, "LC_ALL": "C"},
    )
    return done.stdout.strip()
