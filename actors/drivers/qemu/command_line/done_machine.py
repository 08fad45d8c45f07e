"""What the driver does of a document outside its `<devices>`; `undone` says what these tables mean."""

from __future__ import annotations

from typing import Any

DONE: dict[str, frozenset[str]] = {
    name: frozenset(names.split())
    for name, names in {
        "DomainDefinition": (
            "type id name uuid genid title description metadata memory_slots max_memory dump_core memory "
            "current_memory blkiotune memtune memory_backing vcpu_placement cpuset current_vcpus vcpus vcpu_list "
            "iothreads iothread_ids default_iothread cputune numatune resource sysinfos os features cpu clock "
            "on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabels "
            "qemu_command_line qemu_capabilities_added qemu_capabilities_removed qemu_deprecation qemu_overrides"
        ),
        "GenerationId": "value",
        "PowerManagement": "suspend_to_mem suspend_to_disk",
        "PerfEvent": "name enabled",
        "BlkioTune": "weight devices",
        "BlkioDevice": "path weight read_iops write_iops read_bytes write_bytes",
        "MemoryTune": "hard_limit soft_limit swap_hard_limit",
        "MemoryBacking": ("hugepages nosharepages locked source access allocation allocation_threads discard"),
        "HugePages": "pages",
        "HugePage": "size nodeset",
        "CpuTune": (
            "shares period quota global_period global_quota emulator_period emulator_quota iothread_period "
            "iothread_quota vcpu_pins emulator_pin iothread_pins emulator_sched vcpu_scheds iothread_scheds"
        ),
        "VcpuPin": "vcpu cpuset",
        "IOThreadPin": "iothread cpuset",
        "EmulatorSched": "scheduler priority",
        "VcpuSched": "vcpus scheduler priority",
        "IOThreadSched": "iothreads scheduler priority",
        "NumaTune": "mode nodeset placement nodes",
        "NumaNode": "cell mode nodeset",
        "IOThread": "id pool_min pool_max",
        "ThreadPool": "pool_min pool_max",
        "Vcpu": "id enabled hotpluggable order",
        "Resource": "partition",
        "Sysinfo": "type bios system base_boards chassis oem_strings entries",
        "Section": "entries",
        "Entry": "name value",
        "FirmwareConfigEntry": "name file value",
        "SecurityLabel": "type model relabel label imagelabel baselabel",
        "OperatingSystem": (
            "firmware arch machine type firmware_features loader nvram kernel initrd cmdline dtb acpi_tables boot "
            "bootmenu bootmenu_timeout bios_useserial reboot_timeout smbios"
        ),
        "FirmwareFeature": "enabled name",
        "Loader": "readonly secure type stateless path",
        "Nvram": "template type source path",
        "AcpiTable": "type path",
        "Features": (
            "acpi apic pae hap hyperv kvm_hidden kvm_dedicated kvm_poll_control kvm_pv_ipi kvm_dirty_ring "
            "kvm_dirty_ring_size pvspinlock pmu vmport smm smm_tseg ioapic vmcoreinfo tcg_tb_cache"
        ),
        "Apic": "eoi",
        "Hap": "state",
        "HyperV": (
            "mode relaxed vapic spinlocks spinlock_retries vpindex runtime synic stimer stimer_direct reset vendor_id "
            "vendor_id_value frequencies reenlightenment tlbflush ipi evmcs avic"
        ),
        "Cpu": (
            "mode match check migratable fallback vendor_id model vendor topology cache_level cache maxphysaddr "
            "maxphysaddr_bits features numa"
        ),
        "Topology": "sockets dies cores threads",
        "CpuFeature": "policy name",
        "Numa": "cells latencies bandwidths",
        "Cell": "id cpus memory access discard distances caches",
        "Distance": "id value",
        "SideCache": "level associativity policy size size_unit line line_unit",
        "Latency": "initiator target cache type value",
        "Bandwidth": "initiator target cache type value",
        "Clock": "offset adjustment basis start timezone timers",
        "Timer": "name present tickpolicy track frequency mode catchup",
        "Catchup": "threshold slew limit",
        "QemuCommandLine": "arguments environment",
        "QemuVariable": "name value",
        "QemuOverride": "alias properties",
        "QemuProperty": "name type value",
        "Verbatim": "namespace xml",
    }.items()
}

VALUES: dict[str, frozenset[Any]] = {
    name: frozenset(values.split())
    for name, values in {
        "DomainDefinition.vcpu_placement": "static",
        "DomainDefinition.on_poweroff": "destroy restart preserve",
        "DomainDefinition.on_reboot": "destroy restart preserve",
        "DomainDefinition.on_crash": "destroy restart preserve coredump-destroy coredump-restart",
        "OperatingSystem.type": "hvm",
        "Loader.type": "rom pflash",
        "NumaTune.placement": "static",
        "Clock.offset": "utc localtime variable timezone absolute",
        "Timer.name": "platform hpet kvmclock pit rtc tsc hypervclock",
    }.items()
} | {
    "Hap.state": frozenset({True}),
    "Nvram.type": frozenset({"file"}),
}
