"""A unix socket that carries descriptors beside bytes.

The event loop's own transports read without room for descriptors, and the kernel closes what a reader has no room for.
Clients of libvirt's ask whether descriptors can be sent before they send any, so a connection begins with the loop's
transport, and takes this one in its place when it is asked. No other client pays for it.

Rejected: this transport for all unix sockets (a system call and a Python function more for each read).
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from ...wire.framing import DESCRIPTORS_MAX
from ..descriptors import close_all

READ_SIZE = 256 * 1024
HIGH, LOW = 64 * 1024, 16 * 1024
_ROOM = socket.CMSG_SPACE(DESCRIPTORS_MAX * array.array("i").itemsize)


class DescriptorProtocol(Protocol):
    """What is told of what happens: a connection's edge."""

    def received(self, data: bytes, descriptors: list[int]) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class DescriptorTransport:
    """Reads and writes a transport's socket in its place, with descriptors. The transport must have nothing to write.

    It is used as the transport was: ``write``, ``pause_reading``, ``resume_reading``, ``close``. Closing it closes the
    transport, which then tells the protocol that the connection is lost.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, protocol: DescriptorProtocol, reading: bool
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._protocol = protocol
        # The loop lets nobody else watch the descriptor of a transport: this is another one of the same socket.
        self._socket = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        self._out: deque[memoryview | int] = deque()
        self._size = 0
        self._paused = False
        self._reading = False
        self._closing = False
        if reading:
            transport.pause_reading()
            self.resume_reading()

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._size

    # -- reading -------------------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def resume_reading(self) -> None:
        if not self._reading and not self.is_closing():
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_SIZE, _ROOM, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, ancillary = b"", []
        descriptors = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        if data:
            self._protocol.received(data, descriptors.tolist())
        else:
            self.abort()

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write bytes, after what was written before."""
        if not self.is_closing():
            self._out.append(memoryview(data))
            self._size += len(data)
            self._send()

    def write_descriptors(self, descriptors: Sequence[int]) -> None:
        """Send descriptors, each with a byte, after what was written before; takes them over."""
        if self.is_closing():
            close_all(descriptors)
            return
        self._out.extend(descriptors)
        self._send()

    def _send(self) -> None:
        try:
            while self._out:
                self._send_one(self._out[0])
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._socket.fileno(), self._send)
        except OSError:
            self.abort()
            return
        else:
            self._loop.remove_writer(self._socket.fileno())
            if self._closing:
                self.abort()
                return
        self._pace()

    def _send_one(self, piece: memoryview | int) -> None:
        if isinstance(piece, int):
            socket.send_fds(self._socket, [b"\0"], [piece])
            self._out.popleft()
            os.close(piece)
            return
        sent = self._socket.send(piece)
        self._size -= sent
        if sent == len(piece):
            self._out.popleft()
        else:
            self._out[0] = piece[sent:]

    def _pace(self) -> None:
        if not self._paused and self._size > HIGH:
            self._paused = True
            self._protocol.pause_writing()
        elif self._paused and self._size <= LOW:
            self._paused = False
            self._protocol.resume_writing()

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close when all is written."""
        self.pause_reading()
        self._closing = True
        if not self._out:
            self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        if self._socket.fileno() < 0:
            return
        self.pause_reading()
        self._loop.remove_writer(self._socket.fileno())
        close_all([piece for piece in self._out if isinstance(piece, int)])
        self._out.clear()
        self._socket.close()
        self._transport.close()
