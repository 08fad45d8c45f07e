"""A domain's parts on a test driver: ours, and libvirt's own, whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.client import Domain, Host, NoDomain, OperationInvalid
from virtactor.client.domain.disks import BlockInfo
from virtactor.client.domain.iothreads import IOThread
from virtactor.client.domain.memory import NumaTuning
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.enums.domain_tuning import (
    DomainDiskErrorCode,
    DomainLifecycle,
    DomainLifecycleAction,
    DomainMemoryStatTags,
    DomainNumatuneMemMode,
    DomainProcessSignal,
    VcpuState,
)

GIB = 1 << 20  # in KiB
XML = """<domain type='test'>
  <name>other</name>
  <memory>8192</memory>
  <vcpu current='1'>4</vcpu>
  <iothreads>2</iothreads>
  <os><type>hvm</type></os>
</domain>"""


@pytest.fixture
def host(a_test_driver: Host) -> Host:
    return a_test_driver


@pytest.fixture
def guest(host: Host) -> Domain:
    return host.domains["test"]


def test_memory_has_sizes_in_kib_and_statistics_by_their_tags(guest: Domain) -> None:
    assert guest.memory.maximum() == 8 * GIB
    guest.memory.set(GIB)
    assert guest.info().memory == GIB
    guest.memory.set(2 * GIB, live=True)
    stats = guest.memory.stats()
    assert stats[DomainMemoryStatTags.ACTUAL_BALLOON] == 2 * GIB
    assert DomainMemoryStatTags.LAST_UPDATE in stats
    with pytest.raises(OperationInvalid):
        guest.memory.set_maximum(9 * GIB)


def test_memory_limits_are_a_mapping(guest: Domain) -> None:
    guest.memory.set_parameters({"hard_limit": GIB, "soft_limit": 1 << 19})
    limits = guest.memory.parameters()
    assert (limits["hard_limit"], limits["soft_limit"]) == (GIB, 1 << 19)
    assert int(limits["swap_hard_limit"]) >= 9007199254740991


def test_numa_tuning_is_asked_and_set(guest: Domain) -> None:
    guest.memory.set_numa(mode=DomainNumatuneMemMode.PREFERRED, nodeset="0", config=True)
    assert guest.memory.numa(config=True) == NumaTuning(DomainNumatuneMemMode.PREFERRED, "0")


def test_processors_are_counted_told_of_and_pinned(guest: Domain) -> None:
    assert (guest.vcpus.count(), guest.vcpus.count(maximum=True), guest.vcpus.maximum()) == (2, 2, 2)
    first, second = guest.vcpus.info()
    assert (first.number, second.number, first.state) == (0, 1, VcpuState.RUNNING)
    guest.vcpus.pin(0, {1, 3})
    assert guest.vcpus.pins()[0] == {1, 3}
    assert guest.vcpus.pins()[1] > {1, 3}
    guest.vcpus.pin_emulator({2})
    assert guest.vcpus.emulator_pin() == {2}


def test_processors_are_plugged(host: Host) -> None:
    guest = host.domains.define(XML)
    assert guest.vcpus.count(config=True) == 1
    guest.vcpus.set_count(3, config=True)
    assert guest.vcpus.count(config=True) == 3
    guest.vcpus.set_count(6, config=True, maximum=True)
    assert guest.vcpus.count(config=True, maximum=True) == 6


def test_processor_time_is_told_in_total_and_of_each(guest: Domain) -> None:
    assert sorted(guest.vcpus.total_stats()) == ["cpu_time", "system_time", "user_time"]
    each = guest.vcpus.stats()
    assert [sorted(one) for one in each] == [["cpu_time", "vcpu_time"]] * len(each)
    assert len(guest.vcpus.stats(1, 1)) == 1


def test_iothreads_come_go_and_are_tuned(host: Host) -> None:
    guest = host.domains.define(XML)
    assert [thread.id for thread in guest.iothreads.list(config=True)] == [1, 2]
    guest.iothreads.add(7, config=True)
    guest.iothreads.pin(7, {0}, config=True)
    assert guest.iothreads.list(config=True)[-1] == IOThread(7, frozenset([0]))
    guest.iothreads.delete(1, config=True)
    assert [thread.id for thread in guest.iothreads.list(config=True)] == [2, 7]


def test_scheduler_block_and_performance_parameters_are_mappings(guest: Domain) -> None:
    assert guest.tuning.scheduler_type() == "fair"
    assert guest.tuning.scheduler() == {"weight": 50}
    guest.tuning.set_block({"weight": 500, "device_weight": "/dev/sda,200"}, config=True)
    assert sorted(guest.tuning.block()) == [
        "device_read_bytes_sec",
        "device_read_iops_sec",
        "device_weight",
        "device_write_bytes_sec",
        "device_write_iops_sec",
        "weight",
    ]
    guest.tuning.set_perf_events({"cmt": True, "mbmt": False})
    assert (guest.tuning.perf_events()["cmt"], guest.tuning.perf_events()["mbmt"]) == (True, False)


def test_disks_are_found_by_target_and_have_sizes_and_figures(guest: Domain) -> None:
    assert [disk.name for disk in guest.disks] == ["vda"]
    disk = guest.disks["vda"]
    assert disk.info() == BlockInfo(capacity=1099506450432, allocation=1099511627776, physical=1099511627776)
    assert disk.stats().read_requests > disk.stats().write_requests > 0
    assert guest.disks.errors() == {"vda": DomainDiskErrorCode.UNSPEC}
    disk.set_io_tune({"total_iops_sec_max": 100, "total_iops_sec": 10})
    assert disk.io_tune()["total_iops_sec"] == 10


def test_interfaces_have_figures_limits_and_addresses(guest: Domain) -> None:
    assert [nic.name for nic in guest.nics] == ["testnet0"]
    nic = guest.nics["testnet0"]
    assert nic.stats().received_bytes > nic.stats().sent_bytes > 0
    nic.set_parameters({"inbound.average": 10, "inbound.peak": 20})
    assert (nic.parameters()["inbound.average"], nic.parameters()["outbound.average"]) == (10, 0)
    ((name, mac, addresses),) = guest.nics.addresses()
    assert (name, mac, addresses[0].prefix) == ("testnet0", "aa:bb:cc:dd:ee:ff", 24)


def test_an_agent_tells_of_the_guest(guest: Domain) -> None:
    assert guest.agent.hostname() == "testhost"
    seconds, nanoseconds = guest.agent.time()
    assert (seconds > 0, 0 <= nanoseconds < 10**9) == (True, True)
    assert [one.mountpoint for one in guest.agent.filesystems()] == ["/", "/boot"]
    assert (guest.agent.freeze(), guest.agent.thaw()) == (2, 2)
    guest.agent.trim()
    guest.agent.set_password("root", "secret")


def test_metadata_that_is_not_there_is_none(guest: Domain) -> None:
    assert (guest.metadata.title(), guest.metadata.description()) == (None, None)
    guest.metadata.set_title("one", live=True)
    guest.metadata.set_description("two", live=True)
    guest.metadata.set_element("http://x", "<a>b</a>", "k", live=True)
    assert (guest.metadata.title(), guest.metadata.description()) == ("one", "two")
    assert guest.metadata.element("http://x") == "<a>b</a>"
    guest.metadata.set_title(None, live=True)
    guest.metadata.set_element("http://x", None, live=True)
    assert (guest.metadata.title(), guest.metadata.element("http://x")) == (None, None)


def test_saved_memory_is_kept_asked_for_and_removed(guest: Domain) -> None:
    assert not guest.has_managed_save()
    guest.managed_save()
    assert (guest.has_managed_save(), guest.id, guest.state()[0]) == (True, None, DomainState.SHUTOFF)
    guest.remove_managed_save()
    assert not guest.has_managed_save()


def test_a_domain_is_saved_to_a_file_and_restored(host: Host, guest: Domain, tmp_path: Path) -> None:
    path = str(tmp_path / "saved")
    guest.save(path)
    assert guest.state()[0] is DomainState.SHUTOFF
    host.domains.restore(path)
    assert guest.state()[0] is DomainState.RUNNING


def test_what_is_done_to_a_guest_from_outside(guest: Domain, tmp_path: Path) -> None:
    guest.send_keys([30, 48], hold=10)
    guest.inject_nmi()
    guest.send_signal(1, DomainProcessSignal.TERM)
    guest.set_lifecycle_action(DomainLifecycle.REBOOT, DomainLifecycleAction.DESTROY)
    assert "<on_reboot>destroy</on_reboot>" in guest.xml()
    guest.core_dump(str(tmp_path / "core"))
    picture = guest.screenshot()
    assert (picture.mime, picture.data[:4]) == ("image/png", b"\x89PNG")


def test_a_domain_that_is_off_is_renamed(host: Host, guest: Domain) -> None:
    guest.destroy()
    guest.rename("another")
    assert (guest.name, host.domains["another"]) == ("another", guest)
    with pytest.raises(NoDomain):
        host.domains["test"]


def test_security_is_told_by_its_label(guest: Domain) -> None:
    assert guest.security.label() == ("libvirt-test", 1)


def test_figures_of_all_domains_come_at_once(host: Host, guest: Domain) -> None:
    other = host.domains.define(XML)
    figures = dict(host.domains.stats())
    assert (figures[guest]["state.state"], figures[other]["state.state"]) == (DomainState.RUNNING, DomainState.SHUTOFF)
    assert [domain for domain, _ in host.domains.stats([other])] == [other]


def test_messages_of_a_domain_are_a_list(guest: Domain) -> None:
    assert guest.messages() == []
