"""What a device is called in messages: "disk 'vda'", "controller pci 1", "channel 'org.qemu.guest_agent.0'"."""

from __future__ import annotations

from ....wire.documents.domain import (
    Channel,
    Console,
    Controller,
    Device,
    Disk,
    Filesystem,
    Input,
    Interface,
    Panic,
    Parallel,
    RedirectedDevice,
    Serial,
    SharedMemory,
    Smartcard,
    Sound,
    Tpm,
    Watchdog,
)


def label(device: Device) -> str:
    """The name of a device in an error message."""
    match device:
        case Filesystem():
            return f"filesystem {device.target!r}"
        case Parallel():
            return f"parallel {device.target_port}"
        case SharedMemory():
            return f"shmem {device.name!r}"
        case RedirectedDevice():
            return f"redirdev ({device.type})"
        case Smartcard():
            return f"smartcard ({device.mode})"
        case Sound() | Tpm() | Watchdog() | Panic():
            return f"{type(device).__name__.lower()} {device.model!r}"
        case Disk():
            return f"disk {device.target!r}"
        case Controller():
            return f"controller {device.type} {device.index}" + (f" ({device.model})" if device.model else "")
        case Interface():
            return f"interface {device.mac}"
        case Serial():
            return f"serial {device.target_port}"
        case Console():
            return f"console {device.target_port} ({device.target_type})"
        case Channel():
            return f"channel {device.name!r}"
        case Input():
            return f"input {device.type} ({device.bus})"
    return type(device).__name__.lower()
