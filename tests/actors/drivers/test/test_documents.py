"""What a test driver makes of domain documents: libvirt's makes the same of them, to the letter.

documents/devices.xml has devices of every kind with all that can be said of them, documents/domain.xml all the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from virtactor.actors.drivers.test.domain import complete_test_domain
from virtactor.wire.documents.domain import format_domain, parse_domain
from virtactor.wire.errors import VirtError

from ....libvirt_python import import_libvirt

DOCUMENTS = Path(__file__).parent / "documents"
UUID = "11111111-2222-4333-8444-555555555555"
# What each of the two makes up by itself.
MADE_UP = re.compile(r"52:54:00:[0-9a-f:]{8}(?=')|(?<=instanceid=')[0-9a-f-]{36}")


def document(inside: str = "", devices: str = "", os: str = "<type>hvm</type>", memory: str = "8192") -> str:
    return (
        f"<domain type='test'><name>guest</name><uuid>{UUID}</uuid><memory>{memory}</memory><vcpu>4</vcpu>"
        f"<iothreads>2</iothreads><os>{os}</os>{inside}<devices>{devices}</devices></domain>"
    )


def devices() -> dict[str, str]:
    """Groups of devices that need each other, by what is in them."""
    root = etree.parse(DOCUMENTS / "devices.xml").getroot()
    found: dict[str, str] = {}
    for number, group in enumerate(root):
        members = list(group) if group.tag == "group" else [group]
        name = " ".join(f"{each.tag}-{each.get('type') or each.get('model') or each.get('mode')}" for each in members)
        found[f"{number} {name}"] = "".join(etree.tostring(each, encoding="unicode") for each in members)
    return found


@pytest.fixture(scope="module")
def libvirt() -> Any:
    return import_libvirt()


@pytest.fixture(scope="module")
def connection(libvirt: Any) -> Iterator[Any]:
    with closing(libvirt.open("test:///default")) as connection:
        yield connection


def theirs(connection: Any, text: str) -> str:
    domain = connection.defineXML(text)
    try:
        return domain.XMLDesc(3)
    finally:
        domain.undefine()


def ours(text: str) -> str:
    return format_domain(complete_test_domain(parse_domain(text, strict=False)), secure=True)


def comparable(text: str) -> list[str]:
    # libvirt closes some elements on a line of their own even if there is nothing in them.
    return MADE_UP.sub("?", re.sub(r"( *)<(devices|redirdev)([^>]*)/>\n", r"\1<\2\3>\n\1</\2>\n", text)).splitlines()


DEVICES = devices()


@pytest.mark.parametrize("name", DEVICES)
def test_devices_are_written_as_libvirt_writes_them(name: str, connection: Any) -> None:
    memory = "<maxMemory slots='16' unit='GiB'>16</maxMemory>"
    numa = "<cpu><numa><cell id='0' cpus='0-3' memory='2' unit='GiB'/></numa></cpu>"
    rest = "<features><ioapic driver='qemu'/></features>"
    inside = f"{memory}{numa}{rest}" if "memory-" in name or "iommu-" in name else ""
    text = document(inside, DEVICES[name], memory="2097152" if inside else "8192")
    assert comparable(ours(text)) == comparable(theirs(connection, text))


def test_a_domain_is_written_as_libvirt_writes_it(connection: Any) -> None:
    text = (DOCUMENTS / "domain.xml").read_text()
    assert comparable(ours(text)) == comparable(theirs(connection, text))


@pytest.mark.parametrize("name", DEVICES)
def test_what_is_written_is_read_again_as_the_same(name: str) -> None:
    written = ours(document(devices=DEVICES[name]))
    assert ours(written) == written


BAD = {
    "nothing": "",
    "no end": "<domain",
    "another root": "<network/>",
    "no name": "<domain type='test'><memory>1</memory></domain>",
    "an empty name": "<domain type='test'><name></name><memory>1</memory><os><type>hvm</type></os></domain>",
    "no os": "<domain type='test'><name>x</name><memory>1</memory></domain>",
    "no memory": "<domain type='test'><name>x</name><memory>0</memory><os><type>hvm</type></os></domain>",
    "an unknown os": document(os="<type>xx</type>"),
    "a slash": "<domain type='test'><name>a/b</name><memory>1</memory><os><type>hvm</type></os></domain>",
    "more than there are": document().replace("<vcpu>", "<vcpu current='5'>"),
    "a number in words": document().replace("<vcpu>4", "<vcpu>four"),
    "no uuid": document().replace(UUID, "zz"),
    "a dance": document("<on_reboot>dance</on_reboot>"),
    "a disk without source": document(devices="<disk type='file'><target dev='vda'/></disk>"),
    "a disk of no kind": document(devices="<disk type='what'><source file='/a'/><target dev='vda'/></disk>"),
    "a disk of no place": document(devices="<disk type='file'><source file='/a'/><target dev='zzz'/></disk>"),
    "a disk without target": document(devices="<disk type='file'><source file='/a'/></disk>"),
    "two disks in one place": document(devices="<disk><source file='/a'/><target dev='vda'/></disk>" * 2),
    "a network without name": document(devices="<interface type='network'/>"),
    "a bridge without name": document(devices="<interface type='bridge'/>"),
    "a short address": document(devices="<interface type='user'><mac address='52:54:00'/></interface>"),
    "two consoles on a port": document(devices="<console type='pty'/><console type='pty'/>"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_with_libvirts_number(name: str, libvirt: Any, connection: Any) -> None:
    with pytest.raises(libvirt.libvirtError) as wanted:
        theirs(connection, BAD[name])
    with pytest.raises(VirtError) as got:
        ours(BAD[name])
    assert (got.value.code, got.value.message) == (wanted.value.get_error_code(), got.value.message), wanted.value
