"""A QEMU that does not answer costs those who talk to it their deadline, and nobody else anything."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from virtactor.client import Domain, DomainState, Host, OperationAborted, OperationTimeout, ResourceBusy

from .guests import PTY, plain
from .virtactord import PATIENCE, Story, Virtactord, in_thread, state, wait_until


class Freezer:
    """Stops QEMUs and lets them go on."""

    def __init__(self, daemon: Virtactord) -> None:
        self._daemon = daemon

    def freeze(self, domain: Domain) -> None:
        self._send(domain, signal.SIGSTOP)

    def thaw(self, domain: Domain) -> None:
        self._send(domain, signal.SIGCONT)

    def _send(self, domain: Domain, number: int) -> None:
        pid = self._daemon.qemu_of(domain.uuid)
        assert pid is not None
        os.kill(pid, number)


@pytest.fixture
def freezer(shared: Virtactord) -> Freezer:
    return Freezer(shared)


def test_a_frozen_guest_holds_up_nobody_who_does_not_need_it(host: Host, freezer: Freezer) -> None:
    frozen, healthy = host.domains.create(plain("frozen", PTY)), host.domains.create(plain("healthy"))
    freezer.freeze(frozen)
    suspending = in_thread(frozen.suspend, deadline=PATIENCE)
    wait_until(lambda: frozen.control_info().state == 1)

    # Whatever needs no answer of QEMU's has one at once.
    assert state(frozen) == "RUNNING BOOTED"
    assert frozen.info().state is DomainState.RUNNING
    assert frozen in host.domains.list(running=True)
    assert "<name>frozen</name>" in frozen.xml()
    frozen.open_console().close()
    # A second change waits its turn and is told for whom.
    with pytest.raises(OperationTimeout, match=r"waited 0.5 s; domain_suspend has held it for") as caught:
        frozen.resume(deadline=0.5)
    assert caught.value.holder == "domain_suspend"
    assert caught.value.object == "frozen"
    assert caught.value.held_for is not None
    # Others go on.
    healthy.suspend()
    healthy.resume()
    host.domains.create(plain("new"), paused=True).destroy()
    assert not suspending.done()
    freezer.thaw(frozen)
    suspending.result(PATIENCE)


def test_a_frozen_guest_costs_its_caller_the_deadline(host: Host, freezer: Freezer, story: Story) -> None:
    frozen = host.domains.create(plain("frozen"))
    freezer.freeze(frozen)
    with pytest.raises(OperationTimeout, match=r"QEMU of frozen did not answer 'stop' within [01]\.") as caught:
        frozen.suspend(deadline=1)
    assert caught.value.holder == "stop"
    assert caught.value.object == "frozen"
    # The next is told what QEMU has not answered yet.
    with pytest.raises(OperationTimeout, match="not sent: 'stop' has had no answer"):
        frozen.monitor_command({"execute": "query-status"}, deadline=0.3)

    # The late stop still happens, and is told.
    assert story.told("frozen") == ["STARTED BOOTED"]
    freezer.thaw(frozen)
    assert story.wait_for("frozen", "SUSPENDED PAUSED") == ["SUSPENDED PAUSED"]
    assert frozen.state()[0] is DomainState.PAUSED
    frozen.resume()
    assert state(frozen) == "RUNNING UNPAUSED"


def test_a_guest_that_may_yet_go_on_is_not_said_to_be_paused(host: Host, freezer: Freezer, story: Story) -> None:
    frozen = host.domains.create(plain("frozen"), paused=True)
    freezer.freeze(frozen)
    with pytest.raises(OperationTimeout, match="did not answer 'cont'"):
        frozen.resume(deadline=0.5)
    with pytest.raises(OperationTimeout, match="not sent: 'cont' has had no answer"):
        frozen.suspend(deadline=0.5)

    suspending = in_thread(frozen.suspend, deadline=PATIENCE)
    freezer.thaw(frozen)
    suspending.result(PATIENCE)
    assert state(frozen) == "PAUSED USER"
    assert frozen.monitor_command({"execute": "query-status"})["return"]["running"] is False
    told = ["STARTED BOOTED", "SUSPENDED PAUSED", "RESUMED UNPAUSED", "SUSPENDED PAUSED"]
    assert story.told("frozen") == told


def test_a_frozen_guest_is_destroyed_at_once(shared: Virtactord, host: Host, freezer: Freezer, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    domain.start()
    freezer.freeze(domain)
    suspending = in_thread(domain.suspend, deadline=PATIENCE)
    wait_until(lambda: domain.control_info().state == 1)
    waiting = in_thread(domain.resume, deadline=PATIENCE)
    domain.destroy(deadline=PATIENCE)
    with pytest.raises(OperationAborted, match="domain_destroy") as caught:
        suspending.result(PATIENCE)
    assert caught.value.holder == "domain_destroy_flags"
    assert "not running" in str(waiting.exception(PATIENCE))
    assert state(domain) == "SHUTOFF DESTROYED"
    assert shared.qemu_of(domain.uuid) is None
    assert shared.files_of(domain.uuid) == []
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED", "STOPPED DESTROYED"]


def test_the_job_of_a_frozen_guest_can_be_aborted(host: Host, freezer: Freezer) -> None:
    domain = host.domains.create(plain("g"))
    freezer.freeze(domain)
    suspending = in_thread(domain.suspend, deadline=PATIENCE)
    wait_until(lambda: domain.control_info().state == 1)
    domain.abort_job()
    with pytest.raises(OperationAborted):
        suspending.result(PATIENCE)
    freezer.thaw(domain)
    domain.wait(DomainState.PAUSED, PATIENCE)
    domain.resume()
    assert state(domain) == "RUNNING UNPAUSED"


def test_a_gracefully_destroyed_guest_that_does_not_end_is_left_alone(
    host: Host, freezer: Freezer, story: Story
) -> None:
    domain = host.domains.create(plain("g"))
    freezer.freeze(domain)
    with pytest.raises(ResourceBusy, match="did not end within"):
        domain.destroy(graceful=True, deadline=0.5)
    assert state(domain) == "RUNNING BOOTED"
    # It was asked, though, and does as it was told once it can.
    freezer.thaw(domain)
    assert story.wait_for("g", "STOPPED SHUTDOWN") == ["STARTED BOOTED", "SHUTDOWN HOST", "STOPPED SHUTDOWN"]


def wrapper(folder: Path, name: str, line: str) -> str:
    """An emulator that does something else when it is to run a guest (probes it answers)."""
    script = folder / name
    script.write_text(
        '#!/bin/sh\ncase "$*" in *pidfile*)\n' + line + '\n;; esac\nexec /usr/bin/qemu-system-x86_64 "$@"\n'
    )
    script.chmod(0o755)
    return f"<emulator>{script}</emulator>"


def test_a_start_whose_qemu_freezes_times_out_and_leaves_nothing(
    shared: Virtactord, host: Host, tmp_path: Path
) -> None:
    domain = host.domains.define(plain("g", wrapper(tmp_path, "frozen", "kill -STOP $$") + PTY))
    with pytest.raises(OperationTimeout, match="domain_create_with_flags") as caught:
        domain.start(deadline=1)
    assert caught.value.object == "g"
    assert state(domain) == "SHUTOFF FAILED"
    assert shared.qemus_of(domain.uuid) == []
    assert shared.files_of(domain.uuid) == []


def test_destroy_interrupts_a_start_that_hangs(shared: Virtactord, host: Host, tmp_path: Path, story: Story) -> None:
    domain = host.domains.define(plain("g", wrapper(tmp_path, "frozen", "kill -STOP $$")))
    starting = in_thread(domain.start, deadline=PATIENCE)
    wait_until(lambda: shared.qemus_of(domain.uuid))
    host.domains["g"].destroy(deadline=PATIENCE)
    with pytest.raises(OperationAborted, match="domain_destroy"):
        starting.result(PATIENCE)
    assert state(domain) == "SHUTOFF FAILED"
    assert shared.qemus_of(domain.uuid) == []
    assert shared.files_of(domain.uuid) == []
    assert story.told("g") == ["DEFINED ADDED"]


def test_a_transient_start_that_hangs_is_interrupted_and_forgotten(
    shared: Virtactord, host: Host, tmp_path: Path
) -> None:
    starting = in_thread(
        host.domains.create, plain("g", wrapper(tmp_path, "frozen", "kill -STOP $$")), deadline=PATIENCE
    )
    wait_until(lambda: shared.qemus())
    host.domains["g"].destroy(deadline=PATIENCE)
    with pytest.raises(OperationAborted):
        starting.result(PATIENCE)
    wait_until(lambda: "g" not in host.domains)
    assert shared.qemus() == []


@pytest.fixture
def farm(host: Host, freezer: Freezer) -> list[Domain]:
    """26 running guests, of which all but the last are frozen."""
    xmls = [plain(f"g{number}") for number in range(26)]
    started = host.domains.start_all(xmls, paused=True).raise_for_failures().domains
    guests = [started[f"g{number}"] for number in range(26)]
    for domain in guests[:-1]:
        freezer.freeze(domain)
    return guests


def test_twenty_five_frozen_guests_do_not_touch_the_twenty_sixth(
    shared: Virtactord, host: Host, farm: list[Domain]
) -> None:
    *frozen, healthy = farm
    with ExitStack() as stack:
        clients = [stack.enter_context(shared.connect()) for _ in frozen]
        poking = [
            in_thread(client.domains[domain.name].resume, deadline=PATIENCE)
            for client, domain in zip(clients, frozen, strict=True)
        ]
        wait_until(lambda: all(domain.control_info().state == 1 for domain in frozen))
        for _ in range(5):
            healthy.resume()
            healthy.suspend()
        assert len(host.domains.list(paused=True)) == 26
        with shared.connect() as newcomer:
            newcomer.domains.create(plain("new")).destroy()
        assert not any(future.done() for future in poking)
        host.domains.destroy_all(frozen).raise_for_failures()
        assert {type(future.exception(PATIENCE)) for future in poking} == {OperationAborted}
