"""Sets of processors: as Python's sets, as libvirt's text (``0-3,^2``), and as bits on the wire, the lowest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...wire.errors import InvalidArgument, NotSupported
from ...wire.table import ROWS
from .identity import Part

_CPU_MAP = ROWS["node_get_cpu_map"]
_NODE_INFO = ROWS["node_get_info"]


def host_cpu_count(part: Part, deadline: float | None = None) -> int:
    """How many processors the domain's host has, those that are off too."""
    try:
        return part._ask(_CPU_MAP, 0, 0, 0, deadline=deadline)[2]
    except NotSupported:
        _, _, _, _, nodes, sockets, cores, threads = part._ask(_NODE_INFO, deadline=deadline)
        return nodes * sockets * cores * threads


def bytes_for(count: int) -> int:
    """How many bytes hold that many bits."""
    return (count + 7) // 8


def to_bits(cpus: Collection[int]) -> bytes:
    """The processors as bits. Raises InvalidArgument for a negative number."""
    if any(cpu < 0 for cpu in cpus):
        raise InvalidArgument(f"there is no processor {min(cpus)}")
    number = 0
    for cpu in cpus:
        number |= 1 << cpu
    return number.to_bytes(bytes_for(max(cpus, default=-1) + 1), "little")


def from_bits(bits: bytes) -> frozenset[int]:
    """The processors whose bits are set."""
    number = int.from_bytes(bits, "little")
    return frozenset(cpu for cpu in range(number.bit_length()) if number >> cpu & 1)


def split_bits(bits: bytes, width: int) -> list[frozenset[int]]:
    """Several sets that stand behind each other, each ``width`` bytes."""
    return [from_bits(bits[at : at + width]) for at in range(0, len(bits), width)] if width else []


def to_text(cpus: Iterable[int]) -> str:
    """The processors in libvirt's notation: ``0-3,5``."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def from_text(text: str, count: int | None = None) -> frozenset[int]:
    """The processors that ``0-3,^2`` names; ``r`` stands for all ``count``. Raises InvalidArgument."""
    if text == "r" and count is not None:
        return frozenset(range(count))
    chosen: set[int] = set()
    for part in text.split(","):
        excluded = part.startswith("^")
        low, dash, high = part.removeprefix("^").partition("-")
        if not low.strip().isdecimal() or (dash and not high.strip().isdecimal()):
            raise InvalidArgument(f"'{text}' is no list of processors", hint="write it as 0-3,^2")
        cpus = range(int(low), int(high or low) + 1)
        if excluded:
            chosen.difference_update(cpus)
        else:
            chosen.update(cpus)
    return frozenset(chosen)
