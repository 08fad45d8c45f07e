"""The same calls to libvirtd and to ours over libvirt-python, real QEMUs below: the same events in the same order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..libvirt_python import import_libvirt
from ..libvirtd import Libvirtd
from .event_streams import LIFECYCLE, EventStream, Told, event_loop
from .guests import AGENT, plain
from .sectors import (
    CRASH_LOADED,
    IB700_TIMER,
    PANICKED,
    PM_CONTROL,
    POWER_OFF,
    PVPANIC,
    TO_DISK,
    TO_MEMORY,
    TWO_SECONDS,
    Out,
    write_sector,
)
from .virtactord import Virtactord

UUID = "a7b0ae2c-7df6-4a17-8a7a-0c4d2f2a9c11"
XML = f"""<domain type='qemu'><name>g</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>
<iothreads>1</iothreads><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='{{image}}'/>
<target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
<source file='{{folder}}/missing.iso' startupPolicy='optional'/><target dev='hda' bus='ide'/><readonly/></disk>
<disk type='file'><driver name='qemu' type='raw'/><source file='{{folder}}/missing.img' startupPolicy='optional'/>
<target dev='vdb' bus='virtio'/></disk>
<controller type='usb' model='piix3-uhci'/><input type='tablet' bus='usb'/>
{AGENT}</devices></domain>"""
CDROM = (
    "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>{}<target dev='hda' bus='ide'/><readonly/></disk>"
)
BOTH = 3

# What libvirtd tells of that ours does not, on purpose: a guest that is to run is started paused there, which shows as
# it goes on; and before a guest that is destroyed has ended, its QEMU is told to end.
GOES_ON = {
    ((LIFECYCLE, "RESUMED", "UNPAUSED"), (LIFECYCLE, "STARTED", "BOOTED")): (LIFECYCLE, "STARTED", "BOOTED"),
    ((LIFECYCLE, "STARTED", "RESTORED"), (LIFECYCLE, "RESUMED", "FROM_SNAPSHOT")): (LIFECYCLE, "STARTED", "RESTORED"),
    ((LIFECYCLE, "SHUTDOWN", "HOST"), (LIFECYCLE, "STOPPED", "DESTROYED")): (LIFECYCLE, "STOPPED", "DESTROYED"),
}
# QEMU repeats the first a while after a saved guest goes on: that is told in this step or in the next. The second is
# what libvirtd makes of a QEMU that ends before it is told to.
IGNORED = [("AGENT_LIFECYCLE", 2, 2), ("CONTROL_ERROR",)]


@pytest.fixture(scope="module")
def libvirt() -> Iterator[Any]:
    libvirt = import_libvirt()
    with event_loop(libvirt):
        yield libvirt


@pytest.fixture
def streams(libvirt: Any, libvirtd: Libvirtd, shared: Virtactord) -> Iterator[list[EventStream]]:
    """Theirs and ours."""
    uris = [libvirtd.uri("qemu"), f"qemu+unix:///system?socket={shared.paths.socket}"]
    with ExitStack() as stack:
        streams = [EventStream(libvirt, uri) for uri in uris]
        for stream in streams:
            stack.callback(stream.close)
            stack.callback(_clear, libvirt, stream.conn)
        yield streams


def _clear(libvirt: Any, conn: Any) -> None:
    for domain in conn.listAllDomains():
        try:
            if domain.isActive():
                domain.destroy()
            if domain.isPersistent():
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
        except libvirt.libvirtError:
            continue


def alike(told: list[Told]) -> list[Told]:
    """A stream without what differs on purpose, and without figures that differ each time."""
    found: list[Told] = []
    for event in told:
        if event in IGNORED:
            continue
        if event[0] == "JOB_COMPLETED":
            # A rate is told only by who has seen the time pass between two questions.
            event = (event[0], event[1]["operation"], tuple(name for name in event[1] if name != "memory_bps"))
        together = next((one for pair, one in GOES_ON.items() if [*pair] == [*found[-1:], event]), None)
        if together is None:
            found.append(event)
        else:
            found[-1] = together
    return found


class Step(NamedTuple):
    """What it is and does, and what is told of it at last where that comes late."""

    name: str
    work: Callable[[Any], Any]
    until: Told = ()


def lives(libvirt: Any, folder: Path) -> Iterator[Step]:
    """A domain's life, in steps that get the connection."""
    xml = XML.format(image=folder / "disk.qcow2", folder=folder)
    disc = folder / "disc.iso"
    disc.write_bytes(bytes(1 << 20))
    save, core = str(folder / "saved"), str(folder / "core")
    memory_only = libvirt.VIR_DUMP_MEMORY_ONLY

    def of(conn: Any) -> Any:
        return conn.lookupByUUIDString(UUID)

    yield Step("define", lambda conn: conn.defineXML(xml))
    yield Step("define anew", lambda conn: conn.defineXML(xml))
    yield Step("rename", lambda conn: of(conn).rename("h"))
    yield Step("rename back", lambda conn: of(conn).rename("g"))
    yield Step("title of what is off", lambda conn: of(conn).setMetadata(1, "a title", None, None))
    yield Step("start paused", lambda conn: of(conn).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED))
    yield Step("description", lambda conn: of(conn).setMetadata(0, "words", None, None))
    yield Step("element in both", lambda conn: of(conn).setMetadata(2, "<a/>", "k", "http://example.org/", BOTH))
    yield Step("no element", lambda conn: of(conn).setMetadata(2, None, "k", "http://example.org/", BOTH))
    yield Step("pin a processor", lambda conn: of(conn).pinVcpu(1, (True, False)))
    yield Step("pin it in the definition", lambda conn: of(conn).pinVcpuFlags(1, (True, False), 2))
    yield Step("pin QEMU", lambda conn: of(conn).pinEmulator((False, True), BOTH))
    yield Step("pin QEMU where it is", lambda conn: of(conn).pinEmulator((False, True), 1))
    yield Step("pin a thread", lambda conn: of(conn).pinIOThread(1, (True, False), BOTH))
    yield Step("add a thread", lambda conn: of(conn).addIOThread(5, BOTH))
    yield Step("drop a thread", lambda conn: of(conn).delIOThread(5, BOTH))
    yield Step("limits", lambda conn: of(conn).setBlockIoTune("vda", {"total_iops_sec": 100, "group_name": "x"}, 1))
    yield Step(
        "limits of a path",
        lambda conn: of(conn).setBlockIoTune(str(folder / "disk.qcow2"), {"read_bytes_sec": 10**6}, 1),
    )
    yield Step("limits in the definition", lambda conn: of(conn).setBlockIoTune("vda", {"total_iops_sec": 100}, 2))
    yield Step("less memory than the guest hears of", lambda conn: of(conn).setMemoryFlags(65536 - 1024, 1))
    yield Step("threshold", lambda conn: of(conn).setBlockThreshold("vda", 1000))
    yield Step("put a disc in", lambda conn: of(conn).updateDeviceFlags(CDROM.format(f"<source file='{disc}'/>"), 1))
    yield Step("take it out", lambda conn: of(conn).updateDeviceFlags(CDROM.format(""), 1))
    yield Step("resume", lambda conn: of(conn).resume())
    yield Step("suspend", lambda conn: of(conn).suspend())
    yield Step("suspend again", lambda conn: of(conn).suspend())
    yield Step("dump", lambda conn: of(conn).coreDump(core, memory_only))
    yield Step("managed save", lambda conn: of(conn).managedSave())
    yield Step("start where it was", lambda conn: of(conn).create())
    yield Step("go on", lambda conn: of(conn).resume())
    yield Step("dump while it runs", lambda conn: of(conn).coreDump(core, memory_only))
    yield Step("save as paused", lambda conn: of(conn).saveFlags(save, None, libvirt.VIR_DOMAIN_SAVE_PAUSED))
    yield Step("restore", lambda conn: conn.restore(save))
    yield Step("save paused", lambda conn: of(conn).save(save))
    yield Step("restore to run", lambda conn: conn.restoreFlags(save, None, libvirt.VIR_DOMAIN_SAVE_RUNNING))
    yield Step("dump and end", lambda conn: of(conn).coreDump(core, memory_only | libvirt.VIR_DUMP_CRASH))
    yield Step("start", lambda conn: of(conn).create())
    yield Step("destroy", lambda conn: of(conn).destroy())
    yield Step("start to undefine", lambda conn: of(conn).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED))
    # Not sooner: firmware that runs after a reset resets the machine once more, whenever it gets there.
    yield Step("reset", lambda conn: of(conn).reset(), ("REBOOT",))
    yield Step(
        "dump and reset", lambda conn: of(conn).coreDump(core, memory_only | libvirt.VIR_DUMP_RESET), ("REBOOT",)
    )
    yield Step("undefine what runs", lambda conn: of(conn).undefine())
    yield Step("destroy it", lambda conn: of(conn).destroy())
    yield Step("create", lambda conn: conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))
    yield Step("keep it", lambda conn: conn.defineXML(xml))
    yield Step("end it", lambda conn: of(conn).destroy())
    yield Step("undefine", lambda conn: of(conn).undefine())


def test_a_life_is_told_as_libvirtd_tells_it(libvirt: Any, streams: list[EventStream], tmp_path: Path) -> None:
    told: list[list[tuple[str, list[Told]]]] = []
    # One after the other: both have a domain of that name and the disk.
    for stream in streams:
        image = tmp_path / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1M"], check=True)
        told.append([(step.name, alike(stream.after(step.work, step.until))) for step in lives(libvirt, tmp_path)])
    theirs, ours = told
    assert ours == theirs
    assert [name for name, events in ours if any(event[0] == "error" for event in events)] == []


STOPPED = (LIFECYCLE, "STOPPED")


@pytest.mark.parametrize(
    ("write", "more", "until"),
    [
        (Out(IB700_TIMER, TWO_SECONDS), "<watchdog model='ib700' action='pause'/>", (LIFECYCLE, "SUSPENDED")),
        (Out(IB700_TIMER, TWO_SECONDS), "<watchdog model='ib700' action='poweroff'/>", STOPPED),
        (Out(IB700_TIMER, TWO_SECONDS), "<watchdog model='ib700' action='inject-nmi'/>", ("WATCHDOG",)),
        (Out(PVPANIC, CRASH_LOADED), "<panic model='isa'/>", (LIFECYCLE, "CRASHED")),
        (Out(PM_CONTROL, TO_MEMORY), "", (LIFECYCLE, "PMSUSPENDED")),
        (Out(PM_CONTROL, TO_DISK), "", STOPPED),
        (Out(PM_CONTROL, POWER_OFF), "", STOPPED),
    ],
    ids=[
        "watchdog pauses",
        "watchdog ends",
        "watchdog interrupts",
        "crash kernel",
        "to memory",
        "to disk",
        "power off",
    ],
)
def test_what_a_guest_does_is_told_as_libvirtd_tells_it(
    streams: list[EventStream], tmp_path: Path, write: Out, more: str, until: Told
) -> None:
    told: list[list[Told]] = []
    for number, stream in enumerate(streams):
        xml = plain("g", write_sector(tmp_path / str(number), write) + more)
        told.append(alike(stream.after(lambda conn, xml=xml: conn.createXML(xml), until)))
    theirs, ours = told
    assert ours == theirs


def index_of(wanted: Told, events: list[Told], begin: int) -> int | None:
    """Where the first event is that begins so."""
    return next((at for at in range(begin, len(events)) if events[at][: len(wanted)] == wanted), None)


PANICS, BARKS = Out(PVPANIC, PANICKED), Out(IB700_TIMER, TWO_SECONDS)


@pytest.mark.parametrize(
    ("does", "device", "more", "first", "last"),
    [
        (PANICS, "<panic model='isa'/>", "<on_crash>coredump-destroy</on_crash>", (LIFECYCLE, "CRASHED"), STOPPED),
        (PANICS, "<panic model='isa'/>", "<on_crash>coredump-restart</on_crash>", (LIFECYCLE, "CRASHED"), ("REBOOT",)),
        (BARKS, "<watchdog model='ib700' action='dump'/>", "", ("WATCHDOG",), (LIFECYCLE, "RESUMED")),
    ],
    ids=["panic, then off", "panic, then on", "watchdog"],
)
def test_a_dump_that_nobody_asked_for_is_made_and_told_as_by_libvirtd(
    libvirt: Any,
    libvirtd: Libvirtd,
    shared: Virtactord,
    streams: list[EventStream],
    tmp_path: Path,
    does: Out,
    device: str,
    more: str,
    first: Told,
    last: Told,
) -> None:
    told: list[list[Told]] = []
    dumps: list[tuple[str, int]] = []
    folders = [libvirtd.root / "lib/qemu/dump", shared.paths.state / "qemu/dump"]
    for number, (stream, folder) in enumerate(zip(streams, folders, strict=True)):
        xml = plain("a-name-of-more-than-twenty", write_sector(tmp_path / str(number), does) + device, more)
        events = stream.after(lambda conn, xml=xml: conn.createXML(xml), first)
        begin = index_of(first, events, 0)
        assert begin is not None
        if index_of(last, events, begin) is None:
            events += stream.after(lambda conn: None, last)
        events = alike(events)
        end = index_of(last, events, index_of(first, events, 0) or 0)
        assert end is not None
        # libvirtd tells now and then that the guest has stopped before it tells that it has panicked.
        told.append([event for event in events[: end + 1] if event[:2] != (LIFECYCLE, "SUSPENDED")])
        _clear(libvirt, stream.conn)
        core = min(path for path in folder.iterdir() if path.suffix != ".part")
        dumps.append((re.sub(r"\d", "N", core.name.partition("-")[2]), core.stat().st_size))
        for path in folder.iterdir():
            path.unlink()
    assert told[1] == told[0]
    assert dumps[1] == dumps[0]
