"""A process in the control groups of this host, of whichever version they are: limited, changed, set free, removed.

`test_version_2.py` runs this file again on a kernel of its own that has version 2 alone.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.cgroups import GuestGroups, Source, hierarchies
from virtactor.actors.drivers.qemu.cgroups.guest_groups import MARK
from virtactor.actors.drivers.qemu.command_line import Placement
from virtactor.actors.drivers.qemu.command_line.placement import Limit
from virtactor.actors.drivers.qemu.threads import Threads, threads_of
from virtactor.wire.errors import UnsupportedConfig

HOST = hierarchies(Source())
# A process with two threads beside its first.
PROCESS = """
import threading
threads = [threading.Thread(target=input if each else threading.Event().wait, daemon=True) for each in range(2)]
for thread in threads: thread.start()
print("ready", flush=True)
threads[1].join()
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not {"cpu", "cpuset", "memory"} <= HOST.keys(),
    reason="only root can make control groups, where the kernel has them",
)


def version(controller: str) -> int:
    return HOST[controller].version


@pytest.fixture
def partition() -> Iterator[str]:
    """A partition of this test's own; it must be gone when the guest's groups are."""
    name = f"virtactor-test-{uuid.uuid4().hex[:8]}"
    yield f"/{name}"
    left = [path for path in places(name) if path.exists()]
    for path in left:
        for each in sorted((Path(folder) for folder, _, _ in os.walk(path)), reverse=True):
            each.rmdir()
    assert not left


def places(partition: str) -> list[Path]:
    return [hierarchy.base / partition.strip("/") for hierarchy in set(HOST.values())]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    yield started
    started.kill()
    started.communicate()


@pytest.fixture
def threads(process: subprocess.Popen[bytes]) -> Threads:
    """Its first thread is the emulator, the others are processors."""
    first, *others = sorted(threads_of(process.pid))
    return Threads(dict(enumerate(others)), {}, frozenset({first}))


@pytest.fixture
def groups(process: subprocess.Popen[bytes], partition: str, tmp_path: Path) -> Iterator[GuestGroups]:
    groups = GuestGroups(tmp_path / "note", "guest")
    yield groups
    process.kill()
    process.wait()
    assert groups.remove()
    assert not (tmp_path / "note").exists()


@pytest.fixture
def value(partition: str) -> Callable[[str, str], str]:
    def value(controller: str, file: str) -> str:
        """What a file of the guest's group says."""
        return (HOST[controller].base / partition[1:] / "guest" / file).read_text().strip()

    return value


def limits(*given: Limit, partition: str) -> Placement:
    return Placement(limits=given, partition=partition)


GUESTS = (
    Limit("shares", 300, "shares"),
    Limit("quota", 95000, "global bandwidth"),
    Limit("hard_limit", 900 << 10, "hard_limit"),
    Limit("soft_limit", 700 << 10, "soft_limit"),
    Limit("mems", "0", "numatune"),
)


def test_a_guests_limits_are_set_before_it_is_in_its_groups(groups, process, partition, value) -> None:
    groups.enter(limits(*GUESTS, partition=partition), process.pid)

    if version("cpu") == 2:
        assert value("cpu", "cpu.weight") == "300"
        assert value("cpu", "cpu.max") == "95000 100000"
    else:
        assert value("cpu", "cpu.shares") == "300"
        assert value("cpu", "cpu.cfs_quota_us") == "95000"
    if version("memory") == 2:
        assert value("memory", "memory.max") == str(900 << 20)
        assert value("memory", "memory.high") == str(700 << 20)
    else:
        assert value("memory", "memory.limit_in_bytes") == str(900 << 20)
        assert value("memory", "memory.soft_limit_in_bytes") == str(700 << 20)
    assert value("cpuset", "cpuset.mems") == "0"
    for controller in ("cpu", "memory", "cpuset"):
        assert value(controller, "cgroup.procs").split() == [str(process.pid)]


def test_memory_with_swap_is_limited(groups, process, partition, value) -> None:
    wanted = (Limit("hard_limit", 4096, "hard_limit"), Limit("swap_hard_limit", 12288, "swap_hard_limit"))
    groups.enter(limits(*wanted, partition=partition), process.pid)
    file, amount = ("memory.swap.max", 8 << 20) if version("memory") == 2 else ("memory.memsw.limit_in_bytes", 12 << 20)
    assert value("memory", file) == str(amount)


def test_both_limits_of_memory_can_rise_and_fall_at_once(groups, process, threads, partition, value) -> None:
    def wanted(hard: int, swap: int) -> Placement:
        given = (Limit("hard_limit", hard << 10, "hard_limit"), Limit("swap_hard_limit", swap << 10, "swap_hard_limit"))
        return limits(*given, partition=partition)

    file = "memory.max" if version("memory") == 2 else "memory.limit_in_bytes"
    low, high = wanted(100, 150), wanted(500, 600)
    groups.enter(low, process.pid)
    groups.change(low, high, process.pid, threads)
    assert value("memory", file) == str(500 << 20)
    groups.change(high, low, process.pid, threads)
    assert value("memory", file) == str(100 << 20)


PARTS = (
    Limit("quota", 30000, "vcpu bandwidth", "vcpu0"),
    Limit("period", 50000, "vcpu bandwidth", "vcpu0"),
    Limit("quota", 90000, "emulator bandwidth", "emulator"),
)


def test_threads_have_limits_of_their_own(groups, process, threads, partition, value) -> None:
    placement = limits(*GUESTS, *PARTS, partition=partition)
    groups.enter(placement, process.pid)
    groups.place(placement, threads)

    if version("cpu") == 2:
        assert value("cpu", "vcpu0/cpu.max") == "30000 50000"
        assert value("cpu", "emulator/cpu.max") == "90000 100000"
        assert value("cpu", "vcpu0/cgroup.threads").split() == [str(threads.vcpus[0])]
        assert value("cpu", "cgroup.type") == "domain threaded"
        assert value("memory", "memory.max") == str(900 << 20)
    else:
        assert value("cpu", "vcpu0/cpu.cfs_quota_us") == "30000"
        assert value("cpu", "vcpu0/cpu.cfs_period_us") == "50000"
        assert value("cpu", "vcpu0/tasks").split() == [str(threads.vcpus[0])]
        assert value("cpu", "emulator/tasks").split() == [str(process.pid)]


def test_what_is_limited_no_more_is_set_free(groups, process, threads, partition, value) -> None:
    before, after = limits(*GUESTS, *PARTS, partition=partition), limits(partition=partition)
    groups.enter(before, process.pid)
    groups.place(before, threads)
    groups.change(before, after, process.pid, threads)

    if version("cpu") == 2:
        assert value("cpu", "cpu.weight") == "100"
        assert value("cpu", "cpu.max") == "max 100000"
        assert value("cpu", "vcpu0/cpu.max") == "max 100000"
        assert value("memory", "memory.max") == "max"
        assert value("memory", "memory.high") == "max"
    else:
        assert value("cpu", "cpu.shares") == "1024"
        assert value("cpu", "cpu.cfs_quota_us") == "-1"
        assert value("cpu", "vcpu0/cpu.cfs_quota_us") == "-1"
        assert int(value("memory", "memory.limit_in_bytes")) > 1 << 60
        assert int(value("memory", "memory.soft_limit_in_bytes")) > 1 << 60
    assert value("cpuset", "cpuset.mems") == "0"


def test_a_guest_without_groups_gets_some_while_it_runs(groups, process, threads, partition, value) -> None:
    wanted = limits(*GUESTS, *PARTS, partition=partition)
    groups.change(Placement(), wanted, process.pid, threads)
    assert value("memory", "cgroup.procs").split() == [str(process.pid)]
    more = limits(*GUESTS, *PARTS, Limit("period", 99000, "emulator bandwidth", "emulator"), partition=partition)
    groups.change(wanted, more, process.pid, threads)
    file, text = ("cpu.max", "90000 99000") if version("cpu") == 2 else ("cpu.cfs_period_us", "99000")
    assert value("cpu", f"emulator/{file}") == text


def test_the_guests_bandwidth_and_that_of_its_parts_fall_and_rise_together(
    groups, process, threads, partition, value
) -> None:
    """The kernel wants a part of version 1 to have no more than the whole at any time."""

    def wanted(quota: int) -> Placement:
        parts = (Limit("quota", quota, f"{part} bandwidth", part) for part in ("", "vcpu0", "emulator"))
        return limits(*parts, partition=partition)

    file, text = ("cpu.max", "{} 100000") if version("cpu") == 2 else ("cpu.cfs_quota_us", "{}")
    groups.enter(wanted(80000), process.pid)
    groups.place(wanted(80000), threads)
    for old, new in ((80000, 20000), (20000, 90000)):
        groups.change(wanted(old), wanted(new), process.pid, threads)
        assert value("cpu", f"vcpu0/{file}") == value("cpu", file) == text.format(new)


def test_a_change_that_is_refused_leaves_what_was(groups, process, threads, partition, value) -> None:
    before = limits(Limit("shares", 300, "shares"), Limit("quota", 50000, "bandwidth", "vcpu0"), partition=partition)
    after = limits(
        Limit("shares", 500, "shares"), Limit("mems", "700", "numatune"), Limit("quota", 9000, "bandwidth", "vcpu0"),
        partition=partition,
    )  # fmt: skip
    groups.enter(before, process.pid)
    groups.place(before, threads)
    with pytest.raises(UnsupportedConfig, match="numatune: this host's control groups refuse it"):
        groups.change(before, after, process.pid, threads)
    assert value("cpu", "cpu.weight" if version("cpu") == 2 else "cpu.shares") == "300"
    file, text = ("cpu.max", "50000 100000") if version("cpu") == 2 else ("cpu.cfs_quota_us", "50000")
    assert value("cpu", f"vcpu0/{file}") == text


def test_a_guest_gets_controllers_that_it_did_not_need_before(groups, process, threads, partition, value) -> None:
    little = limits(Limit("shares", 300, "shares"), *PARTS, partition=partition)
    groups.enter(little, process.pid)
    groups.place(little, threads)
    groups.change(little, limits(*GUESTS, *PARTS, partition=partition), process.pid, threads)
    assert value("cpuset", "cpuset.mems") == "0"
    file = "memory.max" if version("memory") == 2 else "memory.limit_in_bytes"
    assert value("memory", file) == str(900 << 20)
    assert value("memory", "cgroup.procs").split() == [str(process.pid)]


def test_a_part_that_is_gone_loses_its_group(groups, process, threads, partition) -> None:
    before = limits(Limit("quota", 50000, "bandwidth", "iothread3"), partition=partition)
    groups.enter(before, process.pid)
    groups.place(before, threads)
    part = HOST["cpu"].base / partition[1:] / "guest/iothread3"
    assert part.is_dir()
    groups.change(before, limits(partition=partition), process.pid, threads)
    assert not part.exists()


def test_a_disk_of_the_hosts_is_throttled(groups, process, threads, partition, value) -> None:
    disk = next((f"/dev/{each}" for each in ("vda", "sda", "nvme0n1") if Path(f"/dev/{each}").exists()), None)
    if disk is None or "blkio" not in HOST:
        pytest.skip("there is no disk here")
    found = os.stat(disk).st_rdev
    numbers = f"{os.major(found)}:{os.minor(found)}"
    reads, writes = Limit("read_iops", 50, "read", device=disk), Limit("write_bytes", 1 << 20, "write", device=disk)
    before, after = limits(reads, writes, partition=partition), limits(writes, partition=partition)
    groups.enter(before, process.pid)
    if version("blkio") == 2:
        assert value("blkio", "io.max") == f"{numbers} rbps=max wbps=1048576 riops=50 wiops=max"
    else:
        assert value("blkio", "blkio.throttle.read_iops_device") == f"{numbers} 50"
        assert value("blkio", "blkio.throttle.write_bps_device") == f"{numbers} 1048576"
    groups.change(before, after, process.pid, threads)
    if version("blkio") == 2:
        assert value("blkio", "io.max") == f"{numbers} rbps=max wbps=1048576 riops=max wiops=max"
    else:
        assert value("blkio", "blkio.throttle.read_iops_device") == ""


def test_its_weight_for_disks_is_set_and_reset(groups, process, threads, partition, value) -> None:
    if "blkio" not in HOST:
        pytest.skip("there is no such controller here")
    before, after = limits(Limit("weight", 300, "weight"), partition=partition), limits(partition=partition)
    groups.enter(before, process.pid)
    group = HOST["blkio"].base / partition[1:] / "guest"
    files = [
        path for path in group.iterdir() if path.name.endswith((".weight", "io.weight")) and "cpu" not in path.name
    ]
    assert files
    assert {path.read_text().split()[-1] for path in files} == {"300"}
    groups.change(before, after, process.pid, threads)
    assert {path.read_text().split()[-1] for path in files} == {"100"}


def test_what_is_no_disk_is_refused_by_name(groups, process, partition) -> None:
    with pytest.raises(UnsupportedConfig, match=r"blkiotune /dev/null: .*/dev/null is no block device"):
        groups.enter(
            limits(Limit("read_iops", 5, "blkiotune /dev/null", device="/dev/null"), partition=partition), process.pid
        )


def test_a_partition_that_others_use_stays_and_one_that_was_there_too(process, partition, tmp_path) -> None:
    wanted = limits(Limit("shares", 300, "shares"), partition=f"{partition}/inner")
    (HOST["cpu"].base / partition[1:]).mkdir()
    one, other = (GuestGroups(tmp_path / name, name) for name in ("one", "other"))
    one.enter(wanted, process.pid)
    other.enter(wanted, process.pid)
    assert one.remove()
    inner = HOST["cpu"].base / partition[1:] / "inner"
    assert os.getxattr(inner, MARK)
    process.kill()
    process.wait()
    assert other.remove()
    assert not inner.exists()
    for path in places(partition):
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()


def test_groups_with_a_process_are_not_forgotten(groups, process, partition, tmp_path) -> None:
    groups.enter(limits(Limit("shares", 300, "shares"), partition=partition), process.pid)
    assert not groups.remove()
    assert (tmp_path / "note").exists()


def test_time_is_told_by_processor_where_the_kernel_counts_it(groups, process, threads, partition) -> None:
    placement = limits(Limit("shares", 300, "shares"), partition=partition)
    assert groups.processor_times() is None
    groups.enter(placement, process.pid)
    groups.place(placement, threads)
    times = groups.processor_times()
    if version("cpu") == 2:
        assert times is None
    else:
        assert times is not None
        assert len(times) >= (os.cpu_count() or 1)
        assert all(0 <= each.vcpus <= each.total for each in times)
