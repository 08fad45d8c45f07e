"""What a limit is in a control group: which file has it, and what is written there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

# Which controller a limit of a placement needs, by version 1's names.
CONTROLLERS: Mapping[str, str] = {
    "shares": "cpu",
    "period": "cpu",
    "quota": "cpu",
    "hard_limit": "memory",
    "soft_limit": "memory",
    "swap_hard_limit": "memory",
    "weight": "blkio",
    "device_weight": "blkio",
    "read_iops": "blkio",
    "write_iops": "blkio",
    "read_bytes": "blkio",
    "write_bytes": "blkio",
    "mems": "cpuset",
}

# What a group has of which nothing is said: shares by version (0: a host without control groups), and its weight.
USUAL_SHARES: Mapping[int, int] = {0: 1024, 1: 1024, 2: 100}
USUAL_WEIGHT = 100

# Where nothing was set the parent's value is in force; a group with processes wants it written out.
PARENTS = "the parent's"


class Key(NamedTuple):
    """What a setting is about; of two with the same key the later one is in force."""

    what: str
    group: str
    device: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. ``files`` are the files that have it, and what each has where nothing was set.

    Several files mean the same to several schedulers: it is written to those that are there. A ``device`` is a path;
    its numbers are written before the text. ``about`` is what the definition calls it.
    """

    key: Key
    controller: str
    files: Mapping[str, str]
    text: str
    about: str

    def reset(self, file: str) -> str:
        return self.files[file]


Settings = Iterator[Setting]
