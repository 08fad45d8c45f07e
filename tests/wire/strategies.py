"""Values of the table's types, for hypothesis to draw."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from virtactor.wire.params import RANGES, ParamType, TypedParam
from virtactor.wire.table.types import (
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

LONGEST = 5
"""Of lists, texts and opaques: what is longer tells nothing new, and the limits have tests of their own."""

# No surrogates, which UTF-8 does not have, and no NUL, which ends a string in libvirt.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=LONGEST)
doubles = st.floats(allow_nan=False)
params = st.one_of(
    *(st.builds(TypedParam, texts, st.just(number), st.integers(low, high)) for number, (low, high) in RANGES.items()),
    st.builds(TypedParam, texts, st.just(int(ParamType.DOUBLE)), doubles),
    st.builds(TypedParam, texts, st.just(int(ParamType.BOOLEAN)), st.booleans()),
    st.builds(TypedParam, texts, st.just(int(ParamType.STRING)), texts),
)


def values(type_: Type) -> st.SearchStrategy[Any]:
    """Values of one type."""
    match type_:
        case Integer(_, low, high):
            return st.integers(low, high)
        case Boolean():
            return st.booleans()
        case Double():
            return doubles
        case String():
            return texts
        case UUID():
            return st.binary(min_size=16, max_size=16)
        case Opaque(limit):
            return st.binary(max_size=min(LONGEST, limit))
        case Chars(limit, _):
            return texts.filter(lambda text: len(text.encode()) < limit)
        case Parameter():
            return params
        case Optional(of):
            return st.none() | values(of)
        case List(of, limit):
            return st.lists(values(of), max_size=min(LONGEST, limit))
        case Array(of, length):
            return st.lists(values(of), min_size=length, max_size=length)
        case Struct(make, fields):
            return st.builds(make, *(values(field.type) for field in fields))


def rows_of(fields: tuple[Field, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Values for these fields."""
    return st.tuples(*(values(field.type) for field in fields))


def plainest(type_: Type) -> Any:
    """The value that says least."""
    match type_:
        case Integer() | Double():
            return 0
        case Boolean():
            return False
        case String() | Chars():
            return ""
        case UUID():
            return bytes(16)
        case Opaque():
            return b""
        case Parameter():
            return TypedParam("", int(ParamType.INT), 0)
        case Optional():
            return None
        case List():
            return []
        case Array(of, length):
            return [plainest(of)] * length
        case Struct(make, fields):
            return make(*(plainest(field.type) for field in fields))
