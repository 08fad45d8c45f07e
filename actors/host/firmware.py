"""What the firmware tells of the machine (SMBIOS), as the kernel shows it: libvirt's sysinfo document.

The kernel keeps the tables of BIOS, system, base board and chassis as files; serial numbers are for root only, and what
cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...wire.documents.sysinfo import Entry, Sysinfo, SysinfoBlock
from .files import HostFiles

FOLDER = "sys/class/dmi/id"
# The blocks of the document: entries' names by the kernel's file names, in libvirt's order.
_BIOS = {"vendor": "bios_vendor", "version": "bios_version", "date": "bios_date", "release": "bios_release"}
_SYSTEM = {
    "manufacturer": "sys_vendor",
    "product": "product_name",
    "version": "product_version",
    "serial": "product_serial",
    "uuid": "product_uuid",
    "sku": "product_sku",
    "family": "product_family",
}
_BOARD = {
    "manufacturer": "board_vendor",
    "product": "board_name",
    "version": "board_version",
    "serial": "board_serial",
    "asset": "board_asset_tag",
}
_CHASSIS = {
    "manufacturer": "chassis_vendor",
    "version": "chassis_version",
    "serial": "chassis_serial",
    "asset": "chassis_asset_tag",
}


def read_sysinfo(files: HostFiles) -> Sysinfo | None:
    """What the firmware tells, None on a machine whose firmware tells nothing."""
    if not files.exists(FOLDER):
        return None
    board = _block(files, _BOARD)
    return Sysinfo(
        bios=_block(files, _BIOS),
        system=_block(files, _SYSTEM),
        boards=() if board is None else (board,),
        chassis=_block(files, _CHASSIS),
    )


def _block(files: HostFiles, names: Mapping[str, str]) -> SysinfoBlock | None:
    told = {name: files.text(f"{FOLDER}/{file}") for name, file in names.items()}
    entries = tuple(Entry(name=name, value=value) for name, value in told.items() if value)
    return SysinfoBlock(entries=entries) if entries else None
