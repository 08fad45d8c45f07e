"""The types of fields, and the one-line notation in which the table writes them.

A signature is ``"dom: domain, flags: uint"``: names and types, in the order of the wire. Types:

======================  ==========================================  ==========================
notation                on libvirt's wire (XDR)                     in Python
======================  ==========================================  ==========================
``int uint hyper …``    32 or 64 bits (``uchar ushort`` take 32)     int within the type's range
``bool``                an int                                      bool
``double``              IEEE 754                                    float
``string``              counted UTF-8, at most 4 MiB                str
``uuid``                16 bytes                                    bytes of length 16
``opaque[N]``           counted bytes, at most N                    bytes
``NAME``                a structure of structs.py                   its NamedTuple
``TYPE?``               0, or 1 and the value                       None or the value
``TYPE[N]``             counted list of at most N                   list
``TYPE{N}``             exactly N                                   list
``chars[N] chars{N}``   an int for each char, at most or exactly N  str, sent with the NUL behind it
``param``               name, type, and a value of that type        params.TypedParam
======================  ==========================================  ==========================

Types are values that codecs walk once, when they compile a row. Their classes are written out: making a frozen
dataclass takes twenty times as long, and every start of the shell makes these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..framing import STRING_MAX


class _Plain:
    """A value that is told apart, and shown, by the fields that its class names."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._values()}"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


class Integer(_Plain):
    __slots__ = __match_args__ = ("name", "low", "high")

    def __init__(self, name: str, low: int, high: int) -> None:
        self.name = name
        self.low = low
        self.high = high


class Boolean(_Plain):
    __slots__ = ()


class Double(_Plain):
    __slots__ = ()


class String(_Plain):
    __slots__ = __match_args__ = ("max",)

    def __init__(self, max: int = STRING_MAX) -> None:
        self.max = max


class UUID(_Plain):
    __slots__ = ()


class Opaque(_Plain):
    __slots__ = __match_args__ = ("max",)

    def __init__(self, max: int) -> None:
        self.max = max


class Chars(_Plain):
    """Text of at most ``max`` bytes (``exact``: in a field of that length, the last byte a NUL)."""

    __slots__ = __match_args__ = ("max", "exact")

    def __init__(self, max: int, exact: bool) -> None:
        self.max = max
        self.exact = exact


class Parameter(_Plain):
    """A typed parameter (wire/params.py)."""

    __slots__ = ()


class Optional(_Plain):
    __slots__ = __match_args__ = ("of",)

    def __init__(self, of: Type) -> None:
        self.of = of


class List(_Plain):
    __slots__ = __match_args__ = ("of", "max")

    def __init__(self, of: Type, max: int) -> None:
        self.of = of
        self.max = max


class Array(_Plain):
    __slots__ = __match_args__ = ("of", "length")

    def __init__(self, of: Type, length: int) -> None:
        self.of = of
        self.length = length


class Struct(_Plain):
    """A structure; ``make`` is the NamedTuple class of its values, fields in the order of the wire."""

    __slots__ = __match_args__ = ("make", "fields")

    def __init__(self, make: type, fields: tuple[Field, ...]) -> None:
        self.make = make
        self.fields = fields


class Field(_Plain):
    __slots__ = __match_args__ = ("name", "type")

    def __init__(self, name: str, type: Type) -> None:
        self.name = name
        self.type = type


Type = Integer | Boolean | Double | String | UUID | Opaque | Chars | Parameter | Optional | List | Array | Struct


SCALARS: Mapping[str, Type] = {
    "uchar": Integer("uchar", 0, 0xFF),
    "ushort": Integer("ushort", 0, 0xFFFF),
    "int": Integer("int", -(2**31), 2**31 - 1),
    "uint": Integer("uint", 0, 2**32 - 1),
    "hyper": Integer("hyper", -(2**63), 2**63 - 1),
    "uhyper": Integer("uhyper", 0, 2**64 - 1),
    "bool": Boolean(),
    "double": Double(),
    "string": String(),
    "uuid": UUID(),
    "param": Parameter(),
}

# Compiled when they are first used.
_NOTATION = r"(?P<name>\w+)(?P<suffixes>(?:\?|\[\d+\]|\{\d+\})*)"
_SUFFIX = r"(\?)|\[(\d+)\]|\{(\d+)\}"


def parse_fields(signature: str, structs: Mapping[str, Struct]) -> tuple[Field, ...]:
    """The fields that a signature names. Raises ValueError for one that is malformed (a defect of the table)."""
    fields = []
    for part in filter(None, (text.strip() for text in signature.split(","))):
        name, colon, notation = part.partition(":")
        if not colon:
            raise ValueError(f"field {part!r} has no type in signature {signature!r}")
        fields.append(Field(name.strip(), parse_type(notation.strip(), structs)))
    return tuple(fields)


def parse_type(notation: str, structs: Mapping[str, Struct]) -> Type:
    """The type that a notation such as ``domain[16384]`` or ``string?`` stands for."""
    match = re.fullmatch(_NOTATION, notation)
    if match is None:
        raise ValueError(f"{notation!r} is not the notation of a type")
    suffixes = re.findall(_SUFFIX, match["suffixes"])
    if match["name"] == "opaque":
        (_, limit, _), *suffixes = suffixes
        found: Type = Opaque(int(limit))
    elif match["name"] == "chars":
        (_, limit, length), *suffixes = suffixes
        found = Chars(int(limit or length), exact=bool(length))
    else:
        found = SCALARS.get(match["name"]) or structs[match["name"]]
    for optional, limit, length in suffixes:
        found = Optional(found) if optional else List(found, int(limit)) if limit else Array(found, int(length))
    return found
