"""The log of events: numbers, resuming, gaps and filters. Slow readers are in connection/test_slow_clients.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pykka
from hypothesis import given, settings
from hypothesis import strategies as st
from pykka import messages
from virtactor.actors.call import Call, Reply
from virtactor.actors.connection.session import Session
from virtactor.actors.events import Delivery, EventLog, Publish, Replay, Replayed, Subscribe, Subscribed, Unsubscribe
from virtactor.actors.runtime import LoopActor, Runtime
from virtactor.wire import pack
from virtactor.wire.table import ROWS, DomainRef

from .loops import VirtualLoop, run

ROW = ROWS["domain_event_lifecycle"]
OTHER_ROW = ROWS["event"]  # Any row with another number will do: the log looks at nothing else.
DOMAIN = DomainRef("guest", bytes(16), 1)


class Subscriber(LoopActor):
    """A connection as the log sees it."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.seen: list[Any] = []

    def on_receive(self, message: Any) -> Any:
        self.seen.append(message)

    @property
    def sequences(self) -> list[int]:
        return [message.sequence for message in self.seen if isinstance(message, Delivery)]


@dataclass
class Stage:
    """A log and its subscribers."""

    window: int = 10
    runtime: Runtime = field(default_factory=lambda: Runtime(asyncio.get_running_loop()))

    def __post_init__(self) -> None:
        self.ref: pykka.ActorRef[EventLog] = EventLog.start(self.runtime, self.window)
        self.log: Any = self.ref._actor_weakref()

    def subscriber(self) -> Any:
        return Subscriber.start(self.runtime)._actor_weakref()

    def publish(self, count: int, row: Any = ROW) -> None:
        for _ in range(count):
            self.ref.tell(Publish(row, (DOMAIN, 2, 0)))
        self.drain()

    def subscribe(
        self, subscriber: Any, procedures: tuple[int, ...] = (), epoch: str | None = None, after: int = 0
    ) -> tuple[str, int, bool]:
        """Subscribe; what the call was answered."""
        call = Call(ROWS["events_subscribe"], (), Session(subscriber.actor_ref), 1)
        self.ref.tell(Subscribe(call, subscriber.actor_ref, frozenset(procedures), epoch, after))
        self.drain()
        (reply,) = (message for message in subscriber.seen if isinstance(message, Reply) and message.call is call)
        return reply.fields  # type: ignore[return-value]

    def drain(self) -> None:
        """Have all mail handled, however long that takes."""
        while not self.runtime.idle:
            self.runtime.run_ready()

    async def close(self) -> None:
        for actor in tuple(self.runtime.actors):
            await actor.actor_ref.ask(messages._ActorStop(), block=False)


def on_stage(work: Callable[[Stage], Awaitable[None]], window: int = 10) -> None:
    async def whole() -> None:
        stage = Stage(window)
        await work(stage)
        await stage.close()

    run(whole, VirtualLoop)


def test_events_are_numbered_in_the_order_in_which_they_were_published() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        assert stage.subscribe(one) == (stage.log.epoch, 0, False)
        stage.publish(3)
        assert one.sequences == [1, 2, 3]
        delivery = one.seen[-1]
        assert delivery.procedure == ROW.number
        assert pack.codec(ROW).decode_args(delivery.payload)[0] == (DOMAIN, 2, 0)

    on_stage(work)


def test_a_new_subscriber_gets_what_comes_and_nothing_that_was() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.publish(5)
        assert stage.subscribe(one, after=2) == (stage.log.epoch, 5, False)
        stage.publish(1)
        assert one.sequences == [6]

    on_stage(work)


def test_who_comes_back_goes_on_where_it_stopped() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.publish(8)
        assert stage.subscribe(one, epoch=stage.log.epoch, after=3) == (stage.log.epoch, 8, False)
        assert one.sequences == [4, 5, 6, 7, 8]
        # The answer comes before the events that it announces, and the place where they begin before both.
        assert [type(message) for message in one.seen[:3]] == [Subscribed, Reply, Delivery]
        assert one.seen[0].after == 3

    on_stage(work)


def test_who_was_away_for_longer_than_the_window_is_told_that_it_missed_some() -> None:
    async def work(stage: Stage) -> None:
        one, two = stage.subscriber(), stage.subscriber()
        stage.publish(15)
        assert stage.subscribe(one, epoch=stage.log.epoch, after=4) == (stage.log.epoch, 15, True)
        assert one.sequences == list(range(6, 16))
        assert stage.subscribe(two, epoch=stage.log.epoch, after=5) == (stage.log.epoch, 15, False)
        assert two.sequences == list(range(6, 16))

    on_stage(work)


def test_another_life_of_the_daemon_means_all_of_this_one_and_that_some_are_missed() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.publish(3)
        assert stage.subscribe(one, epoch="another", after=500) == (stage.log.epoch, 3, True)
        assert one.sequences == [1, 2, 3]
        assert one.seen[0] == Subscribed(frozenset(), 0)

    on_stage(work)


def test_a_number_from_the_future_is_taken_as_now() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.publish(3)
        assert stage.subscribe(one, epoch=stage.log.epoch, after=2**64 - 1) == (stage.log.epoch, 3, False)
        assert one.seen[0] == Subscribed(frozenset(), 3)
        stage.publish(1)
        assert one.sequences == [4]

    on_stage(work)


def test_subscribers_get_the_procedures_that_they_named() -> None:
    async def work(stage: Stage) -> None:
        all_, some, others = stage.subscriber(), stage.subscriber(), stage.subscriber()
        stage.subscribe(all_)
        stage.subscribe(some, (ROW.number,))
        stage.subscribe(others, (9999,))
        stage.publish(1)
        stage.ref.tell(Publish(OTHER_ROW, (1, 0.0, 3, b"")))
        stage.publish(1)
        assert (all_.sequences, some.sequences, others.sequences) == ([1, 2, 3], [1, 3], [])
        late = stage.subscriber()
        stage.subscribe(late, (ROW.number,), stage.log.epoch, 0)
        assert late.sequences == [1, 3]

    on_stage(work)


def test_a_replay_gives_what_the_log_still_has() -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.subscribe(one)
        stage.publish(12)
        one.seen.clear()
        stage.ref.tell(Replay(one.actor_ref, 9))
        stage.ref.tell(Replay(one.actor_ref, 1))
        stage.drain()
        assert one.seen[0] == Replayed(missed=False)
        assert one.seen[4] == Replayed(missed=True)
        assert one.sequences == [10, 11, 12, *range(3, 13)]

    on_stage(work)


def test_nothing_goes_to_who_unsubscribed_or_is_gone() -> None:
    async def work(stage: Stage) -> None:
        one, two = stage.subscriber(), stage.subscriber()
        stage.subscribe(one)
        stage.subscribe(two)
        stage.ref.tell(Unsubscribe(one.actor_ref))
        two.actor_ref.stop(block=False)
        stage.publish(1)
        stage.ref.tell(Replay(one.actor_ref, 0))
        stage.drain()
        assert one.sequences == []
        assert stage.log._listening == {}

    on_stage(work)


@settings(max_examples=60, deadline=None)
@given(window=st.integers(1, 8), before=st.integers(0, 20), after=st.integers(0, 25), later=st.integers(0, 12))
def test_each_event_comes_once_or_is_reported_missed(window: int, before: int, after: int, later: int) -> None:
    async def work(stage: Stage) -> None:
        one = stage.subscriber()
        stage.publish(before)
        _, sequence, missed = stage.subscribe(one, epoch=stage.log.epoch, after=after)
        stage.publish(later)
        assert sequence == before
        wanted = list(range(min(after, before) + 1, before + later + 1))
        assert one.sequences == wanted[len(wanted) - len(one.sequences) :]
        assert missed == (len(one.sequences) < len(wanted))

    on_stage(work, window)
