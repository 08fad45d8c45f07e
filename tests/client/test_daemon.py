"""The client and a real virtactord in another process, which is killed, frozen and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import (
    ConnectionLost,
    DomainState,
    Event,
    EventsMissed,
    Host,
    NoConnect,
    OperationDenied,
    OperationTimeout,
    connect,
)
from virtactor.client.events import Events

from .conftest import PATIENCE, in_thread, wait_until

START_SECONDS = 60.0
URI = "test:///default"


class Virtactord:
    """The daemon as a process; ``start`` returns when it says that it is ready."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        notify = self.root / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            ready.settimeout(START_SECONDS)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(self.root)],
                env={**os.environ, "NOTIFY_SOCKET": str(notify)},
                stderr=subprocess.DEVNULL,
            )
            assert b"READY=1" in ready.recv(4096)

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.send(number)
        assert self.process is not None
        self.process.wait(START_SECONDS)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def connect(self, **more) -> Host:
        return connect(URI, root=self.root, **more)


@pytest.fixture
def virtactord(root: Path) -> Iterator[Virtactord]:
    daemon = Virtactord(root)
    daemon.start()
    yield daemon
    daemon.stop()


def xml(name: str) -> str:
    return f"<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"


def next_name(events: Events) -> str:
    """The domain of the event that comes next."""
    event = events.get(PATIENCE)
    assert isinstance(event, Event)
    return event.domain.name


def test_a_script_drives_guests_of_a_daemon(virtactord: Virtactord) -> None:
    with virtactord.connect() as host, host.events() as events:
        guests = host.domains.start_all([xml(f"g{n}") for n in range(60)], paused=True).raise_for_failures()
        host.domains.destroy_all(guests.domains.values()).raise_for_failures()
        host.domains.wait(guests.domains.values(), DomainState.SHUTOFF, PATIENCE).raise_for_failures()
        host.domains.create(xml("last"))
        names = [next_name(events)]
        while names[-1] != "last":
            names.append(next_name(events))
    assert {name: names.count(name) for name in names[:-1]} == {f"g{n}": 3 for n in range(60)}


def test_the_read_only_socket_allows_no_changes(virtactord: Virtactord) -> None:
    with virtactord.connect(readonly=True) as host:
        assert host.hostname()
        with pytest.raises(OperationDenied):
            host.domains.define(xml("no"))


def test_a_call_has_its_trace_over_a_real_socket(virtactord: Virtactord) -> None:
    actors: list[str] = []
    with virtactord.connect(on_trace=lambda call: actors.extend(entry.actor for entry in call.entries)) as host:
        host.domains["test"].state()
    assert "router" in actors
    assert "domain test" in actors


def test_a_host_comes_back_after_a_kill(virtactord: Virtactord) -> None:
    with virtactord.connect() as host, host.events() as events:
        host.domains["test"].suspend()
        assert isinstance(events.get(PATIENCE), Event)
        waiting = in_thread(events.get, START_SECONDS)
        virtactord.kill()
        virtactord.start()
        missed = waiting.result(START_SECONDS)
        assert isinstance(missed, EventsMissed)
        assert missed.daemon_restarted
        host.domains["test"].suspend()
        found = [events.get(PATIENCE)]
        while not isinstance(found[-1], Event) or found[-1].type.name != "SUSPENDED":  # type: ignore[union-attr]
            found.append(events.get(PATIENCE))


def test_without_reconnect_a_kill_is_known_at_once(virtactord: Virtactord) -> None:
    with virtactord.connect(reconnect=False) as host, host.events() as events:
        waiting = in_thread(list, events)
        wait_until(lambda: host._session.connection.has_reader)
        virtactord.kill()
        with pytest.raises(ConnectionLost):
            waiting.result(PATIENCE)
    with pytest.raises(NoConnect, match="no daemon listens"):
        virtactord.connect()


def test_a_daemon_that_stops_in_order_ends_the_connection_in_order(virtactord: Virtactord) -> None:
    with virtactord.connect(reconnect=False) as host:
        virtactord.kill(signal.SIGTERM)
        with pytest.raises(ConnectionLost):
            host.hostname()


def test_a_frozen_daemon_costs_a_call_its_deadline(virtactord: Virtactord) -> None:
    with virtactord.connect() as host:
        virtactord.send(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(OperationTimeout):
            host.hostname(deadline=0.5)
        assert time.monotonic() - began < PATIENCE
        virtactord.send(signal.SIGCONT)
        assert host.hostname()


def test_a_frozen_daemon_is_noticed_by_keepalive(virtactord: Virtactord) -> None:
    with virtactord.connect(reconnect=False, keepalive_interval=0.5, keepalive_count=2) as host:
        virtactord.send(signal.SIGSTOP)
        try:
            with pytest.raises(ConnectionLost, match="no answer to 2 keepalive messages"):
                host.hostname()
        finally:
            virtactord.send(signal.SIGCONT)


def test_an_idle_connection_is_kept_by_keepalive(virtactord: Virtactord) -> None:
    with virtactord.connect(reconnect=False, keepalive_interval=1000, keepalive_count=1) as host:
        connection, keepalive = host._session.connection, host._session._keepalive
        assert keepalive is not None

        def heard() -> bool:
            connection.read_what_is_there()
            return connection.heard

        for _ in range(5):  # Its time is the test's: two ticks without an answer would be the end.
            keepalive._tick(connection)
            wait_until(heard)
        assert host.is_alive
        assert host.hostname()


def test_a_slow_reader_of_events_misses_none_that_the_daemon_still_has(virtactord: Virtactord) -> None:
    guests = [xml(f"{n}-{'long' * 50}") for n in range(700)]
    with virtactord.connect(keepalive_interval=0) as reader, reader.events() as events, virtactord.connect() as worker:
        started = worker.domains.start_all(guests, paused=True).raise_for_failures()
        worker.domains.destroy_all(started.domains.values()).raise_for_failures()
        worker.domains["test"].suspend()
        seen = [events.get(PATIENCE) for _ in range(2101)]
    numbers = [event.sequence for event in seen if isinstance(event, Event)]
    assert numbers == list(range(numbers[0], numbers[0] + 2101))
    assert str(seen[-1]) == "test: suspended (paused)"


def test_a_unix_socket_is_secure_and_not_encrypted(virtactord: Virtactord) -> None:
    with virtactord.connect() as host:
        assert host.is_secure()
        assert not host.is_encrypted
