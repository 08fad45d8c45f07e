"""The files below a root that the kernel describes the machine in, and the few forms in which it writes.

Whatever is missing or unreadable reads as empty.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class HostFiles:
    """/proc, /sys and /etc below ``root``; paths are given relative to it."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def text(self, path: str) -> str:
        """What a file says, without the white space around it."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return ""

    def number(self, path: str) -> int | None:
        """The number that a file consists of, decimal or 0x…, None for anything else."""
        return number(self.text(path))

    def names(self, path: str) -> list[str]:
        """What is in a directory."""
        try:
            return sorted(os.listdir(self.root / path))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def write(self, path: str, text: str) -> None:
        """Change a setting of the kernel's. Raises OSError."""
        (self.root / path).write_text(text)


def numbered(names: Iterable[str], prefix: str) -> list[int]:
    """The numbers of ``prefixN``, in order."""
    rests = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
    return sorted(int(rest) for rest in rests if rest.isdigit())


def listed(text: str) -> list[int]:
    """The numbers of a kernel's list: ``0-3,8``."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def number(text: str) -> int | None:
    """A number, decimal or 0x…, None for anything else."""
    try:
        return int(text, 0)
    except ValueError:
        return None


def sizes(text: str) -> dict[str, int]:
    """The lines of a meminfo, KiB by name: ``MemTotal:  4096 kB``, in a cell's ``Node 0 MemTotal:  4096 kB``."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words, amount = name.split(), value.split()
        if words and amount and amount[0].isdigit():
            found[words[-1]] = int(amount[0])
    return found
