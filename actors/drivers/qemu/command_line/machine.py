"""The machine itself: type and its switches, accelerator, the processors' number, power."""

from __future__ import annotations

from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig
from . import firmware, memory, memory_device, sound
from .board import Board
from .syntax import Value, key_values

# What suspend_to_mem and suspend_to_disk switch, by machine family.
PM_DEVICES = {"pc": "PIIX4_PM", "q35": "ICH9-LPC"}
ACCELERATORS = {"kvm": "kvm", "qemu": "tcg"}
IRQCHIPS = {"kvm": "on", "qemu": "split"}
KIB_PER_MIB = 1024


def machine(board: Board) -> list[str]:
    """-machine and -accel."""
    definition = board.definition
    capabilities = board.capabilities
    os = definition.os
    if os.arch not in (None, capabilities.arch):
        raise UnsupportedConfig(f"architecture {os.arch!r}: {capabilities.binary} is for {capabilities.arch}")
    if definition.type not in ACCELERATORS:
        raise UnsupportedConfig(f"domain type {definition.type!r} is not QEMU's")
    if definition.type == "kvm" and not capabilities.kvm:
        raise UnsupportedConfig(
            "domain type 'kvm': KVM does not run guests on this host", hint="type='qemu' runs them in software"
        )
    name = capabilities.machine(os.machine).name
    switches: dict[str, Value] = {
        **_features(board),
        **_timers(board),
        **memory.machine_switches(board),
        **firmware.machine_switches(board),
        **memory_device.machine_switches(board),
        **sound.machine_switches(board),
    }
    dumped = bool(definition.dump_core)
    return [
        *("-machine", key_values(name, usb=False, dump_guest_core=dumped, **switches)),
        *("-accel", key_values(ACCELERATORS[definition.type], **_accelerator(board))),
        *_globals(board),
    ]


def _accelerator(board: Board) -> dict[str, Value]:
    """What `<features>` says of the accelerator."""
    features = board.features
    kvm = board.definition.type == "kvm"
    if features.tcg_tb_cache is not None and kvm:
        raise UnsupportedConfig("feature tcg with KVM")
    size = features.kvm_dirty_ring_size
    if not features.kvm_dirty_ring:
        if size is not None:
            raise UnsupportedConfig("feature kvm dirty-ring: a size of what is not on")
    elif size is None or not 1024 <= size <= 65536 or size & (size - 1):
        raise UnsupportedConfig(f"feature kvm dirty-ring: size {size}", hint="a power of 2 from 1024 to 65536")
    cache = features.tcg_tb_cache
    return {"dirty_ring_size": size if kvm else None, "tb_size": None if cache is None else -(-cache // KIB_PER_MIB)}


def _globals(board: Board) -> list[str]:
    """What `<features>` says of the memory of system management."""
    features = board.features
    if features.smm_tseg is None:
        return []
    if not features.smm or board.family.name != "q35" or features.smm_tseg % KIB_PER_MIB:
        raise UnsupportedConfig(
            f"feature smm: a tseg of {features.smm_tseg} KiB", hint="whole MiB, with smm on, on machine type q35"
        )
    return ["-global", f"mch.extended-tseg-mbytes={features.smm_tseg // KIB_PER_MIB}"]


def _features(board: Board) -> dict[str, Value]:
    """The machine's switches that `<features>` asks for; ACPI is off unless asked for, as with libvirt."""
    features = board.features
    if features.vmport is not None and board.family.root is None:
        raise UnsupportedConfig(f"feature vmport on machine type {board.family.name}")
    return {
        "acpi": None if features.acpi else False,
        "vmport": features.vmport,
        "smm": features.smm,
        "kernel_irqchip": IRQCHIPS[features.ioapic] if features.ioapic else None,
    }


def _timers(board: Board) -> dict[str, Value]:
    """The machine's timers that can be left out: hpet and pit on a PC, pit and rtc on a microvm."""
    switchable = ("hpet", "pit") if board.family.root else ("pit", "rtc")
    timers = board.definition.clock.timers if board.definition.clock else ()
    switches: dict[str, Value] = {}
    for timer in timers:
        if timer.name not in ("hpet", "pit", "rtc") or timer.present is None:
            continue
        if timer.name in switchable:
            switches[timer.name] = timer.present
        elif timer.present != (timer.name == "rtc"):
            raise UnsupportedConfig(f"timer {timer.name!r}: present on machine type {board.family.name}")
    return switches


def check_ends_together(definition: DomainDefinition) -> None:
    """Refuse what cannot follow both ends of a guest. Raises UnsupportedConfig."""
    if (definition.on_poweroff, definition.on_reboot) == ("restart", "destroy"):
        # Firmware resets itself once more when it is started again, which would be the reboot that ends it.
        raise UnsupportedConfig("on_poweroff 'restart' together with on_reboot 'destroy'")


def power(board: Board) -> list[str]:
    """What the guest can do about its power. -no-shutdown leaves it to the daemon what follows a power-off."""
    definition = board.definition
    if definition.on_reboot == "preserve":
        raise UnsupportedConfig("on_reboot 'preserve'")
    check_ends_together(definition)
    pm = definition.pm
    asked = {"disable_s3": pm.suspend_to_mem, "disable_s4": pm.suspend_to_disk} if pm else {}
    arguments = ["-no-shutdown"]
    for switch, enabled in asked.items():
        if enabled is None:
            continue
        device = PM_DEVICES.get(board.family.name)
        if device:
            arguments += ["-global", f"{device}.{switch}={0 if enabled else 1}"]
        elif enabled:
            raise UnsupportedConfig(f"pm: suspending on machine type {board.family.name}")
    return arguments
