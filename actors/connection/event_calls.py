"""Events for one client: what it asked to be told of, and what it is told."""

from __future__ import annotations

from typing import Any

from ...wire import pack
from ...wire.framing import PacketType, Status
from ...wire.table import ROWS
from ..call import FORWARDED, Call
from ..events import Delivery, Replay, Replayed, Subscribe, Subscribed, Unsubscribe
from ..runtime import send
from .link import Link

_EVENT = ROWS["event"]
_EVENTS_MISSED = ROWS["events_missed"]


class EventCalls(Link):
    """The part of a connection that is about events."""

    _subscribed = False
    _behind = False
    _sequence = 0

    def events_subscribe(self, call: Call, procedures: list[int], epoch: str | None, after: int) -> object:
        assert self.session.driver is not None
        self._subscribed = False  # What is on its way from an earlier subscription is none of the new one's.
        subscribe = Subscribe(call, self.actor_ref, frozenset(procedures), epoch, after)
        send(self.session.driver.events, subscribe)
        return FORWARDED

    def events_unsubscribe(self, call: Call) -> None:
        assert self.session.driver is not None
        self._subscribed = False
        send(self.session.driver.events, Unsubscribe(self.actor_ref))

    def _end_events(self) -> None:
        if self.session.driver is not None:
            send(self.session.driver.events, Unsubscribe(self.actor_ref))

    def _catch_up(self) -> None:
        """The client takes events again: ask for those that it has not had."""
        if self._behind and self.session.driver is not None:
            send(self.session.driver.events, Replay(self.actor_ref, self._sequence))

    def _event(self, message: Delivery) -> None:
        # Two replays that were asked for one after the other overlap.
        if self._behind or not self._subscribed or message.sequence <= self._sequence:
            return
        if not self._writable:
            self._behind = True
            return
        self._sequence = message.sequence
        fields = (message.sequence, message.when, message.procedure, message.payload)
        self._say_event(_EVENT, fields)

    def _say_event(self, row: Any, fields: tuple[Any, ...]) -> None:
        self.send_packet(row.program, row.number, PacketType.MESSAGE, 0, Status.OK, pack.encode(fields))

    def _events_begin(self, message: Subscribed) -> None:
        self._subscribed, self._behind, self._sequence = True, False, message.after

    def _replayed(self, message: Replayed) -> None:
        self._behind = False
        if message.missed:
            self._say_event(_EVENTS_MISSED, (self._sequence,))

    EVENT_HANDLERS: dict[type, Any] = {Delivery: _event, Subscribed: _events_begin, Replayed: _replayed}
