"""A domain: libvirt's `<domain>`, one value for a definition and for a running guest's live document alike.

The values are frozen: dataclasses.replace makes a changed copy. A field that is None was not said; what a driver
makes of that is the driver's.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ..binding import At, Verbatim
from ..values import NAME, SIGNED, SIZE_KIB, UUID, YES_NO
from .clock import Clock
from .cpu import Cpu
from .devices import Devices
from .features import Features
from .os import OperatingSystem

LifecycleAction = Literal["destroy", "restart", "preserve"]
CrashAction = Literal["destroy", "restart", "preserve"]
OTHER_TYPES = ("xen", "lxc", "uml", "openvz", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf")
OTHER_CRASH_ACTIONS = ("rename-restart", "coredump-destroy", "coredump-restart")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerManagement:
    """Which sleeping states the guest is offered; None leaves it to the hypervisor."""

    suspend_to_mem: Annotated[bool | None, At("suspend-to-mem/@enabled", YES_NO)] = None
    suspend_to_disk: Annotated[bool | None, At("suspend-to-disk/@enabled", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDefinition:
    """One domain. `memory` and `current_memory` are KiB; `id` is live (None while shut off).

    `vcpus` is the maximum, `current_vcpus` how many are plugged in at the start (None: all). `metadata` holds
    applications' own elements, each with the namespace it belongs to, at most one per namespace.
    """

    type: Annotated[Literal["kvm", "qemu", "test"], At("@type", known=OTHER_TYPES)]
    id: Annotated[int | None, At("@id", SIGNED)] = None
    name: Annotated[str, At("name", NAME)]
    uuid: Annotated[str | None, At("uuid", UUID)] = None
    title: Annotated[str | None, At("title")] = None
    description: Annotated[str | None, At("description")] = None
    metadata: Annotated[tuple[Verbatim, ...], At("metadata")] = ()
    memory: Annotated[int, At("memory", SIZE_KIB)]
    current_memory: Annotated[int | None, At("currentMemory", SIZE_KIB)] = None
    vcpu_placement: Annotated[Literal["static"] | None, At("vcpu/@placement", known=("auto",))] = None
    current_vcpus: Annotated[int | None, At("vcpu/@current")] = None
    vcpus: Annotated[int | None, At("vcpu")] = None
    os: Annotated[OperatingSystem, At("os")]
    features: Annotated[Features | None, At("features")] = None
    cpu: Annotated[Cpu | None, At("cpu")] = None
    clock: Annotated[Clock | None, At("clock")] = None
    on_poweroff: Annotated[LifecycleAction | None, At("on_poweroff", known=("rename-restart",))] = None
    on_reboot: Annotated[LifecycleAction | None, At("on_reboot", known=("rename-restart",))] = None
    on_crash: Annotated[CrashAction | None, At("on_crash", known=OTHER_CRASH_ACTIONS)] = None
    pm: Annotated[PowerManagement | None, At("pm")] = None
    devices: Annotated[Devices, At("devices")] = field(default_factory=Devices)
