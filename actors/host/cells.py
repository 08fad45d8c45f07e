"""The host as libvirt's capabilities document describes it: its processor, its cells and caches.

What a kernel or container does not show is left out or taken as the simplest case: one cell, one socket.
"""

from __future__ import annotations

import re
import socket
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...wire.documents.capabilities import (
    CacheBank,
    Cell,
    CellCpu,
    Distance,
    Host,
    HostCpu,
    HostFeature,
    PagePool,
    PageSize,
)
from ...wire.documents.domain import Topology
from .files import HostFiles, listed, numbered
from .memory import Memory
from .processor import Processor

SHARED_CACHE_LEVEL = 3  # smaller caches belong to a core and cannot be given out
_CACHE_TYPES = {"Unified": "both", "Instruction": "code", "Data": "data"}
_CACHE_UNITS = {"K": "KiB", "M": "MiB", "G": "GiB"}


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """The host in short (virNodeInfo): ``memory`` in KiB, ``mhz`` 0 where nothing tells.

    ``sockets`` are those of a cell, ``cores`` those of a socket, ``threads`` those of a core.
    """

    model: str
    memory: int
    cpus: int
    mhz: int
    cells: int
    sockets: int
    cores: int
    threads: int


def read_host(files: HostFiles) -> Host:
    """The host part of the capabilities document. All features are listed, and no model is named: see drivers/qemu."""
    return _Reader(files).host()


def read_node_info(files: HostFiles) -> NodeInfo:
    """The host in short. One that is not the same everywhere is told as a single socket with all processors."""
    return _Reader(files).info()


class _Reader:
    """One reading of the machine."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files
        self._memory = Memory(files)
        self._processor = Processor(files)

    def host(self) -> Host:
        cells = self._cells()
        return Host(
            uuid=self._uuid(),
            cpu=self._cpu(cells),
            power_management=True,
            iommu=bool(self._files.names("sys/kernel/iommu_groups")),
            cell_count=len(cells),
            cells=cells,
            caches=self._caches(),
        )

    def info(self) -> NodeInfo:
        cells = self._cells()
        topology = _topology(cells)
        count = len(self._processor.online())
        per_cell = topology.sockets * (topology.dies or 1) * topology.cores * topology.threads
        uniform = per_cell * len(cells) == count
        return NodeInfo(
            model=self._processor.arch,
            memory=sum(cell.memory for cell in cells),
            cpus=count,
            mhz=self._processor.megahertz(),
            cells=len(cells) if uniform else 1,
            sockets=topology.sockets if uniform else 1,
            cores=(topology.dies or 1) * topology.cores if uniform else count,
            threads=topology.threads if uniform else 1,
        )

    # -- identity and processor ----------------------------------------------------------------------------------------

    def _uuid(self) -> str:
        """The firmware's UUID; where only root may read it or there is none, one that is as lasting."""
        given = self._files.text("sys/class/dmi/id/product_uuid")
        try:
            if (found := uuid.UUID(given)).int not in (0, 2**128 - 1):
                return str(found)
        except ValueError:
            pass
        # The machine's id itself is to be kept private (machine-id(5)).
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self._files.text("etc/machine-id") or socket.gethostname()))

    def _cpu(self, cells: Iterable[Cell]) -> HostCpu:
        processor = self._processor
        return HostCpu(
            arch=processor.arch,
            vendor=processor.vendor,
            microcode=processor.microcode,
            family=processor.family,
            family_model=processor.model,
            stepping=processor.stepping,
            topology=_topology(cells),
            address_bits_mode="emulate" if processor.physical_address_bits else None,
            address_bits=processor.physical_address_bits,
            features=tuple(HostFeature(name=name) for name in sorted(processor.features)),
            pages=tuple(PageSize(size=size) for size in self._memory.page_sizes()),
        )

    # -- cells ---------------------------------------------------------------------------------------------------------

    def _cells(self) -> tuple[Cell, ...]:
        return tuple(self._cell(number) for number in self._memory.cells())

    def _cell(self, number: int) -> Cell:
        node = f"sys/devices/system/node/node{number}"
        cpus = listed(self._files.text(f"{node}/cpulist")) or self._processor.online()
        memory = self._memory.sizes(number).get("MemTotal", 0)
        distances = self._files.text(f"{node}/distance").split()
        return Cell(
            id=number,
            memory=memory,
            pages=self._pools(number, memory),
            distances=tuple(
                Distance(id=other, value=int(value))
                for other, value in zip(self._memory.cells(), distances, strict=False)
            ),
            cpu_count=len(cpus),
            cpus=tuple(self._cell_cpu(cpu) for cpu in cpus),
        )

    def _pools(self, cell: int, memory: int) -> tuple[PagePool, ...]:
        base, *sizes = self._memory.page_sizes()
        huge = [PagePool(size=size, count=self._memory.pool(cell, size)) for size in sizes]
        rest = memory - sum(pool.size * pool.count for pool in huge)
        return PagePool(size=base, count=rest // base), *huge

    def _cell_cpu(self, cpu: int) -> CellCpu:
        topology = f"sys/devices/system/cpu/cpu{cpu}/topology"
        socket_id = self._files.number(f"{topology}/physical_package_id")
        return CellCpu(
            id=cpu,
            socket=socket_id if socket_id is None else max(socket_id, 0),
            die=max(self._files.number(f"{topology}/die_id") or 0, 0),
            core=self._files.number(f"{topology}/core_id"),
            siblings=self._files.text(f"{topology}/thread_siblings_list") or None,
        )

    # -- caches --------------------------------------------------------------------------------------------------------

    def _caches(self) -> tuple[CacheBank, ...]:
        banks: dict[tuple[int, int, str], CacheBank] = {}
        for cpu in self._processor.online():
            folder = f"sys/devices/system/cpu/cpu{cpu}/cache"
            for index in numbered(self._files.names(folder), "index"):
                bank = self._cache(f"{folder}/index{index}")
                if bank is not None and bank.level >= SHARED_CACHE_LEVEL:
                    banks.setdefault((bank.level, bank.id, bank.type), bank)
        return tuple(bank for _, bank in sorted(banks.items()))

    def _cache(self, folder: str) -> CacheBank | None:
        type_ = _CACHE_TYPES.get(self._files.text(f"{folder}/type"))
        size = re.fullmatch(r"(\d+)([KMG])", self._files.text(f"{folder}/size"))
        level = self._files.number(f"{folder}/level")
        if type_ is None or size is None or level is None:
            return None
        number, unit = int(size[1]), size[2]
        if unit == "K" and number % 1024 == 0:
            number, unit = number // 1024, "M"
        return CacheBank(
            id=self._files.number(f"{folder}/id") or 0,
            level=level,
            type=type_,  # type: ignore[arg-type]
            size=number,
            unit=_CACHE_UNITS[unit],  # type: ignore[arg-type]
            cpus=self._files.text(f"{folder}/shared_cpu_list"),
        )


def _topology(cells: Iterable[Cell]) -> Topology:
    """Sockets of a cell, dies of a socket, cores of a die, threads of a core, as the largest of each."""
    sockets: dict[int, set[object]] = {}
    dies: dict[object, set[object]] = {}
    cores: dict[object, set[object]] = {}
    threads: dict[object, int] = {}
    for cell in cells:
        for cpu in cell.cpus:
            die, core = (cpu.socket, cpu.die), (cpu.socket, cpu.die, cpu.core if cpu.core is not None else cpu.id)
            sockets.setdefault(cell.id, set()).add(cpu.socket)
            dies.setdefault(cpu.socket, set()).add(die)
            cores.setdefault(die, set()).add(core)
            threads[core] = threads.get(core, 0) + 1
    return Topology(
        sockets=_widest(sockets), dies=_widest(dies), cores=_widest(cores), threads=max(threads.values(), default=1)
    )


def _widest(groups: Mapping[object, set[object]] | Mapping[int, set[object]]) -> int:
    return max(map(len, groups.values()), default=1)
