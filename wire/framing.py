"""Packets: bytes <-> headers and payloads, with no sockets.

A packet is libvirt's, big-endian: u32 length (of the whole packet, itself included), u32 program, u32 version,
i32 procedure, i32 type, u32 serial, i32 status, then the payload.  ``feed`` takes bytes in any split and gives the
packets that they complete. A packet that is shorter than its header or longer than the limit ends the stream: it cannot
be resynchronised, ``error`` says why, and the connection has to be closed once the packets before it are answered.

Packets of the types CALL_WITH_FDS and REPLY_WITH_FDS bring descriptors, over unix sockets: their payload begins with a
u32 that counts them, and behind the packet follows a byte for each, which carries it. The reader takes the count off
the payload, skips those bytes, and gives the packet the descriptors that came with them.

Rejected: reading a header and then a body from a stream object (two waits for each packet, and a coroutine for each
connection); one growing bytearray that is consumed from its front (a copy for each packet; nearly all reads hold whole
packets only, which this takes without joining anything).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from .errors import ProtocolError

HEADER = struct.Struct(">IIIiiIi")
HEADER_SIZE = HEADER.size
_COUNT = struct.Struct(">I")
DESCRIPTORS_MAX = 32
PACKET_MAX = 32 * 1024 * 1024
STRING_MAX = 4 * 1024 * 1024
# libvirt never sends more than this in one stream packet, and its clients do not take more.
STREAM_DATA_MAX = 256 * 1024 - 24
# A hole in a stream, the payload of STREAM_HOLE in either lane: its length in bytes, and flags (none exist).
_HOLE = struct.Struct(">qI")


class PacketType(IntEnum):
    CALL = 0
    REPLY = 1
    MESSAGE = 2
    STREAM = 3
    CALL_WITH_FDS = 4
    REPLY_WITH_FDS = 5
    STREAM_HOLE = 6


class Status(IntEnum):
    OK = 0
    ERROR = 1
    CONTINUE = 2


class Packet(NamedTuple):
    """One packet; ``serial`` pairs a reply with its call and a stream packet with the call that opened the stream.

    ``descriptors`` are those that came with it and belong to whoever takes the packet; there are fewer than were sent
    where the transport carries none.
    """

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int
    payload: bytes = b""
    descriptors: tuple[int, ...] = ()


def encode_packet(
    program: int,
    version: int,
    procedure: int,
    type: int,
    serial: int,
    status: int,
    payload: bytes = b"",
    descriptors: Sequence[int] = (),
) -> bytes:
    """The packet's bytes, without those that carry its ``descriptors``.

    Raises ProtocolError when the whole would exceed PACKET_MAX, or has too many descriptors.
    """
    if type in _WITH_FDS:
        if len(descriptors) > DESCRIPTORS_MAX:
            raise ProtocolError(f"{len(descriptors)} descriptors exceed the limit of {DESCRIPTORS_MAX}")
        payload = encode_count(len(descriptors)) + payload
    length = HEADER_SIZE + len(payload)
    if length > PACKET_MAX:
        raise ProtocolError(f"packet of {length} bytes exceeds the limit of {PACKET_MAX}")
    return HEADER.pack(length, program, version, procedure, type, serial, status) + payload


def encode_count(descriptors: int) -> bytes:
    """What stands before the payload of a packet that brings so many descriptors."""
    return _COUNT.pack(descriptors)


def encode_hole(length: int, flags: int = 0) -> bytes:
    """The payload of a STREAM_HOLE packet: ``length`` bytes of a sparse stream that are all zero."""
    return _HOLE.pack(length, flags)


def decode_hole(payload: bytes) -> tuple[int, int]:
    """The length and flags of a hole. Raises ProtocolError."""
    if len(payload) != _HOLE.size:
        raise ProtocolError(f"a hole of {len(payload)} bytes where {_HOLE.size} belong")
    length, flags = _HOLE.unpack(payload)
    if length < 0:
        raise ProtocolError(f"a hole of length {length}")
    return length, flags


_WITH_FDS = (int(PacketType.CALL_WITH_FDS), int(PacketType.REPLY_WITH_FDS))
# What Packet(…) does, without the Python function that a named tuple's constructor is.
_new_packet = partial(tuple.__new__, Packet)


class PacketReader:
    """Collects received bytes and cuts them into packets."""

    __slots__ = ("_have", "_need", "descriptors", "error")

    def __init__(self) -> None:
        self.error: ProtocolError | None = None
        # One buffer, however small the pieces: a list of them would take many times the packet's size.
        self._have = bytearray()
        self._need = 0
        # Received, and not yet a packet's.
        self.descriptors: deque[int] = deque()

    @property
    def pending(self) -> int:
        """How many received bytes wait for the rest of their packet."""
        return len(self._have)

    def feed(self, data: bytes) -> list[Packet]:
        """Take received bytes; give the packets that are now complete, in their order.

        Descriptors that came with the bytes are put into ``descriptors`` before.

        After an impossible length ``error`` is set, and this and every later feed drops what follows.
        """
        if self.error is not None:
            return []
        if self._have:
            self._have += data
            if len(self._have) < self._need:
                return []
            data = bytes(self._have)
            self._have.clear()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[Packet]:
        packets: list[Packet] = []
        at, end = 0, len(data)
        while end - at >= HEADER_SIZE:
            length, program, version, procedure, type, serial, status = HEADER.unpack_from(data, at)
            if not HEADER_SIZE <= length <= PACKET_MAX:
                self.error = ProtocolError(f"packet length {length} is outside {HEADER_SIZE} to {PACKET_MAX}")
                return packets
            if end - at < length:
                self._keep(data, at, length)
                return packets
            payload = data[at + HEADER_SIZE : at + length]
            if type in _WITH_FDS:
                count = self._count_of(payload)
                if self.error is not None:
                    return packets
                if end - at < length + count:
                    self._keep(data, at, length + count)
                    return packets
                header = (program, version, procedure, type, serial, status)
                packets.append(Packet(*header, payload[_COUNT.size :], self._take_descriptors(count)))
                at += length + count
                continue
            packets.append(_new_packet((program, version, procedure, type, serial, status, payload, ())))
            at += length
        if at < end:
            self._keep(data, at, HEADER_SIZE)
        return packets

    def _count_of(self, payload: bytes) -> int:
        count = _COUNT.unpack_from(payload)[0] if len(payload) >= _COUNT.size else -1
        if not 0 <= count <= DESCRIPTORS_MAX:
            self.error = ProtocolError(f"a packet with descriptors that says of their number {count}")
        return count

    def _take_descriptors(self, count: int) -> tuple[int, ...]:
        return tuple(self.descriptors.popleft() for _ in range(min(count, len(self.descriptors))))

    def _keep(self, data: bytes, at: int, need: int) -> None:
        self._have += memoryview(data)[at:]
        self._need = need
