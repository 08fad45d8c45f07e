"""The daemon of a campaign: as the tests start it, with a clock of its own in each life where that is wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.system.virtactord import PATIENCE, Virtactord

SETTINGS = {"reconnect_pause": 0.2, "destroy_grace": 0.5, "start_deadline": 15.0}


class Mortal(Virtactord):
    """``monotonic`` is the offset in seconds of the next life's monotonic clock, in a time namespace; 0 for none."""

    def __init__(self, root: Path, log: Path) -> None:
        super().__init__(root)
        self.log = log
        self.monotonic = 0
        self.configure(**SETTINGS)

    def _spawn(self, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(self.root)]
        if self.monotonic:
            command = ["unshare", "--time", "--monotonic", str(self.monotonic), "--fork", *command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, stderr=log)

    def begin(self) -> None:
        """Start it without waiting for it."""
        self._spawn({**os.environ})

    @property
    def pid(self) -> int:
        """The daemon's own pid: with a clock of its own, it is the child of what was started."""
        parent = super().pid
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            return int(children[0]) if self.monotonic and children else parent
        except OSError:
            return parent

    def send(self, number: int) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.pid, number)

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.send(number)
        self.process.wait(PATIENCE)
