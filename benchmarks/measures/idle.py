"""What an idle daemon does in ten seconds with 60 paused guests and no client."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..bench import THREADS, Bench, beside_libvirtd
from ..daemons import Daemon
from ..processes import Activity, activity
from ..results import Row, Target

GUESTS = 60
SETTLE_SECONDS = 1.0
SECONDS = 10.0


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.times(GUESTS, THREADS)
    found = [_idle(bench, daemon, count) for daemon in bench.daemons]
    switches = [float(each.switches) for each in found]
    yield beside_libvirtd(f"switches to it in 10 s, {count} guests", "", switches, Target(0, ratio=False))
    seconds = [each.seconds for each in found]
    yield beside_libvirtd(f"processor time in 10 s, {count} guests", "s", seconds, Target(0, ratio=False))


def _idle(bench: Bench, daemon: Daemon, count: int) -> Activity:
    with bench.running(daemon, count):
        time.sleep(SETTLE_SECONDS)
        before = activity(daemon.pid)
        time.sleep(SECONDS)
        after = activity(daemon.pid)
    return Activity(after.switches - before.switches, after.seconds - before.seconds)
