"""A program as the way to a daemon: what it reads and writes are the packets (libvirt's ext transport, and ssh).

The program has one end of a socketpair as its input and output, so the link is a socket's. What it says on its standard
error goes to a file in memory: no thread has to read it, and when the link ends it tells why.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ...wire.errors import NoConnect
from .local import SocketLink

# How long a program may take to end after its link did, before its word is quoted or it is killed, in seconds.
END_SECONDS = 2.0
SAID_MAX = 2000


class ProcessDialer:
    """Starts a program for each link. ``name`` is what errors call it."""

    keepalive = True
    lane = None

    def __init__(self, command: Sequence[str], name: str = "", environment: Mapping[str, str] | None = None) -> None:
        self.command = list(command)
        self._name = name or self.command[0]
        self._environment = environment

    def dial(self) -> ProcessLink:
        ours, theirs = socket.socketpair()
        said = os.memfd_create("virtactor-said")
        try:
            process = subprocess.Popen(
                self.command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=said, env=self._environment
            )
        except OSError as error:
            ours.close()
            os.close(said)
            raise NoConnect(f"{self._name} cannot be run: {error.strerror}", errno=error.errno) from error
        finally:
            theirs.close()
        return ProcessLink(ours, process, said, self._name)

    def release(self) -> None:
        """Each link ends its own program."""


class ProcessLink(SocketLink):
    """A socket with a child process of ours at its other end."""

    def __init__(self, sock: socket.socket, process: subprocess.Popen[bytes], said: int, name: str) -> None:
        super().__init__(sock)
        self.process = process
        self._said = said
        self._name = name

    @property
    def carries_descriptors(self) -> bool:
        return False  # The program passes bytes on.

    def why_ended(self, error: OSError | None = None) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        words = self._last_words()
        status = self.process.poll()
        how = "closed the connection" if status is None else f"ended with status {status}"
        return f"{self._name} {how}{f': {words}' if words else ''}"

    def close(self) -> None:
        said, self._said = self._said, -1
        if said < 0:
            return
        super().close()
        os.close(said)
        # It ends by itself: its input is at its end.
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _last_words(self) -> str:
        if self._said < 0:
            return ""
        size = os.fstat(self._said).st_size
        text = os.pread(self._said, SAID_MAX, max(0, size - SAID_MAX)).decode(errors="replace")
        return "; ".join(line.strip() for line in text.splitlines() if line.strip())
