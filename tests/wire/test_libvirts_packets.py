"""The table and its encoding against packets that libvirt's own client and daemon sent each other.

data/record_packets.py recorded them. A packet's payload must come apart as its row says, and come together again to the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.wire import xdr
from virtactor.wire.errors import error_from_wire
from virtactor.wire.framing import Packet, PacketType, Status
from virtactor.wire.table import Kind, Row, row_of

RECORDED = [
    Packet(*header, payload=bytes.fromhex(payload))
    for *header, payload in json.loads((Path(__file__).parent / "data" / "libvirts_packets.json").read_text())
]


def name(packet: Packet) -> str:
    row = row_of(packet.program, packet.procedure)
    assert row is not None
    return f"{row.name}-{PacketType(packet.type).name.lower()}-{Status(packet.status).name.lower()}"


FIELDS = pytest.mark.parametrize(
    "packet",
    [packet for packet in RECORDED if packet.status == Status.OK and packet.type != PacketType.STREAM],
    ids=name,
)
ERRORS = pytest.mark.parametrize("packet", [packet for packet in RECORDED if packet.status == Status.ERROR], ids=name)


def codec_of(packet: Packet, row: Row) -> tuple[Callable, Callable]:
    codec = xdr.codec(row)
    if packet.type == PacketType.REPLY:
        return codec.decode_result, codec.encode_result
    return codec.decode_args, codec.encode_args


@FIELDS
def test_a_payload_comes_apart_and_together_again(packet: Packet) -> None:
    row = row_of(packet.program, packet.procedure)
    assert row is not None
    assert (row.kind is Kind.MESSAGE) == (packet.type == PacketType.MESSAGE)
    decode, encode = codec_of(packet, row)
    assert encode(decode(packet.payload)) == packet.payload


@ERRORS
def test_an_error_is_one_of_ours(packet: Packet) -> None:
    error = error_from_wire(xdr.decode_error(packet.payload))
    assert int(error.code) > 0
    assert str(error)


def test_the_recording_covers_calls_replies_messages_and_streams() -> None:
    kinds = {PacketType(packet.type) for packet in RECORDED}
    assert {PacketType.CALL, PacketType.REPLY, PacketType.MESSAGE, PacketType.STREAM} <= kinds
    assert len({packet.procedure for packet in RECORDED}) >= 290
