"""Each library on the other side's daemon, get-hostname on the test driver: what libvirt's own lane costs at both ends.

libvirt-python on virtactord beside libvirt-python on libvirtd, and our client on libvirtd beside libvirt-python there.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench, call_rates, round_trips
from ..daemons import libvirts_library, our_library
from ..results import Row, Target, middle, percentile


def measure(bench: Bench) -> Iterator[Row]:
    if bench.libvirtd is None:
        return
    theirs, ours = bench.libvirtd.uri("test"), bench.ours.uri("test")
    crossed, plain, client = (
        middle(percentile(trips, 50) for trips in rounds)
        for rounds in round_trips(bench, [libvirts_library(ours), libvirts_library(theirs), our_library(theirs)])
    )
    yield Row("libvirt-python on virtactord, p50", "s", crossed, plain, "on libvirtd", Target(0.9))
    yield Row("our client on libvirtd, p50", "s", client, plain, "libvirt-python", Target(0.8))
    crossed, plain = call_rates(bench, [libvirts_library(ours), libvirts_library(theirs)])
    target = Target(1.3, at_least=True)
    yield Row("libvirt-python on virtactord, 8 clients", "/s", crossed, plain, "on libvirtd", target)
