"""The one place that starts programs.

Rules

- No shell: a program and its arguments. It sees LC_ALL=C, the variables of ``INHERITED`` that the daemon has, and what
  the caller adds. It has its standard descriptors and those that it was given, no others, and a session of its own.
- ``run`` waits for a program that does one thing and ends. It has a deadline, and at most so much output; past either,
  it and what it started in its session's group are killed. It is killed when the waiting job is cancelled, and when
  the daemon dies (where setpriv is installed), so that a new daemon never works beside a command of the old one.
- What goes wrong is a ProcessFailure with the last lines that the program said.

Rejected: asyncio's subprocess. Its child watcher of Python 3.11 is a thread per process or SIGCHLD, which belongs to
the application in embedded mode; here the exit is a pidfd that becomes readable. What a program is to read comes from
a file in memory, so nobody has to feed it while it writes.

Guests' QEMUs, which outlive the daemon, are started by drivers/qemu/process.py, with ``start`` and ``environment``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..wire.errors import ProcessFailure, SystemFailure

# What a program sees of the daemon's environment, beside LC_ALL=C.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

DEADLINE = 30.0  # seconds
OUTPUT_MAX = 16 * 1024 * 1024  # bytes of standard output
SAID_MAX = 64 * 1024  # bytes kept of the end of what it says on standard error
SAID_LINES = 10
FIRST_FILE = 3
# Gives a program its files' numbers, and becomes it: nothing but Popen's vfork stands between the daemon and the new
# process, and that keeps numbers. It leaves the signals that Python ignores as a program expects them.
_RENUMBER = f"""
import os, signal, sys
files = [int(number) for number in sys.argv[1].split(",")]
for number, file in enumerate(files, {FIRST_FILE}):
    os.dup2(file, number)
    os.close(file)
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""
KILL_GRACE = 30.0  # seconds for a SIGKILL to take effect; longer means D state, or a host that is very busy
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: ``code`` or ``signal``; both None for one whose status somebody else took."""

    code: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        if self.signal is not None:
            return f"killed by {_signal_name(self.signal)}"
        return "ended" if self.code is None else f"exited with status {self.code}"


@dataclass(frozen=True, slots=True)
class Output:
    """What a command that succeeded wrote, and its status, which is one of those that the caller took for success."""

    stdout: bytes
    stderr: str
    status: int = 0

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


async def run(
    argv: Sequence[str],
    *,
    deadline: float = DEADLINE,
    input: bytes = b"",
    stdin: int | None = None,
    stdout: int | None = None,
    fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    directory: Path = Path("/"),
    output_max: int = OUTPUT_MAX,
    success: Sequence[int] = (0,),
) -> Output:
    """Run a program to its end, within ``deadline`` seconds.

    It reads ``input``, or from a descriptor ``stdin``; what it writes is in the result, unless it has ``stdout`` to
    write to. Raises SystemFailure when it cannot be executed, and ProcessFailure (``stderr``) when it ends with a
    status that is not in ``success`` or by a signal, takes too long or writes more than ``output_max`` bytes.
    """
    added = dict(environment or {})
    known = allowed_environment(**added)
    if shutil.which(argv[0], path=known["PATH"]) is None:
        raise SystemFailure(f"cannot start {argv[0]}: there is no such program", errno=2)
    with contextlib.ExitStack() as opened:
        command = _Command(argv[0], output_max, opened)
        source = subprocess.DEVNULL if stdin is None else stdin
        if input:
            source = _memory_file(input, opened)
        written, stderr = (command.pipe(opened) for _ in range(2))
        with contextlib.ExitStack() as theirs:
            for end in (written, stderr):
                theirs.callback(os.close, end)
            target = written if stdout is None else stdout
            pid = start(mortal(argv), source, target, stderr, known, directory, fds)
        return await command.result(pid, deadline, success)


def start(
    argv: Sequence[str],
    stdin: int,
    stdout: int,
    stderr: int,
    environment: Mapping[str, str],
    directory: Path = Path("/"),
    fds: Sequence[int] = (),
    files: Sequence[int] = (),
) -> int:
    """Start a program in its own session; its pid, a child that the caller reaps. Raises SystemFailure.

    It gets the three descriptors as 0-2, ``fds`` under the same numbers and ``files`` from 3 on in their order, no
    others. The numbers that it is not to keep must be above those that it is to have.
    """
    if files:
        numbers = ",".join(map(str, files))
        argv = [sys.executable, "-I", "-S", "-c", _RENUMBER, numbers, *argv]
    try:
        child = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=directory,
            pass_fds=(*fds, *files),
            start_new_session=True,
        )
    except OSError as error:
        raise SystemFailure(f"cannot start {argv[0]}: {error.strerror}", errno=error.errno) from error
    # Whoever watches the pidfd reaps the child; without this Popen would warn when it goes out of sight.
    child.returncode = 0
    return child.pid


def allowed_environment(**extra: str) -> dict[str, str]:
    """What a program may know: LC_ALL=C, the names of INHERITED that the daemon has, and ``extra``."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"LC_ALL": "C", "PATH": DEFAULT_PATH, **inherited, **extra}


def mortal(argv: Sequence[str]) -> list[str]:
    """The command as one that the kernel kills when the thread that starts it ends: for what is no guest.

    It needs setpriv (util-linux); without it the command is given back as it is.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *argv] if setpriv is not None else list(argv)


def reap(pidfd: int) -> Exit:
    """How a process ended whose pidfd is readable; it leaves no zombie."""
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return Exit()
    if ended is None:
        return Exit()
    return Exit(code=ended.si_status) if ended.si_code == os.CLD_EXITED else Exit(signal=ended.si_status)


class _Command:
    """A program that is running: what it has written so far, and how it ends."""

    def __init__(self, program: str, output_max: int, opened: contextlib.ExitStack) -> None:
        self._program = program
        self._output_max = output_max
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._written = (bytearray(), bytearray())
        self._ends: list[int] = []
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._too_much = False

    def pipe(self, opened: contextlib.ExitStack) -> int:
        """A pipe that is read from now on; the end for the program, which the caller closes."""
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        opened.callback(os.close, ours)
        os.set_blocking(ours, False)
        which = len(self._ends)
        self._ends.append(ours)
        self._loop.add_reader(ours, self._read, which)
        opened.callback(self._loop.remove_reader, ours)
        return theirs

    async def result(self, pid: int, deadline: float, success: Sequence[int]) -> Output:
        pidfd = os.pidfd_open(pid)
        self._opened.callback(os.close, pidfd)
        self._loop.add_reader(pidfd, self._ended)
        self._opened.callback(self._loop.remove_reader, pidfd)
        try:
            await asyncio.wait((self._over,), timeout=deadline)
        finally:
            late = not self._readable(pidfd)
            # Before it is reaped its pid, and so its group, cannot be another's.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if late:
                    os.killpg(pid, signal.SIGKILL)
            ended = await asyncio.shield(self._reaped(pidfd))
        return self._judge(ended, late, deadline, success)

    def _judge(self, ended: Exit, late: bool, deadline: float, success: Sequence[int]) -> Output:
        for which in range(len(self._ends)):
            self._read(which)
        said = _tail(self._written[1])
        if self._too_much:
            raise ProcessFailure(f"{self._program} wrote more than {self._output_max} bytes", stderr=said)
        if late:
            raise ProcessFailure(f"{self._program} did not end within {deadline:g} s", stderr=said)
        if ended.code not in success:
            last = said.rpartition("\n")[2] or "it said nothing"
            raise ProcessFailure(f"{self._program} {ended}: {last}", stderr=said)
        return Output(bytes(self._written[0]), said, ended.code or 0)

    async def _reaped(self, pidfd: int) -> Exit:
        if not self._over.done() or not self._readable(pidfd):
            self._over = self._loop.create_future()
            await asyncio.wait((self._over,), timeout=KILL_GRACE)
        return reap(pidfd)

    def _readable(self, pidfd: int) -> bool:
        """Whether the process has ended."""
        return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _ended(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _read(self, which: int) -> None:
        """Take what is in a pipe now. What the program's own children may write later is not waited for."""
        try:
            while data := os.read(self._ends[which], _CHUNK):
                self._written[which].extend(data)
                if which == 1:
                    del self._written[1][:-SAID_MAX]
                elif len(self._written[0]) > self._output_max:
                    self._too_much = True
                    self._ended()
                    break
        except BlockingIOError:
            return
        self._loop.remove_reader(self._ends[which])


def _memory_file(data: bytes, opened: contextlib.ExitStack) -> int:
    fd = os.memfd_create("virtactor-input", os.MFD_CLOEXEC)
    opened.callback(os.close, fd)
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _tail(said: bytearray) -> str:
    return "\n".join(said.decode(errors="replace").splitlines()[-SAID_LINES:])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
