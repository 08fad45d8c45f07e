"""One client's connection: packets in, calls to the router, answers, events and stream data out.

The connection owns the session. It decodes what comes in and serialises what goes out; it knows rows, not what they
mean. Calls beyond the client's limit wait here. A client that fills even that queue, or does not read what it is
sent, is not read from until that changes: nothing is dropped. Keepalive messages count against no limit.

What goes out is collected and written when all mail is handled, so a client that pipelines its calls gets its answers
in few writes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any, cast

import pykka

from ...wire import pack
from ...wire.errors import InternalError, NotSupported, OperationInvalid, ProtocolError, VirtError
from ...wire.framing import Packet, PacketReader, PacketType, Status, encode_packet
from ...wire.table import (
    EXTENSION_PROGRAM,
    KEEPALIVE_PROGRAM,
    MSGPACK_BIT,
    PROGRAM_VERSION,
    ROWS,
    Kind,
    Row,
    row_of,
)
from ...wire.uri import ConnectURI
from ..call import Call, Failure, Reply, Trace
from ..config import Config
from ..drivers.domain import DestroyWithSession, SessionClosed
from ..events import Delivery, Replay, Replayed, Subscribe, Subscribed, Unsubscribe
from ..router import CloseDriver, DriverOpened, OpenDriver
from ..runtime import LoopActor, Runtime, send
from .keepalive import Keepalive
from .session import Identity, Session
from .streams import Attach, Data, End, Flow

logger = logging.getLogger("virtactor.connection")

# How many calls beyond the limit of those under way wait here before the client is not read from any more.
WAITING_MAX = 4096
# Looked up once: Python 3.11 finds a member of an enumeration by a Python function.
_CALL, _REPLY, _OK, _MESSAGE = int(PacketType.CALL), int(PacketType.REPLY), int(Status.OK), Kind.MESSAGE
_EVENT = ROWS["event"]
_EVENTS_MISSED = ROWS["events_missed"]
_PEER_CREDENTIALS = struct.Struct("3i")


class Opened:
    """The edge told the connection: here is your transport."""

    __slots__ = ("transport",)

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport


class Closed:
    """The edge told the connection: the transport is gone."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection to its listener: I am gone."""

    number: int


class Writable:
    """The edge told the connection: the transport's buffer is (not) full."""

    __slots__ = ("now",)

    def __init__(self, now: bool) -> None:
        self.now = now


class Packets:
    """Packets that came in one read; ``error`` when nothing sensible can follow them."""

    __slots__ = ("error", "packets")

    def __init__(self, packets: list[Packet], error: ProtocolError | None) -> None:
        self.packets = packets
        self.error = error


class Edge(asyncio.Protocol):
    """Where the event loop ends and the actors begin: turns a transport's callbacks into messages to its connection."""

    def __init__(self, runtime: Runtime, connection: pykka.ActorRef[Connection]) -> None:
        self._runtime = runtime
        self._connection = connection
        self._reader = PacketReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        connected = cast("asyncio.Transport", transport)
        if not send(self._connection, Opened(connected)):
            connected.close()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        packets = reader.feed(data)
        if packets or reader.error is not None:
            self._runtime.deliver(self._connection, Packets(packets, reader.error))

    def pause_writing(self) -> None:
        send(self._connection, Writable(False))

    def resume_writing(self) -> None:
        send(self._connection, Writable(True))

    def connection_lost(self, exc: Exception | None) -> None:
        send(self._connection, Closed())


class Connection(LoopActor):
    """One client."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        listener: pykka.ActorRef[Any],
        router: pykka.ActorRef[Any],
        config: Config,
        readonly: bool,
    ) -> None:
        super().__init__(runtime)
        self._number = number
        self._listener = listener
        self.label = f"client {number}"
        self.session = Session(self.actor_ref, self.label, readonly=readonly)
        self._router = router
        self._limits = config.limits
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._under_way = 0
        self._waiting: deque[Call] = deque()
        self._closing = False
        self._writable = True
        self._reading = True
        self._streams: dict[int, tuple[Row, pykka.ActorRef[Any]]] = {}
        self._full_streams: set[int] = set()
        self._destroy_with_me: dict[str, pykka.ActorRef[Any]] = {}
        self._subscribed = False
        self._behind = False
        self._sequence = 0
        self._keepalive = Keepalive(
            runtime.loop, config.keepalive, self._send_keepalive, self._peer_is_silent, self._hears_nothing
        )

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    # -- the transport -------------------------------------------------------------------------------------------------

    def _opened(self, message: Opened) -> None:
        self._transport = message.transport
        self.session.identity = _peer_identity(message.transport)
        logger.debug("%s: connected, %s", self.label, self.session.identity)

    def _closed(self, message: Closed) -> None:
        logger.debug("%s: disconnected", self.label)
        self.stop()

    def on_stop(self) -> None:
        self._keepalive.stop()
        send(self._listener, Disconnected(self._number))
        for _, stream in self._streams.values():
            send(stream, End(0))
        for domain in self._destroy_with_me.values():
            send(domain, SessionClosed(self.label))
        driver = self.session.driver
        if driver is not None:
            send(driver.events, Unsubscribe(self.actor_ref))
        send(self._router, CloseDriver(self.actor_ref))
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def _send(self, row: Row, type: int, serial: int, status: int, payload: bytes) -> None:
        packet = encode_packet(row.msgpack_program, PROGRAM_VERSION, row.number, type, serial, status, payload)
        self._write(packet)

    def _write(self, packet: bytes) -> None:
        if not self._out:
            self.runtime.when_drained(self._flush)
        self._out.append(packet)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is None or self._transport.is_closing():
            return
        if len(out) == 1:
            self._transport.write(out[0])
        elif out:
            self._transport.write(b"".join(out))
        if self._closing and not self._under_way:
            self._transport.close()

    def _writable_changed(self, message: Writable) -> None:
        self._writable = message.now
        for serial, (_, stream) in self._streams.items():
            send(stream, Flow(serial, message.now))
        if message.now and self._behind and self.session.driver is not None:
            send(self.session.driver.events, Replay(self.actor_ref, self._sequence))
        self._pace()

    def _pace(self) -> None:
        """Read from the client, or do not, by what it has under way and what it takes."""
        too_much = len(self._waiting) >= WAITING_MAX or self._full_streams
        wanted = self._writable and not too_much and not self._closing
        if wanted == self._reading or self._transport is None or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # -- what comes in -------------------------------------------------------------------------------------------------

    def _packets(self, message: Packets) -> None:
        self._keepalive.heard()
        for packet in message.packets:
            if self._closing:
                return
            if packet.program == KEEPALIVE_PROGRAM:
                self._keepalive.received(packet.procedure)
            elif packet.type == _CALL:
                self._call(packet)
            elif packet.type == PacketType.STREAM:
                self._stream_packet(packet)
            else:
                self._refuse(packet, ProtocolError(f"packets of type {packet.type} do not go to a daemon"))
        if message.error is not None:
            self._break_off(message.error)

    def _call(self, packet: Packet) -> None:
        row = row_of(packet.program, packet.procedure)
        if row is None or row.kind is _MESSAGE or not packet.program & MSGPACK_BIT:
            self._refuse(packet, _unknown(packet))
            return
        if packet.version != PROGRAM_VERSION or packet.status != _OK:
            self._refuse(packet, ProtocolError(f"version {packet.version} or status {packet.status} of a call"))
            return
        try:
            args, options = pack.codec(row).decode_args(packet.payload)
            call = self._make_call(row, args, packet.serial, options)
        except ProtocolError as error:
            self._refuse(packet, error)
            self._break_off(error)
            return
        if self._under_way >= self._limits.calls_per_client:
            self._waiting.append(call)
            self._pace()
            return
        self._under_way += 1
        self._router.tell(call)

    def _make_call(self, row: Row, args: tuple[Any, ...], serial: int, options: pack.Extras) -> Call:
        call = Call(row, args, self.session, serial)
        call.patience = self._limits.deadline
        if options:
            wanted = options.get("deadline", call.patience)
            if not isinstance(wanted, int | float) or not wanted > 0:
                raise ProtocolError(f"{row.name}: a deadline is a positive number of seconds")
            call.patience = min(float(wanted), self._limits.deadline_max)
            if options.get("trace"):
                call.trace = Trace()
                call.trace.open(self.label, f"call {row.name}", 0)
        call.deadline = self.runtime.loop.time() + call.patience
        return call

    def _refuse(self, packet: Packet, error: VirtError) -> None:
        """Answer a packet that is no call of the table, in the words of its own program and procedure."""
        reply = encode_packet(
            packet.program,
            packet.version,
            packet.procedure,
            PacketType.REPLY,
            packet.serial,
            Status.ERROR,
            pack.encode_error(error),
        )
        self._write(reply)

    def _break_off(self, error: VirtError) -> None:
        # Nothing that follows is read; what came before is answered first.
        logger.warning("%s: %s; closing", self.label, error)
        self._closing = True
        self._pace()
        self.runtime.when_drained(self._flush)

    # -- what goes out -------------------------------------------------------------------------------------------------

    def _reply(self, message: Reply) -> None:
        call = message.call
        fields = message.fields
        if call.row.stream:
            fields = self._adopt_stream(call, fields)
        try:
            payload = pack.encode(fields, _extras(call))
            self._send(call.row, _REPLY, call.serial, _OK, payload)
        except VirtError as error:
            logger.error("%s: the result of %s cannot be sent: %s", self.label, call.row.name, error)
            self._failure(Failure(call, InternalError(f"the result of {call.row.name} cannot be sent")))
            return
        self._answered()

    def _failure(self, message: Failure) -> None:
        call = message.call
        payload = pack.encode_error(message.error, _extras(call))
        self._send(call.row, PacketType.REPLY, call.serial, Status.ERROR, payload)
        self._answered()

    def _answered(self) -> None:
        if self._waiting:
            self._router.tell(self._waiting.popleft())
        else:
            self._under_way -= 1
        if not self._reading:
            self._pace()

    def _event(self, message: Delivery) -> None:
        # Two replays that were asked for one after the other overlap.
        if self._behind or not self._subscribed or message.sequence <= self._sequence:
            return
        if not self._writable:
            self._behind = True
            return
        self._sequence = message.sequence
        fields = (message.sequence, message.when, message.procedure, message.payload)
        self._send(_EVENT, PacketType.MESSAGE, 0, Status.OK, pack.encode(fields))

    def _events_begin(self, message: Subscribed) -> None:
        self._subscribed, self._behind, self._sequence = True, False, message.after

    def _replayed(self, message: Replayed) -> None:
        self._behind = False
        if message.missed:
            self._send(_EVENTS_MISSED, PacketType.MESSAGE, 0, Status.OK, pack.encode((self._sequence,)))

    # -- keepalive -----------------------------------------------------------------------------------------------------

    def _send_keepalive(self, procedure: int) -> None:
        self._write(encode_packet(KEEPALIVE_PROGRAM, PROGRAM_VERSION, procedure, PacketType.MESSAGE, 0, Status.OK))

    def _hears_nothing(self) -> bool:
        # A client that does not take what it is sent is silent by its own doing.
        return self._writable and not self._reading

    def _peer_is_silent(self) -> None:
        logger.warning("%s: does not answer keepalive messages; closing", self.label)
        self.stop()

    # -- streams -------------------------------------------------------------------------------------------------------

    def _adopt_stream(self, call: Call, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        stream, *rest = fields
        if (older := self._streams.get(call.serial)) is not None:
            self._stream_end(End(call.serial, OperationInvalid("another stream has this serial")))
            send(older[1], End(call.serial))
        self._streams[call.serial] = (call.row, stream)
        send(stream, Attach(self.actor_ref, call.serial))
        if not self._writable:
            send(stream, Flow(call.serial, go=False))
        return tuple(rest)

    def _stream_packet(self, packet: Packet) -> None:
        row, stream = self._streams.get(packet.serial, (None, None))
        if row is None or packet.procedure != row.number:
            if packet.status == Status.CONTINUE:
                return  # Data that was under way when the stream ended.
            self._refuse(packet, OperationInvalid("no such stream"))
        elif packet.status == Status.CONTINUE and packet.payload:
            send(stream, Data(packet.serial, packet.payload))
        else:
            del self._streams[packet.serial]
            self._stream_released(packet.serial)
            send(stream, End(packet.serial))
            if packet.status != Status.ERROR:
                self._send(row, PacketType.STREAM, packet.serial, Status.OK, b"")

    def _stream_data(self, message: Data) -> None:
        if (found := self._streams.get(message.serial)) is not None:
            self._send(found[0], PacketType.STREAM, message.serial, Status.CONTINUE, message.data)

    def _stream_end(self, message: End) -> None:
        found = self._streams.pop(message.serial, None)
        if found is None:
            return
        self._stream_released(message.serial)
        if message.error is None:
            self._send(found[0], PacketType.STREAM, message.serial, Status.CONTINUE, b"")
        else:
            payload = pack.encode_error(message.error)
            self._send(found[0], PacketType.STREAM, message.serial, Status.ERROR, payload)

    def _stream_flow(self, message: Flow) -> None:
        if message.go:
            self._stream_released(message.serial)
        elif message.serial in self._streams:
            self._full_streams.add(message.serial)
            self._pace()

    def _stream_released(self, serial: int) -> None:
        self._full_streams.discard(serial)
        self._pace()

    # -- calls about the session ---------------------------------------------------------------------------------------

    def _session_call(self, call: Call) -> None:
        handler = getattr(self, call.row.name, None)
        if handler is None:
            raise NotSupported(call.row.api or call.row.name)
        handler(call, *call.args)

    def connect_open(self, call: Call, name: str | None, flags: int) -> None:
        if self.session.driver is not None:
            raise OperationInvalid("connection is already open")
        uri = ConnectURI.parse(name or "qemu:///system")
        call.args = (uri, flags)
        self._router.tell(OpenDriver(call, uri))

    def _driver_opened(self, message: DriverOpened) -> None:
        uri, flags = message.call.args
        self.session.driver = message.handle
        self.session.uri = uri
        self.session.readonly = self.session.readonly or bool(flags & 1)
        message.call.reply()

    def connect_close(self, call: Call) -> None:
        self._closing = True
        call.reply()

    def connect_get_uri(self, call: Call) -> None:
        call.reply((str(self.session.uri),))

    def events_subscribe(self, call: Call, procedures: list[int], epoch: str | None, after: int) -> None:
        assert self.session.driver is not None
        self._subscribed = False  # What is on its way from an earlier subscription is none of the new one's.
        subscribe = Subscribe(call, self.actor_ref, frozenset(procedures), epoch, after)
        send(self.session.driver.events, subscribe)

    def events_unsubscribe(self, call: Call) -> None:
        assert self.session.driver is not None
        self._subscribed = False
        send(self.session.driver.events, Unsubscribe(self.actor_ref))
        call.reply()

    def _destroy_with_session(self, message: DestroyWithSession) -> None:
        if message.wanted:
            self._destroy_with_me[message.domain.actor_urn] = message.domain
        else:
            self._destroy_with_me.pop(message.domain.actor_urn, None)

    _HANDLERS = {
        Packets: _packets,
        Reply: _reply,
        Failure: _failure,
        Call: _session_call,
        Delivery: _event,
        Subscribed: _events_begin,
        Replayed: _replayed,
        Data: _stream_data,
        End: _stream_end,
        Flow: _stream_flow,
        Writable: _writable_changed,
        Opened: _opened,
        Closed: _closed,
        DriverOpened: _driver_opened,
        DestroyWithSession: _destroy_with_session,
    }


def _extras(call: Call) -> pack.Extras | None:
    return {"trace": call.trace.to_wire()} if call.trace is not None else None


def _unknown(packet: Packet) -> ProtocolError:
    if packet.program | MSGPACK_BIT in (EXTENSION_PROGRAM, *{row.msgpack_program for row in ROWS.values()}):
        return ProtocolError(f"unknown procedure {packet.procedure} of program 0x{packet.program:x}")
    return ProtocolError(f"unknown program 0x{packet.program:x}")


def _peer_identity(transport: asyncio.Transport) -> Identity | None:
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    return Identity(*_PEER_CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
