"""Calls per second of eight client processes, get-hostname on the test driver.

Once with each side's own client library, where the clients take their share of the processors, and once with the least
clients possible, which leaves what the daemons can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..bench import Bench, beside_libvirtd, interleaved
from ..load import loads, together
from ..results import Row, Target, middle

CLIENTS = 8
ROUNDS = 4
SECONDS = 1.5
WARM_UP = 0.3


def measure(bench: Bench) -> Iterator[Row]:
    libraries = [daemon.generator("test") for daemon in bench.daemons]
    yield _row(bench, "calls/s, 8 clients, own library", libraries, Target(2.5, at_least=True))
    yield _row(bench, "calls/s, 8 clients, least client", [daemon.raw_generator() for daemon in bench.daemons])


def _row(bench: Bench, what: str, commands: Sequence[Sequence[str]], target: Target | None = None) -> Row:
    sides = [partial(_calls_per_second, command, bench.effort) for command in commands]
    rates = interleaved(bench.times(ROUNDS), sides)
    return beside_libvirtd(what, "/s", [middle(found) for found in rates], target)


def _calls_per_second(command: Sequence[str], effort: float) -> float:
    with loads(command, CLIENTS) as generators:
        together(generators, "hostname", WARM_UP)
        return together(generators, "hostname", SECONDS * effort)
