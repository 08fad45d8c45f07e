"""Round trip of get-hostname on the test driver, one client."""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench, beside_libvirtd, round_trips
from ..results import Row, Target, middle, percentile


def measure(bench: Bench) -> Iterator[Row]:
    found = round_trips(bench, [daemon.generator("test") for daemon in bench.daemons])
    for percent, target in ((50, Target(0.5)), (99, None)):
        values = [middle(percentile(trips, percent) for trips in rounds) for rounds in found]
        yield beside_libvirtd(f"get-hostname, p{percent}", "s", values, target)
