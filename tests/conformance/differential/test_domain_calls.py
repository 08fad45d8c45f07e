"""Each call on a domain of a test driver, in each state, with good and bad arguments: libvirt's and ours say the same.

test_differential.py beside this tries sequences; here every call is seen once, errors to the word.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ...libvirt_python import import_libvirt
from .outcome import Outcome, outcome

DEVICES = """<iothreads>2</iothreads><devices>
    <disk type='file'><source file='/a/b.img'/><target dev='vda'/></disk>
    <disk type='file' device='cdrom'><target dev='hdc'/></disk>
    <interface type='network'><source network='default'/><mac address='52:54:00:11:22:33'/>
      <target dev='testnet7'/></interface>
    <interface type='network'><mac address='52:54:00:11:22:44'/><source network='default'/></interface>
    <interface type='user'><mac address='52:54:00:11:22:55'/></interface>
    <memballoon model='virtio'/></devices>"""
BARE = ""
PINNED, NOWHERE = (True, False), (False, False)
LIVE, CONFIG, BOTH = 1, 2, 3
BIG = 2**64 - 1

# Each with the arguments that it is called with, one after the other.
CALLS: dict[str, list[tuple[Any, ...]]] = {
    "suspend": [()],
    "resume": [()],
    "create": [()],
    "createWithFlags": [(64,), (1 << 12,)],
    "shutdown": [()],
    "shutdownFlags": [(1,), (64,)],
    "reboot": [(), (1,), (64,)],
    "reset": [(), (1,)],
    "destroyFlags": [(8,)],
    "undefineFlags": [(64,), (8,)],
    "state": [(), (1,)],
    "controlInfo": [(), (1,)],
    "isActive": [()],
    "isPersistent": [()],
    "isUpdated": [()],
    "hasManagedSaveImage": [(), (1,)],
    "managedSaveRemove": [(), (1,)],
    "OSType": [()],
    "autostart": [()],
    "setAutostart": [(1,), (0,), (7,)],
    "XMLDesc": [(), (1,), (2,), (8,), (64,)],
    "maxMemory": [()],
    "setMemory": [(4096,), (0,), (40960,)],
    "setMemoryFlags": [
        (4096, LIVE), (4000, CONFIG), (0, 2), (99999, 2), (16384, 4), (16384, 6), (8192, 6), (8192, 7), (1, 16),
        (5000, BOTH), (5000, 8),
    ],
    "setMaxMemory": [(8000,), (0,), (8192,)],
    "memoryStats": [()],
    "setMemoryStatsPeriod": [(2,), (3, 2), (-1,), (1, BOTH), (1, 4)],
    "maxVcpus": [()],
    "vcpusFlags": [(0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,), (8,), (16,)],
    "setVcpus": [(2,), (20,), (0,), (40,)],
    "setVcpusFlags": [
        (0, 0), (2, 0), (2, 1), (2, 2), (2, 3), (8, 2), (8, 6), (3, 6), (4, 6), (40, 6), (40, 2), (9, 5), (9, 4),
        (9, 16), (9, 8), (70000, 2), (1, BOTH), (4, BOTH),
    ],
    "pinVcpu": [(0, PINNED), (9, PINNED), (0, NOWHERE)],
    "pinVcpuFlags": [(0, PINNED, 0), (0, PINNED, CONFIG)],
    "vcpuPinInfo": [(), (1,), (2,), (3,)],
    "pinEmulator": [(PINNED,), (NOWHERE,), (PINNED, CONFIG), (PINNED, 3), (PINNED, 4)],
    "emulatorPinInfo": [(), (1,), (2,), (3,), (4,)],
    "ioThreadInfo": [(), (1,), (2,), (3,), (4,)],
    "addIOThread": [(7,), (7,), (0,), (8, 2), (8, 3), (1, 2), (9, 4)],
    "delIOThread": [(7,), (7,), (0,), (8, 2), (8, 3), (99, 2), (1, 4)],
    "pinIOThread": [(1, PINNED, 0), (1, NOWHERE, 0), (99, PINNED, 0), (1, PINNED, 3), (1, PINNED, 2), (1, PINNED, 4)],
    "schedulerType": [()],
    "schedulerParameters": [()],
    "schedulerParametersFlags": [(0,), (1,), (2,), (8,)],
    "setSchedulerParameters": [({"weight": 7},)],
    "memoryParameters": [(0,), (1,), (2,), (3,), (8,)],
    "setMemoryParameters": [
        ({"hard_limit": 50000}, 0), ({"swap_hard_limit": 5, "hard_limit": 50}, 0), ({"soft_limit": BIG}, 0),
        ({"hard_limit": 50000}, 2), ({"soft_limit": 9007199254740991}, 0), ({"hard_limit": 1}, 8),
    ],
    "blkioParameters": [(0,), (1,), (2,), (3,), (8,)],
    "setBlkioParameters": [
        ({"weight": 500}, 0), ({"weight": 5}, 2), ({"device_weight": "/dev/sda,500,/dev/sdb,400"}, 0),
        ({"device_read_bytes_sec": "/dev/sda,500"}, 0), ({"device_weight": "garbage"}, 0),
        ({"device_weight": "/dev/sdb,0"}, 0), ({"device_write_iops_sec": "/dev/sdc,1,/dev/sdc,2"}, 2),
        ({"device_weight": ""}, 0), ({"device_weight": "/dev/sda,x"}, 0),
    ],
    "numaParameters": [(0,), (1,), (2,), (3,), (8,)],
    "setNumaParameters": [
        ({"numa_nodeset": "0"}, 0), ({"numa_mode": 1}, 0), ({"numa_mode": 1}, 2), ({"numa_mode": 77}, 2),
        ({"numa_nodeset": "0-1", "numa_mode": 2}, 2), ({"numa_nodeset": "x"}, 2), ({"numa_mode": 0}, 0),
        ({"numa_nodeset": "0-3,^2"}, 2), ({"numa_mode": -1}, 2),
    ],
    "perfEvents": [(), (1,), (2,), (3,), (8,)],
    "setPerfEvents": [({"cmt": True},), ({"mbmt": True}, 2), ({"cmt": False},)],
    "blockIoTune": [("vda",), ("/a/b.img",), ("zz",), ("vda", 1), ("vda", 2), ("vda", 3), ("vda", 8)],
    "setBlockIoTune": [
        ("vda", {"total_bytes_sec": 1000}, 0), ("vda", {"total_bytes_sec": 1000, "read_bytes_sec": 5}, 0),
        ("vda", {"total_bytes_sec": 1000, "total_bytes_sec_max": 5}, 0), ("vda", {"total_bytes_sec_max": 5}, 0),
        ("vda", {"total_bytes_sec": 5, "total_bytes_sec_max": 50}, 0), ("vda", {"group_name": "g"}, 0),
        ("zz", {"total_bytes_sec": 1000}, 0), ("vda", {"total_iops_sec_max": 9, "read_iops_sec_max": 9}, 0),
        ("vda", {"size_iops_sec": 9}, 2), ("vda", {"total_bytes_sec_max": 7, "total_bytes_sec_max_length": 7}, 0),
    ],
    "blockInfo": [("vda",), ("/a/b.img",), ("hdc",), ("zz",), ("vda", 1)],
    "blockStatsFlags": [("vda",)],
    "interfaceParameters": [
        ("testnet7", 0), ("52:54:00:11:22:33", 0), ("zz", 0), ("testnet7", 1), ("testnet7", 2), ("testnet7", 3),
        ("testnet0", 0), ("52:54:00:11:22:99", 0), ("testnet7", 8),
    ],
    "setInterfaceParameters": [
        ("testnet7", {"inbound.average": 100, "inbound.peak": 200}, 0), ("testnet7", {"inbound.peak": 200}, 0),
        ("testnet7", {"outbound.average": 5, "outbound.burst": 6}, 2), ("testnet7", {"inbound.average": 0}, 0),
        ("testnet7", {"inbound.floor": 5}, 0), ("zz", {"inbound.average": 5}, 0),
    ],
    "getCPUStats": [(True,), (False,), (True, 1)],
    "interfaceAddresses": [(0,), (1,), (2,), (9,), (0, 1)],
    "hostname": [(), (1,), (4,)],
    "setTime": [({"seconds": 5, "nseconds": 6},), ({"seconds": 5}, 1), ({"seconds": 5}, 2)],
    "getTime": [(), (1,)],
    "fsInfo": [(), (1,)],
    "fsFreeze": [(), ([],), (["/"],), (["/zz"],), (None, 1)],
    "fsThaw": [(["/boot"],), (), (), (["/zz"],), (None, 1)],
    "fSTrim": [("/", 0), ("/zz", 0), (None, 7), (None, 0, 1)],
    "setUserPassword": [("root", "x"), ("root", "x", 1), ("root", "x", 2)],
    "guestInfo": [()],
    "sendKey": [(0, 1, [1], 1), (9, 1, [1], 1), (0, 1, [30], 1, 1)],
    "injectNMI": [(), (1,)],
    "sendProcessSignal": [(1, 15), (1, 0), (2, 9), (0, 9), (1, 99), (1, 65), (1, 64), (1, 9, 1)],
    "memoryPeek": [(0, 10, 1), (300, 10, 2), (0, 10, 0), (0, 10, 3), (0, 0, 1)],
    "pMSuspendForDuration": [(0, 0)],
    "pMWakeup": [()],
    "diskErrors": [(), (1,)],
    "messages": [(), (1,), (2,), (4,)],
    "securityLabel": [()],
    "securityLabelList": [()],
    "launchSecurityInfo": [()],
    "jobInfo": [()],
    "jobStats": [()],
    "abortJob": [()],
    "attachDevice": [("<disk/>",)],
    "detachDeviceFlags": [("<disk/>", 2)],
    "updateDeviceFlags": [("<disk/>", 2)],
    "setLifecycleAction": [(0, 1), (0, 1, 2), (2, 4), (0, 4), (9, 1), (0, 9), (1, 3, 3), (0, 0, 4), (1, 2)],
    "metadata": [
        (0, None), (1, None), (2, "http://x"), (2, None), (1, "http://x"), (0, None, 3), (0, None, 4),
        (7, None),
    ],
    "setMetadata": [
        (0, "desc", None, None), (1, "title", None, None), (1, "ti\ntle", None, None), (1, None, None, None, 2),
        (2, "<a>t</a>", "k", "http://x"), (2, "<a", "k", "http://x"), (2, "<a/>", None, "http://x"),
        (2, "<a/>", "k", None), (0, "d", "k", None), (0, None, None, None), (0, "d", None, None, 4),
        (2, "<b><c d='1'/></b>", "k", "http://y", 2), (9, "x", None, None),
    ],
    "rename": [("",), ("a/b",), ("test",), ("guest",), ("guest", 1)],
}  # fmt: skip
STATES = ("off", "running", "paused", "transient", "bare")
# Where our words, or the area that an error is from, are our own. Codes are libvirt's everywhere.
OWN_WORDS = (
    # libvirt's test driver says no more than that.
    "Domain not found",
    # libxml2's complaint with a picture of the place.
    "(metadata_xml)",
    # An error of libvirt's bitmaps, which belongs to no area.
    "invalid argument: Failed to parse bitmap",
)


def xml(name: str, inside: str) -> str:
    uuid = "11111111-2222-4333-8444-555555555555"
    return (
        f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>8192</memory><vcpu>4</vcpu>"
        f"<os><type>hvm</type></os>{inside}</domain>"
    )


@pytest.fixture(scope="module")
def libvirt() -> Any:
    return import_libvirt()


@pytest.fixture(scope="module")
def connections(libvirt: Any, daemon_socket: Path) -> Iterator[tuple[Any, Any]]:
    with (
        closing(libvirt.open("test:///default")) as theirs,
        closing(libvirt.open(f"test+unix:///default?socket={daemon_socket}")) as ours,
    ):
        yield theirs, ours


def bring(connection: Any, state: str) -> None:
    """Make a domain anew, and bring it there."""
    remove(connection)
    document = xml("guest", BARE if state == "bare" else DEVICES)
    if state == "transient":
        connection.createXML(document)
        return
    domain = connection.defineXML(document)
    if state in ("running", "paused", "bare"):
        domain.create()
    if state == "paused":
        domain.suspend()


def remove(connection: Any) -> None:
    for domain in connection.listAllDomains():
        if domain.name() == "guest":
            persistent = domain.isPersistent()
            if domain.isActive():
                domain.destroy()
            if persistent:
                domain.undefineFlags(1)


def do(connection: Any, name: str, *arguments: Any) -> Any:
    result = getattr(connection.lookupByName("guest"), name)(*arguments)
    return result[:4] if name == "info" else result


def same(theirs: Outcome, ours: Outcome) -> bool:
    if theirs.message.startswith(OWN_WORDS):
        return theirs.code == ours.code
    return theirs.same_as(ours) and theirs.message == ours.message


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_says_what_libvirts_says(name: str, state: str, libvirt: Any, connections: tuple[Any, Any]) -> None:
    differences = []
    for connection in connections:
        bring(connection, state)
    for arguments in CALLS[name]:
        for call, given in ((name, arguments), ("XMLDesc", (0,)), ("XMLDesc", (2,)), ("info", ())):
            wanted, got = (outcome(libvirt, do, connection, (call, *given)) for connection in connections)
            if not same(wanted, got):
                differences.append((call, given, {"libvirt": wanted, "ours": got}))
    assert differences == []
