"""Sets of processors, nodes or threads: as text ("0-3,7,^2"), and as the bytes that calls carry (lowest bit first)."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The highest number that a set may have, and one more; libvirt's documents allow no more.
LIMIT = 16384
# XML's white space.
_BLANK = " \t\r\n"
_PART = re.compile(r"(\^?)(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)


def parse_numbers(text: str) -> frozenset[int]:
    """The numbers that a text stands for; "^" takes one out that an earlier part has put in. Empty text is none.

    Raises ValueError for anything else.
    """
    numbers: set[int] = set()
    if not text.strip(_BLANK):
        return frozenset()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip(_BLANK))
        if match is None:
            raise ValueError(text)
        first, last = int(match[2]), int(match[3] or match[2])
        if last < first or last >= LIMIT or (match[1] and match[3]):
            raise ValueError(text)
        if match[1]:
            numbers.discard(first)
        else:
            numbers.update(range(first, last + 1))
    return frozenset(numbers)


def format_numbers(numbers: Iterable[int]) -> str:
    """The shortest text for a set, as libvirt writes it: ranges where two or more follow each other."""
    parts: list[str] = []
    ordered = sorted(numbers)
    start = 0
    for at, number in enumerate(ordered):
        if at + 1 < len(ordered) and ordered[at + 1] == number + 1:
            continue
        first = ordered[start]
        parts.append(str(first) if first == number else f"{first}-{number}")
        start = at + 1
    return ",".join(parts)


def numbers_of(bits: bytes) -> frozenset[int]:
    """The numbers of the bits that are set."""
    return frozenset(byte * 8 + bit for byte, value in enumerate(bits) for bit in range(8) if value >> bit & 1)


def bits_of(numbers: Iterable[int], length: int) -> bytes:
    """The bits for a set in ``length`` bytes; what does not fit is left out."""
    bits = bytearray(length)
    for number in numbers:
        if number < length * 8:
            bits[number // 8] |= 1 << number % 8
    return bytes(bits)
