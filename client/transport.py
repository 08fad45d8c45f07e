"""Ways to a daemon: connected sockets, and the Link that a connection uses one through.

A dialer knows how to get a Link to one daemon, again and again (reconnecting dials anew). ``UnixDialer`` is here, the
in-process one in embedded.py; tcp, tls and ssh are further dialers, chosen in address.py, whose links need only the
methods of SocketLink.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ..wire.errors import AuthFailed, InvalidArgument, NoConnect
from .waiting import remaining

RECEIVE_SIZE = 65536
UNIX_PATH_MAX = 107
_NO_WAIT = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Dialer(Protocol):
    """Makes links to one daemon."""

    @property
    def keepalive(self) -> bool:
        """Whether the peer can be silent for another reason than having nothing to say."""
        ...

    def dial(self) -> SocketLink:
        """A new link. Raises NoConnect or AuthFailed."""
        ...

    def release(self) -> None:
        """Give back what dialing needed; called once, at the end."""
        ...


class SocketLink:
    """A connected stream socket as a connection uses it: sends never wait, one thread at a time receives.

    ``receive(n)`` waits for data and gives at most n bytes, none at the end. OSError tells that the link is broken.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._socket = sock
        self._interrupts: int | None = None
        self._polls: dict[tuple[bool, bool, bool], select.poll] = {}
        self.receive = sock.recv

    def send(self, data: bytes | memoryview) -> int:
        """Send what the kernel takes now; returns how many bytes that was."""
        try:
            return self._socket.send(data, _NO_WAIT)
        except BlockingIOError:
            return 0

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

    def make_interruptible(self) -> None:
        """Let ``interrupt`` work from now on."""
        if self._interrupts is None:
            self._interrupts = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def interrupt(self) -> None:
        """End another thread's interruptible wait, or the next one."""
        if self._interrupts is not None:
            with suppress(OSError):
                os.eventfd_write(self._interrupts, 1)

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
    """Dials a unix socket by its path, however long that is."""

    keepalive = True

    def __init__(self, path: Path) -> None:
        self.path = path

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
