"""What a document may say and this driver does not do yet: it is refused by name, here and nowhere else.

``DONE`` lists, for each class of the model, the fields that the command line honours, ``VALUES`` those of their values
where not all are. Whatever else a definition says is named in the error. Who makes the driver do one of them adds it
here; tests/…/test_drops_nothing.py then sees to it that QEMU hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from .....wire.documents.binding import At, Subtree
from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig
from . import done_devices, done_machine

DONE: dict[str, frozenset[str]] = done_machine.DONE | done_devices.DONE
VALUES: dict[str, frozenset[Any]] = done_machine.VALUES | done_devices.VALUES


def refuse_undone(definition: DomainDefinition) -> None:
    """Raise UnsupportedConfig that names all of a definition that the driver does not do."""
    found = list(dict.fromkeys(_undone(definition, "/domain")))
    if found:
        raise UnsupportedConfig(", ".join(found))


def _undone(value: Any, path: str) -> Iterator[str]:
    name = type(value).__name__
    done = DONE.get(name, frozenset())
    for field in fields(value):
        said = getattr(value, field.name)
        if said in (None, ()) or said is field.default:
            continue
        place = _place(type(value), field.name)
        if field.name not in done:
            yield f"{_kind(place)} {path}/{place}"
            continue
        allowed = VALUES.get(f"{name}.{field.name}")
        for each in said if isinstance(said, tuple) else (said,):
            if allowed is not None and each not in allowed:
                yield f"{_kind(place)} {path}/{place} of {each!r}"
            elif is_dataclass(each) and not isinstance(each, Subtree):
                yield from _undone(each, f"{path}/{place}")


def _kind(place: str) -> str:
    return "attribute" if "@" in place else "element"


def _place(cls: type, name: str) -> str:
    return _places(cls).get(name, name)


@cache
def _places(cls: type) -> dict[str, str]:
    """Where the fields of a class stand in its element."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        name: extra.path
        for name, hint in hints.items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, At)
    }
