"""The host's processors, cells and caches, read from trees of files that look like several machines."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from virtactor.actors.host.cells import NodeInfo, read_host, read_node_info
from virtactor.actors.host.files import HostFiles
from virtactor.wire.documents.capabilities import CacheBank, CellCpu, Distance, PagePool
from virtactor.wire.documents.domain import Topology

from .machines import PAGE, tree, two_sockets


def test_a_machine_with_two_sockets_is_described(tmp_path: Path) -> None:
    host = read_host(HostFiles(two_sockets(tmp_path)))
    assert host.uuid == "6aa8c0b9-7e7c-4b8c-a5b8-0f5a3c1d2e3f"
    assert host.iommu
    assert host.cpu.topology == Topology(sockets=1, dies=1, cores=2, threads=2)
    assert (host.cpu.vendor, host.cpu.model, host.cpu.microcode) == ("Intel", None, 0x49)
    assert (host.cpu.family, host.cpu.family_model, host.cpu.stepping) == (6, 63, 2)
    assert [page.size for page in host.cpu.pages] == [PAGE, 2048]
    first, second = host.cells
    assert (first.id, first.memory, first.cpu_count) == (0, 1048576, 4)
    assert first.distances == (Distance(id=0, value=10), Distance(id=1, value=21))
    assert first.cpus[1] == CellCpu(id=1, socket=0, die=0, core=0, siblings="0-1")
    assert second.pages == (
        PagePool(size=PAGE, count=(1048576 - 20480) // PAGE),
        PagePool(size=2048, count=10),
    )
    assert second.cpus[-1] == CellCpu(id=7, socket=1, die=0, core=1, siblings="6-7")
    assert host.caches == (
        CacheBank(id=0, level=3, type="both", size=30, unit="MiB", cpus="0-3"),
        CacheBank(id=1, level=3, type="both", size=30, unit="MiB", cpus="4-7"),
    )


def test_a_container_that_shows_nothing_has_one_cell_with_its_processors(tmp_path: Path) -> None:
    host = read_host(HostFiles(tree(tmp_path, {"proc/meminfo": "MemTotal:  4096 kB"})))
    (cell,) = host.cells
    assert (cell.id, cell.memory, cell.cpu_count) == (0, 4096, os.cpu_count())
    assert host.cpu.topology == Topology(sockets=1, dies=1, cores=os.cpu_count() or 1, threads=1)
    assert host.caches == ()
    assert not host.iommu


def test_the_uuid_lasts_and_does_not_give_the_machine_id_away(tmp_path: Path) -> None:
    tree(tmp_path, {"etc/machine-id": "3d1219c7c4c5404aaa1f6d2a48adfda4"})
    tree(tmp_path, {"sys/class/dmi/id/product_uuid": "00000000-0000-0000-0000-000000000000"})
    first = read_host(HostFiles(tmp_path)).uuid
    assert first == read_host(HostFiles(tmp_path)).uuid
    assert uuid.UUID(first).hex != "3d1219c7c4c5404aaa1f6d2a48adfda4"


def test_a_processor_of_an_unknown_maker_has_its_features(tmp_path: Path) -> None:
    cpu = read_host(HostFiles(tree(tmp_path, {"proc/cpuinfo": "vendor_id : Transmeta\nflags : fpu sse4_1"}))).cpu
    assert cpu.vendor is None
    assert [feature.name for feature in cpu.features] == ["fpu", "sse4.1"]


def test_the_host_in_short(tmp_path: Path) -> None:
    info = read_node_info(HostFiles(two_sockets(tmp_path)))
    assert info == NodeInfo(
        model=os.uname().machine, memory=2097152, cpus=8, mhz=2596, cells=2, sockets=1, cores=2, threads=2
    )


def test_a_host_that_is_not_the_same_everywhere_has_one_socket_with_all_processors(tmp_path: Path) -> None:
    two_sockets(tmp_path)
    tree(tmp_path, {"sys/devices/system/cpu/online": "0-6", "sys/devices/system/node/node1/cpulist": "4-6"})
    info = read_node_info(HostFiles(tmp_path))
    assert (info.cells, info.sockets, info.cores, info.threads) == (1, 1, 7, 1)


def test_this_host_can_be_read() -> None:
    host = read_host(HostFiles())
    assert sum(cell.cpu_count for cell in host.cells) >= 1
    assert host.cells[0].memory > 0
