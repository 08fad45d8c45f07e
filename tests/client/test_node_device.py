"""The host's devices through the client, on the two test drivers."""

from __future__ import annotations

import pytest
from virtactor.client import Host
from virtactor.client.object_events import NodeDeviceEvent
from virtactor.wire.enums.host import NodeDeviceEventLifecycleType as Lifecycle
from virtactor.wire.errors import InvalidArgument, NoNodeDevice, NotSupported, VirtError

from .conftest import PATIENCE

VHBA = (
    "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>2001001b32a9da4e</wwnn><wwpn>2101001b32a9da4e</wwpn></capability></capability></device>"
)


@pytest.fixture
def host(a_test_driver: Host) -> Host:
    return a_test_driver


def test_devices_are_found_by_name_and_capability(host: Host) -> None:
    devices = {one.name for one in host.node_devices}
    assert devices == {"computer", "scsi_host1", "scsi_host2", "scsi_host11"}
    assert (len(host.node_devices), set(host.node_devices.names())) == (len(devices), devices)
    assert [one.name for one in host.node_devices.list(capabilities=["system"])] == ["computer"]
    assert host.node_devices.names("system") == ["computer"]
    assert host.node_devices["computer"] in host.node_devices
    assert "none" not in host.node_devices


def test_a_device_is_described(host: Host) -> None:
    device = host.node_devices["scsi_host1"]
    assert "<name>scsi_host1</name>" in device.xml()
    assert device.parent() == "computer"
    assert device.capabilities() == ["scsi_host"]
    assert host.node_devices["computer"].parent() is None


def test_a_virtual_adapter_is_made_and_removed(host: Host) -> None:
    with host.node_devices.events(timeout=PATIENCE) as events:
        device = host.node_devices.create(VHBA)
        assert device in host.node_devices
        device.destroy()
        seen = [next(events) for _ in range(2)]
    assert [one.type for one in seen if isinstance(one, NodeDeviceEvent)] == [Lifecycle.CREATED, Lifecycle.DELETED]
    assert {one.subject for one in seen if isinstance(one, NodeDeviceEvent)} == {device}
    with pytest.raises(NoNodeDevice):
        device.xml()


def test_what_goes_wrong_is_raised_by_its_kind(host: Host) -> None:
    with pytest.raises(NoNodeDevice):
        host.node_devices["none"]
    with pytest.raises(InvalidArgument, match="'tape' is no capability"):
        host.node_devices.list(capabilities=["tape"])


def test_what_a_test_driver_does_not_do_is_not_supported(host: Host) -> None:
    device = host.node_devices["computer"]
    for call in (
        device.detach,
        lambda: device.detach("vfio"),
        device.reattach,
        device.reset,
        device.start,
        device.undefine,
        device.autostart,
        lambda: device.set_autostart(True),
        device.is_persistent,
        device.is_active,
        lambda: host.node_devices.define(VHBA),
        lambda: host.node_devices.lookup_wwn("2001001b32a9da4e", "2101001b32a9da4e"),
    ):
        with pytest.raises(NotSupported):
            call()
    with pytest.raises(VirtError):  # libvirt 9.0 does not know the procedure.
        device.update("<device/>")
