"""Memory, pages and the merging of equal ones, of machines made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.actors.host.files import HostFiles, listed, number, numbered, sizes
from virtactor.actors.host.memory import MERGING, Memory
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.errors import InvalidArgument, NotSupported, OperationFailed, UnsupportedConfig
from virtactor.wire.params import ParamType

from .machines import PAGE, tree, two_sockets

NODE = "sys/devices/system/node/node"


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    two_sockets(tmp_path)
    tree(
        tmp_path,
        {
            "proc/meminfo": "MemTotal: 2097152 kB\nMemFree: 99 kB\nBuffers: 7 kB\nCached: 8 kB",
            f"{NODE}0/meminfo": "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 4096 kB",
            f"{NODE}1/meminfo": "Node 1 MemTotal: 1048576 kB\nNode 1 MemFree: 8192 kB",
            f"{NODE}1/hugepages/hugepages-2048kB/free_hugepages": "3",
            "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "5",
        },
    )
    return Memory(HostFiles(tmp_path))


def test_sizes_are_told_for_the_machine_and_for_each_cell(memory: Memory) -> None:
    assert memory.stats(None) == {"total": 2097152, "free": 99, "buffers": 7, "cached": 8}
    assert memory.stats(1) == {"total": 1048576, "free": 8192}
    assert memory.total() == 2097152
    assert [memory.free(cell) for cell in memory.cells()] == [4096, 8192]
    with pytest.raises(InvalidArgument, match="no cell 2"):
        memory.stats(2)


def test_a_machine_without_cells_is_one_cell(tmp_path: Path) -> None:
    memory = Memory(HostFiles(tree(tmp_path, {"proc/meminfo": "MemTotal: 4096 kB\nMemFree: 1024 kB"})))
    assert memory.cells() == [0]
    assert memory.stats(0) == {"total": 4096, "free": 1024}
    assert memory.free_pages(0, PAGE) == 1024 // PAGE


def test_cells_are_chosen_by_their_numbers(memory: Memory) -> None:
    assert memory.chosen(0, 9) == [0, 1]
    assert memory.chosen(1, 1) == [1]
    assert memory.chosen(-1, 1) == [-1]
    with pytest.raises(InvalidArgument, match=r"start cell 2 out of range \(0-1\)") as caught:
        memory.chosen(2, 1)
    assert caught.value.code == ErrorNumber.INTERNAL_ERROR


def test_free_pages_are_counted_by_size(memory: Memory) -> None:
    assert memory.free_pages(1, 2048) == 3
    assert memory.free_pages(-1, 2048) == 5
    assert memory.free_pages(1, PAGE) == 8192 // PAGE
    assert memory.free_pages(-1, PAGE) == (4096 + 8192) // PAGE
    with pytest.raises(OperationFailed, match="page size 3 is not available on node 0"):
        memory.free_pages(0, 3)


def test_pools_of_huge_pages_are_set_and_added_to(memory: Memory, tmp_path: Path) -> None:
    pool = tmp_path / f"{NODE}1/hugepages/hugepages-2048kB/nr_hugepages"
    assert memory.change_pools([(2048, 4)], [0, 1], add=False) == 2
    assert pool.read_text() == "4"
    assert memory.change_pools([(2048, 3)], [1], add=True) == 1
    assert pool.read_text() == "7"
    with pytest.raises(NotSupported) as caught:
        memory.change_pools([(PAGE, 1)], [0], add=True)
    assert caught.value.code == ErrorNumber.OPERATION_UNSUPPORTED
    with pytest.raises(OperationFailed, match="page size 77"):
        memory.change_pools([(77, 1)], [0], add=True)


def test_pages_that_the_kernel_does_not_find_are_told(tmp_path: Path) -> None:
    class Full(HostFiles):
        def write(self, path: str, text: str) -> None:
            super().write(path, "12")

    memory = Memory(Full(two_sockets(tmp_path)))
    with pytest.raises(OperationFailed, match="allocated only 2 pages of 2048 KiB in cell 1"):
        memory.change_pools([(2048, 90)], [1], add=True)


def test_merging_of_equal_pages_is_read_and_set(tmp_path: Path) -> None:
    files = {f"sys/kernel/mm/ksm/{theirs}": str(place) for place, (theirs, _, _) in enumerate(MERGING.values())}
    memory = Memory(HostFiles(tree(tmp_path, files)))
    assert memory.merging()["shm_full_scans"] == (ParamType.ULLONG, 6)
    memory.set_merging({"shm_pages_to_scan": 300, "shm_merge_across_nodes": 1})
    assert memory.merging()["shm_pages_to_scan"] == (ParamType.UINT, 300)
    for name in ("shm_pages_shared", "nonsense"):
        with pytest.raises(UnsupportedConfig, match=f"'{name}'") as caught:
            memory.set_merging({"shm_sleep_millisecs": 77, name: 1})
        assert caught.value.code == ErrorNumber.ARGUMENT_UNSUPPORTED
    assert memory.merging()["shm_sleep_millisecs"] == (ParamType.UINT, 1)


def test_a_kernel_without_merging_has_no_parameters(tmp_path: Path) -> None:
    memory = Memory(HostFiles(tmp_path))
    assert memory.merging() == {}
    with pytest.raises(UnsupportedConfig, match="the kernel has no parameter"):
        memory.set_merging({"shm_pages_to_scan": 1})


def test_the_kernels_forms_are_read() -> None:
    assert listed("0-2,8") == [0, 1, 2, 8]
    assert listed("") == []
    assert numbered(["node10", "node2", "nodes", "power"], "node") == [2, 10]
    assert (number("0x10"), number("12"), number("twelve")) == (16, 12, None)
    assert sizes("Node 0 MemFree:   5 kB\nHugePages_Total: 3\nnonsense") == {"MemFree": 5, "HugePages_Total": 3}
