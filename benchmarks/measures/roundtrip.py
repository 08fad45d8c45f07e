"""Round trip of get-hostname on the test driver, one client."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..bench import Bench, beside_libvirtd, interleaved
from ..results import Row, Target, middle, percentile

ROUNDS = 12
CALLS = 500


def measure(bench: Bench) -> Iterator[Row]:
    with bench.generators("test") as generators:
        sides = [partial(load.repeat, "hostname", count=CALLS) for load in generators]
        interleaved(1, sides)
        found = interleaved(bench.times(ROUNDS), sides)
    for percent, target in ((50, Target(0.5)), (99, None)):
        values = [middle(percentile(trips, percent) for trips in rounds) for rounds in found]
        yield beside_libvirtd(f"get-hostname, p{percent}", "s", values, target)
