"""Sockets of this machine: the link over a connected socket, and dialing unix sockets by their paths."""

from __future__ import annotations

import errno
import os
import select
import socket
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from os import sched_yield
from pathlib import Path
from time import monotonic

from ...wire.errors import AuthFailed, InvalidArgument, NoConnect
from ...wire.framing import DESCRIPTORS_MAX
from ...wire.lanes import Lane
from ..descriptors import Descriptors
from ..waiting import remaining

RECEIVE_SIZE = 65536
# How long a reader stays awake for an answer, in seconds, and how many answers are not waited for so after one that
# took longer.
LINGER_SECONDS = 100e-6
LINGER_PAUSE = 16
UNIX_PATH_MAX = 107
_NO_WAIT = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_DESCRIPTORS_ROOM = socket.CMSG_SPACE(DESCRIPTORS_MAX * array("i").itemsize)
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class SocketLink:
    """A connected stream socket as a connection uses it: sends never wait, one thread at a time receives.

    ``receive(n)`` waits for data and gives at most n bytes, none at the end. OSError tells that the link is broken.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._socket = sock
        self._interrupts: int | None = None
        self._polls: dict[tuple[bool, bool, bool], select.poll] = {}
        self._slow = 0
        self._lingering = self._make_poll(True, False, False).poll
        self.receive = sock.recv

    def send(self, data: bytes | memoryview) -> int:
        """Send what the kernel takes now; returns how many bytes that was."""
        try:
            return self._socket.send(data, _NO_WAIT)
        except BlockingIOError:
            return 0

    @property
    def carries_descriptors(self) -> bool:
        """Whether who is at the other end can be sent open files."""
        return self._socket.family == socket.AF_UNIX

    def send_descriptors(self, descriptors: Descriptors) -> bool:
        """Send descriptors, each with a byte; those that went are closed. Tells whether all did."""
        try:
            while descriptors:
                number = array("i", [descriptors.first])
                self._socket.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, number)], _NO_WAIT)
                descriptors.close_first()
        except BlockingIOError:
            return False
        return True

    def receive_into(self, descriptors: deque[int]) -> Callable[[int], bytes]:
        """A ``receive`` that puts the descriptors which come with the bytes there; the caller is to close them."""
        receive = self._socket.recvmsg

        def receive_with_descriptors(size: int) -> bytes:
            fetched: list[tuple[bytes, list[tuple[int, int, bytes]], int, object]] = []
            try:
                # In one step of C code: a signal's exception comes before or after it.
                fetched.extend(map(receive, (size,), (_DESCRIPTORS_ROOM,), (socket.MSG_CMSG_CLOEXEC,)))
                data, ancillary, _, _ = fetched[0]
                for level, kind, content in ancillary:
                    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                        numbers = array("i")
                        numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                        descriptors.extend(numbers)
                return data
            except BaseException:
                if fetched:  # It was interrupted: what it had is lost, and nothing may follow that.
                    self.shutdown()
                raise

        return receive_with_descriptors

    def wait(
        self, until: float | None, *, read: bool = True, write: bool = False, interruptible: bool = False
    ) -> tuple[bool, bool]:
        """Wait until the link is readable or writable, or ``until`` passed; tells which it is (both when broken).

        With ``interruptible`` another thread's ``interrupt`` ends the wait too, if ``make_interruptible`` came first.
        """
        # Kept, as making one costs more than the wait. One thread uses one at a time: those that read are the reader's,
        # the one that only writes is the sender's.
        poll = self._polls.get((read, write, interruptible)) or self._make_poll(read, write, interruptible)
        seconds = remaining(until)
        events = 0
        for descriptor, found in poll.poll(None if seconds is None else _milliseconds(seconds)):
            if descriptor == self._interrupts:
                self._drain_interrupts()
            else:
                events = found
        return bool(events & (select.POLLIN | _GONE)), bool(events & (select.POLLOUT | _GONE))

    def linger(self) -> None:
        """Wait a moment for data without sleeping: a quick daemon answers before a sleeper would be woken.

        Meanwhile others may have the processor. Where it was in vain, the next few are left out.
        """
        if self._slow:
            self._slow -= 1
            return
        poll = self._lingering
        until = monotonic() + LINGER_SECONDS
        while not poll(0):
            if monotonic() > until:
                self._slow = LINGER_PAUSE
                return
            sched_yield()

    def make_interruptible(self) -> None:
        """Let ``interrupt`` work from now on."""
        if self._interrupts is None:
            self._interrupts = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def interrupt(self) -> None:
        """End another thread's interruptible wait, or the next one."""
        if self._interrupts is not None:
            with suppress(OSError):
                os.eventfd_write(self._interrupts, 1)

    def why_ended(self, error: OSError | None = None) -> str:
        """Why nothing comes or goes any more: its end was read, or ``error`` was met. Asked once."""
        return "the other end closed it" if error is None else error.strerror or str(error)

    def shutdown(self) -> None:
        """End the link for both ends; a thread that waits in ``receive`` returns. The descriptor stays ours."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptors back; nobody may be using the link."""
        self._polls.clear()
        self._socket.close()
        if self._interrupts is not None:
            os.close(self._interrupts)
            self._interrupts = None

    def _make_poll(self, read: bool, write: bool, interruptible: bool) -> select.poll:
        poll = self._polls[read, write, interruptible] = select.poll()
        poll.register(self._socket, (select.POLLIN if read else 0) | (select.POLLOUT if write else 0))
        if interruptible and self._interrupts is not None:
            poll.register(self._interrupts, select.POLLIN)
        return poll

    def _drain_interrupts(self) -> None:
        if self._interrupts is not None:
            with suppress(BlockingIOError):
                os.eventfd_read(self._interrupts)


class UnixDialer:
    """Dials a unix socket by its path, however long that is; ``lane`` is what is spoken there, None where unknown."""

    keepalive = True

    def __init__(self, path: Path, lane: Lane | None = None) -> None:
        self.path = path
        self.lane = lane

    def dial(self) -> SocketLink:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short_path(self.path) as path:
                sock.connect(path)
        except OSError as error:
            sock.close()
            raise _refusal(self.path, error) from error
        except BaseException:
            sock.close()
            raise
        return SocketLink(sock)

    def release(self) -> None:
        """A path needs no giving back."""


class FirstDialer:
    """Dials the first of several sockets where somebody listens, and from then on that one.

    A session that was open at one daemon does not come to another by reconnecting: its guests are not there.
    """

    keepalive = True

    def __init__(self, dialers: Sequence[UnixDialer]) -> None:
        self.dialers = dialers
        self._found: UnixDialer | None = None

    @property
    def lane(self) -> Lane | None:
        return self._found.lane if self._found is not None else None

    def dial(self) -> SocketLink:
        if self._found is not None:
            return self._found.dial()
        refusals: list[NoConnect] = []
        for dialer in self.dialers:
            try:
                link = dialer.dial()
            except NoConnect as refusal:
                refusals.append(refusal)
            else:
                self._found = dialer
                return link
        raise refusals[0]

    def release(self) -> None:
        """Paths need no giving back."""


def _milliseconds(seconds: float) -> int:
    # Rounded up, so that a wait does not end before its time and turns around once more for nothing.
    return int(seconds * 1000) + 1 if seconds else 0


@contextmanager
def _short_path(path: Path) -> Iterator[str]:
    """A name for the socket that fits sockaddr_un: longer ones are reached through a descriptor of their folder."""
    if len(os.fsencode(path)) <= UNIX_PATH_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{folder}/{path.name}"
        if len(os.fsencode(short)) > UNIX_PATH_MAX:
            raise InvalidArgument(f"the socket's name is too long: {path.name}")
        yield short
    finally:
        os.close(folder)


def _refusal(path: Path, error: OSError) -> NoConnect | AuthFailed:
    if error.errno in (errno.EACCES, errno.EPERM):
        return AuthFailed(
            f"no permission to connect to {path}",
            errno=error.errno,
            hint="try readonly, or another user",
            object=str(path),
        )
    if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return NoConnect(f"no daemon listens at {path}", errno=error.errno, hint="start virtactord", object=str(path))
    return NoConnect(f"{path}: {error.strerror}", errno=error.errno, object=str(path))
