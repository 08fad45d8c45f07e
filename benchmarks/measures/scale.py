"""One virtactord with 200 paused guests and 1,000 defined ones beside one with ten, asked in turn.

A list of 1,210 names takes longer than one of ten; what is held against each other there is the time for each domain.
The event's way is from the call that causes it to another connection that is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain

from ..bench import Bench
from ..daemons import Virtactord
from ..guests import Guest
from ..load import Load
from ..results import Row, Target, middle

FEW = 10
RUNNING = 200
DEFINED = 1000
ROUNDS = 5
CALLS = 200
LISTS = 8
EVENTS = 10
# As quick, within what two processes on one machine differ by.
AS_QUICK = Target(1.25)

Seconds = dict[str, list[float]]


def measure(bench: Bench) -> Iterator[Row]:
    running, defined = bench.times(RUNNING, FEW), bench.times(DEFINED, FEW)
    with ExitStack() as stack:
        crowded = Virtactord()
        stack.callback(crowded.stop)
        guests = [stack.enter_context(bench.running(daemon, FEW))[0] for daemon in (bench.ours, crowded)]
        stack.enter_context(bench.running(crowded, running))
        stack.enter_context(bench.defined(crowded, defined))
        loads = [stack.enter_context(Load(daemon.generator("qemu"))) for daemon in (bench.ours, crowded)]
        few, many = _in_turn(bench, loads, guests)
    for what, seconds in many.items():
        yield Row(f"{what}, {running} + {defined}", "s", middle(seconds), middle(few[what]), f"{FEW} guests", AS_QUICK)


def _in_turn(bench: Bench, loads: list[Load], guests: list[Guest]) -> list[Seconds]:
    counts = [len(load.ask("names")) for load in loads]
    found: list[Seconds] = [defaultdict(list) for _ in loads]
    for _ in range(bench.times(ROUNDS)):
        for load, guest, count, samples in zip(loads, guests, counts, found, strict=True):
            for what, seconds in _times(load, guest, count).items():
                samples[what] += seconds
    return found


def _times(load: Load, guest: Guest, count: int) -> Seconds:
    changes = [("event", [guest.name, "resume"]), ("event", [guest.name, "suspend"])]
    return {
        "look-up by name": load.repeat("lookup", guest.name, count=CALLS),
        "state": load.repeat("state", guest.name, count=CALLS),
        "info": load.repeat("info", guest.name, count=CALLS),
        "resume, suspend to event": [*chain(*load.ask("turns", calls=changes, count=EVENTS))],
        # Last: what is asked right after so much work waits for its share of a busy machine.
        "list, for each domain": [seconds / count for seconds in load.repeat("list", count=LISTS)],
    }
