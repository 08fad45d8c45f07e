"""The moments of one domain, snapshots or checkpoints: which there are, which follows which, and which is current.

What is new follows the current one and becomes current itself. The order is that of their making, parents first where
that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Generic, Protocol, TypeVar

from ....wire.documents.moment import CheckpointDefinition, SnapshotDefinition
from ....wire.enums.error import ErrorDomain
from ....wire.errors import AlreadyExists, InvalidArgument, NotFound
from ..refusals import refusal


class _Moment(Protocol):
    @property
    def name(self) -> str | None: ...
    @property
    def parent(self) -> str | None: ...


Moment = TypeVar("Moment", SnapshotDefinition, CheckpointDefinition)


@dataclass(frozen=True, slots=True)
class MomentKind:
    """How one kind of moments is spoken of; ``flags`` begins the names of its flags."""

    noun: str
    flags: str
    missing: type[NotFound]
    errors: ErrorDomain


def exclude(kind: MomentKind, call: str, flags: int, one: IntFlag, other: IntFlag) -> None:
    """Refuse two flags that say the opposite of each other. Raises InvalidArgument."""
    if flags & one and flags & other:
        names = " and ".join(f"'{kind.flags}_{call}_{flag.name}'" for flag in (one, other))
        raise refusal(f"Flags {names} are mutually exclusive", kind.errors)


def require(kind: MomentKind, call: str, flags: int, one: IntFlag, other: IntFlag) -> None:
    """Refuse a flag without the other that it needs. Raises InvalidArgument."""
    if flags & one and not flags & other:
        needed, needing = (f"'{kind.flags}_{call}_{flag.name}'" for flag in (other, one))
        raise refusal(f"Flag {needed} is required by flag {needing}", kind.errors)


class Moments(Generic[Moment]):
    """The moments of one kind."""

    def __init__(self, kind: MomentKind) -> None:
        self.kind = kind
        self.current: str | None = None
        self._by_name: dict[str, Moment] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Moment]:
        return iter(tuple(self._by_name.values()))

    def __contains__(self, name: str | None) -> bool:
        return name in self._by_name

    def find(self, name: str) -> Moment:
        """The moment of that name. Raises the kind's NotFound."""
        if (found := self._by_name.get(name)) is None:
            raise self.kind.missing(f"no domain {self.kind.noun} with matching name '{name}'")
        return found

    def get(self, name: str | None) -> Moment | None:
        return self._by_name.get(name) if name is not None else None

    def parent_of(self, name: str) -> Moment:
        """The moment that this one follows. Raises the kind's NotFound where there is none."""
        parent = self.find(name).parent
        if parent is None:
            raise self.kind.missing(f"{self.kind.noun} '{name}' does not have a parent")
        return self.find(parent)

    # -- trees ---------------------------------------------------------------------------------------------------------

    def children(self, name: str | None) -> list[Moment]:
        """Those that follow a moment directly; those that follow none for None."""
        return [moment for moment in self._by_name.values() if moment.parent == name]

    def descendants(self, name: str | None) -> list[Moment]:
        """All that follow a moment, directly or not, parents before their children."""
        found: list[Moment] = []
        waiting = self.children(name)[::-1]
        while waiting:
            moment = waiting.pop()
            found.append(moment)
            waiting.extend(self.children(moment.name)[::-1])
        return found

    def is_leaf(self, moment: _Moment) -> bool:
        return not self.children(moment.name)

    # -- changes -------------------------------------------------------------------------------------------------------

    def check_new(self, name: str) -> None:
        """Refuse a name that is taken. Raises AlreadyExists."""
        if name in self._by_name:
            raise AlreadyExists(f"domain moment {name} already exists", domain=ErrorDomain.DOMAIN)

    def check_parent(self, moment: _Moment) -> None:
        """Refuse a parent that is not there or would follow its own child. Raises InvalidArgument."""
        name, parent = moment.name, moment.parent
        if parent is None:
            return
        if parent == name:
            raise InvalidArgument(f"cannot set moment {name} as its own parent", domain=ErrorDomain.DOMAIN)
        if parent not in self._by_name:
            raise InvalidArgument(f"parent {parent} for moment {name} not found", domain=ErrorDomain.DOMAIN)
        if name in self._by_name and parent in {each.name for each in self.descendants(name)}:
            raise InvalidArgument(f"parent {parent} would create cycle to {name}", domain=ErrorDomain.DOMAIN)

    def put(self, moment: Moment) -> None:
        """Add a moment, or replace the one of its name."""
        assert moment.name is not None
        self._by_name[moment.name] = moment

    def remove(self, name: str) -> None:
        """Remove one moment; what followed it follows its parent, which becomes current in its place."""
        gone = self._by_name.pop(name)
        for child in self.children(name):
            self.put(replace(child, parent=gone.parent))
        if self.current == name:
            self.current = gone.parent

    def remove_descendants(self, name: str) -> None:
        """Remove all that follow a moment; it becomes current where one of them was."""
        for moment in self.descendants(name):
            assert moment.name is not None
            del self._by_name[moment.name]
            if self.current == moment.name:
                self.current = name

    # -- lists ---------------------------------------------------------------------------------------------------------

    def among(self, name: str | None, *, deep: bool) -> list[Moment]:
        """What follows a moment (none for None), only directly or all."""
        return self.descendants(name) if deep else self.children(name)


def names_of(found: Sequence[_Moment], maxnames: int) -> list[str]:
    """At most so many names. Raises InvalidArgument for a negative number."""
    if maxnames < 0:
        raise InvalidArgument(f"maxnames is {maxnames}, expected 0 or more")
    return [moment.name or "" for moment in found][:maxnames]
