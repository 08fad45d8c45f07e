"""The two lanes: how payloads are encoded, told by the top nibble of a packet's program (DESIGN section 3).

Both ends handle either lane by the same code: a :class:`Lane` gives a row's :class:`Codec`, whose functions are of the
same shape in both. ``extras`` are what the msgpack lane carries beside a row's fields (a call's deadline and trace, the
reply's trace); libvirt's own encoding has no place for them: there they are dropped, and none are ever received.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import pack, xdr
from .errors import InvalidArgument, VirtError
from .pack import NO_EXTRAS, Extras, Fields
from .table.rows import MSGPACK_BIT, Row


@dataclass(frozen=True, slots=True)
class Codec:
    """One row in one lane; ``program`` is the program's number there.

    ``encode_*`` take fields and extras to a payload and raise InvalidArgument, ``decode_*`` take a payload to both and
    raise ProtocolError.
    """

    program: int
    encode_args: Callable[[Fields, Extras | None], bytes]
    encode_result: Callable[[Fields, Extras | None], bytes]
    decode_args: Callable[[bytes], tuple[Fields, Extras]]
    decode_result: Callable[[bytes], tuple[Fields, Extras]]


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One encoding of payloads; ``name`` is what URIs and logs call it."""

    name: str
    codec: Callable[[Row], Codec]
    encode_error: Callable[[VirtError, Extras | None], bytes]
    decode_error: Callable[[bytes], Mapping[str, Any]]

    def program_of(self, row: Row) -> int:
        """The number of the row's program in this lane."""
        return self.codec(row).program


@cache
def _pack_codec(row: Row) -> Codec:
    codec = pack.codec(row)

    def encode_args(fields: Fields, extras: Extras | None = None) -> bytes:
        for value in fields:
            if value.__class__ is str and "\0" in value:
                raise InvalidArgument(f"{row.name}: a value cannot be sent: a string holds a NUL")
        return pack.encode(fields, extras)

    return Codec(row.msgpack_program, encode_args, pack.encode, codec.decode_args, codec.decode_result)


@cache
def _xdr_codec(row: Row) -> Codec:
    codec = xdr.codec(row)
    encode_args, encode_result = codec.encode_args, codec.encode_result
    decode_args, decode_result = codec.decode_args, codec.decode_result
    return Codec(
        row.program & ~MSGPACK_BIT,
        lambda fields, extras=None: encode_args(fields),
        lambda fields, extras=None: encode_result(fields),
        lambda payload: (decode_args(payload), NO_EXTRAS),
        lambda payload: (decode_result(payload), NO_EXTRAS),
    )


def _xdr_error(error: VirtError, extras: Extras | None = None) -> bytes:
    return xdr.encode_error(error)


MSGPACK = Lane("msgpack", _pack_codec, pack.encode_error, pack.decode_error)
XDR = Lane("xdr", _xdr_codec, _xdr_error, xdr.decode_error)
LANES: Mapping[str, Lane] = {lane.name: lane for lane in (MSGPACK, XDR)}


def lane_of(program: int) -> Lane:
    """The lane that a packet's program says it is in."""
    return MSGPACK if program & MSGPACK_BIT else XDR
