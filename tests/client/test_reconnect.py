"""Sessions that outlive their connections, against a daemon that can be killed and started again."""

from __future__ import annotations

import pytest
from virtactor.client import (
    ConnectionLost,
    DomainEventType,
    DomainState,
    Event,
    EventsMissed,
    NoConnect,
    OperationDenied,
)
from virtactor.client import reconnect as reconnecting
from virtactor.wire.table import ROWS

from .conftest import PATIENCE, FakeDaemon, domain_ref, in_thread, wait_until

LIFECYCLE = ROWS["domain_event_lifecycle"].number
STARTED = DomainEventType.STARTED


def never_answer(daemon: FakeDaemon, name: str) -> None:
    """Let the daemon die over the next call of that row, and live again."""
    was = dict(daemon.handlers)

    def die(*_: object) -> tuple:
        daemon.handlers.clear()
        daemon.handlers.update(was)
        raise EOFError

    daemon.handlers[name] = die


def test_a_call_after_a_restart_goes_to_the_new_daemon(daemon: FakeDaemon) -> None:
    with daemon.connect() as host:
        assert host.hostname() == "here"
        daemon.stop()
        daemon.handlers["connect_get_hostname"] = lambda: ("there",)
        daemon.start()
        assert host.hostname() == "there"
        assert daemon.peer.calls == [("connect_open", ("test:///default", 0)), ("connect_get_hostname", ())]


def test_a_change_that_never_left_goes_to_the_new_daemon(daemon: FakeDaemon) -> None:
    daemon.handlers["domain_lookup_by_name"] = lambda name: (domain_ref(name),)
    daemon.handlers["domain_suspend"] = lambda ref: ()
    with daemon.connect() as host:
        domain = host.domains.lookup("web")
        daemon.stop()
        daemon.start()
        domain.suspend()
        assert daemon.peer.calls[-1] == ("domain_suspend", (domain_ref("web"),))


def test_calls_wait_for_a_daemon_that_is_starting(daemon: FakeDaemon) -> None:
    with daemon.connect() as host:
        daemon.stop()
        waiting = [in_thread(host.hostname) for _ in range(5)]
        assert not any(one.done() for one in waiting)
        daemon.start()
        assert [one.result(PATIENCE) for one in waiting] == ["here"] * 5
        assert len(daemon.peers) == 2


def test_a_call_gives_up_at_its_deadline(daemon: FakeDaemon) -> None:
    with daemon.connect() as host:
        daemon.stop()
        with pytest.raises(ConnectionLost, match=r"could not be made anew: .*no daemon listens at"):
            host.hostname(deadline=0.3)
        assert not host.is_alive


def test_a_query_under_way_is_asked_once_more(daemon: FakeDaemon) -> None:
    with daemon.connect() as host:
        never_answer(daemon, "connect_get_hostname")
        waiting = in_thread(host.hostname)
        wait_until(lambda: daemon.peers[0].last_call == "connect_get_hostname")
        daemon.peers[0].close()
        assert waiting.result(PATIENCE) == "here"


@pytest.mark.parametrize("row", ["domain_suspend", "domain_destroy_flags", "domain_monitor_command"])
def test_what_a_change_under_way_did_is_unknown(daemon: FakeDaemon, row: str) -> None:
    daemon.handlers["domain_lookup_by_name"] = lambda name: (domain_ref(name),)
    with daemon.connect() as host:
        domain = host.domains.lookup("web")
        act = {
            "domain_suspend": domain.suspend,
            "domain_destroy_flags": domain.destroy,
            "domain_monitor_command": lambda: domain.monitor_command("{}"),
        }[row]
        never_answer(daemon, row)
        waiting = in_thread(act)
        wait_until(lambda: daemon.peers[0].last_call == row)
        daemon.peers[0].close()
        with pytest.raises(ConnectionLost, match=f"whether {row} took effect is unknown"):
            waiting.result(PATIENCE)
        assert host.hostname() == "here"


def test_a_loss_that_the_daemon_reports_is_not_ours(daemon: FakeDaemon) -> None:
    def lost(*_: object) -> tuple:
        raise ConnectionLost("the other host's")

    daemon.handlers["connect_get_hostname"] = lost
    with daemon.connect() as host:
        with pytest.raises(ConnectionLost, match="the other host's"):
            host.hostname()
        assert host.is_alive
    assert [name for name, _ in daemon.peer.calls] == ["connect_open", "connect_get_hostname", "connect_close"]


def test_without_reconnect_a_lost_connection_stays_lost(daemon: FakeDaemon) -> None:
    with daemon.connect(reconnect=False) as host:
        daemon.stop()
        daemon.start()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                host.hostname()
        assert not host.is_alive
    assert len(daemon.peers) == 1


def test_a_closed_host_does_not_come_back(daemon: FakeDaemon) -> None:
    host = daemon.connect()
    host.close()
    host.close()
    assert daemon.peer.last_call == "connect_close"
    with pytest.raises(ConnectionLost, match="closed on this side"):
        host.hostname()
    with pytest.raises(ConnectionLost):
        host.events()
    assert len(daemon.peers) == 1


def test_closing_ends_the_waiting_for_a_daemon(daemon: FakeDaemon) -> None:
    host = daemon.connect()
    daemon.stop()
    waiting = in_thread(host.hostname)
    wait_until(lambda: host._session._reconnecting.locked())
    host.close()
    with pytest.raises(ConnectionLost):
        waiting.result(PATIENCE)


def test_a_daemon_that_now_refuses_us_says_why(daemon: FakeDaemon) -> None:
    def refuse(name: str, flags: int) -> tuple:
        raise OperationDenied("maintenance")

    with daemon.connect() as host:
        daemon.stop()
        daemon.handlers["connect_open"] = refuse
        daemon.start()
        with pytest.raises(OperationDenied, match="maintenance"):
            host.hostname()


def test_a_refused_connect_leaves_nothing_behind(daemon: FakeDaemon) -> None:
    def refuse(name: str, flags: int) -> tuple:
        raise NoConnect(f"no driver for '{name}'")

    daemon.handlers["connect_open"] = refuse
    with pytest.raises(NoConnect, match="no driver for 'test:///default'"):
        daemon.connect(keepalive_interval=5)


def test_read_only_is_asked_for_at_each_open(daemon: FakeDaemon) -> None:
    with daemon.connect(readonly=True) as host:
        assert daemon.peer.calls == [("connect_open", ("test:///default", 1))]
        daemon.stop()
        daemon.start()
        host.hostname()
        assert daemon.peer.calls[0] == ("connect_open", ("test:///default", 1))


# Events


def test_events_go_on_where_they_stopped(daemon: FakeDaemon) -> None:
    with daemon.connect() as host, host.events() as events:
        daemon.peer.event(11, "web", STARTED)
        assert isinstance(events.get(PATIENCE), Event)
        waiting = in_thread(events.get, PATIENCE)
        daemon.peer.close()
        wait_until(lambda: len(daemon.peers) == 2 and daemon.peer.last_call == "events_subscribe")
        assert daemon.peer.calls[-1] == ("events_subscribe", ([LIFECYCLE], "life 1", 11))
        for sequence in (12, 13):
            daemon.peer.event(sequence, "web", STARTED)
        assert [waiting.result(PATIENCE).sequence, events.get(PATIENCE).sequence] == [12, 13]  # type: ignore[union-attr]


def test_events_that_the_daemon_no_longer_has_are_said_to_be_missed(daemon: FakeDaemon) -> None:
    with daemon.connect() as host, host.events() as events, host.events() as others:
        daemon.peer.event(11, "web", STARTED)
        assert isinstance(events.get(PATIENCE), Event)
        daemon.handlers["events_subscribe"] = lambda procedures, epoch, after: ("life 1", 500, True)
        daemon.peer.close()
        host.hostname()
        daemon.peer.event(501, "web", STARTED)
        assert events.get(PATIENCE) == EventsMissed(after=11, daemon_restarted=False)
        assert [other.__class__ for other in (others.get(PATIENCE), others.get(PATIENCE))] == [Event, EventsMissed]
        assert events.get(PATIENCE).sequence == 501  # type: ignore[union-attr]


def test_a_new_life_of_the_daemon_begins_its_numbers_anew(daemon: FakeDaemon) -> None:
    with daemon.connect() as host, host.events() as events:
        daemon.stop()
        daemon.handlers["events_subscribe"] = lambda procedures, epoch, after: ("life 2", 2, True)
        daemon.start()
        host.hostname()
        for sequence in (1, 2, 3):
            daemon.peer.event(sequence, "web", STARTED)
        assert events.get(PATIENCE) == EventsMissed(after=10, daemon_restarted=True)
        assert [events.get(PATIENCE).sequence for _ in range(3)] == [1, 2, 3]  # type: ignore[union-attr]


def test_events_that_overtake_the_answer_to_a_resume_are_kept(daemon: FakeDaemon) -> None:
    with daemon.connect() as host, host.events() as events:
        daemon.stop()

        def early(procedures: list, epoch: str, after: int) -> tuple:
            daemon.peer.event(1, "web", STARTED)
            return ("life 2", 1, True)

        daemon.handlers["events_subscribe"] = early
        daemon.start()
        host.hostname()
        assert [type(events.get(PATIENCE)) for _ in range(2)] == [EventsMissed, Event]


def test_an_iterator_without_a_connection_gives_up_in_the_end(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "RECONNECT_SECONDS", 0.05)
    with daemon.connect() as host, host.events() as events:
        daemon.stop()
        with pytest.raises(ConnectionLost, match="could not be made anew"):
            events.get()


def test_waiting_for_a_state_survives_a_restart(daemon: FakeDaemon) -> None:
    states = [int(DomainState.RUNNING)]
    daemon.handlers["domain_lookup_by_name"] = lambda name: (domain_ref(name),)
    daemon.handlers["domain_get_state"] = lambda ref, flags: (states[0], 0)
    with daemon.connect() as host:
        waiting = in_thread(host.domains.lookup("web").wait, DomainState.SHUTOFF, PATIENCE)
        wait_until(lambda: daemon.peer.last_call == "domain_get_state" and host._session.connection.has_reader)
        daemon.stop()
        states[0] = int(DomainState.SHUTOFF)
        daemon.handlers["events_subscribe"] = lambda procedures, epoch, after: ("life 2", 0, True)
        daemon.start()
        assert waiting.result(PATIENCE) is DomainState.SHUTOFF
