"""The msgpack codec, compiled from the table.

A payload is an array of the row's fields in their order; structures are arrays of theirs, UUIDs and opaques are
binary. After the fields an array may hold one map more: in a call the caller's options (``deadline`` in seconds,
``trace``), in a reply what these asked for (``trace``). An error's payload is the map of :meth:`VirtError.to_wire`.

What comes in is checked against the row's types and limits, so a handler sees only values of the types that it
declares; what goes out is ours and is packed as it is. Checks are closures, made once per row: a field whose type
msgpack gives us exactly costs one call, a row without fields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import msgpack

from .errors import InvalidArgument, ProtocolError, VirtError
from .params import RANGES, ParamType, TypedParam
from .table.rows import Row
from .table.types import (
    UUID,
    Array,
    Boolean,
    Chars,
    Double,
    Field,
    Integer,
    List,
    Opaque,
    Optional,
    Parameter,
    String,
    Struct,
    Type,
)

Check = Callable[[Any], Any]
Fields = tuple[Any, ...]
Extras = Mapping[str, Any]
NO_EXTRAS: Extras = {}
# msgpack's own buffer is 256 KiB for each payload, most of ours are below 512 bytes. One packer cannot serve all:
# threads of a client encode at the same time.
_packer: Callable[..., Any] = partial(msgpack.Packer, buf_size=512)
_EMPTY = b"\x90"
_ERROR_FIELDS = {"code": int, "domain": int, "level": int, "message": str, "data": dict}


@dataclass(frozen=True, slots=True)
class PackCodec:
    """Both directions of one row.

    ``decode_*`` take a payload to ``(fields, extras)`` and raise ProtocolError where it does not fit the row.
    """

    decode_args: Callable[[bytes], tuple[Fields, Extras]]
    decode_result: Callable[[bytes], tuple[Fields, Extras]]


@cache
def codec(row: Row) -> PackCodec:
    """The row's codec, compiled at its first use."""
    return PackCodec(_decoder(row, row.args), _decoder(row, row.result))


def encode(fields: Fields, extras: Extras | None = None) -> bytes:
    """The payload of a call or reply. Raises InvalidArgument for values that msgpack cannot carry."""
    if not fields and not extras:
        return _EMPTY
    try:
        return _packer().pack((*fields, extras) if extras else fields)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(f"a value cannot be sent: {error}") from error


def encode_error(error: VirtError, extras: Extras | None = None) -> bytes:
    """The payload of a reply with status ERROR. It can always be sent: names that are no text are shown escaped."""
    return _packer(unicode_errors="backslashreplace").pack({**error.to_wire(), **(extras or {})})


def decode_error(payload: bytes) -> Mapping[str, Any]:
    """The fields of an error reply, for errors.error_from_wire. Raises ProtocolError."""
    fields = _unpack(payload)
    if not isinstance(fields, dict):
        raise ProtocolError("an error is not a map")
    for name, wanted in _ERROR_FIELDS.items():
        if type(fields.get(name)) is not wanted:
            raise ProtocolError(f"an error's {name} is not {wanted.__name__}")
    return fields


def _unpack(payload: bytes) -> Any:
    try:
        return msgpack.unpackb(payload)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise ProtocolError(f"payload is not msgpack: {error or type(error).__name__}") from error


def _decoder(row: Row, fields: tuple[Field, ...]) -> Callable[[bytes], tuple[Fields, Extras]]:
    count = len(fields)
    checks = tuple(_check_of(field.type) for field in fields)
    lone = checks[0] if count == 1 else None

    def decode(payload: bytes) -> tuple[Fields, Extras]:
        if payload == _EMPTY and not count:
            return (), NO_EXTRAS
        values = _unpack(payload)
        if type(values) is not list:
            raise ProtocolError(f"{row.name}: the payload is not an array")
        extras = NO_EXTRAS if len(values) == count else _take_extras(row, values, count)
        try:
            if lone is not None:
                return (lone(values[0]),), extras
            return tuple([check(value) for check, value in zip(checks, values, strict=True)]), extras
        except _Mismatch as mismatch:
            raise ProtocolError(f"{row.name}: {_name_of(fields, checks, values)}: {mismatch}") from None

    return decode


def _take_extras(row: Row, values: list, count: int) -> Extras:
    if len(values) == count + 1 and type(values[-1]) is dict:
        return values.pop()
    raise ProtocolError(f"{row.name}: {len(values)} fields where {count} belong")


def _name_of(fields: tuple[Field, ...], checks: tuple[Check, ...], values: list) -> str:
    for field, check, value in zip(fields, checks, values, strict=True):
        try:
            check(value)
        except _Mismatch:
            return field.name
    return "?"


class _Mismatch(Exception):
    """A value does not have its field's type; turned into a ProtocolError that names the field."""


def _check_of(type_: Type) -> Check:
    return _COMPILERS[type(type_)](type_)


def _compile_integer(type_: Integer) -> Check:
    low, high = type_.low, type_.high

    def check(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise _Mismatch(f"not a {type_.name}")

    return check


def _compile_exact(wanted: type, name: str) -> Check:
    def check(value: Any) -> Any:
        if type(value) is wanted:
            return value
        raise _Mismatch(f"not a {name}")

    return check


def _compile_double(_: Double) -> Check:
    def check(value: Any) -> float:
        if type(value) is float or type(value) is int:
            return float(value)
        raise _Mismatch("not a double")

    return check


def _compile_string(type_: String) -> Check:
    limit = type_.max
    # A character has at most four bytes, so only a string of more than limit / 4 characters needs counting.
    surely_short = limit // 4

    def check(value: Any) -> str:
        if type(value) is not str:
            raise _Mismatch("not a string")
        if len(value) > surely_short and len(value.encode()) > limit:
            raise _Mismatch(f"longer than {limit} bytes")
        if "\0" in value:
            raise _Mismatch("a string holds a NUL")
        return value

    return check


def _compile_uuid(_: UUID) -> Check:
    def check(value: Any) -> bytes:
        if type(value) is bytes and len(value) == 16:
            return value
        raise _Mismatch("not a UUID of 16 bytes")

    return check


def _compile_opaque(type_: Opaque) -> Check:
    limit = type_.max

    def check(value: Any) -> bytes:
        if type(value) is bytes and len(value) <= limit:
            return value
        raise _Mismatch(f"not binary of at most {limit} bytes")

    return check


def _compile_chars(type_: Chars) -> Check:
    return _compile_string(String(type_.max - 1))


def _compile_parameter(_: Parameter) -> Check:
    checks: dict[int, Check] = {
        **{
            number: _compile_integer(Integer("integer of its type", low, high))
            for number, (low, high) in RANGES.items()
        },
        ParamType.DOUBLE: _compile_double(Double()),
        ParamType.BOOLEAN: _compile_exact(bool, "bool"),
        ParamType.STRING: _compile_string(String()),
    }

    def check(value: Any) -> TypedParam:
        if type(value) is not list or len(value) != 3:
            raise _Mismatch("not a typed parameter")
        name, number, content = value
        if type(name) is not str or type(number) is not int or number not in checks:
            raise _Mismatch("not a typed parameter")
        return TypedParam(name, number, checks[number](content))

    return check


def _compile_optional(type_: Optional) -> Check:
    inner = _check_of(type_.of)

    def check(value: Any) -> Any:
        return None if value is None else inner(value)

    return check


def _compile_list(type_: List) -> Check:
    inner, limit = _check_of(type_.of), type_.max

    def check(value: Any) -> list:
        if type(value) is not list or len(value) > limit:
            raise _Mismatch(f"not a list of at most {limit}")
        return [inner(item) for item in value]

    return check


def _compile_array(type_: Array) -> Check:
    inner, length = _check_of(type_.of), type_.length

    def check(value: Any) -> list:
        if type(value) is not list or len(value) != length:
            raise _Mismatch(f"not a list of {length}")
        return [inner(item) for item in value]

    return check


def _compile_struct(type_: Struct) -> Check:
    checks = tuple(_check_of(field.type) for field in type_.fields)
    make, count = type_.make, len(checks)

    def check(value: Any) -> Any:
        if type(value) is not list or len(value) != count:
            raise _Mismatch(f"not a {make.__name__} of {count} fields")
        return make(*[inner(item) for inner, item in zip(checks, value, strict=True)])

    return check


_COMPILERS: dict[type, Callable[[Any], Check]] = {
    Integer: _compile_integer,
    Boolean: lambda _: _compile_exact(bool, "bool"),
    Double: _compile_double,
    String: _compile_string,
    UUID: _compile_uuid,
    Opaque: _compile_opaque,
    Chars: _compile_chars,
    Parameter: _compile_parameter,
    Optional: _compile_optional,
    List: _compile_list,
    Array: _compile_array,
    Struct: _compile_struct,
}
