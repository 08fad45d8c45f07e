"""Event iterators over one subscription, against a peer that says exactly what the test wants."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from virtactor.client import ConnectionLost, Domain, DomainEventType, Event, EventsMissed, Host, InvalidArgument
from virtactor.wire.enums.domain_events import (
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
)
from virtactor.wire.table import ROWS, DomainRef

from .conftest import PATIENCE, FakeDaemon, domain_ref, in_thread, wait_until

LIFECYCLE = ROWS["domain_event_lifecycle"].number
STARTED, STOPPED = DomainEventType.STARTED, DomainEventType.STOPPED


@pytest.fixture
def host(daemon: FakeDaemon) -> Iterator[Host]:
    with daemon.connect() as host:
        yield host


def domain(host: Host, name: str) -> Domain:
    return Domain(host._session, DomainRef(*domain_ref(name)))


def told(events: Iterator) -> list[tuple[str, int]]:
    return [(event.domain.name, event.sequence) for event in events]


def test_an_event_says_what_happened_to_which_domain_when(daemon: FakeDaemon, host: Host) -> None:
    with host.events() as events:
        assert daemon.peer.calls[-1] == ("events_subscribe", ([LIFECYCLE], None, 0))
        daemon.peer.event(11, "web", STARTED, 1, when=1.5)
        event = events.get(PATIENCE)
    assert event == Event(
        sequence=11,
        when=datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC),
        domain=domain(host, "web"),
        type=STARTED,
        detail=DomainEventStartedDetailType.MIGRATED,
    )


def test_an_event_is_told_in_words(daemon: FakeDaemon, host: Host) -> None:
    with host.events(timeout=PATIENCE) as events:
        daemon.peer.event(11, "web", STARTED, 1)
        daemon.peer.event(12, "web", 99, 3)
        assert [str(next(events)) for _ in range(2)] == ["web: started (migrated)", "web: unknown (99) (unknown (3))"]
    assert str(EventsMissed(7, daemon_restarted=True)) == "events were missed: the daemon was restarted"


def test_numbers_that_are_not_in_our_enumerations_come_as_they_are(daemon: FakeDaemon, host: Host) -> None:
    with host.events(timeout=PATIENCE) as events:
        daemon.peer.event(11, "web", 99, 3)
        daemon.peer.event(12, "web", STOPPED, 77)
        assert [(event.type, event.detail) for event in (next(events), next(events)) if isinstance(event, Event)] == [
            (99, 3),
            (STOPPED, 77),
        ]


def test_what_happens_before_iterating_is_seen(daemon: FakeDaemon, host: Host) -> None:
    with host.events(timeout=0.05) as events:
        for sequence in range(11, 14):
            daemon.peer.event(sequence, "web", STARTED)
        host.hostname()
        assert told(events) == [("web", 11), ("web", 12), ("web", 13)]


def test_iterators_see_each_what_they_asked_for(daemon: FakeDaemon, host: Host) -> None:
    everything = host.events()
    stops = host.events(kinds=STOPPED)
    web = host.events(domains=domain(host, "web"))
    named = host.events(domains=["db", "mail"], kinds={STARTED})
    for sequence, (name, type_) in enumerate(
        [("web", STARTED), ("db", STARTED), ("db", STOPPED), ("mail", STARTED), ("web", STOPPED)], 11
    ):
        daemon.peer.event(sequence, name, type_)
    assert [everything.get(PATIENCE).sequence for _ in range(5)] == [11, 12, 13, 14, 15]  # type: ignore[union-attr]
    assert told(iter(lambda: stops.get(0), None)) == [("db", 13), ("web", 15)]
    assert told(iter(lambda: web.get(0), None)) == [("web", 11), ("web", 15)]
    assert told(iter(lambda: named.get(0), None)) == [("db", 12), ("mail", 14)]
    assert [name for name, _ in daemon.peer.calls].count("events_subscribe") == 1


def test_what_is_no_domain_is_refused(daemon: FakeDaemon, host: Host) -> None:
    with pytest.raises(InvalidArgument, match="not a domain or a name"):
        host.events(domains=[17])  # type: ignore[list-item]


def test_the_last_iterator_that_closes_ends_the_subscription(daemon: FakeDaemon, host: Host) -> None:
    first, second = host.events(), host.events()
    first.close()
    assert daemon.peer.last_call == "events_subscribe"
    second.close()
    second.close()
    assert [name for name, _ in daemon.peer.calls][1:] == ["events_subscribe", "events_unsubscribe"]
    assert second.get(0) is None
    host.events().close()
    assert daemon.peer.calls[-2] == ("events_subscribe", ([LIFECYCLE], None, 0))


def test_an_iterator_that_was_dropped_is_unsubscribed_at_the_next_event(daemon: FakeDaemon, host: Host) -> None:
    daemon.peer.event(11, "web", STARTED)
    for _ in host.events(timeout=0):
        break
    gc.collect()
    daemon.peer.event(12, "web", STARTED)
    host.hostname()
    wait_until(lambda: daemon.peer.last_call == "events_unsubscribe")
    host.events().close()
    assert [name for name, _ in daemon.peer.calls][-2:] == ["events_subscribe", "events_unsubscribe"]


def test_another_thread_can_close_an_iterator_that_waits(daemon: FakeDaemon, host: Host) -> None:
    events = host.events()
    waiting = in_thread(list, events)
    wait_until(lambda: host._session.connection.has_reader)
    events.close()
    assert waiting.result(PATIENCE) == []


def test_closing_the_host_frees_a_thread_that_waits_for_events(daemon: FakeDaemon, host: Host) -> None:
    events = host.events()
    waiting = in_thread(list, events)
    wait_until(lambda: host._session.connection.has_reader)
    host.close()
    with pytest.raises(ConnectionLost, match="closed on this side"):
        waiting.result(PATIENCE)


def test_an_event_that_came_twice_is_given_once(daemon: FakeDaemon, host: Host) -> None:
    with host.events(timeout=0.05) as events:
        for sequence in (11, 12, 11, 12, 13):
            daemon.peer.event(sequence, "web", STOPPED, DomainEventStoppedDetailType.DESTROYED)
        host.hostname()
        assert told(events) == [("web", 11), ("web", 12), ("web", 13)]


def test_a_subscriber_that_read_too_slowly_is_told_what_it_missed(daemon: FakeDaemon, host: Host) -> None:
    with host.events() as events:
        daemon.peer.event(11, "web", STARTED)
        daemon.peer.message(ROWS["events_missed"], 11)
        daemon.peer.event(20, "web", STARTED)
        found = [events.get(PATIENCE) for _ in range(3)]
    assert found[1] == EventsMissed(after=11, daemon_restarted=False)
    assert [getattr(event, "sequence", None) for event in found] == [11, None, 20]


def test_a_malformed_event_ends_the_connection(daemon: FakeDaemon) -> None:
    with daemon.connect(reconnect=False) as host, host.events() as events:
        daemon.peer.message(ROWS["event"], "eleven", 0.0, LIFECYCLE, b"")
        with pytest.raises(ConnectionLost, match="sequence: not a uhyper"):
            events.get(PATIENCE)


def test_32_threads_iterate_the_same_events(daemon: FakeDaemon, host: Host) -> None:
    iterators = [host.events() for _ in range(32)]
    waiting = [in_thread(lambda events: [events.get(PATIENCE).sequence for _ in range(20)], one) for one in iterators]
    for sequence in range(11, 31):
        daemon.peer.event(sequence, "web", STARTED)
    assert [one.result(PATIENCE) for one in waiting] == [list(range(11, 31))] * 32
    for one in iterators:
        one.close()
