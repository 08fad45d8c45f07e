"""The host of the test driver: made up, and the same everywhere.

What it tells is what libvirt's test driver tells, so that programs tried with the one can be tried with the other.
"""

from __future__ import annotations

from ....wire.documents.capabilities import (
    Capabilities,
    Cell,
    CellCpu,
    Guest,
    Host,
    HostCpu,
    PagePool,
    PageSize,
    SecurityModel,
    format_capabilities,
)
from ....wire.documents.cpu import format_cpu, parse_cpu
from ....wire.documents.sysinfo import Entry, Sysinfo, SysinfoBlock, format_sysinfo
from ....wire.enums.domain_tuning import ConnectBaselineCPUFlags
from ....wire.enums.error import ErrorDomain
from ....wire.errors import InvalidArgument, NotSupported
from ....wire.table.structs import HostStat
from ...call import Call
from ...cpu.architectures import ARCHITECTURES, X86
from ...cpu.arithmetic import baseline, check_host_descriptions
from ...cpu.x86 import x86_models
from ..domain import check_flags
from ..host_queries import bitmap, host_stats, one_or_all, require

MAX_VCPUS = 32
_ARCH = "i686"
_EMULATOR = "/usr/bin/test-hv"
# What virNodeInfo tells: model, memory in KiB, CPUs, MHz, cells, sockets, cores, threads.
_INFO = (_ARCH, 3145728, 16, 1400, 2, 2, 2, 2)
_CPUS, _ONLINE = 8, (0, 2, 4)
# In ns, since a start that never was.
_TIMES = {"user": 9797400000, "kernel": 34678723400000, "idle": 87264900000, "iowait": 763600000}
_FREE_MEMORY = 3145728
# Each cell's memory in KiB, which is all free, and the size of its ordinary pages.
_CELLS = ((2097152, 4), (4194304, 8))
_CELL_CPUS = 8
_HUGE_PAGES = (2048, 1048576)
_SECURITY = "testSecurity"
_BIOS = {"vendor": "LENOVO", "version": "G4ETA1WW (2.61 )", "date": "05/07/2014", "release": "2.61"}
_POWER_MODELS = ("POWER6", "POWER7", "POWER8", "POWER9", "POWER10", "POWERPC_e5500", "POWERPC_e6500")
# Architectures of which the models are known, and those that have none to choose from.
_MODELS = {
    **dict.fromkeys(X86, tuple(model.name for model in x86_models())),
    **dict.fromkeys(("ppc64", "ppc64le"), _POWER_MODELS),
    **dict.fromkeys(("aarch64", "armv6l", "armv7l", "armv7b", "s390", "s390x"), ()),
}


class TestHostQueries:
    """A mixin for the driver's actor."""

    __test__ = False

    def node_get_info(self, call: Call) -> tuple[str, int, int, int, int, int, int, int]:
        return _INFO

    def node_get_cpu_map(self, call: Call, need_map: int, need_online: int, flags: int) -> tuple[bytes, int, int]:
        check_flags(call, flags, 0)
        return bitmap(_ONLINE, _CPUS) if need_map else b"", len(_ONLINE) if need_online else 0, _CPUS

    def node_get_cpu_stats(self, call: Call, cpu_num: int, nparams: int, flags: int) -> tuple[list[HostStat], int]:
        check_flags(call, flags, 0)
        one_or_all(call, cpu_num, "cpuNum")
        return host_stats(_TIMES, nparams)

    def node_get_free_memory(self, call: Call) -> tuple[int]:
        return (_FREE_MEMORY,)

    def node_get_cells_free_memory(self, call: Call, start_cell: int, maxcells: int) -> tuple[list[int]]:
        if not 0 <= start_cell < len(_CELLS):
            raise InvalidArgument("Range exceeds available cells")
        return ([memory for memory, _ in _CELLS[start_cell : start_cell + maxcells]],)

    def node_get_free_pages(
        self, call: Call, pages: list[int], start_cell: int, cell_count: int, flags: int
    ) -> tuple[list[int]]:
        check_flags(call, flags, 0)
        require(call, len(pages), "npages")
        require(call, cell_count, "cellCount")
        counts, count = [], 6
        for _ in range(len(pages) * cell_count):
            count = count * 2 + 7
            counts.append(count)
        return (counts,)

    def node_get_security_model(self, call: Call) -> tuple[str, str]:
        return _SECURITY, ""

    def connect_get_max_vcpus(self, call: Call, type: str | None) -> tuple[int]:
        return (MAX_VCPUS,)

    def connect_get_capabilities(self, call: Call) -> tuple[str]:
        return (format_capabilities(_capabilities()),)

    def connect_get_sysinfo(self, call: Call, flags: int) -> tuple[str]:
        check_flags(call, flags, 0)
        bios = SysinfoBlock(entries=tuple(Entry(name=name, value=value) for name, value in _BIOS.items()))
        return (format_sysinfo(Sysinfo(bios=bios)),)

    def connect_get_cpu_model_names(
        self, call: Call, arch: str, need_results: int, flags: int
    ) -> tuple[list[str], int]:
        check_flags(call, flags, 0)
        if arch not in ARCHITECTURES:
            raise InvalidArgument(f"cannot find architecture {arch}")
        if arch not in _MODELS:
            raise NotSupported(f"'{arch}' architecture is not supported by CPU driver", domain=ErrorDomain.CPU)
        models = list(_MODELS[arch])
        return models if need_results else [], len(models)

    def connect_baseline_cpu(self, call: Call, xml_cpus: list[str], flags: int) -> tuple[str]:
        check_flags(call, flags, ConnectBaselineCPUFlags.EXPAND_FEATURES)
        described = [parse_cpu(xml) for xml in xml_cpus]
        check_host_descriptions(described)
        expand = bool(flags & ConnectBaselineCPUFlags.EXPAND_FEATURES)
        return (format_cpu(baseline(described, x86_models(), expand=expand, migratable=False)),)


def _capabilities() -> Capabilities:
    sizes = sorted({*_HUGE_PAGES, *(size for _, size in _CELLS)})
    return Capabilities(
        host=Host(
            cpu=HostCpu(arch=_ARCH, pae=True, nonpae=True, pages=tuple(PageSize(size=size) for size in sizes)),
            power_management=True,
            iommu=False,
            cell_count=len(_CELLS),
            cells=tuple(_cell(number, memory, size) for number, (memory, size) in enumerate(_CELLS)),
            security_models=(SecurityModel(model=_SECURITY, doi=""),),
        ),
        guests=tuple(
            Guest(
                os_type=os_type,
                arch=_ARCH,
                word_size=32,
                emulator=_EMULATOR,
                domain_types=("test",),
                pae=True,
                nonpae=True,
            )
            for os_type in ("hvm", "xen")
        ),
    )


def _cell(number: int, memory: int, page: int) -> Cell:
    first = number * _CELL_CPUS
    return Cell(
        id=number,
        memory=memory,
        pages=(PagePool(size=page, count=memory // page), *(PagePool(size=size, count=0) for size in _HUGE_PAGES)),
        cpu_count=_CELL_CPUS,
        cpus=tuple(
            CellCpu(id=first + core, socket=number, die=0, core=core, siblings=str(first + core))
            for core in range(_CELL_CPUS)
        ),
    )
