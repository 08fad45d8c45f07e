"""What the machine offers to its guest: libvirt's `<features>`. None leaves a switch to the hypervisor."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import ON_OFF, SIZE_KIB, SIZE_ROUND

Mitigation = Literal["broken", "workaround", "fixed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apic:
    """The APIC; `eoi` is paravirtual end of interrupt."""

    eoi: Annotated[bool | None, At("@eoi", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperV:
    """What guests of Microsoft's look for."""

    mode: Annotated[Literal["custom", "passthrough"] | None, At("@mode")] = None
    relaxed: Annotated[bool | None, At("relaxed/@state", ON_OFF)] = None
    vapic: Annotated[bool | None, At("vapic/@state", ON_OFF)] = None
    spinlocks: Annotated[bool | None, At("spinlocks/@state", ON_OFF)] = None
    spinlock_retries: Annotated[int | None, At("spinlocks/@retries")] = None
    vpindex: Annotated[bool | None, At("vpindex/@state", ON_OFF)] = None
    runtime: Annotated[bool | None, At("runtime/@state", ON_OFF)] = None
    synic: Annotated[bool | None, At("synic/@state", ON_OFF)] = None
    stimer: Annotated[bool | None, At("stimer/@state", ON_OFF)] = None
    stimer_direct: Annotated[bool | None, At("stimer/direct/@state", ON_OFF)] = None
    reset: Annotated[bool | None, At("reset/@state", ON_OFF)] = None
    vendor_id: Annotated[bool | None, At("vendor_id/@state", ON_OFF)] = None
    vendor_id_value: Annotated[str | None, At("vendor_id/@value")] = None
    frequencies: Annotated[bool | None, At("frequencies/@state", ON_OFF)] = None
    reenlightenment: Annotated[bool | None, At("reenlightenment/@state", ON_OFF)] = None
    tlbflush: Annotated[bool | None, At("tlbflush/@state", ON_OFF)] = None
    ipi: Annotated[bool | None, At("ipi/@state", ON_OFF)] = None
    evmcs: Annotated[bool | None, At("evmcs/@state", ON_OFF)] = None
    avic: Annotated[bool | None, At("avic/@state", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One of Linux's capabilities, for containers."""

    state: Annotated[bool | None, At("@state", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Which of Linux's capabilities a container has."""

    policy: Annotated[Literal["default", "allow", "deny"] | None, At("@policy")] = None
    audit_control: Annotated[Capability | None, At("audit_control")] = None
    audit_write: Annotated[Capability | None, At("audit_write")] = None
    block_suspend: Annotated[Capability | None, At("block_suspend")] = None
    chown: Annotated[Capability | None, At("chown")] = None
    dac_override: Annotated[Capability | None, At("dac_override")] = None
    dac_read_search: Annotated[Capability | None, At("dac_read_search")] = None
    fowner: Annotated[Capability | None, At("fowner")] = None
    fsetid: Annotated[Capability | None, At("fsetid")] = None
    ipc_lock: Annotated[Capability | None, At("ipc_lock")] = None
    ipc_owner: Annotated[Capability | None, At("ipc_owner")] = None
    kill: Annotated[Capability | None, At("kill")] = None
    lease: Annotated[Capability | None, At("lease")] = None
    linux_immutable: Annotated[Capability | None, At("linux_immutable")] = None
    mac_admin: Annotated[Capability | None, At("mac_admin")] = None
    mac_override: Annotated[Capability | None, At("mac_override")] = None
    mknod: Annotated[Capability | None, At("mknod")] = None
    net_admin: Annotated[Capability | None, At("net_admin")] = None
    net_bind_service: Annotated[Capability | None, At("net_bind_service")] = None
    net_broadcast: Annotated[Capability | None, At("net_broadcast")] = None
    net_raw: Annotated[Capability | None, At("net_raw")] = None
    setgid: Annotated[Capability | None, At("setgid")] = None
    setfcap: Annotated[Capability | None, At("setfcap")] = None
    setpcap: Annotated[Capability | None, At("setpcap")] = None
    setuid: Annotated[Capability | None, At("setuid")] = None
    sys_admin: Annotated[Capability | None, At("sys_admin")] = None
    sys_boot: Annotated[Capability | None, At("sys_boot")] = None
    sys_chroot: Annotated[Capability | None, At("sys_chroot")] = None
    sys_module: Annotated[Capability | None, At("sys_module")] = None
    sys_nice: Annotated[Capability | None, At("sys_nice")] = None
    sys_pacct: Annotated[Capability | None, At("sys_pacct")] = None
    sys_ptrace: Annotated[Capability | None, At("sys_ptrace")] = None
    sys_rawio: Annotated[Capability | None, At("sys_rawio")] = None
    sys_resource: Annotated[Capability | None, At("sys_resource")] = None
    sys_time: Annotated[Capability | None, At("sys_time")] = None
    sys_tty_config: Annotated[Capability | None, At("sys_tty_config")] = None
    syslog: Annotated[Capability | None, At("syslog")] = None
    wake_alarm: Annotated[Capability | None, At("wake_alarm")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hap:
    """Paging by the hardware."""

    state: Annotated[bool | None, At("@state", ON_OFF, bare="on")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gic:
    """ARM's interrupt controller; no version is the hypervisor's choice."""

    version: Annotated[Literal["2", "3", "host"] | None, At("@version")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Machine features, in libvirt's order."""

    acpi: Annotated[bool, At("acpi")] = False
    apic: Annotated[Apic | None, At("apic")] = None
    pae: Annotated[bool, At("pae")] = False
    hap: Annotated[Hap | None, At("hap")] = None
    viridian: Annotated[bool, At("viridian")] = False
    privnet: Annotated[bool, At("privnet")] = False
    hyperv: Annotated[HyperV | None, At("hyperv")] = None
    kvm_hidden: Annotated[bool | None, At("kvm/hidden/@state", ON_OFF)] = None
    kvm_dedicated: Annotated[bool | None, At("kvm/hint-dedicated/@state", ON_OFF)] = None
    kvm_poll_control: Annotated[bool | None, At("kvm/poll-control/@state", ON_OFF)] = None
    kvm_pv_ipi: Annotated[bool | None, At("kvm/pv-ipi/@state", ON_OFF)] = None
    kvm_dirty_ring: Annotated[bool | None, At("kvm/dirty-ring/@state", ON_OFF)] = None
    kvm_dirty_ring_size: Annotated[int | None, At("kvm/dirty-ring/@size")] = None
    pvspinlock: Annotated[bool | None, At("pvspinlock/@state", ON_OFF, bare="on")] = None
    capabilities: Annotated[Capabilities | None, At("capabilities")] = None
    pmu: Annotated[bool | None, At("pmu/@state", ON_OFF, bare="on")] = None
    vmport: Annotated[bool | None, At("vmport/@state", ON_OFF, bare="on")] = None
    gic: Annotated[Gic | None, At("gic")] = None
    smm: Annotated[bool | None, At("smm/@state", ON_OFF, bare="on")] = None
    smm_tseg: Annotated[int | None, At("smm/tseg", SIZE_ROUND)] = None
    ioapic: Annotated[Literal["kvm", "qemu"] | None, At("ioapic/@driver")] = None
    hpt_resizing: Annotated[Literal["enabled", "disabled", "required"] | None, At("hpt/@resizing")] = None
    hpt_maxpagesize: Annotated[int | None, At("hpt/maxpagesize", SIZE_KIB)] = None
    vmcoreinfo: Annotated[bool | None, At("vmcoreinfo/@state", ON_OFF, bare="on")] = None
    htm: Annotated[bool | None, At("htm/@state", ON_OFF)] = None
    nested_hv: Annotated[bool | None, At("nested-hv/@state", ON_OFF)] = None
    msrs_unknown: Annotated[Literal["ignore", "fault"] | None, At("msrs/@unknown")] = None
    ccf_assist: Annotated[bool | None, At("ccf-assist/@state", ON_OFF)] = None
    xen_e820_host: Annotated[bool | None, At("xen/e820_host/@state", ON_OFF)] = None
    xen_passthrough: Annotated[bool | None, At("xen/passthrough/@state", ON_OFF)] = None
    xen_passthrough_mode: Annotated[Literal["sync_pt", "share_pt"] | None, At("xen/passthrough/@mode")] = None
    cfpc: Annotated[Mitigation | None, At("cfpc/@value")] = None
    sbbc: Annotated[Mitigation | None, At("sbbc/@value")] = None
    ibs: Annotated[Literal["broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"] | None, At("ibs/@value")] = (
        None
    )
    tcg_tb_cache: Annotated[int | None, At("tcg/tb-cache", SIZE_KIB)] = None
