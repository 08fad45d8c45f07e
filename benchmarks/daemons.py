"""What the measures know of a daemon, whichever it is; and virtactord. libvirtd is in libvirtd.py."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

BIN = Path(sys.executable).parent
# libvirt-python is the system's.
SYSTEM_PYTHON = "/usr/bin/python3"
START_SECONDS = 20.0


class Unavailable(Exception):
    """A daemon cannot be run here; says why."""


class Daemon(Protocol):
    """A running daemon."""

    name: str
    pid: int

    def uri(self, driver: str) -> str:
        """How either client library reaches a driver of it, test or qemu."""
        ...

    def generator(self, driver: str) -> list[str]:
        """The command of a load generator with this daemon's natural client."""
        ...

    def raw_generator(self) -> list[str]:
        """The command of the load generator that is the least client, on the test driver."""
        ...

    def lister(self) -> list[str]:
        """The command that lists the qemu driver's domains."""
        ...

    def stop(self) -> None: ...


class Virtactord:
    """virtactord on a private root, which goes with it."""

    name = "virtactord"

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self.socket = self.root / "run/virtactor.sock"
        self._log = (self.root / "virtactord.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "virtactor.actors.daemon", "--root", self.root], stderr=self._log
        )
        self.pid = self._process.pid
        try:
            wait_for_socket(self.socket, self._process)
        except Unavailable as error:
            words = (self.root / "virtactord.log").read_text(errors="replace").strip()
            self.stop()
            raise Unavailable(f"virtactord: {error}: {words}") from None

    def uri(self, driver: str) -> str:
        return unix_uri(driver, self.socket)

    def generator(self, driver: str) -> list[str]:
        return our_library(self.uri(driver))

    def raw_generator(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.clients.raw", str(self.socket), "msgpack"]

    def lister(self) -> list[str]:
        return [str(BIN / "virtactor"), "--root", str(self.root), "list"]

    def guest_log(self, name: str) -> Path:
        """Where a guest's QEMU was started and what it said."""
        return self.root / "log/qemu" / f"{name}.log"

    def stop(self) -> None:
        end(self._process)
        self._log.close()
        shutil.rmtree(self.root)


def unix_uri(driver: str, socket: Path) -> str:
    """The URI of a daemon's driver over its socket."""
    return f"{driver}+unix://{'/default' if driver == 'test' else '/system'}?socket={socket}"


def our_library(uri: str) -> list[str]:
    """The command of a load generator with virtactor's client library."""
    return [sys.executable, "-m", "benchmarks.clients.ours", uri]


def libvirts_library(uri: str) -> list[str]:
    """The command of a load generator with libvirt's own Python library."""
    return [SYSTEM_PYTHON, "-m", "benchmarks.clients.libvirt_python", uri]


def wait_for_socket(path: Path, process: subprocess.Popen[bytes], seconds: float = START_SECONDS) -> None:
    """Wait until somebody listens. Raises Unavailable when the process ends instead, or it takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket(socket.AF_UNIX) as attempt, suppress(OSError):
            attempt.connect(str(path))
            return
        if process.poll() is not None:
            raise Unavailable(f"it ended with status {process.returncode}")
        time.sleep(0.02)
    raise Unavailable(f"it did not listen within {seconds:g} s")


def end(process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """End a process of ours, by SIGKILL if it does not heed SIGTERM."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
