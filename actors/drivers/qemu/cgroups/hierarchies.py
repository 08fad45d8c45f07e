"""Which control groups this host has: where each controller is, in which version, and where guests' groups may be.

- Version 1: each controller is mounted somewhere; guests' groups are below its root.
- Version 2: one hierarchy has all controllers that version 1 has not taken. If the daemon's own group or one above it
  was given over to it (systemd's Delegate=yes, told by an extended attribute), guests' groups are there. Otherwise root
  makes them below the hierarchy's root, and anybody else below the daemon's own group, if he may.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DELEGATED = ("trusted.delegate", "user.delegate")
# What version 1 calls a controller that has another name in version 2.
_NAMES = {"io": "blkio"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the kernel tells of mounts, and of the groups that the daemon is in."""

    mounts: Path = Path("/proc/self/mounts")
    own: Path = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted hierarchy. Guests' groups are below ``base``; what is in a ``delegated`` one is the daemon's alone."""

    version: int
    base: Path
    delegated: bool = False


def hierarchies(source: Source) -> Mapping[str, Hierarchy]:
    """The hierarchy of each controller, by the controller's name in version 1."""
    found: dict[str, Hierarchy] = {}
    unified: Path | None = None
    for kind, place, options in _mounts(source.mounts):
        if kind == "cgroup":
            found |= {option: Hierarchy(1, place) for option in options}
        elif kind == "cgroup2" and unified is None:
            unified = place
    if unified is None:
        return found
    hierarchy = _unified(unified, source.own)
    for name in words(hierarchy.base / "cgroup.controllers"):
        found.setdefault(_NAMES.get(name, name), hierarchy)
    return found


def words(file: Path) -> list[str]:
    """The words of a file of the kernel's, none when it cannot be read."""
    try:
        return file.read_text().split()
    except OSError:
        return []


def _mounts(file: Path) -> Iterator[tuple[str, Path, list[str]]]:
    for line in file.read_text().splitlines():
        _, place, kind, options, *_ = line.split(" ")
        # The kernel writes a blank in a path as \040.
        path = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place)
        yield kind, Path(path), options.split(",")


def _unified(mount: Path, own: Path) -> Hierarchy:
    ours = _own_group(mount, own)
    for group in (ours, *ours.parents):
        if _is_delegated(group):
            return Hierarchy(2, group, delegated=True)
        if group == mount:
            break
    return Hierarchy(2, mount if os.access(mount / "cgroup.procs", os.W_OK) else ours)


def _own_group(mount: Path, own: Path) -> Path:
    for line in own.read_text().splitlines():
        number, _, path = line.split(":", 2)
        # A group outside the daemon's cgroup namespace is shown as a way up, which leads nowhere.
        if number == "0" and ".." not in path.split("/"):
            return mount / path.strip("/")
    return mount


def _is_delegated(group: Path) -> bool:
    for name in DELEGATED:
        try:
            if os.getxattr(group, name) == b"1":
                return True
        except OSError:
            continue
    return False
