"""Clients that change guests, each its own, and note what they were answered."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from virtactor.client import ConnectionLost, Domain, Host, NoConnect, NoDomain, OperationTimeout, VirtError

from tests.system.virtactord import Virtactord

from .model import Guest, Power, Step, defined, marked, moved, powered, retitled, undefined

UNANSWERED = (ConnectionLost, NoConnect, OperationTimeout)
FROZEN_DEADLINE = 0.3  # seconds that a call about a stopped QEMU is waited for
DEADLINE = 20.0  # seconds


class Worker:
    """One client of one round; ``run`` until ``stop`` is set or the daemon is gone."""

    def __init__(self, daemon: Virtactord, guests: list[Guest], seed: str, stop: threading.Event) -> None:
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []
        self._daemon = daemon
        self._guests = guests
        self._chance = random.Random(seed)
        self._seed = seed
        self._stop = stop
        self._step = 0

    def run(self) -> None:
        with suppress(*UNANSWERED), self._daemon.connect(reconnect=False) as host:
            while not self._stop.is_set():
                guest = self._chance.choice(self._guests)
                action = self._chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
                self._step += 1
                action(self, host, guest)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def define(self, host: Host, guest: Guest) -> None:
        title = f"{self._seed}.{self._step}"
        self._change("define", guest, lambda: host.domains.define(xml(guest, title), deadline=DEADLINE), defined(title))

    def undefine(self, host: Host, guest: Guest) -> None:
        # The mark goes first, and stays gone where the definition cannot be removed.
        self._call("undefine", host, guest, lambda d, t: d.undefine(deadline=t), marked(False), undefined)

    def autostart(self, host: Host, guest: Guest) -> None:
        wanted = self._chance.random() < 0.5
        self._call("autostart", host, guest, lambda d, t: d.set_autostart(wanted, deadline=t), marked(wanted))

    def retitle(self, host: Host, guest: Guest) -> None:
        title = f"{self._seed}.{self._step}"
        self._call(
            "title", host, guest, lambda d, t: d.metadata.set_title(title, config=True, deadline=t), retitled(title)
        )

    def start(self, host: Host, guest: Guest) -> None:
        paused = self._chance.random() < 0.8
        power = powered(Power.PAUSED if paused else Power.RUNNING)
        self._begin("start", guest, lambda: host.domains[guest.name].start(paused=paused, deadline=DEADLINE), power)

    def create(self, host: Host, guest: Guest) -> None:
        if any(fact.exists for fact in guest.possible):
            return
        power = powered(Power.PAUSED)
        self._begin(
            "create", guest, lambda: host.domains.create(xml(guest, "transient"), paused=True, deadline=DEADLINE), power
        )

    def destroy(self, host: Host, guest: Guest) -> None:
        # A destroy of a frozen guest kills it: it need not be hurried.
        self._change("destroy", guest, lambda: host.domains[guest.name].destroy(deadline=DEADLINE), powered(Power.OFF))
        if guest.known is not None and guest.known.power is Power.OFF:
            guest.pid, guest.frozen = None, False

    def suspend(self, host: Host, guest: Guest) -> None:
        self._call("suspend", host, guest, lambda d, t: d.suspend(deadline=t), moved(Power.PAUSED))

    def resume(self, host: Host, guest: Guest) -> None:
        self._call("resume", host, guest, lambda d, t: d.resume(deadline=t), moved(Power.RUNNING))

    # -- accidents -----------------------------------------------------------------------------------------------------

    def kill_qemu(self, host: Host, guest: Guest) -> None:
        if guest.pid is not None:
            self.counts["QEMU killed"] += 1
            kill_guest(guest)

    def freeze_qemu(self, host: Host, guest: Guest) -> None:
        if guest.pid is not None and not guest.frozen:
            self.counts["QEMU stopped"] += 1
            guest.frozen = True
            os.kill(guest.pid, signal.SIGSTOP)

    def thaw_qemu(self, host: Host, guest: Guest) -> None:
        thaw(guest)

    # -- answers -------------------------------------------------------------------------------------------------------

    def _call(self, what: str, host: Host, guest: Guest, call: Callable[[Domain, float], object], *steps: Step) -> None:
        deadline = FROZEN_DEADLINE if guest.frozen else DEADLINE
        self._change(what, guest, lambda: call(host.domains[guest.name], deadline), *steps)

    def _begin(self, what: str, guest: Guest, call: Callable[[], object], step: Step) -> None:
        """Start a guest that is known to be off, and note its process."""
        if any(fact.power is not Power.OFF for fact in guest.possible):
            return
        self._change(what, guest, call, step)
        if guest.known is not None and guest.known.power is not Power.OFF:
            guest.pid = self._daemon.qemu_of(guest.uuid)
            if guest.pid is None:
                self.surprises.append(f"{guest.name}: its start was answered and it has no QEMU")

    def _change(self, what: str, guest: Guest, call: Callable[[], object], *steps: Step) -> None:
        try:
            call()
        except UNANSWERED as error:
            self.counts["unanswered"] += 1
            guest.may_have_happened(*steps)
            if not isinstance(error, OperationTimeout):
                raise
        except VirtError as error:
            # Refused: the last step was not taken. Those before it may have been.
            self.counts[f"refused: {type(error).__name__}"] += 1
            guest.may_have_happened(*steps[:-1])
            denied = isinstance(error, NoDomain) and all(fact.title is not None for fact in guest.possible)
            if denied or "unexpected" in str(error):
                self.surprises.append(f"{what} {guest.name}: {error}")
        else:
            self.counts[what] += 1
            guest.happened(*steps)


ACTIONS: dict[Callable[[Worker, Host, Guest], None], int] = {
    Worker.define: 8,
    Worker.undefine: 5,
    Worker.autostart: 5,
    Worker.retitle: 3,
    Worker.start: 8,
    Worker.create: 2,
    Worker.destroy: 4,
    Worker.suspend: 4,
    Worker.resume: 3,
    Worker.kill_qemu: 1,
    Worker.freeze_qemu: 1,
    Worker.thaw_qemu: 2,
}
"""How often each is done, by weight."""


def xml(guest: Guest, title: str) -> str:
    """A guest without a kernel: quick to start, and nothing in it runs."""
    return (
        f"<domain type='qemu'><name>{guest.name}</name><uuid>{guest.uuid}</uuid><title>{title}</title>"
        "<memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>"
        "<features><acpi/></features></domain>"
    )


def kill_guest(guest: Guest) -> None:
    """Kill a guest's QEMU; the daemon will say that it crashed."""
    assert guest.pid is not None
    with suppress(ProcessLookupError):
        os.kill(guest.pid, signal.SIGKILL)
    guest.happened(powered(Power.OFF))
    guest.pid, guest.frozen = None, False


def thaw(guest: Guest) -> None:
    if guest.pid is not None and guest.frozen:
        with suppress(ProcessLookupError):
            os.kill(guest.pid, signal.SIGCONT)
    guest.frozen = False
