"""The host's memory: how much there is and is free, in all and by cell; pools of huge pages; merging of equal pages.

Sizes are KiB where nothing else is said.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ...wire.enums.error import ErrorNumber
from ...wire.errors import InvalidArgument, NotSupported, OperationFailed, UnsupportedConfig
from ...wire.params import ParamType, ParamValue
from .files import HostFiles, numbered, sizes

_NODES = "sys/devices/system/node"
_KSM = "sys/kernel/mm/ksm"
# Parameters of the merging of equal pages: libvirt's names, the kernel's, their types, and which can be set.
MERGING: Mapping[str, tuple[str, ParamType, bool]] = {
    "shm_pages_to_scan": ("pages_to_scan", ParamType.UINT, True),
    "shm_sleep_millisecs": ("sleep_millisecs", ParamType.UINT, True),
    "shm_pages_shared": ("pages_shared", ParamType.ULLONG, False),
    "shm_pages_sharing": ("pages_sharing", ParamType.ULLONG, False),
    "shm_pages_unshared": ("pages_unshared", ParamType.ULLONG, False),
    "shm_pages_volatile": ("pages_volatile", ParamType.ULLONG, False),
    "shm_full_scans": ("full_scans", ParamType.ULLONG, False),
    "shm_merge_across_nodes": ("merge_across_nodes", ParamType.UINT, True),
}


class Memory:
    """The memory of the machine below ``files``."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files

    def cells(self) -> list[int]:
        """The numbers of the cells; a machine without NUMA is cell 0."""
        return numbered(self._files.names(_NODES), "node") or [0]

    def sizes(self, cell: int | None) -> dict[str, int]:
        """A cell's meminfo, that of the whole machine for None or where the kernel shows no cells."""
        text = "" if cell is None else self._files.text(f"{_NODES}/node{cell}/meminfo")
        return sizes(text or self._files.text("proc/meminfo"))

    def total(self) -> int:
        """What all cells have."""
        return sum(self.sizes(cell).get("MemTotal", 0) for cell in self.cells())

    def free(self, cell: int) -> int:
        return self.sizes(cell).get("MemFree", 0)

    def stats(self, cell: int | None) -> dict[str, int]:
        """Of the machine: total, free, buffers, cached; of a cell: total and free. Raises InvalidArgument."""
        if cell is not None and cell not in self.cells():
            raise InvalidArgument(f"there is no cell {cell}, the last one is {self.cells()[-1]}")
        told = self.sizes(cell)
        names = {"total": "MemTotal", "free": "MemFree"}
        if cell is None:
            names |= {"buffers": "Buffers", "cached": "Cached"}
        return {name: told[theirs] for name, theirs in names.items() if theirs in told}

    def chosen(self, start: int, count: int) -> list[int]:
        """``count`` cells from ``start`` on, fewer where the machine has fewer. Raises InvalidArgument for none.

        A start of -1 is the whole machine, given as the cell -1.
        """
        if start == -1:
            return [-1]
        cells = self.cells()
        if not 0 <= start <= cells[-1]:
            raise InvalidArgument(f"start cell {start} out of range (0-{cells[-1]})", code=ErrorNumber.INTERNAL_ERROR)
        return [cell for cell in cells if start <= cell < start + count]

    # -- pages ---------------------------------------------------------------------------------------------------------

    def page_size(self) -> int:
        return os.sysconf("SC_PAGE_SIZE") // 1024

    def page_sizes(self) -> list[int]:
        """Smallest first."""
        names = self._files.names("sys/kernel/mm/hugepages")
        huge = sorted(int(name.removeprefix("hugepages-").removesuffix("kB")) for name in names)
        return [self.page_size(), *huge]

    def free_pages(self, cell: int, size: int) -> int:
        """Pages of a size (KiB) that are free in a cell, in all of the machine for -1. Raises OperationFailed."""
        if size == self.page_size():
            whole = sum(map(self.free, self.cells()))
            return (whole if cell == -1 else self.free(cell)) // size
        return self._files.number(f"{self._pool(cell, size)}/free_hugepages") or 0

    def pool(self, cell: int, size: int) -> int:
        """How many pages of a huge size there are in a cell."""
        return self._files.number(f"{_NODES}/node{cell}/hugepages/hugepages-{size}kB/nr_hugepages") or 0

    def change_pools(self, pages: Sequence[tuple[int, int]], cells: Sequence[int], add: bool) -> int:
        """Make pools of huge pages as large as said, or larger by that. Gives how many were changed.

        ``pages`` are sizes (KiB) and counts. Raises NotSupported for the size of ordinary pages, OperationFailed for
        one that the machine has not or where the kernel finds no more room; pools changed until then stay changed.
        """
        changed = 0
        for cell in cells:
            for size, count in pages:
                self._change_pool(cell, size, count, add)
                changed += 1
        return changed

    def _change_pool(self, cell: int, size: int, count: int, add: bool) -> None:
        if size == self.page_size():
            raise NotSupported("the pool of ordinary pages cannot be changed", code=ErrorNumber.OPERATION_UNSUPPORTED)
        path = f"{self._pool(cell, size)}/nr_hugepages"
        before = self._files.number(path) or 0
        wanted = before + count if add else count
        self._files.write(path, str(wanted))
        if (got := self._files.number(path) or 0) != wanted:
            where = "the host" if cell == -1 else f"cell {cell}"
            raise OperationFailed(f"allocated only {got - before} pages of {size} KiB in {where}")

    def _pool(self, cell: int, size: int) -> str:
        """Where the kernel keeps a pool. Raises OperationFailed where there is none."""
        folder = "sys/kernel/mm/hugepages" if cell == -1 else f"{_NODES}/node{cell}/hugepages"
        path = f"{folder}/hugepages-{size}kB"
        if cell == 0 and not self._files.exists(folder):
            path = f"sys/kernel/mm/hugepages/hugepages-{size}kB"
        if not self._files.exists(path):
            where = "this host" if cell == -1 else f"node {cell}"
            raise OperationFailed(f"page size {size} is not available on {where}")
        return path

    # -- merging of equal pages ----------------------------------------------------------------------------------------

    def merging(self) -> dict[str, tuple[ParamType, ParamValue]]:
        """The parameters that this kernel has, with their types."""
        found = {name: (type_, self._files.number(f"{_KSM}/{theirs}")) for name, (theirs, type_, _) in MERGING.items()}
        return {name: (type_, value) for name, (type_, value) in found.items() if value is not None}

    def set_merging(self, values: Mapping[str, ParamValue]) -> None:
        """Change parameters; nothing is changed if one cannot be. Raises InvalidArgument and UnsupportedConfig."""
        for name in values:
            _, _, settable = MERGING.get(name, ("", None, False))
            if not settable:
                raise UnsupportedConfig(f"parameter '{name}' cannot be set", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        for name, value in values.items():
            path = f"{_KSM}/{MERGING[name][0]}"
            if not self._files.exists(path):
                raise UnsupportedConfig(f"the kernel has no parameter '{name}'", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
            self._files.write(path, str(value))
