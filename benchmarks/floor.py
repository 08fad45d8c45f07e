"""The floor of a start: QEMU spawned by hand with virtactord's arguments, until its monitor takes commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MONITOR = re.compile(r"socket,id=charmonitor,fd=\d+")


class Floor:
    """Starts one guest by hand, again and again."""

    def __init__(self, log: Path) -> None:
        started = next(line for line in log.read_text().splitlines() if " starting: " in line)
        words = shlex.split(started.partition(" starting: ")[2])
        first = next(at for at, word in enumerate(words) if word.startswith("/"))
        self._environment = dict(word.split("=", 1) for word in words[:first])
        self._argv = words[first:]

    def seconds(self) -> float:
        """How long one start took, from the spawn to the answer that the monitor takes commands."""
        with tempfile.TemporaryDirectory() as folder, _listener(Path(folder, "qmp")) as (listener, client):
            argv = [_MONITOR.sub(f"socket,id=charmonitor,fd={listener.fileno()}", word) for word in self._argv]
            argv[argv.index("-pidfile") + 1] = f"{folder}/pid"
            began = time.perf_counter()
            process = subprocess.Popen(
                argv,
                env=self._environment,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                _greet(client)
                return time.perf_counter() - began
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def _listener(path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A listening socket for QEMU, and a client that is connected to it already."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(path))
        listener.listen(1)
        client.connect(str(path))
        client.settimeout(30)
        yield listener, client


def _greet(client: socket.socket) -> None:
    with client.makefile("rwb", buffering=0) as monitor:
        greeting = json.loads(monitor.readline())
        assert "QMP" in greeting, greeting
        monitor.write(b'{"execute": "qmp_capabilities"}\n')
        answer = json.loads(monitor.readline())
        assert "return" in answer, answer
