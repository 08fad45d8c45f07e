"""Daemons with different roots share a host and nothing else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import guest
import pytest
from virtactor.client import NoConnect, VirtError, connect
from virtactor.wire.documents.domain import parse_domain

from .guests import AGENT, PTY, Shell, linux, plain
from .virtactord import Virtactord, state, wait_until


@pytest.fixture
def second(_roots: Path, probed: Path) -> Iterator[Virtactord]:
    """A daemon with a root whose name begins with that of another."""
    daemon = Virtactord(Path(tempfile.mkdtemp(prefix="", dir=_roots)), probed)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()


def test_two_daemons_with_the_same_definitions_leave_each_others_guests_alone(
    daemon: Virtactord, second: Virtactord
) -> None:
    with daemon.connect() as one, second.connect() as two:
        first = one.domains.define(plain("g", AGENT))
        same = two.domains.define(first.xml(inactive=True))
        assert first.uuid == same.uuid
        first.start(paused=True)
        assert state(same) == "SHUTOFF UNKNOWN"
        same.start()
        pids = daemon.qemu_of(first.uuid), second.qemu_of(same.uuid)
        assert None not in pids
        # A kill and a start of one, with a start of its own under way, touches nothing of the other's.
        daemon.kill()
        daemon.start()
        assert (state(first), state(same)) == ("PAUSED USER", "RUNNING BOOTED")
        assert (daemon.qemu_of(first.uuid), second.qemu_of(same.uuid)) == pids
        first.destroy()
        assert state(same) == "RUNNING BOOTED"
        assert second.qemus() == [pids[1]]


def test_a_second_daemon_on_a_root_refuses(daemon: Virtactord) -> None:
    with pytest.raises(VirtError, match=f"another virtactord .pid {daemon.pid}. runs"):
        connect("qemu:///embed", root=daemon.root)
    with daemon.connect() as host:
        assert host.type == "QEMU"


def test_a_daemon_inside_the_process_runs_guests_that_outlive_it(root: Path, guest_image: guest.Guest) -> None:
    with connect(f"qemu:///embed?root={root}") as host:
        domain = host.domains.define(linux(guest_image, "g"))
        domain.start()
        with Shell(domain) as shell:
            shell.boots()
        number = domain.id
    with connect(f"qemu:///embed?root={root}") as host:
        domain = host.domains["g"]
        assert (domain.id, state(domain)) == (number, "RUNNING BOOTED")
        with Shell(domain) as shell:
            assert shell.run("echo $((6 * 7))") == "42\n"
        domain.destroy()
        domain.undefine()


def test_two_daemons_inside_one_process_are_two(root: Path) -> None:
    with connect(f"qemu:///embed?root={root / 'a'}") as one, connect(f"qemu:///embed?root={root / 'b'}") as two:
        domain = one.domains.create(plain("g"), paused=True)
        assert len(two.domains) == 0
        domain.destroy()


def test_a_root_may_have_any_length_and_any_characters(root: Path, probed: Path) -> None:
    folder = root / ("long, with a comma " * 8) / ("and ünï=quote'd\" " * 8)
    folder.mkdir(parents=True)
    daemon = Virtactord(folder, probed)
    assert len(os.fsencode(folder)) > 250
    daemon.start()
    with daemon.connect() as host:
        domain = host.domains.create(plain("g", PTY + AGENT), paused=True)
        (channel,) = parse_domain(domain.xml()).devices.channels
        assert channel.source_path is not None
        assert Path(channel.source_path).is_socket()
        daemon.kill()
        daemon.start()
        assert state(domain) == "PAUSED USER"
        domain.resume()
        domain.destroy()
    daemon.kill()
    with pytest.raises(NoConnect):
        daemon.connect()


def test_a_root_reached_by_another_way_is_the_same(root: Path, probed: Path) -> None:
    """What was started below one name of a directory is found again below another."""
    (root / "real").mkdir()
    (root / "other").symlink_to(root / "real")
    first = Virtactord(root / "real", probed)
    first.start()
    with first.connect() as host:
        domain = host.domains.create(plain("g"), paused=True)
    pid = first.qemu_of(domain.uuid)
    first.kill()
    second = Virtactord(root / "other")
    second.start()
    with second.connect() as host:
        assert state(host.domains["g"]) == "PAUSED USER"
        host.domains["g"].destroy()
    second.kill()
    assert pid is not None
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
