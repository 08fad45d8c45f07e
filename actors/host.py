"""The machine that the daemon runs on, read from /proc and /sys: blocking, for a thread.

What a kernel or container does not show is left out or taken as the simplest case (one cell, one socket); nothing here
raises for a file that is missing.
"""

from __future__ import annotations

import functools
import os
import re
import socket
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..wire.documents.capabilities import CacheBank, Cell, CellCpu, Distance, Host, HostCpu, PagePool, PageSize
from ..wire.documents.domain import Topology

SHARED_CACHE_LEVEL = 3  # smaller caches belong to a core and cannot be given out
_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
_CACHE_TYPES = {"Unified": "both", "Instruction": "code", "Data": "data"}
_CACHE_UNITS = {"K": "KiB", "M": "MiB", "G": "GiB"}

# CPU models that QEMU has, newest first, with the flags of /proc/cpuinfo that set each apart from those below it.
_MODELS: tuple[tuple[str, str, str], ...] = (
    ("Intel", "SapphireRapids", "avx512f amx_tile avx_vnni avx512_fp16"),
    ("Intel", "Icelake-Server", "avx512f avx512_vbmi2 gfni vaes la57 pcid invpcid"),
    ("Intel", "Cascadelake-Server", "avx512f avx512_vnni pcid invpcid"),
    ("Intel", "Skylake-Server", "avx512f avx512bw clwb pcid invpcid"),
    ("Intel", "Skylake-Client", "avx2 clflushopt xsavec adx smap rdseed pcid invpcid"),
    ("Intel", "Broadwell-noTSX", "avx2 adx smap rdseed pcid invpcid"),
    ("Intel", "Haswell-noTSX", "avx2 bmi2 fma movbe pcid invpcid"),
    ("Intel", "IvyBridge", "avx f16c fsgsbase rdrand"),
    ("Intel", "SandyBridge", "avx aes xsave"),
    ("Intel", "Westmere", "aes pclmulqdq sse4_2"),
    ("Intel", "Nehalem", "sse4_2 popcnt"),
    ("Intel", "Penryn", "sse4_1 cx16"),
    ("AMD", "EPYC-Genoa", "avx512f avx512_bf16 vaes fsrm"),
    ("AMD", "EPYC-Milan", "vaes vpclmulqdq invpcid erms fsrm pcid clzero"),
    ("AMD", "EPYC-Rome", "clwb clzero umip avx2 sha_ni"),
    ("AMD", "EPYC", "clzero avx2 sha_ni"),
    ("AMD", "Opteron_G5", "fma tbm xop"),
    ("AMD", "Opteron_G4", "avx xop fma4"),
    ("AMD", "Opteron_G3", "popcnt sse4a abm"),
    ("Hygon", "Dhyana", "clzero avx2"),
)
_ANY_X86_64 = "qemu64"


def read_host(root: Path = Path("/")) -> Host:
    """The host part of the capabilities document; ``root`` is where /proc, /sys and /etc are looked for."""
    return _Reader(root).host()


class _Reader:
    """One reading of the files below a root."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._system = root / "sys/devices/system"

    def host(self) -> Host:
        cells = tuple(self._cell(number) for number in self._cell_numbers())
        return Host(
            uuid=self._uuid(),
            cpu=self._cpu(cells),
            iommu=bool(self._names("sys/kernel/iommu_groups")),
            cell_count=len(cells),
            cells=cells,
            caches=self._caches(),
        )

    # -- identity and processor ----------------------------------------------------------------------------------------

    def _uuid(self) -> str:
        """The firmware's UUID; where only root may read it or there is none, one that is as lasting."""
        given = self._text("sys/class/dmi/id/product_uuid")
        try:
            if (found := uuid.UUID(given)).int not in (0, 2**128 - 1):
                return str(found)
        except ValueError:
            pass
        # The machine's id itself is to be kept private (machine-id(5)).
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self._text("etc/machine-id") or socket.gethostname()))

    def _cpu(self, cells: Iterable[Cell]) -> HostCpu:
        info = self._cpuinfo
        vendor = _VENDORS.get(info.get("vendor_id", ""))
        arch = os.uname().machine
        return HostCpu(
            arch=arch,
            model=_nearest_model(vendor, set(info.get("flags", "").split())) if arch == "x86_64" else None,
            vendor=vendor,
            microcode=_number(info.get("microcode", "")),
            family=_number(info.get("cpu family", "")),
            family_model=_number(info.get("model", "")),
            stepping=_number(info.get("stepping", "")),
            topology=_topology(cells),
            pages=tuple(PageSize(size=size) for size in self._page_sizes()),
        )

    @functools.cached_property
    def _cpuinfo(self) -> dict[str, str]:
        """The first processor of /proc/cpuinfo."""
        first = self._text("proc/cpuinfo").split("\n\n", 1)[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

    def _page_sizes(self) -> list[int]:
        """In KiB, smallest first."""
        names = self._names("sys/kernel/mm/hugepages")
        huge = sorted(int(name.removeprefix("hugepages-").removesuffix("kB")) for name in names)
        return [os.sysconf("SC_PAGE_SIZE") // 1024, *huge]

    # -- cells ---------------------------------------------------------------------------------------------------------

    def _cell_numbers(self) -> list[int]:
        return _numbered(self._names("sys/devices/system/node"), "node") or [0]

    def _cell(self, number: int) -> Cell:
        node = f"sys/devices/system/node/node{number}"
        cpus = _listed(self._text(f"{node}/cpulist")) or self._all_cpus()
        found = re.search(r"MemTotal:\s+(\d+)", self._text(f"{node}/meminfo") or self._text("proc/meminfo"))
        memory = int(found[1]) if found else 0
        distances = self._text(f"{node}/distance").split()
        return Cell(
            id=number,
            memory=memory,
            pages=self._pools(node, memory),
            distances=tuple(
                Distance(id=other, value=int(value))
                for other, value in zip(self._cell_numbers(), distances, strict=False)
            ),
            cpu_count=len(cpus),
            cpus=tuple(self._cell_cpu(cpu) for cpu in cpus),
        )

    def _pools(self, node: str, memory: int) -> tuple[PagePool, ...]:
        base, *sizes = self._page_sizes()
        huge = [
            PagePool(size=size, count=_number(self._text(f"{node}/hugepages/hugepages-{size}kB/nr_hugepages")) or 0)
            for size in sizes
        ]
        rest = memory - sum(pool.size * pool.count for pool in huge)
        return PagePool(size=base, count=rest // base), *huge

    def _all_cpus(self) -> list[int]:
        return _listed(self._text("sys/devices/system/cpu/online")) or list(range(os.cpu_count() or 1))

    def _cell_cpu(self, cpu: int) -> CellCpu:
        topology = f"sys/devices/system/cpu/cpu{cpu}/topology"
        socket_id = _number(self._text(f"{topology}/physical_package_id"))
        return CellCpu(
            id=cpu,
            socket=socket_id if socket_id is None else max(socket_id, 0),
            die=max(_number(self._text(f"{topology}/die_id")) or 0, 0),
            core=_number(self._text(f"{topology}/core_id")),
            siblings=self._text(f"{topology}/thread_siblings_list") or None,
        )

    # -- caches --------------------------------------------------------------------------------------------------------

    def _caches(self) -> tuple[CacheBank, ...]:
        banks: dict[tuple[int, int, str], CacheBank] = {}
        for cpu in self._all_cpus():
            folder = f"sys/devices/system/cpu/cpu{cpu}/cache"
            for index in _numbered(self._names(folder), "index"):
                bank = self._cache(f"{folder}/index{index}")
                if bank is not None and bank.level >= SHARED_CACHE_LEVEL:
                    banks.setdefault((bank.level, bank.id, bank.type), bank)
        return tuple(bank for _, bank in sorted(banks.items()))

    def _cache(self, folder: str) -> CacheBank | None:
        type_ = _CACHE_TYPES.get(self._text(f"{folder}/type"))
        size = re.fullmatch(r"(\d+)([KMG])", self._text(f"{folder}/size"))
        level = _number(self._text(f"{folder}/level"))
        if type_ is None or size is None or level is None:
            return None
        number, unit = int(size[1]), size[2]
        if unit == "K" and number % 1024 == 0:
            number, unit = number // 1024, "M"
        return CacheBank(
            id=_number(self._text(f"{folder}/id")) or 0,
            level=level,
            type=type_,  # type: ignore[arg-type]
            size=number,
            unit=_CACHE_UNITS[unit],  # type: ignore[arg-type]
            cpus=self._text(f"{folder}/shared_cpu_list"),
        )

    # -- files ---------------------------------------------------------------------------------------------------------

    def _text(self, path: str) -> str:
        try:
            return (self._root / path).read_text(errors="replace").strip()
        except OSError:
            return ""

    def _names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self._root / path))
        except OSError:
            return []


def _nearest_model(vendor: str | None, flags: set[str]) -> str:
    for maker, model, needed in _MODELS:
        if maker == vendor and flags.issuperset(needed.split()):
            return model
    return _ANY_X86_64


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


def _numbered(names: Iterable[str], prefix: str) -> list[int]:
    """The numbers of ``prefixN``, in order."""
    rests = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
    return sorted(int(rest) for rest in rests if rest.isdigit())


def _listed(text: str) -> list[int]:
    """The numbers of a kernel's list: ``0-3,8``."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None
