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
    "format_domain",
    "parse_domain",
]
