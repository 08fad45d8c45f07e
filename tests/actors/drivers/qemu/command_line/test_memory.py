"""The guest's memory: its size, what it is made of, its nodes, and the host's nodes that it comes from."""

from __future__ import annotations

import pytest
from virtactor.wire.errors import UnsupportedConfig, XMLError

TWO_NODES = """<vcpu>4</vcpu><cpu><numa>
<cell id='0' cpus='0-1' memory='64' unit='MiB'{first}>{inside}</cell>
<cell id='1' cpus='2-3' memory='32' unit='MiB'/>{more}
</numa></cpu>"""


def nodes(first: str = "", inside: str = "", more: str = "") -> dict[str, str]:
    return {"top": TWO_NODES.format(first=first, inside=inside, more=more), "vcpu": ""}


def size(unit: str, number: int = 1) -> str:
    return f"<memory unit='{unit}'>{number}</memory>"


@pytest.mark.parametrize(
    ("memory", "mib"),
    [
        (size("bytes", 1), "1"),
        (size("b", 2 << 20), "2"),
        (size("KB", 2000), "2"),
        (size("KiB", 1025), "2"),
        (size("k", 2048), "2"),
        ("<memory>4096</memory>", "4"),
        (size("MB", 5), "5"),
        (size("MiB", 5), "5"),
        (size("M", 5), "5"),
        (size("GB"), "954"),
        (size("GiB"), "1024"),
        (size("G"), "1024"),
        (size("TiB"), "1048576"),
    ],
)
def test_memory_is_said_in_any_unit(build, memory: str, mib: str) -> None:
    assert build(memory=memory).value("-m") == mib


def test_memory_may_grow_by_modules(build) -> None:
    memory = "<maxMemory slots='4' unit='GiB'>1</maxMemory>" + size("MiB", 64)
    assert build(memory=memory).value("-m") == "size=65536k,slots=4,maxmem=1048576k"
    with pytest.raises(UnsupportedConfig, match="maxMemory on machine type microvm"):
        build(memory=memory, machine="microvm")
    with pytest.raises(UnsupportedConfig, match="maxMemory without slots"):
        build(memory=memory.replace(" slots='4'", ""))
    with pytest.raises(UnsupportedConfig, match="is less than memory"):
        build(memory=memory.replace("GiB", "MiB"))


BACKINGS = [
    ("<source type='anonymous'/>", {"qom-type": "memory-backend-ram"}),
    (
        "<source type='file'/><access mode='shared'/><discard/>",
        {"qom-type": "memory-backend-file", "share": True, "mem-path": "/var/tmp", "discard-data": True},
    ),
    ("<source type='memfd'/>", {"qom-type": "memory-backend-memfd"}),
    (
        "<allocation mode='immediate' threads='4'/>",
        {"qom-type": "memory-backend-ram", "prealloc": True, "prealloc-threads": 4},
    ),
    ("<hugepages/>", {"qom-type": "memory-backend-memfd", "hugetlb": True, "prealloc": True}),
    (
        "<hugepages><page size='1' unit='GiB'/></hugepages><allocation mode='ondemand'/>",
        {"qom-type": "memory-backend-memfd", "hugetlb": True, "hugetlbsize": 1 << 30},
    ),
]


@pytest.mark.parametrize(("backing", "expected"), BACKINGS)
def test_memory_has_a_backend_where_something_is_said_of_it(build, backing: str, expected: dict) -> None:
    arguments = build(top=f"<memoryBacking>{backing}</memoryBacking>")
    made = arguments.value("-object")
    named_as_ever = made.pop("x-use-canonical-path-for-ramblock-id", None)
    assert made == {"id": "pc.ram", "size": 64 << 20} | expected
    assert named_as_ever is (None if made["qom-type"] == "memory-backend-ram" else False)
    assert "memory-backend=pc.ram" in arguments.value("-machine")


def test_memory_can_be_locked_unshared_and_dumped(build) -> None:
    arguments = build(
        top="<memoryBacking><nosharepages/><locked/></memoryBacking>",
        memory="<memory unit='MiB' dumpCore='on'>64</memory>",
    )
    assert arguments.value("-overcommit") == "mem-lock=on"
    assert arguments.value("-machine") == "pc-i440fx-7.2,usb=off,dump-guest-core=on,mem-merge=off"
    assert arguments.values("-object") == []


@pytest.mark.parametrize(
    ("backing", "message"),
    [
        ("<discard/>", "memoryBacking: discard"),
        ("<allocation threads='2'/>", "threads of an allocation that is not immediate"),
        ("<hugepages><page size='3' unit='MiB'/></hugepages>", "hugepages: pages of 3072 KiB"),
        ("<hugepages><page size='2' unit='MiB' nodeset='1'/></hugepages>", "nodeset '1' of a guest without nodes"),
    ],
)
def test_what_memory_cannot_be_is_refused(build, backing: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=f"<memoryBacking>{backing}</memoryBacking>")


def test_nodes_have_memory_and_processors(build) -> None:
    arguments = build(**nodes(first=" memAccess='shared'"))
    assert arguments.value("-m") == "96"
    assert arguments.values("-object") == [
        {"qom-type": "memory-backend-ram", "id": "ram-node0", "size": 64 << 20, "share": True},
        {"qom-type": "memory-backend-ram", "id": "ram-node1", "size": 32 << 20},
    ]
    assert arguments.values("-numa") == [
        "node,nodeid=0,cpus=0-1,memdev=ram-node0",
        "node,nodeid=1,cpus=2-3,memdev=ram-node1",
    ]


def test_processors_that_are_in_no_node_are_in_the_first(build) -> None:
    cpu = "<cpu><numa><cell cpus='1' memory='1024'/><cell memory='1024'/></numa></cpu>"
    assert build(vcpu="<vcpu>4</vcpu>", top=cpu).values("-numa") == [
        "node,nodeid=0,cpus=0-3,memdev=ram-node0",
        "node,nodeid=1,memdev=ram-node1",
    ]


def test_a_distance_that_is_said_makes_all_of_them(build) -> None:
    arguments = build(**nodes(inside="<distances><sibling id='1' value='30'/></distances>"))
    assert arguments.values("-numa")[2:] == [
        "dist,src=0,dst=0,val=10",
        "dist,src=0,dst=1,val=30",
        "dist,src=1,dst=0,val=30",
        "dist,src=1,dst=1,val=10",
    ]


def test_latencies_bandwidths_and_caches_are_told(build) -> None:
    cache = """<cache level='1' associativity='full' policy='writethrough'><size value='2' unit='MiB'/>
    <line value='64' unit='B'/></cache>"""
    between = """<interconnects><latency initiator='0' target='1' cache='1' type='read' value='7'/>
    <bandwidth initiator='0' target='1' type='access' value='2' unit='MiB'/></interconnects>"""
    arguments = build(**nodes(inside=cache, more=between))
    assert "hmat=on" in arguments.value("-machine")
    assert arguments.values("-numa") == [
        "node,nodeid=0,cpus=0-1,initiator=0,memdev=ram-node0",
        "node,nodeid=1,cpus=2-3,initiator=1,memdev=ram-node1",
        "hmat-lb,initiator=0,target=1,hierarchy=first-level,data-type=read-latency,latency=7",
        "hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-bandwidth,bandwidth=2048K",
        "hmat-cache,node-id=0,size=2048K,level=1,associativity=complex,policy=write-through,line=64",
    ]


def test_memory_comes_from_the_hosts_nodes(build) -> None:
    tune = "<numatune><memory mode='interleave' nodeset='0-1'/></numatune>"
    assert build(top=tune).value("-object") == {
        "qom-type": "memory-backend-ram",
        "id": "pc.ram",
        "size": 64 << 20,
        "host-nodes": [0, 1],
        "policy": "interleave",
    }
    more = nodes()
    more["top"] += tune.replace("</numatune>", "<memnode cellid='1' mode='preferred' nodeset='3'/></numatune>")
    first, second = build(**more).values("-object")
    assert (first["host-nodes"], first["policy"]) == ([0, 1], "interleave")
    assert (second["host-nodes"], second["policy"]) == ([3], "preferred")


def test_pages_differ_by_node(build) -> None:
    more = nodes()
    more["top"] += "<memoryBacking><hugepages><page size='2' unit='MiB' nodeset='1'/></hugepages></memoryBacking>"
    first, second = build(**more).values("-object")
    assert "hugetlb" not in first
    assert second["hugetlbsize"] == 2 << 20


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (nodes(inside="<distances><sibling id='2' value='30'/></distances>"), "distance from cell 0 to 2"),
        (nodes(inside="<distances><sibling id='0' value='30'/></distances>"), "distance 30 of cell 0 to itself"),
        (
            nodes(more="<interconnects><latency initiator='0' target='9' type='read' value='7'/></interconnects>"),
            "to 9",
        ),
    ],
)
def test_nodes_that_cannot_be_are_refused(build, more: dict, message: str) -> None:
    with pytest.raises((UnsupportedConfig, XMLError), match=message):
        build(**more)
