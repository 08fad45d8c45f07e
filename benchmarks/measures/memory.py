"""The daemon's memory (PSS) for each guest: paused ones of QEMU, and ones that are only defined.

Daemons of its own: one that has served before would give new guests the memory that old ones left.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench, beside_libvirtd
from ..daemons import Daemon
from ..processes import memory
from ..results import Row, Target

RUNNING = 40
DEFINED = 1000
RUNNING_BYTES = 1.5 * (1 << 20)
DEFINED_BYTES = 50 * (1 << 10)


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.times(RUNNING, 4)
    with bench.fresh() as daemons:
        running = [_for_each_running(bench, daemon, count) for daemon in daemons]
    yield beside_libvirtd("memory for each running guest", "B", running, Target(RUNNING_BYTES, ratio=False))
    count = bench.times(DEFINED, 100)
    with bench.fresh() as daemons:
        defined = [_for_each_defined(bench, daemon, count) for daemon in daemons]
    yield beside_libvirtd("memory for each defined guest", "B", defined, Target(DEFINED_BYTES, ratio=False))


def _for_each_running(bench: Bench, daemon: Daemon, count: int) -> float:
    # The first ones take what is taken once.
    with bench.running(daemon, 2):
        before = memory(daemon.pid)
        with bench.running(daemon, count):
            return (memory(daemon.pid) - before) / count


def _for_each_defined(bench: Bench, daemon: Daemon, count: int) -> float:
    with bench.defined(daemon, 2):
        before = memory(daemon.pid)
        with bench.defined(daemon, count):
            return (memory(daemon.pid) - before) / count
