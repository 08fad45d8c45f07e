"""Saves and dumps under way: aborted, their guest destroyed, their disk full. Nothing half-written is left.

A pipe that nobody reads holds QEMU where it writes its memory; a stopped QEMU holds a job before that.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from virtactor.client import Domain, Host, InvalidArgument, OperationAborted, OperationInvalid, SystemFailure, VirtError
from virtactor.wire.enums.domain_jobs import DomainJobType
from virtactor.wire.enums.domain_tuning import DomainCoreDumpFormat

from .guests import plain
from .virtactord import PATIENCE, Story, Virtactord, in_thread, state, wait_until

MEMORY = 16 * 1024 * 1024
Save = Callable[[Domain, Path], None]


def to_file(domain: Domain, path: Path) -> None:
    domain.save(str(path))


def to_dump(domain: Domain, path: Path) -> None:
    domain.core_dump(str(path), memory_only=True)


def to_live_dump(domain: Domain, path: Path) -> None:
    domain.core_dump(str(path), memory_only=True, live=True)


def to_crash_dump(domain: Domain, path: Path) -> None:
    domain.core_dump(str(path), memory_only=True, crash=True)


def to_direct_dump(domain: Domain, path: Path) -> None:
    domain.core_dump(str(path), memory_only=True, bypass_cache=True)


def runs(domain: Domain) -> bool:
    return domain.monitor_command({"execute": "query-status"})["return"]["running"]


def goes_on(domain: Domain) -> None:
    """QEMU tells that it goes on after it has told that the job is over."""
    wait_until(lambda: runs(domain) and state(domain).startswith("RUNNING"))


@pytest.fixture
def unread(tmp_path: Path) -> Iterator[Path]:
    """A pipe with a reader who does not read."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path
    os.close(reader)


@pytest.fixture
def domain(host: Host) -> Domain:
    domain = host.domains.define(plain("g"))
    domain.start()
    return domain


def is_writing(domain: Domain) -> bool:
    return domain.job.info().type is DomainJobType.UNBOUNDED


@pytest.mark.parametrize("save", [to_file, to_dump, to_live_dump, to_crash_dump])
def test_a_job_is_aborted_and_the_guest_goes_on(domain: Domain, unread: Path, save: Save) -> None:
    saving = in_thread(save, domain, unread)
    wait_until(lambda: is_writing(domain))
    wait_until(lambda: not runs(domain))
    domain.job.abort()
    assert isinstance(saving.exception(PATIENCE), OperationAborted)
    goes_on(domain)
    assert domain.job.info().type is DomainJobType.NONE
    with pytest.raises(OperationInvalid, match="no job is active"):
        domain.job.abort()


@pytest.mark.parametrize("save", [to_file, to_dump])
def test_what_was_aborted_can_be_done_anew(domain: Domain, unread: Path, tmp_path: Path, save: Save) -> None:
    saving = in_thread(save, domain, unread)
    wait_until(lambda: is_writing(domain))
    wait_until(lambda: not runs(domain))
    domain.job.abort()
    assert isinstance(saving.exception(PATIENCE), OperationAborted)
    save(domain, tmp_path / "again")
    assert (tmp_path / "again").stat().st_size > 4096


@pytest.mark.parametrize("save", [to_file, to_dump, to_crash_dump])
def test_destroy_interrupts_a_job(domain: Domain, unread: Path, story: Story, save: Save) -> None:
    saving = in_thread(save, domain, unread)
    wait_until(lambda: is_writing(domain))
    wait_until(lambda: not runs(domain))
    domain.destroy()
    assert isinstance(saving.exception(PATIENCE), VirtError)
    assert state(domain) == "SHUTOFF DESTROYED"
    assert story.wait_for("g", "STOPPED DESTROYED")[-1] == "STOPPED DESTROYED"
    domain.start()
    assert state(domain) == "RUNNING BOOTED"


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("destroyed", [True, False])
def test_a_save_that_is_interrupted_leaves_no_file(
    shared: Virtactord, domain: Domain, tmp_path: Path, managed: bool, destroyed: bool
) -> None:
    folder = shared.paths.state / "qemu/save" if managed else tmp_path
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        saving = in_thread(domain.managed_save if managed else lambda: domain.save(str(folder / "saved")))
        wait_until(lambda: list(folder.iterdir()))
        ending = in_thread(domain.destroy if destroyed else domain.job.abort)
        if destroyed:
            ending.result(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    ending.result(PATIENCE)
    assert isinstance(saving.exception(PATIENCE), OperationAborted)
    assert list(folder.iterdir()) == []
    assert not domain.has_managed_save()
    if destroyed:
        assert state(domain) == "SHUTOFF DESTROYED"
    else:
        goes_on(domain)


@pytest.mark.parametrize("save", [to_dump, to_live_dump, to_crash_dump, to_direct_dump])
def test_a_dump_for_which_there_is_no_room_leaves_nothing(domain: Domain, small_disk: Path, save: Save) -> None:
    with pytest.raises(SystemFailure, match="No space left on device"):
        save(domain, small_disk / "core")
    assert list(small_disk.iterdir()) == []
    goes_on(domain)


def test_a_save_for_which_there_is_no_room_leaves_nothing(domain: Domain, small_disk: Path) -> None:
    with pytest.raises(VirtError):
        domain.save(str(small_disk / "saved"))
    assert list(small_disk.iterdir()) == []
    goes_on(domain)


def test_a_qemu_that_dies_in_a_dump_leaves_nothing(shared: Virtactord, domain: Domain, tmp_path: Path) -> None:
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    dumping = in_thread(to_dump, domain, tmp_path / "core")
    wait_until(lambda: domain.job.info().type is not DomainJobType.NONE)
    os.kill(pid, signal.SIGKILL)
    assert isinstance(dumping.exception(PATIENCE), VirtError)
    wait_until(lambda: state(domain) == "SHUTOFF CRASHED")
    assert list(tmp_path.iterdir()) == []


def test_formats_that_qemu_has_not_are_refused_before_anything_is_done(domain: Domain, tmp_path: Path) -> None:
    path = tmp_path / "core"
    domain.core_dump(str(path), format=DomainCoreDumpFormat.KDUMP_ZLIB, memory_only=True)
    assert path.read_bytes()[:12] == b"makedumpfile"
    path.unlink()
    told = domain.monitor_command({"execute": "query-dump-guest-memory-capability"})["return"]["formats"]
    for each in (DomainCoreDumpFormat.KDUMP_LZO, DomainCoreDumpFormat.KDUMP_SNAPPY):
        if each.name.lower().replace("_", "-") not in told:
            with pytest.raises(InvalidArgument, match="unsupported dumpformat"):
                domain.core_dump(str(path), format=each, memory_only=True)
    with pytest.raises(VirtError, match="vmcoreinfo"):
        domain.core_dump(str(path), format=DomainCoreDumpFormat.WIN_DMP, memory_only=True)
    assert list(tmp_path.iterdir()) == []
    goes_on(domain)


def test_a_dump_past_the_cache_is_the_same_dump(domain: Domain, tmp_path: Path) -> None:
    domain.suspend()
    to_dump(domain, tmp_path / "one")
    to_direct_dump(domain, tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert (tmp_path / "one").stat().st_size > MEMORY
