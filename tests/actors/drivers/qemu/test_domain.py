"""Domains of the qemu driver in a daemon of this process: its loop watched, and what QEMU rarely tells told to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.domain import QemuDomain
from virtactor.actors.monitor.monitor import MonitorEvent, MonitorLost
from virtactor.actors.monitor.qmp import QmpEvent
from virtactor.wire.enums.domain import DomainCreateFlags, DomainState
from virtactor.wire.enums.domain_events import DomainEventType
from virtactor.wire.table import ROWS, DomainRef

from ....raw_client import RawClient, domain_xml
from ...served import Served, wait_until

URI = "qemu:///system"
CONSOLES = "<devices><serial type='pty'/><graphics type='vnc' autoport='yes'/></devices>"
STARTED = [DomainEventType.STARTED]


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root)


@pytest.fixture
def client(served: Served) -> RawClient:
    client = served.opened(URI)
    client.subscribe([ROWS["domain_event_lifecycle"].number])
    return client


def create(client: RawClient, name: str, extra: str = "", flags: int = 0) -> DomainRef:
    return client.create(name, flags, type="qemu", extra=extra)


def tell(served: Served, name: str, *events: tuple[str, dict[str, Any]]) -> None:
    """Let a domain hear events as if its QEMU had told them."""
    (domain,) = [domain for domain in served.actors(QemuDomain) if domain.name == name]
    for event, data in events:
        domain.actor_ref.tell(MonitorEvent(domain._monitor, QmpEvent(event, data, 0, 0)))


def told(client: RawClient, name: str, until: DomainEventType) -> list[DomainEventType]:
    """What is told of a domain until this is."""
    seen: list[DomainEventType] = []
    while until not in seen:
        event = client.next_event()
        if event.name == name:
            seen.append(DomainEventType(event.event))
    return seen


PANIC = ("GUEST_PANICKED", {"action": "pause"})


def test_a_guest_that_panics_is_ended(served: Served, client: RawClient) -> None:
    create(client, "g", "<on_crash>destroy</on_crash>")
    tell(served, "g", PANIC)
    assert told(client, "g", DomainEventType.STOPPED) == [
        DomainEventType.STARTED,
        DomainEventType.CRASHED,
        DomainEventType.STOPPED,
    ]
    assert client.names() == set()


def test_a_guest_that_panics_is_kept_for_a_look(served: Served, client: RawClient) -> None:
    ref = create(client, "g", "<on_crash>preserve</on_crash>")
    tell(served, "g", PANIC)
    assert told(client, "g", DomainEventType.CRASHED) == [DomainEventType.STARTED, DomainEventType.CRASHED]
    assert client.state("g")[0] == DomainState.CRASHED
    client.call("domain_destroy_flags", ref, 0)


def test_a_guest_that_panics_is_started_again(served: Served, client: RawClient) -> None:
    ref = create(client, "g", "<on_crash>restart</on_crash>")
    tell(served, "g", PANIC, ("STOP", {}))
    assert told(client, "g", DomainEventType.RESUMED) == [
        DomainEventType.STARTED,
        DomainEventType.CRASHED,
        DomainEventType.RESUMED,
    ]
    assert client.state("g")[0] == DomainState.RUNNING
    client.call("domain_destroy_flags", ref, 0)


@pytest.mark.parametrize(
    ("events", "detail"),
    [
        ([("BLOCK_IO_ERROR", {"action": "stop", "device": ""}), ("STOP", {})], 2),
        ([("BLOCK_IO_ERROR", {"action": "report", "device": ""}), ("STOP", {})], 0),
        ([("WATCHDOG", {"action": "pause"}), ("STOP", {})], 3),
    ],
    ids=["a failed disk", "a failure that the guest sees", "its watchdog"],
)
def test_a_guest_that_is_paused_by_something_says_by_what(
    served: Served, client: RawClient, events: list[tuple[str, dict[str, Any]]], detail: int
) -> None:
    ref = create(client, "g")
    tell(served, "g", *events)
    assert client.next_event()[2:] == (DomainEventType.STARTED, 0)
    assert client.next_event()[2:] == (DomainEventType.SUSPENDED, detail)
    client.call("domain_destroy_flags", ref, 0)


def test_a_guest_suspends_to_memory_and_wakes_up(served: Served, client: RawClient) -> None:
    ref = create(client, "g")
    tell(served, "g", ("SUSPEND", {}))
    assert told(client, "g", DomainEventType.PMSUSPENDED) == [DomainEventType.STARTED, DomainEventType.PMSUSPENDED]
    assert client.state("g")[0] == DomainState.PMSUSPENDED
    tell(served, "g", ("WAKEUP", {}))
    assert told(client, "g", DomainEventType.STARTED) == STARTED
    client.call("domain_destroy_flags", ref, 0)


def test_what_the_balloon_leaves_is_told(served: Served, client: RawClient) -> None:
    ref = create(client, "g")
    assert client.call("domain_get_info", ref)[1:3] == (8192, 8192)
    tell(served, "g", ("BALLOON_CHANGE", {"actual": 4096 * 1024}))
    assert served.run(lambda: None) is None
    assert client.call("domain_get_info", ref)[1:3] == (8192, 4096)
    client.call("domain_destroy_flags", ref, 0)


def test_events_of_an_earlier_monitor_are_nobodys(served: Served, client: RawClient) -> None:
    ref = create(client, "g")
    (domain,) = served.actors(QemuDomain)
    stale: Any = served.daemon.router
    domain.actor_ref.tell(MonitorEvent(stale, QmpEvent("STOP", {}, 0, 0)))
    domain.actor_ref.tell(MonitorLost(stale, "gone"))
    domain.actor_ref.tell(MonitorEvent(domain._monitor, QmpEvent("NEVER_HEARD_OF", {}, 0, 0)))
    assert client.state("g")[0] == DomainState.RUNNING
    client.call("domain_destroy_flags", ref, 0)


def test_starts_and_adoption_never_hold_the_loop_up(serve: Callable[..., Served], root: Path) -> None:
    """The loops of both daemons report callbacks over 50 ms; probing the emulator is among what they do."""
    first = serve(root)
    client = first.opened(URI)
    names = [f"g{number}" for number in range(4)]
    for name in names[:2]:
        client.define(name, type="qemu", extra=CONSOLES)
    xmls = [domain_xml(name, type="qemu", extra=CONSOLES) for name in names[2:]]
    starts = [client.send("domain_create_with_flags", client.lookup(name), 0) for name in names[:2]]
    starts += [client.send("domain_create_xml", xml, int(DomainCreateFlags.PAUSED)) for xml in xmls]
    assert not [found for found in client.answers(starts).values() if isinstance(found, Exception)]
    client.close()
    first.stop()

    client = serve(root).opened(URI)
    assert client.names() == set(names)
    assert [client.state(name)[0] for name in names] == [DomainState.RUNNING] * 2 + [DomainState.PAUSED] * 2
    for name in names:
        client.call("domain_suspend", client.lookup(name))
    ends = [client.send("domain_destroy_flags", client.lookup(name), 0) for name in names]
    assert not [found for found in client.answers(ends).values() if isinstance(found, Exception)]
    wait_until(lambda: client.names() == set(names[:2]))
