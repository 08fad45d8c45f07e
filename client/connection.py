"""One connection: calls, streams and messages of any number of threads over one link.

What the link's reader brings is cut into packets here and handed to whoever waits for it, undecoded: everyone decodes
his own. How the threads share the link, and who reads, is in `shared_link.py`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..wire.enums.error import ErrorDomain, ErrorNumber
from ..wire.errors import ConnectionLost, InvalidArgument, NotSupported, OperationTimeout, VirtError
from ..wire.framing import (
    DESCRIPTORS_MAX,
    HEADER,
    HEADER_SIZE,
    PACKET_MAX,
    Packet,
    PacketReader,
    PacketType,
    Status,
    encode_count,
)
from ..wire.lanes import MSGPACK, Lane
from ..wire.table import KEEPALIVE_PROGRAM, PROGRAM_VERSION, ROWS, Row
from .descriptors import Descriptors, File
from .pending import NotSent, Pending, why
from .shared_link import SharedLink
from .streams import Stream
from .transports.local import SocketLink
from .waiting import Inbox

OnMessage = Callable[[Packet], None]

PING = 1
PONG = 2
SERIALS = 0xFFFFFFFF
# The daemon holds the same deadline and tells more about it than we could, so it is let speak first.
DEADLINE_GRACE = 0.25
_CALL, _REPLY, _OK = int(PacketType.CALL), int(PacketType.REPLY), int(Status.OK)
_SUPPORTS_FEATURE = ROWS["connect_supports_feature"]
_STREAMS = (int(PacketType.STREAM), int(PacketType.STREAM_HOLE))


class Connection(SharedLink):
    """The calls of one link. Safe for any number of threads; ``on_message`` gets events, on the reader's thread.

    ``lane`` is how calls are encoded from now on (:meth:`speak`); what comes is decoded as its own packet says.
    """

    def __init__(self, link: SocketLink, on_message: OnMessage | None = None, lane: Lane = MSGPACK) -> None:
        super().__init__(link)
        self._on_message = on_message
        self._serials = itertools.count(1)
        self._pending: dict[int, Pending] = {}
        self._streams: dict[int, Stream] = {}
        self._packets = PacketReader()
        self._carries_descriptors = False
        self.heard = False
        self.speak(lane)

    def speak(self, lane: Lane) -> None:
        """Encode calls for that lane from now on."""
        self.lane = lane
        self._codec = lane.codec
        # In libvirt's lane nobody else holds the deadline, so it is held to the moment.
        self._grace = DEADLINE_GRACE if lane is MSGPACK else 0.0

    # Calls.

    def call(self, row: Row, args: tuple[Any, ...] = (), deadline: float | None = None) -> tuple[Any, ...]:
        """Call a row and wait for its result fields.

        Raises what the peer answers, OperationTimeout after ``deadline`` seconds, InvalidArgument for arguments that
        cannot be packed, NotSent or (when it may have taken effect) ConnectionLost.
        """
        pending = self.submit(row, args, deadline)
        try:
            return pending.outcome(pending.until)[0]
        finally:
            if not pending.ready:
                pending.forget()

    def submit(
        self,
        row: Row,
        args: tuple[Any, ...] = (),
        deadline: float | None = None,
        trace: bool = False,
        sink: Inbox[Pending] | None = None,
    ) -> Pending:
        """Send a call without waiting for its reply; that comes to the Pending and, with ``sink``, into there too."""
        pending = self._begin(row, deadline, sink)
        options = _options(deadline, trace) if trace or deadline is not None else None
        self._send_call(pending, pending.codec.encode_args(args, options))
        return pending

    def submit_with_files(
        self,
        row: Row,
        args: tuple[Any, ...] = (),
        files: Sequence[File] = (),
        deadline: float | None = None,
        trace: bool = False,
    ) -> Pending:
        """Send a call with copies of open files; the Pending keeps the descriptors that come with its reply.

        Raises NotSupported where none can pass, and InvalidArgument for too many, or for one that is not open.
        """
        pending = self._begin(row, deadline)
        self.carry_descriptors(deadline)
        if len(files) > DESCRIPTORS_MAX:
            raise InvalidArgument(f"{len(files)} files in one call exceed the limit of {DESCRIPTORS_MAX}")
        pending.descriptors = Descriptors()
        self._send_call(pending, pending.codec.encode_args(args, _options(deadline, trace)), Descriptors.copies(files))
        return pending

    def carry_descriptors(self, deadline: float | None = None) -> None:
        """Let descriptors pass from now on, in both directions; the daemon is asked whether it takes part.

        Raises NotSupported where they cannot, NotSent when the connection is lost meanwhile.
        """
        if self._carries_descriptors:
            return
        if not self._link.carries_descriptors:
            raise _no_descriptors()
        from ..wire.enums.connect import Feature  # Here, as few programs hand files over.

        # Whoever reads at the moment has no room for descriptors. The answer wakes him, and none comes before it.
        self._link_receive = self._link.receive_into(self._packets.descriptors)
        try:
            (supported,) = self.call(_SUPPORTS_FEATURE, (int(Feature.FD_PASSING),), deadline)
        except ConnectionLost as loss:
            raise NotSent(why(loss)) from loss
        if not supported:
            raise _no_descriptors()
        self._carries_descriptors = True

    def open_stream(
        self, row: Row, args: tuple[Any, ...] = (), deadline: float | None = None, trace: bool = False
    ) -> tuple[Stream, Pending]:
        """Send a call that opens a stream; the stream is usable once the Pending's result is there."""
        pending = self._begin(row, deadline)
        stream = self._streams[pending.serial] = Stream(self, row, pending.serial)
        try:
            self._send_call(pending, pending.codec.encode_args(args, _options(deadline, trace)))
        except BaseException:
            self.forget_stream(pending.serial)
            raise
        return stream, pending

    def _begin(self, row: Row, deadline: float | None, sink: Inbox[Pending] | None = None) -> Pending:
        until = None if deadline is None else _end_of(row, deadline, self._grace)
        return Pending(self, row, self._codec(row), next(self._serials) & SERIALS, until, sink)

    def _send_call(self, pending: Pending, payload: bytes, descriptors: Descriptors | None = None) -> None:
        row, serial, kind = pending.row, pending.serial, _CALL
        if descriptors:
            kind, payload = int(PacketType.CALL_WITH_FDS), encode_count(len(descriptors)) + payload
        length = HEADER_SIZE + len(payload)
        if length > PACKET_MAX:
            raise InvalidArgument(f"{row.name}: a call of {length} bytes exceeds the limit of {PACKET_MAX}")
        head = HEADER.pack(length, pending.codec.program, PROGRAM_VERSION, row.number, kind, serial, _OK)
        self._pending[serial] = pending
        try:
            self.transmit(head + payload, pending.until, descriptors)
        except BaseException:
            self._pending.pop(serial, None)
            raise

    def forget_call(self, serial: int) -> None:
        """Drop the reply to that call when it comes."""
        self._pending.pop(serial, None)

    def forget_stream(self, serial: int) -> None:
        """Drop what still comes for that stream."""
        self._streams.pop(serial, None)

    def send_packet(
        self, row: Row, type: int, serial: int, status: int, payload: bytes, until: float | None = None
    ) -> None:
        """Send a packet of that row. Raises OperationTimeout when the peer takes nothing until then, ConnectionLost."""
        self.transmit(
            HEADER.pack(
                HEADER_SIZE + len(payload), self._codec(row).program, PROGRAM_VERSION, row.number, type, serial, status
            )
            + payload,
            until,
        )

    def send_soon(self, program: int, procedure: int, type: int, payload: bytes = b"", serial: int = 0) -> None:
        """Send a small packet without ever waiting, now or with what is sent next; the reader may call it."""
        head = HEADER.pack(HEADER_SIZE + len(payload), program, PROGRAM_VERSION, procedure, type, serial, _OK)
        self.send_at_once(head + payload)

    def next_serial(self) -> int:
        """A serial for a call whose reply nobody wants."""
        return next(self._serials) & SERIALS

    # What comes.

    def hand_over(self, data: bytes) -> None:
        self.heard = True
        pending = self._pending
        packets = self._packets
        for packet in packets.feed(data):
            if packet.type == _REPLY:
                call = pending.pop(packet.serial, None)
                if call is not None:
                    call.deliver(packet)
            else:
                self._hand_over_other(packet)
        if packets.error is not None:
            self.break_off(packets.error.message)
        if packets.descriptors and (not packets.pending or len(packets.descriptors) > DESCRIPTORS_MAX):
            self._drop_descriptors()  # No packet says that it has any.

    def _hand_over_other(self, packet: Packet) -> None:
        if packet.type in _STREAMS:
            stream = self._streams.get(packet.serial)
            if stream is not None:
                stream.deliver(packet)
        elif packet.type == PacketType.REPLY_WITH_FDS:
            self._hand_over_descriptors(packet)
        elif packet.type != PacketType.MESSAGE:
            self.break_off(f"protocol error: the daemon sent a packet of type {packet.type}")
        elif packet.program == KEEPALIVE_PROGRAM:
            if packet.procedure == PING:
                self.send_soon(KEEPALIVE_PROGRAM, PONG, PacketType.MESSAGE)
        elif self._on_message is not None:
            try:
                self._on_message(packet)
            except VirtError as error:
                self.break_off(why(error))

    def _hand_over_descriptors(self, packet: Packet) -> None:
        """A reply with descriptors; closes them if its caller wants none, or has gone."""
        brought = Descriptors(packet.descriptors)
        call = self._pending.pop(packet.serial, None)
        if call is not None:
            if call.descriptors is not None:
                call.descriptors, brought = brought, call.descriptors
            call.deliver(packet)
        brought.close()

    def let_go(self) -> None:
        self._drop_descriptors()

    def _drop_descriptors(self) -> None:
        Descriptors(self._packets.descriptors).close()
        self._packets.descriptors.clear()


def _no_descriptors() -> NotSupported:
    return NotSupported(
        "fd passing is not supported by this connection",
        code=ErrorNumber.ARGUMENT_UNSUPPORTED,
        domain=ErrorDomain.DOMAIN,
    )


def _end_of(row: Row, deadline: float, grace: float) -> float:
    """When waiting for a reply ends (monotonic time)."""
    if not deadline > 0:
        raise OperationTimeout(f"no time was left for {row.name}")
    return time.monotonic() + deadline + grace


def _options(deadline: float | None, trace: bool) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if deadline is not None:
        options["deadline"] = float(deadline)
    if trace:
        options["trace"] = True
    return options
