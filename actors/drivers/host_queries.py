"""What clients ask of the host itself, answered from /proc and /sys: for drivers whose guests run here.

Reading happens in a thread: a machine with hundreds of processors has thousands of files to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ...wire.documents.sysinfo import format_sysinfo
from ...wire.enums.connect import TypedParameterFlags
from ...wire.enums.error import ErrorDomain
from ...wire.enums.host import NodeAllocPagesFlags
from ...wire.errors import InvalidArgument, NotSupported, UnsupportedConfig
from ...wire.params import ParamType, ParamValue, TypedParam, params_of, values_of
from ...wire.table.structs import HostStat
from ..call import Call
from ..host.cells import read_node_info
from ..host.files import HostFiles
from ..host.firmware import read_sysinfo
from ..host.memory import Memory
from ..host.processor import Processor
from ..runtime import Runtime
from .domain import check_flags

# The processor or cell that stands for all of them.
ALL = -1
KIB = 1024


class HostQueries:
    """A mixin for a driver's actor; ``files`` is where the machine is described."""

    runtime: Runtime
    files: HostFiles

    # -- processors ----------------------------------------------------------------------------------------------------

    async def node_get_info(self, call: Call) -> tuple[str, int, int, int, int, int, int, int]:
        info = await self.runtime.in_thread(read_node_info, self.files)
        return (
            *(info.model, info.memory, info.cpus, info.mhz),
            *(info.cells, info.sockets, info.cores, info.threads),
        )

    async def node_get_cpu_map(self, call: Call, need_map: int, need_online: int, flags: int) -> tuple[bytes, int, int]:
        check_flags(call, flags, 0)
        processor = Processor(self.files)
        online = await self.runtime.in_thread(processor.online)
        count = max(await self.runtime.in_thread(processor.present)) + 1
        return bitmap(online, count) if need_map else b"", len(online) if need_online else 0, count

    async def node_get_cpu_stats(
        self, call: Call, cpu_num: int, nparams: int, flags: int
    ) -> tuple[list[HostStat], int]:
        check_flags(call, flags, 0)
        cpu = one_or_all(call, cpu_num, "cpuNum")
        times = await self.runtime.in_thread(Processor(self.files).times, cpu)
        return host_stats(asdict(times), nparams)

    # -- memory --------------------------------------------------------------------------------------------------------

    async def node_get_memory_stats(
        self, call: Call, nparams: int, cell_num: int, flags: int
    ) -> tuple[list[HostStat], int]:
        check_flags(call, flags, 0)
        cell = one_or_all(call, cell_num, "cellNum")
        return host_stats(await self.runtime.in_thread(Memory(self.files).stats, cell), nparams)

    async def node_get_free_memory(self, call: Call) -> tuple[int]:
        memory = Memory(self.files)
        return (KIB * await self.runtime.in_thread(lambda: sum(map(memory.free, memory.cells()))),)

    async def node_get_cells_free_memory(self, call: Call, start_cell: int, maxcells: int) -> tuple[list[int]]:
        if start_cell < 0:
            raise InvalidArgument(f"start cell {start_cell} is negative")
        return (await self.runtime.in_thread(self._cells_free, start_cell, maxcells),)

    def _cells_free(self, start: int, count: int) -> list[int]:
        memory = Memory(self.files)
        return [KIB * memory.free(cell) for cell in memory.chosen(start, count)]

    async def node_get_free_pages(
        self, call: Call, pages: list[int], start_cell: int, cell_count: int, flags: int
    ) -> tuple[list[int]]:
        check_flags(call, flags, 0)
        require(call, len(pages), "npages")
        require(call, cell_count, "cellCount")
        return (await self.runtime.in_thread(self._free_pages, pages, start_cell, cell_count),)

    def _free_pages(self, pages: list[int], start: int, count: int) -> list[int]:
        memory = Memory(self.files)
        return [memory.free_pages(cell, size) for cell in memory.chosen(start, count) for size in pages]

    async def node_alloc_pages(
        self,
        call: Call,
        page_sizes: list[int],
        page_counts: list[int],
        start_cell: int,
        cell_count: int,
        flags: int,
    ) -> tuple[int]:
        check_flags(call, flags, NodeAllocPagesFlags.SET)
        require(call, len(page_sizes), "npages")
        require(call, cell_count, "cellCount")
        if len(page_sizes) != len(page_counts):
            raise InvalidArgument(f"{len(page_sizes)} sizes of pages and {len(page_counts)} counts")
        pages = list(zip(page_sizes, page_counts, strict=True))
        add = not flags & NodeAllocPagesFlags.SET
        return (await self.runtime.in_thread(self._change_pools, pages, start_cell, cell_count, add),)

    def _change_pools(self, pages: list[tuple[int, int]], start: int, count: int, add: bool) -> int:
        memory = Memory(self.files)
        return memory.change_pools(pages, memory.chosen(start, count), add)

    async def node_get_memory_parameters(self, call: Call, nparams: int, flags: int) -> tuple[list[TypedParam], int]:
        check_flags(call, flags, TypedParameterFlags.OKAY)
        return typed_params(await self.runtime.in_thread(Memory(self.files).merging), nparams)

    async def node_set_memory_parameters(self, call: Call, params: list[TypedParam], flags: int) -> None:
        check_flags(call, flags, 0)
        await self.runtime.in_thread(Memory(self.files).set_merging, values_of(params))

    # -- the rest ------------------------------------------------------------------------------------------------------

    async def connect_get_sysinfo(self, call: Call, flags: int) -> tuple[str]:
        check_flags(call, flags, 0)
        sysinfo = await self.runtime.in_thread(read_sysinfo, self.files)
        if sysinfo is None:
            raise UnsupportedConfig("Host SMBIOS information is not available")
        return (format_sysinfo(sysinfo),)

    def node_suspend_for_duration(self, call: Call, target: int, duration: int, flags: int) -> None:
        raise NotSupported(f"{call.row.api}: the host of running guests is not put to sleep")


def bitmap(numbers: Iterable[int], count: int) -> bytes:
    """A bit for each of ``count`` processors, the lowest first."""
    bits = sum(1 << number for number in numbers)
    return bits.to_bytes((count + 7) // 8, "little")


def host_stats(values: Mapping[str, int], nparams: int) -> tuple[list[HostStat], int]:
    """As many figures as the caller has room for; who has none asks how many there are."""
    stats = [HostStat(name, value) for name, value in values.items()]
    return stats[:nparams], len(stats[:nparams]) if nparams else len(stats)


def typed_params(values: Mapping[str, tuple[ParamType, ParamValue]], nparams: int) -> tuple[list[Any], int]:
    """As many parameters as the caller has room for; who has none asks how many there are."""
    params = params_of(values)
    return params[:nparams], len(params[:nparams]) if nparams else len(params)


def one_or_all(call: Call, number: int, name: str) -> int | None:
    """The number of a processor or cell, None for all. Raises InvalidArgument."""
    if number < ALL:
        raise InvalidArgument(
            f"{name} in {call.row.api} only accepts -1 as a negative value", domain=ErrorDomain.DOMAIN
        )
    return None if number == ALL else number


def require(call: Call, number: int, name: str) -> None:
    """Refuse to do something no times. Raises InvalidArgument."""
    if number < 1:
        raise InvalidArgument(f"{name} in {call.row.api} must not be zero", domain=ErrorDomain.DOMAIN)
