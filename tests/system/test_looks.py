"""What is seen of a running guest from outside, and done to it: figures, pictures, keys, peeks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from virtactor.client import Host, InvalidArgument, OperationInvalid, VirtError
from virtactor.wire.enums.domain_tuning import DomainMemoryStatTags

from .guests import plain

SIZE = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"the first words".ljust(4096, b"\0"))
    os.truncate(path, SIZE)
    return path


def on(disk: Path) -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
        "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
        "<video><model type='vga'/></video>"
    )


def test_a_disk_tells_its_sizes_and_its_traffic(host: Host, disk: Path) -> None:
    domain = host.domains.define(plain("g", on(disk)))
    assert domain.disks["vda"].info().capacity == SIZE
    domain.start(paused=True)
    info = domain.disks["vda"].info()
    assert (info.capacity, info.physical) == (SIZE, SIZE)
    assert info.allocation < SIZE
    assert domain.disks["vda"].stats().read_bytes == 0
    assert domain.disks["vda"].all_stats()["wr_operations"] == 0
    assert domain.disks.errors() == {}
    with pytest.raises(InvalidArgument, match="invalid path"):
        domain.disks["vdz"].stats()


def test_a_disk_grows_while_the_guest_runs(host: Host, disk: Path) -> None:
    domain = host.domains.create(plain("g", on(disk)), paused=True)
    domain.disks["vda"].resize(2 * SIZE)
    assert domain.disks["vda"].info().capacity == 2 * SIZE
    assert disk.stat().st_size == 2 * SIZE


def test_disks_and_memory_can_be_looked_at(host: Host, disk: Path) -> None:
    domain = host.domains.create(plain("g", on(disk)), paused=True)
    assert domain.disks["vda"].peek(4, 5) == b"first"
    # The firmware's reset vector jumps.
    assert domain.memory.peek(0xFFFF0, 1, physical=True) == b"\xea"
    with pytest.raises(VirtError):
        domain.disks["vda"].peek(SIZE, 5)


def test_the_balloon_and_the_kernel_tell_of_the_memory(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    stats = domain.memory.stats()
    assert stats[DomainMemoryStatTags.ACTUAL_BALLOON] == 16384
    assert stats[DomainMemoryStatTags.RSS] > 1024


def test_each_processor_has_a_thread_that_uses_time(host: Host) -> None:
    domain = host.domains.create(plain("g", more="<vcpu>2</vcpu>"), paused=True)
    found = domain.vcpus.info()
    assert [each.number for each in found] == [0, 1]
    assert all(0 <= each.cpu < (os.cpu_count() or 1) for each in found)
    assert domain.vcpus.total_stats()["cpu_time"] != 0


def test_a_screenshot_is_a_picture(host: Host) -> None:
    domain = host.domains.create(plain("g", "<video><model type='vga'/></video>"), paused=True)
    shot = domain.screenshot()
    assert shot.mime == "image/png"
    assert shot.data.startswith(b"\x89PNG\r\n")
    with pytest.raises(OperationInvalid, match="no such screen ID"):
        domain.screenshot(7)


def test_keys_are_pressed_and_unknown_ones_refused(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    domain.send_keys([29, 56, 111])
    with pytest.raises(InvalidArgument, match="cannot translate keycode 200"):
        domain.send_keys([200])
    domain.inject_nmi()
    with pytest.raises(OperationInvalid, match="not suspended"):
        domain.wake_up()


def test_a_card_without_an_end_on_the_host_has_no_figures_there(host: Host, disk: Path) -> None:
    domain = host.domains.create(plain("g", on(disk)), paused=True)
    with pytest.raises(InvalidArgument, match="type 'user'"):
        domain.nics["52:54:00:00:00:01"].stats()


def test_a_disk_has_a_mark_and_memory_a_rate_of_change(host: Host, disk: Path) -> None:
    domain = host.domains.create(plain("g", on(disk)), paused=True)
    domain.disks["vda"].set_threshold(4096)
    nodes = domain.monitor_command({"execute": "query-named-block-nodes"})["return"]
    assert 4096 in [node["write_threshold"] for node in nodes]
    domain.memory.start_dirty_rate(1)
    assert domain.monitor_command({"execute": "query-dirty-rate"})["return"]["calc-time"] == 1
    with pytest.raises(InvalidArgument, match="within"):
        domain.memory.start_dirty_rate(61)
