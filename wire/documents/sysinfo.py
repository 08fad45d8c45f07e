"""What a machine's firmware tells of it: libvirt's `<sysinfo type='smbios'>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .binding import At
from .reader import read_document
from .writer import write_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that is told; `name` is libvirt's word for it (`vendor`, `serial`, …)."""

    name: Annotated[str, At("@name")]
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SysinfoBlock:
    """One table of the firmware's."""

    entries: Annotated[tuple[Entry, ...], At("entry")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysinfo:
    """The tables, in libvirt's order."""

    type: Annotated[Literal["smbios"], At("@type")] = "smbios"
    bios: Annotated[SysinfoBlock | None, At("bios")] = None
    system: Annotated[SysinfoBlock | None, At("system")] = None
    boards: Annotated[tuple[SysinfoBlock, ...], At("baseBoard")] = ()
    chassis: Annotated[SysinfoBlock | None, At("chassis")] = None
    processors: Annotated[tuple[SysinfoBlock, ...], At("processor")] = ()
    memory_devices: Annotated[tuple[SysinfoBlock, ...], At("memory_device")] = ()
    oem_strings: Annotated[SysinfoBlock | None, At("oemStrings")] = None


def format_sysinfo(sysinfo: Sysinfo) -> str:
    """The `<sysinfo>` document (virConnectGetSysinfo)."""
    return write_document(sysinfo, "sysinfo")


def parse_sysinfo(text: str) -> Sysinfo:
    """The values of a `<sysinfo>` document. Raises XMLError, and UnsupportedConfig for what libvirt has not."""
    return read_document(text, "sysinfo", Sysinfo)
