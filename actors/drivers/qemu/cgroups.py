"""Limits by Linux's control groups, version 1: a group for each guest, below its partition, and in it one for each of
its threads that has limits of its own.

What this host's groups do not do is refused by its name in the definition. Groups of version 2 alone are such a case.
The groups of a guest are noted in a file before they are made, so that whoever comes later can remove them.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ....wire.errors import UnsupportedConfig
from .command_line import Placement
from .command_line.placement import USUAL_PARTITION, Limit
from .threads import Threads

# Every group of cpuset must be told these before anything can be in it.
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
MOUNTS = Path("/proc/self/mounts")


class GuestGroups:
    """The control groups of one guest. ``note`` is the file that tells of them, ``name`` what they are called."""

    def __init__(self, note: Path, name: str, mounts: Path = MOUNTS) -> None:
        self._note = note
        self._name = name
        self._mounts = mounts

    def apply(self, placement: Placement, pid: int, threads: Threads) -> None:
        """Make the groups that a placement needs, set their limits and move the guest into them.

        Raises UnsupportedConfig for what this host does not do, naming it.
        """
        if not placement.limits and placement.partition is None:
            return
        controllers = controllers_of(self._mounts)
        wanted = {limit.controller: limit.about for limit in placement.limits} or {"cpu": "resource partition"}
        groups: dict[str, Path] = {}
        for controller, about in wanted.items():
            if controller not in controllers:
                raise UnsupportedConfig(f"{about}: this host has no control groups (version 1) for {controller}")
            partition = (placement.partition or USUAL_PARTITION).strip("/")
            groups[controller] = controllers[controller] / partition / self._name
        self._note.write_text("".join(f"{group}\n" for group in groups.values()))
        for controller, group in groups.items():
            with _named(wanted[controller]):
                _make(controllers[controller], group)
                (group / "cgroup.procs").write_text(str(pid))
        for limit in _ordered(placement.limits):
            self._set(limit, groups[limit.controller], threads)

    def _set(self, limit: Limit, group: Path, threads: Threads) -> None:
        with _named(limit.about):
            place = group / limit.group if limit.group else group
            place.mkdir(exist_ok=True)
            _write(place / limit.file, _value(limit))
            if limit.group:
                for thread in threads.group(limit.group):
                    with contextlib.suppress(ProcessLookupError):
                        (place / "tasks").write_text(str(thread))

    def remove(self) -> None:
        """Remove the guest's groups; its process has ended."""
        try:
            groups = [Path(line) for line in self._note.read_text().splitlines()]
        except FileNotFoundError:
            return
        for group in groups:
            with contextlib.suppress(OSError):
                for part in [each for each in group.iterdir() if each.is_dir()]:
                    part.rmdir()
                group.rmdir()
                if group.parent.name == USUAL_PARTITION.strip("/"):
                    group.parent.rmdir()  # Ours, unless somebody else is in it.
        self._note.unlink(missing_ok=True)


def controllers_of(mounts: Path = MOUNTS) -> Mapping[str, Path]:
    """Where the controllers of version 1 are mounted, by name."""
    found: dict[str, Path] = {}
    for line in mounts.read_text().splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind == "cgroup":
            found |= {option: Path(place) for option in options.split(",")}
    return found


def _make(mount: Path, group: Path) -> None:
    """Make a group and those above it."""
    for each in [*reversed(group.relative_to(mount).parents), group.relative_to(mount)]:
        place = mount / each
        place.mkdir(exist_ok=True)
        for name in CPUSET_FILES:
            file = place / name
            if place != mount and file.exists() and not file.read_text().strip():
                file.write_text((place.parent / name).read_text())


def _ordered(limits: tuple[Limit, ...]) -> Iterator[Limit]:
    """The guest's own before those of its parts, which they bound."""
    yield from sorted(limits, key=lambda limit: bool(limit.group))


def _write(file: Path, value: str) -> None:
    if not file.exists():
        raise FileNotFoundError(2, f"there is no {file.name}")
    file.write_text(value)


def _value(limit: Limit) -> str:
    """A value as the kernel takes it: devices by their numbers."""
    if not limit.file.startswith("blkio.") or " " not in limit.value:
        return limit.value
    path, _, number = limit.value.rpartition(" ")
    found = os.stat(path)
    if not stat.S_ISBLK(found.st_mode):
        raise OSError(15, f"{path} is no block device")
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)} {number}"


@contextlib.contextmanager
def _named(about: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnsupportedConfig(f"{about}: this host's control groups refuse it: {error.strerror}") from error
