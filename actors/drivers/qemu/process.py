"""The processes of guests: start, watch, measure, end, and find again.

Rules

- A guest outlives the daemon: own session, no pipe to us, no parent-death signal, its output in a file.
- A process is known by its pidfd while we run, and by pid, start time and boot on disk (``Identity``); a bare pid is
  never signalled. An exit is noticed by the pidfd becoming readable, for children and for adopted processes alike.
- Nothing waits in the kernel: a process in D state costs its own caller a deadline.

Rejected: asyncio's subprocess (its child watcher of 3.11 is a thread per process, and it wants pipes), SIGCHLD (it
belongs to the application in embedded mode, and says nothing of adopted guests), polling ``kill(pid, 0)``, a preexec
function (Popen without one uses vfork, whose cost does not grow with the daemon) and posix_spawn (it has no working
directory).
"""

from __future__ import annotations

import asyncio
import functools
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ....wire.errors import InvalidArgument, ProcessFailure, ResourceBusy, SystemFailure
from ...commands import KILL_GRACE, Exit, reap, start

TERM_GRACE = 10.0  # seconds between SIGTERM and SIGKILL
TAIL_MAX = 64 * 1024  # bytes read from a log's end

_STOPPED = ("T", "t")
_DEAD = ("Z", "X", "x")
_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat says of a process: its state letter, start (ticks since boot) and CPU time in ns."""

    state: str
    started: int
    cpu_time: int


@dataclass(frozen=True, slots=True)
class Identity:
    """A process, safe against reuse of its pid; ``str`` and ``parse`` are its form on disk."""

    pid: int
    started: int
    boot: str

    def __str__(self) -> str:
        return f"{self.pid} {self.started} {self.boot}"

    @classmethod
    def parse(cls, text: str) -> Identity:
        """The identity that ``str`` wrote. Raises InvalidArgument."""
        try:
            pid, started, boot = text.split()
            return cls(int(pid), int(started), boot)
        except ValueError:
            raise InvalidArgument(f"{text!r} does not identify a process") from None

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The identity of the process that has this pid now, None when there is none."""
        stat = read_stat(pid)
        return None if stat is None else cls(pid, stat.started, boot_id())

    def is_alive(self) -> bool:
        """Whether this very process still runs (a stopped one does, a zombie does not)."""
        if self.boot != boot_id():
            return False
        stat = read_stat(self.pid)
        return stat is not None and stat.started == self.started and stat.state not in _DEAD


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start: ``fds`` are the only descriptors beside 0-2 that the process gets, under the same numbers, but for
    ``files``, which it gets from 3 on."""

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    fds: Sequence[int] = ()
    directory: Path = Path("/")
    files: Sequence[int] = ()


class Process:
    """A process under watch. Use ``spawn`` or ``adopt``; ``release`` when it is to live on without us."""

    def __init__(self, identity: Identity, pidfd: int, log: Path, log_start: int = 0) -> None:
        self.identity = identity
        self.log = log
        self._pidfd = pidfd
        self._log_start = log_start
        # What was started beside it and ends by itself when it does; it is released with it.
        self.companions: list[Process] = []
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[Exit] = self._loop.create_future()
        self._loop.add_reader(pidfd, self._ended)

    def __repr__(self) -> str:
        return f"<Process {self.pid} {self.exit or 'running'}>"

    @property
    def pid(self) -> int:
        return self.identity.pid

    @property
    def exit(self) -> Exit | None:
        """How it ended, None while it runs."""
        return self._exited.result() if self._exited.done() and not self._exited.cancelled() else None

    def watch(self, callback: Callable[[Exit], object]) -> None:
        """Call back once, on the loop, when the process has ended; soon, when it already has."""
        self._exited.add_done_callback(lambda exited: None if exited.cancelled() else callback(exited.result()))

    async def wait(self) -> Exit:
        """Wait for the end. Cancelling a wait has no effect on the process or on other waits."""
        return await asyncio.shield(self._exited)

    async def ends_within(self, seconds: float) -> bool:
        """Whether it ends, within so many seconds."""
        return await self._wait_for(seconds) is not None

    def send_signal(self, number: int) -> None:
        """Signal this very process. One that has ended is passed over. Raises SystemFailure."""
        if self._pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            pass
        except OSError as error:
            raise SystemFailure(f"cannot signal process {self.pid}: {error.strerror}", errno=error.errno) from error

    async def kill(self, grace: float = TERM_GRACE, *, force: bool = True) -> Exit:
        """End it: SIGTERM, and SIGKILL after ``grace`` seconds; SIGKILL at once when it is stopped and cannot listen.

        Without ``force`` (VIR_DOMAIN_DESTROY_GRACEFUL) there is no SIGKILL; raises ResourceBusy when it lives on.
        Raises ProcessFailure when not even SIGKILL ends it in time.
        """
        if not (force and self.is_stopped()):
            self.send_signal(signal.SIGTERM)
            if (ended := await self._wait_for(grace)) is not None:
                return ended
            if not force:
                raise ResourceBusy(f"process {self.pid} did not end within {grace:g} s of SIGTERM")
        self.send_signal(signal.SIGKILL)
        if (ended := await self._wait_for(KILL_GRACE)) is not None:
            return ended
        raise ProcessFailure(
            f"process {self.pid} did not end within {KILL_GRACE:g} s of SIGKILL", stderr=self.last_lines()
        )

    def is_stopped(self) -> bool:
        """Whether it is stopped (SIGSTOP, a debugger), so that it answers nobody."""
        stat = self._stat()
        return stat is not None and stat.state in _STOPPED

    def cpu_time(self) -> int:
        """CPU time used so far by all its threads, user and system, in nanoseconds; 0 when it has ended."""
        stat = self._stat()
        return 0 if stat is None else stat.cpu_time

    def last_lines(self, count: int = 10) -> str:
        """The last lines that it wrote to its log (not an earlier process's), for errors."""
        return last_lines(self.log, count, since=self._log_start)

    def release(self) -> None:
        """Stop watching; the process lives on, and its companions. Waiting callers are cancelled."""
        for companion in self.companions:
            companion.release()
        self._close()
        self._exited.cancel()

    def _stat(self) -> Stat | None:
        stat = read_stat(self.pid) if self._pidfd >= 0 else None
        return stat if stat is not None and stat.started == self.identity.started else None

    async def _wait_for(self, seconds: float) -> Exit | None:
        done, _ = await asyncio.wait((self._exited,), timeout=seconds)
        return self.exit if done else None

    def _ended(self) -> None:
        # The kernel may wait until all its threads are gone: such as have the idle scheduler take their time.
        burying = self._loop.run_in_executor(None, _bury, os.dup(self._pidfd))
        burying.add_done_callback(self._buried)
        self._close()

    def _buried(self, burying: asyncio.Future[Exit]) -> None:
        if not self._exited.done():
            self._exited.set_result(Exit() if burying.cancelled() else burying.result())

    def _close(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1


async def spawn(launch: Launch) -> Process:
    """Start a process in its own session, its output appended to ``launch.log`` after a line that tells time and argv.

    Raises SystemFailure when the log cannot be written or the program cannot be executed.
    """
    loop = asyncio.get_running_loop()
    opening = loop.run_in_executor(None, _open_log, launch)
    try:
        log, log_start = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_log)
        raise
    try:
        argv, directory = launch.argv, launch.directory
        pid = start(argv, subprocess.DEVNULL, log, log, launch.environment, directory, launch.fds, launch.files)
    finally:
        os.close(log)
    identity = Identity.of(pid)
    assert identity is not None  # an unreaped child keeps its entry in /proc
    return Process(identity, os.pidfd_open(pid), launch.log, log_start)


def adopt(identity: Identity, log: Path) -> Process | None:
    """Watch a process that an earlier daemon started, None when it is gone.

    Its exit status will not be known, unless it is a child of this very process (embedded mode, opened again).
    """
    try:
        pidfd = os.pidfd_open(identity.pid)
    except (ProcessLookupError, ValueError):
        return None
    except OSError as error:
        raise SystemFailure(f"cannot watch process {identity.pid}: {error.strerror}", errno=error.errno) from error
    # The pidfd came first: if the pid's start time is still ours now, it was ours when the pidfd was opened.
    if not identity.is_alive():
        os.close(pidfd)
        return None
    return Process(identity, pidfd, log)


def last_lines(log: Path, count: int = 10, *, since: int = 0) -> str:
    """The last ``count`` lines of a log from byte ``since`` on, without the final newline; empty when unreadable."""
    try:
        with open(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            # A log that was rotated meanwhile is shorter than it was.
            file.seek(max(since if since <= size else 0, size - TAIL_MAX))
            text = file.read(TAIL_MAX).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def read_stat(pid: int) -> Stat | None:
    """/proc/PID/stat, None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name, field 2, may hold blanks and parentheses; the last parenthesis ends it.
    fields = text[text.rindex(b")") + 2 :].split()
    return Stat(fields[0].decode(), int(fields[19]), (int(fields[11]) + int(fields[12])) * _NS_PER_TICK)


@functools.cache
def boot_id() -> str:
    """The kernel's identifier of this boot: start times of other boots mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _open_log(launch: Launch) -> tuple[int, int]:
    """Open the log and write the line that begins a run; the descriptor and where the process's own output begins."""
    try:
        log = os.open(launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SystemFailure(f"cannot write {launch.log}: {error.strerror}", errno=error.errno) from error
    try:
        os.write(log, _header(launch).encode(errors="surrogateescape"))
        return log, os.lseek(log, 0, os.SEEK_END)
    except OSError as error:
        os.close(log)
        raise SystemFailure(f"cannot write {launch.log}: {error.strerror}", errno=error.errno) from error


def _bury(pidfd: int) -> Exit:
    """How a process ended; it leaves no zombie. Blocks."""
    try:
        return reap(pidfd)
    finally:
        os.close(pidfd)


def _close_log(opening: asyncio.Future[tuple[int, int]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result()[0])


def _header(launch: Launch) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    environment = [f"{name}={value}" for name, value in launch.environment.items()]
    return f"{now} starting: {shlex.join([*environment, *launch.argv])}\n"
