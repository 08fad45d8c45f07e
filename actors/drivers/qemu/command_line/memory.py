"""The guest's memory and its nodes: -m, -object memory-backend-…, -numa, -overcommit.

Memory has a backend of its own where the document says something of it (pages, source, access, allocation, the host's
nodes) or where the guest has nodes; else it is the machine's own. Huge pages are taken by memfd, which needs no mounted
hugetlbfs and leaves no file behind. Sizes are rounded up to MiB, as libvirt's are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .....wire.documents.domain import Cell, DomainDefinition, MemoryBacking, Numa, NumaTune
from .....wire.errors import UnsupportedConfig
from ..nodes import module_memory
from .board import Board
from .syntax import Value, key_values, numbers

KIB_PER_MIB = 1024
BYTES_PER_KIB = 1024
OWN_DISTANCE, OTHER_DISTANCE = 10, 20
MAX_DISTANCE = 255
POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave"}
DATA_TYPES = {"access": "access", "read": "read", "write": "write"}
WRITE_POLICIES = {"none": "none", "writeback": "write-back", "writethrough": "write-through"}
NO_BACKING = MemoryBacking()
ASSOCIATIVITIES = {"none": "none", "direct": "direct", "full": "complex"}


def memory(board: Board) -> list[str]:
    """-m, and -overcommit where it is to be locked."""
    definition = board.definition
    size = whole(initial_memory(definition))
    backing = definition.memory_backing or NO_BACKING
    locked = ["-overcommit", "mem-lock=on"] if backing.locked else []
    if definition.max_memory is None:
        if definition.memory_slots is not None:
            raise UnsupportedConfig("maxMemory: slots without a size")
        return ["-m", str(size // KIB_PER_MIB), *locked]
    if not definition.memory_slots:
        raise UnsupportedConfig("maxMemory without slots", hint="slots='16' has room for 16 modules")
    if not board.family.root:
        raise UnsupportedConfig(f"maxMemory on machine type {board.family.name}")
    if definition.max_memory < definition.memory:
        raise UnsupportedConfig(f"maxMemory of {definition.max_memory} KiB is less than memory")
    limits = key_values(size=f"{size}k", slots=definition.memory_slots, maxmem=f"{whole(definition.max_memory)}k")
    return ["-m", limits, *locked]


def whole(kib: int) -> int:
    """A size rounded up to whole MiB, in KiB."""
    return -(-kib // KIB_PER_MIB) * KIB_PER_MIB


def initial_memory(definition: DomainDefinition) -> int:
    """What the guest has without its modules, KiB: `memory` is both together."""
    modules = module_memory(definition)
    if modules >= definition.memory:
        raise UnsupportedConfig(f"memory of {definition.memory} KiB is all in modules")
    return definition.memory - modules


# --- backends


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of one piece of memory. `size` is KiB; `node` is the guest's, None where it has none."""

    id: str
    size: int
    node: int | None = None
    access: str | None = None
    discard: bool | None = None


def backends(board: Board) -> list[str]:
    """The backends of the guest's memory, and its nodes."""
    cells = cells_of(board.definition)
    if cells:
        return _nodes(board, cells)
    if not has_backend(board.definition):
        _check_unused(board.definition)
        return []
    wanted = Wanted(main_backend(board), whole(initial_memory(board.definition)))
    return _backend(board, wanted)


def main_backend(board: Board) -> str:
    """The id of the backend of a machine's only memory: the one that a machine without it would have."""
    return board.capabilities.machine(board.definition.os.machine).default_ram_id or "pc.ram"


def machine_switches(board: Board) -> dict[str, Value]:
    """What -machine says of the memory."""
    definition = board.definition
    backing = definition.memory_backing or NO_BACKING
    numa = definition.cpu.numa if definition.cpu else None
    return {
        "mem_merge": False if backing.nosharepages else None,
        "memory_backend": main_backend(board) if has_backend(definition) and not cells_of(definition) else None,
        "hmat": True if numa and _has_hmat(numa) else None,
    }


def cells_of(definition: DomainDefinition) -> tuple[Cell, ...]:
    return definition.cpu.numa.cells if definition.cpu and definition.cpu.numa else ()


def has_backend(definition: DomainDefinition) -> bool:
    """Whether anything is said of the memory that only a backend can have."""
    backing = definition.memory_backing or NO_BACKING
    said = (backing.hugepages, backing.source, backing.access, backing.allocation)
    return any(each is not None for each in said) or backing.discard or bool(_host_nodes(definition.numatune, None))


def _check_unused(definition: DomainDefinition) -> None:
    backing = definition.memory_backing or NO_BACKING
    if backing.allocation_threads is not None:
        raise UnsupportedConfig("memoryBacking: threads of an allocation that is not immediate")


def backend_properties(definition: DomainDefinition, wanted: Wanted, directory: str) -> tuple[str, dict[str, Any]]:
    """The kind of backend that a piece of memory has, and its properties. Modules of memory are such pieces too."""
    backing = definition.memory_backing or NO_BACKING
    page = _page(backing, wanted.node)
    source = "memfd" if backing.hugepages is not None else backing.source
    shared = (wanted.access or backing.access) == "shared"
    discard = backing.discard if wanted.discard is None else wanted.discard
    kind = {"file": "memory-backend-file", "memfd": "memory-backend-memfd"}.get(source or "", "memory-backend-ram")
    properties: dict[str, Any] = {"id": wanted.id, "size": wanted.size * BYTES_PER_KIB, "share": shared or None}
    if source == "file":
        properties |= {"mem-path": directory, "discard-data": discard or None}
    elif discard:
        raise UnsupportedConfig("memoryBacking: discard", hint="memory of source type='file' can be discarded")
    if backing.hugepages is not None and page is not False:
        properties |= {"hugetlb": True, "hugetlbsize": page * BYTES_PER_KIB if page else None}
    properties |= _allocation(backing, huge=backing.hugepages is not None and page is not False)
    return kind, properties | _host_nodes(definition.numatune, wanted.node)


def _backend(board: Board, wanted: Wanted) -> list[str]:
    kind, properties = backend_properties(board.definition, wanted, str(board.resources.memory_directory))
    if wanted.node is None and kind != "memory-backend-ram":
        # Migration calls the machine's only memory so, whatever it is made of.
        properties["x-use-canonical-path-for-ramblock-id"] = False
    return board.object("memoryBacking", kind, **properties)


def _allocation(backing: MemoryBacking, *, huge: bool) -> dict[str, Any]:
    """Huge pages are taken at once: a guest that comes to one that is not there dies."""
    immediate = backing.allocation == "immediate" or (huge and backing.allocation is None)
    if backing.allocation_threads is not None and not immediate:
        raise UnsupportedConfig("memoryBacking: threads of an allocation that is not immediate")
    return {"prealloc": immediate or None, "prealloc-threads": backing.allocation_threads}


def _page(backing: MemoryBacking, node: int | None) -> int | bool | None:
    """The size of a node's pages in KiB, None for the host's usual huge ones, False for small ones."""
    if backing.hugepages is None:
        return False
    pages = backing.hugepages.pages
    if not pages:
        return None
    for page in pages:
        if page.nodeset is not None and node is None and 0 not in numbers(page.nodeset, "hugepages"):
            raise UnsupportedConfig(f"hugepages: nodeset {page.nodeset!r} of a guest without nodes")
    for page in pages:
        if page.nodeset is not None and (node or 0) in numbers(page.nodeset, "hugepages"):
            return _checked_page(page.size)
    default = next((page for page in pages if page.nodeset is None), None)
    return False if default is None else _checked_page(default.size)


def _checked_page(size: int) -> int:
    if size < 1024 or size & (size - 1):
        raise UnsupportedConfig(f"hugepages: pages of {size} KiB")
    return size


def _host_nodes(tune: NumaTune | None, node: int | None) -> dict[str, Any]:
    """From which of the host's nodes a piece of memory comes. `restrictive` is left to cgroups, and says nothing."""
    if tune is None:
        return {}
    own = next((each for each in tune.nodes if each.cell == node), None)
    nodeset = own.nodeset if own else tune.nodeset
    mode = (own.mode if own else None) or tune.mode or "strict"
    if nodeset is None or mode == "restrictive":
        return {}
    return {"host-nodes": sorted(numbers(nodeset, "numatune")), "policy": POLICIES[mode]}


# --- nodes


def _nodes(board: Board, cells: tuple[Cell, ...]) -> list[str]:
    definition = board.definition
    numa = (definition.cpu and definition.cpu.numa) or Numa()
    _check_cells(definition, cells)
    hmat = _has_hmat(numa)
    words: list[str] = []
    for number, cell in enumerate(cells):
        wanted = Wanted(f"ram-node{number}", whole(cell.memory), number, cell.access, cell.discard)
        words += [
            *_backend(board, wanted),
            *("-numa", _node(number, cell, _initiator(numa, number, cell) if hmat else None)),
        ]
    words += _distances(cells)
    if hmat:
        words += [*_latencies(numa), *_bandwidths(numa), *_caches(cells)]
    return words


def _check_cells(definition: DomainDefinition, cells: tuple[Cell, ...]) -> None:
    total = sum(cell.memory for cell in cells)
    if total != initial_memory(definition):
        raise UnsupportedConfig(f"numa: the cells' {total} KiB are not the memory of {initial_memory(definition)} KiB")
    if any((number if cell.id is None else cell.id) != number for number, cell in enumerate(cells)):
        raise UnsupportedConfig("numa: ids of cells that do not count up from 0")
    tuned = {each.cell for each in definition.numatune.nodes} if definition.numatune else set[int]()
    if strange := tuned - set(range(len(cells))):
        raise UnsupportedConfig(f"numatune: memnode of cell {min(strange)}, which is not there")
    seen: set[int] = set()
    for number, cell in enumerate(cells):
        cpus = numbers(cell.cpus or "", f"numa cell {number}")
        if cpus & seen:
            raise UnsupportedConfig(f"numa: cell {number} has processors of another cell")
        if cpus and max(cpus) >= (definition.vcpus or 1):
            raise UnsupportedConfig(f"numa: cell {number} has processor {max(cpus)}, which is not there")
        seen |= cpus


def _node(number: int, cell: Cell, initiator: int | None) -> str:
    cpus = [f"cpus={part}" for part in (cell.cpus or "").split(",") if part]
    fixed = key_values("node", nodeid=number)
    return ",".join([fixed, *cpus, key_values(initiator=initiator, memdev=f"ram-node{number}")])


def _distances(cells: tuple[Cell, ...]) -> list[str]:
    """Either all distances are told or none."""
    told = {(number, each.id): each.value for number, cell in enumerate(cells) for each in cell.distances}
    if not told:
        return []
    if len(told) < sum(len(cell.distances) for cell in cells):
        raise UnsupportedConfig("numa: a distance that is given twice")
    for (source, target), value in told.items():
        if target >= len(cells) or not OWN_DISTANCE <= value <= MAX_DISTANCE:
            raise UnsupportedConfig(f"numa: distance {value} from cell {source} to {target}")
        if source == target and value != OWN_DISTANCE:
            raise UnsupportedConfig(f"numa: distance {value} of cell {source} to itself")
    words: list[str] = []
    for source in range(len(cells)):
        for target in range(len(cells)):
            usual = OWN_DISTANCE if source == target else told.get((target, source), OTHER_DISTANCE)
            words += ["-numa", key_values("dist", src=source, dst=target, val=told.get((source, target), usual))]
    return words


def _has_hmat(numa: Numa) -> bool:
    return bool(numa.latencies or numa.bandwidths or any(cell.caches for cell in numa.cells))


def _initiator(numa: Numa, number: int, cell: Cell) -> int:
    """The node whose processors are nearest to a node's memory."""
    if cell.cpus:
        return number
    near = [each.initiator for each in (*numa.latencies, *numa.bandwidths) if each.target == number]
    owners = [index for index, each in enumerate(numa.cells) if each.cpus]
    return next((each for each in near if each in owners), owners[0] if owners else 0)


def _between(kind: str, latency: bool, each: Any) -> dict[str, Value]:
    hierarchy = "memory" if each.cache is None else f"{_level(each.cache)}-level"
    return {
        "initiator": each.initiator,
        "target": each.target,
        "hierarchy": hierarchy,
        "data_type": f"{DATA_TYPES[each.type]}-{kind}",
        kind: each.value if latency else f"{each.value}K",
    }


def _level(number: int) -> str:
    levels = {1: "first", 2: "second", 3: "third"}
    if number not in levels:
        raise UnsupportedConfig(f"numa: cache {number}", hint="levels are 1 to 3")
    return levels[number]


def _latencies(numa: Numa) -> Iterable[str]:
    for each in numa.latencies:
        _check_between(numa, each)
        yield from ("-numa", key_values("hmat-lb", **_between("latency", True, each)))


def _bandwidths(numa: Numa) -> Iterable[str]:
    for each in numa.bandwidths:
        _check_between(numa, each)
        yield from ("-numa", key_values("hmat-lb", **_between("bandwidth", False, each)))


def _check_between(numa: Numa, each: Any) -> None:
    if max(each.initiator, each.target) >= len(numa.cells):
        raise UnsupportedConfig(f"numa: interconnect from cell {each.initiator} to {each.target}")


_UNITS: Mapping[str, int] = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def _bytes(value: int, unit: str | None) -> int:
    if unit not in (None, *_UNITS):
        raise UnsupportedConfig(f"numa cache: unit {unit!r}", hint=f"one of {', '.join(_UNITS)}")
    return value * _UNITS[unit or "KiB"]


def _caches(cells: tuple[Cell, ...]) -> Iterable[str]:
    for number, cell in enumerate(cells):
        for cache in sorted(cell.caches, key=lambda each: each.level):
            _level(cache.level)
            yield "-numa"
            yield key_values(
                "hmat-cache",
                node_id=number,
                size=f"{_bytes(cache.size, cache.size_unit) // 1024}K",
                level=cache.level,
                associativity=ASSOCIATIVITIES[cache.associativity],
                policy=WRITE_POLICIES[cache.policy],
                line=_bytes(cache.line, cache.line_unit or "B"),
            )
