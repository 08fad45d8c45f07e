"""What a host tells of itself: processors, memory, firmware, and what its hypervisor makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wire.params import ParamType, ParamValue, TypedParam, values_of
from ..wire.table import ROWS, Row
from .values import STRINGS_TOO, bits, member_or_number

if TYPE_CHECKING:
    from ..wire.enums.domain_tuning import CPUCompareResult
    from ..wire.enums.host import NodeSuspendTarget
    from .reconnect import Session

_ALL = -1
_INFO = ROWS["node_get_info"]
_CPU_MAP = ROWS["node_get_cpu_map"]
_CPU_STATS = ROWS["node_get_cpu_stats"]
_MEMORY_STATS = ROWS["node_get_memory_stats"]
_FREE_MEMORY = ROWS["node_get_free_memory"]
_CELLS_FREE = ROWS["node_get_cells_free_memory"]
_FREE_PAGES = ROWS["node_get_free_pages"]
_ALLOC_PAGES = ROWS["node_alloc_pages"]
_GET_MEMORY = ROWS["node_get_memory_parameters"]
_SET_MEMORY = ROWS["node_set_memory_parameters"]
_SECURITY = ROWS["node_get_security_model"]
_SEV = ROWS["node_get_sev_info"]
_SUSPEND = ROWS["node_suspend_for_duration"]
_CAPABILITIES = ROWS["connect_get_capabilities"]
_DOMAIN_CAPABILITIES = ROWS["connect_get_domain_capabilities"]
_SYSINFO = ROWS["connect_get_sysinfo"]
_MAX_VCPUS = ROWS["connect_get_max_vcpus"]
_MODELS = ROWS["connect_get_cpu_model_names"]
_COMPARE = ROWS["connect_compare_cpu"]
_COMPARE_HYPERVISOR = ROWS["connect_compare_hypervisor_cpu"]
_BASELINE = ROWS["connect_baseline_cpu"]
_BASELINE_HYPERVISOR = ROWS["connect_baseline_hypervisor_cpu"]


class NodeInfo(NamedTuple):
    """A host in short: ``memory`` in KiB, ``mhz`` 0 where it is not known.

    ``sockets`` are those of a NUMA cell, ``cores`` those of a socket, ``threads`` those of a core.
    """

    model: str
    memory: int
    cpus: int
    mhz: int
    cells: int
    sockets: int
    cores: int
    threads: int


class CpuMap(NamedTuple):
    """The host's processors: how many there are, and the numbers of those that work."""

    present: int
    online: frozenset[int]


class SecurityModel(NamedTuple):
    """How the host keeps guests apart; ``none`` for by nothing."""

    model: str
    doi: str


class Hypervisor(NamedTuple):
    """What a host is to answer for: an emulator by its path, an architecture, a machine type, a domain type.

    What is None is the host's choice.
    """

    emulator: str | None = None
    arch: str | None = None
    machine: str | None = None
    type: str | None = None


class Node:
    """The part of a Host that is about the host itself. Methods take ``deadline``, seconds for the whole call."""

    _session: Session

    # -- processors and memory -----------------------------------------------------------------------------------------

    def node_info(self, *, deadline: float | None = None) -> NodeInfo:
        """Model, memory, processors and their topology (virNodeGetInfo)."""
        return NodeInfo(*self._session.call(_INFO, deadline=deadline))

    def cpu_map(self, *, deadline: float | None = None) -> CpuMap:
        """Which processors are there and online (virNodeGetCPUMap)."""
        from .domain.cpusets import from_bits

        online, _, present = self._session.call(_CPU_MAP, 1, 1, 0, deadline=deadline)
        return CpuMap(present, from_bits(online))

    def cpu_stats(self, cpu: int | None = None, *, deadline: float | None = None) -> dict[str, int]:
        """What a processor (None: all together) did since the host came up, in ns by kind (virNodeGetCPUStats)."""
        return self._stats(_CPU_STATS, lambda count: (_number(cpu), count, 0), deadline)

    def memory_stats(self, cell: int | None = None, *, deadline: float | None = None) -> dict[str, int]:
        """The memory of a NUMA cell (None: of the host), in KiB by use (virNodeGetMemoryStats)."""
        return self._stats(_MEMORY_STATS, lambda count: (count, _number(cell), 0), deadline)

    def free_memory(self, *, deadline: float | None = None) -> int:
        """In bytes (virNodeGetFreeMemory)."""
        return self._session.call(_FREE_MEMORY, deadline=deadline)[0]

    def cells_free_memory(self, start: int = 0, count: int = 1024, *, deadline: float | None = None) -> list[int]:
        """Of each NUMA cell from the one with number ``start`` on, in bytes (virNodeGetCellsFreeMemory)."""
        return self._session.call(_CELLS_FREE, start, count, deadline=deadline)[0]

    def free_pages(
        self, sizes: Sequence[int], start: int = 0, count: int = 1, *, deadline: float | None = None
    ) -> list[dict[int, int]]:
        """How many pages of each size (KiB) are free, in each cell from ``start`` on (virNodeGetFreePages).

        A start of -1 is the whole host.
        """
        told = self._session.call(_FREE_PAGES, list(sizes), start, count, 0, deadline=deadline)[0]
        width = max(len(sizes), 1)
        return [dict(zip(sizes, told[at : at + width], strict=True)) for at in range(0, len(told), width)]

    def allocate_pages(
        self,
        pages: Mapping[int, int],
        start: int = _ALL,
        count: int = 1,
        *,
        add: bool = False,
        deadline: float | None = None,
    ) -> int:
        """Make pools of huge pages so large: ``pages`` maps sizes (KiB) to counts (virNodeAllocPages).

        From cell ``start`` on in ``count`` cells, or by a start of -1 in the host's pool. With ``add`` they become
        larger by that. Gives how many pools were changed.
        """
        from ..wire.enums.host import NodeAllocPagesFlags

        flags = NodeAllocPagesFlags.ADD if add else NodeAllocPagesFlags.SET
        sizes, counts = list(pages), list(pages.values())
        return self._session.call(_ALLOC_PAGES, sizes, counts, start, count, int(flags), deadline=deadline)[0]

    def memory_parameters(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """How equal pages of memory are merged, ``shm_pages_to_scan`` and so on (virNodeGetMemoryParameters)."""
        return values_of(self._params(_GET_MEMORY, deadline))

    def set_memory_parameters(self, values: Mapping[str, int], *, deadline: float | None = None) -> None:
        """Change how equal pages of memory are merged (virNodeSetMemoryParameters)."""
        params = [TypedParam(name, int(ParamType.UINT), value) for name, value in values.items()]
        self._session.call(_SET_MEMORY, params, 0, deadline=deadline)

    # -- the host as a whole -------------------------------------------------------------------------------------------

    def security_model(self, *, deadline: float | None = None) -> SecurityModel:
        """How guests are kept apart (virNodeGetSecurityModel)."""
        return SecurityModel(*self._session.call(_SECURITY, deadline=deadline))

    def sev_info(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """What the processor can do to encrypt guests, AMD SEV (virNodeGetSEVInfo)."""
        return values_of(self._params(_SEV, deadline))

    def suspend(self, target: NodeSuspendTarget, seconds: int, *, deadline: float | None = None) -> None:
        """Put the host to sleep, for at least 60 seconds (virNodeSuspendForDuration)."""
        self._session.call(_SUSPEND, int(target), seconds, 0, deadline=deadline)

    def sysinfo(self, *, deadline: float | None = None) -> str:
        """What the firmware tells of the host, as XML (virConnectGetSysinfo)."""
        return self._session.call(_SYSINFO, 0, deadline=deadline)[0]

    def capabilities(self, *, deadline: float | None = None) -> str:
        """What the host and its hypervisor can do, as XML (virConnectGetCapabilities)."""
        return self._session.call(_CAPABILITIES, deadline=deadline)[0]

    # -- what the hypervisor makes of it -------------------------------------------------------------------------------

    def domain_capabilities(self, of: Hypervisor | None = None, *, deadline: float | None = None) -> str:
        """What domains of an emulator, machine and type can have, as XML (virConnectGetDomainCapabilities)."""
        return self._session.call(_DOMAIN_CAPABILITIES, *(of or Hypervisor()), 0, deadline=deadline)[0]

    def max_vcpus(self, type: str | None = None, *, deadline: float | None = None) -> int:
        """How many processors a domain of a type can have (virConnectGetMaxVcpus)."""
        return self._session.call(_MAX_VCPUS, type, deadline=deadline)[0]

    def cpu_models(self, arch: str, *, deadline: float | None = None) -> list[str]:
        """The names of the processor models of an architecture (virConnectGetCPUModelNames)."""
        return self._session.call(_MODELS, arch, 1, 0, deadline=deadline)[0]

    def compare_cpu(
        self,
        xml: str,
        of: Hypervisor | None = None,
        *,
        fail: bool = False,
        validate: bool = False,
        deadline: float | None = None,
    ) -> CPUCompareResult | int:
        """How the host's processor, or the one that a hypervisor gives (``of``), compares to a described one.

        With ``fail``, one that is incompatible raises OperationFailed, which says why; with ``validate`` the document
        must have nothing that libvirt does not know. (virConnectCompareCPU, virConnectCompareHypervisorCPU)
        """
        from ..wire.enums.domain_tuning import ConnectCompareCPUFlags, CPUCompareResult

        wishes = {ConnectCompareCPUFlags.FAIL_INCOMPATIBLE: fail, ConnectCompareCPUFlags.VALIDATE_XML: validate}
        row, named = (_COMPARE, ()) if of is None else (_COMPARE_HYPERVISOR, of)
        (result,) = self._session.call(row, *named, xml, bits(wishes), deadline=deadline)
        return member_or_number(CPUCompareResult, result)

    def baseline_cpu(
        self,
        xmls: Iterable[str],
        of: Hypervisor | None = None,
        *,
        expand: bool = False,
        migratable: bool = False,
        deadline: float | None = None,
    ) -> str:
        """The most that all described processors have in common, and a hypervisor can give (``of``), as XML.

        ``expand`` lists the model's own features too, ``migratable`` leaves out what forbids migration.
        (virConnectBaselineCPU, virConnectBaselineHypervisorCPU)
        """
        from ..wire.enums.domain_tuning import ConnectBaselineCPUFlags

        wishes = {ConnectBaselineCPUFlags.EXPAND_FEATURES: expand, ConnectBaselineCPUFlags.MIGRATABLE: migratable}
        row, named = (_BASELINE, ()) if of is None else (_BASELINE_HYPERVISOR, of)
        return self._session.call(row, *named, list(xmls), bits(wishes), deadline=deadline)[0]

    # -- lists that are asked for twice --------------------------------------------------------------------------------

    def _stats(self, row: Row, arguments: Any, deadline: float | None) -> dict[str, int]:
        """Figures by their names: first it is asked how many there are."""
        _, count = self._session.call(row, *arguments(0), deadline=deadline)
        stats, _ = self._session.call(row, *arguments(count), deadline=deadline)
        return {stat.field: stat.value for stat in stats}

    def _params(self, row: Row, deadline: float | None) -> list[TypedParam]:
        _, count = self._session.call(row, 0, STRINGS_TOO, deadline=deadline)
        return self._session.call(row, count, STRINGS_TOO, deadline=deadline)[0] if count else []


def _number(of: int | None) -> int:
    return _ALL if of is None else of
