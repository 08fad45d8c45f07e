"""What a guest goes through, as `virsh event` and `virtactor event` print it beside each other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from virtactor.client import Domain, Event, Host
from virtactor.wire.enums.domain_events import DomainEventType

from ..system.guests import AGENT, plain
from ..system.sectors import CRASH_LOADED, PVPANIC, Out, write_sector
from ..system.virtactord import Virtactord
from ..waiting import PATIENCE, wait_until
from .conftest import need

OURS = [sys.executable, "-c", "from virtactor.client.shell import main; main()"]
MISSING = (
    "<disk type='file' device='cdrom'><source file='/missing' startupPolicy='optional'/>"
    "<target dev='hdc' bus='ide'/></disk>"
)
FIRST, LAST = "first", "last"


@pytest.fixture
def printed(shared: Virtactord, environment: dict[str, str], tmp_path: Path) -> Iterator[list[Path]]:
    """What each of the two prints, as it does."""
    need("virsh", "libvirt-clients")
    if shutil.which("stdbuf") is None:
        pytest.skip("stdbuf is not installed (Debian: coreutils)")
    uri = f"qemu+unix:///system?socket={shared.paths.socket}"
    # Into a file virsh prints at its end only, unless it is told to print by lines.
    commands = [["stdbuf", "-oL", "virsh", "-c", uri], [*OURS, "-c", uri]]
    files = [tmp_path / "virsh", tmp_path / "ours"]
    with ExitStack() as stack:
        for command, path in zip(commands, files, strict=True):
            output = stack.enter_context(path.open("w"))
            process = subprocess.Popen(
                [*command, "event", "--all", "--loop"], stdout=output, stderr=output, env=environment
            )
            stack.callback(process.wait, PATIENCE)
            stack.callback(process.terminate)
        yield files


def said_of(files: list[Path], marker: Domain, title: str) -> None:
    """Have both print something of a marker, again and again until both have."""

    def have_all() -> bool:
        marker.metadata.set_title(title)
        return all(f"domain '{marker.name}'" in path.read_text() for path in files)

    wait_until(have_all)


def lines_about(path: Path, name: str) -> list[str]:
    """What is printed of a domain: its lines, with those that are indented below them."""
    found: list[str] = []
    about = False
    for line in path.read_text().splitlines():
        about = f"domain '{name}'" in line or (about and line.startswith("\t"))
        if about and not line.startswith("\ttime_") and not line.startswith(("\tdowntime", "\tsetup")):
            found.append(line)
    return found


def test_both_print_the_same_of_a_guests_life(shared: Virtactord, printed: list[Path], tmp_path: Path) -> None:
    devices = write_sector(tmp_path / "disk", Out(PVPANIC, CRASH_LOADED)) + MISSING + AGENT + "<panic model='isa'/>"
    with shared.connect() as host:
        markers = [host.domains.define(plain(name)) for name in (FIRST, LAST)]
        said_of(printed, markers[0], "begin")
        guest = host.domains.define(plain("g", devices))
        guest.start(paused=True)
        _live_through(host, guest)
        said_of(printed, markers[1], "end")
        for marker in markers:
            marker.undefine()
    theirs, ours = (lines_about(path, "g") for path in printed)
    assert ours == theirs
    assert len(ours) > 12


def _live_through(host: Host, guest: Domain) -> None:
    guest.vcpus.pin(0, {0})
    guest.disks["hda"].set_io_tune({"total_iops_sec": 100})
    guest.metadata.set_title("a title")
    with host.events(guest, timeout=PATIENCE) as events:
        guest.resume()
        while not (isinstance(event := next(events), Event) and event.type == DomainEventType.CRASHED):
            continue
    guest.suspend()
    guest.managed_save()
    guest.start()
    guest.destroy()
    guest.undefine()
