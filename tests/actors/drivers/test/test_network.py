"""Networks of the test driver: the same script gives the same with libvirt's test driver and ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.actors.drivers.network import NO_NETWORK_METADATA
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.enums.network import ConnectListAllNetworksFlags as Flags
from virtactor.wire.errors import InvalidArgument, NoNetwork, NotFound, OperationInvalid
from virtactor.wire.table import ROWS

from ....libvirts_own import ask, comparable, there
from ....raw_client import RawClient
from ...served import Served

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
Serve = Callable[..., Served]

LIFE = """
host.networkEventRegisterAny(None, 0, lambda _, net, event, detail, __: events.append([net.name(), event, detail]), 0)
A = "<network><name>a</name><uuid>1e7f0475-3218-4080-8c71-c256032e20aa</uuid><bridge name='b'/></network>"
B = A.replace(">a<", ">b<")
T = A.replace(">a<", ">t<").replace("20aa", "20ab")
answer = []
def step(function, *args):
    answer.append(outcome(function, *args))
net = host.networkLookupByName("default")
step(net.XMLDesc)
step(net.XMLDesc, 8)
step(net.UUIDString)
step(net.bridgeName)
for what in (net.isActive, net.isPersistent, net.autostart, net.create, net.undefine, net.destroy, net.isActive):
    step(what)
for what in (net.destroy, net.create, net.destroy, net.undefine, net.isPersistent, net.destroy, net.create):
    step(what)
step(host.networkLookupByName, "none")
step(host.networkLookupByUUIDString, "6695eb01-f6a4-8304-79aa-97f2502e193f")
step(host.networkDefineXML, A)
step(host.networkDefineXMLFlags, A, 1)
step(host.networkDefineXMLFlags, A, 2)
step(host.networkDefineXML, B)
step(host.networkDefineXML, A.replace("20aa", "20ac"))
step(host.networkCreateXML, B)
step(host.networkCreateXML, A)
step(host.networkCreateXML, A)
step(host.networkCreateXMLFlags, T, 1)
step(host.networkCreateXMLFlags, T, 4)
t = host.networkLookupByName("t")
for what in (t.isPersistent, t.isActive, t.undefine, t.bridgeName, t.XMLDesc, t.DHCPLeases):
    step(what)
step(t.setAutostart, 1)
step(t.autostart)
for flags in (0, 1, 2, 4, 8, 16, 32, 9, 6, 64):
    step(lambda: sorted(net.name() for net in host.listAllNetworks(flags)))
for what in (host.listNetworks, host.listDefinedNetworks):
    step(lambda: sorted(what()))
for what in (host.numOfNetworks, host.numOfDefinedNetworks, t.destroy, t.isActive, host.numOfNetworks):
    step(what)
answer.append(told(10))
"""
UPDATES = """
TXT = "<txt name='{}' value='v'/>"
answer = []
def step(function, *args):
    answer.append(outcome(function, *args))
net = host.networkDefineXML(
    "<network><name>a</name><uuid>1e7f0475-3218-4080-8c71-c256032e20aa</uuid><bridge name='b'/></network>")
t = host.networkCreateXML(
    "<network><name>t</name><uuid>1e7f0475-3218-4080-8c71-c256032e20ab</uuid><bridge name='c'/></network>")
for target in (net, t):
    for flags in (0, 1, 2, 3, 8):
        step(target.update, 3, 11, -1, TXT.format(f"f{flags}"), flags)
    step(target.XMLDesc)
net.create()
step(net.update, 4, 11, -1, TXT.format("live"), 0)
step(net.update, 5, 11, -1, TXT.format("live"), 1)
step(net.update, 3, 4, -1, "<host mac='00:16:3e:77:e2:ed' ip='10.0.0.3'/>", 1)
step(net.XMLDesc)
"""


@needs_libvirt
@pytest.mark.parametrize("script", [LIFE, UPDATES], ids=["life", "updates"])
def test_networks_do_and_say_what_libvirts_do(script: str, serve: Serve, root: Path) -> None:
    served = serve(root)
    ours = ask(script, uri=served.libvirt_uri)
    assert comparable(ours) == comparable(ask(script))


def network_xml(name: str, bridge: str = "b") -> str:
    return f"<network><name>{name}</name><bridge name='{bridge}'/></network>"


def test_a_redefined_network_keeps_running_as_it_was_until_it_is_started_again(served: Served) -> None:
    with served.opened() as client:
        net = client.call("network_define_xml", network_xml("a", "one"))
        client.call("network_create", net)
        again = client.call("network_get_xml_desc", net, 0).replace("one", "two")
        client.call("network_define_xml", again)
        assert client.call("network_get_bridge_name", net) == "one"
        client.call("network_destroy", net)
        assert client.call("network_get_bridge_name", net) == "two"


def test_an_update_of_the_running_network_only_is_gone_with_its_stop(served: Served) -> None:
    with served.opened() as client:
        net = client.call("network_define_xml", network_xml("a"))
        client.call("network_create", net)
        client.call("network_update", net, 3, 11, -1, "<txt name='n' value='v'/>", 1)
        assert "<txt" in client.call("network_get_xml_desc", net, 0)
        client.call("network_destroy", net)
        assert "<txt" not in client.call("network_get_xml_desc", net, 0)


def test_an_update_that_one_of_two_definitions_refuses_changes_neither(served: Served) -> None:
    with served.opened() as client:
        net = client.call("network_define_xml", network_xml("a"))
        client.call("network_create", net)
        update = (net, 3, 11, -1, "<txt name='n' value='v'/>")
        client.call("network_update", *update, 1)
        with pytest.raises(OperationInvalid, match="there is already a DNS TXT record"):
            client.call("network_update", *update, 3)
        client.call("network_destroy", net)
        assert "<txt" not in client.call("network_get_xml_desc", net, 0)


def test_sessions_share_networks_until_the_last_one_closes(served: Served) -> None:
    with served.opened() as client:
        with served.opened() as other:
            other.call("network_create_xml", network_xml("a"))
        assert client.call("connect_num_of_networks") == 2
    with served.opened() as client:
        assert client.call("connect_list_networks", 16) == ["default"]


def test_a_list_gives_at_most_as_many_names_as_are_asked_for(served: Served) -> None:
    with served.opened() as client:
        client.call("network_define_xml", network_xml("a"))
        client.call("network_define_xml", network_xml("b"))
        assert client.call("connect_list_defined_networks", 1) == ["a"]
        assert client.call("connect_list_all_networks", 0, Flags.INACTIVE) == ([], 2)


def test_a_network_that_is_gone_is_told_as_missing(served: Served) -> None:
    with served.opened() as client:
        net = client.call("network_create_xml", network_xml("a"))
        client.call("network_destroy", net)
        with pytest.raises(NoNetwork) as raised:
            client.call("network_is_active", net)
    assert raised.value.code == ErrorNumber.NO_NETWORK


@pytest.mark.parametrize(
    ("type", "given", "key", "uri", "shown"),
    [
        (0, "two\nlines", None, None, "<description>two\nlines</description>"),
        (1, "a title", None, None, "<title>a title</title>"),
        (2, "<note a='b'/>", "app", "urn:app", 'xmlns:app="urn:app"'),
    ],
)
def test_a_network_keeps_notes(
    type: int, given: str, key: str | None, uri: str | None, shown: str, served: Served
) -> None:
    with served.opened() as client:
        net = client.call("network_lookup_by_name", "default")
        with pytest.raises(NotFound) as raised:
            client.call("network_get_metadata", net, type, uri, 0)
        assert raised.value.code == NO_NETWORK_METADATA
        client.call("network_set_metadata", net, type, given, key, uri, 3)
        assert client.call("network_get_metadata", net, type, uri, 2) in (given, '<note a="b"/>')
        assert shown in client.call("network_get_xml_desc", net, 0)
        client.call("network_destroy", net)
        client.call("network_set_metadata", net, type, None, key, uri, 0)
        assert shown not in client.call("network_get_xml_desc", net, 0)


def test_a_note_in_an_applications_name_needs_its_namespace(served: Served) -> None:
    with served.opened() as client:
        net = client.call("network_lookup_by_name", "default")
        with pytest.raises(InvalidArgument, match="uri in virNetworkSetMetadata must not be NULL"):
            client.call("network_set_metadata", net, 2, "<a/>", "key", None, 0)


def test_networks_of_a_document_are_there_and_run(served: Served, tmp_path: Path) -> None:
    document = tmp_path / "node.xml"
    document.write_text(
        f"<node>{network_xml('a')}<interface type='ethernet' name='e'/>"
        "<device><name>d</name><capability type='system'/></device></node>"
    )
    with served.opened(f"test://{document}") as client:
        assert names(client, "connect_list_networks", 9) == ["a"]
        assert names(client, "connect_list_interfaces", 9) == ["e"]
        assert names(client, "node_list_devices", None, 9, 0) == ["d"]


def names(client: RawClient, row: str, *args: object) -> list[str]:
    assert row in ROWS
    return client.call(row, *args)
