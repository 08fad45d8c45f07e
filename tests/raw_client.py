"""A client that says exactly what a test wants it to say: packets over a socket, no library between."""

from __future__ import annotations

import itertools
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from virtactor.wire.errors import VirtError, error_from_wire
from virtactor.wire.framing import Packet, PacketReader, PacketType, Status, encode_packet
from virtactor.wire.lanes import MSGPACK, XDR, Lane, lane_of
from virtactor.wire.table import KEEPALIVE_PROGRAM, PROGRAM_VERSION, ROWS, DomainRef, Row, row_of

from .waiting import PATIENCE


class Event(NamedTuple):
    """A lifecycle event as it came."""

    sequence: int
    name: str
    event: int
    detail: int


LIFECYCLE = (ROWS["domain_event_lifecycle"].number,)
"""The events that a raw client can read."""


class RawClient:
    """One connection. ``call`` is one call and its answer; ``send`` and ``receive`` are for everything else.

    It speaks in ``lane``. Messages that come between (events) are kept in ``messages``. Raises EOFError when the daemon
    closed.
    """

    def __init__(self, sock: socket.socket, lane: Lane = MSGPACK) -> None:
        sock.settimeout(PATIENCE)
        self.socket = sock
        self.lane = lane
        self.messages: deque[Packet] = deque()
        self._serials = itertools.count(1)
        self._reader = PacketReader()
        self._packets: deque[Packet] = deque()

    @classmethod
    def connect(cls, path: Path, lane: Lane = MSGPACK) -> Self:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(str(path))
        except BaseException:
            sock.close()
            raise
        return cls(sock, lane)

    @classmethod
    def opened(cls, path: Path, uri: str = "test:///default", flags: int = 0, lane: Lane = MSGPACK) -> Self:
        client = cls.connect(path, lane)
        client.open(uri, flags)
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # -- calls ---------------------------------------------------------------------------------------------------------

    def open(self, uri: str = "test:///default", flags: int = 0) -> None:
        self.call("connect_open", uri, flags)

    def call(self, name: str, *args: Any, options: Mapping[str, Any] | None = None) -> Any:
        """The result fields of a call (a lone one by itself), or its error raised."""
        return self.answer(self.send(name, *args, options=options))

    def send(self, name: str, *args: Any, options: Mapping[str, Any] | None = None) -> int:
        """Send a call without waiting; its serial."""
        row, serial = ROWS[name], next(self._serials)
        self.send_packet(row, serial, self.lane.codec(row).encode_args(args, options))
        return serial

    def send_packet(
        self,
        row: Row,
        serial: int,
        payload: bytes | None = None,
        *,
        program: int | None = None,
        version: int = PROGRAM_VERSION,
        number: int | None = None,
        type: int = PacketType.CALL,
        status: int = Status.OK,
    ) -> None:
        if payload is None:
            payload = b"" if self.lane is XDR else b"\x90"
        self.socket.sendall(
            encode_packet(
                self.lane.program_of(row) if program is None else program,
                version,
                row.number if number is None else number,
                type,
                serial,
                status,
                payload,
            )
        )

    def answer(self, serial: int) -> Any:
        """The answer to one call, which must be the next that comes."""
        packet = self.receive_reply()
        assert packet.serial == serial
        return result_of(packet)

    def answers(self, serials: Sequence[int]) -> dict[int, Any]:
        """What these calls gave, in the order in which they were answered; errors are given, not raised."""
        found: dict[int, Any] = {}
        while len(found) < len(serials):
            packet = self.receive_reply()
            assert packet.serial in serials
            try:
                found[packet.serial] = result_of(packet)
            except VirtError as error:
                found[packet.serial] = error
        return found

    # -- packets -------------------------------------------------------------------------------------------------------

    def receive_reply(self) -> Packet:
        while (packet := self.receive()).type == PacketType.MESSAGE:
            self.messages.append(packet)
        return packet

    def receive(self, timeout: float = PATIENCE) -> Packet:
        until = time.monotonic() + timeout
        while not self._packets:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError
            self._packets.extend(self._reader.feed(data))
        return self._packets.popleft()

    def at_end(self) -> bool:
        """Whether the daemon has closed, with nothing more to read before; waits for either."""
        try:
            self.receive()
        except (EOFError, ConnectionResetError):
            return True
        return False

    def keepalive(self, procedure: int) -> None:
        self.socket.sendall(encode_packet(KEEPALIVE_PROGRAM, 1, procedure, PacketType.MESSAGE, 0, Status.OK))

    # -- what tests ask most -------------------------------------------------------------------------------------------

    def subscribe(self, procedures: Sequence[int] = LIFECYCLE, epoch: str | None = None, after: int = 0) -> Any:
        return self.call("events_subscribe", list(procedures), epoch, after)

    def next_event(self) -> Event:
        """The next lifecycle event that came or comes."""
        packet = self.messages.popleft() if self.messages else self.receive()
        return event_of(packet)

    def events_of(self, *serials: int) -> list[Event]:
        """Wait for the answers of these calls, then take all events that came until one more call is answered."""
        if serials:
            self.answers(serials)
        self.call("connect_get_uri")
        found = [event_of(packet) for packet in self.messages]
        self.messages.clear()
        return found

    def define(self, name: str, *, flags: int = 0, **more: Any) -> DomainRef:
        return self.call("domain_define_xml_flags", domain_xml(name, **more), flags)

    def create(self, name: str, flags: int = 0, **more: Any) -> DomainRef:
        return self.call("domain_create_xml", domain_xml(name, **more), flags)

    def lookup(self, name: str) -> DomainRef:
        return self.call("domain_lookup_by_name", name)

    def state(self, name: str) -> tuple[int, int]:
        return self.call("domain_get_state", self.lookup(name), 0)

    def names(self, flags: int = 0) -> set[str]:
        return {ref.name for ref in self.call("connect_list_all_domains", 1, flags)[0]}


def result_of(packet: Packet) -> Any:
    """The result fields of a reply (a lone one by itself). Raises the error that it carries."""
    assert packet.type == PacketType.REPLY
    if packet.status == Status.ERROR:
        raise error_from_wire(lane_of(packet.program).decode_error(packet.payload))
    row = row_of(packet.program, packet.procedure)
    assert row is not None
    fields, _ = lane_of(packet.program).codec(row).decode_result(packet.payload)
    return fields[0] if len(fields) == 1 else fields or None


def event_of(packet: Packet) -> Event:
    row = ROWS["event"]
    assert row_of(packet.program, packet.procedure) is row, packet
    (sequence, _, procedure, payload), _ = MSGPACK.codec(row).decode_args(packet.payload)
    inner = ROWS["domain_event_lifecycle"]
    assert procedure == inner.number
    (dom, event, detail), _ = MSGPACK.codec(inner).decode_args(payload)
    return Event(sequence, dom.name, event, detail)


def message_of(packet: Packet) -> tuple[str, tuple[Any, ...]]:
    """A message's name and fields."""
    row = row_of(packet.program, packet.procedure)
    assert row is not None
    assert (packet.type, packet.status) == (PacketType.MESSAGE, Status.OK)
    return row.name, lane_of(packet.program).codec(row).decode_args(packet.payload)[0]


def domain_xml(name: str, *, type: str = "test", uuid: str = "", extra: str = "") -> str:
    """The smallest definition that every driver takes."""
    identity = f"<uuid>{uuid}</uuid>" if uuid else ""
    return (
        f"<domain type='{type}'><name>{name}</name>{identity}<memory>8192</memory>"
        f"<vcpu>1</vcpu><os><type>hvm</type></os>{extra}</domain>"
    )
