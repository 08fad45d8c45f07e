"""200 paused guests and 1,000 defined ones on one virtactord, against ten.

A list of 1,210 names takes longer than one of ten; what is held against each other there is the time for each domain.
The event's way is from the call that causes it to another connection that is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ..bench import Bench
from ..guests import Guest
from ..load import Load
from ..results import Row, Target, middle

FEW = 10
RUNNING = 200
DEFINED = 1000
CALLS = 300
LISTS = 20
EVENTS = 30
# As quick, within what two measurements one after the other differ by.
AS_QUICK = Target(1.25)


def measure(bench: Bench) -> Iterator[Row]:
    running, defined = bench.times(RUNNING, FEW), bench.times(DEFINED, FEW)
    with bench.running(bench.ours, FEW) as few, Load(bench.ours.generator("qemu")) as load:
        before = _times(bench, load, few[0], len(load.ask("names")))
        with bench.running(bench.ours, running), bench.defined(bench.ours, defined):
            after = _times(bench, load, few[0], len(load.ask("names")))
    for what, seconds in after.items():
        yield Row(f"{what}, {running} + {defined}", "s", seconds, before[what], f"{FEW} guests", AS_QUICK)


def _times(bench: Bench, load: Load, guest: Guest, count: int) -> dict[str, float]:
    calls, lists, events = bench.times(CALLS, 20), bench.times(LISTS, 3), bench.times(EVENTS, 3)
    changes = [("event", [guest.name, "resume"]), ("event", [guest.name, "suspend"])]
    return {
        "list, for each domain": middle(load.repeat("list", count=lists)) / count,
        "look-up by name": middle(load.repeat("lookup", guest.name, count=calls)),
        "state": middle(load.repeat("state", guest.name, count=calls)),
        "info": middle(load.repeat("info", guest.name, count=calls)),
        "resume, suspend to event": middle(chain(*load.ask("turns", calls=changes, count=events))),
    }
