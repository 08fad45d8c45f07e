"""What the firmware tells, of machines made of files."""

from __future__ import annotations

from pathlib import Path

from virtactor.actors.host.files import HostFiles
from virtactor.actors.host.firmware import FOLDER, read_sysinfo
from virtactor.wire.documents.sysinfo import format_sysinfo

from .machines import tree


def test_what_the_firmware_tells_is_libvirts_document(tmp_path: Path) -> None:
    told = {
        "bios_vendor": "SeaBIOS",
        "bios_date": "04/01/2014",
        "sys_vendor": "QEMU",
        "board_name": "",
        "chassis_x": "1",
    }
    sysinfo = read_sysinfo(HostFiles(tree(tmp_path, {f"{FOLDER}/{name}": text for name, text in told.items()})))
    assert sysinfo is not None
    assert format_sysinfo(sysinfo) == (
        "<sysinfo type='smbios'>\n"
        "  <bios>\n"
        "    <entry name='vendor'>SeaBIOS</entry>\n"
        "    <entry name='date'>04/01/2014</entry>\n"
        "  </bios>\n"
        "  <system>\n"
        "    <entry name='manufacturer'>QEMU</entry>\n"
        "  </system>\n"
        "</sysinfo>\n"
    )


def test_a_machine_without_firmware_tells_nothing(tmp_path: Path) -> None:
    assert read_sysinfo(HostFiles(tmp_path)) is None
