"""Many guests on one daemon: started and ended together, and no work while they are idle."""

from __future__ import annotations

import os
import re
import select
import signal
from pathlib import Path

from virtactor.client import DomainState, Host

from .guests import PTY, plain
from .virtactord import PATIENCE, Virtactord, wait_until

IDLE_SECONDS = 3.0


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def switches(pid: int) -> int:
    """How often the threads of a process have gone to sleep by themselves."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int(
            re.findall(r"^voluntary_ctxt_switches:\s+(\d+)$", (thread / "status").read_text(), re.MULTILINE)[0]
        )
    return total


def ticks(pid: int) -> int:
    """The processor time that a process has used, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def sleeps(pid: int) -> bool:
    """Whether a process does nothing at all for a while: this is about time in which nothing happens."""
    before = switches(pid), ticks(pid)
    select.select([], [], [], IDLE_SECONDS)
    return (switches(pid), ticks(pid)) == before


def test_sixty_guests_start_and_end_together_and_leave_nothing(shared: Virtactord, host: Host) -> None:
    # What the first guest leaves open for good (threads, the pool's descriptors) is none of the sixty's.
    host.domains.create(plain("first"), paused=True).destroy()
    wait_until(lambda: shared.run.exists() and [path.name for path in shared.run.iterdir()] == ["autostarted"])
    before = descriptors(shared.pid)
    started = host.domains.start_all([plain(f"g{number}", PTY) for number in range(60)], paused=True)
    guests = list(started.raise_for_failures().domains.values())
    assert len({domain.id for domain in guests}) == 60
    assert len(shared.qemus()) == 60
    assert {domain.state()[0] for domain in guests} == {DomainState.PAUSED}
    host.domains.destroy_all(guests).raise_for_failures()
    host.domains.wait(guests, DomainState.SHUTOFF, PATIENCE).raise_for_failures()
    assert len(host.domains) == 0
    assert shared.qemus() == []
    assert [path.name for path in shared.run.iterdir()] == ["autostarted"]
    wait_until(lambda: descriptors(shared.pid) == before)
    shared.kill(signal.SIGTERM)
    assert not shared.says("still there after the stop"), "actors are left"
    assert not shared.says("Traceback")
    shared.start()


def test_an_idle_daemon_sleeps(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        xmls = [plain(f"g{number}", PTY) for number in range(20)]
        host.domains.start_all(xmls, paused=True).raise_for_failures()
        with host.events() as events:
            wait_until(lambda: sleeps(daemon.pid))
            assert events.get(0) is None
        host.domains.destroy_all().raise_for_failures()


def test_an_idle_daemon_sleeps_beside_running_guests_that_it_has_adopted(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        host.domains.start_all([plain(f"g{number}", PTY) for number in range(4)], paused=True).raise_for_failures()
        daemon.kill()
        daemon.start()
        host.domains["g0"].resume()
        host.domains["g0"].suspend()
        assert host.hostname()
        wait_until(lambda: sleeps(daemon.pid))


def test_three_hundred_definitions_are_kept_listed_and_found(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        for number in range(300):
            host.domains.define(plain(f"g{number}", PTY))
        assert len(host.domains) == 300
        daemon.kill()
        daemon.start()
        listed = host.domains.list(inactive=True, persistent=True)
        assert {domain.name for domain in listed} == {f"g{number}" for number in range(300)}
        for domain in listed:
            assert host.domains[domain.name] == host.domains[domain.uuid] == domain
        assert f"<uuid>{listed[7].uuid}</uuid>" in listed[7].xml()
        for domain in listed:
            domain.undefine()
        assert len(host.domains) == 0
        assert [path.name for path in (daemon.paths.config / "qemu").iterdir()] == ["autostart"]
