"""Streams: bytes both ways between a client and a descriptor of the daemon's (a console's pseudo-terminal).

A stream is an actor between its connection and the descriptor. Whoever opens one (a domain) starts the actor and
answers the call with it; the connection then owns it. Neither direction buffers without bound: the stream stops
reading the descriptor while the connection cannot write, and tells the connection to stop reading its client while
the descriptor takes no more.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import Any

import pykka

from ...wire.errors import OperationAborted, OperationInvalid, VirtError
from ...wire.framing import STREAM_DATA_MAX
from ..foreign import translate
from ..runtime import LoopActor, Runtime, send

BACKLOG_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Attach:
    """To a stream: this connection is at your other end, and calls you ``serial``."""

    connection: pykka.ActorRef[Any]
    serial: int


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes, in either direction; ``serial`` names the stream."""

    serial: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Hole:
    """``length`` bytes of nothing, in either direction; only sparse streams have them."""

    serial: int
    length: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """From a stream: that was all, or with an error: it is broken. To a stream: the client aborted it, or is gone."""

    serial: int
    error: VirtError | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """To a stream: the client has said and had all; answered with Finished, or with the End of what went wrong."""

    serial: int


@dataclass(frozen=True, slots=True)
class Finished:
    """From a stream: all that the client sent is where it belongs."""

    serial: int


@dataclass(frozen=True, slots=True)
class Flow:
    """``go`` False: send me no more for now. To a stream from its connection, and the other way round."""

    serial: int
    go: bool


@dataclass(frozen=True, slots=True)
class Break:
    """To a stream from its owner: end now, telling the client why."""

    reason: str


class DescriptorStream(LoopActor):
    """A stream on a descriptor, which it takes over and closes.

    ``owner`` is told ``StreamClosed`` when it is over.
    """

    label = "stream"

    def __init__(self, runtime: Runtime, fd: int, owner: pykka.ActorRef[Any], name: str) -> None:
        super().__init__(runtime)
        os.set_blocking(fd, False)
        self.label = f"stream {name}"
        self._fd = fd
        self._owner = owner
        self._connection: pykka.ActorRef[Any] | None = None
        self._serial = 0
        self._backlog: deque[bytes] = deque()
        self._backlog_size = 0
        self._held = False
        self._reading = False
        self._told = False

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    def on_stop(self) -> None:
        if not self._told:
            send(self._connection, End(self._serial, OperationAborted(f"{self.label} was ended")))
        self._close()

    def _attach(self, message: Attach) -> None:
        self._connection, self._serial = message.connection, message.serial
        self._read(True)

    def _write(self, message: Data) -> None:
        if self._fd < 0:
            return
        if message.data:
            self._backlog.append(message.data)
        self._backlog_size += len(message.data)
        self._flush()

    def _no_holes(self, message: Hole) -> None:
        self._over(OperationInvalid("this stream has no holes"))

    def _flush(self) -> None:
        try:
            while self._backlog:
                chunk = self._backlog[0]
                written = os.write(self._fd, chunk)
                self._backlog_size -= written
                if written == len(chunk):
                    self._backlog.popleft()
                else:
                    self._backlog[0] = chunk[written:]
        except BlockingIOError:
            pass
        except OSError as error:
            self._over(translate(error))
            return
        self._watch_writable()

    def _watch_writable(self) -> None:
        if self._backlog:
            self.runtime.loop.add_writer(self._fd, self._flush)
        else:
            self.runtime.loop.remove_writer(self._fd)
        if self._held != (self._backlog_size > BACKLOG_MAX):
            self._held = not self._held
            send(self._connection, Flow(self._serial, go=not self._held))

    def _flow(self, message: Flow) -> None:
        if self._fd >= 0:
            self._read(message.go)

    def _read(self, wanted: bool) -> None:
        if wanted and not self._reading:
            self.runtime.loop.add_reader(self._fd, self._readable)
        elif not wanted and self._reading:
            self.runtime.loop.remove_reader(self._fd)
        self._reading = wanted

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, STREAM_DATA_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # A pseudo-terminal whose other end has closed says EIO where a pipe says end of file.
        if data:
            send(self._connection, Data(self._serial, data))
        else:
            self._over(None)

    def _end(self, message: End) -> None:
        self._told = True
        self._close()
        self.stop()

    def _finish(self, message: Finish) -> None:
        self._told = True
        self._close()
        send(self._connection, Finished(self._serial))
        self.stop()

    def _break(self, message: Break) -> None:
        self._over(OperationAborted(message.reason))

    def _over(self, error: VirtError | None) -> None:
        self._told = True
        send(self._connection, End(self._serial, error))
        self._close()
        self.stop()

    def _close(self) -> None:
        if self._fd < 0:
            return
        self.runtime.loop.remove_reader(self._fd)
        self.runtime.loop.remove_writer(self._fd)
        os.close(self._fd)
        self._fd = -1
        send(self._owner, StreamClosed(self.actor_ref))

    _HANDLERS = {Attach: _attach, Data: _write, Hole: _no_holes, Flow: _flow, Finish: _finish, End: _end, Break: _break}


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """A stream to its owner: my descriptor is closed."""

    stream: pykka.ActorRef[Any]
