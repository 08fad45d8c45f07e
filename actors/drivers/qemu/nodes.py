"""The guest's nodes, completed: numbered, with every processor in one, and the memory of all as the guest's."""

from __future__ import annotations

from ....wire.cpuset import LIMIT, format_numbers, parse_numbers
from ....wire.documents.domain import Cell, DomainDefinition
from ....wire.documents.replacing import replace
from ....wire.errors import XMLError

NOT_COUNTED = ("virtio-pmem", "sgx-epc")


def with_nodes(definition: DomainDefinition) -> DomainDefinition:
    """The definition with what its nodes leave unsaid, as libvirt has it: processors that are in none are in the first
    node, and memory is the nodes' and the modules'. Raises XMLError for numbers of nodes that do not fit together."""
    cpu = definition.cpu
    if cpu is None or cpu.numa is None or not cpu.numa.cells:
        return definition
    if (definition.vcpus or 1) > LIMIT:
        raise XMLError(f"{definition.vcpus} vcpus, expected at most {LIMIT}")
    cells = _numbered(cpu.numa.cells)
    placed = frozenset[int]().union(*(parse_numbers(cell.cpus or "") for cell in cells))
    if left := frozenset(range(definition.vcpus or 1)) - placed:
        first = format_numbers(parse_numbers(cells[0].cpus or "") | left)
        cells = (replace(cells[0], cpus=first), *cells[1:])
    memory = sum(cell.memory for cell in cells) + module_memory(definition)
    return replace(definition, memory=memory, cpu=replace(cpu, numa=replace(cpu.numa, cells=cells)))


def _numbered(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The cells by their numbers, those without counted up."""
    told = {cell.id for cell in cells if cell.id is not None}
    if told and len(told) < len(cells):
        raise XMLError("numa: ids of cells must be all said, each once, or none")
    numbered = [replace(cell, id=number if cell.id is None else cell.id) for number, cell in enumerate(cells)]
    if told and told != set(range(len(cells))):
        raise XMLError(f"numa: ids of cells are {format_numbers(told)}, expected 0 to {len(cells) - 1}")
    for cell in numbered:
        if strange := [each.id for each in cell.distances if each.id >= len(cells)]:
            raise XMLError(f"numa: distance from cell {cell.id} to {strange[0]}, expected 0 to {len(cells) - 1}")
    return tuple(sorted(numbered, key=lambda cell: cell.id or 0))


def module_memory(definition: DomainDefinition) -> int:
    """How much of the guest's memory is in modules, KiB; those of other kinds do not count as its memory."""
    return sum(each.size for each in definition.devices.memories if each.model not in NOT_COUNTED)
