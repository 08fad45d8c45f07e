"""What befalls a QEMU while a call about it is under way."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import suppress
from typing import Self

LATEST = 0.06  # seconds after the call has begun
STOPPED = 0.2  # seconds


class Accident:
    """A context: within it a QEMU is killed, or stopped for a moment, or nothing happens at all."""

    def __init__(self, pid: int | None, what: str, delay: float) -> None:
        self.kills = what == "killed"
        self.stops = what == "stopped"
        self._what = what
        self._delay = delay
        self._pidfd = -1
        self._thread: threading.Thread | None = None
        if what and pid is not None:
            with suppress(ProcessLookupError):
                self._pidfd = os.pidfd_open(pid)

    @classmethod
    def of(cls, pid: int | None, chance: random.Random) -> Self:
        what = chance.choices(("", "killed", "stopped"), (8, 1, 1))[0]
        return cls(pid, what if pid is not None else "", chance.random() * LATEST)

    def __str__(self) -> str:
        return self._what

    def __enter__(self) -> None:
        if self._pidfd >= 0:
            self._thread = threading.Thread(target=self._happen)
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.join()
            os.close(self._pidfd)

    def _happen(self) -> None:
        wait = threading.Event().wait
        wait(self._delay)
        if self.kills:
            self._send(signal.SIGKILL)
            return
        self._send(signal.SIGSTOP)
        wait(STOPPED)
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)
