"""A short campaign finds nothing, and the oracle that says so sees what it is there to see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from virtactor.client import Host

from campaign import oracle
from campaign.documents import xml
from campaign.load import kill_guest
from campaign.model import Guest, defined, marked, started, undefined
from campaign.oracle import complaints

from ..system.virtactord import Virtactord, wait_until

REPOSITORY = Path(__file__).parents[2]
ROUNDS = 6


def test_a_short_campaign_finds_nothing_and_leaves_nothing(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "campaign", "--rounds", str(ROUNDS), "--seed", "7"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(root)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"seed 7: {ROUNDS} rounds in " in done.stdout
    assert done.stdout.endswith("0 findings\n")
    assert list(root.iterdir()) == []


@pytest.fixture
def guests(daemon: Virtactord) -> list[Guest]:
    """One that is defined and marked, one that runs as well, and what is known of them."""
    marked_one, running = Guest("marked"), Guest("running")
    with daemon.connect() as host:
        for guest in (marked_one, running):
            host.domains.define(xml(guest, guest.name, "title"))
            guest.happened(defined("title", guest.name))
        host.domains["marked"].set_autostart(True)
        host.domains["running"].start(paused=True)
    marked_one.happened(marked(True))
    running.happened(started(True))
    running.pid = daemon.qemu_of(running.uuid)
    return [marked_one, running]


def found_after_restart(daemon: Virtactord, guests: list[Guest]) -> list[str]:
    daemon.start()
    with daemon.connect() as host:
        return complaints(daemon, host, guests, settling=1.0)


def test_the_oracle_is_content_when_all_is_as_it_was_promised(daemon: Virtactord, guests: list[Guest]) -> None:
    daemon.kill()
    assert found_after_restart(daemon, guests) == []


def test_the_oracle_misses_definitions_and_marks_that_are_gone(daemon: Virtactord, guests: list[Guest]) -> None:
    daemon.kill()
    (daemon.paths.config / "qemu/running.xml").unlink()
    (daemon.paths.config / "qemu/autostart/marked.xml").unlink()
    assert set(found_after_restart(daemon, guests)) == {
        "running is not defined, paused as title, and was to be defined as title, paused",
        "marked is defined as title, off, and was to be defined as title, marked for autostart, off",
    }


def test_the_oracle_misses_a_guest_that_was_killed(daemon: Virtactord, guests: list[Guest]) -> None:
    daemon.kill()
    pid = guests[1].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: daemon.qemus() == [])
    assert found_after_restart(daemon, guests) == [
        f"running: its QEMU, process {pid}, is gone",
        "running is defined as title, off, and was to be defined as title, paused",
    ]


def test_the_oracle_misses_a_guest_of_whose_qemu_nothing_is_heard(
    daemon: Virtactord, guests: list[Guest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle, "SETTLING", 0.5)
    pid = guests[1].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        daemon.kill()
        assert found_after_restart(daemon, guests) == ["running: nothing is heard of its QEMU"]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_oracle_sees_files_and_processes_that_nobody_wants(daemon: Virtactord, guests: list[Guest]) -> None:
    with daemon.connect() as host:
        (daemon.run / f"{guests[0].uuid}.monitor").write_text("")
        (daemon.paths.config / "qemu/.virtactor-half").write_text("half")
        (daemon.paths.config / "qemu/half.xml").write_text("<domain>")
        found = look(daemon, host, guests)
    assert found[0].startswith("half.xml is damaged: ")
    assert set(found[1:]) == {
        f"a file of a guest that is gone: {guests[0].uuid}.monitor",
        "a temporary file is left: .virtactor-half",
    }


def look(daemon: Virtactord, host: Host, guests: list[Guest]) -> list[str]:
    return complaints(daemon, host, guests, settling=0.1)


def test_what_was_not_answered_may_have_stopped_at_any_step() -> None:
    guest = Guest("g")
    guest.happened(defined("title", "g"))
    guest.happened(marked(True))
    (before,) = guest.possible
    guest.may_have_happened(marked(False), undefined)
    assert guest.possible == {before, before._replace(autostart=False), undefined(before)}
    assert guest.known is None


def test_a_guest_that_we_kill_is_known_to_be_off(daemon: Virtactord, guests: list[Guest]) -> None:
    kill_guest(guests[1])
    with daemon.connect() as host:
        assert complaints(daemon, host, guests) == []
