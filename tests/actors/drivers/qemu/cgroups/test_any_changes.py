"""However limits came about, the kernel has those of the last change and no others."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu.cgroups import GuestGroups, Source, hierarchies
from virtactor.actors.drivers.qemu.command_line import Placement
from virtactor.actors.drivers.qemu.command_line.placement import Limit
from virtactor.actors.drivers.qemu.threads import Threads

HOST = hierarchies(Source())
PARTS = ("vcpu0", "emulator")
# Beginnings of the names of files that limits are in.
FILES = ("cpu.shares", "cpu.weight", "cpu.cfs_", "cpu.max", "memory.limit", "memory.soft", "memory.memsw.limit",
         "memory.max", "memory.high", "memory.swap.max", "blkio.throttle", "blkio.bfq.weight", "blkio.weight", "io.",
         "cpuset.mems")  # fmt: skip
READ_ONLY = (
    "stat", "io_service_bytes", "io_serviced", "recursive", "pressure", "usage_in_bytes", "max_usage", "failcnt",
    "burst", "effective",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not {"cpu", "cpuset", "memory", "blkio"} <= HOST.keys(),
    reason="only root can make control groups, where the kernel has them",
)


@st.composite
def placements(draw: st.DrawFn, partition: str = "") -> tuple[Limit, ...]:
    """Limits that fit together."""
    found: list[Limit] = []

    def maybe(what: str, values: st.SearchStrategy[int], group: str = "") -> int | None:
        value = draw(st.none() | values)
        if value is not None:
            found.append(Limit(what, value, what, group))
        return value

    maybe("shares", st.integers(2, 10000))
    maybe("weight", st.integers(10, 1000))
    for part in PARTS:
        maybe("period", st.integers(1000, 1000000), part)
        maybe("quota", st.integers(1000, 1000000), part)
    if (hard := maybe("hard_limit", st.integers(200, 400).map(lambda mib: mib << 10))) is not None:
        maybe("swap_hard_limit", st.integers(hard >> 10, 500).map(lambda mib: mib << 10))
    maybe("soft_limit", st.integers(100, 400).map(lambda mib: mib << 10))
    if draw(st.booleans()):
        found.append(Limit("mems", "0", "numatune"))
    return tuple(found)


@contextmanager
def guest(name: str, partition: str, folder: Path) -> Iterator[tuple[GuestGroups, int, Threads]]:
    groups = GuestGroups(folder / name, name)
    process = subprocess.Popen(["sleep", "1000"])
    try:
        yield groups, process.pid, Threads({}, {}, frozenset({process.pid}))
    finally:
        process.kill()
        process.wait()
        assert groups.remove()


def values(name: str, partition: str) -> dict[str, str]:
    """What all files say that limits are in, of groups that say anything."""
    found: dict[str, str] = {}
    for place in {hierarchy.base / partition.strip("/") / name for hierarchy in HOST.values()}:
        for folder, _, files in os.walk(place):
            for file in files:
                if file.startswith(FILES) and not any(word in file for word in READ_ONLY):
                    path = Path(folder) / file
                    found[str(path.relative_to(place))] = path.read_text()
    return found


def values_of_new_groups(partition: str) -> dict[str, str]:
    """What those files say in groups of the partition of which nothing was said."""
    places = [hierarchy.base / partition.strip("/") / "new" for hierarchy in set(HOST.values())]
    made = [place for place in places if place.parent.exists()]
    for place in made:
        place.mkdir()
    try:
        return values("new", partition)
    finally:
        for place in made:
            place.rmdir()


def usual(name: str) -> str | None:
    """What stands in a file of a part where nothing was said."""
    return {"cpu.cfs_period_us": "100000\n", "cpu.cfs_quota_us": "-1\n", "cpu.max": "max 100000\n"}.get(name)


def without_usual(found: Mapping[str, str | None]) -> dict[str, str | None]:
    """Without parts of which nothing is said: whether they have a group then is all the same."""
    return {file: text for file, text in found.items() if "/" not in file or text != usual(Path(file).name)}


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(placements(), min_size=1, max_size=5))
def test_any_row_of_changes_leaves_what_the_last_one_says(steps: list[tuple[Limit, ...]]) -> None:
    partition = f"/virtactor-test-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        with guest("one", partition, Path(folder)) as (groups, pid, threads):
            before = Placement()
            for step in steps:
                after = Placement(limits=step, partition=partition)
                groups.change(before, after, pid, threads)
                before = after
            changed = values("one", partition)
            with guest("other", partition, Path(folder)) as (fresh, other, others):
                fresh.enter(before, other)
                fresh.place(before, others)
                made = values("other", partition)
                untouched = values_of_new_groups(partition)
        # Groups that some earlier limit needed are there still; they say what such groups say at first.
        expected = {
            file: made.get(file, untouched.get(file)) for file in changed if file != "cpuset.mems" or file in made
        }
        assert without_usual({file: changed[file] for file in expected}) == without_usual(expected)
        assert not without_usual({file: text for file, text in made.items() if file not in changed})
    assert not any((hierarchy.base / partition.strip("/")).exists() for hierarchy in HOST.values())
