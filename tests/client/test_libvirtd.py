"""The client and a real libvirtd, in libvirt's lane."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import guest
import pytest
from virtactor.client import (
    ConnectionLost,
    DomainEventType,
    DomainState,
    Event,
    EventsMissed,
    Host,
    NoDomain,
    OperationDenied,
    OperationInvalid,
    OperationTimeout,
    connect,
)
from virtactor.wire.lanes import XDR

from ..libvirtd import Libvirtd, own_libvirtd
from ..system.guests import Shell, linux
from .conftest import PATIENCE, in_thread


@pytest.fixture
def host(libvirtd: Libvirtd) -> Iterator[Host]:
    with connect(libvirtd.uri("test"), keepalive_interval=0) as host:
        yield host


@pytest.fixture
def mortal() -> Iterator[Libvirtd]:
    """One that the test may kill."""
    with own_libvirtd() as daemon:
        yield daemon


def test_libvirtd_is_recognised_and_spoken_to_in_its_lane(host: Host) -> None:
    assert host._session.connection.lane is XDR
    assert (host.type, host.uri, host.lib_version().major) == ("TEST", "test:///default", 9)


def test_a_domain_is_driven(host: Host) -> None:
    domain = host.domains["test"]
    domain.suspend()
    assert domain.state()[0] is DomainState.PAUSED
    domain.resume()
    assert domain.state()[0] is DomainState.RUNNING
    assert "<name>test</name>" in domain.xml()


def test_errors_are_of_the_class_that_virtactord_would_raise(host: Host) -> None:
    with pytest.raises(NoDomain):
        host.domains["nobody"]
    domain = host.domains["test"]  # Of this connection alone: each has libvirt's default test host for itself.
    domain.destroy()
    with pytest.raises(OperationInvalid, match="not running"):
        domain.destroy()


def test_a_readonly_connection_may_not_change_anything(libvirtd: Libvirtd) -> None:
    with connect(libvirtd.uri("test", readonly=True), readonly=True) as host, pytest.raises(OperationDenied):
        host.domains["test"].suspend()


def test_many_threads_share_a_connection(host: Host) -> None:
    calls = [in_thread(lambda: [host.hostname() for _ in range(50)]) for _ in range(4)]
    assert {name for call in calls for name in call.result(PATIENCE)} == {host.hostname()}


def test_events_come_by_callbacks_and_are_counted_here(host: Host) -> None:
    domain = host.domains["test"]
    with host.events(domains=domain, timeout=PATIENCE) as events:
        domain.suspend()
        domain.resume()
        seen = [next(events), next(events)]
    assert all(isinstance(event, Event) for event in seen)
    assert [(event.sequence, event.type) for event in seen if isinstance(event, Event)] == [
        (1, DomainEventType.SUSPENDED),
        (2, DomainEventType.RESUMED),
    ]


def test_two_iterators_share_one_callback_and_the_last_takes_it_back(host: Host) -> None:
    domain = host.domains["test"]
    with host.events(timeout=PATIENCE) as first:
        with host.events(timeout=PATIENCE) as second:
            domain.suspend()
            assert str(next(first)) == str(next(second)) == "test: suspended (paused)"
        domain.resume()
        assert str(next(first)) == "test: resumed (unpaused)"
    with host.events(timeout=PATIENCE) as third:
        domain.suspend()
        assert str(next(third)) == "test: suspended (paused)"
    domain.resume()


def test_a_lost_connection_is_made_anew_and_says_that_events_may_be_missing(mortal: Libvirtd) -> None:
    with connect(mortal.uri("test")) as host, host.events(timeout=PATIENCE) as events:
        mortal.stop(signal.SIGKILL)
        mortal.start()
        domain = host.domains["test"]
        missed = next(events)
        domain.suspend()
        event = next(events)
    assert missed == EventsMissed(after=0, daemon_restarted=False)
    assert str(event) == "test: suspended (paused)"


def test_a_change_that_was_under_way_when_libvirtd_died_is_of_unknown_effect(mortal: Libvirtd) -> None:
    with connect(mortal.uri("test")) as host:
        domain = host.domains["test"]
        assert mortal.process is not None
        mortal.process.send_signal(signal.SIGSTOP)
        call = in_thread(domain.suspend)
        with pytest.raises(OperationTimeout):
            host.hostname(deadline=0.5)
        mortal.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionLost, match="whether domain_suspend took effect is unknown"):
            call.result(PATIENCE)


def test_a_deadline_is_held_on_this_side(mortal: Libvirtd) -> None:
    with connect(mortal.uri("test"), keepalive_interval=0) as host:
        assert mortal.process is not None
        mortal.process.send_signal(signal.SIGSTOP)
        with pytest.raises(OperationTimeout, match="no reply to connect_get_hostname in time"):
            host.hostname(deadline=0.5)
        mortal.process.send_signal(signal.SIGCONT)
        assert host.hostname(deadline=PATIENCE)


def test_libvirtd_asks_whether_we_live_once_that_was_announced(mortal: Libvirtd) -> None:
    config = mortal.root / "etc/libvirtd.conf"
    mortal.stop()
    config.write_text(config.read_text() + "keepalive_interval = 1\nkeepalive_count = 3\n")
    mortal.start()
    with connect(mortal.uri("test"), keepalive_interval=0.2, reconnect=False) as host:
        # It would have been disconnected in that time if nobody answered; the keepalive of ours is what does.
        with host.events(timeout=5.5) as events:
            assert list(events) == []
        assert host.hostname()


def test_a_silent_client_that_announced_nothing_is_left_alone(mortal: Libvirtd) -> None:
    config = mortal.root / "etc/libvirtd.conf"
    mortal.stop()
    config.write_text(config.read_text() + "keepalive_interval = 1\nkeepalive_count = 1\n")
    mortal.start()
    with connect(mortal.uri("test"), keepalive_interval=0, reconnect=False) as host:
        with host.events(timeout=3.5) as events:
            assert list(events) == []
        assert host.hostname()


def test_a_console_is_a_stream_in_libvirts_lane(mortal: Libvirtd, guest_image: guest.Guest) -> None:
    with connect(mortal.uri("qemu")) as host:
        domain = host.domains.create(linux(guest_image, "linux"))
        with Shell(domain) as shell:
            shell.boots()
            assert shell.run("echo $((6 * 7))") == "42\n"
        domain.destroy()
