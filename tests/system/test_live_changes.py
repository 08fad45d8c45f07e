"""Changes of running guests: QEMU and the kernel follow, and the next start has what was kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from virtactor.client import Host, OperationInvalid, VirtError

from .guests import plain
from .virtactord import Virtactord

SIZE = 1024 * 1024


def test_notes_are_kept_and_told(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.metadata.set_title("live", live=True)
    domain.metadata.set_title("kept", config=True)
    assert "<title>live</title>" in domain.xml()
    assert "<title>kept</title>" in (shared.paths.config / "qemu" / "g.xml").read_text()


def test_a_domain_gets_another_name(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g"))
    domain.set_autostart(True)
    domain.rename("h")
    assert host.domains["h"].autostart()
    files = shared.paths.config / "qemu"
    assert (files / "h.xml").exists()
    assert (files / "autostart" / "h.xml").resolve() == (files / "h.xml").resolve()
    assert not (files / "g.xml").exists()
    assert not (files / "autostart" / "g.xml").is_symlink()


def test_the_balloon_is_told_how_much_memory_to_leave(host: Host) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.memory.set(8192, live=True)
    assert "<currentMemory unit='KiB'>8192</currentMemory>" in domain.xml()
    assert "8192" not in domain.xml(inactive=True)
    domain.memory.set_stats_period(5, live=True)
    command = {"execute": "qom-get", "arguments": {"path": "/machine/peripheral/balloon0"}}
    command["arguments"]["property"] = "guest-stats-polling-interval"  # type: ignore[index]
    assert domain.monitor_command(command)["return"] == 5
    with pytest.raises(OperationInvalid):
        domain.memory.set_maximum(32768, live=True)
    domain.memory.set_maximum(32768, config=True)
    assert "<memory unit='KiB'>32768</memory>" in domain.xml(inactive=True)


def test_a_processor_is_plugged_in(host: Host) -> None:
    domain = host.domains.define(plain("g", more="<vcpu current='1'>2</vcpu>"))
    domain.start(paused=True)
    assert len(domain.vcpus.info()) == 1
    domain.vcpus.set_count(2, live=True)
    assert len(domain.vcpus.info()) == 2
    assert "<vcpu placement='static'>2</vcpu>" in domain.xml() or "current='2'" in domain.xml()
    assert domain.vcpus.count(config=True) == 1


def test_a_processor_that_was_there_at_the_start_stays(host: Host) -> None:
    domain = host.domains.create(plain("g", more="<vcpu>2</vcpu>"), paused=True)
    with pytest.raises(OperationInvalid, match="hotpluggable vcpus"):
        domain.vcpus.set_count(1, live=True)
    assert len(domain.vcpus.info()) == 2


def test_threads_run_where_they_are_pinned(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.vcpus.pin(0, [0], live=True, config=True)
    domain.vcpus.pin_emulator([0], live=True)
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    threads = [int(each) for each in os.listdir(f"/proc/{pid}/task")]
    assert all(os.sched_getaffinity(thread) == {0} for thread in threads)
    assert domain.vcpus.pins(live=True) == [frozenset({0})]
    assert "<vcpupin vcpu='0' cpuset='0'/>" in domain.xml(inactive=True)


def test_io_threads_come_and_go(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    domain.iothreads.add(3, live=True)
    known = domain.monitor_command({"execute": "query-iothreads"})["return"]
    assert [each["id"] for each in known] == ["iothread3"]
    domain.iothreads.delete(3, live=True)
    assert domain.monitor_command({"execute": "query-iothreads"})["return"] == []


def test_a_disk_is_limited_while_the_guest_runs(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.touch()
    os.truncate(path, SIZE)
    disk = (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    domain = host.domains.create(plain("g", disk), paused=True)

    def limit() -> int:
        return domain.monitor_command({"execute": "query-block"})["return"][0]["inserted"]["iops"]

    domain.disks["vda"].set_io_tune({"total_iops_sec": 100}, live=True)
    assert limit() == 100
    domain.disks["vda"].set_io_tune({"total_iops_sec": 0}, live=True)
    assert limit() == 0


def test_what_cannot_change_while_the_guest_runs_is_refused_by_name(host: Host) -> None:
    card = "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
    domain = host.domains.create(plain("g", card), paused=True)
    with pytest.raises(VirtError, match="interfaces: cannot be changed"):
        domain.nics["52:54:00:00:00:01"].set_parameters({"inbound.average": 100}, live=True)
