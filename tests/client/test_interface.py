"""The host's interfaces through the client, on the two test drivers."""

from __future__ import annotations

import pytest
from virtactor.client import Host
from virtactor.wire.errors import NoInterface, OperationInvalid, VirtError

XML = (
    "<interface type='ethernet' name='eth9'><start mode='none'/><mac address='aa:bb:cc:dd:ee:09'/><mtu size='1492'/>"
    "<protocol family='ipv4'><ip address='192.168.0.9' prefix='24'/></protocol></interface>"
)


@pytest.fixture
def host(a_test_driver: Host) -> Host:
    return a_test_driver


def test_the_default_interface_is_found_and_described(host: Host) -> None:
    (interface,) = host.interfaces
    assert interface == host.interfaces["eth1"] == host.interfaces.lookup_mac(interface.mac)
    assert (interface.name, interface.mac) == ("eth1", "aa:bb:cc:dd:ee:ff")
    assert (len(host.interfaces), host.interfaces.names(), host.interfaces.names(inactive=True)) == (1, ["eth1"], [])
    assert interface.is_active()
    assert "<interface type='ethernet' name='eth1'>" in interface.xml()
    assert interface in host.interfaces
    assert "eth7" not in host.interfaces


def test_an_interface_is_defined_started_stopped_and_undefined(host: Host) -> None:
    interface = host.interfaces.define(XML)
    assert not interface.is_active()
    assert host.interfaces.names(inactive=True) == ["eth9"]
    interface.start()
    assert {one.name for one in host.interfaces.list(active=True)} == {"eth1", "eth9"}
    interface.destroy()
    assert [one.name for one in host.interfaces.list(inactive=True)] == ["eth9"]
    interface.undefine()
    with pytest.raises(NoInterface):
        interface.xml()


def test_what_goes_wrong_is_raised_by_its_kind(host: Host) -> None:
    with pytest.raises(NoInterface):
        host.interfaces["none"]
    with pytest.raises(NoInterface):
        host.interfaces.lookup_mac("00:00:00:00:00:01")
    with pytest.raises(OperationInvalid):
        host.interfaces["eth1"].start()


def test_changes_stay_when_all_went_well(host: Host) -> None:
    with host.interfaces.changes():
        host.interfaces.define(XML)
    assert "eth9" in host.interfaces


def test_changes_are_taken_back_when_something_raised(host: Host) -> None:
    class Mishap(Exception):
        pass

    def half_done() -> None:
        with host.interfaces.changes():
            host.interfaces.define(XML)
            raise Mishap

    with pytest.raises(Mishap):
        half_done()
    assert [one.name for one in host.interfaces] == ["eth1"]
    with pytest.raises(VirtError):
        host.interfaces.commit_changes()
