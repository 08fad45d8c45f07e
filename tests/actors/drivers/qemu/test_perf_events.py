"""Counters of the kernel's, for a process that computes and for guests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from virtactor.actors.drivers.qemu.perf_events import EVENTS, Counters, close_counters, open_counters
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.errors import InvalidArgument, SystemFailure

# Two threads; each computes for every line that the process is told.
PROCESS = """
import sys, threading
gates = [threading.Semaphore(0) for _ in range(2)]
done = threading.Semaphore(0)
def work(gate):
    while True:
        gate.acquire()
        sum(range(200000))
        done.release()
for gate in gates: threading.Thread(target=work, args=(gate,), daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    for gate in gates: gate.release()
    for gate in gates: done.acquire()
    print("done", flush=True)
"""


class Working:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answer()

    def answer(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline()

    def work(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.answer()


@pytest.fixture
def working() -> Iterator[Working]:
    working = Working()
    yield working
    working.process.kill()
    working.process.communicate()


@pytest.fixture
def counters() -> Iterator[Counters]:
    before = set(os.listdir("/proc/self/fd"))
    counters = Counters()
    yield counters
    counters.close()
    assert set(os.listdir("/proc/self/fd")) <= before


def counts(pid: int, event: str) -> bool:
    """Whether this host's kernel counts it."""
    try:
        opened = open_counters(pid, [event])
    except SystemFailure:
        return False
    close_counters(opened)
    return True


def test_what_all_threads_of_a_process_do_is_counted(working: Working, counters: Counters) -> None:
    pid = working.process.pid
    if not counts(pid, "task_clock"):
        pytest.skip("the kernel lets nobody count here")
    counters.add(open_counters(pid, ["task_clock", "context_switches", "page_faults"]))
    first = counters.read()
    working.work()
    second = counters.read()
    # Both threads have computed for half a millisecond at the very least.
    assert second["task_clock"] - first["task_clock"] > 1_000_000
    assert second["context_switches"] > first["context_switches"]
    assert second.keys() == counters.events == {"task_clock", "context_switches", "page_faults"}
    counters.close(["page_faults"])
    assert counters.read().keys() == {"task_clock", "context_switches"}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_counted_or_refused_by_its_name(working: Working, counters: Counters, event: str) -> None:
    refusal = ""
    try:
        counters.add(open_counters(working.process.pid, [event]))
    except SystemFailure as error:
        refusal = error.message
    assert counters.events == (frozenset() if refusal else {event})
    assert not refusal or f"unable to open host cpu perf event for {event}: " in refusal


@pytest.mark.parametrize("event", ["cmt", "mbmt", "mbml"])
def test_events_of_caches_are_refused_and_nothing_stays_open(working: Working, counters: Counters, event: str) -> None:
    countable = [each for each in ("cpu_clock",) if counts(os.getpid(), each)]
    with pytest.raises(InvalidArgument, match=f"unable to enable host cpu perf event for {event}") as refused:
        open_counters(working.process.pid, [*countable, event])
    assert refused.value.code == ErrorNumber.ARGUMENT_UNSUPPORTED
    assert counters.events == frozenset()


def test_a_counter_keeps_what_a_process_has_done_when_it_ends(working: Working, counters: Counters) -> None:
    pid = working.process.pid
    if not counts(pid, "task_clock"):
        pytest.skip("the kernel lets nobody count here")
    counters.add(open_counters(pid, ["task_clock"]))
    working.work()
    working.process.kill()
    working.process.wait()
    assert counters.read()["task_clock"] > 0
