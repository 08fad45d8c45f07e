"""Events of QEMU's that no guest here can be brought to cause, told to a domain as if its QEMU had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.domain import QemuDomain
from virtactor.actors.monitor.monitor import MonitorEvent, MonitorLost
from virtactor.actors.monitor.qmp import QmpEvent
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.lanes import MSGPACK
from virtactor.wire.table import ROWS, DomainRef, row_of

from ....raw_client import RawClient
from ...served import Served

DEVICES = (
    "<devices><controller type='virtio-serial'/>"
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices>"
)


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root)


@pytest.fixture
def client(served: Served) -> RawClient:
    return served.opened("qemu:///system")


@pytest.fixture
def guest(client: RawClient) -> DomainRef:
    return client.create("g", type="qemu", extra=DEVICES)


def domain_of(served: Served) -> QemuDomain:
    (domain,) = served.actors(QemuDomain)
    return domain


def tell(served: Served, event: str, data: dict[str, Any]) -> None:
    domain = domain_of(served)
    assert domain._monitor is not None
    domain.actor_ref.tell(MonitorEvent(domain._monitor, QmpEvent(event, data, 0, 0)))


def next_told(client: RawClient) -> tuple[int, bytes]:
    """The procedure and the payload of the next event that comes."""
    packet = client.messages.popleft() if client.messages else client.receive()
    assert row_of(packet.program, packet.procedure) is ROWS["event"]
    (_, _, procedure, payload), _ = MSGPACK.codec(ROWS["event"]).decode_args(packet.payload)
    return procedure, payload


def heard(client: RawClient, name: str) -> tuple[Any, ...]:
    """The fields of the next message of that row that comes as an event, without callback id and domain."""
    while True:
        procedure, payload = next_told(client)
        if procedure == ROWS[name].number:
            fields, _ = MSGPACK.codec(ROWS[name]).decode_args(payload)
            return fields[1:] if isinstance(fields[0], DomainRef) else fields[2:]


UNPLUG = "DEVICE_UNPLUG_GUEST_ERROR"
QUIET = (
    "domain_event_callback_agent_lifecycle",
    "domain_event_callback_device_removal_failed",
    "domain_event_device_removed",
    "domain_event_memory_failure",
    "domain_event_reboot",
)


@pytest.mark.parametrize(
    ("event", "data", "name", "fields"),
    [
        ("RTC_CHANGE", {"offset": 3600}, "domain_event_rtc_change", (3600,)),
        ("WATCHDOG", {"action": "inject-nmi"}, "domain_event_watchdog", (6,)),
        ("BALLOON_CHANGE", {"actual": 4096 * 1024}, "domain_event_balloon_change", (4096,)),
        ("SUSPEND", {}, "domain_event_pmsuspend", ()),
        ("WAKEUP", {}, "domain_event_pmwakeup", ()),
        ("SUSPEND_DISK", {}, "domain_event_pmsuspend_disk", ()),
        (UNPLUG, {"device": "net0", "path": "/"}, "domain_event_callback_device_removal_failed", ("net0",)),
        (
            "ACPI_DEVICE_OST",
            {"info": {"device": "dimm0", "slot": "0", "slot-type": "DIMM", "source": 0x103, "status": 0x80}},
            "domain_event_callback_device_removal_failed",
            ("dimm0",),
        ),
        ("VSERPORT_CHANGE", {"id": "channel0", "open": True}, "domain_event_callback_agent_lifecycle", (1, 2)),
        ("VSERPORT_CHANGE", {"id": "channel0", "open": False}, "domain_event_callback_agent_lifecycle", (2, 2)),
        ("MIGRATION_PASS", {"pass": 2}, "domain_event_callback_migration_iteration", (2,)),
        (
            "MEMORY_FAILURE",
            {"recipient": "guest", "action": "inject", "flags": {"action-required": True, "recursive": True}},
            "domain_event_memory_failure",
            (1, 1, 3),
        ),
        (
            "MEMORY_DEVICE_SIZE_CHANGE",
            {"id": "virtiomem0", "size": 1 << 20},
            "domain_event_memory_device_size_change",
            ("virtiomem0", 1024),
        ),
        ("GUEST_CRASHLOADED", {"action": "run"}, "domain_event_lifecycle", (8, 1)),
    ],
)
def test_what_qemu_tells_is_told(
    served: Served,
    client: RawClient,
    guest: DomainRef,
    event: str,
    data: dict[str, Any],
    name: str,
    fields: tuple[Any, ...],
) -> None:
    client.subscribe([ROWS[name].number])
    tell(served, event, data)
    assert heard(client, name) == fields
    client.call("domain_destroy_flags", guest, 0)


def test_what_concerns_no_device_of_the_guest_is_no_news(served: Served, client: RawClient, guest: DomainRef) -> None:
    client.subscribe([ROWS[name].number for name in QUIET])
    tell(served, "VSERPORT_CHANGE", {"id": "channel7", "open": True})
    tell(served, "DEVICE_DELETED", {"path": "/machine/peripheral-anon/device[0]"})
    tell(served, "DEVICE_TRAY_MOVED", {"id": "ide9-9-9", "tray-open": True})
    tell(served, "BLOCK_WRITE_THRESHOLD", {"node-name": "unknown", "write-threshold": 1, "amount-exceeded": 1})
    tell(served, "MEMORY_FAILURE", {"recipient": "nobody", "action": "inject"})
    tell(served, "ACPI_DEVICE_OST", {"info": {"device": "dimm0", "source": 3, "status": 0x84}})
    tell(served, "ACPI_DEVICE_OST", {"info": {"device": "dimm0", "source": 1, "status": 0x80}})
    tell(served, "RESET", {"guest": True})
    assert next_told(client)[0] == ROWS["domain_event_reboot"].number
    client.call("domain_destroy_flags", guest, 0)


def test_a_suspension_to_disk_is_a_state(served: Served, client: RawClient, guest: DomainRef) -> None:
    client.subscribe([ROWS["domain_event_lifecycle"].number])
    tell(served, "SUSPEND_DISK", {})
    assert client.next_event()[2:] == (7, 1)
    assert client.state("g")[0] == DomainState.PMSUSPENDED
    client.call("domain_destroy_flags", guest, 0)


def test_a_monitor_that_is_lost_while_its_qemu_lives_is_told_as_lost_control(
    served: Served, client: RawClient, guest: DomainRef
) -> None:
    client.subscribe([ROWS["domain_event_control_error"].number])
    domain = domain_of(served)
    assert domain._monitor is not None
    domain.actor_ref.tell(MonitorLost(domain._monitor, "gone"))
    assert heard(client, "domain_event_control_error") == ()
    client.call("domain_destroy_flags", guest, 0)
