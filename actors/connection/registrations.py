"""What a client registered for in libvirt's way: a callback id for each, and the messages that it is owed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from ...wire.enums.error import ErrorDomain
from ...wire.errors import InvalidArgument, VirtError
from ...wire.lanes import Lane
from ...wire.table import Row
from ...wire.table.events import EVENTS, EventKind
from ..events import Delivery

Fields = tuple[Any, ...]
_REGEX, _NOCASE = 1, 2


@dataclass(slots=True, eq=False)
class Registration:
    """One of them. ``about`` is the key of the one object whose events are wanted, None wants those of all.

    ``legacy`` registrations get messages without callback id. ``since`` is the number of the last event before it.
    """

    id: int
    kind: EventKind
    lane: Lane
    legacy: bool = False
    about: Any = None
    is_wanted: Callable[[Fields], bool] | None = None
    since: float = inf

    def takes(self, delivery: Delivery) -> bool:
        """Whether this event is one that was registered for."""
        if delivery.row is not self.kind.published or delivery.sequence <= self.since:
            return False
        fields = delivery.fields
        if self.about is not None and key_of(fields[0]) != self.about:
            return False
        return self.is_wanted is None or self.is_wanted(fields)

    def message(self, fields: Fields) -> tuple[Row, Fields]:
        """The row and fields of the message that tells of an event."""
        if self.legacy and self.kind.legacy is not None:
            return self.kind.legacy, fields
        return self.kind.row, self.kind.fields(self.id, fields)


class Registrations:
    """All registrations of one client. Ids are given once, whatever they are for."""

    def __init__(self) -> None:
        self._by_id: dict[int, Registration] = {}
        self._ids = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def procedures(self) -> frozenset[int]:
        """The numbers of the messages that drivers publish for all of them."""
        return frozenset(registration.kind.published.number for registration in self._by_id.values())

    def taking(self, delivery: Delivery) -> Iterable[Registration]:
        return [registration for registration in self._by_id.values() if registration.takes(delivery)]

    def add(self, kind: EventKind, lane: Lane, about: Any = None, legacy: bool = False) -> Registration:
        """Register. Raises InvalidArgument for what is registered already."""
        if any(known.kind is kind and known.about == about for known in self._by_id.values()):
            raise InvalidArgument("event callback already tracked")
        return self._keep(Registration(next(self._ids), kind, lane, legacy, about))

    def add_monitor(self, lane: Lane, about: Any, event: str | None, flags: int) -> Registration:
        """Register for what QEMU's monitors tell. Raises InvalidArgument for a pattern that is none."""
        wanted = None if event is None else _matcher(event, flags)
        return self._keep(Registration(next(self._ids), EVENTS["qemu monitor", 0], lane, about=about, is_wanted=wanted))

    def _keep(self, registration: Registration) -> Registration:
        self._by_id[registration.id] = registration
        return registration

    def remove(self, family: str, callback_id: int) -> None:
        """Raises VirtError for an id that is none of this family's."""
        found = self._by_id.get(callback_id)
        if found is None or found.kind.family != family:
            raise _refusal(f"{family} event callback {callback_id} not registered")
        del self._by_id[callback_id]

    def remove_legacy(self, kind: EventKind) -> None:
        """Raises VirtError where that event was not registered for in the old way."""
        found = next((known for known in self._by_id.values() if known.kind is kind and known.legacy), None)
        if found is None:
            raise _refusal(f"domain event {kind.id} not registered")
        del self._by_id[found.id]


def find_kind(family: str, event_id: int, *, legacy: bool = False) -> EventKind:
    """The event of a family with that id. Raises VirtError where there is none."""
    kind = EVENTS.get((family, event_id))
    if kind is None or (legacy and kind.legacy is None):
        whose = "" if family == "domain" else f"{family} "
        raise _refusal(f"unsupported {whose}event ID {event_id}")
    return kind


def key_of(reference: Any) -> Any:
    """What objects of a kind are told apart by: their UUID, or the name where they have none."""
    return getattr(reference, "uuid", None) or reference.name


def _matcher(event: str, flags: int) -> Callable[[Fields], bool]:
    """Whether the name of a monitor's event is the wanted one."""
    if flags & ~(_REGEX | _NOCASE):
        raise InvalidArgument(f"unsupported flags (0x{flags & ~(_REGEX | _NOCASE):x})")
    case = re.IGNORECASE if flags & _NOCASE else 0
    try:
        pattern = re.compile(event if flags & _REGEX else f"(?:{re.escape(event)})\\Z", case)
    except re.error as error:
        raise InvalidArgument(f"failed to compile regex '{event}': {error}") from error
    find = pattern.search if flags & _REGEX else pattern.match
    return lambda fields: find(fields[1]) is not None


def _refusal(what: str) -> VirtError:
    # libvirt says "internal error" where it means that there is no such thing; programs may know it by that code.
    return VirtError(what, domain=ErrorDomain.RPC)
