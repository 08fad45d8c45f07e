"""`dataclasses.replace` for documents: five times as fast, and what changes nothing gives the value itself.

Completing a document goes through some dozens of steps, most of which find little to do; this is what each of them
costs. The classes of documents are frozen, with slots and no `__post_init__`, so that a copy's slots can be filled one
by one without calling the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import is_
from typing import Any, TypeVar

Model = TypeVar("Model")

_SCALARS = frozenset({str, int, bool})
_set = object.__setattr__


def replace(value: Model, /, **changes: Any) -> Model:
    """The value with these fields; itself if it has them. Raises AttributeError for what is no field of its class."""
    for name, new in changes.items():
        if not _same(getattr(value, name), new):
            break
    else:
        return value
    copy = _copier(type(value))(value)
    for name, new in changes.items():
        _set(copy, name, new)
    return copy


def _same(old: Any, new: Any) -> bool:
    """Whether two values are one, as far as that is quickly told: collections if what is in them is the very same."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if type(old) is tuple:
        return len(old) == len(new) and all(map(is_, old, new))
    return type(old) in _SCALARS and old == new


@cache
def _copier(cls: type) -> Callable[[Any], Any]:
    """Copies an instance; spelled out slot by slot, as dataclasses' own functions are."""
    names = [field.name for field in fields(cls)]
    known: dict[str, Any] = {"cls": cls, "new": object.__new__}
    known |= {f"set_{name}": getattr(cls, name).__set__ for name in names}
    puts = [f"    set_{name}(copy, value.{name})" for name in names]
    exec("\n".join(["def copied(value):", "    copy = new(cls)", *puts, "    return copy"]), known)
    return known["copied"]
