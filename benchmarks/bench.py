"""What a measure is given: the daemons, guests, and how much of everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from .daemons import Daemon, Virtactord
from .guests import Guest, Guests
from .libvirtd import Libvirtd
from .load import Load, loads, together
from .results import Row, Target, middle

Sample = TypeVar("Sample")

THREADS = 8
GONE_SECONDS = 60.0
ROUND_TRIPS = 500
ROUND_TRIP_ROUNDS = 12
CLIENTS = 8
RATE_ROUNDS = 4
RATE_SECONDS = 1.5
WARM_UP = 0.3


@dataclass
class Bench:
    """One run. ``effort`` scales how often things are repeated: 1 for numbers, less for a look."""

    ours: Virtactord
    libvirtd: Libvirtd | None
    effort: float = 1.0
    guests: Guests = field(default_factory=Guests)

    @property
    def daemons(self) -> list[Daemon]:
        return [self.ours] if self.libvirtd is None else [self.ours, self.libvirtd]

    def times(self, count: int, least: int = 1) -> int:
        """So many repetitions, scaled by the effort."""
        return max(least, round(count * self.effort))

    @contextmanager
    def fresh(self) -> Iterator[list[Daemon]]:
        """Daemons of the same kinds that have done nothing yet."""
        with ExitStack() as stack:
            made: list[Daemon] = []
            for daemon in self.daemons:
                made.append(type(daemon)())
                stack.callback(made[-1].stop)
            yield made

    @contextmanager
    def generators(self, driver: str) -> Iterator[list[Load]]:
        """A load generator for each daemon."""
        with ExitStack() as stack:
            yield [stack.enter_context(Load(daemon.generator(driver))) for daemon in self.daemons]

    @contextmanager
    def running(self, daemon: Daemon, count: int) -> Iterator[list[Guest]]:
        """That many paused guests, started by eight threads whose connections are closed then; gone afterwards."""
        guests, command = self.guests.make(count), daemon.generator("qemu")
        try:
            with Load(command) as load:
                load.ask("spread", method="create", args=[[guest.xml] for guest in guests], threads=THREADS)
            yield guests
        finally:
            self.guests.end(guests)
            with Load(command) as load:
                _wait_until_gone(load, guests)

    @contextmanager
    def defined(self, daemon: Daemon, count: int) -> Iterator[list[Guest]]:
        """That many definitions, undefined afterwards."""
        guests, command = self.guests.make(count), daemon.generator("qemu")
        try:
            with Load(command) as load:
                load.ask("spread", method="define", args=[[guest.xml] for guest in guests], threads=THREADS)
            yield guests
        finally:
            with Load(command) as load:
                load.ask("spread", method="undefine", args=[[guest.name] for guest in guests], threads=THREADS)


def _wait_until_gone(load: Load, guests: Sequence[Guest]) -> None:
    until = time.monotonic() + GONE_SECONDS
    names = {guest.name for guest in guests}
    while names & set(load.ask("names")) and time.monotonic() < until:
        time.sleep(0.1)


def interleaved(rounds: int, sides: Sequence[Callable[[], Sample]]) -> list[list[Sample]]:
    """Run the sides in turn, so that what the machine does meanwhile hits all alike; the samples of each."""
    samples: list[list[Sample]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, found in zip(sides, samples, strict=True):
            found.append(side())
    return samples


def round_trips(bench: Bench, commands: Sequence[Sequence[str]]) -> list[list[list[float]]]:
    """For each load generator the seconds that each get-hostname of it took, in rounds."""
    with ExitStack() as stack:
        generators = [stack.enter_context(Load(command)) for command in commands]
        sides = [partial(load.repeat, "hostname", count=ROUND_TRIPS) for load in generators]
        interleaved(1, sides)
        return interleaved(bench.times(ROUND_TRIP_ROUNDS), sides)


def call_rates(bench: Bench, commands: Sequence[Sequence[str]]) -> list[float]:
    """For each load generator the calls of get-hostname that eight processes of it make in a second."""
    rates = interleaved(bench.times(RATE_ROUNDS), [partial(_call_rate, command, bench.effort) for command in commands])
    return [middle(found) for found in rates]


def _call_rate(command: Sequence[str], effort: float) -> float:
    with loads(command, CLIENTS) as generators:
        together(generators, "hostname", WARM_UP)
        return together(generators, "hostname", RATE_SECONDS * effort)


def beside_libvirtd(what: str, unit: str, values: Sequence[float], target: Target | None = None) -> Row:
    """A row of virtactord's value and, where there is one, libvirtd's."""
    if len(values) < 2:
        return Row(what, unit, values[0], target=target)
    return Row(what, unit, values[0], values[1], "libvirtd", target)
