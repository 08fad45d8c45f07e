"""The log of a driver's events: numbered, kept for a while, delivered to the connections that subscribed.

Objects publish by ``tell`` and never wait for a subscriber. Events carry sequence numbers that begin anew with each
life of the daemon (its ``epoch``); a window of the last ones is kept, so that a client that was away can go on where
it stopped, or is told that it missed some. A connection that cannot take more for the moment ignores deliveries and
asks for a replay later, so a slow reader costs no memory beyond the window, which all share.

Rejected: a queue per subscriber (a stopped reader would grow it without bound), and dropping silently (libvirt's
clients cannot tell that they missed something).
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import pykka

from ..wire import pack
from ..wire.table.events import whole_fields
from ..wire.table.rows import Row
from .call import Call
from .runtime import LoopActor, Runtime, send

WINDOW = 10_000


@dataclass(frozen=True, slots=True)
class Publish:
    """Something happened: the row of wire/table/events.py that drivers publish it as, and its fields."""

    row: Row
    fields: tuple[Any, ...]


@dataclass(frozen=True)
class Delivery:
    """One event on its way to connections; ``when`` is in seconds since 1970."""

    sequence: int
    when: float
    row: Row
    fields: tuple[Any, ...]

    @cached_property
    def payload(self) -> bytes:
        """The row's fields packed, once for all who want them so: often nobody does."""
        return pack.encode(whole_fields(self.row, self.fields))

    @property
    def procedure(self) -> int:
        return self.row.number


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A connection wants events of these procedures (all when empty); answers ``call`` with epoch, sequence, missed."""

    call: Call
    connection: pykka.ActorRef[Any]
    procedures: frozenset[int]
    epoch: str | None
    after: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """To a connection: what follows now are the events of these procedures after that number."""

    procedures: frozenset[int]
    after: int


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A connection wants no more of what it subscribed to; what it watches goes on."""

    connection: pykka.ActorRef[Any]


@dataclass(frozen=True, slots=True)
class Watch:
    """A connection wants events of these procedures from now on, beside its subscription; ``token`` is given back."""

    connection: pykka.ActorRef[Any]
    procedures: frozenset[int]
    token: Any = None


@dataclass(frozen=True, slots=True)
class Watching:
    """To a connection: what you asked for with that token begins after that number."""

    token: Any
    after: int


@dataclass(frozen=True, slots=True)
class Leave:
    """A connection is gone."""

    connection: pykka.ActorRef[Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """A connection can take events again; it has had those up to ``after``."""

    connection: pykka.ActorRef[Any]
    after: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """To a connection: what follows now is complete from where you stopped, but for what is gone (``missed``)."""

    missed: bool


@dataclass(slots=True)
class Listening:
    """What one connection is to be told: what it watches, and its subscription (None: it has none; empty: to all)."""

    connection: pykka.ActorRef[Any]
    subscribed: frozenset[int] | None = None
    watched: frozenset[int] = frozenset()

    def wants(self, procedure: int) -> bool:
        if self.subscribed is not None and (not self.subscribed or procedure in self.subscribed):
            return True
        return procedure in self.watched


class EventLog(LoopActor):
    """The events of one driver."""

    label = "events"

    def __init__(self, runtime: Runtime, window: int = WINDOW) -> None:
        super().__init__(runtime)
        self.epoch = uuid.uuid4().hex
        self.sequence = 0
        self._window: deque[Delivery] = deque(maxlen=window)
        self._listening: dict[str, Listening] = {}

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    def _publish(self, message: Publish) -> None:
        self.sequence += 1
        row = message.row
        delivery = Delivery(self.sequence, time.time(), row, message.fields)
        self._window.append(delivery)
        for listening in tuple(self._listening.values()):
            if listening.wants(row.number) and not send(listening.connection, delivery):
                self._listening.pop(listening.connection.actor_urn, None)

    def _subscribe(self, message: Subscribe) -> None:
        resumes = message.epoch is not None
        after, missed = message.after, False
        if not resumes:
            after = self.sequence
        elif message.epoch != self.epoch:
            # Another life of the daemon: all of this one is news, and what happened between the two is lost.
            after, missed = 0, True
        after = min(after, self.sequence)
        missed = missed or self._has_gap(after)
        if not send(message.connection, Subscribed(message.procedures, after)):
            return
        listening = self._listening_of(message.connection)
        listening.subscribed = message.procedures
        message.call.reply((self.epoch, self.sequence, missed))
        self._deliver_since(listening, after)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        listening = self._listening.get(message.connection.actor_urn)
        if listening is not None:
            listening.subscribed = None
            self._drop_idle(listening)

    def _watch(self, message: Watch) -> None:
        if message.token is not None and not send(message.connection, Watching(message.token, self.sequence)):
            return
        listening = self._listening_of(message.connection)
        listening.watched = message.procedures
        self._drop_idle(listening)

    def _leave(self, message: Leave) -> None:
        self._listening.pop(message.connection.actor_urn, None)

    def _listening_of(self, connection: pykka.ActorRef[Any]) -> Listening:
        return self._listening.setdefault(connection.actor_urn, Listening(connection))

    def _drop_idle(self, listening: Listening) -> None:
        if listening.subscribed is None and not listening.watched:
            del self._listening[listening.connection.actor_urn]

    def _replay(self, message: Replay) -> None:
        listening = self._listening.get(message.connection.actor_urn)
        missed = listening is not None and self._has_gap(message.after)
        # Also who has stopped listening meanwhile hears that his replay is over.
        if send(message.connection, Replayed(missed)) and listening is not None:
            self._deliver_since(listening, message.after)

    def _has_gap(self, after: int) -> bool:
        oldest = self._window[0].sequence if self._window else self.sequence + 1
        return after + 1 < oldest

    def _deliver_since(self, listening: Listening, after: int) -> None:
        if after >= self.sequence:
            return
        behind = self.sequence - after
        for delivery in islice(self._window, max(0, len(self._window) - behind), None):
            if listening.wants(delivery.row.number):
                send(listening.connection, delivery)

    _HANDLERS = {
        Publish: _publish,
        Subscribe: _subscribe,
        Unsubscribe: _unsubscribe,
        Watch: _watch,
        Leave: _leave,
        Replay: _replay,
    }
