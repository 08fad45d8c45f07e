"""Events of domains beside their life: each message becomes an event of its own class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from virtactor.client import Host
from virtactor.client.domain import events as kinds
from virtactor.client.events import Event
from virtactor.wire.callbacks import CALLBACKS
from virtactor.wire.enums.domain import DomainMetadataType
from virtactor.wire.enums.domain_events import (
    ConnectDomainEventBlockJobStatus,
    DomainEventGraphicsPhase,
    DomainEventIOErrorAction,
    DomainEventWatchdogAction,
)
from virtactor.wire.enums.domain_jobs import DomainBlockJobType
from virtactor.wire.pack import encode
from virtactor.wire.table import ROWS

from .conftest import PATIENCE, FakeDaemon, domain_ref

WEB = domain_ref("web", 3)
FAILED = (WEB, "/src", "virtio-disk0", 1)
ADDRESS = (0, "10.0.0.1", "5900")

# A message's fields as drivers publish them, and what of the event they become: attributes, and virsh's words.
PUBLISHED: tuple[tuple[type[kinds.DomainEvent], tuple, dict[str, Any], str], ...] = (
    (kinds.Reboot, (WEB,), {}, ""),
    (kinds.RTCChange, (WEB, -3600), {"offset": -3600}, "-3600"),
    (kinds.Watchdog, (WEB, 2), {"action": DomainEventWatchdogAction.RESET}, "reset"),
    (
        kinds.IOError,
        FAILED,
        {"source": "/src", "alias": "virtio-disk0", "action": DomainEventIOErrorAction.PAUSE},
        "/src (virtio-disk0) pause",
    ),
    (kinds.IOErrorReason, (*FAILED, "enospc"), {"reason": "enospc"}, "/src (virtio-disk0) pause due to enospc"),
    (
        kinds.Graphics,
        (WEB, 0, ADDRESS, ADDRESS, "vnc", [("x509dname", "me")]),
        {"phase": DomainEventGraphicsPhase.CONNECT, "local": ADDRESS, "subject": [("x509dname", "me")]},
        "connect local[ipv4 10.0.0.1 5900] remote[ipv4 10.0.0.1 5900] vnc\n\tsubject x509dname: me",
    ),
    (kinds.ControlError, (WEB,), {}, ""),
    (
        kinds.BlockJobByPath,
        (WEB, "/src", 2, 3),
        {"disk": "/src", "type": DomainBlockJobType.COPY, "status": ConnectDomainEventBlockJobStatus.READY},
        "Block Copy for /src ready",
    ),
    (kinds.BlockJob, (WEB, "vda", 1, 0), {"disk": "vda"}, "Block Pull for vda completed"),
    (
        kinds.DiskChange,
        (WEB, "/old", None, "cd0", 1),
        {"old_source": "/old", "new_source": None},
        "disk cd0: /old -> <null>: dropped",
    ),
    (kinds.TrayChange, (WEB, "cd0", 0), {"alias": "cd0"}, "disk cd0: opened"),
    (kinds.PMWakeup, (WEB,), {}, ""),
    (kinds.PMSuspend, (WEB,), {}, ""),
    (kinds.PMSuspendDisk, (WEB,), {}, ""),
    (kinds.BalloonChange, (WEB, 4096), {"actual": 4096}, "4096KiB"),
    (kinds.DeviceRemoved, (WEB, "net0"), {"alias": "net0"}, "net0"),
    (kinds.DeviceAdded, (WEB, "net0"), {"alias": "net0"}, "net0"),
    (kinds.DeviceRemovalFailed, (WEB, "net0"), {"alias": "net0"}, "net0"),
    (kinds.Tunable, (WEB, [("cputune.shares", 4, 5)]), {"values": {"cputune.shares": 5}}, "\n\tcputune.shares: 5"),
    (kinds.JobCompleted, (WEB, [("operation", 1, 2)]), {"values": {"operation": 2}}, "\n\toperation: 2"),
    (kinds.AgentLifecycle, (WEB, 1, 2), {}, "state: 'connected' reason: 'channel event'"),
    (kinds.MigrationIteration, (WEB, 4), {"iteration": 4}, "iteration: '4'"),
    (
        kinds.MetadataChange,
        (WEB, 2, "http://x"),
        {"type": DomainMetadataType.ELEMENT, "uri": "http://x"},
        "type element, uri http://x",
    ),
    (kinds.BlockThreshold, (WEB, "vda", "/src", 10, 2), {"threshold": 10, "excess": 2}, "dev: vda(/src) 10 2"),
    (kinds.MemoryFailure, (WEB, 1, 2, 1), {"flags": 1}, "recipient: guest action: fatal flags: 1"),
    (kinds.MemoryDeviceSizeChange, (WEB, "m0", 64), {"size": 64}, "alias: 'm0' size: 64KiB"),
    (kinds.NicMACChange, (WEB, "net0", "a", "b"), {"old_mac": "a"}, "alias: 'net0' oldMAC: 'a' newMAC: 'b'"),
)


@pytest.fixture
def host(daemon: FakeDaemon) -> Iterator[Host]:
    with daemon.connect() as host:
        yield host


def publish(daemon: FakeDaemon, sequence: int, kind: type[kinds.DomainEvent], fields: tuple) -> None:
    """Send an event as our daemon does: with 0 for the id of a callback, where its message has one."""
    row = kinds.KIND_OF[kind].row
    payload = fields if len(row.args) == len(fields) else (0, *fields)
    daemon.peer.message(ROWS["event"], sequence, 0.0, row.number, encode(payload))


@pytest.mark.parametrize(
    ("kind", "fields", "attributes", "words"), PUBLISHED, ids=[kind.__name__ for kind, *_ in PUBLISHED]
)
def test_a_message_becomes_its_event(
    daemon: FakeDaemon,
    host: Host,
    kind: type[kinds.DomainEvent],
    fields: tuple,
    attributes: dict[str, Any],
    words: str,
) -> None:
    with host.events(types=[kind], timeout=PATIENCE) as events:
        publish(daemon, 11, kind, fields)
        event = next(events)
    assert isinstance(event, kinds.DomainEvent)
    assert type(event) is kind
    assert (event.sequence, event.domain.name, event.words) == (11, "web", words)
    assert {name: getattr(event, name) for name in attributes} == attributes
    assert str(event) == f"web: {kind.name}{f' ({words.strip()})' if words else ''}"


def test_there_is_a_class_for_each_of_libvirts_events() -> None:
    tested = [kind for kind, *_ in PUBLISHED]
    assert set(tested) == set(kinds.ALL)
    rows = [row for row in CALLBACKS if row.name.startswith("domain_event")]
    assert [kinds.KIND_OF[kind].row for kind in kinds.ALL] == rows[1:]


def test_only_the_wanted_types_come(daemon: FakeDaemon, host: Host) -> None:
    with host.events(types=[Event, kinds.Reboot], timeout=PATIENCE) as events:
        publish(daemon, 11, kinds.Watchdog, (WEB, 1))
        publish(daemon, 12, kinds.Reboot, (WEB,))
        daemon.peer.event(13, "web", 2)
        first, second = next(events), next(events)
    assert (type(first), type(second)) == (kinds.Reboot, Event)
    assert set(daemon.peer.calls[-2][1][0]) == {
        ROWS["domain_event_lifecycle"].number,
        ROWS["domain_event_reboot"].number,
    }


def test_only_the_wanted_domains_events_come(daemon: FakeDaemon, host: Host) -> None:
    with host.events("db", types=[kinds.Reboot], timeout=PATIENCE) as events:
        publish(daemon, 11, kinds.Reboot, (WEB,))
        publish(daemon, 12, kinds.Reboot, (domain_ref("db"),))
        event = next(events)
    assert isinstance(event, kinds.Reboot)
    assert event.domain.name == "db"


class TestMonitorEvents:
    @pytest.fixture(autouse=True)
    def registering(self, daemon: FakeDaemon) -> None:
        daemon.handlers["connect_domain_monitor_event_register"] = lambda *_: (5,)
        daemon.handlers["connect_domain_monitor_event_deregister"] = lambda *_: ()

    def send(self, daemon: FakeDaemon, callback_id: int, event: str, details: str | None = None) -> None:
        daemon.peer.message(ROWS["domain_monitor_event"], callback_id, WEB, event, 7, 500000, details)

    def test_they_come_by_their_callback(self, daemon: FakeDaemon, host: Host) -> None:
        with host.monitor_events(event="S.*", regex=True, timeout=PATIENCE) as events:
            self.send(daemon, 4, "STOP")
            self.send(daemon, 5, "SHUTDOWN", '{"guest": true}')
            event = next(events)
        assert (event.domain.name, event.event, event.details) == ("web", "SHUTDOWN", '{"guest": true}')
        assert event.when.timestamp() == 7.5
        assert [call for call in daemon.peer.calls if "monitor" in call[0]] == [
            ("connect_domain_monitor_event_register", (None, "S.*", 1)),
            ("connect_domain_monitor_event_deregister", (5,)),
        ]

    def test_iterating_ends_when_nothing_came_for_a_while(self, host: Host) -> None:
        with host.monitor_events(timeout=0.01) as events:
            assert list(events) == []
