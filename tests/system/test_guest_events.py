"""What guests of a few instructions do to their machines is told, and what becomes of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from virtactor.client import Host
from virtactor.client.domain import events as kinds
from virtactor.wire.enums.domain_events import DomainEventWatchdogAction

from .guests import plain
from .sectors import (
    CRASH_LOADED,
    IB700_TIMER,
    KEYBOARD,
    PANICKED,
    PM_CONTROL,
    POWER_OFF,
    PULSE_RESET,
    PVPANIC,
    TO_DISK,
    TO_MEMORY,
    TWO_SECONDS,
    Out,
    write_sector,
)
from .told import Told
from .virtactord import Virtactord, state

PANIC = "<panic model='isa'/>"
BOOTED = "STARTED BOOTED"


@pytest.mark.parametrize(
    ("action", "told_of", "seen", "end"),
    [
        ("pause", DomainEventWatchdogAction.PAUSE, ["Watchdog", "SUSPENDED WATCHDOG"], "PAUSED WATCHDOG"),
        ("reset", DomainEventWatchdogAction.RESET, ["Watchdog", "Reboot"], "RUNNING BOOTED"),
        ("none", DomainEventWatchdogAction.NONE, ["Watchdog"], "RUNNING BOOTED"),
        ("inject-nmi", DomainEventWatchdogAction.INJECTNMI, ["Watchdog"], "RUNNING BOOTED"),
        ("shutdown", DomainEventWatchdogAction.SHUTDOWN, ["Watchdog"], "RUNNING BOOTED"),
        # QEMU leaves without a word.
        ("poweroff", DomainEventWatchdogAction.POWEROFF, ["Watchdog", "STOPPED FAILED"], "SHUTOFF CRASHED"),
    ],
)
def test_a_watchdog_that_runs_out_is_told_with_what_it_does(
    host: Host, told: Told, tmp_path: Path, action: str, told_of: DomainEventWatchdogAction, seen: list[str], end: str
) -> None:
    disk = write_sector(tmp_path / "disk", Out(IB700_TIMER, TWO_SECONDS))
    guest = host.domains.define(plain("g", f"{disk}<watchdog model='ib700' action='{action}'/>"))
    guest.start()
    assert told.until(seen[-1]) == ["DEFINED ADDED", BOOTED, *seen]
    assert told.latest[kinds.Watchdog].action == told_of
    assert state(guest) == end


def test_a_guest_that_panics_is_told_of_and_ended(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PVPANIC, PANICKED))
    guest = host.domains.define(plain("g", disk + PANIC, "<on_crash>destroy</on_crash>"))
    guest.start()
    assert told.until("STOPPED CRASHED") == ["DEFINED ADDED", BOOTED, "CRASHED PANICKED", "STOPPED CRASHED"]
    assert state(guest) == "SHUTOFF CRASHED"


def test_a_guest_that_panics_can_be_kept_and_reset(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PVPANIC, PANICKED))
    guest = host.domains.create(plain("g", disk + PANIC, "<on_crash>preserve</on_crash>"))
    assert told.until("CRASHED PANICKED") == [BOOTED, "CRASHED PANICKED"]
    assert state(guest) == "CRASHED PANICKED"
    guest.reset()
    assert told.until("SUSPENDED PAUSED") == ["Reboot", "SUSPENDED PAUSED"]
    assert state(guest) == "PAUSED CRASHED"
    guest.resume()
    assert told.until("RESUMED UNPAUSED") == ["RESUMED UNPAUSED"]
    told.until("CRASHED PANICKED")


def test_a_guest_that_panics_is_started_again(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PVPANIC, PANICKED))
    host.domains.create(plain("g", disk + PANIC, "<on_crash>restart</on_crash>"))
    assert told.until("RESUMED UNPAUSED") == [BOOTED, "CRASHED PANICKED", "Reboot", "RESUMED UNPAUSED"]
    told.until("CRASHED PANICKED")


def test_a_guest_that_has_its_crash_kernel_at_work_runs_on(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PVPANIC, CRASH_LOADED))
    guest = host.domains.create(plain("g", disk + PANIC))
    assert told.until("CRASHED CRASHLOADED") == [BOOTED, "CRASHED CRASHLOADED"]
    assert state(guest) == "RUNNING BOOTED"


def test_a_guest_that_suspends_to_memory_is_woken(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PM_CONTROL, TO_MEMORY))
    guest = host.domains.create(plain("g", disk))
    assert told.until("PMSUSPENDED MEMORY") == [BOOTED, "PMSuspend", "PMSUSPENDED MEMORY"]
    assert state(guest) == "PMSUSPENDED UNKNOWN"
    guest.wake_up()
    assert told.until("STARTED WAKEUP") == ["PMWakeup", "STARTED WAKEUP"]


def test_a_guest_that_suspends_to_disk_is_off_then(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(PM_CONTROL, TO_DISK))
    host.domains.create(plain("g", disk))
    seen = told.until("STOPPED SHUTDOWN")
    assert seen == [BOOTED, "PMSuspendDisk", "PMSUSPENDED DISK", "SHUTDOWN GUEST", "STOPPED SHUTDOWN"]


def test_a_guest_that_powers_off_is_told_of_before_it_is_off(host: Host, told: Told, tmp_path: Path) -> None:
    host.domains.create(plain("g", write_sector(tmp_path / "disk", Out(PM_CONTROL, POWER_OFF))))
    assert told.until("STOPPED SHUTDOWN") == [BOOTED, "SHUTDOWN GUEST", "STOPPED SHUTDOWN"]


def test_a_guest_that_is_to_end_instead_of_restarting_does_not_restart(host: Host, told: Told, tmp_path: Path) -> None:
    disk = write_sector(tmp_path / "disk", Out(KEYBOARD, PULSE_RESET))
    host.domains.create(plain("g", disk, "<on_reboot>destroy</on_reboot>"))
    assert told.until("STOPPED SHUTDOWN") == [BOOTED, "SHUTDOWN GUEST", "STOPPED SHUTDOWN"]


@pytest.mark.parametrize(
    ("number", "seen"),
    [(signal.SIGTERM, ["SHUTDOWN HOST", "STOPPED SHUTDOWN"]), (signal.SIGKILL, ["STOPPED FAILED"])],
)
def test_a_qemu_that_the_host_ends_is_told_of(
    shared: Virtactord, host: Host, told: Told, number: int, seen: list[str]
) -> None:
    guest = host.domains.create(plain("g"))
    pid = shared.qemu_of(guest.uuid)
    assert pid is not None
    os.kill(pid, number)
    assert told.until(seen[-1]) == [BOOTED, *seen]
