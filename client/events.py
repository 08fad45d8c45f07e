"""Events: one subscription for each session, any number of iterators over it, nothing lost on the way.

``Subscription`` is the session's side: it subscribes for the union of what its iterators want, numbers what comes, and
after a reconnect goes on where it stopped. At libvirtd it registers callbacks (callbacks.py), counts what comes by
itself, and can only tell that it was away. Deliveries run on the connection's reader and must not wait, so there are
two locks: ``_changing`` is held over the daemon's answer to a subscribe, ``_guard`` never over anything that waits.
An iterator that its owner dropped without closing it is noticed at the next event, by its weak reference.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..wire.callbacks import CALLBACK_ID
from ..wire.enums import domain_events as details
from ..wire.enums.domain_events import DomainEventType
from ..wire.errors import ConnectionLost, InvalidArgument
from ..wire.framing import Packet, PacketType
from ..wire.lanes import XDR, lane_of
from ..wire.pack import codec, encode
from ..wire.table import EXTENSION_PROGRAM, REMOTE_PROGRAM, ROWS, Row, row_of
from .closing import Closing
from .domain import Domain
from .values import member_or_number, words_of
from .waiting import Inbox

if TYPE_CHECKING:
    from .callbacks import Registrations
    from .connection import Connection
    from .domain.events import DomainEvent
    from .reconnect import Session

_SUBSCRIBE = ROWS["events_subscribe"]
_UNSUBSCRIBE = ROWS["events_unsubscribe"]
_EVENT = ROWS["event"]
_MISSED = ROWS["events_missed"]
_LIFECYCLE = ROWS["domain_event_lifecycle"]
CLOSE_SECONDS = 5.0
_LIBVIRTS_EPOCH = ""  # libvirtd does not tell one life from another.

Found = TypeVar("Found")
# What makes an event: of the session, its number, its time and its fields.
Build = Callable[["Session", int, datetime, tuple[Any, ...]], Any]

DETAILS: dict[DomainEventType, type[IntEnum]] = {
    DomainEventType.DEFINED: details.DomainEventDefinedDetailType,
    DomainEventType.UNDEFINED: details.DomainEventUndefinedDetailType,
    DomainEventType.STARTED: details.DomainEventStartedDetailType,
    DomainEventType.SUSPENDED: details.DomainEventSuspendedDetailType,
    DomainEventType.RESUMED: details.DomainEventResumedDetailType,
    DomainEventType.STOPPED: details.DomainEventStoppedDetailType,
    DomainEventType.SHUTDOWN: details.DomainEventShutdownDetailType,
    DomainEventType.PMSUSPENDED: details.DomainEventPMSuspendedDetailType,
    DomainEventType.CRASHED: details.DomainEventCrashedDetailType,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a domain (virConnectDomainEventCallback).

    ``sequence`` grows with each event of one daemon's life; ``when`` is in UTC; ``detail`` is a member of the
    enumeration that belongs to ``type``. Numbers that are not in ours come as they are.
    """

    sequence: int
    when: datetime
    domain: Domain
    type: DomainEventType | int
    detail: IntEnum | int

    def __str__(self) -> str:
        """In words: ``web-1: started (booted)``."""
        return f"{self.domain.name}: {words_of(self.type)} ({words_of(self.detail)})"


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """More happened than the daemon kept for us: while the connection was away, because the daemon itself is a new
    one, or because we read too slowly.

    What the events would have told must be asked anew. ``after`` is the last sequence number that was seen.
    """

    after: int
    daemon_restarted: bool

    def __str__(self) -> str:
        """In words: ``events were missed: the daemon was restarted``."""
        return f"events were missed{': the daemon was restarted' if self.daemon_restarted else ''}"


def _lifecycle(session: Session, sequence: int, when: datetime, fields: tuple[Any, ...]) -> Event:
    ref, type_, detail = fields
    known = member_or_number(DomainEventType, type_)
    kind = DETAILS.get(known) if isinstance(known, DomainEventType) else None
    return Event(sequence, when, Domain(session, ref), known, member_or_number(kind, detail) if kind else detail)


class Feed(Closing, Generic[Found]):
    """An iterator over events of some rows; a context manager. It is subscribed from its making on.

    Subclasses name the rows they follow in ``builders``: what makes the event of a row's fields (those behind the
    callback's id, where the row has one), and ``wants`` chooses among them.
    """

    builders: Mapping[Row, Build] = {}

    def __init__(self, session: Session, timeout: float | None, deadline: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self._closed = False
        self.inbox: Inbox[Found | EventsMissed] = Inbox()
        self.procedures = frozenset(row.number for row in self.builders)
        session.subscription.add(self, deadline)

    def __iter__(self) -> Iterator[Found | EventsMissed]:
        return self

    def __next__(self) -> Found | EventsMissed:
        found = self.get(self._timeout)
        if found is None:
            raise StopIteration
        return found

    def get(self, timeout: float | None = None) -> Found | EventsMissed | None:
        """The next event; None when there was none for ``timeout`` seconds (0: none is there now) or it is closed.

        Raises ConnectionLost when the connection broke and is not to be, or could not be, made anew.
        """
        if self._closed:
            return None
        return self._session.take(self.inbox, None if timeout is None else time.monotonic() + timeout)

    def close(self) -> None:
        """End the subscription; a thread that waits in the iterator leaves it. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self.inbox.close()
            self._session.subscription.remove(self)

    def wants(self, row: Row, fields: tuple[Any, ...]) -> bool:
        """Whether an event with these fields passes the filter."""
        return True

    def offer(self, row: Row, sequence: int, when: datetime, fields: tuple[Any, ...]) -> None:
        """Take an event, if it is one that is wanted; called by whoever reads the connection."""
        build = self.builders.get(row)
        if build is not None and self.wants(row, fields):
            self.inbox.put(build(self._session, sequence, when, fields))


class Events(Feed[Any]):
    """An iterator over what happens to domains; a context manager. Made by ``host.events``; see there."""

    def __init__(
        self,
        session: Session,
        domains: Domain | str | Iterable[Domain | str] | None = None,
        kinds: DomainEventType | Collection[DomainEventType] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        types: Iterable[type[Event | DomainEvent]] | None = None,
    ) -> None:
        self.builders = _builders_of(types)
        self._names, self._uuids = _names_and_uuids(domains)
        self._kinds = None if kinds is None else frozenset([kinds] if isinstance(kinds, DomainEventType) else kinds)
        super().__init__(session, timeout, deadline)

    def wants(self, row: Row, fields: tuple[Any, ...]) -> bool:
        ref = fields[0]
        if row is _LIFECYCLE and self._kinds is not None and fields[1] not in self._kinds:
            return False
        return self._names is None or ref.name in self._names or ref.uuid in self._uuids


class Subscription:
    """A session's subscription at its daemon; see the module."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changing = threading.RLock()
        self._guard = threading.Lock()
        self._feeds: list[weakref.ref[Feed[Any]]] = []
        self._connection: Connection | None = None
        self._procedures: frozenset[int] = frozenset()
        self._epoch: str | None = None
        self._last = 0
        self._held: list[Packet] | None = None
        # In libvirt's lane, in place of a subscription that the daemon keeps.
        self._registrations: Registrations | None = None

    def add(self, feed: Feed[Any], deadline: float | None) -> None:
        """Begin to deliver to ``feed``. Raises what subscribing fails with, within ``deadline`` seconds."""
        if deadline is None:
            deadline = self._session.deadline
        with self._guard:
            self._feeds.append(weakref.ref(feed))
        try:
            self._session.on_connection(
                lambda connection: self._ensure(connection, feed.procedures, deadline), deadline
            )
        except BaseException:
            self._drop(feed)
            raise

    def remove(self, feed: Feed[Any]) -> None:
        """Deliver no more to ``feed``; the last one ends the subscription. Never raises for a broken connection."""
        if not self._drop(feed):
            return
        with self._changing:
            connection = self._connection
            if connection is None or not self._forget():
                return
            registrations, self._registrations = self._registrations, None
            if registrations is not None:
                registrations.drop(CLOSE_SECONDS)
                return
            with suppress(ConnectionLost):
                connection.call(_UNSUBSCRIBE, (), CLOSE_SECONDS)

    def resume(self, connection: Connection, deadline: float | None) -> None:
        """Go on over a new connection where the old one stopped."""
        with self._changing:
            if self._epoch is not None:
                self._subscribe(connection, self._procedures, deadline)

    def deliver(self, packet: Packet) -> None:
        """Take a message that the connection's reader has read. Raises ProtocolError for a malformed one."""
        if not _tells_of_events(packet):
            return
        with self._guard:
            if self._held is not None:
                self._held.append(packet)
            elif not self._deliver(packet):
                self._unsubscribe_soon()

    def _ensure(self, connection: Connection, procedures: frozenset[int], deadline: float | None) -> None:
        with self._changing:
            if self._connection is not connection or not procedures <= self._procedures:
                self._subscribe(connection, self._procedures | procedures, deadline)

    def _subscribe(self, connection: Connection, procedures: frozenset[int], deadline: float | None) -> None:
        """Ask for events from where we are. Those that overtake the answer's evaluation are held back until then."""
        with self._guard:
            self._held = []
        answer: tuple[Any, ...] | None = None
        try:
            if connection.lane is XDR:
                answer = self._register(connection, procedures, deadline)
            else:
                answer = connection.call(_SUBSCRIBE, (sorted(procedures), self._epoch, self._last), deadline)
            self._connection, self._procedures = connection, procedures
        finally:
            with self._guard:
                if answer is not None:
                    self._go_on_from(*answer)
                held, self._held = self._held or [], None
                for packet in held:
                    self._deliver(packet)

    def _register(
        self, connection: Connection, procedures: frozenset[int], deadline: float | None
    ) -> tuple[str, int, bool]:
        """As the answer to a subscribe: on another connection than before, something may have been missed."""
        from .callbacks import Registrations

        known = self._registrations
        if known is None or known.connection is not connection:
            known = self._registrations = Registrations(connection)
            missed = self._epoch is not None
        else:
            missed = False
        known.add(procedures, deadline)
        return _LIBVIRTS_EPOCH, self._last, missed

    def _go_on_from(self, epoch: str, sequence: int, missed: bool) -> None:
        restarted = self._epoch is not None and epoch != self._epoch
        if missed and self._epoch is not None:
            for feed in self._alive():
                feed.inbox.put(EventsMissed(self._last, restarted))
        if restarted:
            self._last = 0
        elif self._epoch is None:
            self._last = sequence
        self._epoch = epoch

    def _deliver(self, packet: Packet) -> bool:
        """Hand one event to whom it concerns; False when nobody is there any more."""
        feeds = self._alive()
        if packet.program != EXTENSION_PROGRAM:
            return self._deliver_libvirts(packet, feeds)
        if packet.procedure == _MISSED.number:
            (after,), _ = codec(_MISSED).decode_args(packet.payload)
            for feed in feeds:
                feed.inbox.put(EventsMissed(after, daemon_restarted=False))
            return bool(feeds)
        (sequence, when, procedure, payload), _ = codec(_EVENT).decode_args(packet.payload)
        if sequence <= self._last or not feeds:
            return bool(feeds)
        self._last = sequence
        row = row_of(REMOTE_PROGRAM, procedure)
        if row is not None and procedure in self._procedures:
            fields = _without_callback(row, codec(row).decode_args(payload)[0])
            happened = datetime.fromtimestamp(when, UTC)
            for feed in feeds:
                feed.offer(row, sequence, happened, fields)
        return True

    def _deliver_libvirts(self, packet: Packet, feeds: list[Feed[Any]]) -> bool:
        from .callbacks import event_in

        found = event_in(packet)
        if found is None or not feeds:
            return bool(feeds)
        row, fields = found
        self._last += 1
        now = datetime.now(UTC)
        for feed in feeds:
            feed.offer(row, self._last, now, fields)
        return True

    def _alive(self) -> list[Feed[Any]]:
        return [feed for reference in self._feeds if (feed := reference()) is not None]

    def _drop(self, feed: Feed[Any]) -> bool:
        """Take a feed out, and those that are gone; tells whether it was the last."""
        with self._guard:
            self._feeds = [other for other in self._feeds if other() not in (None, feed)]
            return not self._feeds

    def _forget(self) -> bool:
        """Note that there is no subscription any more, unless somebody came meanwhile."""
        with self._guard:
            if self._alive():
                return False
            self._connection, self._procedures, self._epoch, self._last = None, frozenset(), None, 0
            return True

    def _unsubscribe_soon(self) -> None:
        """All iterators were dropped without being closed: say so, without waiting; the guard is held."""
        connection = self._connection
        if connection is None or not self._changing.acquire(blocking=False):
            return
        try:
            self._connection, self._procedures, self._epoch, self._last = None, frozenset(), None, 0
            self._feeds.clear()
            registrations, self._registrations = self._registrations, None
            if registrations is not None:
                registrations.drop_soon()
                return
            program, number = _UNSUBSCRIBE.msgpack_program, _UNSUBSCRIBE.number
            connection.send_soon(program, number, PacketType.CALL, encode(()), connection.next_serial())
        finally:
            self._changing.release()


def _tells_of_events(packet: Packet) -> bool:
    if packet.program == EXTENSION_PROGRAM:
        return packet.procedure in (_EVENT.number, _MISSED.number)
    return lane_of(packet.program) is XDR


def _without_callback(row: Row, fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """A message's fields but for the id of a callback, which nobody has registered here."""
    return fields[1:] if row.args[0].name == CALLBACK_ID else fields


def _builders_of(types: Iterable[type[Event | DomainEvent]] | None) -> Mapping[Row, Build]:
    """What makes the events of these types: of a domain's life only, where none is said."""
    if types is None:
        return {_LIFECYCLE: _lifecycle}
    # Imported here: making all these classes takes a while, and most programs follow a domain's life.
    from .domain.events import KIND_OF

    builders: dict[Row, Build] = {}
    for type_ in types:
        if issubclass(type_, Event):
            builders[_LIFECYCLE] = _lifecycle
        else:
            kind = KIND_OF[type_]
            builders[kind.row] = kind.build
    return builders


def _names_and_uuids(
    domains: Domain | str | Iterable[Domain | str] | None,
) -> tuple[frozenset[str] | None, frozenset[bytes]]:
    """What to look for: None for everything."""
    if domains is None:
        return None, frozenset()
    chosen = [domains] if isinstance(domains, Domain | str) else list(domains)
    for one in chosen:
        if not isinstance(one, Domain | str):
            raise InvalidArgument(f"events of {one!r}: not a domain or a name")
    names = frozenset(one for one in chosen if isinstance(one, str))
    return names, frozenset(one.ref.uuid for one in chosen if isinstance(one, Domain))
