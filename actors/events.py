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
from itertools import islice
from typing import Any

import pykka

from ..wire import pack
from ..wire.table.rows import Row
from .call import Call
from .runtime import LoopActor, Runtime, send

WINDOW = 10_000


@dataclass(frozen=True, slots=True)
class Publish:
    """Something happened: libvirt's message row, and its fields."""

    row: Row
    fields: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to subscribers; ``payload`` is the fields packed, ``when`` seconds since 1970."""

    sequence: int
    when: float
    procedure: int
    payload: bytes


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
    """To a connection: what follows now are the events after that number."""

    after: int


@dataclass(frozen=True, slots=True)
class Unsubscribe:
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


class EventLog(LoopActor):
    """The events of one driver."""

    label = "events"

    def __init__(self, runtime: Runtime, window: int = WINDOW) -> None:
        super().__init__(runtime)
        self.epoch = uuid.uuid4().hex
        self.sequence = 0
        self._window: deque[Delivery] = deque(maxlen=window)
        self._subscribers: dict[str, tuple[pykka.ActorRef[Any], frozenset[int]]] = {}

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    def _publish(self, message: Publish) -> None:
        self.sequence += 1
        delivery = Delivery(self.sequence, time.time(), message.row.number, pack.encode(message.fields))
        self._window.append(delivery)
        for ref, procedures in tuple(self._subscribers.values()):
            if procedures and delivery.procedure not in procedures:
                continue
            if not send(ref, delivery):
                self._subscribers.pop(ref.actor_urn, None)

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
        if not send(message.connection, Subscribed(after)):
            return
        self._subscribers[message.connection.actor_urn] = (message.connection, message.procedures)
        message.call.reply((self.epoch, self.sequence, missed))
        self._deliver_since(message.connection, message.procedures, after)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        self._subscribers.pop(message.connection.actor_urn, None)

    def _replay(self, message: Replay) -> None:
        found = self._subscribers.get(message.connection.actor_urn)
        if found is not None and send(message.connection, Replayed(self._has_gap(message.after))):
            self._deliver_since(message.connection, found[1], message.after)

    def _has_gap(self, after: int) -> bool:
        oldest = self._window[0].sequence if self._window else self.sequence + 1
        return after + 1 < oldest

    def _deliver_since(self, ref: pykka.ActorRef[Any], procedures: frozenset[int], after: int) -> None:
        if after >= self.sequence:
            return
        behind = self.sequence - after
        for delivery in islice(self._window, max(0, len(self._window) - behind), None):
            if not procedures or delivery.procedure in procedures:
                send(ref, delivery)

    _HANDLERS = {
        Publish: _publish,
        Subscribe: _subscribe,
        Unsubscribe: _unsubscribe,
        Replay: _replay,
    }
