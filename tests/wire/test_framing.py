"""Packets in, packets out, however the bytes arrive."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire.errors import ProtocolError
from virtactor.wire.framing import HEADER_SIZE, PACKET_MAX, Packet, PacketReader, PacketType, Status, encode_packet

UINT = st.integers(0, 2**32 - 1)
INT = st.integers(-(2**31), 2**31 - 1)
PACKETS = st.lists(st.builds(Packet, UINT, UINT, INT, INT, UINT, INT, st.binary(max_size=300)), max_size=12)
BAD_LENGTH = st.integers(0, HEADER_SIZE - 1) | st.integers(PACKET_MAX + 1, 2**32 - 1)


def split(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in pieces of these sizes, over and over."""
    pieces, at = [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    return pieces


SIZES = st.lists(st.integers(1, 90), min_size=1, max_size=6)


def test_a_header_is_libvirts() -> None:
    packet = encode_packet(0x20008086, 1, 59, PacketType.REPLY, 7, Status.ERROR, b"abc")
    assert packet == struct.pack(">IIIiiIi", 31, 0x20008086, 1, 59, 1, 7, 1) + b"abc"
    assert HEADER_SIZE == 28


@given(PACKETS, SIZES)
def test_any_packets_in_any_split_come_out_the_same(packets: list[Packet], sizes: list[int]) -> None:
    reader = PacketReader()
    found: list[Packet] = []
    for piece in split(b"".join(encode_packet(*packet) for packet in packets), sizes):
        found += reader.feed(piece)
    assert found == packets
    assert reader.pending == 0
    assert reader.error is None


@given(PACKETS, SIZES, BAD_LENGTH, st.binary(max_size=100))
def test_an_impossible_length_ends_the_stream_after_the_packets_before_it(
    packets: list[Packet], sizes: list[int], length: int, rest: bytes
) -> None:
    bad = struct.pack(">I", length) + b"\0" * (HEADER_SIZE - 4)
    reader = PacketReader()
    found: list[Packet] = []
    for piece in split(b"".join(encode_packet(*packet) for packet in packets) + bad + rest, sizes):
        found += reader.feed(piece)
    assert found == packets
    assert isinstance(reader.error, ProtocolError)
    assert f"packet length {length} is outside 28 to {PACKET_MAX}" in str(reader.error)
    assert reader.feed(encode_packet(1, 1, 1, 0, 1, 0)) == []


@given(PACKETS, st.integers(1, 60))
def test_what_is_incomplete_stays_pending(packets: list[Packet], size: int) -> None:
    last = encode_packet(1, 1, 1, 0, 1, 0, b"x" * 40)
    reader = PacketReader()
    assert reader.feed(b"".join(encode_packet(*packet) for packet in packets) + last[:size]) == packets
    assert reader.pending == size
    assert reader.feed(last[size:]) == [Packet(1, 1, 1, 0, 1, 0, b"x" * 40)]
    assert reader.pending == 0


def test_an_empty_read_is_nothing() -> None:
    reader = PacketReader()
    assert reader.feed(b"") == []
    reader.feed(b"\0\0")
    assert reader.feed(b"") == []
    assert reader.pending == 2


def test_the_largest_packet_passes_and_one_byte_more_does_not() -> None:
    largest = encode_packet(1, 1, 1, 0, 1, 0, b"\0" * (PACKET_MAX - HEADER_SIZE))
    reader = PacketReader()
    half = PACKET_MAX // 2
    assert reader.feed(largest[:half]) == []
    (packet,) = reader.feed(largest[half:])
    assert len(packet.payload) == PACKET_MAX - HEADER_SIZE
    with pytest.raises(ProtocolError, match=f"packet of {PACKET_MAX + 1} bytes exceeds the limit of {PACKET_MAX}"):
        encode_packet(1, 1, 1, 0, 1, 0, b"\0" * (PACKET_MAX - HEADER_SIZE + 1))
