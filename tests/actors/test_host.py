"""The host's description, read from trees of files that look like /proc and /sys of several machines."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from virtactor.actors.host import read_host
from virtactor.wire.documents.capabilities import CacheBank, CellCpu, Distance, PagePool
from virtactor.wire.documents.domain import Topology

PAGE = os.sysconf("SC_PAGE_SIZE") // 1024


def tree(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n")
    return root


def two_sockets(root: Path) -> Path:
    """Two cells with a socket each, two cores with two threads each, hugepages on the second."""
    system = "sys/devices/system"
    files = {
        "sys/class/dmi/id/product_uuid": "6AA8C0B9-7E7C-4B8C-A5B8-0F5A3C1D2E3F",
        "proc/cpuinfo": "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\nstepping\t: 2\nmicrocode\t: 0x49\n"
        "flags\t\t: fpu avx2 bmi2 fma movbe pcid invpcid\n\nvendor_id\t: Other",
        f"{system}/cpu/online": "0-7",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "10",
        "sys/kernel/iommu_groups/0/type": "DMA",
    }
    for cell in (0, 1):
        node = f"{system}/node/node{cell}"
        files[f"{node}/meminfo"] = f"Node {cell} MemTotal:       1048576 kB"
        files[f"{node}/cpulist"] = f"{cell * 4}-{cell * 4 + 3}"
        files[f"{node}/distance"] = "10 21" if cell == 0 else "21 10"
        files[f"{node}/hugepages/hugepages-2048kB/nr_hugepages"] = str(cell * 10)
    for cpu in range(8):
        folder = f"{system}/cpu/cpu{cpu}"
        core = cpu // 2
        files[f"{folder}/topology/physical_package_id"] = str(cpu // 4)
        files[f"{folder}/topology/die_id"] = "0"
        files[f"{folder}/topology/core_id"] = str(core % 2)
        files[f"{folder}/topology/thread_siblings_list"] = f"{core * 2}-{core * 2 + 1}"
        for index, (level, type_, size) in enumerate(
            [(1, "Data", "32K"), (2, "Unified", "1024K"), (3, "Unified", "30M")]
        ):
            files[f"{folder}/cache/index{index}/level"] = str(level)
            files[f"{folder}/cache/index{index}/type"] = type_
            files[f"{folder}/cache/index{index}/size"] = size
            files[f"{folder}/cache/index{index}/id"] = str(cpu // 4)
            files[f"{folder}/cache/index{index}/shared_cpu_list"] = f"{cpu // 4 * 4}-{cpu // 4 * 4 + 3}"
    return tree(root, files)


def test_a_machine_with_two_sockets_is_described(tmp_path: Path) -> None:
    host = read_host(two_sockets(tmp_path))
    assert host.uuid == "6aa8c0b9-7e7c-4b8c-a5b8-0f5a3c1d2e3f"
    assert host.iommu
    assert host.cpu.topology == Topology(sockets=1, dies=1, cores=2, threads=2)
    assert (host.cpu.vendor, host.cpu.model, host.cpu.microcode) == ("Intel", "Haswell-noTSX", 0x49)
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
    host = read_host(tree(tmp_path, {"proc/meminfo": "MemTotal:  4096 kB"}))
    (cell,) = host.cells
    assert (cell.id, cell.memory, cell.cpu_count) == (0, 4096, os.cpu_count())
    assert host.cpu.topology == Topology(sockets=1, dies=1, cores=os.cpu_count() or 1, threads=1)
    assert host.caches == ()
    assert not host.iommu


def test_the_uuid_lasts_and_does_not_give_the_machine_id_away(tmp_path: Path) -> None:
    tree(tmp_path, {"etc/machine-id": "3d1219c7c4c5404aaa1f6d2a48adfda4"})
    tree(tmp_path, {"sys/class/dmi/id/product_uuid": "00000000-0000-0000-0000-000000000000"})
    first = read_host(tmp_path).uuid
    assert first == read_host(tmp_path).uuid
    assert uuid.UUID(first).hex != "3d1219c7c4c5404aaa1f6d2a48adfda4"


def test_an_unknown_processor_is_given_the_model_that_any_has(tmp_path: Path) -> None:
    cpu = read_host(tree(tmp_path, {"proc/cpuinfo": "vendor_id : Transmeta\nflags : fpu"})).cpu
    assert (cpu.vendor, cpu.model) == (None, "qemu64" if os.uname().machine == "x86_64" else None)


def test_this_host_can_be_read() -> None:
    host = read_host()
    assert sum(cell.cpu_count for cell in host.cells) >= 1
    assert host.cells[0].memory > 0
