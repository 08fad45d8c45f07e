"""All figures (virConnectGetAllDomainStats) of 60 paused guests: one call, every group, each side's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from ..bench import Bench, beside_libvirtd, interleaved
from ..load import Load
from ..results import Row, Target, middle

GUESTS = 60
ROUNDS = 8
CALLS = 3


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.times(GUESTS, 10)
    with ExitStack() as stack:
        for daemon in bench.daemons:
            stack.enter_context(bench.running(daemon, count))
        generators = stack.enter_context(bench.generators("qemu"))
        sides = [partial(_seconds, load) for load in generators]
        interleaved(1, sides)
        found = interleaved(bench.times(ROUNDS), sides)
    took = [middle(rounds) for rounds in found]
    yield beside_libvirtd(f"all figures of {count} paused guests", "s", took, Target(0.3))


def _seconds(load: Load) -> float:
    return middle(load.repeat("statistics", count=CALLS))
