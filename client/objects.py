"""What the objects of a host have in common (networks, pools, devices, …), and the collections that they are found in.

An object stands for itself by what names it on the wire: two values are equal when that is, and one stays usable over
reconnects. Its methods take ``deadline``, seconds for the whole call (None: that of the connection). What is gone
raises its kind of NotFound.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ..wire.errors import InvalidArgument, NotFound
from ..wire.table import Row

if TYPE_CHECKING:
    from .reconnect import Session

Thing = TypeVar("Thing", bound="HostObject")


class HostObject:
    """One object of a host, and the session it is called over."""

    __slots__ = ("_ref", "_session")

    def __init__(self, session: Session, ref: Any) -> None:
        self._session = session
        self._ref = ref

    @property
    def ref(self) -> Any:
        """What names the object in a call of a row (``host.call``)."""
        return self._ref

    @property
    def name(self) -> str:
        return self._ref.name

    @property
    def key(self) -> Any:
        """What tells it from others of its kind, and its collection finds it by."""
        return self._ref

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, HostObject) and other.key == self.key

    def __hash__(self) -> int:
        return hash((type(self), self.key))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _call(self, row: Row, *args: Any, deadline: float | None = None) -> tuple[Any, ...]:
        """Call a row whose first argument is this object."""
        return self._session.call(row, self._ref, *args, deadline=deadline)


class IdentifiedObject(HostObject):
    """One that has a name and a UUID; the UUID is what it stands for."""

    __slots__ = ()

    @property
    def uuid(self) -> uuids.UUID:
        return uuids.UUID(bytes=self._ref.uuid)

    @property
    def key(self) -> bytes:
        return self._ref.uuid

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.uuid}>"


class LastingObject(HostObject):
    """One that may have a definition which outlives it, and may start with the daemon.

    A subclass names the rows that tell and change it.
    """

    __slots__ = ()

    row_is_active: ClassVar[Row]
    row_is_persistent: ClassVar[Row]
    row_get_autostart: ClassVar[Row]
    row_set_autostart: ClassVar[Row]

    def is_active(self, *, deadline: float | None = None) -> bool:
        """Whether it is started, or a device is there (virNetworkIsActive and its like)."""
        return self._call(self.row_is_active, deadline=deadline)[0] == 1

    def is_persistent(self, *, deadline: float | None = None) -> bool:
        """Whether it has a definition that outlives its stop (virNetworkIsPersistent and its like)."""
        return self._call(self.row_is_persistent, deadline=deadline)[0] == 1

    def autostart(self, *, deadline: float | None = None) -> bool:
        """Whether it starts with the daemon (virNetworkGetAutostart and its like)."""
        return self._call(self.row_get_autostart, deadline=deadline)[0] != 0

    def set_autostart(self, autostart: bool, *, deadline: float | None = None) -> None:
        """Start it with the daemon, or not (virNetworkSetAutostart and its like)."""
        self._call(self.row_set_autostart, int(autostart), deadline=deadline)


class HostObjects(Generic[Thing]):
    """A collection of a host: iterable (all of them, in the daemon's order), ``len``, ``in``, and ``[name]``.

    A subclass names the row that lists all, and knows how one is looked up.
    """

    thing: ClassVar[type[Any]]
    list_all: ClassVar[Row]

    def __init__(self, session: Session) -> None:
        self._session = session

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._all(0))

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, key: Any) -> Thing:
        return self.lookup(key)

    def __contains__(self, key: object) -> bool:
        try:
            self.lookup(key.key if isinstance(key, HostObject) else key)
        except (NotFound, InvalidArgument, TypeError):
            return False
        return True

    def lookup(self, key: Any, *, deadline: float | None = None) -> Thing:
        """The one with that name (or what else the kind is known by). Raises its NotFound."""
        raise NotImplementedError

    def count(self, flags: int = 0, *, deadline: float | None = None) -> int:
        """How many pass the filter flags."""
        return self._session.call(self.list_all, 0, int(flags), deadline=deadline)[1]

    def _all(self, flags: int, deadline: float | None = None) -> list[Thing]:
        found, _ = self._session.call(self.list_all, 1, int(flags), deadline=deadline)
        return [self.thing(self._session, ref) for ref in found]

    def _one(self, row: Row, *args: Any, deadline: float | None = None) -> Thing:
        """What a call gives that answers with one reference."""
        return self.thing(self._session, self._session.call(row, *args, deadline=deadline)[0])

    def _names(self, count: Row, names: Row, *args: Any, deadline: float | None = None) -> list[str]:
        """The names that libvirt's older pair of calls gives: first how many, then at most so many of them."""
        (number,) = self._session.call(count, *args, deadline=deadline)
        return self._session.call(names, *args, number, deadline=deadline)[0]


class IdentifiedObjects(HostObjects[Thing]):
    """A collection of objects with names and UUIDs."""

    by_name: ClassVar[Row]
    by_uuid: ClassVar[Row]

    def lookup(self, key: str | bytes | uuids.UUID, *, deadline: float | None = None) -> Thing:
        """The one with that name or UUID (value, 16 bytes or text). A text is tried as a name first.

        Raises the kind's NotFound.
        """
        if isinstance(key, uuids.UUID):
            key = key.bytes
        if isinstance(key, bytes):
            return self._one(self.by_uuid, key, deadline=deadline)
        if not isinstance(key, str):
            raise TypeError(f"{key!r} is neither a name nor a UUID")
        try:
            return self._one(self.by_name, key, deadline=deadline)
        except NotFound:
            number = uuid_in(key)
            if number is None:
                raise
        return self._one(self.by_uuid, number.bytes, deadline=deadline)


def uuid_in(text: str) -> uuids.UUID | None:
    """The UUID that a text is, None where it is none."""
    try:
        return uuids.UUID(text)
    except ValueError:
        return None


class OwnedObjects(Generic[Thing]):
    """What one object of a host owns: iterable (all of them), ``in``, and ``[name]``.

    A subclass knows how they are listed and looked up, and what is raised where there is none of a name.
    """

    thing: ClassVar[type[HostObject]]
    missing: ClassVar[type[NotFound]]

    def __iter__(self) -> Iterator[Thing]:
        return iter(self.list())

    def __getitem__(self, name: str) -> Thing:
        return self.lookup(name)

    def __contains__(self, name: object) -> bool:
        if isinstance(name, self.thing):
            name = name.name
        if not isinstance(name, str):
            return False
        try:
            self.lookup(name)
        except self.missing:
            return False
        return True

    def list(self) -> Sequence[Thing]:
        """All of them."""
        raise NotImplementedError

    def lookup(self, name: str) -> Thing:
        """The one with that name. Raises ``missing``."""
        raise NotImplementedError
