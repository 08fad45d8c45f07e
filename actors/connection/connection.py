"""One client's connection: packets in, calls to the router, answers, events and stream data out.

The connection owns the session. It decodes what comes in and serialises what goes out, each call in the lane it came
in; it knows rows, not what they mean. Calls beyond the client's limit wait here. A client that fills even that queue,
or does not read what it is sent, is not read from until that changes: nothing is dropped. Keepalive messages count
against no limit.

What a client may ask of the session itself is in session_calls.py and event_calls.py, its streams are in
client_streams.py, and what all of them stand on is in link.py.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import pykka

from ...wire.enums.error import ErrorDomain
from ...wire.errors import InternalError, NotSupported, ProtocolError, VirtError
from ...wire.framing import Packet, PacketType, Status, encode_packet
from ...wire.lanes import MSGPACK, XDR, Lane, lane_of
from ...wire.pack import Extras
from ...wire.table import KEEPALIVE_PROGRAM, MSGPACK_BIT, PROGRAM_VERSION, ROWS, Kind, Row
from ..call import Call, Failure, Reply, Trace
from ..config import Config
from ..descriptors import close_all
from ..drivers.domain import FollowSession, SessionClosed
from ..router import CloseDriver
from ..runtime import Runtime, send
from .client_streams import ClientStreams, OpenStream
from .descriptors import DescriptorTransport
from .edge import Closed, Disconnected, Opened, Packets, Writable
from .event_calls import EventCalls
from .keepalive import Keepalive
from .link import Link, logger
from .session import AuthMethod, Identity
from .session_calls import SessionCalls

# Looked up once: Python 3.11 finds a member of an enumeration by a Python function.
_CALL, _REPLY, _MESSAGE = int(PacketType.CALL), int(PacketType.REPLY), int(PacketType.MESSAGE)
_CALL_WITH_FDS, _REPLY_WITH_FDS = int(PacketType.CALL_WITH_FDS), int(PacketType.REPLY_WITH_FDS)
_STREAMS = (int(PacketType.STREAM), int(PacketType.STREAM_HOLE))
_OK, _ERROR = int(Status.OK), int(Status.ERROR)
_PEER_CREDENTIALS = struct.Struct("3i")
# What can be called, by the program's number in its lane and the procedure's.
_CALLS: dict[tuple[int, int], tuple[Row, Lane]] = {
    (lane.program_of(row), row.number): (row, lane)
    for row in ROWS.values()
    for lane in ((MSGPACK,) if row.program & MSGPACK_BIT else (MSGPACK, XDR))
    if row.kind is not Kind.MESSAGE
}
_PROGRAMS = frozenset(program for program, _ in _CALLS)


class Connection(SessionCalls, EventCalls, ClientStreams):
    """One client."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        listener: pykka.ActorRef[Any],
        router: pykka.ActorRef[Any],
        config: Config,
        readonly: bool,
        auth: AuthMethod = AuthMethod.NONE,
    ) -> None:
        super().__init__(runtime, number, listener, router, config, readonly)
        self._auth = auth
        self._calls_max = config.limits.calls_per_client
        self._deadline = config.limits.deadline
        self._streams: dict[int, OpenStream] = {}
        self._followers: dict[str, pykka.ActorRef[Any]] = {}
        self._keepalive = Keepalive(
            runtime.loop, config.keepalive, self._send_keepalive, self._peer_is_silent, self._hears_nothing
        )

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    # -- the transport -------------------------------------------------------------------------------------------------

    def _opened(self, message: Opened) -> None:
        self._transport, self._edge = message.transport, message.edge
        transport = message.transport
        sock = transport.get_extra_info("socket")
        self.session.secure = transport.get_extra_info("sslcontext") is not None
        if sock is not None and sock.family == socket.AF_UNIX:
            self.session.identity = _peer_identity(sock)
            self.session.secure = True
        self.session.authenticated = self._auth is AuthMethod.NONE
        if seconds := self._config.limits.open_seconds:
            self._opening = self.runtime.loop.call_later(seconds, self._does_not_open)
        logger.debug("%s: connected, %s", self.label, self.session.identity)

    def _does_not_open(self) -> None:
        logger.warning("%s: opened nothing within %g s; closing", self.label, self._config.limits.open_seconds)
        self.stop()

    def _closed(self, message: Closed) -> None:
        logger.debug("%s: disconnected", self.label)
        self.stop()

    def on_stop(self) -> None:
        self._keepalive.stop()
        if self._opening is not None:
            self._opening.cancel()
        send(self._listener, Disconnected(self._number))
        self._end_streams()
        for domain in self._followers.values():
            send(domain, SessionClosed(self.label))
        self._end_events()
        send(self._router, CloseDriver(self.actor_ref))
        for call in self._waiting:
            call.drop()
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def _writable_changed(self, message: Writable) -> None:
        self._writable = message.now
        if message.now and self._switching is not None and not self._switching.done():
            self._switching.set_result(None)
        self._pace_streams(message.now)
        if message.now:
            self._catch_up()
        self._pace()

    # -- what comes in -------------------------------------------------------------------------------------------------

    def _packets(self, message: Packets) -> None:
        self._keepalive.heard()
        for packet in message.packets:
            if self._closing:
                close_all(packet.descriptors)
            elif packet.type == _CALL or packet.type == _CALL_WITH_FDS:
                self._call(packet)
            elif packet.program == KEEPALIVE_PROGRAM:
                self._keepalive.received(packet.procedure)
            elif packet.type in _STREAMS:
                self._stream_packet(packet)
            else:
                self._refuse(packet, ProtocolError(f"packets of type {packet.type} do not go to a daemon"))
        if message.error is not None:
            self._break_off(message.error)

    def _call(self, packet: Packet) -> None:
        program, version, number, _, serial, status, payload, descriptors = packet
        found = _CALLS.get((program, number))
        if found is None:
            self._refuse(packet, _unknown(packet))
            return
        if version != PROGRAM_VERSION or status != _OK:
            self._refuse(packet, ProtocolError(f"version {version} or status {status} of a call"))
            return
        row, lane = found
        try:
            args, options = lane.codec(row).decode_args(payload)
            call = Call(row, args, self.session, serial, lane)
            call.patience = self._deadline
            if options:
                self._take_options(call, options)
        except ProtocolError as error:
            logger.warning("%s: %s", self.label, error)
            self._refuse(packet, error)
            return
        call.deadline = self.runtime.loop.time() + call.patience
        call.descriptors = descriptors
        if self._under_way >= self._calls_max:
            self._waiting.append(call)
            self._pace()
            return
        self._under_way += 1
        self._router.tell(call)

    def _take_options(self, call: Call, options: Extras) -> None:
        wanted = options.get("deadline", call.patience)
        if not isinstance(wanted, int | float) or not wanted > 0:
            raise ProtocolError(f"{call.row.name}: a deadline is a positive number of seconds")
        call.patience = min(float(wanted), self._config.limits.deadline_max)
        if options.get("trace"):
            call.trace = Trace()
            call.trace.open(self.label, f"call {call.row.name}", 0)

    def _refuse(self, packet: Packet, error: VirtError) -> None:
        """Answer a packet that is no call of the table, in the words of its own program and procedure."""
        error.domain = ErrorDomain.RPC
        close_all(packet.descriptors)
        payload = lane_of(packet.program).encode_error(error, None)
        reply = encode_packet(packet.program, packet.version, packet.procedure, _REPLY, packet.serial, _ERROR, payload)
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
        row, fields = call.row, message.fields
        if row.stream:
            fields = self._adopt_stream(call, fields)
        codec = call.lane.codec(row)
        try:
            payload = codec.encode_result(fields, _extras(call))
            if call.attached:
                self._send_with_descriptors(call, codec.program, payload)
            else:
                self.send_packet(codec.program, row.number, _REPLY, call.serial, _OK, payload)
        except VirtError as error:
            call.drop()
            if row.stream:
                self._disown_stream(call.serial)
            logger.error("%s: the result of %s cannot be sent: %s", self.label, row.name, error)
            self._failure(Failure(call, InternalError(f"the result of {row.name} cannot be sent")))
            return
        self._answered()

    def _send_with_descriptors(self, call: Call, program: int, payload: bytes) -> None:
        transport = self._transport
        if not isinstance(transport, DescriptorTransport):
            raise NotSupported("this client takes no descriptors")
        packet = encode_packet(
            program, PROGRAM_VERSION, call.row.number, _REPLY_WITH_FDS, call.serial, _OK, payload, call.attached
        )
        self._write(packet)
        self._flush()
        transport.write_descriptors(call.take_attached())

    def _failure(self, message: Failure) -> None:
        call = message.call
        lane, row = call.lane, call.row
        payload = lane.encode_error(message.error, _extras(call))
        self.send_packet(lane.program_of(row), row.number, _REPLY, call.serial, _ERROR, payload)
        self._answered()

    def _answered(self) -> None:
        if self._waiting:
            self._router.tell(self._waiting.popleft())
        else:
            self._under_way -= 1
        if not self._reading:
            self._pace()

    # -- keepalive -----------------------------------------------------------------------------------------------------

    def _send_keepalive(self, procedure: int) -> None:
        self.send_packet(KEEPALIVE_PROGRAM, procedure, _MESSAGE, 0, _OK, b"")

    def _hears_nothing(self) -> bool:
        # A client that does not take what it is sent is silent by its own doing.
        return self._writable and not self._reading

    def _peer_is_silent(self) -> None:
        logger.warning("%s: does not answer keepalive messages; closing", self.label)
        if self._transport is not None:
            self._transport.abort()  # What it was still to be told would never be written.
        self.stop()

    # -- domains that want to know when it closes ----------------------------------------------------------------------

    def _follow(self, message: FollowSession) -> None:
        if message.wanted:
            self._followers[message.domain.actor_urn] = message.domain
        else:
            self._followers.pop(message.domain.actor_urn, None)

    _HANDLERS: dict[type, Any] = {
        Packets: _packets,
        Reply: _reply,
        Failure: _failure,
        Call: Link.answer,
        Writable: _writable_changed,
        Opened: _opened,
        Closed: _closed,
        FollowSession: _follow,
        **SessionCalls.SESSION_HANDLERS,
        **EventCalls.EVENT_HANDLERS,
        **ClientStreams.STREAM_HANDLERS,
    }


def _extras(call: Call) -> Extras | None:
    return {"trace": call.trace.to_wire()} if call.trace is not None else None


def _unknown(packet: Packet) -> ProtocolError:
    if packet.program in _PROGRAMS:
        return ProtocolError(f"unknown procedure {packet.procedure} of program 0x{packet.program:x}")
    return ProtocolError(f"unknown program 0x{packet.program:x}")


def _peer_identity(sock: socket.socket) -> Identity:
    return Identity(*_PEER_CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
