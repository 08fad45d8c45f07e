"""One guest while the 25 others are frozen (SIGSTOP on their QEMU) and each is poked by a client of its own.

Rounds alternate: new guests, measure, freeze, measure, end; p99 is that of all rounds. Ours gives up a poke after a
second and pokes again; libvirt's clients can name no deadline and wait. What does not answer within five seconds
is shown as no answer.
"""

from __future__ import annotations

import math
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from ..bench import Bench
from ..daemons import Daemon
from ..guests import Guest, send
from ..load import Load, NoAnswer
from ..results import Row, Target, percentile

GUESTS = 26
ROUNDS = 3
CALLS = 200
CHANGES = 60
CONNECTIONS = 60
STARTS = 8
PATIENCE = 5.0
WITHIN = Target(2.0)

Seconds = dict[str, list[float]]
Probe = Callable[[Load], Seconds]


def measure(bench: Bench) -> Iterator[Row]:
    found = [_before_and_frozen(bench, daemon) for daemon in bench.daemons]
    before, frozen = found[0]
    for what in frozen:
        yield Row(f"{what}, p99, 25 frozen", "s", frozen[what], before[what], "before", WITHIN)
    for _, theirs in found[1:]:
        for what in frozen:
            yield Row(f"{what}, p99, 25 frozen", "s", frozen[what], theirs[what], "libvirtd")


def _before_and_frozen(bench: Bench, daemon: Daemon) -> tuple[dict[str, float], dict[str, float]]:
    """The p99 of all that is measured, without and with frozen guests."""
    before: Seconds = defaultdict(list)
    frozen: Seconds = defaultdict(list)
    for _ in range(bench.times(ROUNDS) if daemon is bench.ours else 1):
        _round(bench, daemon, before, frozen)
    return _p99(before), _p99(frozen)


def _p99(found: Seconds) -> dict[str, float]:
    return {what: percentile(samples, 99) for what, samples in found.items()}


def _round(bench: Bench, daemon: Daemon, before: Seconds, frozen: Seconds) -> None:
    command = daemon.generator("qemu")
    with bench.running(daemon, GUESTS) as guests, ExitStack() as stack:
        healthy, others = guests[0], guests[1:]
        # Each probe has a connection of its own, so that one that is not answered holds up no other.
        probes = [(probe, stack.enter_context(Load(command))) for probe in _probes(bench, healthy)]
        _collect(probes, before)
        with _frozen(command, others):
            _collect(probes, frozen)


@contextmanager
def _frozen(command: list[str], guests: list[Guest]) -> Iterator[None]:
    with Load(command) as poker:
        poker.ask("turns", calls=[("lookup", [guest.name]) for guest in guests], count=1)
        send(guests, signal.SIGSTOP)
        poker.ask("poke", names=[guest.name for guest in guests])
        yield


def _collect(probes: list[tuple[Probe, Load]], found: Seconds) -> None:
    for probe, load in probes:
        for what, seconds in probe(load).items():
            found[what] += seconds


def _probes(bench: Bench, guest: Guest) -> list[Probe]:
    calls, changes, connections = bench.times(CALLS, 20), bench.times(CHANGES, 5), bench.times(CONNECTIONS, 5)
    name = [guest.name]
    return [
        partial(_turns, {"list": ("list", [])}, calls),
        partial(_turns, {"info": ("info", name)}, calls),
        partial(_turns, {"resume": ("resume", name), "suspend": ("suspend", name)}, changes),
        partial(_connections, connections),
        partial(_starts, bench, bench.times(STARTS, 2)),
    ]


def _turns(calls: dict[str, tuple[str, list[str]]], count: int, load: Load) -> Seconds:
    try:
        return dict(zip(calls, load.ask("turns", PATIENCE, calls=list(calls.values()), count=count), strict=True))
    except NoAnswer:
        return {what: [math.inf] for what in calls}


def _connections(count: int, load: Load) -> Seconds:
    try:
        return {"new connection": load.ask("connections", PATIENCE, count=count)}
    except NoAnswer:
        return {"new connection": [math.inf]}


def _starts(bench: Bench, count: int, load: Load) -> Seconds:
    took: list[float] = []
    for guest in bench.guests.make(count):
        try:
            took += load.repeat("create", guest.xml, count=1, patience=PATIENCE)
            load.repeat("destroy", guest.name, count=1, patience=PATIENCE)
        except NoAnswer:
            return {"start of a new guest": [math.inf]}
    return {"start of a new guest": took}
