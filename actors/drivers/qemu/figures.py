"""The figures of virConnectGetAllDomainStats, from what a domain knows, what its QEMU and what the kernel tell.

Pure functions, a function per group; names and types are libvirt's. What somebody did not tell is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....wire.documents.domain import Disk, DomainDefinition
from ....wire.enums.domain_tuning import DomainStatsTypes as Types
from ....wire.enums.domain_tuning import VcpuState
from ....wire.params import ParamType, TypedParam
from ..domain.tuning import PERF_EVENTS
from .usage import Usage

_INT, _UINT, _LLONG = int(ParamType.INT), int(ParamType.UINT), int(ParamType.LLONG)
_ULLONG, _STRING = int(ParamType.ULLONG), int(ParamType.STRING)

Params = Iterator[TypedParam]

# What is read of the balloon, by QEMU's names, in this order: libvirt's name, and how many bytes are one of its units.
_BALLOON = (
    ("stat-swap-in", "swap_in", 1024),
    ("stat-swap-out", "swap_out", 1024),
    ("stat-major-faults", "major_fault", 1),
    ("stat-minor-faults", "minor_fault", 1),
    ("stat-free-memory", "unused", 1024),
    ("stat-total-memory", "available", 1024),
    ("stat-available-memory", "usable", 1024),
)
_LATE_BALLOON = (
    ("stat-disk-caches", "disk_caches", 1024),
    ("stat-htlb-pgalloc", "hugetlb_pgalloc", 1),
    ("stat-htlb-pgfail", "hugetlb_pgfail", 1),
)
# A balloon says so of what its driver does not tell.
_UNKNOWN = (2**64 - 1, -1)
_BLOCK = (
    ("rd.reqs", "rd_operations"),
    ("rd.bytes", "rd_bytes"),
    ("rd.times", "rd_total_time_ns"),
    ("wr.reqs", "wr_operations"),
    ("wr.bytes", "wr_bytes"),
    ("wr.times", "wr_total_time_ns"),
    ("fl.reqs", "flush_operations"),
    ("fl.times", "flush_total_time_ns"),
)
_TRAFFIC = ("bytes", "pkts", "errs", "drop")
_CALCULATION = {"unstarted": 0, "measuring": 1, "measured": 2}


@dataclass(frozen=True, slots=True)
class Subject:
    """One domain that figures are told of, as it knows itself. ``pid`` is None while it is off.

    ``answers`` are what its QEMU says, by question; ``threads`` its processors' threads, by number; ``counted`` what
    the kernel counts of it (`<perf>`).
    """

    definition: DomainDefinition
    state: int
    reason: int
    memory: int
    backing: bool = False
    pid: int | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    threads: Mapping[int, int] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)


def _state(subject: Subject, usage: Usage) -> Params:
    yield TypedParam("state.state", _INT, subject.state)
    yield TypedParam("state.reason", _INT, subject.reason)


def _cpu(subject: Subject, usage: Usage) -> Params:
    used = usage.processes.get(subject.pid or 0)
    if used is None:
        return
    yield TypedParam("cpu.time", _ULLONG, used.user + used.system)
    yield TypedParam("cpu.user", _ULLONG, used.user)
    yield TypedParam("cpu.system", _ULLONG, used.system)
    # Counted by monitors of resctrl and by KVM, of which there are none here.
    yield TypedParam("cpu.cache.monitor.count", _UINT, 0)
    yield TypedParam("cpu.haltpoll.success.time", _ULLONG, 0)
    yield TypedParam("cpu.haltpoll.fail.time", _ULLONG, 0)


def _balloon(subject: Subject, usage: Usage) -> Params:
    yield TypedParam("balloon.current", _ULLONG, subject.memory)
    yield TypedParam("balloon.maximum", _ULLONG, subject.definition.memory)
    told = subject.answers.get("guest-stats")
    if told is not None:
        yield from _told_by_balloon(told.get("stats", {}), _BALLOON)
        yield TypedParam("balloon.last-update", _ULLONG, int(told.get("last-update", 0)))
    used = usage.processes.get(subject.pid or 0)
    if used is not None:
        yield TypedParam("balloon.rss", _ULLONG, used.resident)
    if told is not None:
        yield from _told_by_balloon(told.get("stats", {}), _LATE_BALLOON)


def _told_by_balloon(stats: Mapping[str, int], names: tuple[tuple[str, str, int], ...]) -> Params:
    for theirs, name, unit in names:
        value = stats.get(theirs, -1)
        if value not in _UNKNOWN:
            yield TypedParam(f"balloon.{name}", _ULLONG, value // unit)


def _vcpu(subject: Subject, usage: Usage) -> Params:
    definition = subject.definition
    most = definition.vcpus or 1
    yield TypedParam("vcpu.current", _UINT, definition.current_vcpus or most)
    yield TypedParam("vcpu.maximum", _UINT, most)
    for number, thread in subject.threads.items():
        used = usage.threads.get(thread)
        yield TypedParam(f"vcpu.{number}.state", _INT, int(VcpuState.RUNNING))
        if used is None:
            continue
        yield TypedParam(f"vcpu.{number}.time", _ULLONG, used.time)
        yield TypedParam(f"vcpu.{number}.wait", _ULLONG, used.wait)
        if used.delay is not None:
            yield TypedParam(f"vcpu.{number}.delay", _ULLONG, used.delay)


def _interface(subject: Subject, usage: Usage) -> Params:
    if subject.pid is None:
        return
    cards = subject.definition.devices.interfaces
    yield TypedParam("net.count", _UINT, len(cards))
    for number, card in enumerate(cards):
        traffic = usage.traffic.get(card.target or "")
        if traffic is None:
            continue
        # What the host sends to a tap the guest receives; a device of the host's own is seen as the host sees it.
        received, sent = (traffic.received, traffic.sent) if card.type == "direct" else (traffic.sent, traffic.received)
        yield TypedParam(f"net.{number}.name", _STRING, card.target or "")
        for direction, counts in (("rx", received), ("tx", sent)):
            for name, count in zip(_TRAFFIC, counts, strict=True):
                yield TypedParam(f"net.{number}.{direction}.{name}", _ULLONG, count)


def _block(subject: Subject, usage: Usage) -> Params:
    entries = [entry for disk in subject.definition.devices.disks for entry in _entries(subject, disk, usage)]
    yield TypedParam("block.count", _UINT, len(entries))
    for number, entry in enumerate(entries):
        for name, type_, value in entry:
            yield TypedParam(f"block.{number}.{name}", type_, value)


_Entry = list[tuple[str, int, int | str]]


def _entries(subject: Subject, disk: Disk, usage: Usage) -> Iterator[_Entry]:
    """A disk, and with ``backing`` the images beneath it."""
    path = disk.source or disk.source_dev
    head: _Entry = [("name", _STRING, disk.target)]
    if path:
        head.append(("path", _STRING, path))
    if subject.pid is None:
        sizes = usage.images.get(path or "")
        measured = zip(("allocation", "capacity", "physical"), sizes or (), strict=False)
        yield [*head, *((name, _ULLONG, value) for name, value in measured)]
        return
    if disk.source_index is not None:
        head.append(("backingIndex", _UINT, disk.source_index))
    inserted = _of_disk(subject.answers.get("query-block"), disk).get("inserted") or {}
    told = _of_disk(subject.answers.get("query-blockstats"), disk)
    stats = told.get("stats")
    counted = [] if stats is None else [(name, _ULLONG, stats.get(theirs, 0)) for name, theirs in _BLOCK]
    yield [*head, *counted, *_sizes(told, inserted.get("image")), *_threshold(inserted)]
    if subject.backing:
        yield from _beneath(disk, told, inserted.get("image") or {})


def _beneath(disk: Disk, told: Mapping[str, Any], image: Mapping[str, Any]) -> Iterator[_Entry]:
    depth = disk.source_index or 0
    while (image := image.get("backing-image") or {}) and image.get("filename"):
        depth += 1
        told = told.get("backing") or {}
        head: _Entry = [("name", _STRING, disk.target), ("path", _STRING, image["filename"])]
        yield [*head, ("backingIndex", _UINT, depth), *_sizes(told, image)]


def _sizes(told: Mapping[str, Any], image: Mapping[str, Any] | None) -> _Entry:
    if image is None:
        return []
    written = ((told.get("parent") or told).get("stats") or {}).get("wr_highest_offset")
    sizes: _Entry = [] if written is None else [("allocation", _ULLONG, written)]
    for name, theirs in (("capacity", "virtual-size"), ("physical", "actual-size")):
        if theirs in image:
            sizes.append((name, _ULLONG, image[theirs]))
    return sizes


def _threshold(inserted: Mapping[str, Any]) -> _Entry:
    threshold = inserted.get("write_threshold", 0)
    return [("threshold", _ULLONG, threshold)] if threshold else []


def _of_disk(answer: Any, disk: Disk) -> Mapping[str, Any]:
    """What QEMU tells of the drive of a disk: by its device's name, which may be a path of QEMU's objects."""
    for each in answer or ():
        if disk.alias is not None and disk.alias in (each.get("qdev") or each.get("device") or "").split("/"):
            return each
    return {}


def _iothread(subject: Subject, usage: Usage) -> Params:
    threads = subject.answers.get("query-iothreads") or ()
    if not threads:
        return
    yield TypedParam("iothread.count", _UINT, len(threads))
    for each in threads:
        number = each["id"].removeprefix("iothread")
        yield TypedParam(f"iothread.{number}.poll-max-ns", _ULLONG, each.get("poll-max-ns", 0))
        yield TypedParam(f"iothread.{number}.poll-grow", _UINT, each.get("poll-grow", 0))
        yield TypedParam(f"iothread.{number}.poll-shrink", _UINT, each.get("poll-shrink", 0))


def _dirtyrate(subject: Subject, usage: Usage) -> Params:
    told = subject.answers.get("query-dirty-rate")
    if told is None:
        return
    yield TypedParam("dirtyrate.calc_status", _INT, _CALCULATION.get(told["status"], 0))
    yield TypedParam("dirtyrate.calc_start_time", _LLONG, told.get("start-time", 0))
    yield TypedParam("dirtyrate.calc_period", _INT, told.get("calc-time", 0))
    yield TypedParam("dirtyrate.calc_mode", _STRING, told.get("mode", "page-sampling"))
    if "dirty-rate" in told:
        yield TypedParam("dirtyrate.megabytes_per_second", _LLONG, told["dirty-rate"])
    for each in told.get("vcpu-dirty-rate", ()):
        yield TypedParam(f"dirtyrate.vcpu.{each['id']}.megabytes_per_second", _ULLONG, each["dirty-rate"])


def _perf(subject: Subject, usage: Usage) -> Params:
    for event in PERF_EVENTS:
        if event in subject.counted:
            yield TypedParam(f"perf.{event}", _ULLONG, subject.counted[event])


def _none(subject: Subject, usage: Usage) -> Params:
    """Of resctrl's counters, which no guest here has."""
    return iter(())


GROUPS: Mapping[int, Callable[[Subject, Usage], Params]] = {
    int(Types.STATE): _state,
    int(Types.CPU_TOTAL): _cpu,
    int(Types.BALLOON): _balloon,
    int(Types.VCPU): _vcpu,
    int(Types.INTERFACE): _interface,
    int(Types.BLOCK): _block,
    int(Types.PERF): _perf,
    int(Types.IOTHREAD): _iothread,
    int(Types.MEMORY): _none,
    int(Types.DIRTYRATE): _dirtyrate,
}
ALL = sum(GROUPS)


def figures(subject: Subject, kinds: int, usage: Usage) -> list[TypedParam]:
    """The figures of a domain of these kinds (virDomainStatsTypes)."""
    return [param for kind, group in GROUPS.items() if kinds & kind for param in group(subject, usage)]


def questions(definition: DomainDefinition, kinds: int) -> dict[str, tuple[str, dict[str, Any] | None]]:
    """What a running guest's QEMU is to be asked for these kinds: QMP commands with their arguments, by a name."""
    asked: dict[str, tuple[str, dict[str, Any] | None]] = {}
    devices = definition.devices
    balloon = devices.memballoon
    if kinds & Types.BALLOON and balloon is not None and balloon.model != "none" and balloon.alias:
        place = {"path": f"/machine/peripheral/{balloon.alias}", "property": "guest-stats"}
        asked["guest-stats"] = ("qom-get", place)
    if kinds & Types.BLOCK and devices.disks:
        asked["query-blockstats"] = ("query-blockstats", None)
        asked["query-block"] = ("query-block", None)
    if kinds & Types.IOTHREAD and (definition.iothreads or definition.iothread_ids):
        asked["query-iothreads"] = ("query-iothreads", None)
    if kinds & Types.DIRTYRATE:
        asked["query-dirty-rate"] = ("query-dirty-rate", None)
    return asked
