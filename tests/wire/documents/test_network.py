"""Network documents: read, completed, changed and written as libvirt's own test driver does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from virtactor.wire.documents.network import (
    NetworkDefinition,
    complete_network,
    format_network,
    parse_network,
    update_network,
)
from virtactor.wire.enums.network import NetworkUpdateSection as Section
from virtactor.wire.errors import UnsupportedConfig, VirtError

from ...libvirts_own import ask, canonical, there
from .instances import any_of
from .test_round_trip import QUICK

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")

UUID = "<uuid>dd8fe884-6c02-601e-7551-cca97df1c500</uuid>"
FULL = f"""\
<network ipv6='yes' trustGuestRxFilters='yes'>
  <name>big</name>{UUID}
  <metadata><a:x xmlns:a="urn:a" b="1"></a:x></metadata>
  <forward mode='nat' dev='eth0'>
    <nat ipv6='yes'><address start='1.2.3.4' end='1.2.3.10'/><port start='500' end='1000'/></nat>
  </forward>
  <bridge name='virbr9' zone='public' stp='off' delay='5' macTableManager='libvirt'/>
  <mtu size='9000'/>
  <mac address='52:54:00:2A:2a:2a'/>
  <domain name='example.com' localOnly='yes'/>
  <dns enable='yes' forwardPlainNames='no'>
    <forwarder addr='8.8.8.8'/><forwarder domain='example.com' addr='8.8.4.4'/><forwarder domain='www'/>
    <host ip='192.168.122.2'><hostname>myhost</hostname><hostname>myhostalias</hostname></host>
    <txt name='example' value='example value'/>
    <srv service='name' protocol='tcp' domain='d' target='.' port='1024' priority='10' weight='10'/>
  </dns>
  <vlan trunk='yes'><tag id='42'/><tag id='47' nativeMode='untagged'/></vlan>
  <bandwidth><inbound average='1000' peak='5000' burst='5120'/><outbound average='1000'/></bandwidth>
  <port isolated='yes'/>
  <ip address='192.168.123.1' netmask='255.255.255.0' localPtr='yes'>
    <tftp root='/var/lib/tftp'/>
    <dhcp>
      <range start='192.168.123.2' end='192.168.123.254'><lease expiry='1' unit='hours'/></range>
      <host mac='00:16:3e:77:e2:ed' name='foo.example.com' ip='192.168.123.10'><lease expiry='0'/></host>
      <bootp file='boot.ipxe' server='192.168.123.1'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='2001:db8:ca2:2::1' prefix='64'>
    <dhcp><host id='0:1:0:1:18:aa:62:fe:0:16:3e:44:55:66' name='n' ip='2001:db8:ca2:2::100'/></dhcp>
  </ip>
  <route address='192.168.222.0' prefix='24' gateway='192.168.123.2' metric='2'/>
  <route family='ipv6' address='2001:db8:ca2:3::' prefix='64' gateway='2001:db8:ca2:2::2'/>
  <portgroup name='eng' default='yes' trustGuestRxFilters='no'>
    <virtualport type='802.1Qbh'><parameters profileid='test'/></virtualport>
    <vlan><tag id='3'/></vlan>
    <bandwidth><inbound average='1'/></bandwidth>
  </portgroup>
</network>
"""


def network(inside: str, name: str = "n") -> str:
    return f"<network><name>{name}</name>{UUID}{inside}</network>"


ACCEPTED = [
    FULL,
    network("<forward mode='hostdev' managed='yes'><driver name='vfio'/><pf dev='eth3'/></forward>"),
    network(
        "<forward mode='hostdev'><driver name='vfio'/>"
        "<address type='pci' domain='0' bus='4' slot='0' function='1'/></forward>"
    ),
    network(
        "<forward mode='passthrough'><interface dev='eth0'/><interface dev='eth1'/></forward>"
        "<virtualport type='802.1Qbg'><parameters managerid='11' typeid='1193047' typeidversion='2' "
        "instanceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/></virtualport>"
    ),
    network("<forward mode='bridge'/><bridge name='ovsbr0'/><virtualport type='openvswitch'/>"),
    network("<bridge name='v%d'/><ip address='10.1.1.1' prefix='8'/>"),
    network("<forward mode='private' dev='eth7'/>"),
    network("<dns enable='no'/><bridge name='x1'/>"),
    network("<forward mode='bridge'/>"),
    network("<forward/><ip address='10.0.0.1'/>"),
    network(""),
]
REFUSED = [
    network("<forward mode='open'/><bridge name='op'/>"),
    network("<forward mode='route'/>"),
    network("<bridge name='x1'/><dns><forwarder/></dns>"),
    network("<bridge name='x1'/><dns><txt name='a b' value='c'/></dns>"),
    network("<bridge name='x1'/><dns><srv service='a'/></dns>"),
    network("<ip address='10.0.0.1' netmask='255.255.255.0' prefix='24'/>"),
    network("<ip address='10.0.0.1' prefix='33'/>"),
    network("<ip family='ipv6' address='1.2.3.4' prefix='3'/>"),
    network("<ip address='::1' prefix='3'/>"),
    network("<ip family='ipv6' address='::1' netmask='255.0.0.0'/>"),
    network("<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.1.0.2' end='10.1.0.3'/></dhcp></ip>"),
    network("<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.3' end='10.0.0.2'/></dhcp></ip>"),
    network("<ip address='10.0.0.1' prefix='24'><dhcp><host ip='10.0.0.3'/></dhcp></ip>"),
    network("<ip address='10.0.0.1' prefix='24'><dhcp><host name='a'/></dhcp></ip>"),
    network("<forward mode='bridge' dev='e'/><bridge name='b'/>"),
    network("<forward mode='bridge'/><bridge name='b' stp='on'/>"),
    network("<forward mode='private'/><bridge name='b'/>"),
    network("<forward/><ip address='1.2.3.4' prefix='24'/><route address='10.0.0.0' prefix='8'/>"),
    network("<forward/><ip address='1.2.3.4' prefix='24'/><route address='10.0.0.0' prefix='8' gateway='99.9.9.9'/>"),
    network("<forward><interface dev='a'/><interface dev='b'/></forward><ip address='1.2.3.4' prefix='24'/>"),
    network("<bridge name='b'/><vlan/>"),
]
_DEFINE = """
def defined(xml):
    network = host.networkDefineXML(xml)
    try:
        return network.XMLDesc()
    finally:
        network.undefine()
answer = [outcome(defined, xml) for xml in given]
"""


def ours(xml: str) -> str:
    return format_network(complete_network(parse_network(xml)))


@needs_libvirt
def test_networks_are_completed_and_written_as_libvirt_does() -> None:
    theirs = ask(_DEFINE, ACCEPTED)
    assert [[word, canonical(xml)] for word, xml in theirs] == [["ok", canonical(ours(xml))] for xml in ACCEPTED]


@needs_libvirt
@pytest.mark.parametrize("xml", REFUSED)
def test_networks_that_cannot_be_are_refused_with_libvirts_words(xml: str) -> None:
    ((word, code, _, message),) = ask(_DEFINE, [xml])
    with pytest.raises(VirtError) as raised:
        ours(xml)
    assert (word, code, message) == ("error", raised.value.code, raised.value.message)


def test_what_nobody_knows_is_refused_by_name_or_passed_over() -> None:
    xml = network("<foo/>")
    with pytest.raises(UnsupportedConfig, match="element /network/foo"):
        parse_network(xml)
    assert parse_network(xml, strict=False) == parse_network(network(""))


@QUICK
@given(any_of(NetworkDefinition))
def test_what_is_formatted_is_parsed_to_the_same_network(definition: NetworkDefinition) -> None:
    assert parse_network(format_network(definition)) == definition


@QUICK
@given(any_of(NetworkDefinition))
def test_completing_any_network_is_refused_or_changes_nothing_the_second_time(definition: NetworkDefinition) -> None:
    try:
        once = complete_network(definition)
    except VirtError:
        return
    assert complete_network(once) == once


# -- updates -----------------------------------------------------------------------------------------------------------

HOST = "<host mac='00:16:3e:77:e2:01' name='n1' ip='10.0.0.3'/>"
BASE = network(
    "<forward mode='nat'/><bridge name='virbr7'/>"
    f"<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.9'/>{HOST}</dhcp></ip>"
    "<ip family='ipv6' address='2001:db8:ca2:2::1' prefix='64'/><ip address='10.1.0.1' netmask='255.255.255.0'/>"
    "<portgroup name='p'/><portgroup name='d' default='yes'/>"
)
HOSTS = [
    "<host mac='00:16:3e:77:e2:01'/>",
    "<host mac='00:16:3e:77:e2:01' name='z' ip='10.0.0.9'/>",
    "<host mac='00:16:3e:77:e2:02' name='n1' ip='10.0.0.9'/>",
    "<host mac='00:16:3e:77:e2:02' name='z' ip='10.0.0.3'/>",
    "<host mac='00:16:3e:77:e2:02' name='z' ip='10.0.0.4'/>",
    "<host name='n1'/>",
    "<host ip='10.0.0.3'/>",
]
RANGES = ["<range start='10.0.0.20' end='10.0.0.29'/>", "<range start='10.0.0.2' end='10.0.0.9'/>"]
GROUPS = ["<portgroup name='p'/>", "<portgroup name='q'/>", "<portgroup name='q' default='yes'/>", "<portgroup/>"]
NAMES = [
    "<host ip='10.0.0.77'><hostname>h1</hostname></host>",
    "<host ip='10.0.0.78'><hostname>h1</hostname></host>",
    "<host ip='10.0.0.77'/>",
    "<host><hostname>h1</hostname></host>",
]
TEXTS = ["<txt name='n' value='v'/>", "<txt name='n'/>", "<txt name='n' value='w'/>"]
SERVICES = ["<srv service='s' protocol='tcp' domain='d'/>", "<srv service='s' protocol='tcp'/>"]


def _after_one(section: int, entries: list[str]) -> list[list[tuple[int, int, int, str]]]:
    """The first entry is added, and then each command is tried with each."""
    return [[(3, section, -1, entries[0]), (command, section, -1, xml)] for command in (1, 2, 4) for xml in entries]


# Sequences of updates, each on a network of its own: command, section, index, entry.
SEQUENCES: list[list[tuple[int, int, int, str]]] = [
    *([(command, Section.IP_DHCP_HOST, -1, xml)] for command in (1, 2, 3, 4) for xml in HOSTS),
    *([(3, Section.IP_DHCP_HOST, index, HOST)] for index in (0, 1, 2, 5)),
    *([(command, Section.IP_DHCP_RANGE, -1, xml)] for command in (1, 2, 3, 4) for xml in RANGES),
    *([(command, Section.PORTGROUP, -1, xml)] for command in (1, 2, 3, 4) for xml in GROUPS),
    [(command, Section.FORWARD_INTERFACE, -1, "<interface dev='e5'/>") for command in (1, 3, 3, 2, 2, 4)],
    [(3, Section.FORWARD_INTERFACE, -1, f"<interface dev='e{number}'/>") for number in (1, 2)],
    *_after_one(Section.DNS_HOST, NAMES),
    [(3, Section.DNS_HOST, -1, NAMES[0]), (3, Section.DNS_HOST, -1, NAMES[1]), (2, Section.DNS_HOST, -1, NAMES[0])],
    *_after_one(Section.DNS_TXT, TEXTS),
    *_after_one(Section.DNS_SRV, SERVICES),
    *([(3, section, -1, "<x/>")] for section in (0, 1, 2, 3, 6, 8, 13)),
    *([(command, Section.DNS_TXT, -1, TEXTS[0])] for command in (0, 5)),
]
_UPDATE = """
def updated(sequence):
    network = host.networkDefineXML(given["base"])
    try:
        found = [outcome(network.update, *step, 0) for step in sequence]
        return [*found, network.XMLDesc()]
    finally:
        network.undefine()
answer = [updated(sequence) for sequence in given["sequences"]]
"""


@needs_libvirt
def test_updates_do_what_libvirts_do_and_fail_with_its_words() -> None:
    theirs = ask(_UPDATE, {"base": BASE, "sequences": SEQUENCES})
    for sequence, (*outcomes, xml) in zip(SEQUENCES, theirs, strict=True):
        definition = complete_network(parse_network(BASE))
        for step, expected in zip(sequence, outcomes, strict=True):
            definition, said = update(definition, step)
            assert said == expected, step
        assert canonical(format_network(definition)) == canonical(xml), sequence


def update(definition: NetworkDefinition, step: tuple[int, int, int, str]) -> tuple[NetworkDefinition, list[Any]]:
    try:
        return update_network(definition, *step), ["ok", 0]
    except VirtError as error:
        # libvirt has no area for what its parts common to all drivers complain of.
        return definition, ["error", error.code, error.domain, error.message]
