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
START_SECONDS = 20.0


class Unavailable(Exception):
    """A daemon cannot be run here; says why."""


class Daemon(Protocol):
    """A running daemon."""

    name: str
    pid: int

    def generator(self, driver: str) -> list[str]:
        """The command of a load generator with this daemon's natural client; ``driver`` is test or qemu."""
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

    def generator(self, driver: str) -> list[str]:
        path = "/default" if driver == "test" else "/system"
        return [sys.executable, "-m", "benchmarks.clients.ours", f"{driver}+unix://{path}?socket={self.socket}"]

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
