"""Wireshark's dissector of libvirt's protocol finds nothing malformed in what we say, nor in what virsh says to us."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ..recorder import LIBVIRT_PORT, Recorder
from ..system.guests import plain
from ..system.virtactord import PATIENCE, Virtactord
from .conftest import Run, need

# A whole session with a guest, one with the test driver's objects, and errors of both.
COMMANDS = """
hostname; uri; version; nodeinfo; capabilities; nodecpumap; nodememstats; freecell; sysinfo
domcapabilities; cpu-models x86_64; list --all
define {document}; dominfo one; dumpxml one; domstate one; domid one; autostart one; domblklist one; domiflist one
start one --paused; list; resume one; suspend one; dominfo one; domcontrol one; vcpucount one; dommemstat one
domstats; dumpxml --inactive one; destroy one; start nobody; undefine one
connect {test}
list --all; dominfo test; dumpxml test; setmem test 1024000; vcpuinfo test; schedinfo test; memtune test; desc test
desc test --title words; domtime test; domfsinfo test; domhostname test; snapshot-create-as test s1; snapshot-list test
snapshot-info test s1; snapshot-revert test s1; snapshot-delete test s1; destroy test; start test
net-list --all; net-dumpxml default; net-info default; net-destroy default; net-start default
pool-list --all --details; pool-dumpxml default-pool; vol-create-as default-pool v 1M; vol-list default-pool --details
vol-dumpxml v default-pool; vol-delete v default-pool; iface-list --all; iface-dumpxml eth1; nodedev-list
nodedev-dumpxml computer; secret-list; nwfilter-list; qemu-monitor-command test --hmp info
event --timeout 1 --all; net-event --timeout 1 lifecycle
"""


def dissected(capture: Path, *fields: str, only: str = "libvirt") -> list[list[str]]:
    """These fields of every packet that passes the display filter."""
    command = [need("tshark", "tshark"), "-r", str(capture), "-Y", only, "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture
def capture(shared: Virtactord, root: Path, environment: dict[str, str], virsh: Run) -> Path:
    """What a virsh that does a bit of everything and our daemon say to each other."""
    protocols = subprocess.run(
        [need("tshark", "tshark"), "-G", "protocols"], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    if "\tlibvirt\t" not in protocols.stdout:
        pytest.skip("Wireshark's dissector of libvirt is not installed (Debian: libvirt-wireshark)")
    recorder = Recorder(root / "sock", shared.paths.socket)
    document = root / "one.xml"
    document.write_text(plain("one"))
    test = f"test+unix:///default?socket={root / 'sock'}"
    commands = COMMANDS.format(document=document, test=test)
    program = [need("virsh", "libvirt-clients"), "--connect", f"qemu+unix:///system?socket={root / 'sock'}"]
    subprocess.run(
        program, input=commands, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    recorder.close()
    path = root / "capture.pcap"
    path.write_bytes(recorder.capture())
    return path


def test_nothing_is_malformed(capture: Path) -> None:
    assert (
        dissected(capture, "frame.number", "_ws.expert.message", only="_ws.malformed || _ws.expert.severity == error")
        == []
    )


def test_the_dissector_sees_calls_of_many_kinds_and_our_answers(capture: Path) -> None:
    packets = dissected(capture, "tcp.srcport", "libvirt.procedure")
    ours = {
        procedure for port, procedures in packets if port == str(LIBVIRT_PORT) for procedure in procedures.split(",")
    }
    theirs = {
        procedure for port, procedures in packets if port != str(LIBVIRT_PORT) for procedure in procedures.split(",")
    }
    assert len(theirs) > 60
    assert theirs <= ours | {""}
