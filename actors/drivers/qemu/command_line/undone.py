"""What a document may say and this driver does not do yet: it is refused by name, here and nowhere else.

``DONE`` lists, for each class of the model, the fields that the command line honours, ``VALUES`` those of their values
where not all are. Whatever else a definition says is named in the error. Who makes the driver do one of them adds it
here; tests/…/test_drops_nothing.py then sees to it that QEMU hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from .....wire.documents.binding import At
from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig

_DEVICE = "boot_order alias address"
_CHARACTER = f"type source_mode source_path source_append {_DEVICE}"

DONE: dict[str, frozenset[str]] = {
    name: frozenset(names.split())
    for name, names in {
        "DomainDefinition": (
            "type id name uuid title description metadata memory current_memory vcpu_placement current_vcpus vcpus os "
            "features cpu clock on_poweroff on_reboot on_crash pm devices"
        ),
        "PowerManagement": "suspend_to_mem suspend_to_disk",
        "OperatingSystem": "firmware arch machine type loader kernel initrd cmdline boot bootmenu bootmenu_timeout",
        "Loader": "readonly type path",
        "Features": "acpi apic pae kvm_hidden pmu vmport smm vmcoreinfo",
        "Apic": "eoi",
        "Cpu": "mode match check migratable fallback model vendor topology features",
        "Topology": "sockets dies cores threads",
        "CpuFeature": "policy name",
        "Clock": "offset adjustment basis timezone timers",
        "Timer": "name present tickpolicy track frequency mode catchup",
        "Catchup": "threshold slew limit",
        "Devices": (
            "emulator disks controllers interfaces serials consoles channels inputs graphics audios videos memballoon "
            "rngs"
        ),
        "Disk": f"type device driver source target bus readonly shareable serial {_DEVICE}",
        "DiskDriver": "name type cache io discard detect_zeroes",
        "Controller": (
            f"type index model ports vectors pci_model chassis_number chassis port master_startport {_DEVICE}"
        ),
        "Interface": f"type mac model link {_DEVICE}",
        "Serial": f"{_CHARACTER} target_type target_port target_model",
        "Console": f"{_CHARACTER} tty target_type target_port",
        "Channel": f"{_CHARACTER} target_type name state",
        "Input": f"type bus {_DEVICE}",
        "Graphics": "type port autoport listen keymap share_policy password listens",
        "Listen": "type address",
        "Audio": "id type",
        "Video": f"model ram vram vram64 vgamem heads primary {_DEVICE}",
        "Memballoon": f"model autodeflate free_page_reporting stats_period {_DEVICE}",
        "Rng": f"model rate_bytes rate_period backend source {_DEVICE}",
        "PciAddress": "domain bus slot function multifunction",
        "DriveAddress": "controller bus target unit",
        "VirtioSerialAddress": "controller bus port",
        "IsaAddress": "iobase irq",
        "UsbAddress": "bus port",
        "MmioAddress": "reg",
        "Verbatim": "namespace xml",
    }.items()
}

VALUES: dict[str, frozenset[Any]] = {
    name: frozenset(values.split())
    for name, values in {
        "DomainDefinition.vcpu_placement": "static",
        "DomainDefinition.on_poweroff": "destroy restart preserve",
        "DomainDefinition.on_reboot": "destroy restart preserve",
        "DomainDefinition.on_crash": "destroy restart preserve",
        "OperatingSystem.firmware": "bios",
        "OperatingSystem.type": "hvm",
        "OperatingSystem.boot": "hd cdrom network",
        "Loader.type": "rom",
        "Clock.offset": "utc localtime variable timezone",
        "Timer.name": "platform hpet kvmclock pit rtc tsc hypervclock",
        "Disk.type": "file",
        "Disk.device": "disk cdrom",
        "Disk.bus": "virtio ide sata",
        "DiskDriver.name": "qemu",
        "DiskDriver.type": "raw qcow2",
        "Controller.type": "pci usb ide sata virtio-serial",
        "Interface.type": "user",
        "Serial.type": "pty null file unix",
        "Serial.target_type": "isa-serial pci-serial",
        "Console.type": "pty null file unix",
        "Console.target_type": "serial virtio",
        "Channel.type": "pty null file unix",
        "Channel.target_type": "virtio",
        "Input.type": "mouse tablet keyboard",
        "Input.bus": "ps2 usb virtio",
        "Graphics.type": "vnc",
        "Listen.type": "address",
        "Audio.type": "none",
        "Video.model": "vga cirrus vmvga qxl virtio bochs ramfb none",
        "Memballoon.model": "virtio none",
        "Rng.model": "virtio",
        "Rng.backend": "random builtin",
    }.items()
}


def refuse_undone(definition: DomainDefinition) -> None:
    """Raise UnsupportedConfig that names all of a definition that the driver does not do."""
    found = list(dict.fromkeys(_undone(definition, "/domain")))
    if found:
        raise UnsupportedConfig(", ".join(found))


def _undone(value: Any, path: str) -> Iterator[str]:
    name = type(value).__name__
    done = DONE.get(name, frozenset())
    for field in fields(value):
        said = getattr(value, field.name)
        if said in (None, ()) or said is field.default:
            continue
        place = _place(type(value), field.name)
        if field.name not in done:
            yield f"{_kind(place)} {path}/{place}"
            continue
        allowed = VALUES.get(f"{name}.{field.name}")
        for each in said if isinstance(said, tuple) else (said,):
            if allowed is not None and each not in allowed:
                yield f"{_kind(place)} {path}/{place} of {each!r}"
            elif is_dataclass(each):
                yield from _undone(each, f"{path}/{place}")


def _kind(place: str) -> str:
    return "attribute" if "@" in place else "element"


def _place(cls: type, name: str) -> str:
    return _places(cls).get(name, name)


@cache
def _places(cls: type) -> dict[str, str]:
    """Where the fields of a class stand in its element."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        name: extra.path
        for name, hint in hints.items()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, At)
    }
