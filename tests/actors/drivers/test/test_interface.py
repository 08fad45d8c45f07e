"""Interfaces and node devices of the test driver: one script gives the same with libvirt's test driver and ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.wire.enums.host import ConnectListAllNodeDeviceFlags as Caps
from virtactor.wire.errors import NoInterface, NoNodeDevice
from virtactor.wire.table.structs import InterfaceRef, NodeDeviceRef

from ....libvirts_own import ask, comparable, there
from ...served import Served

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
Serve = Callable[..., Served]

INTERFACES = """
X = "<interface type='ethernet' name='eth2'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:01'/></interface>"
answer = []
def step(function, *args):
    answer.append(outcome(function, *args))
def names(flags=0):
    return sorted(interface.name() for interface in host.listAllInterfaces(flags))
eth1 = host.interfaceLookupByName("eth1")
for what in (eth1.XMLDesc, eth1.MACString, eth1.isActive, eth1.create, host.changeCommit, host.changeRollback):
    step(what)
step(eth1.XMLDesc, 1)
step(host.interfaceLookupByName, "none")
for mac in ("aa:bb:cc:dd:ee:ff", "AA:BB:cc:dd:ee:ff", "aa:bb:cc:dd:ee:f0", "foo"):
    step(host.interfaceLookupByMACString, mac)
step(host.changeBegin, 1)
for what in (host.changeBegin, host.changeBegin):
    step(what)
step(host.interfaceDefineXML, X)
eth2 = host.interfaceLookupByName("eth2")
step(host.interfaceDefineXML, X.replace("onboot", "none"), 1)
step(host.interfaceDefineXML, X, 2)
for what in (eth2.isActive, eth2.destroy, eth2.create, eth2.create, eth2.XMLDesc):
    step(what)
step(host.interfaceDefineXML, X.replace("onboot", "hotplug"))
for what in (eth2.isActive, eth2.XMLDesc, names, host.listInterfaces, host.numOfInterfaces):
    step(lambda: sorted(found) if isinstance(found := what(), list) else found)
for what in (eth2.destroy, eth2.undefine, eth2.isActive, eth2.XMLDesc, eth2.destroy, eth2.undefine, eth1.undefine):
    step(what)
step(names)
for what in (host.changeRollback, eth1.XMLDesc, host.changeBegin):
    step(what)
step(host.interfaceDefineXML, X)
for what in (host.changeCommit, host.changeRollback, names):
    step(what)
step(host.interfaceDefineXML, X.replace("eth2", "eth3"))
step(host.interfaceLookupByMACString, "aa:bb:cc:dd:ee:01")
for flags in (0, 1, 3, 4):
    step(names, flags)
"""
DEVICES = """
def heard(_, device, event, detail, __):
    events.append([device.name(), event, detail])
host.nodeDeviceEventRegisterAny(None, 0, heard, 0)
V = ("<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
     "<wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability></capability></device>")
answer = []
def step(function, *args):
    answer.append(outcome(function, *args))
def names(flags=0):
    return sorted(device.name() for device in host.listAllDevices(flags))
for device in sorted(host.listAllDevices(), key=lambda device: device.name()):
    for what in (device.name, device.XMLDesc, device.parent, device.listCaps, device.numOfCaps):
        step(what)
computer = host.nodeDeviceLookupByName("computer")
step(computer.XMLDesc, 4)
step(host.nodeDeviceLookupByName, "none")
for cap in (None, "system", "fc_host", "vports", "foo"):
    step(host.numOfDevices, cap, 0)
    step(lambda: sorted(host.listDevices(cap, 0)))
step(host.numOfDevices, None, 1)
for bit in range(31):
    step(names, 1 << bit)
step(names, 0x21)
step(host.nodeDeviceCreateXML, "<device/>")
for change in (("scsi_host1", "none"), ("scsi_host1", "computer"), ("<wwnn>20000000c9831b4b</wwnn>", ""),
               ("<wwpn>10000000c9831b4b</wwpn>", "")):
    step(host.nodeDeviceCreateXML, V.replace(*change))
step(host.nodeDeviceCreateXML, V, 4)
step(host.nodeDeviceCreateXML, V)
made = host.nodeDeviceLookupByName("scsi_host12")
for what in (made.XMLDesc, made.parent, made.destroy, made.XMLDesc, made.destroy):
    step(what)
for what in (computer.isActive, computer.isPersistent, computer.autostart, computer.create, computer.undefine):
    step(what)
step(host.nodeDeviceDefineXML, V)
step(host.nodeDeviceLookupSCSIHostByWWN, "2000000056785678", "1000000056785678")
answer.append(told(2))
"""


@needs_libvirt
@pytest.mark.parametrize("script", [INTERFACES, DEVICES], ids=["interfaces", "devices"])
def test_they_do_and_say_what_libvirts_do(script: str, serve: Serve, root: Path) -> None:
    served = serve(root)
    ours = ask(script, uri=served.libvirt_uri)
    assert comparable(ours) == comparable(ask(script))


def test_a_rollback_brings_interfaces_back_as_they_were_defined(served: Served) -> None:
    with served.opened() as client:
        before = client.call("interface_get_xml_desc", InterfaceRef("eth1", ""), 0)
        client.call("interface_change_begin", 0)
        client.call("interface_define_xml", "<interface type='ethernet' name='eth1'/>", 0)
        client.call("interface_destroy", InterfaceRef("eth1", ""), 0)
        client.call("interface_change_rollback", 0)
        assert client.call("interface_get_xml_desc", InterfaceRef("eth1", ""), 0) == before


def test_an_interface_that_is_not_there_is_told_as_missing(served: Served) -> None:
    with served.opened() as client, pytest.raises(NoInterface):
        client.call("interface_create", InterfaceRef("none", ""), 0)


def test_a_virtual_adapter_hangs_on_the_one_that_its_names_tell(served: Served) -> None:
    names = "<wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn>"
    xml = (
        "<device><parent wwnn='2000000056785678' wwpn='1000000056785678'/><capability type='scsi_host'>"
        f"<capability type='fc_host'>{names}</capability></capability></device>"
    )
    with served.opened() as client:
        made = client.call("node_device_create_xml", xml, 0)
        assert client.call("node_device_get_parent", made.name) == "scsi_host2"


def test_a_device_can_be_gone(served: Served) -> None:
    with served.opened() as client:
        client.call("node_device_destroy", "scsi_host2")
        with pytest.raises(NoNodeDevice):
            client.call("node_device_get_parent", "scsi_host2")
        found, _ = client.call("connect_list_all_node_devices", 1, Caps.CAP_VPORTS)
    assert found == [NodeDeviceRef("scsi_host1")]
