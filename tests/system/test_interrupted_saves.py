"""A daemon that dies while it saves or restores: the guest is its image or its QEMU, never both and never neither."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.images import read_image
from virtactor.client import Domain, DomainState, Host, VirtError

from .guests import plain
from .virtactord import PATIENCE, Virtactord, in_thread, state, wait_until


@pytest.fixture
def client(daemon: Virtactord) -> Iterator[Host]:
    """A connection that comes back by itself when the daemon does."""
    with daemon.connect() as host:
        yield host


def image_of(daemon: Virtactord, name: str = "g") -> Path:
    return daemon.paths.state / "qemu/save" / f"{name}.save"


def files(daemon: Virtactord) -> list[str]:
    return sorted(path.name for path in (daemon.paths.state / "qemu/save").iterdir())


def die_in_save(daemon: Virtactord, domain: Domain, path: Path | None = None, number: int = signal.SIGKILL) -> Path:
    """Let the daemon die when QEMU is to write the guest, and QEMU write on; the file that is not whole."""
    pid = daemon.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    saving = in_thread(domain.managed_save if path is None else lambda: domain.save(str(path)))
    folder = image_of(daemon).parent if path is None else path.parent
    wait_until(lambda: "inode=" in (daemon.run / f"{domain.uuid}.status").read_text())
    (part,) = folder.glob("*.part")
    daemon.kill(number)
    assert isinstance(saving.exception(PATIENCE), VirtError)
    os.kill(pid, signal.SIGCONT)
    return part


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_guest_that_was_being_saved_runs_on_and_no_image_is_left(
    daemon: Virtactord, client: Host, number: int
) -> None:
    domain = client.domains.define(plain("g"))
    domain.start()
    part = die_in_save(daemon, domain, number=number)
    daemon.start()
    domain.wait(DomainState.RUNNING, PATIENCE)
    wait_until(lambda: domain.monitor_command({"execute": "query-status"})["return"]["running"])
    assert not part.exists()
    assert not domain.has_managed_save()
    domain.managed_save()
    domain.start()
    assert state(domain) == "RUNNING RESTORED"


def test_a_paused_guest_that_was_being_saved_to_a_file_stays_paused(
    daemon: Virtactord, client: Host, tmp_path: Path
) -> None:
    domain = client.domains.create(plain("g"), paused=True)
    part = die_in_save(daemon, domain, tmp_path / "saved")
    daemon.start()
    wait_until(lambda: not part.exists())
    assert list(tmp_path.iterdir()) == []
    assert state(domain).startswith("PAUSED")
    domain.resume()
    assert domain.monitor_command({"execute": "query-status"})["return"]["running"]


def test_nothing_is_left_of_a_save_whose_guest_dies_with_its_daemon(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.start()
    pid = daemon.qemu_of(domain.uuid)
    assert pid is not None
    die_in_save(daemon, domain)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: daemon.qemus() == [])
    daemon.start()
    assert state(domain) == "SHUTOFF CRASHED"
    assert files(daemon) == []


def test_a_guest_whose_image_is_whole_is_off(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.start()
    pid = daemon.qemu_of(domain.uuid)
    part = die_in_save(daemon, domain)
    # As if the daemon had lived until the file had its name.
    part.rename(image_of(daemon))
    daemon.start()
    domain.wait(DomainState.SHUTOFF, PATIENCE)
    assert state(domain) == "SHUTOFF SAVED"
    assert pid not in daemon.qemus()
    assert domain.has_managed_save()
    assert read_image(str(image_of(daemon))).running


def test_a_guest_that_runs_is_not_its_image_any_more(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.start()
    domain.managed_save()
    image = image_of(daemon).read_bytes()
    domain.start()
    daemon.kill()
    # As if the daemon had died before it removed what the guest was started from.
    image_of(daemon).write_bytes(image)
    daemon.start()
    assert not domain.has_managed_save()
    assert state(domain) == "RUNNING RESTORED"
    wait_until(lambda: files(daemon) == [])


def test_an_image_without_its_definition_is_set_aside(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.start(paused=True)
    domain.managed_save()
    daemon.kill()
    (daemon.paths.config / "qemu/g.xml").unlink()
    (image_of(daemon).parent / "g.save.0badf00d.part").write_bytes(b"half")
    daemon.start()
    assert files(daemon) == ["g.save.damaged"]
    assert not client.domains.define(plain("g")).has_managed_save()
