"""What guests get of the host, changed while they run: seen in the control groups and threads of real QEMUs.

The numbers that are told of what was never set are those that libvirtd 9.0 tells on the same kernel.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.cgroups import Source, hierarchies
from virtactor.client import Domain, DomainState, Host, InvalidArgument, OperationInvalid, UnsupportedConfig, VirtError
from virtactor.wire.enums.domain_tuning import DomainStatsTypes
from virtactor.wire.table import ROWS

from .guests import plain
from .virtactord import Virtactord, in_thread, wait_until

HOST = hierarchies(Source())
VERSION_1 = os.geteuid() == 0 and all(
    name in HOST and HOST[name].version == 1 for name in ("cpu", "cpuacct", "cpuset", "memory", "blkio")
)
UNLIMITED = 9007199254740991
KIB = 1024

needs_groups = pytest.mark.skipif(not VERSION_1, reason="these look into control groups of version 1, as root")
Limited = Callable[..., Domain]
Value = Callable[[str, str], str]


@pytest.fixture
def partition() -> Iterator[str]:
    """A partition of this test's own, which must be gone after it."""
    name = f"virtactor-test-{uuid.uuid4().hex[:8]}"
    yield name
    places = {hierarchy.base / name for hierarchy in HOST.values()}
    left = [each for each in places if each.exists()]
    for place in left:
        for folder in sorted((Path(folder) for folder, _, _ in os.walk(place)), reverse=True):
            folder.rmdir()
    assert not left


@pytest.fixture
def start(host: Host, partition: str) -> Iterator[Limited]:
    """Define and start a guest in the partition, which is destroyed before that is looked at."""
    started: list[Domain] = []

    def start(more: str = "", name: str = "g") -> Domain:
        more += f"<resource><partition>/{partition}</partition></resource>"
        domain = host.domains.define(plain(name, more=more))
        started.append(domain)
        domain.start(paused=True)
        return domain

    yield start
    for domain in started:
        if is_active(domain):
            domain.destroy()


def is_active(domain: Domain) -> bool:
    return domain.state()[0] is not DomainState.SHUTOFF


def group_of(domain: Domain, partition: str, controller: str) -> Path:
    return HOST[controller].base / partition / f"virtactor-{domain.uuid}"


@pytest.fixture
def value(host: Host, partition: str) -> Value:
    """What a file of the guest's group says, as in value("cpu", "vcpu0/tasks")."""

    def value(controller: str, file: str) -> str:
        return (group_of(host.domains["g"], partition, controller) / file).read_text().strip()

    return value


# -- limits ------------------------------------------------------------------------------------------------------------


@needs_groups
def test_a_scheduler_is_changed_live_and_set_free_again(start: Limited, value: Value) -> None:
    tuning = start("<vcpu>2</vcpu><iothreads>1</iothreads>").tuning
    usual = {"cpu_shares": 1024}
    for thread in ("vcpu", "emulator", "global", "iothread"):
        usual |= {f"{thread}_period": 100000, f"{thread}_quota": -1}
    assert tuning.scheduler(live=True) == usual
    assert set(tuning.scheduler(config=True).values()) == {0}

    tuning.set_scheduler({"cpu_shares": 512, "vcpu_quota": 20000, "iothread_period": 50000}, live=True)
    assert tuning.scheduler(live=True) == usual | {"cpu_shares": 512, "vcpu_quota": 20000, "iothread_period": 50000}
    assert value("cpu", "cpu.shares") == "512"
    assert value("cpu", "vcpu1/cpu.cfs_quota_us") == "20000"
    assert value("cpu", "iothread1/cpu.cfs_period_us") == "50000"

    tuning.set_scheduler({"cpu_shares": 0, "vcpu_quota": 0}, live=True)
    assert tuning.scheduler(live=True) == usual | {"iothread_period": 50000}
    assert value("cpu", "cpu.shares") == "1024"
    assert value("cpu", "vcpu1/cpu.cfs_quota_us") == "-1"
    tuning.set_scheduler({"vcpu_quota": 30000}, live=True)
    tuning.set_scheduler({"vcpu_quota": -1}, live=True)
    assert value("cpu", "vcpu0/cpu.cfs_quota_us") == "-1"
    assert set(tuning.scheduler(config=True).values()) == {0}


@needs_groups
def test_live_config_and_current_are_told_apart(start: Limited, value: Value) -> None:
    domain = start()
    domain.tuning.set_scheduler({"cpu_shares": 300}, config=True)
    assert value("cpu", "cpu.shares") == "1024"
    domain.tuning.set_scheduler({"cpu_shares": 400})
    assert value("cpu", "cpu.shares") == "400"
    assert domain.tuning.scheduler(config=True)["cpu_shares"] == 300
    domain.tuning.set_scheduler({"cpu_shares": 500}, live=True, config=True)
    assert (value("cpu", "cpu.shares"), domain.tuning.scheduler(config=True)["cpu_shares"]) == ("500", 500)
    domain.destroy()
    domain.tuning.set_scheduler({"cpu_shares": 600})
    domain.start(paused=True)
    assert value("cpu", "cpu.shares") == "600"


@needs_groups
def test_what_the_kernel_refuses_changes_nothing(start: Limited, value: Value) -> None:
    tuning = start().tuning
    tuning.set_scheduler({"global_quota": 30000}, live=True)
    with pytest.raises(UnsupportedConfig, match="cputune vcpu bandwidth: this host's control groups refuse it"):
        tuning.set_scheduler({"cpu_shares": 900, "vcpu_quota": 60000}, live=True)
    assert value("cpu", "cpu.shares") == "1024"
    assert tuning.scheduler(live=True)["vcpu_quota"] == -1
    with pytest.raises(UnsupportedConfig, match="cputune shares: 1"):
        tuning.set_scheduler({"cpu_shares": 1}, live=True)


@needs_groups
def test_memory_is_limited_live_and_set_free_again(start: Limited, value: Value) -> None:
    memory = start().memory
    assert set(memory.parameters(live=True).values()) == {UNLIMITED}
    memory.set_parameters({"hard_limit": 600000, "swap_hard_limit": 700000, "soft_limit": 500000}, live=True)
    assert memory.parameters(live=True) == {"hard_limit": 600000, "soft_limit": 500000, "swap_hard_limit": 700000}
    assert value("memory", "memory.limit_in_bytes") == str(600000 * KIB)
    assert value("memory", "memory.soft_limit_in_bytes") == str(500000 * KIB)
    assert value("memory", "memory.memsw.limit_in_bytes") == str(700000 * KIB)
    memory.set_parameters(dict.fromkeys(("hard_limit", "soft_limit", "swap_hard_limit"), UNLIMITED), live=True)
    assert set(memory.parameters(live=True).values()) == {UNLIMITED}
    for file in ("memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes"):
        assert int(value("memory", file)) > 1 << 60
    assert set(memory.parameters(config=True).values()) == {UNLIMITED}


@needs_groups
def test_block_devices_are_limited_live_and_set_free_again(start: Limited, value: Value) -> None:
    disk = next((each for each in ("/dev/vda", "/dev/sda", "/dev/nvme0n1") if Path(each).exists()), None)
    if disk is None:
        pytest.skip("there is no disk here")
    tuning = start().tuning
    assert tuning.block(live=True)["weight"] == 100
    assert tuning.block(config=True)["weight"] == 0
    tuning.set_block({"device_read_iops_sec": f"{disk},500", "device_write_bytes_sec": f"{disk},1048576"}, live=True)
    assert tuning.block(live=True)["device_read_iops_sec"] == f"{disk},500"
    numbers = os.stat(disk).st_rdev
    name = f"{os.major(numbers)}:{os.minor(numbers)}"
    assert value("blkio", "blkio.throttle.read_iops_device") == f"{name} 500"
    tuning.set_block({"device_read_iops_sec": f"{disk},0"}, live=True)
    assert value("blkio", "blkio.throttle.read_iops_device") == ""
    assert value("blkio", "blkio.throttle.write_bps_device") == f"{name} 1048576"
    assert tuning.block(live=True)["device_read_iops_sec"] == ""
    for path, reason in (("/dev/null", "no block device"), ("/dev/nosuch", "No such file")):
        with pytest.raises(UnsupportedConfig, match=f"blkiotune {path}: .*{reason}"):
            tuning.set_block({"device_read_iops_sec": f"{path},5"}, live=True)


@needs_groups
def test_its_weight_for_disks_changes_live(start: Limited, partition: str) -> None:
    domain = start()
    domain.tuning.set_block({"weight": 300}, live=True)
    group = group_of(domain, partition, "blkio")
    weights = [file for file in (group / "blkio.weight", group / "blkio.bfq.weight") if file.exists()]
    assert weights
    assert [file.read_text().split()[-1] for file in weights] == ["300"] * len(weights)
    assert domain.tuning.block(live=True)["weight"] == 300


@needs_groups
def test_memory_is_kept_on_other_nodes_while_nothing_else_holds_it(start: Limited, value: Value) -> None:
    memory = start().memory
    with pytest.raises(UnsupportedConfig, match="numatune: this host's control groups refuse it"):
        memory.set_numa(nodeset="700", live=True)
    memory.set_numa(nodeset="0", live=True)
    assert value("cpuset", "cpuset.mems") == "0"
    assert memory.numa(live=True).nodeset == "0"
    # QEMU holds what is strict.
    with pytest.raises(OperationInvalid, match="requires restrictive numa mode"):
        memory.set_numa(nodeset="0-1", live=True)


@needs_groups
def test_restrictive_nodes_are_those_of_the_group(start: Limited, value: Value) -> None:
    memory = start("<numatune><memory mode='restrictive' nodeset='0'/></numatune>").memory
    assert value("cpuset", "cpuset.mems") == "0"
    with pytest.raises(UnsupportedConfig, match="numatune"):
        memory.set_numa(nodeset="0,700", live=True)
    assert value("cpuset", "cpuset.mems") == "0"


# -- threads -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is only one processor to pin to")
def test_all_kinds_of_threads_are_pinned_live_and_in_the_definition(start: Limited, shared: Virtactord) -> None:
    domain = start("<vcpu>2</vcpu><iothreads>1</iothreads>")
    domain.vcpus.pin(1, [1], live=True)
    domain.vcpus.pin_emulator([0], live=True)
    domain.iothreads.pin(1, [1], live=True, config=True)
    pid = shared.qemu_of(domain.uuid)
    known = {(each / "comm").read_text().strip(): int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()}
    assert os.sched_getaffinity(known["CPU 1/TCG"]) == {1}
    assert os.sched_getaffinity(known["IO iothread1"]) == {1}
    assert os.sched_getaffinity(pid or 0) == {0}
    assert domain.vcpus.pins(live=True)[1] == {1}
    assert domain.vcpus.pins(config=True)[1] == set(range(os.cpu_count() or 1))
    assert domain.iothreads.list(config=True)[0].affinity == {1}


@needs_groups
def test_threads_that_come_later_are_limited_too(start: Limited, partition: str, value: Value) -> None:
    limits = """<cputune><quota>40000</quota><iothread_quota>50000</iothread_quota>
        <emulator_quota>60000</emulator_quota><vcpupin vcpu='1' cpuset='0'/></cputune>"""
    domain = start(f"<vcpu current='1'>2</vcpu><iothreads>1</iothreads>{limits}")
    assert value("cpu", "vcpu1/tasks") == ""
    domain.vcpus.set_count(2, live=True)
    domain.iothreads.add(5, live=True)
    (vcpu,) = value("cpu", "vcpu1/tasks").split()
    assert os.sched_getaffinity(int(vcpu)) == {0}
    assert value("cpu", "iothread5/cpu.cfs_quota_us") == "50000"
    (iothread,) = value("cpu", "iothread5/tasks").split()
    assert iothread not in value("cpu", "emulator/tasks").split()
    domain.iothreads.delete(5, live=True)
    assert not (group_of(domain, partition, "cpu") / "iothread5").exists()


# -- who looks after them ----------------------------------------------------------------------------------------------

LIMITS = "<cputune><shares>300</shares><quota>50000</quota></cputune><memtune><hard_limit>900000</hard_limit></memtune>"


@needs_groups
def test_a_later_daemon_changes_and_removes_groups(
    host: Host, shared: Virtactord, start: Limited, partition: str, value: Value
) -> None:
    domain = start(LIMITS)
    domain.tuning.set_scheduler({"emulator_quota": 70000}, live=True)
    shared.kill()
    shared.start()
    with shared.connect() as later:
        again = later.domains["g"]
        assert again.tuning.scheduler(live=True)["emulator_quota"] == 70000
        again.tuning.set_scheduler({"emulator_quota": 0, "cpu_shares": 0}, live=True)
        assert value_of(again, partition, "emulator/cpu.cfs_quota_us") == "-1"
        assert value_of(again, partition, "cpu.shares") == "1024"
        group = group_of(again, partition, "memory")
        assert group.is_dir()
        again.destroy()
        assert not group.exists()


def value_of(domain: Domain, partition: str, file: str) -> str:
    return (group_of(domain, partition, "cpu") / file).read_text().strip()


@needs_groups
def test_groups_are_gone_after_a_guest_was_killed(start: Limited, shared: Virtactord, partition: str) -> None:
    domain = start(LIMITS)
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_active(domain))
    assert not any((hierarchy.base / partition).exists() for hierarchy in HOST.values())


@needs_groups
def test_groups_are_gone_after_a_guest_was_killed_while_nobody_watched(
    start: Limited, shared: Virtactord, partition: str
) -> None:
    domain = start(LIMITS)
    uuid = domain.uuid
    pid = shared.qemu_of(uuid)
    assert pid is not None
    shared.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: shared.qemu_of(uuid) is None)
    shared.start()
    with shared.connect() as later:
        wait_until(lambda: not is_active(later.domains["g"]))
        assert not any((hierarchy.base / partition).exists() for hierarchy in HOST.values())
        assert shared.files_of(uuid) == []


@needs_groups
def test_a_start_that_fails_leaves_no_groups(start: Limited, host: Host, partition: str) -> None:
    with pytest.raises(UnsupportedConfig, match="blkiotune /dev/null"):
        start(LIMITS + "<blkiotune><device><path>/dev/null</path><read_iops_sec>5</read_iops_sec></device></blkiotune>")
    assert not any((hierarchy.base / partition).exists() for hierarchy in HOST.values())


@needs_groups
def test_many_guests_share_a_partition(start: Limited, partition: str) -> None:
    domains = [start(LIMITS, f"g{number}") for number in range(4)]
    ending = [in_thread(domain.destroy) for domain in domains]
    for each in ending:
        each.result(60)
    assert not any((hierarchy.base / partition).exists() for hierarchy in HOST.values())


# -- figures -----------------------------------------------------------------------------------------------------------


@needs_groups
def test_processor_time_is_told_for_each_of_the_hosts_processors(host: Host, start: Limited) -> None:
    domain = start("<vcpu>2</vcpu>")
    domain.resume()
    wait_until(lambda: sum(int(each["vcpu_time"]) for each in domain.vcpus.stats()) > 0)
    each = domain.vcpus.stats()
    assert len(each) >= (os.cpu_count() or 1)
    assert all(0 <= int(one["vcpu_time"]) <= int(one["cpu_time"]) for one in each)
    assert domain.vcpus.stats(1, 1)[0].keys() == {"cpu_time", "vcpu_time"}
    with pytest.raises(InvalidArgument, match="start_cpu 5000 larger than maximum"):
        host.call(ROWS["domain_get_cpu_stats"], domain.ref, 2, 5000, 1, 0)


def test_processor_time_of_each_is_refused_where_nobody_counts_it(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    with pytest.raises(VirtError, match=r"CPUACCT|getCpuacctPercpuUsage"):
        domain.vcpus.stats()
    assert domain.vcpus.total_stats()["cpu_time"]


def counts(domain: Domain, event: str) -> bool:
    """Whether this host's kernel counts it."""
    try:
        domain.tuning.set_perf_events({event: True}, live=True)
    except VirtError:
        return False
    domain.tuning.set_perf_events({event: False}, live=True)
    return True


def open_counters(daemon: Virtactord) -> int:
    """How many of the kernel's counters a daemon has open."""
    links = [os.readlink(each) for each in Path(f"/proc/{daemon.pid}/fd").iterdir() if each.is_symlink()]
    return sum("perf_event" in link for link in links)


def counted(domain: Domain, host: Host) -> dict[str, int]:
    """The figures of events."""
    ((_, figures),) = host.domains.stats([domain], DomainStatsTypes.PERF)
    return {name: int(value) for name, value in figures.items()}


def test_events_are_counted_from_when_they_are_wanted(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g", more="<perf><event name='task_clock' enabled='no'/></perf>"))
    domain.start(paused=True)
    if not counts(domain, "task_clock"):
        pytest.skip("the kernel lets nobody count here")
    domain.tuning.set_perf_events({"task_clock": True, "page_faults": True}, live=True)
    assert {event for event, on in domain.tuning.perf_events(live=True).items() if on} == {"task_clock", "page_faults"}
    assert not any(domain.tuning.perf_events(config=True).values())
    domain.resume()
    wait_until(lambda: counted(domain, host)["perf.task_clock"] > 1_000_000)
    assert counted(domain, host).keys() == {"perf.task_clock", "perf.page_faults"}
    domain.tuning.set_perf_events({"page_faults": False}, live=True)
    assert counted(domain, host).keys() == {"perf.task_clock"}
    domain.destroy()
    assert open_counters(shared) == 0
    assert counted(domain, host) == {}


def test_events_that_are_kept_are_counted_from_the_start_and_by_the_next_daemon(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g"))
    domain.tuning.set_perf_events({"task_clock": True}, config=True)
    try:
        domain.start(paused=True)
    except VirtError as refused:
        pytest.skip(f"the kernel lets nobody count here: {refused}")
    assert counted(domain, host).keys() == {"perf.task_clock"}
    shared.kill()
    shared.start()
    with shared.connect() as later:
        again = later.domains["g"]
        assert again.tuning.perf_events(live=True)["task_clock"]
        wait_until(lambda: counted(again, later).keys() == {"perf.task_clock"})
        again.destroy()
        assert open_counters(shared) == 0


@pytest.mark.parametrize("event", ["cmt", "mbmt", "mbml"])
def test_an_event_that_nobody_counts_is_refused_by_its_name(host: Host, shared: Virtactord, event: str) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    with pytest.raises(InvalidArgument, match=f"unable to enable host cpu perf event for {event}"):
        domain.tuning.set_perf_events({"cpu_clock": True, event: True}, live=True)
    assert not any(domain.tuning.perf_events(live=True).values())
    domain.destroy()
    domain.tuning.set_perf_events({event: True}, config=True)
    with pytest.raises(InvalidArgument, match=f"unable to enable host cpu perf event for {event}"):
        domain.start(paused=True)
    assert not is_active(domain)
    assert shared.files_of(domain.uuid) == []
    assert open_counters(shared) == 0
