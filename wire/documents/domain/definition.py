"""A domain: libvirt's `<domain>`, one value for a definition and for a running guest's live document alike.

The values are frozen: dataclasses.replace makes a changed copy. A field that is None was not said; what a driver
makes of that is the driver's.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ...enums.error import ErrorNumber
from ..binding import At, Verbatim
from ..values import CPUSET, NAME, ON_OFF, SIGNED, SIZE_KIB, UUID, YES_NO
from .clock import Clock
from .cpu import Cpu
from .devices import Devices
from .features import Features
from .memory import MemoryBacking
from .os import OperatingSystem
from .qemu import QemuCommandLine, QemuOverride
from .security import IdRange, KeyWrap, LaunchSecurity, SecurityLabel
from .sysinfo import Sysinfo
from .tuning import BlkioTune, CpuTune, IOThread, MemoryTune, NumaTune, Resource, ThreadPool, Vcpu

LifecycleAction = Literal["destroy", "restart", "rename-restart", "preserve"]
CrashAction = Literal["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"]
DomainType = Literal[
    "kvm", "qemu", "test", "xen", "lxc", "uml", "openvz", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve",
    "vz", "hvf",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerManagement:
    """Which sleeping states the guest is offered; None leaves it to the hypervisor."""

    suspend_to_mem: Annotated[bool | None, At("suspend-to-mem/@enabled", YES_NO)] = None
    suspend_to_disk: Annotated[bool | None, At("suspend-to-disk/@enabled", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationId:
    """A number that changes whenever the guest goes on from an earlier state; None has one made at each start."""

    value: Annotated[str | None, At(".", UUID)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerfEvent:
    """Whether one of the host's counters is kept for the guest."""

    name: Annotated[str, At("@name")]
    enabled: Annotated[bool, At("@enabled", YES_NO)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDefinition:
    """One domain. `memory`, `current_memory` and `max_memory` (of `memory_slots` to plug into) are KiB; `id` is live
    (None while shut off).

    `vcpus` is the maximum, `current_vcpus` how many are plugged in at the start (None: all). `metadata` holds
    applications' own elements, each with the namespace it belongs to, at most one per namespace.
    """

    type: Annotated[DomainType, At("@type")]
    id: Annotated[int | None, At("@id", SIGNED)] = None
    name: Annotated[str, At("name", NAME)]
    uuid: Annotated[str | None, At("uuid", UUID, code=ErrorNumber.INTERNAL_ERROR)] = None
    genid: Annotated[GenerationId | None, At("genid")] = None
    title: Annotated[str | None, At("title")] = None
    description: Annotated[str | None, At("description")] = None
    metadata: Annotated[tuple[Verbatim, ...], At("metadata")] = ()
    memory_slots: Annotated[int | None, At("maxMemory/@slots")] = None
    max_memory: Annotated[int | None, At("maxMemory", SIZE_KIB)] = None
    dump_core: Annotated[bool | None, At("memory/@dumpCore", ON_OFF)] = None
    memory: Annotated[int, At("memory", SIZE_KIB)]
    current_memory: Annotated[int | None, At("currentMemory", SIZE_KIB)] = None
    blkiotune: Annotated[BlkioTune | None, At("blkiotune")] = None
    memtune: Annotated[MemoryTune | None, At("memtune")] = None
    memory_backing: Annotated[MemoryBacking | None, At("memoryBacking")] = None
    vcpu_placement: Annotated[Literal["static", "auto"] | None, At("vcpu/@placement")] = None
    cpuset: Annotated[str | None, At("vcpu/@cpuset", CPUSET)] = None
    current_vcpus: Annotated[int | None, At("vcpu/@current")] = None
    vcpus: Annotated[int | None, At("vcpu")] = None
    vcpu_list: Annotated[tuple[Vcpu, ...], At("vcpus/vcpu")] = ()
    iothreads: Annotated[int | None, At("iothreads")] = None
    iothread_ids: Annotated[tuple[IOThread, ...], At("iothreadids/iothread")] = ()
    default_iothread: Annotated[ThreadPool | None, At("defaultiothread")] = None
    cputune: Annotated[CpuTune | None, At("cputune")] = None
    numatune: Annotated[NumaTune | None, At("numatune")] = None
    resource: Annotated[Resource | None, At("resource")] = None
    sysinfos: Annotated[tuple[Sysinfo, ...], At("sysinfo")] = ()
    bootloader: Annotated[str | None, At("bootloader")] = None
    bootloader_args: Annotated[str | None, At("bootloader_args")] = None
    os: Annotated[OperatingSystem, At("os")]
    uid_map: Annotated[tuple[IdRange, ...], At("idmap/uid")] = ()
    gid_map: Annotated[tuple[IdRange, ...], At("idmap/gid")] = ()
    features: Annotated[Features | None, At("features")] = None
    cpu: Annotated[Cpu | None, At("cpu")] = None
    clock: Annotated[Clock | None, At("clock")] = None
    on_poweroff: Annotated[LifecycleAction | None, At("on_poweroff", code=ErrorNumber.CONFIG_UNSUPPORTED)] = None
    on_reboot: Annotated[LifecycleAction | None, At("on_reboot", code=ErrorNumber.CONFIG_UNSUPPORTED)] = None
    on_crash: Annotated[CrashAction | None, At("on_crash", code=ErrorNumber.CONFIG_UNSUPPORTED)] = None
    on_lockfailure: Annotated[
        Literal["poweroff", "restart", "pause", "ignore"] | None,
        At("on_lockfailure", code=ErrorNumber.CONFIG_UNSUPPORTED),
    ] = None
    pm: Annotated[PowerManagement | None, At("pm")] = None
    perf: Annotated[tuple[PerfEvent, ...], At("perf/event")] = ()
    devices: Annotated[Devices, At("devices")] = field(default_factory=Devices)
    seclabels: Annotated[tuple[SecurityLabel, ...], At("seclabel")] = ()
    key_wraps: Annotated[tuple[KeyWrap, ...], At("keywrap/cipher")] = ()
    launch_security: Annotated[LaunchSecurity | None, At("launchSecurity", by="type")] = None
    qemu_command_line: Annotated[QemuCommandLine | None, At("qemu:commandline")] = None
    qemu_capabilities_added: Annotated[tuple[str, ...], At("qemu:capabilities/qemu:add/@capability")] = ()
    qemu_capabilities_removed: Annotated[tuple[str, ...], At("qemu:capabilities/qemu:del/@capability")] = ()
    qemu_deprecation: Annotated[Literal["none", "omit", "reject", "crash"] | None, At("qemu:deprecation/@behavior")] = (
        None
    )
    qemu_overrides: Annotated[tuple[QemuOverride, ...], At("qemu:override/qemu:device")] = ()
