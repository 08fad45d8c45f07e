"""A row's codec: its arguments and its result, in both directions."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import InvalidArgument, ProtocolError
from ..table.rows import Row
from ..table.types import Field
from .compiling import Malformed, Unfit, fields_reader, fields_writer

Fields = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class XDRCodec:
    """Both directions of one row.

    ``encode_*`` raise InvalidArgument for values that do not fit the row, ``decode_*`` ProtocolError for payloads that
    do not, among them those that go on behind the last field.
    """

    encode_args: Callable[[Fields], bytes]
    encode_result: Callable[[Fields], bytes]
    decode_args: Callable[[bytes], Fields]
    decode_result: Callable[[bytes], Fields]


@cache
def codec(row: Row) -> XDRCodec:
    """The row's codec, compiled at its first use."""
    return XDRCodec(
        encoder(row.name, row.args),
        encoder(row.name, row.result),
        decoder(row.name, row.args),
        decoder(row.name, row.result),
    )


def encoder(name: str, fields: tuple[Field, ...]) -> Callable[[Fields], bytes]:
    """What writes the values of these fields; ``name`` is for errors."""
    if not fields:
        return lambda _: b""
    write = fields_writer(fields)

    def encode(values: Fields) -> bytes:
        out: list[bytes] = []
        try:
            write(values, out)
        except (Unfit, struct.error, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InvalidArgument(f"{name}: a value cannot be sent: {error}") from error
        return b"".join(out)

    return encode


def decoder(name: str, fields: tuple[Field, ...]) -> Callable[[bytes], Fields]:
    """What reads the values of these fields; ``name`` is for errors."""
    read = fields_reader(fields)

    def decode(payload: bytes) -> Fields:
        try:
            values, end = read(payload, 0)
        except struct.error:
            raise ProtocolError(f"{name}: the payload ends within a field") from None
        except (Malformed, UnicodeDecodeError) as error:
            raise ProtocolError(f"{name}: {error}") from None
        if end != len(payload):
            raise ProtocolError(f"{name}: {len(payload) - end} bytes follow the last field")
        return tuple(values)

    return decode
