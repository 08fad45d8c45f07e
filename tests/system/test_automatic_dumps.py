"""Guests whose memory is dumped when they panic, before they end or start again, or when their watchdog runs out."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import guest
import pytest
from virtactor.client import DomainState, Host
from virtactor.wire.enums.domain_tuning import DomainLifecycle, DomainLifecycleAction

from .guests import Shell, linux, plain
from .sectors import IB700_TIMER, PANICKED, PVPANIC, TWO_SECONDS, Out, write_sector
from .test_durability import qmp
from .told import Told
from .virtactord import PATIENCE, Virtactord, state, wait_until

PANIC = "<panic model='isa'/>"
BOOTED = "STARTED BOOTED"
ENDED = ["CRASHED PANICKED", "STOPPED CRASHED"]
STARTED_AGAIN = ["CRASHED PANICKED", "Reboot", "RESUMED UNPAUSED"]
ELF, CORE = b"\x7fELF", 4
MEMORY = 16 * 1024 * 1024


def panicking(folder: Path, action: str, name: str = "g") -> str:
    """A guest that does nothing but panic."""
    return plain(name, write_sector(folder / "disk", Out(PVPANIC, PANICKED)) + PANIC, f"<on_crash>{action}</on_crash>")


def dumps(daemon: Virtactord) -> Path:
    return daemon.paths.state / "qemu/dump"


def empty(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink()


def is_core(path: Path) -> bool:
    head = path.read_bytes()[:18]
    return head.startswith(ELF) and head[16] == CORE


@pytest.fixture
def folder(shared: Virtactord) -> Iterator[Path]:
    """Where the module's daemon writes dumps."""
    yield dumps(shared)
    empty(dumps(shared))


@contextmanager
def booted(host: Host, image: guest.Guest, action: str) -> Iterator[Shell]:
    """The small Linux, at its prompt."""
    domain = host.domains.create(linux(image, "g", PANIC, f"<on_crash>{action}</on_crash>"))
    with Shell(domain) as shell:
        shell.boots()
        yield shell


def test_a_guest_that_panics_is_dumped_and_ended(host: Host, told: Told, folder: Path, tmp_path: Path) -> None:
    name = "a-name-of-more-than-twenty-characters"
    domain = host.domains.define(panicking(tmp_path, "coredump-destroy", name))
    domain.start()
    id = domain.id
    assert told.until("STOPPED CRASHED") == ["DEFINED ADDED", BOOTED, *ENDED]
    assert state(domain) == "SHUTOFF CRASHED"
    (core,) = folder.iterdir()
    assert re.fullmatch(rf"{id}-a-name-of-more-than--\d{{4}}-\d\d-\d\d-\d\d:\d\d:\d\d", core.name)
    assert is_core(core)
    assert core.stat().st_size > MEMORY
    assert core.stat().st_mode & 0o777 == 0o600


def test_a_guest_that_panics_is_dumped_and_started_again(host: Host, told: Told, folder: Path, tmp_path: Path) -> None:
    host.domains.create(panicking(tmp_path, "coredump-restart"))
    assert told.until("RESUMED UNPAUSED") == [BOOTED, *STARTED_AGAIN]
    told.until("CRASHED PANICKED")
    assert all(is_core(path) for path in folder.iterdir() if path.suffix != ".part")


def test_the_dump_of_a_linux_has_what_it_said_at_last(
    host: Host, told: Told, guest_image: guest.Guest, folder: Path
) -> None:
    with booted(host, guest_image, "coredump-destroy") as shell:
        shell.type("echo c >/proc/sysrq-trigger")
        assert told.until("STOPPED CRASHED") == [BOOTED, *ENDED]
    (core,) = folder.iterdir()
    assert is_core(core)
    assert b"sysrq triggered crash" in core.read_bytes()


def test_a_linux_that_panics_boots_again_after_its_dump(
    host: Host, told: Told, guest_image: guest.Guest, folder: Path
) -> None:
    with booted(host, guest_image, "coredump-restart") as shell:
        shell.type("echo c >/proc/sysrq-trigger")
        assert told.until("RESUMED UNPAUSED") == [BOOTED, *STARTED_AGAIN]
        shell.boots()
        assert state(shell.domain).startswith("RUNNING")
    (core,) = folder.iterdir()
    assert is_core(core)


@pytest.mark.parametrize(("action", "then"), [("coredump-destroy", ENDED), ("coredump-restart", STARTED_AGAIN)])
def test_what_is_to_follow_a_panic_follows_where_there_is_no_room_for_a_dump(
    daemon: Virtactord, small_disk: Path, tmp_path: Path, action: str, then: list[str]
) -> None:
    check_without_dump(daemon, small_disk, tmp_path, action, then)
    assert daemon.says("No space left on device")
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(("action", "then"), [("coredump-destroy", ENDED), ("coredump-restart", STARTED_AGAIN)])
def test_what_is_to_follow_a_panic_follows_where_no_dump_can_be_made(
    daemon: Virtactord, tmp_path: Path, action: str, then: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    check_without_dump(daemon, tmp_path / "file/dumps", tmp_path, action, then)
    assert daemon.says("Not a directory")


def check_without_dump(daemon: Virtactord, folder: Path, tmp_path: Path, action: str, then: list[str]) -> None:
    daemon.reconfigure(auto_dump_path=str(folder))
    with daemon.connect() as host:
        told = Told(host)
        domain = host.domains.define(panicking(tmp_path, action))
        domain.start()
        assert told.until(then[-1]) == ["DEFINED ADDED", BOOTED, *then]
        assert daemon.says("domain g: its memory is not dumped")
        if action == "coredump-restart":
            domain.destroy()
        assert list(dumps(daemon).iterdir()) == []


def test_dumps_are_made_where_the_configuration_says(daemon: Virtactord, tmp_path: Path) -> None:
    daemon.reconfigure(auto_dump_path=str(tmp_path / "not/there/yet"), auto_dump_bypass_cache=True)
    with daemon.connect() as host:
        told = Told(host)
        host.domains.create(panicking(tmp_path, "coredump-destroy"))
        assert told.until("STOPPED CRASHED") == [BOOTED, *ENDED]
    (core,) = (tmp_path / "not/there/yet").iterdir()
    assert is_core(core)
    assert core.stat().st_size > MEMORY


@pytest.mark.parametrize("configured", [False, True])
def test_a_dump_that_its_daemon_did_not_live_to_finish_is_removed_and_made_anew(
    daemon: Virtactord, tmp_path: Path, configured: bool
) -> None:
    folder = dumps(daemon)
    if configured:
        folder = tmp_path / "dumps"
        daemon.reconfigure(auto_dump_path=str(folder))
    with daemon.connect() as host:
        domain = host.domains.define(panicking(tmp_path, "coredump-restart"))
        domain.start()
        part = stopped_in_a_dump(daemon, folder)
        daemon.kill()
        assert part.exists()
        empty_of_dumps(folder)
        daemon.start()
        wait_until(lambda: not part.exists())
        wait_until(lambda: any(is_core(path) for path in folder.iterdir() if path.suffix != ".part"))
        domain.destroy()
        assert state(domain) == "SHUTOFF DESTROYED"
    assert not any(path.suffix == ".part" for path in folder.iterdir())


def test_nothing_is_left_of_a_dump_whose_guest_dies_with_its_daemon(daemon: Virtactord, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    daemon.reconfigure(auto_dump_path=str(folder))
    with daemon.connect() as host:
        domain = host.domains.define(panicking(tmp_path, "coredump-restart"))
        domain.start()
        pid = daemon.qemu_of(domain.uuid)
        assert pid is not None
        part = stopped_in_a_dump(daemon, folder)
        daemon.kill()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: daemon.qemus() == [])
        daemon.start()
        domain.wait(DomainState.SHUTOFF, PATIENCE)
        assert state(domain) == "SHUTOFF CRASHED"
        assert not part.exists()


def stopped_in_a_dump(daemon: Virtactord, folder: Path) -> Path:
    """Stop the daemon while a guest that panics again and again is being dumped; the file that is not whole."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if next(folder.glob("*.part"), None) is not None:
            os.kill(daemon.pid, signal.SIGSTOP)
            if (part := next(folder.glob("*.part"), None)) is not None:
                return part
            os.kill(daemon.pid, signal.SIGCONT)
    raise AssertionError("no dump was seen while it was written")


def empty_of_dumps(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".part":
            path.unlink()


def test_what_follows_a_panic_is_chosen_while_the_guest_runs(
    host: Host, told: Told, guest_image: guest.Guest, folder: Path
) -> None:
    with booted(host, guest_image, "preserve") as shell:
        shell.domain.set_lifecycle_action(DomainLifecycle.CRASH, DomainLifecycleAction.COREDUMP_DESTROY, live=True)
        assert "<on_crash>coredump-destroy</on_crash>" in shell.domain.xml()
        shell.type("echo c >/proc/sysrq-trigger")
        assert told.until("STOPPED CRASHED") == [BOOTED, *ENDED]
    assert len(list(folder.iterdir())) == 1


def barking(folder: Path, name: str = "g") -> str:
    """A guest that does nothing but wait until its watchdog runs out, which it has set to two seconds."""
    disk = write_sector(folder / "disk", Out(IB700_TIMER, TWO_SECONDS))
    return plain(name, f"{disk}<watchdog model='ib700' action='dump'/>")


BARKED = ["Watchdog", "SUSPENDED WATCHDOG", "RESUMED UNPAUSED"]


def test_a_guest_whose_watchdog_runs_out_is_dumped_and_goes_on(
    host: Host, told: Told, folder: Path, tmp_path: Path
) -> None:
    domain = host.domains.create(barking(tmp_path))
    assert told.until(BARKED[-1]) == [BOOTED, *BARKED]
    assert state(domain) == "RUNNING UNPAUSED"
    (core,) = folder.iterdir()
    assert is_core(core)
    assert core.stat().st_size > MEMORY


def test_a_guest_whose_watchdog_runs_out_goes_on_where_no_dump_can_be_made(daemon: Virtactord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    daemon.reconfigure(auto_dump_path=str(tmp_path / "file/dumps"))
    with daemon.connect() as host:
        told = Told(host)
        domain = host.domains.create(barking(tmp_path))
        assert told.until(BARKED[-1]) == [BOOTED, *BARKED]
        assert daemon.says("domain g: its memory is not dumped")
        assert state(domain) == "RUNNING UNPAUSED"


def test_a_guest_whose_watchdog_ran_out_while_there_was_no_daemon_is_dumped_and_goes_on(
    daemon: Virtactord, tmp_path: Path
) -> None:
    with daemon.connect() as host:
        domain = host.domains.create(barking(tmp_path))
        daemon.kill()
        wait_until(lambda: qmp(daemon, domain, "query-status")["return"]["status"] == "watchdog")
        daemon.start()
        wait_until(lambda: state(domain) == "RUNNING UNPAUSED")
        (core,) = dumps(daemon).iterdir()
        assert is_core(core)
