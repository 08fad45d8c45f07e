"""Dumps of guests that panicked, held where they are written: ended, aborted, and with a QEMU that hangs."""

from __future__ import annotations

import os
import re
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.automatic_dumps import dump_name
from virtactor.actors.drivers.qemu.domain import QemuDomain
from virtactor.actors.drivers.qemu.pumps import Pump
from virtactor.client import Domain, Host, connect
from virtactor.wire.enums.domain_jobs import DomainJobType

from ....system.guests import plain
from ....system.sectors import PANICKED, PVPANIC, Out, write_sector
from ....system.virtactord import Story, clear, state
from ...served import PATIENCE, Served, wait_until

MEMORY = 16 * 1024 * 1024
# One that hangs is not waited for long here.
QUICK = {"qemu": {"monitor_deadline": 2.0, "destroy_grace": 0.5}}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("g", "3-g-2026-01-02-03:04:05"),
        ("n" * 20, f"3-{'n' * 20}-2026-01-02-03:04:05"),
        ("n" * 21, f"3-{'n' * 20}-2026-01-02-03:04:05"),
        ("ü" * 30, f"3-{'ü' * 20}-2026-01-02-03:04:05"),
    ],
)
def test_a_dump_is_named_as_libvirt_names_it(name: str, said: str) -> None:
    assert dump_name(3, name, datetime(2026, 1, 2, 3, 4, 5)) == said


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root, QUICK)


@pytest.fixture
def host(served: Served, root: Path) -> Iterator[Host]:
    with connect("qemu:///system", root=root) as host:
        yield host
        clear(host)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a dump is being written; nothing of it is read until it is broken off."""
    begun = threading.Event()

    def wait(self: Pump) -> None:
        begun.set()
        told = select.poll()
        told.register(self._told, 0)
        told.poll()

    monkeypatch.setattr(Pump, "_copy", wait)
    return begun


@pytest.fixture
def dumping(host: Host, story: Story, held: threading.Event, tmp_path: Path, action: str) -> Domain:
    """A guest that has panicked and is being dumped."""
    disk = write_sector(tmp_path / "disk", Out(PVPANIC, PANICKED))
    domain = host.domains.define(plain("g", f"{disk}<panic model='isa'/>", f"<on_crash>{action}</on_crash>"))
    domain.start()
    assert story.wait_for("g", "CRASHED PANICKED") == ["DEFINED ADDED", "STARTED BOOTED", "CRASHED PANICKED"]
    assert held.wait(PATIENCE)
    return domain


@pytest.fixture
def folder(served: Served) -> Path:
    assert served.paths is not None
    return served.paths.state / "qemu/dump"


@pytest.fixture
def frozen(served: Served, dumping: Domain) -> Iterator[None]:
    """The guest's QEMU does nothing from now on."""
    (domain,) = served.actors(QemuDomain)
    assert domain.process is not None
    pid = domain.process.pid
    os.kill(pid, signal.SIGSTOP)
    yield
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


BOTH = pytest.mark.parametrize("action", ["coredump-destroy", "coredump-restart"])
ENDS = pytest.mark.parametrize("action", ["coredump-destroy"])
RESTARTS = pytest.mark.parametrize("action", ["coredump-restart"])


@ENDS
def test_a_dump_after_a_panic_is_a_job(dumping: Domain, folder: Path) -> None:
    wait_until(lambda: dumping.job.info().data_total)
    info = dumping.job.info()
    assert info.type is DomainJobType.UNBOUNDED
    assert info.data_total >= MEMORY
    assert 0 < info.data_remaining <= info.data_total
    assert state(dumping) == "CRASHED PANICKED"
    (part,) = folder.iterdir()
    assert re.fullmatch(r"\d+-g-[-:\d]+\.[0-9a-f]+\.part", part.name)


@BOTH
def test_destroy_interrupts_a_dump_after_a_panic(dumping: Domain, story: Story, folder: Path) -> None:
    dumping.destroy()
    assert state(dumping) == "SHUTOFF DESTROYED"
    assert list(folder.iterdir()) == []
    assert story.told("g") == ["STOPPED DESTROYED"]


@ENDS
def test_a_guest_whose_dump_is_aborted_ends(dumping: Domain, story: Story, folder: Path) -> None:
    dumping.job.abort()
    assert story.wait_for("g", "STOPPED CRASHED") == ["STOPPED CRASHED"]
    assert state(dumping) == "SHUTOFF CRASHED"
    assert list(folder.iterdir()) == []


@RESTARTS
def test_a_guest_whose_dump_is_aborted_starts_again(dumping: Domain, story: Story) -> None:
    dumping.job.abort()
    assert story.wait_for("g", "RESUMED UNPAUSED") == ["RESUMED UNPAUSED"]


@ENDS
@pytest.mark.usefixtures("frozen")
def test_a_guest_whose_qemu_hangs_in_a_dump_ends(dumping: Domain, story: Story, folder: Path) -> None:
    assert story.wait_for("g", "STOPPED CRASHED") == ["STOPPED CRASHED"]
    assert state(dumping) == "SHUTOFF CRASHED"
    assert list(folder.iterdir()) == []


@RESTARTS
@pytest.mark.usefixtures("frozen")
def test_a_guest_whose_qemu_hangs_in_a_dump_is_not_waited_for(dumping: Domain, folder: Path) -> None:
    wait_until(lambda: state(dumping).startswith("SHUTOFF"))
    assert list(folder.iterdir()) == []


@BOTH
@pytest.mark.usefixtures("frozen")
def test_destroy_interrupts_a_dump_in_which_qemu_hangs(dumping: Domain, folder: Path) -> None:
    dumping.destroy()
    assert state(dumping) == "SHUTOFF DESTROYED"
    assert list(folder.iterdir()) == []


@BOTH
def test_a_daemon_that_ends_in_a_dump_leaves_the_guest_to_the_next(
    serve: Callable[..., Served], served: Served, dumping: Domain, folder: Path, root: Path, story: Story
) -> None:
    served.begin_stop()
    served.stop()
    assert list(folder.iterdir()) == []
    serve(root, QUICK)
    # It begins the dump anew, which is held again.
    with connect("qemu:///system", root=root) as host:
        domain = host.domains["g"]
        assert state(domain) == "CRASHED PANICKED"
        domain.destroy()
