"""What a document may say and this driver does not do yet: it is refused by name, here and nowhere else.

``DONE`` lists, for each class of the model, the fields that the command line honours, ``VALUES`` those of their values
where not all are. Whatever else a definition says is named in the error. Who makes the driver do one of them adds it
here; tests/…/test_drops_nothing.py then sees to it that QEMU hears of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, get_type_hints

from .....wire.documents.binding import At, Subtree
from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig
from . import done_devices, done_machine

DONE: dict[str, frozenset[str]] = done_machine.DONE | done_devices.DONE
VALUES: dict[str, frozenset[Any]] = done_machine.VALUES | done_devices.VALUES


class _Field(NamedTuple):
    """A field of a class: how it is read, what it is by default, where it stands in its element, whether the driver
    honours it, and (None: all) which of its values."""

    get: Callable[[Any], Any]
    default: Any
    place: str
    done: bool
    allowed: frozenset[Any] | None


def refuse_undone(definition: DomainDefinition) -> None:
    """Raise UnsupportedConfig that names all of a definition that the driver does not do."""
    found: dict[str, None] = {}
    _look(definition, "/domain", found)
    if found:
        raise UnsupportedConfig(", ".join(found))


def _look(value: Any, path: str, found: dict[str, None]) -> None:
    """Note what is not done of a value that stands at a path, each thing once."""
    for get, default, place, done, allowed in _fields(type(value)):
        said = get(value)
        if said is None or said is default or said == ():
            continue
        if not done:
            found[f"{_kind(place)} {path}/{place}"] = None
            continue
        for each in said if isinstance(said, tuple) else (said,):
            if allowed is not None and each not in allowed:
                found[f"{_kind(place)} {path}/{place} of {each!r}"] = None
            elif hasattr(each, "__dataclass_fields__") and not isinstance(each, Subtree):
                _look(each, f"{path}/{place}", found)


def _kind(place: str) -> str:
    return "attribute" if "@" in place else "element"


@cache
def _fields(cls: type) -> tuple[_Field, ...]:
    """The fields of a class; worked out once, as most of them say nothing in most definitions."""
    name, places = cls.__name__, _places(cls)
    done = DONE.get(name, frozenset())
    return tuple(
        _Field(
            attrgetter(field.name),
            field.default,
            places.get(field.name, field.name),
            field.name in done,
            VALUES.get(f"{name}.{field.name}"),
        )
        for field in fields(cls)
    )


def _places(cls: type) -> dict[str, str]:
    """Where the fields of a class stand in its element."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        name: extra.path
        for name, hint in hints.items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, At)
    }
