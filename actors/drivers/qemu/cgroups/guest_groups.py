"""The control groups of one guest: made before its QEMU has allocated anything, changed while it runs, removed with it.

Rules

- The groups of a guest are noted in a file before they are made, so that whoever comes later can remove them.
- A partition that was made for guests is marked (``MARK``) and goes with the last group in it; one that somebody else
  made stays.
- What depends on other values (a part's bandwidth on the guest's, memory on memory with swap, and the other way round
  when limits get lower) has no order that is always right: what the kernel refuses is tried again after the rest.
- In version 2 no group may have both processes and controllers for its children. Partitions have none of ours, and
  parts of a guest are *threaded* groups, which that does not hold for. A delegated group has the daemon itself in it:
  it moves into a group below first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .....wire.errors import SystemFailure, UnsupportedConfig
from ..command_line import Placement
from ..command_line.placement import USUAL_PARTITION, Limit
from ..threads import Threads
from . import version1, version2
from .hierarchies import Hierarchy, Source, hierarchies, words
from .settings import CONTROLLERS, PARENTS, Key, Setting

# Marks a group that was made to hold guests' groups.
MARK = "user.virtactor"
# Where processes go that are in a delegated group itself.
ASIDE = "daemon"
# Every group of cpuset of version 1 must be told these before anything can be in it.
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
# Controllers of version 1 that a guest is put in as well, where it is in one: they count.
COUNTING = ("cpuacct",)
PER_PROCESSOR = "cpuacct.usage_percpu"

# A partition that somebody else removes meanwhile is made again so often.
_TRIES = 5
# A group whose last process has just ended: how often and how long (seconds) to wait for the kernel.
_PATIENCE, _PAUSE = 5, 0.003


@dataclass(frozen=True, slots=True)
class Group:
    """A guest's group in a hierarchy, for these controllers."""

    hierarchy: Hierarchy
    path: Path
    controllers: Mapping[str, str]  # and what of the definition needs it


class ProcessorTime(NamedTuple):
    """ns that a guest has used of one of the host's processors: all of it, and its virtual processors."""

    total: int
    vcpus: int


class GuestGroups:
    """The control groups of one guest. ``note`` is the file that tells of them, ``name`` what they are called.

    All methods block (a little). Those that set something raise UnsupportedConfig for what this host does not do,
    naming it as the definition does.
    """

    def __init__(self, note: Path, name: str, source: Source | None = None) -> None:
        self._note = note
        self._name = name
        self._source = source or Source()

    # -- setting -------------------------------------------------------------------------------------------------------

    def enter(self, placement: Placement, pid: int) -> None:
        """Make the groups that a placement needs, with the guest's limits, and move its process there."""
        groups = self._groups(placement)
        self._make(groups)
        _write_all(
            _writer(groups, setting) for setting in self._settings(placement, groups).values() if not setting.key.group
        )
        self._join(groups, pid)

    def place(self, placement: Placement, threads: Threads) -> None:
        """Make groups for the parts of a guest that have limits of their own, and move their threads there."""
        groups = self._groups(placement)
        wanted = [setting for setting in self._settings(placement, groups).values() if setting.key.group]
        _make_parts(groups, wanted, threads)
        _write_all(_writer(groups, setting) for setting in wanted)
        _move_threads(groups, threads)

    def change(self, before: Placement, after: Placement, pid: int, threads: Threads) -> None:
        """Bring a running guest from one placement to another; what is limited no more gets its usual value back.

        When something is refused, what was set before that is undone.
        """
        new = self._groups(after)
        groups = self._groups(before) | new
        old_settings, settings = self._settings(before, groups), self._settings(after, groups)
        strange = {controller: group for controller, group in new.items() if not group.path.is_dir()}
        # A group of version 2 that is there may have to get more controllers.
        self._make(new)
        self._join(strange, pid)
        try:
            _make_parts(groups, settings.values(), threads)
            _write_all(_change(groups, old_settings, settings))
        except UnsupportedConfig:
            with contextlib.suppress(UnsupportedConfig):
                _write_all(_change(groups, settings, old_settings))
            raise
        _move_threads(groups, threads)
        _remove_empty_parts(groups, {key.group for key in settings})

    def remove(self) -> bool:
        """Remove the guest's groups, as its process has ended; whether nothing is left of them."""
        left = self._noted()
        for attempt in range(_PATIENCE):
            if attempt:
                time.sleep(_PAUSE)
            left = [path for path in left if not _remove(path)]
            if not left:
                self._note.unlink(missing_ok=True)
                return True
        return False

    # -- asking --------------------------------------------------------------------------------------------------------

    def version_of(self, controller: str) -> int:
        """In which version this host has a controller, 0 if it has not."""
        found = hierarchies(self._source).get(controller)
        return 0 if found is None else found.version

    def processor_times(self) -> list[ProcessorTime] | None:
        """What the guest used of each of the host's processors; None where nobody counts that.

        Version 2 counts for all processors together.
        """
        for path in self._noted():
            used = words(path / PER_PROCESSOR)
            if not used:
                continue
            total = [int(each) for each in used]
            vcpus = [0] * len(total)
            for part in path.glob("vcpu*"):
                for number, each in enumerate(words(part / PER_PROCESSOR)[: len(total)]):
                    vcpus[number] += int(each)
            return [ProcessorTime(*each) for each in zip(total, vcpus, strict=True)]
        return None

    # -- which groups --------------------------------------------------------------------------------------------------

    def _groups(self, placement: Placement) -> dict[str, Group]:
        """The group of each controller that a placement needs."""
        if not placement.needs_groups:
            return {}
        found = hierarchies(self._source)
        partition = (placement.partition or USUAL_PARTITION).strip("/")
        wanted = {CONTROLLERS[limit.what]: limit.about for limit in placement.limits}
        if placement.partition is not None:
            # Somebody may have given the partition limits.
            shared = {name for name, each in found.items() if each.version == 1 and (each.base / partition).is_dir()}
            wanted = dict.fromkeys(("cpu", *(shared & set(CONTROLLERS.values()))), "resource partition") | wanted
        for controller, about in wanted.items():
            if controller not in found:
                raise UnsupportedConfig(f"{about}: this host has no control groups for {controller}")
        if any(found[controller].version == 1 for controller in wanted):
            counting = (name for name in COUNTING if name in found and found[name].version == 1)
            wanted = wanted | dict.fromkeys(counting, "processor time")
        return self._by_controller(found, partition, wanted)

    def _by_controller(
        self, found: Mapping[str, Hierarchy], partition: str, wanted: Mapping[str, str]
    ) -> dict[str, Group]:
        groups: dict[str, Group] = {}
        for hierarchy in dict.fromkeys(found[controller] for controller in wanted):
            controllers = {each: about for each, about in wanted.items() if found[each] == hierarchy}
            group = Group(hierarchy, hierarchy.base / partition / self._name, controllers)
            groups |= dict.fromkeys(controllers, group)
        return groups

    def _settings(self, placement: Placement, groups: Mapping[str, Group]) -> dict[Key, Setting]:
        found: dict[Key, Setting] = {}
        for number, version in ((1, version1), (2, version2)):
            limits = [each for each in placement.limits if _group_of(groups, each).hierarchy.version == number]
            found |= {setting.key: setting for setting in version.settings(limits)}
        return found

    # -- making --------------------------------------------------------------------------------------------------------

    def _make(self, groups: Mapping[str, Group]) -> None:
        if not groups:
            return
        paths = [*self._noted(), *(group.path for group in _distinct(groups))]
        try:
            self._note.write_text("".join(f"{path}\n" for path in dict.fromkeys(paths)))
        except OSError as error:
            raise SystemFailure(f"cannot write {self._note}: {error.strerror}", errno=error.errno) from error
        for group in _distinct(groups):
            with _named(next(iter(group.controllers.values()))):
                _make_group(group)

    def _join(self, groups: Mapping[str, Group], pid: int) -> None:
        for group in _distinct(groups):
            with _named(next(iter(group.controllers.values()))), contextlib.suppress(ProcessLookupError):
                (group.path / "cgroup.procs").write_text(str(pid))

    def _noted(self) -> list[Path]:
        try:
            return [Path(line) for line in self._note.read_text().splitlines()]
        except FileNotFoundError:
            return []


def _group_of(groups: Mapping[str, Group], limit: Limit) -> Group:
    return groups[CONTROLLERS[limit.what]]


def _distinct(groups: Mapping[str, Group]) -> Iterator[Group]:
    return iter({group.path: group for group in groups.values()}.values())


# -- groups ------------------------------------------------------------------------------------------------------------


def _make_group(group: Group) -> None:
    """Make a group and those above it."""
    for attempt in range(_TRIES):
        try:
            _make_path(group)
        except FileNotFoundError:
            # The last guest of the partition has ended just now and taken it away.
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _make_path(group: Group) -> None:
    base = group.hierarchy.base
    below = group.path.relative_to(base)
    for each in [*reversed(below.parents), below]:
        place = base / each
        if place != base:
            _make_one(place, is_partition=place != group.path)
        if group.hierarchy.version == 2 and place != group.path:
            _offer(group.hierarchy, place, group.controllers)
        if group.hierarchy.version == 1 and place != base and "cpuset" in group.controllers:
            for name in CPUSET_FILES:
                _inherit(place / name)


def _make_one(place: Path, *, is_partition: bool) -> None:
    try:
        place.mkdir()
    except FileExistsError:
        return
    if is_partition:
        with contextlib.suppress(OSError):  # A kernel without such attributes: then it stays.
            os.setxattr(place, MARK, b"1")


def _inherit(file: Path) -> None:
    """Give a file of a cpuset that says nothing yet what its parent's says."""
    if file.exists() and not words(file):
        file.write_text((file.parent.parent / file.name).read_text())


def _offer(hierarchy: Hierarchy, place: Path, controllers: Iterable[str]) -> None:
    """Let the groups below one have these controllers (version 2)."""
    names = {"io" if each == "blkio" else each for each in controllers}
    missing = names - set(words(place / "cgroup.subtree_control"))
    if missing and hierarchy.delegated and place == hierarchy.base:
        _step_aside(place)
    for name in sorted(missing):
        (place / "cgroup.subtree_control").write_text(f"+{name}")


def _step_aside(base: Path) -> None:
    """Move the processes of a delegated group, the daemon's own among them, into a group below it.

    This comes before any controller: one for threads can be had with processes, but no other one after it.
    """
    for pid in words(base / "cgroup.procs"):
        (base / ASIDE).mkdir(exist_ok=True)
        with contextlib.suppress(ProcessLookupError):
            (base / ASIDE / "cgroup.procs").write_text(pid)


def _make_parts(groups: Mapping[str, Group], settings: Iterable[Setting], threads: Threads) -> None:
    """Make the groups of all parts that have settings, and of processors where their time is counted."""
    for group in _distinct(groups):
        own = (setting for setting in settings if groups[setting.controller] is group)
        parts = {setting.key.group: setting.about for setting in own if setting.key.group}
        if "cpuacct" in group.controllers:
            parts |= {f"vcpu{number}": "vcpu" for number in threads.vcpus}
        for part, about in parts.items():
            with _named(about):
                _make_part(group, part)


def _make_part(group: Group, part: str) -> None:
    place = group.path / part
    if place.is_dir():
        return
    place.mkdir()
    if group.hierarchy.version == 2:
        (place / "cgroup.type").write_text("threaded")
        _offer(group.hierarchy, group.path, [each for each in group.controllers if each == "cpu"])
    elif "cpuset" in group.controllers:
        for name in CPUSET_FILES:
            _inherit(place / name)


def _move_threads(groups: Mapping[str, Group], threads: Threads) -> None:
    """Move the threads of the parts that have groups there; a thread that has ended is passed over."""
    for group in _distinct(groups):
        file = "tasks" if group.hierarchy.version == 1 else "cgroup.threads"
        for place in _parts(group.path):
            for thread in threads.group(place.name):
                with _named(place.name), contextlib.suppress(ProcessLookupError):
                    (place / file).write_text(str(thread))


def _parts(path: Path) -> list[Path]:
    try:
        return [each for each in path.iterdir() if each.is_dir()]
    except FileNotFoundError:
        return []


def _remove_empty_parts(groups: Mapping[str, Group], wanted: set[str]) -> None:
    """Remove the groups of parts that are gone; one that has threads stays."""
    for group in _distinct(groups):
        for place in _parts(group.path):
            if place.name not in wanted:
                with contextlib.suppress(OSError):
                    place.rmdir()


def _remove(path: Path) -> bool:
    """Remove a guest's group, and the partition if it was made for guests and has no other; whether it is gone."""
    try:
        for part in _parts(path):
            part.rmdir()
        path.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        return False
    for above in path.parents:
        try:
            os.getxattr(above, MARK)
            above.rmdir()
        except OSError:
            break
    return True


# -- values ------------------------------------------------------------------------------------------------------------


def _change(
    groups: Mapping[str, Group], before: Mapping[Key, Setting], after: Mapping[Key, Setting]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """What leads from some settings to others."""
    for key, setting in after.items():
        if key not in before or before[key].text != setting.text:
            yield _writer(groups, setting)
    for key, setting in before.items():
        if key not in after:
            yield setting.about, lambda setting=setting: _write(groups[setting.controller], setting, reset=True)


def _writer(groups: Mapping[str, Group], setting: Setting) -> tuple[str, Callable[[], None]]:
    return setting.about, lambda: _write(groups[setting.controller], setting)


def _write_all(writes: Iterable[tuple[str, Callable[[], None]]]) -> None:
    """Write everything, in an order that the kernel accepts. Raises UnsupportedConfig when there is none."""
    waiting = list(writes)
    while waiting:
        refused: list[tuple[str, Callable[[], None]]] = []
        reason: OSError | None = None
        for about, write in waiting:
            try:
                write()
            except OSError as error:
                refused.append((about, write))
                reason = reason or error
        if reason is not None and len(refused) == len(waiting):
            raise _refusal(refused[0][0], reason) from reason
        waiting = refused


def _write(group: Group, setting: Setting, *, reset: bool = False) -> None:
    place = group.path / setting.key.group
    if reset and not place.is_dir():
        return
    files = [name for name in setting.files if (place / name).exists()]
    if not files:
        raise FileNotFoundError(errno.ENOENT, f"there is no {next(iter(setting.files))}")
    prefix = f"{_device(setting.key.device)} " if setting.key.device else ""
    for name in files:
        text = setting.reset(name) if reset else setting.text
        if text == PARENTS:
            text = (place.parent / (name if group.hierarchy.version == 1 else f"{name}.effective")).read_text()
        (place / name).write_text(prefix + text)


def _device(path: str) -> str:
    """The numbers of a block device."""
    found = os.stat(path)
    if not stat.S_ISBLK(found.st_mode):
        raise OSError(errno.ENOTBLK, f"{path} is no block device")
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


@contextlib.contextmanager
def _named(about: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(about, error) from error


def _refusal(about: str, error: OSError) -> UnsupportedConfig:
    return UnsupportedConfig(f"{about}: this host's control groups refuse it: {error.strerror}")
