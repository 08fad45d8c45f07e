"""The directory of the objects of one part of a driver (networks, storage pools, interfaces, …).

Names and UUIDs stay unique because one actor, the part's, decides and alone writes the directory. The router reads it,
to find where a call goes; both run on the same loop, so a reader never sees half a change. An entry also holds what
lists filter by and how the object is named on the wire, as the object last told it (``Summary``), so that a list asks
nobody. Domains have ids besides: their directory is in directory.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pykka

from ...wire.enums.error import ErrorDomain
from ...wire.errors import AlreadyExists, NotFound, OperationInvalid


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """How one kind of objects is spoken of, and what lists of them filter by.

    ``noun`` is for what is missing («no storage pool with matching name»), ``short`` for what is in the way («pool 'x'
    already exists»). ``groups`` are the filter flags: of each group that a caller names, one flag must hold. ``active``
    and ``inactive`` are the two of them that the old lists of names ask for.
    """

    noun: str
    short: str
    missing: type[NotFound]
    errors: ErrorDomain
    groups: Sequence[int]
    active: int = 2
    inactive: int = 1

    @property
    def filters(self) -> int:
        """All filter flags."""
        return sum(self.groups)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an object tells its driver of itself whenever some of it changes.

    ``key`` is its UUID (or what stands for it), ``wire_ref`` its reference, ``traits`` the filter flags that it meets.
    """

    key: bytes
    wire_ref: Any
    traits: int


@dataclass(slots=True)
class ObjectEntry:
    """One object in the directory; ``handed_over`` counts the definitions that its driver has sent it."""

    name: str
    key: bytes
    ref: pykka.ActorRef[Any]
    wire_ref: Any
    traits: int = 0
    handed_over: int = 0


class ObjectDirectory:
    """The objects of one kind, by key and name. A subclass says where a call's reference leads (``entry_of``)."""

    def __init__(self, kind: ObjectKind) -> None:
        self.kind = kind
        self._by_key: dict[bytes, ObjectEntry] = {}
        self._by_name: dict[str, ObjectEntry] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[ObjectEntry]:
        return iter(tuple(self._by_key.values()))

    # -- what the router asks ------------------------------------------------------------------------------------------

    def ref_of(self, reference: Any) -> pykka.ActorRef[Any]:
        """The actor of the object that a call names, or of its owner. Raises the kind's NotFound."""
        return self.entry_of(reference).ref

    def gone(self, reference: Any) -> NotFound:
        """The error for an object that ended while a call was on its way to it."""
        return self.missing("name", getattr(reference, "name", str(reference)))

    def entry_of(self, reference: Any) -> ObjectEntry:
        """The entry that a call's first argument leads to; here a reference with a UUID."""
        return self.by_uuid(reference.uuid)

    # -- look-ups ------------------------------------------------------------------------------------------------------

    def missing(self, what: str, value: str) -> NotFound:
        return self.kind.missing(f"no {self.kind.noun} with matching {what} '{value}'")

    def find(self, key: bytes) -> ObjectEntry | None:
        return self._by_key.get(key)

    def by_uuid(self, uuid: bytes) -> ObjectEntry:
        if (entry := self._by_key.get(uuid)) is None:
            raise self.missing("uuid", str(UUID(bytes=uuid)))
        return entry

    def by_name(self, name: str) -> ObjectEntry:
        if (entry := self._by_name.get(name)) is None:
            raise self.missing("name", name)
        return entry

    def select(self, flags: int) -> list[ObjectEntry]:
        """The entries that pass a list's filters: of each group, one of the flags given must hold."""
        groups = [group & flags for group in self.kind.groups if group & flags]
        return [entry for entry in self._by_key.values() if all(entry.traits & group for group in groups)]

    # -- changes, by the part's actor alone ----------------------------------------------------------------------------

    def claim(self, name: str, uuid: bytes) -> ObjectEntry | None:
        """The entry that has both, None when neither is taken. Raises AlreadyExists when only one of them is."""
        same_uuid, same_name = self._by_key.get(uuid), self._by_name.get(name)
        if same_uuid is same_name:
            return same_uuid
        taken = same_uuid or same_name
        assert taken is not None
        clash = "is already defined" if same_uuid is not None else "already exists"
        raise AlreadyExists(
            f"{self.kind.short} '{taken.name}' {clash} with uuid {UUID(bytes=taken.key)}",
            domain=self.kind.errors,
            object=taken.name,
        )

    def claim_inactive(self, name: str, uuid: bytes) -> ObjectEntry | None:
        """As ``claim``, for one that is to be started. Raises OperationInvalid when it is active."""
        entry = self.claim(name, uuid)
        if entry is not None and entry.traits & self.kind.active:
            raise OperationInvalid(
                f"{self.kind.short} is already active as '{entry.name}'", domain=self.kind.errors, object=entry.name
            )
        return entry

    def add(self, entry: ObjectEntry) -> None:
        self._by_key[entry.key] = entry
        self._by_name[entry.name] = entry

    def update(self, summary: Summary) -> None:
        """Take what an object told of itself. One that is gone by now is passed over."""
        entry = self._by_key.get(summary.key)
        if entry is not None:
            entry.wire_ref, entry.traits = summary.wire_ref, summary.traits

    def remove(self, key: bytes) -> ObjectEntry | None:
        entry = self._by_key.pop(key, None)
        if entry is not None:
            del self._by_name[entry.name]
        return entry
