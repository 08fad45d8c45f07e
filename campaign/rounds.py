"""Rounds of harm, one after the other on the same root: what one leaves is what the next begins with."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from virtactor.client import Host

from tests.system.virtactord import PATIENCE

from .daemon import Mortal
from .documents import make_disk, new_guest
from .harm import Disk, damage, remove_set_aside
from .load import Worker, kill_guest, thaw
from .model import Guest, Power, started
from .oracle import SETTLING, complaints, fact_of

CLIENTS = 4
GUESTS_EACH = 3
RIVALS = 2
LONGEST_LOAD = 1.6  # seconds
CLOCK_JUMP = 10_000_000  # seconds


@dataclass
class Report:
    """What a campaign came to; ``findings`` name the round and the seed that leads there."""

    seed: int
    rounds: int = 0
    seconds: float = 0.0
    adopted: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


class Campaign:
    """``clock`` says whether lives of the daemon may have clocks of their own."""

    def __init__(self, root: Path, log: Path, seed: int, mounted: bool = False, clock: bool = False) -> None:
        self.report = Report(seed)
        self.daemon = Mortal(root, log)
        self.guests = [[new_guest(client, n, root) for n in range(GUESTS_EACH)] for client in range(CLIENTS)]
        self.rivals = [Guest(f"r{number}") for number in range(RIVALS)]
        self._boots = self._hindered = False
        self._disk = Disk(root, mounted)
        self._clock = clock
        self._log_read = 0

    @property
    def all_guests(self) -> list[Guest]:
        return [guest for guests in self.guests for guest in guests]

    def run(self, rounds: int) -> Report:
        began = time.monotonic()
        for guest in self.all_guests:
            make_disk(guest, self.daemon.root)
        self.daemon.start()
        try:
            for number in range(rounds):
                self._round(number, random.Random(f"{self.report.seed}.{number}"))
                self.report.rounds += 1
        finally:
            self.report.seconds = time.monotonic() - began
            self.daemon.stop()
        return self.report

    def _round(self, number: int, chance: random.Random) -> None:
        done = self._load(number, chance)
        done += self._between(chance)
        self._restart(chance)
        found = []
        for guest in self.all_guests:
            thaw(guest)
        with self.daemon.connect() as host:
            if self._boots:
                found += self._await_marked(host)
            found += complaints(self.daemon, host, self.all_guests, rivals=self.rivals)
        self.report.adopted += sum(guest.pid is not None for guest in self.all_guests)
        self.report.counts["files set aside"] += remove_set_aside(self.daemon)
        found += self._tracebacks()
        for line in found:
            self._found(f"round {number} ({'; '.join(done) or 'killed'}): {line}")

    def _load(self, number: int, chance: random.Random) -> list[str]:
        """Let the clients work, and kill the daemon under them."""
        stop, full = threading.Event(), threading.Event()
        seeds = [f"{self.report.seed}.{number}.{client}" for client in range(CLIENTS)]
        workers = [
            Worker(self.daemon, guests, self.rivals, seed, stop, full)
            for guests, seed in zip(self.guests, seeds, strict=True)
        ]
        threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        done = self._harm_under_load(chance, full)
        how = signal.SIGTERM if chance.random() < 0.1 else signal.SIGKILL
        self.report.counts[f"daemon ended by {how.name}"] += 1
        self.daemon.kill(how)
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        for worker in workers:
            self.report.counts += worker.counts
            for line in worker.surprises:
                self._found(f"round {number}, under load: {line}")
        return done

    def _harm_under_load(self, chance: random.Random, is_full: threading.Event) -> list[str]:
        """The time until the daemon dies, with what happens in it."""
        done = []
        first, second, third = (chance.random() * LONGEST_LOAD / 3 for _ in range(3))
        time.sleep(first)
        full, sleeps = self._disk.mounted and chance.random() < 0.25, chance.random() < 0.15
        if full:
            done.append("the disk full under load")
            is_full.set()
            self._disk.fill()
        if sleeps:
            done.append("the daemon stopped for a moment")
            self.daemon.send(signal.SIGSTOP)
        time.sleep(second)
        if sleeps:
            self.daemon.send(signal.SIGCONT)
        stays_full = chance.random() < 0.3
        if full and not stays_full:
            self._disk.free()
        time.sleep(third)
        self.report.counts.update(done)
        return done

    def _between(self, chance: random.Random) -> list[str]:
        """What happens while no daemon runs."""
        self._disk.free()
        done = damage(self.daemon, self.all_guests, chance) if chance.random() < 0.3 else []
        self.report.counts.update(line.rpartition(" of ")[0] for line in done)
        for guest in self.all_guests:
            if guest.pid is not None and _is_on(guest) and chance.random() < 0.05:
                done.append(f"{guest.name} killed meanwhile")
                self.report.counts["QEMU killed with no daemon"] += 1
                kill_guest(guest)
            elif chance.random() < 0.5:
                thaw(guest)
        self._boots = chance.random() < 0.1
        if self._boots:
            self._boot(done)
        return done

    def _boot(self, done: list[str]) -> None:
        """Let the next daemon be the first since the host came up: what is marked is started."""
        done.append("the host as if it had just come up")
        self.report.counts["marked guests to be started"] += 1
        (self.daemon.run / "autostarted").unlink(missing_ok=True)
        for guest in self.all_guests:
            guest.possible |= {started(False)(fact) for fact in guest.possible if fact.autostart}

    def _await_marked(self, host: Host) -> list[str]:
        """Wait until what is marked has been started; those that have not, though nothing kept them from it."""
        marked = [guest for guest in self.all_guests if any(fact.autostart for fact in guest.possible)]
        until = time.monotonic() + SETTLING
        while left := [guest for guest in marked if is_marked_and_off(self.daemon, host, guest)]:
            if time.monotonic() > until:
                return [f"{guest.name} is marked and was not started" for guest in left if not self._hindered]
            time.sleep(0.05)
        return []

    def _restart(self, chance: random.Random) -> None:
        """A new daemon; some die on the way, some begin on a full disk or with another clock."""
        self.daemon.monotonic = chance.randrange(1, CLOCK_JUMP) if self._clock and chance.random() < 0.3 else 0
        self.report.counts["clock moved"] += bool(self.daemon.monotonic)
        self._hindered = False
        while chance.random() < 0.2:
            self._hindered = True
            self.report.counts["killed while it started"] += 1
            self.daemon.begin()
            time.sleep(chance.random() * 0.8)
            self.daemon.kill()
        full = self._disk.mounted and chance.random() < 0.15
        if full:
            self._hindered = True
            self.report.counts["started on a full disk"] += 1
            self._disk.fill()
        self.daemon.start()
        if full:
            self._disk.free()

    def _found(self, finding: str) -> None:
        """Note a finding, and say it at once: the daemon and its files may be worth a look."""
        self.report.findings.append(finding)
        print(finding, file=sys.stderr, flush=True)

    def _tracebacks(self) -> list[str]:
        """What the daemon's log has of defects since the last look."""
        text = self.daemon.log.read_text(errors="replace")[self._log_read :]
        self._log_read += len(text)
        return [f"the log has a traceback: {part[:1500]}" for part in text.split("Traceback")[1:]]


def is_marked_and_off(daemon: Mortal, host: Host, guest: Guest) -> bool:
    fact = fact_of(daemon, host, guest)
    return fact.autostart and fact.power is Power.OFF


def _is_on(guest: Guest) -> bool:
    return all(fact.power is not Power.OFF for fact in guest.possible)
