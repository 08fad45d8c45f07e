"""Definitions of 500 guests: defined, their documents asked for, undefined, one after the other by one client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..bench import Bench, beside_libvirtd, interleaved
from ..guests import Guest
from ..load import Load
from ..results import Row, Target, middle

DEFINED = 500
# So that the sides take turns often.
CHUNK = 25
STEPS = ("define", "xml", "undefine")


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.times(DEFINED, CHUNK)
    with bench.generators("qemu") as generators:
        guests = [bench.guests.make(count) for _ in generators]
        chunks = [slice(at, at + CHUNK) for at in range(0, count, CHUNK)]
        for step in STEPS:
            sides = [
                _side(load, step, [made[chunk] for chunk in chunks])
                for load, made in zip(generators, guests, strict=True)
            ]
            found = interleaved(len(chunks), sides)
            took = [middle(seconds for chunk in rounds for seconds in chunk) for rounds in found]
            yield beside_libvirtd(f"{step}, each of {count}", "s", took, Target(1.0))


def _side(load: Load, step: str, chunks: Sequence[Sequence[Guest]]) -> Callable[[], list[float]]:
    waiting = iter(chunks)

    def once() -> list[float]:
        calls = [(step, [guest.xml if step == "define" else guest.name]) for guest in next(waiting)]
        return [took for (took,) in load.ask("turns", calls=calls, count=1)]

    return once
