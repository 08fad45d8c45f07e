"""Types of the table compiled to writers and readers of XDR.

A writer takes a value and appends its bytes to a list; a reader takes the payload and an offset and gives the value and
the offset behind it. A reader raises Malformed for what the type does not allow, struct.error where the payload ends
too early; a writer Unfit for a value that its type cannot hold, struct.error for a number out of range. codec.py turns
them into the errors of either end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from ..params import ParamType, TypedParam
from ..table.types import (
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

Write = Callable[[Any, list[bytes]], None]
Read = Callable[[bytes, int], tuple[Any, int]]

_COUNT = struct.Struct(">I")
_FORMATS = {"uchar": "I", "ushort": "I", "int": "i", "uint": "I", "hyper": "q", "uhyper": "Q"}
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Malformed(Exception):
    """A payload says what its type does not allow."""


class Unfit(Exception):
    """A value is none of its type."""


def writer(type_: Type) -> Write:
    """How values of a type are written."""
    return _COMPILERS[type(type_)](type_)[0]


def reader(type_: Type) -> Read:
    """How values of a type are read."""
    return _COMPILERS[type(type_)](type_)[1]


def pieces(fields: tuple[Field, ...]) -> list[tuple[Field, ...]]:
    """The fields in runs: neighbours of fixed size and no conversion together, each other field alone."""
    runs: list[tuple[Field, ...]] = []
    for field in fields:
        if runs and is_plain(field.type) and is_plain(runs[-1][0].type):
            runs[-1] = (*runs[-1], field)
        else:
            runs.append((field,))
    return runs


def is_plain(type_: Type) -> bool:
    """Whether the struct module reads and writes it just as Python has it."""
    return isinstance(type_, Double | UUID) or (
        isinstance(type_, Integer) and type_.name in ("int", "uint", "hyper", "uhyper")
    )


def format_of(type_: Type) -> str:
    """The struct module's letter for a plain type."""
    if isinstance(type_, Integer):
        return _FORMATS[type_.name]
    return "d" if isinstance(type_, Double) else "16s"


@cache
def fields_writer(fields: tuple[Field, ...]) -> Callable[[tuple[Any, ...], list[bytes]], None]:
    """How the values of these fields are written, in their order."""
    steps: list[tuple[int, int, Any, Write | None]] = []
    at = 0
    for run in pieces(fields):
        end = at + len(run)
        if is_plain(run[0].type):
            pack = struct.Struct(">" + "".join(format_of(field.type) for field in run)).pack
            checks = [place for place, field in enumerate(run, at) if isinstance(field.type, UUID)]
            steps.append((at, end, (pack, checks), None))
        else:
            steps.append((at, end, None, writer(run[0].type)))
        at = end
    count = at

    def write(values: tuple[Any, ...], out: list[bytes]) -> None:
        if len(values) != count:
            raise Unfit(f"{len(values)} values where {count} belong")
        for first, last, plain, single in steps:
            if single is not None:
                single(values[first], out)
                continue
            pack, uuids = plain
            for place in uuids:
                if len(values[place]) != 16:
                    raise Unfit("not a UUID of 16 bytes")
            out.append(pack(*values[first:last]))

    return write


@cache
def fields_reader(fields: tuple[Field, ...]) -> Callable[[bytes, int], tuple[list[Any], int]]:
    """How the values of these fields are read, in their order."""
    steps: list[tuple[struct.Struct | None, Read | None]] = []
    for run in pieces(fields):
        if is_plain(run[0].type):
            steps.append((struct.Struct(">" + "".join(format_of(field.type) for field in run)), None))
        else:
            steps.append((None, reader(run[0].type)))

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        for plain, single in steps:
            if plain is not None:
                values.extend(plain.unpack_from(data, at))
                at += plain.size
            elif single is not None:
                value, at = single(data, at)
                values.append(value)
        return values, at

    return read


def _count(data: bytes, at: int, limit: int, what: str) -> int:
    count = _COUNT.unpack_from(data, at)[0]
    if count > limit:
        raise Malformed(f"{what} of {count}, longer than {limit}")
    return count


def _plain(type_: Type) -> tuple[Write, Read]:
    plain = struct.Struct(">" + format_of(type_))
    pack, unpack, size = plain.pack, plain.unpack_from, plain.size

    def write(value: Any, out: list[bytes]) -> None:
        out.append(pack(value))

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return unpack(data, at)[0], at + size

    return write, read


def _uuid(type_: UUID) -> tuple[Write, Read]:
    _, read = _plain(type_)

    def write(value: Any, out: list[bytes]) -> None:
        if len(value) != 16:
            raise Unfit("not a UUID of 16 bytes")
        out.append(value)

    return write, read


def _integer(type_: Integer) -> tuple[Write, Read]:
    if is_plain(type_):
        return _plain(type_)
    high = type_.high

    def write(value: Any, out: list[bytes]) -> None:
        if not 0 <= value <= high:
            raise Unfit(f"{value} is not a {type_.name}")
        out.append(_COUNT.pack(value))

    def read(data: bytes, at: int) -> tuple[int, int]:
        return _count(data, at, high, type_.name), at + 4

    return write, read


def _boolean(_: Boolean) -> tuple[Write, Read]:
    def write(value: Any, out: list[bytes]) -> None:
        out.append(b"\0\0\0\1" if value else b"\0\0\0\0")

    def read(data: bytes, at: int) -> tuple[bool, int]:
        return _COUNT.unpack_from(data, at)[0] != 0, at + 4

    return write, read


def _opaque(type_: Opaque) -> tuple[Write, Read]:
    limit = type_.max

    def write(value: Any, out: list[bytes]) -> None:
        size = len(value)
        if size > limit:
            raise Unfit(f"{size} bytes, more than {limit}")
        out += (_COUNT.pack(size), value, _PADDING[size & 3])

    def read(data: bytes, at: int) -> tuple[bytes, int]:
        size = _count(data, at, limit, "bytes")
        start = at + 4
        end = start + size
        behind = end + (-size & 3)
        if behind > len(data):
            raise Malformed("the payload ends within a field")
        return data[start:end], behind

    return write, read


def _string(type_: String) -> tuple[Write, Read]:
    write_bytes, read_bytes = _opaque(Opaque(type_.max))

    def write(value: Any, out: list[bytes]) -> None:
        if "\0" in value:
            raise Unfit("a string holds a NUL")
        write_bytes(value.encode(), out)

    def read(data: bytes, at: int) -> tuple[str, int]:
        found, at = read_bytes(data, at)
        text = found.decode()
        if "\0" in text:
            raise Malformed("a string holds a NUL")
        return text, at

    return write, read


def _chars(type_: Chars) -> tuple[Write, Read]:
    limit, exact = type_.max, type_.exact

    def write(value: Any, out: list[bytes]) -> None:
        encoded = value.encode()
        if b"\0" in encoded or len(encoded) >= limit:
            raise Unfit(f"not a text of fewer than {limit} bytes")
        # libvirt counts the NUL behind a text as part of it.
        encoded = encoded.ljust(limit, b"\0") if exact else encoded + b"\0"
        if not exact:
            out.append(_COUNT.pack(len(encoded)))
        out.append(struct.pack(f">{len(encoded)}i", *memoryview(encoded).cast("b")))

    def read(data: bytes, at: int) -> tuple[str, int]:
        count = limit
        if not exact:
            count = _count(data, at, limit, "characters")
            at += 4
        found = struct.unpack_from(f">{count}i", data, at)
        text = bytes(number & 0xFF for number in found).partition(b"\0")[0]
        return text.decode(), at + 4 * count

    return write, read


def _optional(type_: Optional) -> tuple[Write, Read]:
    write_inner, read_inner = _COMPILERS[type(type_.of)](type_.of)

    def write(value: Any, out: list[bytes]) -> None:
        if value is None:
            out.append(b"\0\0\0\0")
            return
        out.append(b"\0\0\0\1")
        write_inner(value, out)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        if _COUNT.unpack_from(data, at)[0] == 0:
            return None, at + 4
        return read_inner(data, at + 4)

    return write, read


def _list(type_: List) -> tuple[Write, Read]:
    write_inner, read_inner = _COMPILERS[type(type_.of)](type_.of)
    limit = type_.max

    def write(value: Any, out: list[bytes]) -> None:
        if len(value) > limit:
            raise Unfit(f"a list of {len(value)}, longer than {limit}")
        out.append(_COUNT.pack(len(value)))
        for item in value:
            write_inner(item, out)

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        count = _count(data, at, limit, "a list")
        at += 4
        # Every item takes four bytes at least: a count that the payload cannot hold is refused before it is believed.
        if count * 4 > len(data) - at:
            raise Malformed("the payload ends within a list")
        items = []
        for _ in range(count):
            item, at = read_inner(data, at)
            items.append(item)
        return items, at

    return write, read


def _array(type_: Array) -> tuple[Write, Read]:
    write_inner, read_inner = _COMPILERS[type(type_.of)](type_.of)
    length = type_.length

    def write(value: Any, out: list[bytes]) -> None:
        if len(value) != length:
            raise Unfit(f"a list of {len(value)} where {length} belong")
        for item in value:
            write_inner(item, out)

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        items = []
        for _ in range(length):
            item, at = read_inner(data, at)
            items.append(item)
        return items, at

    return write, read


def _struct(type_: Struct) -> tuple[Write, Read]:
    read_fields = fields_reader(type_.fields)
    make = type_.make

    def read(data: bytes, at: int) -> tuple[Any, int]:
        values, at = read_fields(data, at)
        return make(*values), at

    return fields_writer(type_.fields), read


def _parameter(_: Parameter) -> tuple[Write, Read]:
    write_name, read_name = _string(String())
    arms: dict[int, tuple[Write, Read]] = {
        ParamType.INT: _integer(Integer("int", -(2**31), 2**31 - 1)),
        ParamType.UINT: _integer(Integer("uint", 0, 2**32 - 1)),
        ParamType.LLONG: _integer(Integer("hyper", -(2**63), 2**63 - 1)),
        ParamType.ULLONG: _integer(Integer("uhyper", 0, 2**64 - 1)),
        ParamType.DOUBLE: _plain(Double()),
        ParamType.BOOLEAN: _boolean(Boolean()),
        ParamType.STRING: _string(String()),
    }
    arm_of = {int(number): arm for number, arm in arms.items()}

    def write(value: Any, out: list[bytes]) -> None:
        name, number, content = value
        write_name(name, out)
        out.append(_COUNT.pack(number))
        if (arm := arm_of.get(number)) is None:
            raise Unfit(f"a typed parameter has no type {number}")
        arm[0](content, out)

    def read(data: bytes, at: int) -> tuple[TypedParam, int]:
        name, at = read_name(data, at)
        number = _COUNT.unpack_from(data, at)[0]
        if (arm := arm_of.get(number)) is None:
            raise Malformed(f"a typed parameter has no type {number}")
        content, at = arm[1](data, at + 4)
        return TypedParam(name, number, content), at

    return write, read


_COMPILERS: dict[type, Callable[[Any], tuple[Write, Read]]] = {
    Integer: _integer,
    Boolean: _boolean,
    Double: _plain,
    String: _string,
    UUID: _uuid,
    Opaque: _opaque,
    Chars: _chars,
    Parameter: _parameter,
    Optional: _optional,
    List: _list,
    Array: _array,
    Struct: _struct,
}
