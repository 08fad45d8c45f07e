"""What the guest's firmware tells of the machine: libvirt's `<sysinfo>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One named text."""

    name: Annotated[str, At("@name")]
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The entries of one table."""

    entries: Annotated[tuple[Entry, ...], At("entry")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareConfigEntry:
    """One of fwcfg: a text, or a file that has it."""

    name: Annotated[str, At("@name")]
    file: Annotated[str | None, At("@file")] = None
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysinfo:
    """Tables of SMBIOS, or QEMU's fwcfg."""

    type: Annotated[Literal["smbios", "fwcfg"], At("@type")]
    bios: Annotated[Section | None, At("bios")] = None
    system: Annotated[Section | None, At("system")] = None
    base_boards: Annotated[tuple[Section, ...], At("baseBoard")] = ()
    chassis: Annotated[Section | None, At("chassis")] = None
    oem_strings: Annotated[tuple[str, ...], At("oemStrings/entry")] = ()
    entries: Annotated[tuple[FirmwareConfigEntry, ...], At("entry")] = ()
