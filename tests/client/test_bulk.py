"""Calls on many guests at once: windows, failures by guest, waiting for states."""

from __future__ import annotations

import threading

import pytest
from virtactor.client import (
    AlreadyExists,
    ConnectionLost,
    Domain,
    DomainEventType,
    DomainState,
    InvalidArgument,
    NoDomain,
    OperationFailed,
    OperationTimeout,
    VirtError,
    XMLError,
)
from virtactor.wire.table import DomainRef

from .conftest import PATIENCE, FakeDaemon, domain_ref, in_thread, wait_until


def xml(name: str) -> str:
    return f"<domain type='test'><name>{name}</name></domain>"


def name_in(text: str) -> str:
    return text.partition("<name>")[2].partition("</name>")[0]


def domain(host, name: str) -> Domain:
    return Domain(host._session, DomainRef(*domain_ref(name)))


def test_each_guest_has_its_own_outcome(daemon: FakeDaemon) -> None:
    def create(text: str, flags: int) -> tuple:
        if name_in(text) == "bad":
            raise XMLError("no os", line=3)
        return (domain_ref(name_in(text), 7),)

    daemon.handlers["domain_create_xml"] = create
    with daemon.connect() as host:
        seen: list[str] = []
        results = host.domains.start_all(
            [xml("a"), xml("bad"), xml("b")], paused=True, progress=lambda name, _: seen.append(name)
        )
        assert daemon.peer.calls[1:] == [("domain_create_xml", (xml(name), 1)) for name in ("a", "bad", "b")]
    assert seen == ["a", "bad", "b"] == list(results)
    assert {name: found.id for name, found in results.domains.items()} == {"a": 7, "b": 7}
    assert [(name, type(error), error.line) for name, error in results.failed.items()] == [("bad", XMLError, 3)]
    with pytest.raises(XMLError, match="no os"):
        results.raise_for_failures()
    assert repr(results) == "<Results: 2 done, 1 failed>"


def test_many_failures_are_one_error_that_names_all(daemon: FakeDaemon) -> None:
    def create(text: str, flags: int) -> tuple:
        raise AlreadyExists(f"domain '{name_in(text)}' already exists")

    daemon.handlers["domain_create_xml"] = create
    with daemon.connect() as host:
        results = host.domains.start_all([xml("a"), xml("b")])
    with pytest.raises(OperationFailed, match=r"2 of 2 guests: a: .*'a' already exists; b: .*'b' already exists"):
        results.raise_for_failures()


def test_two_definitions_of_one_name_keep_two_outcomes(daemon: FakeDaemon) -> None:
    daemon.handlers["domain_create_xml"] = lambda text, flags: (domain_ref(name_in(text)),)
    with daemon.connect() as host:
        assert list(host.domains.start_all([xml("a"), xml("a"), "<", xml("")])) == [
            "a",
            "a (2)",
            "(no name)",
            "(no name) (2)",
        ]


def test_lasting_guests_are_defined_then_started(daemon: FakeDaemon) -> None:
    daemon.handlers["domain_define_xml_flags"] = lambda text, flags: (domain_ref(name_in(text)),)
    daemon.handlers["domain_create_with_flags"] = lambda ref, flags: ((*ref[:2], 9),)
    with daemon.connect() as host:
        results = host.domains.start_all([xml("a"), domain(host, "b")], transient=False, autodestroy=True)
        assert {name: found.id for name, found in results.domains.items()} == {"a": 9, "b": 9}
        assert sorted(daemon.peer.calls[1:]) == [
            ("domain_create_with_flags", (domain_ref("a"), 2)),
            ("domain_create_with_flags", (domain_ref("b"), 2)),
            ("domain_define_xml_flags", (xml("a"), 0)),
        ]


def test_what_is_no_definition_is_refused_before_anything_starts(daemon: FakeDaemon) -> None:
    with daemon.connect() as host:
        with pytest.raises(InvalidArgument, match="neither XML, a definition nor a domain"):
            host.domains.start_all([xml("a"), 17])  # type: ignore[list-item]
        with pytest.raises(InvalidArgument, match="a window of 0 calls"):
            host.domains.start_all([xml("a")], window=0)
        assert [name for name, _ in daemon.peer.calls] == ["connect_open"]


def test_no_more_calls_are_under_way_than_the_window_allows(ends, daemon: FakeDaemon) -> None:
    release = threading.Semaphore(0)

    def create(text: str, flags: int) -> tuple:
        release.acquire()
        return (domain_ref(name_in(text)),)

    daemon.handlers["domain_create_xml"] = create
    with daemon.connect() as host:
        connection = host._session.connection
        starting = in_thread(host.domains.start_all, [xml(f"g{n}") for n in range(20)], window=3)
        for _ in range(20):
            wait_until(lambda: connection.has_reader)
            assert len(connection._pending) <= 3
            release.release()
        assert len(starting.result(PATIENCE).domains) == 20


def test_a_guest_that_takes_too_long_times_out_alone(daemon: FakeDaemon) -> None:
    release = threading.Event()

    def create(text: str, flags: int) -> tuple:
        if name_in(text) == "slow":
            release.wait(PATIENCE)
        return (domain_ref(name_in(text)),)

    daemon.handlers["domain_create_xml"] = create
    with daemon.connect() as host:
        results = host.domains.start_all([xml("a"), xml("slow")], deadline=1.0)
        release.set()
        assert list(results.domains) == ["a"]
        assert isinstance(results["slow"], OperationTimeout)
        assert host.hostname() == "here"


def test_a_lost_connection_ends_the_calls_under_way_and_no_others(daemon: FakeDaemon) -> None:
    first_two_are_sent = threading.Event()

    def create(text: str, flags: int) -> tuple:
        if name_in(text) == "g0":
            assert first_two_are_sent.wait(PATIENCE)
        if name_in(text) == "g1":
            raise EOFError
        return (domain_ref(name_in(text)),)

    daemon.handlers["domain_create_xml"] = create
    with daemon.connect() as host:
        connection = host._session.connection
        starting = in_thread(host.domains.start_all, [xml(f"g{n}") for n in range(5)], window=2)
        wait_until(lambda: len(connection._pending) == 2)
        first_two = set(connection._pending)
        first_two_are_sent.set()
        wait_until(lambda: ("domain_create_xml", (xml("g1"), 0)) in daemon.peers[0].calls)
        wait_until(lambda: len(connection._pending) == 2 and set(connection._pending) != first_two)
        wait_until(lambda: connection.has_reader)
        daemon.peers[0].close()
        results = starting.result(PATIENCE)
    assert list(results.failed) == ["g1", "g2"]
    for error in results.failed.values():
        assert isinstance(error, ConnectionLost)
        assert "whether domain_create_xml took effect is unknown" in error.message
    assert list(results.domains) == ["g0", "g3", "g4"]


def test_destroying_all_means_the_active_ones(daemon: FakeDaemon) -> None:
    daemon.handlers["connect_list_all_domains"] = lambda need, flags: ([domain_ref("a", 1), domain_ref("b", 2)], 2)
    daemon.handlers["domain_destroy_flags"] = lambda ref, flags: ()
    with daemon.connect() as host:
        results = host.domains.destroy_all(graceful=True)
        assert daemon.peer.calls[1:] == [
            ("connect_list_all_domains", (1, 1)),
            ("domain_destroy_flags", (domain_ref("a", 1), 1)),
            ("domain_destroy_flags", (domain_ref("b", 2), 1)),
        ]
    assert [found.id for found in results.domains.values()] == [None, None]


# States


@pytest.fixture
def states(daemon: FakeDaemon) -> dict[str, DomainState | VirtError]:
    """What the daemon says when asked for a domain's state, by name."""
    known: dict[str, DomainState | VirtError] = {}

    def state(ref: DomainRef, flags: int) -> tuple:
        found = known[ref.name]
        if isinstance(found, VirtError):
            raise found
        return (int(found), 0)

    daemon.handlers["domain_get_state"] = state
    return known


def asked(daemon: FakeDaemon) -> int:
    return [name for name, _ in daemon.peer.calls].count("domain_get_state")


def test_a_state_that_is_there_already_is_waited_for_no_longer(daemon: FakeDaemon, states: dict) -> None:
    states["web"] = DomainState.PAUSED
    with daemon.connect() as host:
        assert domain(host, "web").wait({DomainState.SHUTOFF, DomainState.PAUSED}) is DomainState.PAUSED
        assert [name for name, _ in daemon.peer.calls[1:]] == [
            "events_subscribe",
            "domain_get_state",
            "events_unsubscribe",
        ]


def test_an_event_that_tells_the_state_ends_the_wait_without_asking(daemon: FakeDaemon, states: dict) -> None:
    states["web"] = DomainState.RUNNING
    with daemon.connect() as host:
        waiting = in_thread(domain(host, "web").wait, DomainState.SHUTOFF, PATIENCE)
        wait_until(lambda: asked(daemon) == 1)
        daemon.peer.event(11, "other", DomainEventType.STOPPED)
        daemon.peer.event(12, "web", DomainEventType.STOPPED)
        assert waiting.result(PATIENCE) is DomainState.SHUTOFF
        assert asked(daemon) == 1


def test_a_start_may_lead_to_a_paused_guest_so_the_daemon_is_asked(daemon: FakeDaemon, states: dict) -> None:
    states["web"] = DomainState.SHUTOFF
    with daemon.connect() as host:
        waiting = in_thread(domain(host, "web").wait, DomainState.RUNNING, PATIENCE)
        wait_until(lambda: asked(daemon) == 1)
        states["web"] = DomainState.PAUSED
        daemon.peer.event(11, "web", DomainEventType.STARTED)
        wait_until(lambda: asked(daemon) == 2)
        daemon.peer.event(12, "web", DomainEventType.RESUMED)
        assert waiting.result(PATIENCE) is DomainState.RUNNING


def test_a_transient_guest_that_is_gone_is_off_and_nothing_else(daemon: FakeDaemon, states: dict) -> None:
    states["web"] = NoDomain("web")
    with daemon.connect() as host:
        assert domain(host, "web").wait(DomainState.SHUTOFF) is DomainState.SHUTOFF
        with pytest.raises(NoDomain):
            domain(host, "web").wait(DomainState.RUNNING)


def test_waiting_for_many_tells_who_did_not_come(daemon: FakeDaemon, states: dict) -> None:
    states |= {"a": DomainState.RUNNING, "b": DomainState.SHUTOFF, "c": DomainState.RUNNING, "d": NoDomain("d")}
    with daemon.connect() as host:
        guests = [domain(host, name) for name in "abcd"]
        waiting = in_thread(host.domains.wait, guests, DomainState.RUNNING, 0.5)
        results = waiting.result(PATIENCE)
    assert list(results.domains) == ["a", "c"]
    assert [(name, type(error)) for name, error in results.failed.items()] == [("d", NoDomain), ("b", OperationTimeout)]
    assert str(results["b"]) == "operation timed out: domain 'b' was not running in 0.5 s"


def test_waiting_for_a_state_ends_when_the_events_are_lost(daemon: FakeDaemon, states: dict) -> None:
    states["web"] = DomainState.RUNNING
    with daemon.connect(reconnect=False) as host:
        waiting = in_thread(domain(host, "web").wait, DomainState.SHUTOFF)
        wait_until(lambda: asked(daemon) == 1 and host._session.connection.has_reader)
        daemon.stop()
        with pytest.raises(ConnectionLost):
            waiting.result(PATIENCE)
