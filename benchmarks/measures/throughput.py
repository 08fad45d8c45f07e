"""Calls per second of eight client processes, get-hostname on the test driver.

Once with each side's own client library, where the clients take their share of the processors, and once with the least
clients possible, which leaves what the daemons can do.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..bench import Bench, beside_libvirtd, call_rates
from ..results import Row, Target


def measure(bench: Bench) -> Iterator[Row]:
    libraries = call_rates(bench, [daemon.generator("test") for daemon in bench.daemons])
    yield beside_libvirtd("calls/s, 8 clients, own library", "/s", libraries, Target(2.5, at_least=True))
    least = call_rates(bench, [daemon.raw_generator() for daemon in bench.daemons])
    yield beside_libvirtd("calls/s, 8 clients, least client", "/s", least)
