"""What is fed with bytes, and what must hold whatever they are.

Each target takes bytes and raises only when something is wrong with us. What a peer may cause is a ProtocolError, and
nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from virtactor.wire.errors import ProtocolError, error_from_wire
from virtactor.wire.framing import PacketReader, encode_packet
from virtactor.wire.lanes import LANES, MSGPACK, XDR, Codec, Lane
from virtactor.wire.table import ROWS

_ROWS = tuple(ROWS.values())


def framing(data: bytes) -> None:
    """Packets come out the same however the bytes are split, and are the bytes that came in."""
    whole, split = PacketReader(), PacketReader()
    packets = whole.feed(data)
    cut = len(data) // 3
    again = [packet for part in (data[:cut], data[cut : 2 * cut], data[2 * cut :]) for packet in split.feed(part)]
    if packets != again or str(whole.error) != str(split.error):
        raise AssertionError("another split gives other packets")
    if not data.startswith(b"".join(encode_packet(*packet) for packet in packets)):
        raise AssertionError("the packets are not what came in")


def call(lane: Lane, data: bytes) -> None:
    """The first two bytes pick a row; the rest is its arguments: values that can be sent again, or a ProtocolError."""
    codec = lane.codec(_ROWS[int.from_bytes(data[:2], "big") % len(_ROWS)])
    _there_and_back(codec, data[2:])


def _there_and_back(codec: Codec, payload: bytes) -> None:
    for decode, encode in ((codec.decode_args, codec.encode_args), (codec.decode_result, codec.encode_result)):
        with suppress(ProtocolError):
            fields, extras = decode(payload)
            again, _ = decode(encode(fields, extras))
            if _comparable(again) != _comparable(fields):
                raise AssertionError(f"{fields!r} came back as {again!r}")


def _comparable(value: Any) -> Any:
    """The value with what is no number made equal to itself."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, list | tuple):
        return [_comparable(item) for item in value]
    return value


def error(lane: Lane, data: bytes) -> None:
    """An error's payload is an exception of ours, or a ProtocolError."""
    with suppress(ProtocolError):
        str(error_from_wire(lane.decode_error(data)))


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "framing": framing,
    "xdr": lambda data: call(XDR, data),
    "msgpack": lambda data: call(MSGPACK, data),
    **{f"{name} error": (lambda data, lane=lane: error(lane, data)) for name, lane in LANES.items()},
}


def one_input(data: bytes) -> None:
    """The first byte picks the target."""
    targets = tuple(TARGETS.values())
    if data:
        targets[data[0] % len(targets)](data[1:])
