"""What a definition asks of the host for a guest is seen on the host: threads, schedulers, control groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from virtactor.actors.drivers.qemu.cgroups import Source, hierarchies
from virtactor.actors.drivers.qemu.domain import QemuDomain
from virtactor.wire.errors import UnsupportedConfig
from virtactor.wire.table import DomainRef

from ....raw_client import RawClient, domain_xml
from ...served import Served

URI = "qemu:///system"
CONTROLLERS = hierarchies(Source())


def writable(controller: str) -> bool:
    found = CONTROLLERS.get(controller)
    return found is not None and found.version == 1 and os.access(found.base, os.W_OK) and os.geteuid() == 0


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root)


@pytest.fixture
def client(served: Served) -> RawClient:
    return served.opened(URI)


@pytest.fixture
def create(client: RawClient) -> Iterator[Callable[[str], DomainRef]]:
    def create(extra: str) -> DomainRef:
        xml = domain_xml("placed", type="qemu", extra=extra)
        return client.call("domain_create_xml", xml.replace("<vcpu>1</vcpu>", ""), 0)

    yield create
    for name in client.names():
        client.call("domain_destroy_flags", client.lookup(name), 0)


def pid_of(served: Served, name: str) -> int:
    (domain,) = [domain for domain in served.actors(QemuDomain) if domain.name == name]
    assert domain.process is not None
    return domain.process.pid


def uuid_of(client: RawClient) -> UUID:
    return UUID(bytes=client.lookup("placed").uuid)


def threads(pid: int) -> dict[str, int]:
    """The threads of a process by their names; QEMU gives them names when it is asked to."""
    found = {}
    for each in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # Some come and go.
            found[(each / "comm").read_text().strip()] = int(each.name)
    return found


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is only one processor to pin to")
def test_threads_are_pinned_and_scheduled(served: Served, create) -> None:
    create(
        """<vcpu>2</vcpu><iothreads>1</iothreads><cputune>
        <vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/>
        <emulatorpin cpuset='1'/><iothreadpin iothread='1' cpuset='0'/>
        <emulatorsched scheduler='batch'/><vcpusched vcpus='1' scheduler='idle'/></cputune>"""
    )
    pid = pid_of(served, "placed")
    known = threads(pid)

    assert os.sched_getaffinity(known["CPU 0/TCG"]) == {0}
    assert os.sched_getaffinity(known["CPU 1/TCG"]) == {1}
    assert os.sched_getaffinity(known["IO iothread1"]) == {0}
    assert os.sched_getaffinity(pid) == {1}
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH
    assert os.sched_getscheduler(known["CPU 1/TCG"]) == os.SCHED_IDLE
    assert os.sched_getscheduler(known["CPU 0/TCG"]) == os.SCHED_OTHER


def test_processors_that_the_host_has_not_are_refused_by_name(client: RawClient) -> None:
    extra = "<cputune><vcpupin vcpu='0' cpuset='4000'/></cputune>"
    with pytest.raises(UnsupportedConfig, match="vcpupin 0: processors 4000"):
        client.create("g", 0, type="qemu", extra=extra)
    assert client.names() == set()


@pytest.mark.skipif(not writable("cpu"), reason="there is no cgroup of version 1 for cpu that we may change")
def test_limits_are_set_in_control_groups_and_removed_with_the_guest(served: Served, client: RawClient, create) -> None:
    ref = create(
        """<vcpu>1</vcpu><cputune><shares>512</shares><period>50000</period><quota>25000</quota>
        <emulator_period>100000</emulator_period><emulator_quota>90000</emulator_quota></cputune>
        <resource><partition>/virtactor-test-placement</partition></resource>"""
    )
    group = CONTROLLERS["cpu"].base / "virtactor-test-placement" / f"virtactor-{uuid_of(client)}"
    known = threads(pid_of(served, "placed"))

    assert (group / "cpu.shares").read_text().strip() == "512"
    assert (group / "vcpu0/cpu.cfs_quota_us").read_text().strip() == "25000"
    assert (group / "vcpu0/tasks").read_text().split() == [str(known["CPU 0/TCG"])]
    assert str(pid_of(served, "placed")) in (group / "emulator/tasks").read_text().split()

    client.call("domain_destroy_flags", ref, 0)
    assert not group.parent.exists()


@pytest.mark.skipif(not writable("memory"), reason="there is no cgroup of version 1 for memory that we may change")
def test_memory_is_limited(client: RawClient, create) -> None:
    create(
        """<memtune><hard_limit unit='MiB'>900</hard_limit><soft_limit unit='MiB'>700</soft_limit></memtune>
        <resource><partition>/virtactor-test-placement</partition></resource>"""
    )
    group = CONTROLLERS["memory"].base / "virtactor-test-placement" / f"virtactor-{uuid_of(client)}"

    assert (group / "memory.limit_in_bytes").read_text().strip() == str(900 << 20)
    assert (group / "memory.soft_limit_in_bytes").read_text().strip() == str(700 << 20)


def test_limits_that_the_host_does_not_do_are_refused_by_name(client: RawClient) -> None:
    extra = """<blkiotune><device><path>/dev/null</path><read_iops_sec>5</read_iops_sec></device></blkiotune>
        <resource><partition>/virtactor-test-placement</partition></resource>"""
    with pytest.raises(UnsupportedConfig, match="blkiotune /dev/null"):
        client.create("g", 0, type="qemu", extra=extra)
    assert client.names() == set()
