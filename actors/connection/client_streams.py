"""The streams that one client has open: its packets to the stream's actor, and what that says back into packets.

A stream has the serial of the call that opened it. It is over when the client has finished it and was told so, when
either end has broken it off, or when the client is gone; the end of what a stream has to say is not its end. Packets
for a stream that is over were under way when it ended, and are dropped.
"""

from __future__ import annotations

from typing import Any

import pykka

from ...wire.errors import OperationInvalid, ProtocolError, VirtError
from ...wire.framing import Packet, PacketType, Status, decode_hole, encode_hole
from ...wire.lanes import Lane
from ...wire.table import Row
from ..call import Call
from ..runtime import send
from .link import Link
from .streams import Attach, Data, End, Finish, Finished, Flow, Hole

_STREAM, _STREAM_HOLE = int(PacketType.STREAM), int(PacketType.STREAM_HOLE)
_OK, _ERROR, _CONTINUE = int(Status.OK), int(Status.ERROR), int(Status.CONTINUE)


class OpenStream:
    """One stream of a client's; ``actor`` is None when it has said all that it had to say."""

    __slots__ = ("actor", "finishing", "lane", "number", "program", "serial")

    def __init__(self, call: Call, actor: pykka.ActorRef[Any]) -> None:
        row: Row = call.row
        self.lane: Lane = call.lane
        self.program = self.lane.program_of(row)
        self.number = row.number
        self.serial = call.serial
        self.actor: pykka.ActorRef[Any] | None = actor
        self.finishing = False


class ClientStreams(Link):
    """The part of a connection that is about streams."""

    _streams: dict[int, OpenStream]

    def _adopt_stream(self, call: Call, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        actor, *rest = fields
        if (older := self._streams.get(call.serial)) is not None:
            self._break_stream(older, OperationInvalid("another stream has this serial"))
        self._streams[call.serial] = OpenStream(call, actor)
        send(actor, Attach(self.actor_ref, call.serial))
        if not self._writable:
            send(actor, Flow(call.serial, go=False))
        return tuple(rest)

    def _disown_stream(self, serial: int) -> None:
        """The answer to the call that opened a stream could not be sent: the client knows of none."""
        stream = self._streams.get(serial)
        if stream is not None:
            send(stream.actor, End(serial))
            self._forget_stream(serial)

    def _end_streams(self) -> None:
        for stream in self._streams.values():
            send(stream.actor, End(stream.serial))

    def _pace_streams(self, go: bool) -> None:
        for stream in self._streams.values():
            send(stream.actor, Flow(stream.serial, go))

    # -- from the client -----------------------------------------------------------------------------------------------

    def _stream_packet(self, packet: Packet) -> None:
        stream = self._streams.get(packet.serial)
        if stream is None or (packet.procedure, packet.program) != (stream.number, stream.program):
            return
        if packet.status == _CONTINUE:
            self._take_content(stream, packet)
        elif packet.status == _OK:
            self._finish_stream(stream)
        else:
            self._abort_stream(stream, packet.status)

    def _take_content(self, stream: OpenStream, packet: Packet) -> None:
        if stream.finishing:
            return
        if packet.type == _STREAM:
            send(stream.actor, Data(packet.serial, packet.payload))
            return
        try:
            length, flags = decode_hole(packet.payload)
        except ProtocolError as error:
            self._break_stream(stream, error)
        else:
            send(stream.actor, Hole(packet.serial, length, flags))

    def _finish_stream(self, stream: OpenStream) -> None:
        if stream.finishing:
            return
        stream.finishing = True
        if not send(stream.actor, Finish(stream.serial)):
            self._stream_finished(Finished(stream.serial))

    def _abort_stream(self, stream: OpenStream, status: int) -> None:
        send(stream.actor, End(stream.serial))
        if status == _ERROR:
            self._say(stream, _OK)
            self._forget_stream(stream.serial)
        else:
            self._stream_end(End(stream.serial, ProtocolError(f"unexpected status {status} of a stream")))

    def _break_stream(self, stream: OpenStream, error: VirtError) -> None:
        send(stream.actor, End(stream.serial))
        self._stream_end(End(stream.serial, error))

    # -- to the client -------------------------------------------------------------------------------------------------

    def _say(self, stream: OpenStream, status: int, payload: bytes = b"", type: int = _STREAM) -> None:
        self.send_packet(stream.program, stream.number, type, stream.serial, status, payload)

    def _stream_data(self, message: Data) -> None:
        if (stream := self._streams.get(message.serial)) is not None and not stream.finishing:
            self._say(stream, _CONTINUE, message.data)

    def _stream_hole(self, message: Hole) -> None:
        if (stream := self._streams.get(message.serial)) is not None and not stream.finishing:
            self._say(stream, _CONTINUE, encode_hole(message.length, message.flags), _STREAM_HOLE)

    def _stream_finished(self, message: Finished) -> None:
        if (stream := self._streams.get(message.serial)) is not None:
            self._say(stream, _OK)
            self._forget_stream(message.serial)

    def _stream_end(self, message: End) -> None:
        stream = self._streams.get(message.serial)
        if stream is None:
            return
        if message.error is not None:
            self._say(stream, _ERROR, stream.lane.encode_error(message.error, None))
            self._forget_stream(message.serial)
            return
        stream.actor = None
        if stream.finishing:
            self._stream_finished(Finished(message.serial))
        else:
            self._stream_released(message.serial)
            self._say(stream, _CONTINUE)

    def _forget_stream(self, serial: int) -> None:
        del self._streams[serial]
        self._stream_released(serial)

    def _stream_flow(self, message: Flow) -> None:
        if message.go:
            self._stream_released(message.serial)
        elif message.serial in self._streams:
            self._full_streams.add(message.serial)
            self._pace()

    def _stream_released(self, serial: int) -> None:
        if serial in self._full_streams:
            self._full_streams.discard(serial)
            self._pace()

    STREAM_HANDLERS: dict[type, Any] = {
        Data: _stream_data,
        Hole: _stream_hole,
        End: _stream_end,
        Finished: _stream_finished,
        Flow: _stream_flow,
    }
