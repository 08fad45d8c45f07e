"""Interface documents: read and written as libvirt's own test driver does."""

from __future__ import annotations

import pytest
from hypothesis import given
from virtactor.wire.documents.interface import (
    InterfaceDefinition,
    format_interface,
    parse_interface,
)
from virtactor.wire.documents.reader import read_document
from virtactor.wire.errors import VirtError, XMLError

from ...libvirts_own import ask, canonical, there
from .instances import any_of
from .test_round_trip import QUICK

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")

ACCEPTED = [
    """<interface type='bridge' name='br0'><start mode='onboot'/><mtu size='1492'/>
      <protocol family='ipv4'><dhcp peerdns='no'/></protocol>
      <protocol family='ipv6'><autoconf/><dhcp/><ip address='fe80::1' prefix='64'/><ip address='fe80::2' prefix='64'/>
        <route gateway='fe80::9'/></protocol>
      <bridge stp='off' delay='0.01'>
        <interface type='ethernet' name='eth0'><mac address='ab:bb:cc:dd:ee:ff'/></interface>
        <interface type='vlan' name='eth1.5'><vlan tag='5'><interface name='eth1'/></vlan></interface>
        <interface type='bond' name='b0'>
          <bond mode='balance-rr'><interface type='ethernet' name='eth9'/></bond>
        </interface>
      </bridge></interface>""",
    """<interface type='bond' name='bond0'><start mode='none'/>
      <protocol family='ipv4'><ip address='192.168.50.7' prefix='24'/><route gateway='192.168.50.1'/></protocol>
      <bond mode='active-backup'><arpmon interval='100' target='192.168.50.1' validate='active'/>
        <interface type='ethernet' name='eth1'/><interface type='ethernet' name='eth0'/></bond></interface>""",
    """<interface type='bond' name='b'><bond mode='802.3ad'>
      <miimon freq='100' downdelay='10' updelay='5' carrier='netif'/></bond></interface>""",
    "<interface type='ethernet' name='e'><link speed='1000' state='up'/><mac address='AA:bb:cc:dd:ee:ff'/></interface>",
    "<interface type='vlan' name='e.42'><start mode='hotplug'/><vlan tag='42'><interface name='e'/></vlan></interface>",
    "<interface type='ethernet' name='e'/>",
]
REFUSED = [
    "<interface name='e'/>",
    "<interface type='ethernet'/>",
    "<interface type='bridge' name='b'/>",
    "<interface type='bond' name='b'/>",
    "<interface type='vlan' name='b'/>",
    "<interface type='vlan' name='b'><vlan tag='2'/></interface>",
    "<interface type='ethernet' name='e'><start mode='x'/></interface>",
    "<interface type='bond' name='b'><bond mode='foo'/></interface>",
    "<interface type='ethernet' name='e'><protocol family='x'/></interface>",
    "<domain/>",
]
_DEFINE = """
def defined(xml):
    interface = host.interfaceDefineXML(xml)
    try:
        return interface.XMLDesc()
    finally:
        interface.undefine()
answer = [outcome(defined, xml) for xml in given]
"""


@needs_libvirt
def test_interfaces_are_written_as_libvirt_does() -> None:
    theirs = ask(_DEFINE, ACCEPTED)
    assert [[word, canonical(xml)] for word, xml in theirs] == [
        ["ok", canonical(format_interface(parse_interface(xml)))] for xml in ACCEPTED
    ]


@needs_libvirt
@pytest.mark.parametrize("xml", REFUSED)
def test_what_libvirt_refuses_is_refused_with_its_code(xml: str) -> None:
    ((word, code, *_),) = ask(_DEFINE, [xml])
    with pytest.raises(VirtError) as raised:
        parse_interface(xml)
    assert (word, code) == ("error", raised.value.code)


def test_what_is_missing_is_told() -> None:
    with pytest.raises(XMLError, match="bond interface misses the bond element"):
        parse_interface("<interface type='bond' name='b'/>")


@QUICK
@given(any_of(InterfaceDefinition))
def test_what_is_formatted_is_read_as_the_same_interface(definition: InterfaceDefinition) -> None:
    assert read_document(format_interface(definition), "interface", InterfaceDefinition) == definition
