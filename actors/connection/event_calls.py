"""Events for one client: what it asked to be told of, and what it is told.

There are two ways to ask. A *subscription* is our own: numbered events that can be resumed. *Registrations* are
libvirt's: a callback id for each kind of event, perhaps of one object only. Both are served from the driver's log. A
client that does not read what it is sent is told nothing for the moment; once it reads again the log replays what it
still has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...wire import pack
from ...wire.errors import NotSupported, VirtError
from ...wire.framing import PacketType, Status
from ...wire.table import QEMU_PROGRAM, ROWS, Row
from ...wire.table.events import EventKind
from ..call import FORWARDED, Call
from ..events import Delivery, Leave, Replay, Replayed, Subscribe, Subscribed, Unsubscribe, Watch, Watching
from ..runtime import send
from .link import Link, logger
from .registrations import Registration, Registrations, find_kind, key_of

_EVENT = ROWS["event"]
_EVENTS_MISSED = ROWS["events_missed"]
_MESSAGE, _OK = int(PacketType.MESSAGE), int(Status.OK)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration's way through the log brings back: whom to answer what."""

    call: Call
    registration: Registration
    answer: tuple[int, ...]


class EventCalls(Link):
    """The part of a connection that is about events."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._registrations = Registrations()
        # Numbers of the last events that were told: to the subscription, and for registrations.
        self._sequence = 0
        self._told = 0
        self._subscribed: frozenset[int] | None = None
        # The first event that the client did not take; from it on all are to be replayed.
        self._refused: int | None = None

    # -- our own subscription ------------------------------------------------------------------------------------------

    def events_subscribe(self, call: Call, procedures: list[int], epoch: str | None, after: int) -> object:
        assert self.session.driver is not None
        self._subscribed = None  # What is on its way from an earlier subscription is none of the new one's.
        subscribe = Subscribe(call, self.actor_ref, frozenset(procedures), epoch, after)
        send(self.session.driver.events, subscribe)
        return FORWARDED

    def events_unsubscribe(self, call: Call) -> None:
        assert self.session.driver is not None
        self._subscribed = None
        send(self.session.driver.events, Unsubscribe(self.actor_ref))

    def _events_begin(self, message: Subscribed) -> None:
        self._subscribed, self._sequence = message.procedures, message.after

    # -- libvirt's registrations ---------------------------------------------------------------------------------------

    def connect_domain_event_register(self, call: Call) -> object:
        return self._register(call, find_kind("domain", 0), legacy=True, answer=(0,))

    def connect_domain_event_deregister(self, call: Call) -> tuple[int]:
        self._deregister_legacy(find_kind("domain", 0))
        return (0,)

    def connect_domain_event_register_any(self, call: Call, event_id: int) -> object:
        return self._register(call, find_kind("domain", event_id, legacy=True), legacy=True, answer=())

    def connect_domain_event_deregister_any(self, call: Call, event_id: int) -> None:
        self._deregister_legacy(find_kind("domain", event_id, legacy=True))

    def connect_domain_event_callback_register_any(self, call: Call, event_id: int, dom: Any) -> object:
        return self._register(call, find_kind("domain", event_id), dom)

    def connect_domain_event_callback_deregister_any(self, call: Call, callback_id: int) -> None:
        self._deregister("domain", callback_id)

    def connect_network_event_register_any(self, call: Call, event_id: int, net: Any) -> object:
        return self._register(call, find_kind("network", event_id), net)

    def connect_network_event_deregister_any(self, call: Call, callback_id: int) -> None:
        self._deregister("network", callback_id)

    def connect_storage_pool_event_register_any(self, call: Call, event_id: int, pool: Any) -> object:
        return self._register(call, find_kind("storage pool", event_id), pool)

    def connect_storage_pool_event_deregister_any(self, call: Call, callback_id: int) -> None:
        self._deregister("storage pool", callback_id)

    def connect_node_device_event_register_any(self, call: Call, event_id: int, dev: Any) -> object:
        return self._register(call, find_kind("node device", event_id), dev)

    def connect_node_device_event_deregister_any(self, call: Call, callback_id: int) -> None:
        self._deregister("node device", callback_id)

    def connect_secret_event_register_any(self, call: Call, event_id: int, secret: Any) -> object:
        return self._register(call, find_kind("secret", event_id), secret)

    def connect_secret_event_deregister_any(self, call: Call, callback_id: int) -> None:
        self._deregister("secret", callback_id)

    def connect_domain_monitor_event_register(self, call: Call, dom: Any, event: str | None, flags: int) -> object:
        self._require_part(call)
        about = None if dom is None else key_of(dom)
        registration = self._registrations.add_monitor(call.lane, about, event, flags)
        return self._watch(Registered(call, registration, (registration.id,)))

    def connect_domain_monitor_event_deregister(self, call: Call, callback_id: int) -> None:
        self._deregister("qemu monitor", callback_id)

    def _register(
        self,
        call: Call,
        kind: EventKind,
        about: Any = None,
        *,
        legacy: bool = False,
        answer: tuple[int, ...] | None = None,
    ) -> object:
        self._require_part(call)
        key = None if about is None else key_of(about)
        registration = self._registrations.add(kind, call.lane, key, legacy)
        return self._watch(Registered(call, registration, (registration.id,) if answer is None else answer))

    def _require_part(self, call: Call) -> None:
        driver, row = self.session.driver, call.row
        assert driver is not None
        if row.part not in driver.parts or (row.program == QEMU_PROGRAM and driver.name != "qemu"):
            raise NotSupported(row.api or row.name)

    def _deregister(self, family: str, callback_id: int) -> None:
        self._registrations.remove(family, callback_id)
        self._watch()

    def _deregister_legacy(self, kind: EventKind) -> None:
        self._registrations.remove_legacy(kind)
        self._watch()

    def _watch(self, token: Registered | None = None) -> object:
        """Tell the log what is to be told now; it answers the token."""
        assert self.session.driver is not None
        send(self.session.driver.events, Watch(self.actor_ref, self._registrations.procedures(), token))
        return FORWARDED

    def _watching(self, message: Watching) -> None:
        token: Registered = message.token
        token.registration.since = message.after
        token.call.reply(token.answer)

    # -- telling -------------------------------------------------------------------------------------------------------

    def _event(self, message: Delivery) -> None:
        sequence = message.sequence
        subscribed = self._subscribed
        # A replay may bring what was told already, to one of the two or to both.
        to_subscription = (
            subscribed is not None
            and sequence > self._sequence
            and (not subscribed or message.row.number in subscribed)
        )
        to_registrations = sequence > self._told and bool(self._registrations)
        if not (to_subscription or to_registrations):
            return
        if self._refused is not None or not self._writable:
            self._refused = sequence if self._refused is None else min(self._refused, sequence)
            return
        if to_subscription:
            self._sequence = sequence
            self._say_event(_EVENT, (sequence, message.when, message.row.number, message.payload))
        if to_registrations:
            self._told = sequence
            for registration in self._registrations.taking(message):
                self._tell(registration, message)

    def _tell(self, registration: Registration, delivery: Delivery) -> None:
        row, fields = registration.message(delivery.fields)
        codec = registration.lane.codec(row)
        try:
            self.send_packet(codec.program, row.number, _MESSAGE, 0, _OK, codec.encode_args(fields, None))
        except VirtError as error:
            logger.error("%s: event %d cannot be told: %s", self.label, delivery.sequence, error)

    def _say_event(self, row: Row, fields: tuple[Any, ...]) -> None:
        self.send_packet(row.program, row.number, _MESSAGE, 0, _OK, pack.encode(fields))

    def _catch_up(self) -> None:
        """The client takes events again: ask for those that it has not had."""
        if self._refused is not None and self.session.driver is not None:
            send(self.session.driver.events, Replay(self.actor_ref, self._refused - 1))

    def _replayed(self, message: Replayed) -> None:
        self._refused = None
        if not message.missed:
            return
        logger.warning("%s: read too slowly, some events are lost to it", self.label)
        if self._subscribed is not None:
            self._say_event(_EVENTS_MISSED, (self._sequence,))

    def _end_events(self) -> None:
        if self.session.driver is not None:
            send(self.session.driver.events, Leave(self.actor_ref))

    EVENT_HANDLERS: dict[type, Any] = {
        Delivery: _event,
        Subscribed: _events_begin,
        Watching: _watching,
        Replayed: _replayed,
    }
