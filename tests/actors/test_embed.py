"""Daemons inside this process: values of their own, reached over socketpairs, gone without a trace."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.actors.config import Config
from virtactor.actors.embed import EmbeddedDaemon, start_embedded
from virtactor.wire.errors import NoConnect, ResourceBusy
from virtactor.wire.paths import Paths

from ..raw_client import RawClient
from .served import wait_until


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    start_embedded(None).stop()  # The loop's library keeps a pair of descriptors for the process from its first use on.
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    yield
    assert threading.active_count() == threads
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)


def opened(daemon: EmbeddedDaemon, uri: str = "test:///default") -> RawClient:
    client = RawClient(daemon.connect_socket())
    client.open(uri)
    return client


def test_two_in_one_process_do_not_see_each_other() -> None:
    one, two = start_embedded(None), start_embedded(None)
    with opened(one) as client, opened(one) as same, opened(two) as other:
        client.define("mine")
        other.define("yours")
        assert client.names() == same.names() == {"test", "mine"}
        assert other.names() == {"test", "yours"}
        other.subscribe()
        client.call("domain_suspend", client.lookup("test"))
        assert other.events_of() == []
        one.stop()
        assert client.at_end()
        assert other.state("test")[0] == 1
        two.stop()
        assert other.at_end()


def test_two_on_one_root_are_refused_as_two_processes_are(root: Path) -> None:
    one = start_embedded(Paths.below(root))
    with pytest.raises(ResourceBusy, match=rf"another virtactord \(pid {os.getpid()}\) runs on {root}/run"):
        start_embedded(Paths.below(root))
    with opened(one) as client:
        assert client.names() == {"test"}
    one.stop()
    start_embedded(Paths.below(root)).stop()


def test_it_listens_nowhere_and_handles_no_signals(root: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    daemon = start_embedded(Paths.below(root))
    assert list((root / "run").glob("*.sock")) == []
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    daemon.stop()


def test_without_directories_it_has_only_what_lives_in_memory() -> None:
    daemon = start_embedded(None)
    with RawClient(daemon.connect_socket()) as client:
        with pytest.raises(NoConnect, match="no driver for 'qemu:///embed'"):
            client.open("qemu:///embed")
        client.open()
    daemon.stop()


def test_it_can_be_stopped_twice_and_started_again() -> None:
    for _ in range(3):
        daemon = start_embedded(None, Config())
        with opened(daemon) as client:
            assert client.names() == {"test"}
        daemon.stop()
        daemon.stop()


def test_clients_on_many_threads_are_served_at_once() -> None:
    daemon = start_embedded(None)
    names: list[set[str]] = []

    def work(number: int) -> None:
        with opened(daemon) as client:
            for _ in range(20):
                ref = client.create(f"guest{number}")
                client.call("domain_destroy_flags", ref, 0)
            names.append(client.names() & {"test"})

    with opened(daemon) as client:  # The driver is gone with its last session; this one stays.
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert names == [{"test"}] * 8
        assert client.names() == {"test"}
    daemon.stop()
