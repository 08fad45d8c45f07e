"""Typed parameters: named values that carry their own type, as libvirt's virTypedParameter does.

Many of libvirt's calls take or give a list of them, so that new ones can be added without a new procedure. Names may
repeat, so a list it is, not a mapping; :func:`params_of` makes one from a mapping, :func:`values_of` the mapping back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from .errors import InvalidArgument

ParamValue = int | float | bool | str


class ParamType(IntEnum):
    """virTypedParameterType."""

    INT = 1
    UINT = 2
    LLONG = 3
    ULLONG = 4
    DOUBLE = 5
    BOOLEAN = 6
    STRING = 7


class TypedParam(NamedTuple):
    """One parameter; ``type`` is a ParamType's number, and ``value`` is of that type."""

    field: str
    type: int
    value: ParamValue


# The range of each integer type.
RANGES: Mapping[int, tuple[int, int]] = {
    1: (-(2**31), 2**31 - 1),
    2: (0, 2**32 - 1),
    3: (-(2**63), 2**63 - 1),
    4: (0, 2**64 - 1),
}


def params_of(values: Mapping[str, tuple[ParamType, ParamValue]]) -> list[TypedParam]:
    """The parameters for values that are given with their types."""
    return [TypedParam(name, int(type_), value) for name, (type_, value) in values.items()]


def values_of(params: Iterable[TypedParam]) -> dict[str, ParamValue]:
    """The values by name; of a name that repeats the last."""
    return {param.field: param.value for param in params}


def param(name: str, value: ParamValue, type_: ParamType | None = None) -> TypedParam:
    """A parameter of the type that fits the value best, unless it is said: INT, LLONG, ULLONG, DOUBLE, BOOLEAN, STRING.

    Raises InvalidArgument for an integer that no type can hold.
    """
    return TypedParam(name, int(_type_for(value) if type_ is None else type_), value)


def _type_for(value: ParamValue) -> ParamType:
    match value:
        case bool():
            return ParamType.BOOLEAN
        case float():
            return ParamType.DOUBLE
        case str():
            return ParamType.STRING
    for type_ in (ParamType.INT, ParamType.LLONG, ParamType.ULLONG):
        low, high = RANGES[type_]
        if low <= value <= high:
            return type_
    raise InvalidArgument(f"{value} does not fit a typed parameter")
