"""The machine itself: type and its switches, accelerator, processors' number, memory, firmware, kernel, boot, power."""

from __future__ import annotations

from .....wire.documents.domain import DomainDefinition, Features
from .....wire.errors import UnsupportedConfig
from .board import Board
from .syntax import Value, key_values

# What suspend_to_mem and suspend_to_disk switch, by machine family.
PM_DEVICES = {"pc": "PIIX4_PM", "q35": "ICH9-LPC"}
ACCELERATORS = {"kvm": "kvm", "qemu": "tcg"}
KIB_PER_MIB = 1024
# SeaBIOS keeps it in 16 bits; milliseconds.
MAX_BOOTMENU_TIMEOUT = 65535


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
    switches = key_values(name, usb=False, dump_guest_core=False, **_features(board), **_timers(board))
    return ["-machine", switches, "-accel", ACCELERATORS[definition.type]]


def _features(board: Board) -> dict[str, Value]:
    """The machine's switches that `<features>` asks for; ACPI is off unless asked for, as with libvirt."""
    features = board.definition.features or Features()
    if features.vmport is not None and board.family.root is None:
        raise UnsupportedConfig(f"feature vmport on machine type {board.family.name}")
    return {"acpi": None if features.acpi else False, "vmport": features.vmport, "smm": features.smm}


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


def memory(definition: DomainDefinition) -> list[str]:
    """-m, in MiB: libvirt rounds up to whole ones too."""
    return ["-m", str(-(-definition.memory // KIB_PER_MIB))]


def processors(board: Board) -> list[str]:
    """-smp: how many are there at the start and at most, and their topology, a socket for each by default."""
    definition = board.definition
    machine = board.capabilities.machine(definition.os.machine)
    if (definition.vcpus or 1) > machine.max_cpus:
        raise UnsupportedConfig(f"{definition.vcpus} vcpus: machine type {machine.name} has at most {machine.max_cpus}")
    maximum = definition.vcpus or 1
    current = definition.current_vcpus or maximum
    plugged = {"maxcpus": maximum} if current != maximum else {}
    topology = definition.cpu.topology if definition.cpu else None
    if topology is None:
        return ["-smp", key_values(str(current), **plugged, sockets=maximum, cores=1, threads=1)]
    spread = {"sockets": topology.sockets, "dies": topology.dies, "cores": topology.cores, "threads": topology.threads}
    return ["-smp", key_values(str(current), **plugged, **spread)]


def firmware_and_kernel(definition: DomainDefinition) -> list[str]:
    """-bios, and -kernel with what belongs to it."""
    os = definition.os
    if os.loader is not None and os.loader.path is None:
        raise UnsupportedConfig("os/loader without a path")
    options = {
        "-bios": os.loader.path if os.loader else None,
        "-kernel": os.kernel,
        "-initrd": os.initrd,
        "-append": os.cmdline,
    }
    return [word for option, value in options.items() if value is not None for word in (option, value)]


def boot(definition: DomainDefinition) -> list[str]:
    """-boot: only from what is in the boot order (which the devices carry), and the firmware's menu."""
    os = definition.os
    timeout = os.bootmenu_timeout
    if timeout is not None and (not os.bootmenu or timeout > MAX_BOOTMENU_TIMEOUT):
        raise UnsupportedConfig(
            f"bootmenu timeout {timeout}", hint=f"at most {MAX_BOOTMENU_TIMEOUT} milliseconds, with enable='yes'"
        )
    return ["-boot", key_values(menu=os.bootmenu, splash_time=timeout, strict=True)]


def power(board: Board) -> list[str]:
    """What the guest can do about its power. -no-shutdown leaves it to the daemon what follows a power-off."""
    definition = board.definition
    if definition.on_reboot == "preserve":
        raise UnsupportedConfig("on_reboot 'preserve'")
    if (definition.on_poweroff, definition.on_reboot) == ("restart", "destroy"):
        # Firmware resets itself once more when it is started again, which would be the reboot that ends it.
        raise UnsupportedConfig("on_poweroff 'restart' together with on_reboot 'destroy'")
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
