"""Bulk statistics of real guests, beside those that a real libvirtd tells of the same ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import Host, InvalidArgument, connect
from virtactor.wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags as Flags
from virtactor.wire.enums.domain_tuning import DomainStatsTypes as Types
from virtactor.wire.lanes import XDR
from virtactor.wire.params import TypedParam
from virtactor.wire.table import ROWS

from ..libvirtd import Libvirtd
from ..raw_client import RawClient
from .guests import plain
from .virtactord import Virtactord

ALL = 0
# Our nodes have names, not numbers.
NUMBERS_OF_NODES = "backingIndex"


@pytest.fixture
def disks(tmp_path: Path) -> str:
    """An image on another one, a raw one and an empty drive; what goes with them."""
    for arguments in (
        ("base.qcow2", "10M"),
        ("-b", "base.qcow2", "-F", "qcow2", "top.qcow2"),
    ):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *arguments], cwd=tmp_path, check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", "raw.img", "5M"], cwd=tmp_path, check=True)
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{tmp_path}/top.qcow2'/>"
        "<target dev='vda' bus='virtio'/></disk>"
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{tmp_path}/raw.img'/>"
        "<target dev='hda' bus='ide'/></disk>"
        "<disk type='file' device='cdrom'><target dev='hdb' bus='ide'/></disk>"
        "<interface type='user'/>"
    )


@pytest.fixture
def frozen(shared: Virtactord) -> Iterator[list[int]]:
    """Processes that a test has stopped; they go on at its end."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def records(host: Host, flags: int = 0) -> dict[str, list[TypedParam]]:
    (found,) = host.domains._session.call(ROWS["connect_get_all_domain_stats"], [], ALL, flags)
    return {record.dom.name: record.params for record in found}


def of_a_guest(host: Host, xml: str, flags: int) -> list[TypedParam]:
    guest = host.domains.create(xml, paused=True)
    try:
        return records(host, flags)[guest.name]
    finally:
        guest.destroy()


def shapes(params: list[TypedParam]) -> list[tuple[str, int]]:
    """Names and types, in their order."""
    return [(param.field, param.type) for param in params if NUMBERS_OF_NODES not in param.field]


@pytest.mark.parametrize("flags", [0, int(Flags.BACKING)], ids=["as usual", "with backing images"])
def test_figures_have_the_names_and_types_of_libvirts(host: Host, libvirtd: Libvirtd, disks: str, flags: int) -> None:
    more = "<vcpu current='2'>3</vcpu><iothreads>1</iothreads>"
    xml = plain("statistics", disks, more=more)
    ours = of_a_guest(host, xml, flags)
    with connect(libvirtd.uri("qemu")) as theirs:
        libvirts = of_a_guest(theirs, xml, flags)
    assert shapes(ours) == shapes(libvirts)
    same = ("state.", "balloon.current", "balloon.maximum", "vcpu.current", "vcpu.maximum", "iothread.", "dirtyrate.")
    assert [each for each in ours if each.field.startswith(same)] == [
        each for each in libvirts if each.field.startswith(same)
    ]


def test_a_domain_that_is_off_has_what_its_definition_and_images_say(host: Host, disks: str) -> None:
    host.domains.define(plain("off", disks))
    ((_, values),) = host.domains.stats(types=Types.BLOCK | Types.BALLOON | Types.VCPU)
    assert values["balloon.maximum"] == 16384
    assert values["vcpu.maximum"] == 1
    assert values["block.count"] == 3
    assert values["block.0.capacity"] == 10 << 20
    assert values["block.1.capacity"] == values["block.1.physical"] == 5 << 20
    assert "block.2.capacity" not in values


def test_groups_and_domains_are_chosen(host: Host) -> None:
    running = host.domains.create(plain("running"))
    paused = host.domains.create(plain("paused"), paused=True)
    host.domains.define(plain("off"))

    def told(flags: int) -> dict[str, set[str]]:
        return {
            domain.name: {name.partition(".")[0] for name in values}
            for domain, values in host.domains.stats(types=Types.STATE | Types.CPU_TOTAL, flags=flags)
        }

    assert told(Flags.RUNNING) == {"running": {"state", "cpu"}}
    assert told(Flags.PAUSED | Flags.RUNNING) == {"running": {"state", "cpu"}, "paused": {"state", "cpu"}}
    assert told(Flags.INACTIVE) == {"off": {"state"}}
    assert [domain.name for domain, _ in host.domains.stats([paused, running], Types.STATE)] == ["paused", "running"]
    with pytest.raises(InvalidArgument, match="bits 0x400 are not supported by this daemon or QEMU"):
        host.domains.stats(types=Types.VM, flags=Flags.ENFORCE_STATS)


def test_a_guest_whose_qemu_is_silent_is_told_of_in_part_and_the_others_in_full(
    shared: Virtactord, host: Host, frozen: list[int]
) -> None:
    silent, healthy = (host.domains.create(plain(name), paused=True) for name in ("silent", "healthy"))
    values = figures(host)
    assert "dirtyrate.calc_status" in values["silent"]
    pid = shared.qemu_of(silent.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    frozen.append(pid)
    values = figures(host, Flags.NOWAIT)
    assert "QEMU of silent did not answer" in str(values["silent"]["partial"])
    assert {"cpu.time", "balloon.rss", "vcpu.0.time"} <= values["silent"].keys()
    assert "dirtyrate.calc_status" not in values["silent"]
    assert "partial" not in values["healthy"]
    assert "dirtyrate.calc_status" in values["healthy"]
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(shared.paths.socket))
    with RawClient(peer, XDR) as libvirts:
        libvirts.open("qemu:///system")
        told = libvirts.call("connect_get_all_domain_stats", [], ALL, int(Flags.NOWAIT))
        assert {param.field for record in told for param in record.params} >= {"cpu.time"}
        assert "partial" not in {param.field for record in told for param in record.params}
    assert healthy.is_active()


def figures(host: Host, flags: int = 0) -> dict[str, dict[str, object]]:
    return {domain.name: dict(values) for domain, values in host.domains.stats(flags=flags)}
