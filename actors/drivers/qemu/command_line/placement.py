"""Where a guest's threads run and what they get of the host, from what a definition says of it.

`placement` is pure; `..threads` and `..cgroups` bring it about when the guest has started and not yet run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .....wire.cpuset import LIMIT, format_numbers
from .....wire.documents.domain import BlkioTune, CpuTune, DomainDefinition, MemoryTune, NumaTune
from .....wire.errors import UnsupportedConfig
from .iothread import iothread_pools
from .syntax import numbers

DEFAULT_PERIOD = 100_000  # µs
PERIODS = range(1000, 1_000_001)
QUOTAS = range(1000, 17_592_186_044_416)
SHARES = range(1, 262_145)
WEIGHTS = range(10, 1001)
PRIORITIES = range(1, 100)
USUAL_PARTITION = "/machine"
REAL_TIME = ("fifo", "rr")
NO_CPU_TUNE, NO_MEMORY_TUNE, NO_BLKIO_TUNE = CpuTune(), MemoryTune(), BlkioTune()
Cpus = frozenset[int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How Linux schedules a thread; ``priority`` is 0 but for fifo and rr."""

    policy: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit by the host's control groups; `..cgroups` says what ``what`` may be, and which files have it.

    The value is as in the definition: KiB of memory, µs of periods and quotas. ``group`` is "" for the guest's own,
    else a part of it: "emulator", "vcpu0", "iothread1"; ``device`` is the path of the block device that it is about.
    ``about`` is what the definition calls it.
    """

    what: str
    value: int | str
    about: str
    group: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """What is asked of the host. A thread that is not in a mapping is left as it starts."""

    vcpus: dict[int, Cpus] = field(default_factory=dict)
    emulator: Cpus | None = None
    iothreads: dict[int, Cpus] = field(default_factory=dict)
    vcpu_schedules: dict[int, Schedule] = field(default_factory=dict)
    emulator_schedule: Schedule | None = None
    iothread_schedules: dict[int, Schedule] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    partition: str | None = None
    # What is counted of the guest (`<perf>`).
    counters: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        return self == Placement()

    @property
    def needs_groups(self) -> bool:
        """Whether something of it is done by control groups."""
        return bool(self.limits) or self.partition is not None


def placement(definition: DomainDefinition) -> Placement:
    """What a definition asks of the host for its threads. Raises UnsupportedConfig for what does not fit together."""
    tune = definition.cputune or NO_CPU_TUNE
    _check((definition.vcpus or 1) <= LIMIT, f"{definition.vcpus} vcpus", f"at most {LIMIT}")
    vcpus = range(definition.vcpus or 1)
    iothreads = [number for number, _, _ in iothread_pools(definition)]
    usual = _cpus(definition.cpuset, "vcpu cpuset") if definition.cpuset is not None else None
    pins = {each.vcpu: _cpus(each.cpuset, f"vcpupin {each.vcpu}") for each in tune.vcpu_pins}
    thread_pins = {each.iothread: _cpus(each.cpuset, f"iothreadpin {each.iothread}") for each in tune.iothread_pins}
    if len(pins) < len(tune.vcpu_pins) or len(thread_pins) < len(tune.iothread_pins):
        raise UnsupportedConfig("cputune: a thread that is pinned twice")
    _check_known("iothreadpin", thread_pins, iothreads)
    emulator = usual if tune.emulator_pin is None else _cpus(tune.emulator_pin, "emulatorpin")
    sched = tune.emulator_sched
    return Placement(
        # A processor that is not there may be pinned: it may come.
        vcpus={number: cpus for number in vcpus if (cpus := pins.get(number, usual)) is not None},
        emulator=emulator,
        iothreads={number: cpus for number in iothreads if (cpus := thread_pins.get(number, usual)) is not None},
        vcpu_schedules=_schedules("vcpusched", tuple((e.vcpus, e.scheduler, e.priority) for e in tune.vcpu_scheds)),
        emulator_schedule=_schedule("emulatorsched", sched.scheduler, sched.priority) if sched else None,
        iothread_schedules=_schedules(
            "iothreadsched", tuple((e.iothreads, e.scheduler, e.priority) for e in tune.iothread_scheds), iothreads
        ),
        limits=tuple(_limits(definition, tune, iothreads)),
        partition=_partition(definition),
        counters=frozenset(event.name for event in definition.perf if event.enabled),
    )


def _cpus(text: str, about: str) -> Cpus:
    cpus = numbers(text, about)
    if not cpus:
        raise UnsupportedConfig(f"{about}: no processors")
    return cpus


def _check_known(about: str, named: dict[int, Cpus], known: list[int]) -> None:
    if strange := sorted(named.keys() - set(known)):
        raise UnsupportedConfig(f"{about} {strange[0]}: there is no such thread")


def _schedules(
    about: str, told: tuple[tuple[str, str, int | None], ...], known: list[int] | None = None
) -> dict[int, Schedule]:
    found: dict[int, Schedule] = {}
    for threads, policy, priority in told:
        for number in sorted(numbers(threads, about)):
            if number in found or (known is not None and number not in known):
                raise UnsupportedConfig(f"{about} {number}: there is no such thread, or it is said twice")
            found[number] = _schedule(about, policy, priority)
    return found


def _schedule(about: str, policy: str, priority: int | None) -> Schedule:
    if policy not in REAL_TIME:
        if priority is not None:
            raise UnsupportedConfig(f"{about}: a priority with scheduler {policy!r}")
        return Schedule(policy)
    if priority is None or priority not in PRIORITIES:
        raise UnsupportedConfig(f"{about}: priority {priority}", hint="1 to 99")
    return Schedule(policy, priority)


def _partition(definition: DomainDefinition) -> str | None:
    partition = definition.resource.partition if definition.resource else None
    if partition is not None and (not partition.startswith("/") or ".." in partition.split("/")):
        raise UnsupportedConfig(f"resource: partition {partition!r}", hint="a path from '/' on")
    # libvirt writes the usual one into every running guest's document: it asks for nothing.
    return None if partition == USUAL_PARTITION else partition


# -- limits


def _limits(definition: DomainDefinition, tune: CpuTune, iothreads: list[int]) -> Iterator[Limit]:
    yield from _processor(definition, tune, iothreads)
    yield from _memory(definition.memtune or NO_MEMORY_TUNE)
    yield from _block(definition.blkiotune or NO_BLKIO_TUNE)
    yield from _nodes(definition.numatune)


def _processor(definition: DomainDefinition, tune: CpuTune, iothreads: list[int]) -> Iterator[Limit]:
    if tune.shares is not None:
        _check(tune.shares in SHARES, f"cputune shares {tune.shares}", "1 to 262144")
        yield Limit("shares", tune.shares, "cputune shares")
    yield from _bandwidth("global", tune.global_period, tune.global_quota, [""])
    yield from _bandwidth("vcpu", tune.period, tune.quota, [f"vcpu{n}" for n in range(definition.vcpus or 1)])
    yield from _bandwidth("emulator", tune.emulator_period, tune.emulator_quota, ["emulator"])
    yield from _bandwidth("iothread", tune.iothread_period, tune.iothread_quota, [f"iothread{n}" for n in iothreads])


def _bandwidth(kind: str, period: int | None, quota: int | None, groups: list[str]) -> Iterator[Limit]:
    """How long of each period threads may run, both µs; a negative quota is none."""
    about = f"cputune {kind} bandwidth"
    if period is not None:
        _check(period in PERIODS, f"{about}: period {period}", "1000 to 1000000 µs")
    if quota is not None and quota >= 0:
        _check(quota in QUOTAS, f"{about}: quota {quota}", "at least 1000 µs, or -1")
    for group in groups:
        if period is not None:
            yield Limit("period", period, about, group)
        if quota is not None:
            yield Limit("quota", max(quota, -1), about, group)


def _memory(tune: MemoryTune) -> Iterator[Limit]:
    hard, swap = tune.hard_limit, tune.swap_hard_limit
    if swap is not None:
        _check(hard is None or swap >= hard, f"memtune: swap_hard_limit {swap} is less than hard_limit {hard}", "")
    for what, limit in (("hard_limit", hard), ("soft_limit", tune.soft_limit), ("swap_hard_limit", swap)):
        if limit is not None:
            yield Limit(what, limit, f"memtune {what}")


def _block(tune: BlkioTune) -> Iterator[Limit]:
    if tune.weight is not None:
        _check(tune.weight in WEIGHTS, f"blkiotune weight {tune.weight}", "10 to 1000")
        yield Limit("weight", tune.weight, "blkiotune weight")
    for device in tune.devices:
        about = f"blkiotune {device.path}"
        if device.weight:
            _check(device.weight in WEIGHTS, f"{about}: weight {device.weight}", "10 to 1000")
        for what, value in (
            ("device_weight", device.weight),
            ("read_iops", device.read_iops),
            ("write_iops", device.write_iops),
            ("read_bytes", device.read_bytes),
            ("write_bytes", device.write_bytes),
        ):
            # None and 0 are no limit.
            if value:
                yield Limit(what, value, about, device=device.path)


def _nodes(tune: NumaTune | None) -> Iterator[Limit]:
    """`restrictive` leaves it to the kernel where memory comes from, in the bounds of these nodes."""
    if tune is None:
        return
    if any(each.mode == "restrictive" for each in tune.nodes) or (tune.mode == "restrictive" and tune.nodes):
        raise UnsupportedConfig("numatune: memnode with mode 'restrictive'")
    if tune.mode is not None and tune.nodeset is None:
        raise UnsupportedConfig(f"numatune: mode {tune.mode!r} without a nodeset")
    if tune.mode == "restrictive" and tune.nodeset is not None:
        yield bound_nodes(tune.nodeset)


def bound_nodes(nodeset: str) -> Limit:
    """The limit that keeps a guest's memory on these nodes of the host."""
    return Limit("mems", format_numbers(numbers(nodeset, "numatune")), "numatune")


def _check(condition: bool, what: str, hint: str) -> None:
    if not condition:
        raise UnsupportedConfig(what, hint=hint)
