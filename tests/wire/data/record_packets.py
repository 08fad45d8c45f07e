"""Records what libvirt's own client and daemon say to each other, for tests/wire/test_libvirts_packets.py.

    .venv/bin/python -m tests.wire.data.record_packets

A libvirtd of its own (tests/libvirtd.py, with the network of nobody and a read-only /sys), libvirt's *test* driver in
it and nothing else, and libvirt-python in front: every method that it has is called with arguments of the kind that its
parameters' names promise. Most calls fail, but their packets have been sent by then. What would touch a real host if a
driver passed it on is left out all the same (HARMFUL).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from virtactor.wire.framing import Packet
from virtactor.wire.table import KEEPALIVE_PROGRAM, row_of

from tests.libvirtd import Libvirtd
from tests.recorder import Recorder

TARGET = Path(__file__).with_name("libvirts_packets.json")
LONGEST = 3000
KEEP = 4
"""Packets of each procedure, type and status, those of different lengths first."""

CALLS = r"""
import contextlib, inspect, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()
HARMFUL = ("suspendForDuration", "reset", "reAttach", "dettach", "detachFlags", "close", "migrate")
XML = "<domain type='test'><name>new</name><memory>1024</memory><os><type>hvm</type></os></domain>"
GUESSES = {
    "flags": [0, 1], "xml": [XML, "<x/>"], "xmlDesc": [XML], "desc": ["<x/>"], "name": ["test", "default"],
    "params": [{"a": 1}, {}], "uuid": ["x" * 16], "uuidstr": ["6695eb01-f6a4-8304-79aa-97f2502e193f"], "id": [1],
    "cpumap": [(True, False)], "opaque": [None],
    "keycodes": [[1, 2]], "pages": [[4096]], "xmlCPUs": [["<cpu/>"]],
    "mountpoints": [["/"], None], "keys": [["a"], None],
    "disk": ["vda"], "path": ["vda"], "device": ["vda"],
    "to": ["/tmp/none"], "frm": ["/tmp/none"], "stream": ["STREAM"], "conn": [None],
    "doms": ["DOMS"],
    "eventID": list(range(27)), "cb": ["CB"], "startCpu": [0], "maxids": [5], "dconn": [None], "files": [[]],
}

def value(name, guess):
    if guess == "STREAM": return conn.newStream(0)
    if guess == "DOMS": return conn.listAllDomains()
    if guess == "CB": return lambda *_: None
    return guess

def choices(parameter):
    found = GUESSES.get(parameter.name)
    if found is None:
        found = [0] if parameter.default is not inspect.Parameter.empty else [1, "test", None]
    return found

def exercise(thing):
    for name, method in inspect.getmembers(thing, inspect.ismethod):
        if name.startswith("_") or name in HARMFUL or "Migrate" in name or "migrate" in name: continue
        parameters = list(inspect.signature(method).parameters.values())
        rounds = max([len(choices(p)) for p in parameters] or [1])
        for turn in range(rounds):
            arguments = [value(p.name, choices(p)[turn % len(choices(p))]) for p in parameters]
            with contextlib.suppress(Exception):
                method(*arguments)

conn = libvirt.open(sys.argv[1])
dom = conn.lookupByName("test")
for event in range(27):
    with contextlib.suppress(libvirt.libvirtError):
        conn.domainEventRegisterAny(dom if event % 2 else None, event, lambda *_: None, None)
with contextlib.suppress(libvirt.libvirtError):
    dom.snapshotCreateXML("<domainsnapshot><name>s</name></domainsnapshot>")
    dom.checkpointCreateXML("<domaincheckpoint><name>c</name></domaincheckpoint>")
vol = None
pool = conn.listAllStoragePools()[0]
with contextlib.suppress(libvirt.libvirtError):
    vol = pool.createXML("<volume><name>v</name><capacity>1024</capacity></volume>")
host = [*conn.listAllNetworks(), *conn.listAllInterfaces(), *conn.listAllDevices()]
made = [dom.snapshotLookupByName("s"), vol, pool, *host]
with contextlib.suppress(libvirt.libvirtError):
    made.append(dom.checkpointLookupByName("c"))
for thing in [conn, dom, *filter(None, made), conn, conn.lookupByName("test")]:
    exercise(thing)
    with contextlib.suppress(libvirt.libvirtError):
        conn.lookupByName("test").create()
for _ in range(5):
    timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)
    libvirt.virEventRunDefaultImpl()
conn.close()
"""


def chosen(packets: list[Packet]) -> list[Packet]:
    """A few packets of each procedure, type and status."""
    kept: dict[tuple[int, ...], dict[int, Packet]] = {}
    for packet in packets:
        if packet.program == KEEPALIVE_PROGRAM or len(packet.payload) > LONGEST:
            continue
        alike = kept.setdefault((packet.program, packet.procedure, packet.type, packet.status), {})
        if len(alike) < KEEP:
            alike.setdefault(len(packet.payload), packet)
    return [packet for _, alike in sorted(kept.items()) for packet in alike.values()]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="record", dir="/tmp") as root:
        libvirtd = Libvirtd(Path(root) / "d")
        libvirtd.start()
        try:
            at = Path(root) / "sock"
            recorder = Recorder(at, libvirtd.socket)
            command = ["/usr/bin/python3", "-c", CALLS, f"test+unix:///default?socket={at}"]
            subprocess.run(command, timeout=240, env={**os.environ, "LC_ALL": "C"}, check=False)
            recorder.close()
        finally:
            libvirtd.stop()
    packets = chosen(recorder.packets)
    lines = [json.dumps([*packet[:6], packet.payload.hex()]) for packet in packets]
    TARGET.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    procedures = {(packet.program, packet.procedure) for packet in packets}
    unknown = [found for found in procedures if row_of(*found) is None]
    print(
        f"{len(packets)} of {len(recorder.packets)} packets, {len(procedures)} procedures, unknown: {unknown}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
