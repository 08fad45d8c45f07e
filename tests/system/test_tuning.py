"""What guests get of the host, changed while they run: seen in the control groups and threads of real QEMUs.

The numbers that are told of what was never set are those that libvirtd 9.0 tells on the same kernel.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.cgroups import Source, hierarchies
from virtactor.actors.drivers.qemu.cgroups.guest_groups import MARK
from virtactor.client import Domain, DomainState, Host, InvalidArgument, OperationInvalid, UnsupportedConfig, VirtError
from virtactor.wire.enums.domain_tuning import DomainStatsTypes
from virtactor.wire.table import ROWS

from .guests import plain
from .virtactord import PATIENCE, Virtactord, in_thread, wait_until

HOST = hierarchies(Source())
HAS_GROUPS = os.geteuid() == 0 and {"cpu", "cpuset", "memory", "blkio"} <= HOST.keys()
VERSION = HOST["cpu"].version if HAS_GROUPS else 0
UNLIMITED = 9007199254740991
KIB = 1024
USUAL_SHARES = 100 if VERSION == 2 else 1024
FREE = (100000, -1)

needs_groups = pytest.mark.skipif(not HAS_GROUPS, reason="these look into control groups, which only root can make")
LIMITS = "<memtune><hard_limit>900000</hard_limit></memtune><cputune><shares>300</shares><quota>50000</quota></cputune>"
Limited = Callable[..., Domain]
Grouped = Callable[[Domain], "Groups"]


class Groups:
    """What the kernel says of a guest's groups; the same of both versions."""

    def __init__(self, name: str, partition: str) -> None:
        self.name = name
        self.partition = partition

    def place(self, controller: str, part: str = "") -> Path:
        return HOST[controller].base / self.partition / self.name / part

    def _says(self, controller: str, *files: str, part: str = "") -> str:
        """What the first of these files says that is there."""
        place = self.place(controller, part)
        return next(place / file for file in files if (place / file).exists()).read_text().strip()

    @property
    def are_gone(self) -> bool:
        return not any((hierarchy.base / self.partition).exists() for hierarchy in HOST.values())

    @property
    def shares(self) -> int:
        return int(self._says("cpu", "cpu.weight", "cpu.shares"))

    def bandwidth(self, part: str = "") -> tuple[int, int]:
        """Period and quota in µs."""
        if VERSION == 2:
            quota, period = self._says("cpu", "cpu.max", part=part).split()
            return int(period), -1 if quota == "max" else int(quota)
        period, quota = (self._says("cpu", f"cpu.cfs_{name}_us", part=part) for name in ("period", "quota"))
        return int(period), int(quota)

    def threads(self, part: str) -> list[int]:
        return [int(each) for each in self._says("cpu", "cgroup.threads", "tasks", part=part).split()]

    @property
    def memory(self) -> dict[str, int]:
        """KiB, as `virsh memtune` has it."""
        if HOST["memory"].version == 2:
            hard, soft, swap = (self._kib(file) for file in ("memory.max", "memory.high", "memory.swap.max"))
            together = UNLIMITED if UNLIMITED in (hard, swap) else hard + swap
            return {"hard_limit": hard, "soft_limit": soft, "swap_hard_limit": together}
        files = ("memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes")
        return dict(zip(("hard_limit", "soft_limit", "swap_hard_limit"), map(self._kib, files), strict=True))

    def _kib(self, file: str) -> int:
        text = self._says("memory", file)
        return UNLIMITED if text == "max" or int(text) > 1 << 60 else int(text) // KIB

    @property
    def used_memory(self) -> int:
        """KiB."""
        return int(self._says("memory", "memory.current", "memory.usage_in_bytes")) // KIB

    @property
    def nodes(self) -> str:
        return self._says("cpuset", "cpuset.mems")

    @property
    def weight(self) -> int:
        return int(self._says("blkio", "io.weight", "blkio.weight", "io.bfq.weight", "blkio.bfq.weight").split()[-1])

    def throttle(self, name: str) -> int | None:
        """The limit of the one device that has any: "read_iops", "write_bps"."""
        if HOST["blkio"].version == 2:
            word = {"read_iops": "riops", "write_bps": "wbps"}[name]
            told = dict(each.split("=") for each in self._says("blkio", "io.max").split()[1:])
            return None if told.get(word, "max") == "max" else int(told[word])
        told = self._says("blkio", f"blkio.throttle.{name}_device").split()
        return int(told[1]) if told else None


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

    def start(more: str = "", name: str = "g", memory: int = 16) -> Domain:
        more += f"<resource><partition>/{partition}</partition></resource>"
        definition = plain(name, more=more).replace(">16</memory>", f">{memory}</memory>")
        domain = host.domains.define(definition)
        started.append(domain)
        domain.start(paused=True)
        return domain

    yield start
    for domain in started:
        if is_active(domain):
            domain.destroy()


@pytest.fixture
def groups(partition: str) -> Grouped:
    return lambda domain: Groups(f"virtactor-{domain.uuid}", partition)


def is_active(domain: Domain) -> bool:
    return domain.state()[0] is not DomainState.SHUTOFF


# -- limits ------------------------------------------------------------------------------------------------------------


@needs_groups
def test_a_scheduler_is_changed_live_and_set_free_again(start: Limited, groups: Grouped) -> None:
    domain = start("<vcpu>2</vcpu><iothreads>1</iothreads>")
    tuning, group = domain.tuning, groups(domain)
    usual = {"cpu_shares": USUAL_SHARES}
    for thread in ("vcpu", "emulator", "global", "iothread"):
        usual |= {f"{thread}_period": 100000, f"{thread}_quota": -1}
    assert tuning.scheduler(live=True) == usual
    assert set(tuning.scheduler(config=True).values()) == {0}

    tuning.set_scheduler({"cpu_shares": 512, "vcpu_quota": 20000, "iothread_period": 50000}, live=True)
    assert tuning.scheduler(live=True) == usual | {"cpu_shares": 512, "vcpu_quota": 20000, "iothread_period": 50000}
    assert group.shares == 512
    assert group.bandwidth("vcpu1") == (100000, 20000)
    assert group.bandwidth("iothread1") == (50000, -1)

    tuning.set_scheduler({"cpu_shares": 0, "vcpu_quota": 0}, live=True)
    assert tuning.scheduler(live=True) == usual | {"iothread_period": 50000}
    assert group.shares == USUAL_SHARES
    assert group.bandwidth("vcpu1") == FREE
    tuning.set_scheduler({"vcpu_quota": 30000}, live=True)
    tuning.set_scheduler({"vcpu_quota": -1}, live=True)
    assert group.bandwidth("vcpu0") == FREE
    assert set(tuning.scheduler(config=True).values()) == {0}


@needs_groups
def test_live_config_and_current_are_told_apart(start: Limited, groups: Grouped) -> None:
    domain = start()
    group = groups(domain)
    domain.tuning.set_scheduler({"cpu_shares": 300}, config=True)
    assert group.shares == USUAL_SHARES
    domain.tuning.set_scheduler({"cpu_shares": 400})
    assert group.shares == 400
    assert domain.tuning.scheduler(config=True)["cpu_shares"] == 300
    domain.tuning.set_scheduler({"cpu_shares": 500}, live=True, config=True)
    assert (group.shares, domain.tuning.scheduler(config=True)["cpu_shares"]) == (500, 500)
    domain.destroy()
    domain.tuning.set_scheduler({"cpu_shares": 600})
    domain.start(paused=True)
    assert group.shares == 600


@needs_groups
def test_what_the_kernel_refuses_changes_nothing(start: Limited, groups: Grouped) -> None:
    domain = start("<vcpu>2</vcpu>")
    tuning = domain.tuning
    limits = {"device_read_iops_sec": "/dev/null,5", "weight": 200}
    with pytest.raises(UnsupportedConfig, match=r"blkiotune /dev/null: .* is no block device"):
        tuning.set_block(limits, live=True)
    assert groups(domain).weight == 100
    assert tuning.block(live=True)["weight"] == 100
    too_much = 300000 if VERSION == 2 else 1
    with pytest.raises(UnsupportedConfig, match=f"cputune shares: {too_much}|cputune shares {too_much}"):
        tuning.set_scheduler({"cpu_shares": too_much, "vcpu_quota": 50000}, live=True)
    assert tuning.scheduler(live=True)["vcpu_quota"] == -1


@pytest.mark.parametrize(("name", "value"), [("vcpu_period", 5), ("global_quota", 999), ("iothread_period", 1000001)])
def test_what_is_no_period_or_quota_is_refused_as_libvirt_does(host: Host, name: str, value: int) -> None:
    domain = host.domains.define(plain("g"))
    with pytest.raises(InvalidArgument, match=rf"value of '{name}' is out of range \[1000, "):
        domain.tuning.set_scheduler({name: value}, config=True)


@pytest.mark.skipif(VERSION != 1, reason="version 2 takes whatever is less")
def test_a_part_that_would_have_more_than_the_whole_is_refused(start: Limited, groups: Grouped) -> None:
    domain = start()
    domain.tuning.set_scheduler({"global_quota": 30000}, live=True)
    with pytest.raises(UnsupportedConfig, match="cputune vcpu bandwidth: this host's control groups refuse it"):
        domain.tuning.set_scheduler({"cpu_shares": 900, "vcpu_quota": 60000}, live=True)
    assert groups(domain).shares == 1024
    assert domain.tuning.scheduler(live=True)["vcpu_quota"] == -1


@needs_groups
def test_memory_is_limited_live_and_set_free_again(start: Limited, groups: Grouped) -> None:
    domain = start()
    memory = domain.memory
    assert set(memory.parameters(live=True).values()) == {UNLIMITED}
    wanted = {"hard_limit": 600000, "soft_limit": 500000, "swap_hard_limit": 700000}
    memory.set_parameters(wanted, live=True)
    assert memory.parameters(live=True) == groups(domain).memory == wanted
    memory.set_parameters(dict.fromkeys(wanted, UNLIMITED), live=True)
    assert memory.parameters(live=True) == groups(domain).memory == dict.fromkeys(wanted, UNLIMITED)
    assert set(memory.parameters(config=True).values()) == {UNLIMITED}


@needs_groups
def test_all_memory_of_a_guest_counts(start: Limited, groups: Grouped) -> None:
    domain = start("<memoryBacking><allocation mode='immediate'/></memoryBacking>" + LIMITS, memory=200)
    # That is there from the beginning, and QEMU's own comes on top.
    assert groups(domain).used_memory > 200 * KIB


@needs_groups
def test_block_devices_are_limited_live_and_set_free_again(start: Limited, groups: Grouped) -> None:
    disk = next((each for each in ("/dev/vda", "/dev/sda", "/dev/nvme0n1") if Path(each).exists()), None)
    if disk is None:
        pytest.skip("there is no disk here")
    domain = start()
    tuning, group = domain.tuning, groups(domain)
    tuning.set_block({"device_read_iops_sec": f"{disk},500", "device_write_bytes_sec": f"{disk},1048576"}, live=True)
    assert tuning.block(live=True)["device_read_iops_sec"] == f"{disk},500"
    assert (group.throttle("read_iops"), group.throttle("write_bps")) == (500, 1048576)
    tuning.set_block({"device_read_iops_sec": f"{disk},0"}, live=True)
    assert (group.throttle("read_iops"), group.throttle("write_bps")) == (None, 1048576)
    assert tuning.block(live=True)["device_read_iops_sec"] == ""
    with pytest.raises(UnsupportedConfig, match=r"blkiotune /dev/nosuch: .*No such file"):
        tuning.set_block({"device_read_iops_sec": "/dev/nosuch,5"}, live=True)


@needs_groups
def test_its_weight_for_disks_changes_live(start: Limited, groups: Grouped) -> None:
    domain = start()
    assert domain.tuning.block(live=True)["weight"] == 100
    assert domain.tuning.block(config=True)["weight"] == 0
    domain.tuning.set_block({"weight": 300}, live=True)
    assert groups(domain).weight == domain.tuning.block(live=True)["weight"] == 300
    domain.tuning.set_block({"weight": 0}, live=True)
    assert groups(domain).weight == domain.tuning.block(live=True)["weight"] == 100


@needs_groups
def test_memory_is_kept_on_other_nodes_while_nothing_else_holds_it(start: Limited, groups: Grouped) -> None:
    domain = start()
    with pytest.raises(UnsupportedConfig, match="numatune: this host's control groups refuse it"):
        domain.memory.set_numa(nodeset="700", live=True)
    domain.memory.set_numa(nodeset="0", live=True)
    assert groups(domain).nodes == "0"
    assert domain.memory.numa(live=True).nodeset == "0"
    # QEMU holds what is strict.
    with pytest.raises(OperationInvalid, match="requires restrictive numa mode"):
        domain.memory.set_numa(nodeset="0-1", live=True)


@needs_groups
def test_restrictive_nodes_are_those_of_the_group(start: Limited, groups: Grouped) -> None:
    domain = start("<numatune><memory mode='restrictive' nodeset='0'/></numatune>")
    assert groups(domain).nodes == "0"
    with pytest.raises(UnsupportedConfig, match="numatune"):
        domain.memory.set_numa(nodeset="700", live=True)
    assert groups(domain).nodes == "0"


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
def test_threads_that_come_later_are_limited_too(start: Limited, groups: Grouped) -> None:
    limits = """<cputune><quota>40000</quota><iothread_quota>50000</iothread_quota>
        <emulator_quota>60000</emulator_quota><vcpupin vcpu='1' cpuset='0'/></cputune>"""
    domain = start(f"<vcpu current='1'>2</vcpu><iothreads>1</iothreads>{limits}")
    group = groups(domain)
    assert group.threads("vcpu1") == []
    domain.vcpus.set_count(2, live=True)
    domain.iothreads.add(5, live=True)
    (vcpu,) = group.threads("vcpu1")
    assert os.sched_getaffinity(vcpu) == {0}
    assert group.bandwidth("iothread5") == (100000, 50000)
    (iothread,) = group.threads("iothread5")
    assert iothread not in group.threads("emulator")
    domain.iothreads.delete(5, live=True)
    assert not group.place("cpu", "iothread5").exists()


# -- who looks after them ----------------------------------------------------------------------------------------------


@needs_groups
def test_a_later_daemon_changes_and_removes_groups(shared: Virtactord, start: Limited, groups: Grouped) -> None:
    domain = start(LIMITS)
    group = groups(domain)
    domain.tuning.set_scheduler({"emulator_quota": 70000}, live=True)
    shared.kill()
    shared.start()
    with shared.connect() as later:
        again = later.domains["g"]
        assert again.tuning.scheduler(live=True)["emulator_quota"] == 70000
        again.tuning.set_scheduler({"emulator_quota": 0, "cpu_shares": 0}, live=True)
        assert group.bandwidth("emulator") == FREE
        assert group.shares == USUAL_SHARES
        assert group.memory["hard_limit"] == 900000
        again.destroy()
        assert group.are_gone


@needs_groups
def test_groups_are_gone_after_a_guest_was_killed(start: Limited, shared: Virtactord, groups: Grouped) -> None:
    domain = start(LIMITS)
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_active(domain))
    assert groups(domain).are_gone


@needs_groups
def test_groups_are_gone_after_a_guest_was_killed_while_nobody_watched(
    start: Limited, shared: Virtactord, groups: Grouped
) -> None:
    domain = start(LIMITS)
    group, uuid = groups(domain), domain.uuid
    pid = shared.qemu_of(uuid)
    assert pid is not None
    shared.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: shared.qemu_of(uuid) is None)
    shared.start()
    with shared.connect() as later:
        wait_until(lambda: not is_active(later.domains["g"]))
        assert group.are_gone
        assert shared.files_of(uuid) == []


@needs_groups
def test_groups_of_a_start_that_nobody_was_told_of_are_gone_when_its_process_is(
    shared: Virtactord, partition: str
) -> None:
    shared.kill()
    name = f"virtactor-{uuid.uuid4()}"
    group = HOST["cpu"].base / partition / name
    group.parent.mkdir()
    os.setxattr(group.parent, MARK, b"1")
    group.mkdir()
    note = shared.run / f"{name.removeprefix('virtactor-')}.groups"
    note.write_text(f"{group}\n")
    with subprocess.Popen(["sleep", "1000"]) as process:
        (group / "cgroup.procs").write_text(str(process.pid))
        shared.start()
        assert note.exists()
        process.kill()
        process.wait()
        wait_until(lambda: not note.exists())
    assert not group.parent.exists()


@needs_groups
def test_a_start_that_fails_leaves_no_groups(start: Limited, host: Host, groups: Grouped) -> None:
    with pytest.raises(UnsupportedConfig, match="blkiotune /dev/null"):
        start(LIMITS + "<blkiotune><device><path>/dev/null</path><read_iops_sec>5</read_iops_sec></device></blkiotune>")
    assert groups(host.domains["g"]).are_gone


@needs_groups
def test_many_guests_share_a_partition(start: Limited, groups: Grouped) -> None:
    domains = [start(LIMITS, f"g{number}") for number in range(4)]
    ending = [in_thread(domain.destroy) for domain in domains]
    for each in ending:
        each.result(PATIENCE)
    assert groups(domains[0]).are_gone


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(VERSION != 1, reason="version 2 does not count it")
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


@needs_groups
def test_every_guest_has_groups_where_that_is_configured(daemon: Virtactord) -> None:
    daemon.reconfigure(groups="all")
    with daemon.connect() as host:
        domain = host.domains.define(plain("g"))
        domain.start(paused=True)
        group = HOST["cpu"].base / "machine" / f"virtactor-{domain.uuid}"
        pid = daemon.qemu_of(domain.uuid)
        assert (group / "cgroup.procs").read_text().split() == [str(pid)]
        domain.tuning.set_scheduler({"cpu_shares": 300}, live=True)
        domain.tuning.set_scheduler({"cpu_shares": 0}, live=True)
        assert (group / "cgroup.procs").read_text().split() == [str(pid)]
        domain.destroy()
        assert not group.exists()
