"""The shell in this process (``run``), and as a process against a daemon of its own (``shell``)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from virtactor.client import Host, connect
from virtactor.client.shell.program import program

START_SECONDS = 60.0
URI = "test:///default"
PATIENCE = 60

Run = Callable[..., Result]


def definition(name: str, title: str = "") -> str:
    """The XML of a small guest for the test driver."""
    return f"""<domain type='test'>
  <name>{name}</name>{f"<title>{title}</title>" if title else ""}
  <memory>8192</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type></os>
</domain>"""


@pytest.fixture
def host() -> Iterator[Host]:
    """The host that ``run`` uses; while it is open, what one command does the next one sees."""
    with connect(URI) as host:
        yield host


@pytest.fixture
def run(host: Host) -> Run:
    """Runs one command in this process, on the host."""

    def run(*arguments: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(program, ["-c", URI, *arguments], input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def json_of(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class Shell:
    """The program as a process of its own, against one daemon."""

    program = (sys.executable, "-m", "virtactor.client.shell")

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = f"{URI}?root={root}"

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.program, "-c", self.uri, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **{"stdin": subprocess.DEVNULL, **more},
        )

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
        return subprocess.Popen([*self.program, "-c", self.uri, *arguments], text=True, **given)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    root = tmp_path_factory.mktemp("daemon")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"\0virtactor-shell-{os.getpid()}-{root.name}")
        ready.settimeout(START_SECONDS)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(root)],
            env={**os.environ, "NOTIFY_SOCKET": f"@{ready.getsockname()[1:].decode()}"},
            stderr=subprocess.DEVNULL,
        )
        assert b"READY=1" in ready.recv(4096)
    shell = Shell(root)
    with connect(shell.uri):  # The test driver lasts as long as somebody is connected to it.
        yield shell
    daemon.terminate()
    daemon.wait(PATIENCE)
