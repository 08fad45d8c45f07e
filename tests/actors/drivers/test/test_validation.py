"""Documents are checked by their schemas where a caller asks for it: by every call that has a flag for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.wire.documents.schemas import SCHEMAS, Schema
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber

from ....libvirts_own import ask, there
from ...served import Served

Serve = Callable[..., Served]

# For each call: the kind of its document, the flag that asks for checking, one that is well, and a part of it that the
# same part misspelt can stand for.
CALLS = {
    "defineXMLFlags": (
        "domain",
        1,
        "<domain type='test'>\n<name>new</name>\n<memory>64</memory>\n<os><type>hvm</type></os></domain>",
        "memory",
    ),
    "createXML": (
        "domain",
        16,
        "<domain type='test'>\n<name>made</name>\n<memory>64</memory>\n<os><type>hvm</type></os></domain>",
        "memory",
    ),
    "networkDefineXMLFlags": ("network", 1, "<network>\n<name>n</name>\n<bridge name='v1'/></network>", "bridge"),
    "networkCreateXMLFlags": ("network", 1, "<network>\n<name>m</name>\n<bridge name='v2'/></network>", "bridge"),
    "storagePoolDefineXML": (
        "storagepool",
        1,
        "<pool type='dir'>\n<name>p</name>\n<target><path>/p</path></target></pool>",
        "target",
    ),
    "interfaceDefineXML": (
        "interface",
        1,
        "<interface type='ethernet' name='e1'>\n\n<mac address='aa:bb:cc:dd:ee:ff'/></interface>",
        "mac",
    ),
    "nodeDeviceCreateXML": (
        "nodedev",
        1,
        "<device>\n<name>d</name><parent>scsi_host1</parent>\n<capability type='scsi_host'><capability type='fc_host'>"
        "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>",
        "capability",
    ),
    "createXML of a pool": (
        "storagevol",
        4,
        "<volume>\n<name>v</name><capacity>1</capacity>\n<target><path>/default-pool/v</path></target></volume>",
        "target",
    ),
    "createXMLFrom of a pool": (
        "storagevol",
        4,
        "<volume>\n<name>w</name><capacity>1</capacity>\n<target><path>/default-pool/w</path></target></volume>",
        "target",
    ),
    "snapshotCreateXML": (
        "domainsnapshot",
        512,
        "<domainsnapshot>\n<name>s</name>\n<description>d</description></domainsnapshot>",
        "description",
    ),
    "checkpointCreateXML": (
        "domaincheckpoint",
        0,
        "<domaincheckpoint>\n<name>c</name>\n<description>d</description></domaincheckpoint>",
        "description",
    ),
}
SCRIPT = """
pool = host.storagePoolLookupByName("default-pool")
dom = host.lookupByName("test")
disk = "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"
other = host.createXML("<domain type='test'><name>o</name><memory>64</memory><os><type>hvm</type></os><devices>"
                       + disk + "</devices></domain>", 0)
volume = pool.createXML("<volume><name>b</name><capacity>1</capacity></volume>", 0)
calls = {
    "createXML of a pool": pool.createXML,
    "createXMLFrom of a pool": lambda text, flags: pool.createXMLFrom(text, volume, flags),
    "snapshotCreateXML": lambda text, flags: dom.snapshotCreateXML(text, flags).getName(),
    "checkpointCreateXML": lambda text, flags: other.checkpointCreateXML(text, flags).getName(),
}
name, flag, texts = given
call = calls.get(name) or getattr(host, name)
answer = [outcome(call, text, flags) for text in texts for flags in (flag, 0)]
"""


def texts_of(well: str, part: str) -> list[str]:
    """A document with an unknown element, one that is cut, one of another kind, and one that is well."""
    return [well.replace(part, f"{part}s"), well[:-3], "<domains/>", well]


@pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
@pytest.mark.parametrize("name", CALLS)
def test_a_call_refuses_what_libvirts_does_with_its_numbers(name: str, serve: Serve, root: Path) -> None:
    _, flag, well, part = CALLS[name]
    given = (name, flag, texts_of(well, part)[:-1])

    ours = ask(SCRIPT, given, serve(root).libvirt_uri)
    theirs = ask(SCRIPT, given)

    assert theirs[0][:3] == ["error", ErrorNumber.XML_INVALID_SCHEMA, ErrorDomain.XML]
    assert [answer[:3] if answer[0] == "error" else answer[0] for answer in ours] == [
        answer[:3] if answer[0] == "error" else answer[0] for answer in theirs
    ]


@pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
@pytest.mark.parametrize("name", CALLS)
def test_what_is_well_is_done_after_it_was_checked(name: str, serve: Serve, root: Path) -> None:
    _, flag, well, _ = CALLS[name]

    first, _ = ask(SCRIPT, (name, flag, [well]), serve(root).libvirt_uri)

    assert first[0] == "ok"


@pytest.mark.skipif(not there(), reason="libvirt-python is not installed")
@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_names_the_schema_and_the_line(name: str, serve: Serve, root: Path) -> None:
    kind, flag, well, part = CALLS[name]

    (_, _, _, message), _ = ask(SCRIPT, (name, flag, texts_of(well, part)[:1]), serve(root).libvirt_uri)

    schema: Schema = SCHEMAS[kind]
    first, *problems = message.splitlines()
    assert first == f"XML document failed to validate against schema: Unable to validate doc against {schema.path}"
    assert f"line 3: element /{schema.root}/{part}s is unknown, did you mean '{part}'?" in problems


def test_every_schema_is_asked_for_by_a_call() -> None:
    assert {kind for kind, *_ in CALLS.values()} == set(SCHEMAS)
