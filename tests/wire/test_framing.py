"""Packets in, packets out, however the bytes arrive."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire.errors import ProtocolError
from virtactor.wire.framing import (
    DESCRIPTORS_MAX,
    HEADER_SIZE,
    PACKET_MAX,
    Packet,
    PacketReader,
    PacketType,
    Status,
    decode_hole,
    encode_hole,
    encode_packet,
)

UINT = st.integers(0, 2**32 - 1)
INT = st.integers(-(2**31), 2**31 - 1)
PLAIN = st.builds(Packet, UINT, UINT, INT, INT, UINT, INT, st.binary(max_size=300), st.just(()))
PACKETS = st.lists(PLAIN, max_size=12)
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


# -- holes -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_a_hole_is_its_length_and_flags(length: int, flags: int) -> None:
    assert encode_hole(length, flags) == struct.pack(">qI", length, flags)
    assert decode_hole(encode_hole(length, flags)) == (length, flags)


@pytest.mark.parametrize("payload", [b"", b"\0" * 11, b"\0" * 13, struct.pack(">qI", -1, 0)])
def test_what_is_no_hole_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="a hole of"):
        decode_hole(payload)


# -- descriptors -------------------------------------------------------------------------------------------------------

WITH_FDS = st.sampled_from([PacketType.CALL_WITH_FDS, PacketType.REPLY_WITH_FDS])
CARRYING = st.builds(
    Packet,
    UINT,
    UINT,
    INT,
    WITH_FDS,
    UINT,
    INT,
    st.binary(max_size=60),
    st.lists(st.integers(0, 1000), max_size=DESCRIPTORS_MAX).map(tuple),
)


def on_the_wire(packet: Packet) -> list[tuple[bytes, int | None]]:
    """The packet's bytes one by one, with the descriptors that come with them."""
    plain = [(bytes([byte]), None) for byte in encode_packet(*packet)]
    return [*plain, *((b"\0", descriptor) for descriptor in packet.descriptors)]


@given(st.lists(CARRYING | PLAIN, max_size=5), SIZES)
def test_packets_get_the_descriptors_that_came_behind_them(packets: list[Packet], sizes: list[int]) -> None:
    reader, found, collected, size = PacketReader(), [], b"", 0
    for data, descriptor in (part for packet in packets for part in on_the_wire(packet)):
        collected += data
        if descriptor is not None:
            reader.descriptors.append(descriptor)
        # A read ends at the latest with a byte that carries a descriptor.
        if descriptor is not None or len(collected) >= sizes[size % len(sizes)]:
            found += reader.feed(collected)
            collected, size = b"", size + 1
    found += reader.feed(collected)
    assert found == packets
    assert not reader.descriptors
    assert reader.pending == 0


def test_descriptors_that_the_transport_lost_leave_the_packets_in_step() -> None:
    reader = PacketReader()
    lost = encode_packet(1, 1, 1, PacketType.CALL_WITH_FDS, 5, 0, b"args", (7, 8)) + b"\0\0"
    after = Packet(1, 1, 1, PacketType.CALL, 6, 0, b"x")
    assert reader.feed(lost + encode_packet(*after)) == [
        Packet(1, 1, 1, PacketType.CALL_WITH_FDS, 5, 0, b"args"),
        after,
    ]


@pytest.mark.parametrize("payload", [b"", b"\0\0\0", struct.pack(">I", DESCRIPTORS_MAX + 1), b"\xff" * 8])
def test_an_impossible_number_of_descriptors_ends_the_stream(payload: bytes) -> None:
    reader = PacketReader()
    header = struct.pack(">IIIiiIi", HEADER_SIZE + len(payload), 1, 1, 1, PacketType.CALL_WITH_FDS, 7, 0)
    assert reader.feed(encode_packet(1, 1, 1, 0, 6, 0) + header + payload) == [Packet(1, 1, 1, 0, 6, 0)]
    assert isinstance(reader.error, ProtocolError)
    assert reader.feed(encode_packet(1, 1, 1, 0, 6, 0)) == []


def test_too_many_descriptors_cannot_be_sent() -> None:
    with pytest.raises(ProtocolError, match="33 descriptors exceed the limit of 32"):
        encode_packet(1, 1, 1, PacketType.REPLY_WITH_FDS, 1, 0, b"", range(DESCRIPTORS_MAX + 1))
