"""Clients that change guests, each its own, and note what they were answered."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from virtactor.client import ConnectionLost, Domain, Host, NoConnect, NoDomain, OperationTimeout, VirtError
from virtactor.wire.enums.domain import DomainUndefineFlagsValues as Undefine

from tests.system.virtactord import Virtactord

from .accident import Accident
from .documents import xml
from .model import (
    Fact,
    Guest,
    Power,
    Step,
    created,
    defined,
    marked,
    moved,
    off,
    put_into_file,
    put_into_image,
    renamed,
    restored,
    retitled,
    retitled_both,
    retitled_live,
    started,
    undefined,
    unmarked,
    without_image,
)
from .race import race

UNANSWERED = (ConnectionLost, NoConnect, OperationTimeout)
FROZEN_DEADLINE = 0.3  # seconds that a call about a stopped QEMU is waited for
DEADLINE = 20.0  # seconds
UNDEFINE_FLAGS = (
    0,
    0,
    Undefine.MANAGED_SAVE,
    Undefine.MANAGED_SAVE | Undefine.NVRAM,
    Undefine.MANAGED_SAVE | Undefine.TPM,
)


class Worker:
    """One client of one round; ``run`` until ``stop`` is set or the daemon is gone.

    ``rivals`` are guests that all clients change, and of which nobody knows what became; ``full`` is set once the disk
    may have been full.
    """

    def __init__(
        self,
        daemon: Virtactord,
        guests: list[Guest],
        rivals: list[Guest],
        seed: str,
        stop: threading.Event,
        full: threading.Event,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []
        self._daemon = daemon
        self._guests = guests
        self._rivals = rivals
        self._chance = random.Random(seed)
        self._seed = seed
        self._stop = stop
        self._full = full
        self._step = 0

    def run(self) -> None:
        with suppress(*UNANSWERED), self._daemon.connect(reconnect=False) as host:
            while not self._stop.is_set():
                guest = self._chance.choice(self._guests)
                action = self._chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
                self._step += 1
                action(self, host, guest)

    # -- definitions ---------------------------------------------------------------------------------------------------

    def define(self, host: Host, guest: Guest) -> None:
        title, name = self._title(), guest.current_name
        document = xml(guest, name, title)
        self._change("define", guest, lambda: host.domains.define(document, deadline=DEADLINE), defined(title, name))

    def undefine(self, host: Host, guest: Guest) -> None:
        flags = self._chance.choice(UNDEFINE_FLAGS)
        # The image goes first, then the mark, and they stay gone where the definition cannot be removed.
        steps = (without_image, unmarked, undefined) if flags else (marked(False), undefined)
        self._call("undefine", host, guest, lambda d, t: d.undefine(flags, deadline=t), *steps)

    def autostart(self, host: Host, guest: Guest) -> None:
        wanted = self._chance.random() < 0.5
        self._call("autostart", host, guest, lambda d, t: d.set_autostart(wanted, deadline=t), marked(wanted))

    def retitle(self, host: Host, guest: Guest) -> None:
        title = self._title()
        live, config = self._chance.choice(((False, True), (True, False), (True, True)))
        steps = {
            (False, True): (retitled(title),),
            (True, False): (retitled_live(title),),
            (True, True): (retitled_live(title), retitled_both(title)),
        }[live, config]
        self._call(
            f"title{' live' * live}{' config' * config}",
            host,
            guest,
            lambda d, t: d.metadata.set_title(title, live=live, config=config, deadline=t),
            *steps,
        )

    def rename(self, host: Host, guest: Guest) -> None:
        old, new = guest.names
        name = old if guest.current_name == new else new
        self._call("rename", host, guest, lambda d, t: d.rename(name, deadline=t), renamed(name))

    # -- lives ---------------------------------------------------------------------------------------------------------

    def start(self, host: Host, guest: Guest) -> None:
        paused, afresh = self._chance.random() < 0.6, self._chance.random() < 0.1
        self._begin(
            "start afresh" if afresh else "start",
            guest,
            lambda: domain_of(host, guest).start(paused=paused, force_boot=afresh, deadline=DEADLINE),
            # One that goes on from an image is paused until it is known to the next daemon.
            *(started(True), started(paused)) if not afresh else (lambda fact: started(paused)(without_image(fact)),),
        )

    def create(self, host: Host, guest: Guest) -> None:
        if any(fact.exists for fact in guest.possible):
            return
        document = xml(guest, guest.name, "transient")
        self._begin(
            "create",
            guest,
            lambda: host.domains.create(document, paused=True, deadline=DEADLINE),
            created(guest.name, "transient"),
        )

    def destroy(self, host: Host, guest: Guest) -> None:
        # A destroy of a frozen guest kills it: it need not be hurried.
        self._change("destroy", guest, lambda: domain_of(host, guest).destroy(deadline=DEADLINE), off)
        self._forget_process(guest)

    def suspend(self, host: Host, guest: Guest) -> None:
        self._call("suspend", host, guest, lambda d, t: d.suspend(deadline=t), moved(Power.PAUSED))

    def resume(self, host: Host, guest: Guest) -> None:
        self._call("resume", host, guest, lambda d, t: d.resume(deadline=t), moved(Power.RUNNING))

    # -- saves ---------------------------------------------------------------------------------------------------------

    def managed_save(self, host: Host, guest: Guest) -> None:
        self._save("managed save", host, guest, lambda d, t: d.managed_save(deadline=t), put_into_image)

    def save(self, host: Host, guest: Guest) -> None:
        path = str(file_of(self._daemon, guest))
        self._save("save", host, guest, lambda d, t: d.save(path, deadline=t), put_into_file)

    def restore(self, host: Host, guest: Guest) -> None:
        fact = guest.known
        if fact is None or fact.file is None or fact.image is not None or fact.name not in ("", fact.file.name):
            return
        path = str(file_of(self._daemon, guest))

        def paused(fact: Fact) -> Fact:
            return moved(Power.PAUSED)(restored(fact))

        self._begin("restore", guest, lambda: host.domains.restore(path, deadline=DEADLINE), paused, restored)

    def forget_image(self, host: Host, guest: Guest) -> None:
        self._call("forget image", host, guest, lambda d, t: d.remove_managed_save(deadline=t), without_image)

    # -- accidents -----------------------------------------------------------------------------------------------------

    def kill_qemu(self, host: Host, guest: Guest) -> None:
        if guest.pid is not None:
            self.counts["QEMU killed"] += 1
            kill_guest(guest)

    def freeze_qemu(self, host: Host, guest: Guest) -> None:
        if guest.pid is not None and not guest.frozen:
            self.counts["QEMU stopped"] += 1
            guest.frozen = True
            with suppress(ProcessLookupError):
                os.kill(guest.pid, signal.SIGSTOP)

    def thaw_qemu(self, host: Host, guest: Guest) -> None:
        thaw(guest)

    def race(self, host: Host, guest: Guest) -> None:
        rival = self._chance.choice(self._rivals)
        try:
            what = race(self._daemon, host, rival, self._chance, self._title())
        except UNANSWERED as error:
            if not isinstance(error, OperationTimeout):
                raise
            self.counts["race: timed out"] += 1
        except VirtError as error:
            self.counts["race: refused"] += 1
            if "unexpected" in str(error):
                self.surprises.append(f"{rival.name}: {error}")
        else:
            self.counts[f"race: {what}"] += 1

    # -- answers -------------------------------------------------------------------------------------------------------

    def _title(self) -> str:
        return f"{self._seed}.{self._step}"

    def _call(self, what: str, host: Host, guest: Guest, call: Callable[[Domain, float], object], *steps: Step) -> None:
        deadline = FROZEN_DEADLINE if guest.frozen else DEADLINE
        self._change(what, guest, lambda: call(domain_of(host, guest), deadline), *steps)

    def _begin(self, what: str, guest: Guest, call: Callable[[], object], *steps: Step) -> None:
        """Start a guest that is known to be off, and note its process."""
        if not guest.is_off:
            return
        exists = guest.known is not None and guest.known.exists
        refused = self._change(what, guest, call, *steps)
        if refused is not None and exists and not guest.killed and not self._full.is_set():
            self.surprises.append(f"{guest.name}, which is {guest.known}, was refused a {what}: {refused!r}")
        if guest.known is not None and guest.known.power is not Power.OFF:
            guest.killed = False
            guest.pid = self._daemon.qemu_of(guest.uuid)
            if guest.pid is None:
                self.surprises.append(f"{guest.name}: its start was answered and it has no QEMU")

    def _save(self, what: str, host: Host, guest: Guest, call: Callable[[Domain, float], object], step: Step) -> None:
        """Save a guest; sometimes its QEMU is killed or stopped for a moment in the middle."""
        if guest.cannot_be_saved:
            return
        accident = Accident.of(guest.pid, self._chance)
        # What QEMU did not follow in time it may follow later.
        uncertain = guest.frozen or accident.stops
        try:
            with accident:
                self._call(what, host, guest, call, *(moved(Power.PAUSED), step) if uncertain else (step,))
        finally:
            if accident.kills:
                guest.happened(off)
                guest.killed = True
            self.counts[f"QEMU {accident} in a save"] += accident.kills or accident.stops
            self._forget_process(guest)

    def _forget_process(self, guest: Guest) -> None:
        if guest.is_off:
            guest.pid, guest.frozen = None, False

    def _change(self, what: str, guest: Guest, call: Callable[[], object], *steps: Step) -> VirtError | None:
        """Note what a call did; gives the error with which it was refused."""
        try:
            call()
        except UNANSWERED as error:
            self.counts[f"unanswered: {what}"] += 1
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
            return error
        else:
            self.counts[what] += 1
            guest.happened(*steps)
        return None


ACTIONS: dict[Callable[[Worker, Host, Guest], None], int] = {
    Worker.define: 8,
    Worker.undefine: 3,
    Worker.autostart: 4,
    Worker.retitle: 4,
    Worker.rename: 4,
    Worker.start: 10,
    Worker.create: 2,
    Worker.destroy: 3,
    Worker.suspend: 3,
    Worker.resume: 3,
    Worker.managed_save: 4,
    Worker.save: 2,
    Worker.restore: 4,
    Worker.forget_image: 1,
    Worker.kill_qemu: 1,
    Worker.freeze_qemu: 1,
    Worker.thaw_qemu: 2,
    Worker.race: 8,
}
"""How often each is done, by weight."""


def domain_of(host: Host, guest: Guest) -> Domain:
    """The guest's domain, whatever it is called. Raises NoDomain."""
    return host.domains[UUID(guest.uuid)]


def file_of(daemon: Virtactord, guest: Guest) -> Path:
    """The file of its client's that a guest is saved to."""
    return daemon.root / f"{guest.name}.saved"


def kill_guest(guest: Guest) -> None:
    """Kill a guest's QEMU; the daemon will say that it crashed."""
    assert guest.pid is not None
    with suppress(ProcessLookupError):
        os.kill(guest.pid, signal.SIGKILL)
    guest.happened(off)
    guest.pid, guest.frozen, guest.killed = None, False, True


def thaw(guest: Guest) -> None:
    if guest.pid is not None and guest.frozen:
        with suppress(ProcessLookupError):
            os.kill(guest.pid, signal.SIGCONT)
    guest.frozen = False
