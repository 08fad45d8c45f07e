"""How the host's resources are shared out to a guest: `<blkiotune>`, `<memtune>`, `<cputune>`, `<numatune>`.

A set of processors or nodes is text as libvirt writes it ("0-3,7"); values.CPUSET brings it into that form.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import CPUSET, SIGNED, SIZE_KIB, YES_NO

Scheduler = Literal["batch", "idle", "fifo", "rr"]
NumaMode = Literal["strict", "preferred", "interleave", "restrictive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlkioDevice:
    """Weight and limits on one of the host's block devices; bytes and operations per second."""

    path: Annotated[str, At("path")]
    weight: Annotated[int | None, At("weight")] = None
    read_iops: Annotated[int | None, At("read_iops_sec")] = None
    write_iops: Annotated[int | None, At("write_iops_sec")] = None
    read_bytes: Annotated[int | None, At("read_bytes_sec")] = None
    write_bytes: Annotated[int | None, At("write_bytes_sec")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlkioTune:
    """`weight` is relative to other guests'."""

    weight: Annotated[int | None, At("weight")] = None
    devices: Annotated[tuple[BlkioDevice, ...], At("device")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTune:
    """Limits of the memory that the hypervisor's process may use, KiB."""

    hard_limit: Annotated[int | None, At("hard_limit", SIZE_KIB)] = None
    soft_limit: Annotated[int | None, At("soft_limit", SIZE_KIB)] = None
    min_guarantee: Annotated[int | None, At("min_guarantee", SIZE_KIB)] = None
    swap_hard_limit: Annotated[int | None, At("swap_hard_limit", SIZE_KIB)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VcpuPin:
    """The host's processors that one of the guest's may run on."""

    vcpu: Annotated[int, At("@vcpu")]
    cpuset: Annotated[str, At("@cpuset", CPUSET)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IOThreadPin:
    """The host's processors that an I/O thread may run on."""

    iothread: Annotated[int, At("@iothread")]
    cpuset: Annotated[str, At("@cpuset", CPUSET)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSched:
    """The scheduler of the emulator's threads; `priority` goes with fifo and rr."""

    scheduler: Annotated[Scheduler, At("@scheduler")]
    priority: Annotated[int | None, At("@priority")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VcpuSched:
    """The scheduler of virtual processors' threads."""

    vcpus: Annotated[str, At("@vcpus", CPUSET)]
    scheduler: Annotated[Scheduler, At("@scheduler")]
    priority: Annotated[int | None, At("@priority")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IOThreadSched:
    """The scheduler of I/O threads."""

    iothreads: Annotated[str, At("@iothreads", CPUSET)]
    scheduler: Annotated[Scheduler, At("@scheduler")]
    priority: Annotated[int | None, At("@priority")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheShare:
    """A share of one of the host's caches, `size` in `unit`."""

    id: Annotated[int, At("@id")]
    level: Annotated[int, At("@level")]
    type: Annotated[Literal["both", "code", "data"], At("@type")]
    size: Annotated[int, At("@size")]
    unit: Annotated[str | None, At("@unit")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheMonitor:
    """Processors whose use of a cache is watched."""

    level: Annotated[int | None, At("@level")] = None
    vcpus: Annotated[str, At("@vcpus", CPUSET)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTune:
    """What some virtual processors get of the host's caches."""

    vcpus: Annotated[str, At("@vcpus", CPUSET)]
    id: Annotated[str | None, At("@id")] = None
    caches: Annotated[tuple[CacheShare, ...], At("cache")] = ()
    monitors: Annotated[tuple[CacheMonitor, ...], At("monitor")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthShare:
    """A share of one node's memory bandwidth, percent."""

    id: Annotated[int, At("@id")]
    bandwidth: Annotated[int, At("@bandwidth")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthMonitor:
    """Processors whose use of the memory's bandwidth is watched."""

    vcpus: Annotated[str, At("@vcpus", CPUSET)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBandwidth:
    """What some virtual processors get of the memory's bandwidth."""

    vcpus: Annotated[str, At("@vcpus", CPUSET)]
    nodes: Annotated[tuple[BandwidthShare, ...], At("node")] = ()
    monitors: Annotated[tuple[BandwidthMonitor, ...], At("monitor")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTune:
    """Shares are relative to other guests'; periods and quotas are µs, a quota of -1 is none."""

    shares: Annotated[int | None, At("shares")] = None
    period: Annotated[int | None, At("period")] = None
    quota: Annotated[int | None, At("quota", SIGNED)] = None
    global_period: Annotated[int | None, At("global_period")] = None
    global_quota: Annotated[int | None, At("global_quota", SIGNED)] = None
    emulator_period: Annotated[int | None, At("emulator_period")] = None
    emulator_quota: Annotated[int | None, At("emulator_quota", SIGNED)] = None
    iothread_period: Annotated[int | None, At("iothread_period")] = None
    iothread_quota: Annotated[int | None, At("iothread_quota", SIGNED)] = None
    vcpu_pins: Annotated[tuple[VcpuPin, ...], At("vcpupin")] = ()
    emulator_pin: Annotated[str | None, At("emulatorpin/@cpuset", CPUSET)] = None
    iothread_pins: Annotated[tuple[IOThreadPin, ...], At("iothreadpin")] = ()
    emulator_sched: Annotated[EmulatorSched | None, At("emulatorsched")] = None
    vcpu_scheds: Annotated[tuple[VcpuSched, ...], At("vcpusched")] = ()
    iothread_scheds: Annotated[tuple[IOThreadSched, ...], At("iothreadsched")] = ()
    caches: Annotated[tuple[CacheTune, ...], At("cachetune")] = ()
    bandwidths: Annotated[tuple[MemoryBandwidth, ...], At("memorytune")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NumaNode:
    """Where the memory of one of the guest's nodes comes from."""

    cell: Annotated[int, At("@cellid")]
    mode: Annotated[NumaMode | None, At("@mode")] = None
    nodeset: Annotated[str, At("@nodeset", CPUSET)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumaTune:
    """Which of the host's nodes the guest's memory comes from."""

    mode: Annotated[NumaMode | None, At("memory/@mode")] = None
    nodeset: Annotated[str | None, At("memory/@nodeset", CPUSET)] = None
    placement: Annotated[Literal["static", "auto"] | None, At("memory/@placement")] = None
    nodes: Annotated[tuple[NumaNode, ...], At("memnode")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IOThread:
    """An I/O thread and the size of its pool of workers."""

    id: Annotated[int, At("@id")]
    pool_min: Annotated[int | None, At("@thread_pool_min")] = None
    pool_max: Annotated[int | None, At("@thread_pool_max")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPool:
    """The size of a pool of workers."""

    pool_min: Annotated[int | None, At("@thread_pool_min")] = None
    pool_max: Annotated[int | None, At("@thread_pool_max")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vcpu:
    """One virtual processor; `order` is that of plugging in."""

    id: Annotated[int, At("@id")]
    enabled: Annotated[bool, At("@enabled", YES_NO)]
    hotpluggable: Annotated[bool | None, At("@hotpluggable", YES_NO)] = None
    order: Annotated[int | None, At("@order")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The cgroup and the fabric that a guest belongs to."""

    partition: Annotated[str | None, At("partition")] = None
    appid: Annotated[str | None, At("fibrechannel/@appid")] = None
