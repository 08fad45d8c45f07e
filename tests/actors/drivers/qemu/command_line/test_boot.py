"""What boots: firmware in ROM and in flash, kernels, tables, and what the machine tells of itself."""

from __future__ import annotations

import pytest
from virtactor.wire.errors import UnsupportedConfig

FLASH = "<loader readonly='yes' type='pflash'{}>/code,1</loader><nvram>/variables</nvram>"


def test_uefi_is_two_chips(build) -> None:
    arguments = build(machine="q35", os=FLASH.format(" secure='yes'"), features="<acpi/><smm state='on'/>")
    assert arguments.values("-blockdev") == [
        {
            "driver": "file",
            "filename": "/code,1",
            "node-name": "pflash0-storage",
            "auto-read-only": True,
            "discard": "unmap",
        },
        {"node-name": "pflash0-format", "read-only": True, "driver": "raw", "file": "pflash0-storage"},
        {
            "driver": "file",
            "filename": "/variables",
            "node-name": "pflash1-storage",
            "auto-read-only": True,
            "discard": "unmap",
        },
        {"node-name": "pflash1-format", "read-only": False, "driver": "raw", "file": "pflash1-storage"},
    ]
    assert arguments.value("-machine").endswith(",smm=on,pflash0=pflash0-format,pflash1=pflash1-format")
    assert arguments.values("-global") == ["driver=cfi.pflash01,property=secure,value=on"]
    assert arguments.values("-bios") == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"os": FLASH.format(""), "features": ""}, "without the feature acpi"),
        ({"os": FLASH.format(""), "machine": "microvm"}, "'pflash' on machine type microvm"),
        ({"os": FLASH.format(" secure='yes'")}, "os/loader: secure"),
        ({"os": FLASH.format(" stateless='yes'")}, "os/nvram with a stateless loader"),
        ({"os": "<nvram>/x</nvram>"}, "os/nvram without a loader"),
        ({"os": "<loader type='pflash'/>"}, "os/loader without a path"),
        ({"os": "<loader secure='yes'>/x</loader>"}, "it cannot be secure or stateless"),
        ({"os": "<firmware><feature enabled='yes' name='secure-boot'/></firmware>"}, "without firmware='efi'"),
    ],
)
def test_firmware_that_cannot_be_is_refused(build, given: dict, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(**given)


def test_firmware_speaks_over_the_serial_port_and_tries_again(build) -> None:
    arguments = build("<serial type='null'/>", os="<bios useserial='yes' rebootTimeout='300'/>")
    assert arguments.value("-machine").endswith("graphics=off")
    assert arguments.value("-boot") == "reboot-timeout=300,strict=on"
    with pytest.raises(UnsupportedConfig, match="useserial without a serial port"):
        build(os="<bios useserial='yes'/>")
    with pytest.raises(UnsupportedConfig, match="rebootTimeout 65536"):
        build(os="<bios rebootTimeout='65536'/>")


def test_a_kernel_has_a_device_tree_and_acpi_has_tables(build) -> None:
    arguments = build(os="<kernel>/k</kernel><dtb>/d</dtb><acpi><table type='slic'>/a,b</table></acpi>")
    assert (arguments.value("-kernel"), arguments.value("-dtb")) == ("/k", "/d")
    assert arguments.value("-acpitable") == "sig=SLIC,file=/a,,b"
    assert build(os="<acpi><table type='rawset'>/t</table></acpi>").value("-acpitable") == "file=/t"


SMBIOS = """<sysinfo type='smbios'>
<bios><entry name='vendor'>V,v</entry><entry name='version'>1</entry><entry name='date'>01/02/2024</entry>
  <entry name='release'>1.0</entry></bios>
<system><entry name='serial'>s</entry><entry name='uuid'>7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80</entry></system>
<baseBoard><entry name='location'>L</entry></baseBoard><baseBoard><entry name='asset'>A</entry></baseBoard>
<chassis><entry name='sku'>S</entry></chassis>
<oemStrings><entry>one,1</entry><entry>two</entry></oemStrings></sysinfo>"""


def test_the_machine_tells_what_sysinfo_says(build) -> None:
    assert build(top=SMBIOS, os="<smbios mode='sysinfo'/>").values("-smbios") == [
        "type=0,vendor=V,,v,version=1,date=01/02/2024,release=1.0",
        "type=1,serial=s,uuid=7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80",
        "type=2,location=L",
        "type=2,asset=A",
        "type=3,sku=S",
        "type=11,value=one,,1,value=two",
    ]


def test_the_machine_tells_what_the_host_tells_but_its_uuid(build) -> None:
    assert build(os="<smbios mode='host'/>").values("-smbios") == [
        "type=0,vendor=of the host",
        "type=1,product=the host",
    ]
    assert build(os="<smbios mode='emulate'/>").values("-smbios") == []


@pytest.mark.parametrize(
    ("top", "mode", "message"),
    [
        ("", "sysinfo", "without a sysinfo of type 'smbios'"),
        (SMBIOS, "emulate", "with smbios mode 'emulate'"),
        (SMBIOS.replace("7f1f", "8f1f"), "sysinfo", "is not the domain's"),
        (SMBIOS.replace("01/02", "13/02"), "sysinfo", "date '13/02/2024'"),
        (SMBIOS.replace("'location'", "'place'"), "sysinfo", "baseBoard: entry 'place'"),
    ],
)
def test_what_the_machine_cannot_tell_is_refused(build, top: str, mode: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=top, os=f"<smbios mode='{mode}'/>")


def test_firmware_reads_what_fwcfg_says(build) -> None:
    top = "<sysinfo type='fwcfg'><entry name='opt/a'>b,c</entry><entry name='opt/f' file='/f'/></sysinfo>"
    assert build(top=top).values("-fw_cfg") == ["name=opt/a,string=b,,c", "name=opt/f,file=/f"]
    with pytest.raises(UnsupportedConfig, match="entry 'etc/a'"):
        build(top=top.replace("opt/a", "etc/a"))
    with pytest.raises(UnsupportedConfig, match="needs a value or a file"):
        build(top=top.replace(" file='/f'", ""))


def test_a_generation_is_made_when_none_is_said(build) -> None:
    said = "0d9f9bd1-3f56-4bb8-8a2d-6a8f7d2f4c11"
    (device,) = [each for each in build(top=f"<genid>{said}</genid>").values("-device") if each["driver"] == "vmgenid"]
    assert device == {"driver": "vmgenid", "guid": said, "id": "vmgenid0"}
    (device,) = [each for each in build(top="<genid/>").values("-device") if each["driver"] == "vmgenid"]
    assert len(device["guid"]) == len(said)


def test_an_absolute_clock_begins_when_it_says(build) -> None:
    assert build(top="<clock offset='absolute' start='1000000000'/>").value("-rtc") == "base=2001-09-09T01:46:40"
    with pytest.raises(UnsupportedConfig, match="start None with offset 'absolute'"):
        build(top="<clock offset='absolute'/>")
