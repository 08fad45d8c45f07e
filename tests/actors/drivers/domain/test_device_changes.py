"""Devices of a running guest: what every driver's domains do around the plugging, which is the driver's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from virtactor.actors.call import Call
from virtactor.actors.drivers.domain import DeviceChanges
from virtactor.actors.drivers.domain.devices import members
from virtactor.actors.drivers.test import driver
from virtactor.actors.drivers.test.domain import TestDomain
from virtactor.wire.documents.domain import DomainDefinition
from virtactor.wire.errors import NotSupported, OperationFailed
from virtactor.wire.lanes import MSGPACK
from virtactor.wire.table import ROWS, DomainRef, row_of
from virtactor.wire.table.rows import REMOTE_PROGRAM

from ....raw_client import RawClient
from ...served import Served

LIVE, CONFIG, BOTH, FORCE = 1, 2, 3, 4
DISK = "<disk type='file'><source file='/{file}'/><target dev='vdb' bus='virtio'/></disk>"


class Pluggable(DeviceChanges, TestDomain):
    """A test domain with room for devices; it refuses what is on a bus that it does not have."""

    async def plug(self, call: Call, family: str, device: Any) -> DomainDefinition:
        if getattr(device, "bus", None) == "ide":
            return await super().plug(call, family, device)
        return self._with(family, (*self._now(family), replace(device, alias="plugged0")))

    async def unplug(self, call: Call, family: str, device: Any) -> DomainDefinition:
        return self._with(family, tuple(each for each in self._now(family) if each is not device))

    async def replug(self, call: Call, family: str, old: Any, new: Any, force: bool) -> DomainDefinition:
        changed = replace(new, alias="forced" if force else old.alias)
        return self._with(family, tuple(changed if each is old else each for each in self._now(family)))

    def _now(self, family: str) -> tuple[Any, ...]:
        return members(self.definition.devices, family)

    def _with(self, family: str, devices: tuple[Any, ...]) -> DomainDefinition:
        return replace(self.definition, devices=replace(self.definition.devices, **{family: devices}))


@pytest.fixture
def client(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawClient]:
    monkeypatch.setattr(driver, "TestDomain", Pluggable)
    with served.opened() as client:
        client.subscribe(())
        yield client


@pytest.fixture
def guest(client: RawClient) -> DomainRef:
    return client.lookup("test")


def told(client: RawClient) -> list[tuple[str, str, str]]:
    """The events until now: their names, domains and devices."""
    client.call("connect_get_uri")
    found = []
    for packet in client.messages:
        (_, _, procedure, payload), _ = MSGPACK.codec(ROWS["event"]).decode_args(packet.payload)
        row = row_of(REMOTE_PROGRAM, procedure)
        assert row is not None
        *_, dom, alias = MSGPACK.codec(row).decode_args(payload)[0]
        found.append((row.name, dom.name, alias))
    client.messages.clear()
    return found


def xml(client: RawClient, ref: DomainRef, flags: int = 0) -> str:
    return client.call("domain_get_xml_desc", ref, flags)


def test_a_device_may_come_now_at_the_next_start_or_both(client: RawClient, guest: DomainRef) -> None:
    for flags, live, kept in ((LIVE, True, False), (CONFIG, False, True), (BOTH, True, True)):
        client.call("domain_attach_device_flags", guest, DISK.format(file="b"), flags)
        assert ("vdb" in xml(client, guest)) == live
        assert ("vdb" in xml(client, guest, 2)) == kept
        client.call("domain_detach_device_flags", guest, DISK.format(file="b"), flags)
        assert "vdb" not in xml(client, guest) + xml(client, guest, 2)


def test_what_cannot_be_plugged_is_not_kept_either(client: RawClient, guest: DomainRef) -> None:
    disk = DISK.format(file="b").replace("virtio", "ide")
    with pytest.raises(NotSupported, match="Operation not supported: live attach"):
        client.call("domain_attach_device_flags", guest, disk, BOTH)
    assert "vdb" not in xml(client, guest) + xml(client, guest, 2)


def test_the_old_calls_are_about_the_running_guest(client: RawClient, guest: DomainRef) -> None:
    client.call("domain_attach_device", guest, DISK.format(file="b"))
    assert "<alias name='plugged0'/>" in xml(client, guest)
    client.call("domain_detach_device", guest, DISK.format(file="b"))
    assert "plugged0" not in xml(client, guest)
    with pytest.raises(OperationFailed, match="no matching disk device found"):
        client.call("domain_detach_device", guest, DISK.format(file="b"))


def test_a_device_is_changed_in_its_place(client: RawClient, guest: DomainRef) -> None:
    client.call("domain_attach_device_flags", guest, DISK.format(file="b"), BOTH)
    client.call("domain_update_device_flags", guest, DISK.format(file="new"), BOTH)
    assert "/new" in xml(client, guest)
    assert "plugged0" in xml(client, guest)
    assert "/new" in xml(client, guest, 2)
    client.call("domain_update_device_flags", guest, DISK.format(file="other"), LIVE | FORCE)
    assert "forced" in xml(client, guest)
    client.call("domain_detach_device_alias", guest, "forced", LIVE)
    assert "vdb" not in xml(client, guest)


def test_who_watches_is_told_of_devices(client: RawClient, guest: DomainRef) -> None:
    client.call("domain_attach_device", guest, DISK.format(file="b"))
    client.call("domain_detach_device_alias", guest, "plugged0", LIVE)
    assert told(client) == [
        ("domain_event_callback_device_added", "test", "plugged0"),
        ("domain_event_device_removed", "test", "plugged0"),
    ]
