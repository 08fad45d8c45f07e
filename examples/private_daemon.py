"""A daemon of one's own: below a temporary directory, started and killed at will, gone without a trace.

    with PrivateDaemon() as daemon:
        daemon.start(deadline=10)
        with connect("qemu:///system", root=daemon.root) as host: ...

The daemon runs in a session of its own, so a ^C at the terminal reaches only the program that started it. Guests
outlive their daemon; `close` ends them too, and finds them by their command lines, which name the directory.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

STOP_SECONDS = 10.0


class DaemonFailed(Exception):
    """The daemon, or a process of it, did not do what it should; the text is one line."""


class Process:
    """A process that may be anybody's child, held by a pidfd: it is this one and no later one with its number.

    Raises ProcessLookupError when there is none.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)

    def __del__(self) -> None:
        if hasattr(self, "_pidfd"):
            os.close(self._pidfd)

    @property
    def is_alive(self) -> bool:
        return not self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when that did not come within so many seconds."""
        return bool(select.select([self._pidfd], [], [], seconds)[0])

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return


class PrivateDaemon:
    """`root` is its directory, for `connect`; `log` the file that it and all its successors there write to."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="virtactor-"))
        self.log = self.root / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, deadline: float) -> None:
        """Start a daemon, and wait until it says that it is ready: sd_notify(3), so nobody has to look again and again.

        Raises DaemonFailed when it ends instead, or says nothing for `deadline` seconds.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, self.log.open("ab") as log:
            told.bind("")  # the kernel chooses a free name
            self._process = subprocess.Popen(
                [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(self.root)],
                env=os.environ | {"NOTIFY_SOCKET": "@" + told.getsockname()[1:].decode()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._wait_until_ready(told, time.monotonic() + deadline)

    def kill(self) -> None:
        """SIGKILL it: it can neither finish nor save anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Let it end in order; its guests go on. Raises DaemonFailed when it takes too long or complains."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise DaemonFailed(f"the daemon did not stop within {STOP_SECONDS:g} s") from None
        if status != 0:
            raise DaemonFailed(f"the daemon ended with status {status}")

    def qemu_of(self, uuid: UUID) -> Process:
        """The QEMU of a running guest. Raises DaemonFailed when there is none."""
        file = self.root / "run" / "qemu" / f"{uuid}.pid"
        try:
            return Process(int(file.read_text()))
        except (OSError, ValueError) as error:
            raise DaemonFailed(f"{file.name} names no process: {error}") from error

    def processes(self) -> Iterator[Process]:
        """Every process that was told of our directory: daemons and QEMUs."""
        named = re.compile(re.escape(os.fsencode(self.root)) + rb"(?![\w-])")
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if int(entry.name) != os.getpid() and named.search((entry / "cmdline").read_bytes()):
                    yield Process(int(entry.name))
            except OSError:
                continue  # it has just ended

    def log_tail(self, lines: int) -> list[str]:
        """The last lines that the daemon wrote."""
        return self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []

    def close(self) -> None:
        """End the daemon and every guest, whatever state they are in, and remove the directory."""
        with contextlib.suppress(DaemonFailed):
            self.stop()
        self.kill()
        while left := list(self.processes()):
            for process in left:
                process.kill()
                process.wait(STOP_SECONDS)
        shutil.rmtree(self.root, ignore_errors=True)

    def _wait_until_ready(self, told: socket.socket, end: float) -> None:
        assert self._process is not None
        process = Process(self._process.pid)
        while select.select([told, process._pidfd], [], [], max(0.0, end - time.monotonic()))[0]:
            if not process.is_alive:
                raise DaemonFailed(f"the daemon ended with status {self._process.wait()}")
            if told.recv(4096).startswith(b"READY=1"):
                return
        raise DaemonFailed("the daemon was not ready in time")
