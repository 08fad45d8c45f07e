"""Snapshots and checkpoints of the test driver: one script gives the same with libvirt's test driver and ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from virtactor.wire.enums.domain import ConnectListAllDomainsFlags as Flags
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.errors import InternalError, NoSnapshot
from virtactor.wire.table import DomainRef
from virtactor.wire.table.structs import CheckpointRef, SnapshotRef

from ....libvirts_own import ask, comparable, there
from ....raw_client import RawClient
from ...served import Served

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
Serve = Callable[..., Served]

BEGIN = """
import re
answer = []
host.domainEventRegisterAny(None, 0, lambda _, dom, event, detail, __: events.append([dom.name(), event, detail]), 0)
DISK = "<disk type='file'><source file='/{0}'/><target dev='{0}' bus='virtio'/></disk>"
XML = ("<domain type='test'><name>{}</name><uuid>11111111-2222-3333-4444-{}</uuid><memory>1024</memory><os>"
       "<type arch='x86_64'>hvm</type></os><devices>" + DISK.format("vda") + DISK.format("vdb") +
       "<memballoon model='none'/></devices></domain>")
dom = host.defineXMLFlags(XML.format("new", "555555555555"), 0)

def said(value):
    # What is told of times and embedded domains is not compared: their form is the domains'.
    if isinstance(value, list):
        return sorted(said(each) for each in value)
    value = value.getName() if hasattr(value, "getName") else value
    if isinstance(value, str):
        value = re.sub("<creationTime>[0-9]+", "<creationTime>0", value)
        value = re.sub("<domain .*</domain>", "<domain/>", value, flags=re.S)
        value = re.sub("^[0-9]{10}$", "(time)", re.sub("<name>[0-9]{10}<", "<name>(time)<", value))
    return value

def step(function, *args):
    answer.append(outcome(lambda: said(function(*args))))

def tree(moments):
    found = {}
    for each in moments():
        try:
            found[said(each)] = said(each.getParent())
        except libvirt.libvirtError:
            found[said(each)] = None
    answer.append(sorted(found.items()))
    if moments == dom.listAllSnapshots:
        step(dom.snapshotCurrent)

def put(state):
    if dom.isActive():
        dom.destroyFlags(0)
    if state != "off":
        dom.createWithFlags(0)
    if state == "paused":
        dom.suspend()

def snap(name, flags=0, inside=""):
    return dom.snapshotCreateXML(f"<domainsnapshot><name>{name}</name>{inside}</domainsnapshot>", flags)

def check(name, flags=0, inside=""):
    return dom.checkpointCreateXML(f"<domaincheckpoint><name>{name}</name>{inside}</domaincheckpoint>", flags)

def clear():
    for each in [*dom.listAllSnapshots(), *dom.listAllCheckpoints()]:
        each.delete()
"""
TAKING = """
for what in (dom.snapshotNum, dom.snapshotCurrent, dom.hasCurrentSnapshot, dom.listAllSnapshots):
    step(what)
step(dom.snapshotLookupByName, "none")
for state in ("off", "running", "paused"):
    put(state)
    step(snap, state, 0, "<description>A &amp; b</description>")
    step(dom.snapshotLookupByName(state).getXMLDesc)
step(snap, "paused")
step(dom.snapshotCreateXML, "<domainsnapshot/>", 0)
tree(dom.listAllSnapshots)
for bit in range(12):
    step(snap, f"f{bit}", 1 << bit)
    answer.append(dom.state())
tree(dom.listAllSnapshots)
clear()
INSIDE = ["<memory snapshot='no'/>", "<memory snapshot='external'/>", "<memory snapshot='external' file='m'/>",
          "<memory snapshot='internal' file='/m'/>",
          "<memory snapshot='external' file='/m'/>"]
DISKS = ["name='vda' snapshot='no'", "name='vda' snapshot='internal'", "name='vda' snapshot='external'", "name='vdz'",
         "name='/vdb'", "", "name='vda' snapshot='manual'"]
INSIDE += [f"<disks><disk {disk}/></disks>" for disk in DISKS] + ["<disks>" + "<disk name='vda'/>" * 3 + "</disks>"]
INSIDE += ["<state>shutoff</state><parent><name>foo</name></parent><domain><bad/></domain>"]
for state in ("off", "running"):
    put(state)
    for number, inside in enumerate(INSIDE):
        step(snap, f"{state}{number}", 0, inside)
        if answer[-1][0] == "ok":
            step(dom.snapshotLookupByName(f"{state}{number}").getXMLDesc)
answer.append(told(7))
"""
LISTS = """
put("running")
a, b = snap("a"), snap("b")
put("off")
c = snap("c")
put("running")
dom.revertToSnapshot(a)
d = snap("d", 0, "")
for each in (a, b, c, d):
    for what in (each.isCurrent, each.hasMetadata, each.getParent, each.listAllChildren, each.numChildren,
                 each.listChildrenNames, lambda: each.listAllChildren(1), lambda: each.numChildren(1)):
        step(what)
for bit in range(13):
    for function in (dom.listAllSnapshots, dom.snapshotNum, dom.snapshotListNames, a.listAllChildren, a.numChildren,
                     a.listChildrenNames):
        step(function, 1 << bit)
for flags in (0x60, 0xc, 0x12, 0x300, 0x41, 0x25):
    step(dom.listAllSnapshots, flags)
    step(a.listAllChildren, flags)
for function in (dom.snapshotCurrent, dom.hasCurrentSnapshot, b.getParent, a.isCurrent, a.hasMetadata, a.getXMLDesc):
    step(function, 1)
step(a.getXMLDesc, 2)
step(dom.snapshotLookupByName, "a", 1)
"""
REVERTING = """
for state in ("running", "paused", "off"):
    put(state)
    snap(state)
for name in ("running", "paused", "off"):
    for state in ("running", "paused", "off"):
        for flags in (0, 1, 2, 3, 4, 8):
            if name == "off" and flags in (1, 2):
                continue  # libvirt's test driver tells of a start that it does not make.
            put(state)
            told(0)
            before = host.lookupByName("new").ID()
            step(dom.revertToSnapshot, dom.snapshotLookupByName(name), flags)
            answer.append([dom.state(), host.lookupByName("new").ID() == before])
            step(dom.snapshotCurrent)
answer.append(told(146))
gone = dom.snapshotLookupByName("running")
gone.delete()
for what in (gone.delete, gone.getXMLDesc, gone.getParent, gone.isCurrent, gone.numChildren, gone.hasMetadata):
    step(what)
step(dom.revertToSnapshot, gone)
"""
DELETING = """
put("running")
for flags in (0, 1, 2, 3, 4, 5, 8):
    for name in "abcd":
        for current in "cd":
            clear()
            a, b, c = snap("a"), snap("b"), snap("c")
            dom.revertToSnapshot(a)
            snap("d")
            dom.revertToSnapshot(dom.snapshotLookupByName(current))
            step(dom.snapshotLookupByName(name).delete, flags)
            tree(dom.listAllSnapshots)
"""
UNDEFINING = """
snap("a"), snap("b")
step(dom.undefineFlags, 0)
step(dom.undefineFlags, 0)
dom.createWithFlags(0)
step(dom.undefineFlags, 0)
dom.destroyFlags(0)
step(dom.isActive)
dom = host.defineXMLFlags(XML.format("new", "555555555555"), 0)
step(dom.snapshotNum)
snap("a")
step(dom.undefineFlags, 2)
dom = host.createXML(XML.format("passing", "555555555556"), 0)
step(snap, "halted", 8)
step(snap, "a")
step(dom.revertToSnapshot, dom.snapshotLookupByName("a"))
xml = dom.snapshotLookupByName("a").getXMLDesc()
xml = re.sub("<memory snapshot='internal'/>", "", xml.replace(">running<", ">shutoff<").replace(">a<", ">off<"))
step(dom.snapshotCreateXML, xml, 1)
step(dom.revertToSnapshot, dom.snapshotLookupByName("off"))
step(dom.revertToSnapshot, dom.snapshotLookupByName("off"), 4)
answer.append(told(9))
"""
REDEFINING = """
put("running")
a, b = snap("a"), snap("b")
DOMAIN = re.search("<domain .*</domain>", a.getXMLDesc(), re.S)[0]
TIME = "<creationTime>12</creationTime>"
def again(name, state="<state>running</state>", time=TIME, more="", domain=DOMAIN, flags=1):
    xml = f"<domainsnapshot><name>{name}</name>{state}{time}{more}{domain}</domainsnapshot>"
    step(dom.snapshotCreateXML, xml, flags)
    if answer[-1][0] == "ok":
        step(dom.snapshotLookupByName(name).getXMLDesc)
    tree(dom.listAllSnapshots)
again("n1")
again("n2", time="")
again("n3", state="")
again("n5", domain="")
for parent in ("nope", "a", "n8"):
    again("n8", more=f"<parent><name>{parent}</name></parent>")
again("a", more="<parent><name>b</name></parent>")
for state in ("running", "shutoff", "paused", "disk-snapshot"):
    again("a", state=f"<state>{state}</state>")
again("n9", state="<state>shutoff</state>")
again("n9")
again("n10", state="<state>shutoff</state>", more="<memory snapshot='internal'/>")
again("n11", domain=DOMAIN.replace("11111111-", "11111112-"))
again("n12", domain=DOMAIN.replace("<name>new", "<name>old"))
again("n13", flags=3)
again("n14", flags=2)
again("n15", flags=9)
again("n16", state="<state>paused</state>", more="<memory snapshot='no'/>")
again("")
step(dom.revertToSnapshot, dom.snapshotLookupByName("n9"))
snap("after")
tree(dom.listAllSnapshots)
"""
CHECKPOINTS = """
for what in (dom.listAllCheckpoints, lambda: dom.checkpointLookupByName("none"), lambda: check("off")):
    step(what)
put("running")
step(check, "a", 0, "<description>D</description>")
step(check, "b")
step(check, "c", 2)
step(check, "a")
step(dom.checkpointCreateXML, "<domaincheckpoint/>", 0)
tree(dom.listAllCheckpoints)
for bit in range(6):
    step(check, f"f{bit}", 1 << bit)
a, b = dom.checkpointLookupByName("a"), dom.checkpointLookupByName("b")
for bit in range(6):
    for function in (a.getXMLDesc, dom.listAllCheckpoints, a.listAllChildren, b.getParent):
        step(function, 1 << bit)
for each in (a, b):
    for what in (each.getParent, each.getXMLDesc, each.listAllChildren):
        step(what)
step(snap, "s")
for flags in (0, 1, 2, 3, 4, 5, 6, 8):
    for name in "abc":
        clear()
        check("a"), check("b"), check("c")
        step(dom.checkpointLookupByName(name).delete, flags)
        tree(dom.listAllCheckpoints)
        check("z")
        tree(dom.listAllCheckpoints)
clear()
for number, inside in enumerate(["<disk name='vda'/>", "<disk name='vda' checkpoint='no'/>",
        "<disk name='vda' checkpoint='bitmap' bitmap='bm'/>", "<disk name='vdz'/>", "<disk name='vda'/>" * 3]):
    step(check, f"n{number}", 0, f"<disks>{inside}</disks>")
    if answer[-1][0] == "ok":
        step(dom.checkpointLookupByName(f"n{number}").getXMLDesc)
clear()
xml = check("a").getXMLDesc()
check("b")
def again(old, new):
    step(dom.checkpointCreateXML, re.sub(old, new, xml, flags=re.S), 1)
    tree(dom.listAllCheckpoints)
again("x", "x")
again("<name>a<", "<name>n1<")
again("<name>a</name>", "<name>n2</name><parent><name>a</name></parent>")
again("<name>a</name>", "<name>n3</name><parent><name>none</name></parent>")
again("<name>a</name>", "<name>a</name><parent><name>b</name></parent>")
again("<name>a</name>", "")
again("<creationTime>.*</creationTime>", "")
again("11111111-", "11111112-")
again("<domain .*</domain>", "")
clear()
snap("s")
step(check, "q")
put("off")
step(check, "q")
clear()
step(dom.undefineFlags, 0)
"""
SCRIPTS = {
    "taking": TAKING,
    "lists": LISTS,
    "reverting": REVERTING,
    "deleting": DELETING,
    "undefining": UNDEFINING,
    "redefining": REDEFINING,
    "checkpoints": CHECKPOINTS,
}


@needs_libvirt
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_moments_do_and_say_what_libvirts_do(script: str, serve: Serve, root: Path) -> None:
    served = serve(root)
    ours = comparable(ask(BEGIN + script, uri=served.libvirt_uri))
    theirs = comparable(ask(BEGIN + script))
    different = [
        f"{at}: {mine}, libvirt's {its}" for at, (mine, its) in enumerate(zip(ours, theirs, strict=True)) if mine != its
    ]
    assert not different, "\n".join(different)


INITIAL = """
dom = host.lookupByName("new")
for each in dom.listAllSnapshots(1024):
    for what in (each.getName, each.isCurrent, each.getParent, each.getXMLDesc):
        step(what)
step(dom.revertToSnapshot, dom.snapshotLookupByName("b"))
tree(dom.listAllSnapshots)
"""
ALREADY = (
    "<name>{}</name><state>{}</state><creationTime>100</creationTime>{}<active>{}</active><domain type='test'>"
    "<name>new</name><memory>1024</memory><os><type>hvm</type></os></domain>"
)


def document(*snapshots: str) -> str:
    inside = "".join(f"<test:domainsnapshot>{snapshot}</test:domainsnapshot>" for snapshot in snapshots)
    return (
        "<node><domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>new</name>"
        f"<memory>1024</memory><os><type>hvm</type></os>{inside}</domain></node>"
    )


A = ALREADY.format("a", "shutoff", "", 0)
B = ALREADY.format("b", "running", "<parent><name>a</name></parent>", 1)


@needs_libvirt
def test_snapshots_of_a_document_are_there_as_in_libvirts(serve: Serve, root: Path) -> None:
    path = root / "node.xml"
    path.write_text(document(B, A))
    script = BEGIN[: BEGIN.index("DISK =")] + BEGIN[BEGIN.index("def said(") :] + INITIAL
    ours = ask(script, uri=serve(root / "served").libvirt_uri.replace("/default", str(path)))
    assert comparable(ours) == comparable(ask(script, uri=f"test://{path}"))


@pytest.mark.parametrize(
    ("snapshots", "message"),
    [
        ([A, A], "Snapshots have inconsistent relations for domain new"),
        ([B], "Snapshots have inconsistent relations for domain new"),
        ([A.replace("</state>", "</state><parent><name>b</name></parent>"), B], "inconsistent relations"),
        ([A.replace(">0<", ">1<"), B], "more than one snapshot claims to be active"),
        ([A.replace("<active>0</active>", "")], "Could not find 'active' element"),
    ],
)
def test_snapshots_of_a_document_that_do_not_fit_together_are_refused(
    snapshots: list[str], message: str, served: Served, tmp_path: Path
) -> None:
    path = tmp_path / "node.xml"
    path.write_text(document(*snapshots))
    with served.connect() as client, pytest.raises(InternalError, match=message):
        client.open(f"test://{path}")


# -- our own -----------------------------------------------------------------------------------------------------------


def snapshot(client: RawClient, dom: DomainRef, name: str, flags: int = 0) -> SnapshotRef:
    return client.call(
        "domain_snapshot_create_xml", dom, f"<domainsnapshot><name>{name}</name></domainsnapshot>", flags
    )


def state(client: RawClient) -> Any:
    return client.state("test")[0]


def test_going_back_to_an_off_domain_starts_it_where_that_is_asked_for(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        client.call("domain_destroy_flags", dom, 0)
        ref = snapshot(client, dom, "off")
        client.call("domain_revert_to_snapshot", ref, 1)
        assert state(client) == DomainState.RUNNING
        client.call("domain_revert_to_snapshot", ref, 2)
        assert state(client) == DomainState.PAUSED
        client.call("domain_revert_to_snapshot", ref, 0)
        assert state(client) == DomainState.SHUTOFF


def test_lists_of_domains_know_which_have_snapshots_and_checkpoints(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        assert client.names(Flags.HAS_SNAPSHOT) == client.names(Flags.HAS_CHECKPOINT) == set()
        ref = snapshot(client, dom, "a")
        assert client.names(Flags.HAS_SNAPSHOT) == client.names(Flags.NO_CHECKPOINT) == {"test"}
        client.call("domain_snapshot_delete", ref, 0)
        xml = "<domaincheckpoint><name>c</name></domaincheckpoint>"
        if "<disk" in client.call("domain_get_xml_desc", dom, 0):
            assert client.call("domain_checkpoint_create_xml", dom, xml, 0) == CheckpointRef("c", dom)
            assert client.names(Flags.HAS_CHECKPOINT) == client.names(Flags.NO_SNAPSHOT) == {"test"}


def test_a_snapshot_of_a_domain_that_went_and_came_again_is_gone(served: Served) -> None:
    with served.opened() as client:
        dom = client.define("new")
        ref = snapshot(client, dom, "a")
        client.call("domain_undefine_flags", dom, 2)
        client.define("new", uuid=str(UUID(bytes=dom.uuid)))
        with pytest.raises(NoSnapshot):
            client.call("domain_snapshot_get_xml_desc", ref, 0)


def test_going_back_brings_back_the_definition(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        ref = snapshot(client, dom, "a")
        xml = client.call("domain_get_xml_desc", dom, 2)
        client.call("domain_define_xml_flags", xml.replace("<memory", "<title>other</title><memory", 1), 0)
        assert "other" in client.call("domain_get_xml_desc", dom, 2)
        client.call("domain_revert_to_snapshot", ref, 0)
        assert "other" not in client.call("domain_get_xml_desc", dom, 2)
