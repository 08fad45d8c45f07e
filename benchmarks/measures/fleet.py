"""Start and end of 60 paused guests from eight threads, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..bench import THREADS, Bench, beside_libvirtd, interleaved
from ..load import Load
from ..results import Row, Target, middle

GUESTS = 60
ROUNDS = 2


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.times(GUESTS, THREADS)
    with bench.generators("qemu") as generators:
        sides = [partial(_start_and_destroy, bench, load, count) for load in generators]
        found = interleaved(bench.times(ROUNDS), sides)
    starts = [middle(start for start, _ in rounds) for rounds in found]
    destroys = [middle(destroy for _, destroy in rounds) for rounds in found]
    yield beside_libvirtd(f"start {count} paused, {THREADS} threads", "s", starts, Target(0.35))
    yield beside_libvirtd(f"destroy {count}, {THREADS} threads", "s", destroys, Target(0.1))


def _start_and_destroy(bench: Bench, load: Load, count: int) -> tuple[float, float]:
    guests = bench.guests.make(count)
    started = load.ask("spread", method="create", args=[[guest.xml] for guest in guests], threads=THREADS)
    destroyed = load.ask("spread", method="destroy", args=[[guest.name] for guest in guests], threads=THREADS)
    return started, destroyed
