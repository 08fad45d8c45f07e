"""What the machine tells of itself: -smbios for its tables, -fw_cfg for what firmware reads, and its generation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

from .....wire.documents.domain import FirmwareConfigEntry, Section, Sysinfo
from .....wire.errors import UnsupportedConfig
from .board import Board
from .syntax import key_values

# libvirt's names of a table's entries, and QEMU's.
BIOS = {"vendor": "vendor", "version": "version", "date": "date", "release": "release"}
SYSTEM = {
    "manufacturer": "manufacturer",
    "product": "product",
    "version": "version",
    "serial": "serial",
    "uuid": "uuid",
    "sku": "sku",
    "family": "family",
}
BOARD = {
    "manufacturer": "manufacturer",
    "product": "product",
    "version": "version",
    "serial": "serial",
    "asset": "asset",
    "location": "location",
}
CHASSIS = {
    "manufacturer": "manufacturer",
    "version": "version",
    "serial": "serial",
    "asset": "asset",
    "sku": "sku",
}
OEM_STRINGS = 11
# Names in fw_cfg that are for us: QEMU and its firmware have the others.
CONFIG_PREFIXES = ("opt/",)
CONFIG_NAME_LENGTH = 55

_DATE = re.compile(r"(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/([0-9]{2}|[0-9]{4})", re.ASCII)


def firmware_tables(board: Board) -> list[str]:
    """All that is said of SMBIOS and fw_cfg, and -device vmgenid."""
    sysinfos = board.definition.sysinfos
    if len({each.type for each in sysinfos}) < len(sysinfos):
        raise UnsupportedConfig("sysinfo: one of each type is enough")
    said = {each.type: each for each in sysinfos}
    return [
        *_smbios(board, said.get("smbios")),
        *_configuration(said.get("fwcfg")),
        *_generation(board),
    ]


def _generation(board: Board) -> list[str]:
    genid = board.definition.genid
    if genid is None:
        return []
    if genid.value is None:
        raise UnsupportedConfig("genid without a UUID")
    return board.bare_device("genid", "vmgenid", guid=genid.value, id="vmgenid0")


def _smbios(board: Board, said: Sysinfo | None) -> list[str]:
    mode = board.definition.os.smbios
    if said is not None and said.entries:
        raise UnsupportedConfig("sysinfo of type 'smbios' with entries for fw_cfg")
    if mode == "sysinfo":
        if said is None:
            raise UnsupportedConfig("smbios mode 'sysinfo' without a sysinfo of type 'smbios'")
        _check_uuid(board, said)
        return _tables(said)
    if said is not None:
        raise UnsupportedConfig(f"sysinfo of type 'smbios' with smbios mode {mode or 'emulate'!r}")
    return _host_tables(board) if mode == "host" else []


def _host_tables(board: Board) -> list[str]:
    """The host's firmware and name, as libvirt shows them; the UUID is the guest's own."""
    host = board.resources.host_sysinfo
    system = {name: value for name, value in host.get("system", {}).items() if name != "uuid"}
    return [*_table(0, "bios", BIOS, host.get("bios", {})), *_table(1, "system", SYSTEM, system)]


def _check_uuid(board: Board, said: Sysinfo) -> None:
    told = _values(said.system, "system").get("uuid")
    if told is not None and told.lower() != board.definition.uuid:
        raise UnsupportedConfig(f"sysinfo: the system's uuid {told!r} is not the domain's")


def _tables(said: Sysinfo) -> list[str]:
    words = [
        *_table(0, "bios", BIOS, _values(said.bios, "bios")),
        *_table(1, "system", SYSTEM, _values(said.system, "system")),
    ]
    for each in said.base_boards:
        words += _table(2, "baseBoard", BOARD, _values(each, "baseBoard"))
    words += _table(3, "chassis", CHASSIS, _values(said.chassis, "chassis"))
    if said.oem_strings:
        words += ["-smbios", ",".join([f"type={OEM_STRINGS}", *(key_values(value=each) for each in said.oem_strings)])]
    return words


def _values(section: Section | None, name: str) -> dict[str, str]:
    if section is None:
        return {}
    found: dict[str, str] = {}
    for entry in section.entries:
        if entry.name in found or entry.value is None:
            raise UnsupportedConfig(f"sysinfo {name}: entry {entry.name!r} is there twice or empty")
        found[entry.name] = entry.value
    return found


def _table(number: int, name: str, known: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    if unknown := sorted(values.keys() - known.keys()):
        raise UnsupportedConfig(f"sysinfo {name}: entry {unknown[0]!r}", hint=f"one of {', '.join(known)}")
    if number == 0 and "date" in values and not _DATE.fullmatch(values["date"]):
        raise UnsupportedConfig(f"sysinfo bios: date {values['date']!r}", hint="month/day/year")
    if not values:
        return []
    ordered = {known[each]: values[each] for each in known if each in values}
    return ["-smbios", key_values(f"type={number}", **ordered)]


def _configuration(said: Sysinfo | None) -> list[str]:
    """-fw_cfg for each entry."""
    if said is None:
        return []
    if said.bios or said.system or said.base_boards or said.chassis or said.oem_strings:
        raise UnsupportedConfig("sysinfo of type 'fwcfg' with tables of SMBIOS")
    return [word for entry in said.entries for word in ("-fw_cfg", _entry(entry))]


def _entry(entry: FirmwareConfigEntry) -> str:
    if not entry.name.startswith(CONFIG_PREFIXES) or len(entry.name) > CONFIG_NAME_LENGTH:
        raise UnsupportedConfig(
            f"sysinfo fwcfg: entry {entry.name!r}", hint=f"'opt/…', at most {CONFIG_NAME_LENGTH} characters"
        )
    if (entry.value is None) == (entry.file is None):
        raise UnsupportedConfig(f"sysinfo fwcfg: entry {entry.name!r} needs a value or a file")
    if entry.file is not None and not PurePath(entry.file).is_absolute():
        raise UnsupportedConfig(f"sysinfo fwcfg: {entry.file!r} is not a full path")
    return key_values(name=entry.name, string=entry.value, file=entry.file)
