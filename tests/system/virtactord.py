"""The daemon as a process of its own, on a private root, for the qemu driver."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from virtactor.client import Domain, DomainState, Event, Host, VirtError, connect
from virtactor.wire.enums.domain import DomainUndefineFlagsValues
from virtactor.wire.paths import Paths

from ..processes import end_processes_of
from ..waiting import PATIENCE, SLOWNESS, in_thread, wait_until

__all__ = ["PATIENCE", "in_thread", "wait_until"]

T = TypeVar("T")

URI = "qemu:///system"
MARKER = "marker-of-the-test"


class Virtactord:
    """``start`` returns when the daemon says that it is ready; ``stop`` ends it and every process of its root."""

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self.root = root
        self.paths = Paths.below(root)
        self.run = self.paths.runtime / "qemu"
        self.log = root / "daemon.log"
        self.command = [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(root)]
        self.process: subprocess.Popen[bytes] | None = None
        if cache is not None:
            shutil.copytree(cache, self.paths.cache / "qemu")
        self.configure()

    def configure(self, **qemu: Any) -> None:
        """Write the section [qemu] of the configuration; with deadlines that fit a busy machine, and a slow one."""
        limits = {"deadline": 2 * PATIENCE}
        qemu = {"monitor_deadline": 10.0 * SLOWNESS, "start_deadline": 2 * PATIENCE, **qemu}
        self.paths.config.mkdir(parents=True, exist_ok=True)
        lines = ["[limits]", *_settings(limits), "[qemu]", *_settings(qemu)]
        (self.paths.config / "virtactord.toml").write_text("\n".join(lines))

    def reconfigure(self, **qemu: Any) -> None:
        """Have a daemon with another section [qemu] in place of the running one, which is killed."""
        self.kill()
        self.configure(**qemu)
        self.start()

    def start(self) -> None:
        notify = self.root / "notify"
        notify.unlink(missing_ok=True)
        # A long root's own path does not fit into an address.
        folder = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
                ready.bind(f"/proc/self/fd/{folder}/notify")
                ready.settimeout(PATIENCE)
                self._spawn({**os.environ, "NOTIFY_SOCKET": f"/proc/{os.getpid()}/fd/{folder}/notify"})
                assert b"READY=1" in ready.recv(4096), self.log.read_text()
        finally:
            os.close(folder)

    def _spawn(self, environ: dict[str, str]) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(self.root)], env=environ, stderr=log
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the daemon alone: guests live on."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        end_processes_of(self.root)

    def connect(self, **more: Any) -> Host:
        return connect(URI, root=self.root, **{"keepalive_interval": 0, **more})

    # -- what can be seen from outside ---------------------------------------------------------------------------------

    def qemu_of(self, uuid: object) -> int | None:
        """The pid of the QEMU of a domain, None when there is none."""
        return next(iter(self.qemus_of(uuid)), None)

    def qemus_of(self, uuid: object) -> list[int]:
        return [pid for pid, command in _commands() if f"{self.run}/{uuid}.pid".encode() in command]

    def qemus(self) -> list[int]:
        """The pids of all QEMUs of this daemon that live."""
        return [pid for pid, command in _commands() if f"-pidfile\0{self.run}/".encode() in command]

    def files_of(self, uuid: object) -> list[str]:
        return sorted(path.name for path in self.run.glob(f"{uuid}*"))

    def says(self, text: str) -> bool:
        """Whether the daemon's log has this."""
        return text in self.log.read_text()


def _settings(values: dict[str, Any]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            yield int(entry.name), command


class Story:
    """What is told of all domains from now on. ``told`` gives it up to now, and forgets it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.events = host.events()

    def told(self, name: str) -> list[str]:
        """What was told of a domain, as in "STARTED BOOTED"; nothing that has happened by now is left out."""
        marker = self._host.domains.define(paused_marker())
        seen: list[str] = []
        while True:
            event = self.events.get(PATIENCE)
            assert isinstance(event, Event)
            if event.domain.name == name:
                seen.append(said(event))
            elif event.domain.name == MARKER:
                break
        marker.undefine()
        self.wait_for(MARKER, "UNDEFINED REMOVED")
        return seen

    def wait_for(self, name: str, what: str) -> list[str]:
        """Read on until this is told of the domain; what was told of it until then, it included."""
        seen: list[str] = []
        until = time.monotonic() + PATIENCE
        while what not in seen[-1:]:
            event = self.events.get(max(0.0, until - time.monotonic()))
            assert isinstance(event, Event), f"{what} was not told of {name}, but {seen}"
            if event.domain.name == name:
                seen.append(said(event))
        return seen

    def close(self) -> None:
        self.events.close()


def said(event: Event) -> str:
    detail = event.detail
    return f"{getattr(event.type, 'name', event.type)} {getattr(detail, 'name', detail)}"


def paused_marker() -> str:
    return f"<domain type='qemu'><name>{MARKER}</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def state(domain: Domain) -> str:
    """A domain's state and reason, as in "PAUSED USER"."""
    now, reason = domain.state()
    return f"{getattr(now, 'name', now)} {getattr(reason, 'name', reason)}"


def clear(host: Host, kept: Iterable[Domain] = ()) -> None:
    """Destroy and undefine everything that a test has left, but for what was there before."""
    for domain in set(host.domains) - set(kept):
        try:
            if domain.state()[0] is not DomainState.SHUTOFF:
                domain.destroy()
            if domain in host.domains:
                domain.undefine(DomainUndefineFlagsValues.MANAGED_SAVE | DomainUndefineFlagsValues.NVRAM)
        except VirtError:
            continue  # It was gone by itself.
