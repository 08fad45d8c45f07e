"""A domain's definition as values, a module per family of libvirt's `<domain>` document."""

from ..binding import Verbatim
from .address import (
    Address,
    Device,
    DriveAddress,
    IsaAddress,
    MmioAddress,
    PciAddress,
    UsbAddress,
    VirtioSerialAddress,
)
from .clock import Catchup, Clock, Timer
from .cpu import Cpu, CpuFeature, Topology
from .defaults import complete, mirror_console, without_live
from .definition import DomainDefinition, PowerManagement
from .devices import (
    Audio,
    Channel,
    CharacterDevice,
    Console,
    Controller,
    Devices,
    Disk,
    DiskDriver,
    Graphics,
    Input,
    Interface,
    Listen,
    Memballoon,
    Rng,
    Serial,
    Video,
)
from .document import format_domain, parse_domain
from .features import Apic, Features
from .os import Loader, OperatingSystem
from .validate import validate

__all__ = [
    "Address",
    "Apic",
    "Audio",
    "Catchup",
    "Channel",
    "CharacterDevice",
    "Clock",
    "Console",
    "Controller",
    "Cpu",
    "CpuFeature",
    "Device",
    "Devices",
    "Disk",
    "DiskDriver",
    "DomainDefinition",
    "DriveAddress",
    "Features",
    "Graphics",
    "Input",
    "Interface",
    "IsaAddress",
    "Listen",
    "Loader",
    "Memballoon",
    "MmioAddress",
    "OperatingSystem",
    "PciAddress",
    "PowerManagement",
    "Rng",
    "Serial",
    "Timer",
    "Topology",
    "UsbAddress",
    "Verbatim",
    "Video",
    "VirtioSerialAddress",
    "complete",
    "format_domain",
    "mirror_console",
    "parse_domain",
    "validate",
    "without_live",
]
