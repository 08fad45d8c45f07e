"""Which control groups a host has, as its mounts and the daemon's own group tell."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.cgroups import GuestGroups, Hierarchy, Source, hierarchies
from virtactor.actors.drivers.qemu.command_line import Placement
from virtactor.actors.drivers.qemu.command_line.placement import Limit
from virtactor.wire.errors import UnsupportedConfig

Host = Callable[..., Source]
SERVICE = "system.slice/virtactord.service"


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    """A tree that looks like a mounted hierarchy of version 2, with a service's group."""
    mount = tmp_path / "sys fs"
    (mount / SERVICE).mkdir(parents=True)
    for place in (mount, mount / SERVICE):
        (place / "cgroup.procs").touch()
        (place / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return mount


@pytest.fixture
def host(tmp_path: Path) -> Host:
    def host(*mounts: str, own: str = "") -> Source:
        source = Source(tmp_path / "mounts", tmp_path / "own")
        source.mounts.write_text("".join(f"x {mount} 0 0\n" for mount in ("/ ext4 rw", *mounts)))
        source.own.write_text(own)
        return source

    return host


def mounted(unified: Path) -> str:
    return f"{str(unified).replace(' ', chr(92) + '040')} cgroup2 rw"


def test_controllers_of_version_1_are_where_they_are_mounted(host: Host) -> None:
    found = hierarchies(host("/cg/cpu cgroup rw,relatime,cpu,cpuacct", "/cg/memory cgroup rw,memory"))
    assert found["cpu"] == found["cpuacct"] == Hierarchy(1, Path("/cg/cpu"))
    assert found["memory"] == Hierarchy(1, Path("/cg/memory"))
    assert "blkio" not in found


def test_version_2_has_all_controllers_in_one_place(host: Host, unified: Path) -> None:
    found = hierarchies(host(mounted(unified), own="0::/\n"))
    assert {found[name] for name in ("cpu", "memory", "blkio", "cpuset")} == {Hierarchy(2, unified)}


def test_a_controller_that_version_1_has_is_not_looked_for_in_version_2(host: Host, unified: Path) -> None:
    found = hierarchies(host("/cg/cpu cgroup rw,cpu", mounted(unified), own="3:cpu:/\n0::/\n"))
    assert found["cpu"] == Hierarchy(1, Path("/cg/cpu"))
    assert found["memory"] == Hierarchy(2, unified)


@pytest.mark.parametrize("own", [SERVICE, f"{SERVICE}/daemon"])
def test_groups_are_made_where_the_daemon_may_do_as_it_likes(host: Host, unified: Path, own: str) -> None:
    os.setxattr(unified / SERVICE, "user.delegate", b"1")
    (unified / SERVICE / "daemon").mkdir()
    found = hierarchies(host(mounted(unified), own=f"0::/{own}\n"))
    assert found["cpu"] == Hierarchy(2, unified / SERVICE, delegated=True)


@pytest.mark.parametrize("own", [SERVICE, "../../elsewhere"])
def test_root_makes_groups_below_the_hierarchys_own(host: Host, unified: Path, own: str) -> None:
    assert hierarchies(host(mounted(unified), own=f"0::/{own}\n"))["cpu"] == Hierarchy(2, unified)


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever is not root cannot become somebody else")
def test_who_may_not_makes_them_below_his_own(host: Host, unified: Path) -> None:
    (unified / "cgroup.procs").chmod(0)
    source = host(mounted(unified), own=f"0::/{SERVICE}\n")
    for path in unified.parents:
        if Path(tempfile.gettempdir()) in path.parents:
            path.chmod(0o755)
    user = os.geteuid()
    os.setresuid(-1, 65534, user)
    try:
        # access() asks for the real user.
        os.setresuid(65534, 65534, user)
        found = hierarchies(source)
    finally:
        os.setresuid(user, user, user)
    assert found["cpu"] == Hierarchy(2, unified / SERVICE)


def test_a_controller_that_this_host_has_not_is_refused_by_the_element_that_needs_it(
    host: Host, unified: Path, tmp_path: Path
) -> None:
    (unified / "cgroup.controllers").write_text("pids\n")
    wanted = Placement(limits=(Limit("shares", 5, "cputune shares"),))
    groups = GuestGroups(tmp_path / "note", "guest", host(mounted(unified), own="0::/\n"))
    with pytest.raises(UnsupportedConfig, match="cputune shares: this host has no control groups for cpu"):
        groups.enter(wanted, 1)
    assert groups.version_of("cpu") == 0
