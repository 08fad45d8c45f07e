"""Start and end of one paused guest: PC, 128 MiB, emulated processor, no disk.

The floor is QEMU spawned by hand with the same arguments, until its monitor takes commands. Ours and libvirtd's are the
whole call, from the XML to a guest that is registered, on disk and ready to be resumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..bench import Bench, beside_libvirtd, interleaved
from ..floor import Floor
from ..load import Load
from ..results import Row, Target, middle

ROUNDS = 8
DESTROY_SECONDS = 0.05


def measure(bench: Bench) -> Iterator[Row]:
    with bench.generators("qemu") as generators:
        floor = _warm_up(bench, generators)
        sides = [partial(_start_and_destroy, bench, load) for load in generators]
        floors, *found = interleaved(bench.times(ROUNDS, 2), [partial(_floor, floor), *sides])
    starts = [middle(start for start, _ in rounds) for rounds in found]
    destroys = [middle(destroy for _, destroy in rounds) for rounds in found]
    yield Row("start paused", "s", starts[0], middle(took for took, _ in floors), "floor", Target(1.5))
    yield beside_libvirtd("start paused", "s", starts, Target(0.25))
    yield beside_libvirtd("destroy", "s", destroys, Target(DESTROY_SECONDS, ratio=False))


def _warm_up(bench: Bench, generators: list[Load]) -> Floor:
    """One start on each side, which finds out what QEMU can do; virtactord's tells how it was started."""
    guests = [bench.guests.make(1)[0] for _ in generators]
    for load, guest in zip(generators, guests, strict=True):
        load.repeat("create", guest.xml, count=1)
        load.repeat("destroy", guest.name, count=1)
    return Floor(bench.ours.guest_log(guests[0].name))


def _floor(floor: Floor) -> tuple[float, float]:
    return floor.seconds(), 0.0


def _start_and_destroy(bench: Bench, load: Load) -> tuple[float, float]:
    guest = bench.guests.make(1)[0]
    return (*load.repeat("create", guest.xml, count=1), *load.repeat("destroy", guest.name, count=1))  # type: ignore[return-value]
