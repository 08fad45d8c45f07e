"""Parameters that calls take and give: named, typed, and as many of them as the caller wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument
from ....wire.params import ParamType, TypedParam


def check_names(params: Iterable[TypedParam], known: Mapping[str, int], *, repeated: bool = False) -> None:
    """Refuse a parameter that nobody knows, of another type, or given twice. Raises InvalidArgument."""
    seen: set[str] = set()
    for param in params:
        if param.field not in known:
            raise InvalidArgument(f"parameter '{param.field}' not supported", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        if param.type != known[param.field]:
            wanted, given = ParamType(known[param.field]).name.lower(), ParamType(param.type).name.lower()
            raise InvalidArgument(f"invalid type '{given}' for parameter '{param.field}', expected '{wanted}'")
        if param.field in seen and not repeated:
            raise InvalidArgument(f"parameter '{param.field}' occurs multiple times")
        seen.add(param.field)


def first(params: Sequence[TypedParam], wanted: int) -> tuple[list[TypedParam], int]:
    """What a caller gets that has room for so many: asked with none, it is told how many there are."""
    return (list(params[:wanted]), min(wanted, len(params))) if wanted else ([], len(params))
