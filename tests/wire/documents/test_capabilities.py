"""The capabilities document."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from virtactor.wire.documents.capabilities import (
    CacheBank,
    Capabilities,
    Cell,
    CellCpu,
    Distance,
    Guest,
    GuestMachine,
    Host,
    HostCpu,
    PagePool,
    PageSize,
    SecurityModel,
    format_capabilities,
    parse_capabilities,
)
from virtactor.wire.documents.domain import Topology

HOST = Host(
    uuid="54fc30c4-3479-444c-b85b-527ece768c8b",
    cpu=HostCpu(
        arch="x86_64",
        model="EPYC",
        vendor="AMD",
        microcode=1,
        family=25,
        family_model=1,
        stepping=1,
        topology=Topology(sockets=1, dies=1, cores=2, threads=1),
        pages=(PageSize(size=4), PageSize(size=2048)),
    ),
    power_management=True,
    iommu=False,
    cell_count=1,
    cells=(
        Cell(
            id=0,
            memory=4417748,
            pages=(PagePool(size=4, count=1104437),),
            distances=(Distance(id=0, value=10),),
            cpu_count=1,
            cpus=(CellCpu(id=0, socket=0, die=0, core=0, siblings="0"),),
        ),
    ),
    caches=(CacheBank(id=0, level=3, type="both", size=32, unit="MiB", cpus="0-1"),),
    security_models=(SecurityModel(model="none", doi="0"),),
)
GUEST = Guest(
    arch="x86_64",
    word_size=64,
    emulator="/usr/bin/qemu-system-x86_64",
    machines=(
        GuestMachine(name="pc-i440fx-7.2", max_cpus=255),
        GuestMachine(name="pc", canonical="pc-i440fx-7.2", max_cpus=255),
        GuestMachine(name="pc-i440fx-1.5", max_cpus=255, deprecated=True),
    ),
    domain_types=("qemu", "kvm"),
    acpi_default="on",
    acpi_toggle=True,
    apic_default="on",
    apic_toggle=False,
    cpuselection=True,
    deviceboot=True,
)


def at(element: etree._Element, path: str) -> etree._Element:
    found = element.find(path)
    assert found is not None, path
    return found


def children(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]


def test_the_document_has_libvirts_structure() -> None:
    root = etree.fromstring(format_capabilities(Capabilities(host=HOST, guests=(GUEST,))))
    host, guest = at(root, "host"), at(root, "guest")
    assert children(host) == ["uuid", "cpu", "power_management", "iommu", "topology", "cache", "secmodel"]
    assert children(at(host, "cpu")) == [
        *("arch", "model", "vendor", "microcode", "signature", "topology", "pages", "pages"),
    ]
    assert children(at(host, "topology/cells/cell")) == ["memory", "pages", "distances", "cpus"]
    assert dict(at(host, "cpu/signature").attrib) == {"family": "25", "model": "1", "stepping": "1"}
    assert at(host, "iommu").get("support") == "no"
    assert children(guest) == ["os_type", "arch", "features"]
    assert children(at(guest, "arch")) == [
        *("wordsize", "emulator", "machine", "machine", "machine", "domain", "domain"),
    ]
    assert [(each.text, dict(each.attrib)) for each in guest.findall("arch/machine")] == [
        ("pc-i440fx-7.2", {"maxCpus": "255"}),
        ("pc", {"canonical": "pc-i440fx-7.2", "maxCpus": "255"}),
        ("pc-i440fx-1.5", {"maxCpus": "255", "deprecated": "yes"}),
    ]
    assert [each.get("type") for each in guest.findall("arch/domain")] == ["qemu", "kvm"]
    assert children(at(guest, "features")) == ["acpi", "apic", "cpuselection", "deviceboot"]


_names = st.text("abcdefghijklmnopqrstuvwxyz-.0123456789", min_size=1, max_size=12)
_numbers = st.integers(0, 2**40)
_machines = st.builds(
    GuestMachine,
    name=_names,
    canonical=st.none() | _names,
    max_cpus=st.none() | _numbers,
    deprecated=st.none() | st.booleans(),
)
_guests = st.builds(
    Guest,
    arch=_names,
    word_size=st.sampled_from([32, 64]),
    emulator=st.none() | _names,
    machines=st.lists(_machines, max_size=4).map(tuple),
    domain_types=st.lists(_names, max_size=3).map(tuple),
    pae=st.booleans(),
    acpi_default=st.none() | st.sampled_from(["on", "off"]),
    acpi_toggle=st.none() | st.booleans(),
    deviceboot=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(guests=st.lists(_guests, max_size=3).map(tuple))
def test_what_is_formatted_is_parsed_back(guests: tuple[Guest, ...]) -> None:
    document = Capabilities(host=HOST, guests=guests)
    assert parse_capabilities(format_capabilities(document)) == document
