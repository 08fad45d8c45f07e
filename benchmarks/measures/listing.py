"""Wall time of the command that lists domains, ten of them defined: `virtactor list` and `virsh list`, warm."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from ..bench import Bench, beside_libvirtd, interleaved
from ..results import Row, Target, middle

DEFINED = 10
ROUNDS = 15
SECONDS = 0.15


def measure(bench: Bench) -> Iterator[Row]:
    with ExitStack() as stack:
        for daemon in bench.daemons:
            stack.enter_context(bench.defined(daemon, DEFINED))
        sides = [partial(_wall_time, [*daemon.lister(), "--all"]) for daemon in bench.daemons]
        interleaved(2, sides)
        found = interleaved(bench.times(ROUNDS, 3), sides)
    yield beside_libvirtd("list command", "s", [middle(each) for each in found], Target(SECONDS, ratio=False))


def _wall_time(command: Sequence[str]) -> float:
    # Warm means that the bytecode is there, also where the surroundings forbid to keep it.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    return time.perf_counter() - began
