"""Streams: raw bytes both ways beside the calls of a connection, and the console that is one.

A stream has its opening call's serial. The connection's reader puts what comes into the stream's inbox; any thread
takes it out, and is the connection's reader while it waits. Both ends may finish: after the other's finish ``read``
gives ``b""``, and ``close`` answers with ours. A sparse stream has holes besides data: runs of zeros that are told by
their length.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wire.errors import OperationAborted, OperationInvalid, OperationTimeout, VirtError, error_from_wire
from ..wire.framing import STREAM_DATA_MAX, Packet, PacketType, Status, decode_hole, encode_hole
from ..wire.lanes import lane_of
from .closing import Closing
from .waiting import Inbox

if TYPE_CHECKING:
    from ..wire.table import Row
    from .connection import Connection

CLOSE_SECONDS = 5.0


class Hole(NamedTuple):
    """So many bytes of a sparse stream that are zero and were not sent."""

    length: int


class Stream:
    """One open stream (virStreamRecv, virStreamSend, virStreamFinish, virStreamAbort).

    Safe for one thread that reads and another that writes.
    """

    def __init__(self, connection: Connection, row: Row, serial: int) -> None:
        self._connection = connection
        self._row = row
        self._serial = serial
        # What the opening call answered, beside the stream.
        self.result: tuple[Any, ...] = ()
        self._inbox: Inbox[Packet] = Inbox()
        self._rest = b""
        self._hole = 0
        self._at_end = False
        self._sent_finish = False
        self._got_finish = False
        self._error: VirtError | None = None

    def deliver(self, packet: Packet) -> None:
        """Take a packet of this stream; called by the connection's reader."""
        self._inbox.put(packet)

    @property
    def is_open(self) -> bool:
        """Whether neither end has finished or aborted it, as far as was read."""
        return not (self._at_end or self._sent_finish or self._error)

    def read(self, size: int = -1, *, timeout: float | None = None) -> bytes:
        """The next bytes, at most ``size``, as they came; ``b""`` after the other end has finished. Holes are zeros.

        Waits for at most ``timeout`` seconds, then raises OperationTimeout. Raises what the daemon aborted the stream
        with, OperationInvalid after :meth:`close`, ConnectionLost.
        """
        data = self._rest
        if not data:
            data = self._next_bytes(None if timeout is None else time.monotonic() + timeout)
        if size < 0:
            self._rest = b""
            return data
        self._rest = data[size:]
        return data[:size]

    def receive(self, *, timeout: float | None = None) -> bytes | Hole:
        """The next bytes or hole, as they came; ``b""`` after the other end has finished (virStreamRecvHole).

        Raises as :meth:`read` does.
        """
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        if self._hole:
            hole, self._hole = Hole(self._hole), 0
            return hole
        return self._next_data(None if timeout is None else time.monotonic() + timeout)

    def write(self, data: bytes, *, timeout: float | None = None) -> None:
        """Send all of ``data``; waits while the daemon takes no more, for at most ``timeout`` seconds.

        Raises OperationTimeout (how much was sent is unknown), OperationInvalid after :meth:`close` or the other end's
        finish, ConnectionLost.
        """
        self._check_open()
        until = None if timeout is None else time.monotonic() + timeout
        for at in range(0, len(data), STREAM_DATA_MAX):
            self._send(Status.CONTINUE, data[at : at + STREAM_DATA_MAX], until)

    def write_hole(self, length: int, *, timeout: float | None = None) -> None:
        """Send so many bytes of zeros as a hole, where the stream is sparse (virStreamSendHole); see :meth:`write`."""
        self._check_open()
        until = None if timeout is None else time.monotonic() + timeout
        self._send(Status.CONTINUE, encode_hole(length), until, PacketType.STREAM_HOLE)

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if not self.is_open:
            raise OperationInvalid("the stream is closed")

    def finish(self, *, timeout: float | None = CLOSE_SECONDS) -> None:
        """End the stream in order (virStreamFinish); unread data is lost.

        Waits until the other end has agreed, unless it was that which finished first.
        """
        if self._error is not None or self._sent_finish:
            return
        until = None if timeout is None else time.monotonic() + timeout
        self._sent_finish = True
        try:
            self._send(Status.OK, b"", until)
            while not self._at_end:
                self._take(until)
        finally:
            self._forget()

    def abort(self) -> None:
        """End the stream at once, in disorder (virStreamAbort)."""
        if self._error is None and not self._got_finish:
            self._error = OperationAborted("the stream was aborted")
            try:
                self._send(Status.ERROR, b"", time.monotonic() + CLOSE_SECONDS)
            finally:
                self._forget()

    def _next_bytes(self, until: float | None) -> bytes:
        if not self._hole:
            data = self._next_data(until)
            if not isinstance(data, Hole):
                return data
            self._hole = data.length
        length = min(self._hole, STREAM_DATA_MAX)
        self._hole -= length
        return bytes(length)

    def _next_data(self, until: float | None) -> bytes | Hole:
        while not self._at_end:
            if self._error is not None:
                raise self._error
            if self._sent_finish:
                raise OperationInvalid("the stream is closed")
            data = self._take(until)
            if data:
                return data
        return b""

    def _take(self, until: float | None) -> bytes | Hole:
        packet = self._inbox.take(self._connection, until)
        if packet is None:
            raise OperationTimeout("nothing came over the stream")
        if packet.type == PacketType.STREAM_HOLE:
            length, _ = decode_hole(packet.payload)
            return Hole(length) if length else self._take(until)
        if packet.status == Status.CONTINUE:
            if not packet.payload:
                self._at_end = True
            return packet.payload
        if packet.status == Status.OK:
            self._take_finish()
            return b""
        self._error = error_from_wire(lane_of(packet.program).decode_error(packet.payload))
        self._forget()
        raise self._error

    def _take_finish(self) -> None:
        self._at_end = self._got_finish = True
        if not self._sent_finish:
            self._sent_finish = True
            self._send(Status.OK, b"", None)
        self._forget()

    def _send(self, status: Status, data: bytes, until: float | None, type: PacketType = PacketType.STREAM) -> None:
        self._connection.send_packet(self._row, type, self._serial, status, data, until)

    def _forget(self) -> None:
        self._connection.forget_stream(self._serial)


class Console(Closing):
    """A guest's console: a context manager to read from and write to; iterating it gives lines."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""

    def __iter__(self) -> Iterator[str]:
        return self.lines()

    @property
    def is_open(self) -> bool:
        return self._stream.is_open

    def read(self, size: int = -1, *, timeout: float | None = None) -> bytes:
        """The next bytes, see :meth:`Stream.read`; ``b""`` when the guest is gone."""
        return self._stream.read(size, timeout=timeout)

    def write(self, data: bytes | str, *, timeout: float | None = None) -> None:
        """Type ``data`` (text as UTF-8) at the console, see :meth:`Stream.write`."""
        self._stream.write(data.encode() if isinstance(data, str) else data, timeout=timeout)

    def lines(self, *, timeout: float | None = None) -> Iterator[str]:
        """Lines as they are complete, without their ends; what is no UTF-8 is replaced.

        Ends when the guest is gone. Raises OperationTimeout when no line was completed for ``timeout`` seconds.
        """
        while True:
            until = None if timeout is None else time.monotonic() + timeout
            while "\n" not in self._text:
                if not self._fill(until):
                    rest, self._text = self._text, ""
                    if rest:
                        yield rest
                    return
            line, _, self._text = self._text.partition("\n")
            yield line.rstrip("\r")

    def wait_for(self, text: str, *, timeout: float | None = None) -> str:
        """Read until ``text`` has come; give all up to its end. For boot lines and prompts.

        Raises OperationTimeout, with what was said last, after ``timeout`` seconds in all, OperationInvalid when the
        guest is gone before it.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while text not in self._text:
            try:
                more = self._fill(until)
            except OperationTimeout as error:
                raise OperationTimeout(f"'{text}' did not come in {timeout:g} s; {self._last_words()}") from error
            if not more:
                raise OperationInvalid(f"the console ended before '{text}' came; {self._last_words()}")
        head, found, self._text = self._text.partition(text)
        return head + found

    def close(self) -> None:
        """End the stream; one that is already broken or aborted is no error. Closing twice does nothing."""
        with suppress(VirtError):
            self._stream.finish()

    def _last_words(self) -> str:
        lines = self._text.split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"its last line was '{said}'" if said else "it said nothing"

    def _fill(self, until: float | None) -> bool:
        data = self._stream.read(timeout=None if until is None else max(0.0, until - time.monotonic()))
        self._text += self._decoder.decode(data, final=not data)
        return bool(data)
