"""Every family of devices, as arguments."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.command_line import (
    MonitorCommand,
    build_command_line,
    chardev_id,
    check_definition,
    node_names,
    preparation,
)
from virtactor.wire.documents.domain import PciAddress
from virtactor.wire.errors import InternalError, UnsupportedConfig

DISK = "<disk type='file' device='{device}'><driver name='qemu' {driver}/>{source}<target {target}/>{more}</disk>"


def disk(
    driver: str = "", target: str = "dev='vda'", *, device: str = "disk", source: str = "/img", more: str = ""
) -> str:
    element = f"<source file='{source}'/>" if source else ""
    return DISK.format(device=device, driver=driver, source=element, target=target, more=more)


# --- disks


def test_a_disk_is_a_file_a_format_and_a_device(build) -> None:
    arguments = build(disk("type='qcow2'", source="/images/a,b.qcow2", more="<serial>S,1</serial>"))
    assert arguments.values("-blockdev") == [
        {
            "driver": "file",
            "filename": "/images/a,b.qcow2",
            "node-name": "vda-storage",
            "auto-read-only": True,
            "discard": "unmap",
        },
        {"driver": "qcow2", "node-name": "vda-format", "read-only": False, "file": "vda-storage"},
    ]
    assert arguments.device("virtio-disk0") == {
        "driver": "virtio-blk-pci",
        "bus": "pci.0",
        "addr": "0x2",
        "drive": "vda-format",
        "serial": "S,1",
        "bootindex": 1,
    }


@pytest.mark.parametrize(
    ("mode", "cache", "write_cache"),
    [
        ("none", {"direct": True, "no-flush": False}, "on"),
        ("writeback", {"direct": False, "no-flush": False}, "on"),
        ("writethrough", {"direct": False, "no-flush": False}, "off"),
        ("directsync", {"direct": True, "no-flush": False}, "off"),
        ("unsafe", {"direct": False, "no-flush": True}, "on"),
        ("default", None, None),
    ],
)
def test_a_cache_mode_is_three_switches(
    build, mode: str, cache: dict[str, bool] | None, write_cache: str | None
) -> None:
    arguments = build(disk(f"cache='{mode}'"))
    assert [each.get("cache") for each in arguments.values("-blockdev")] == [cache, cache]
    assert arguments.device("virtio-disk0").get("write-cache") == write_cache


@pytest.mark.parametrize(
    ("driver", "file", "format"),
    [
        ("io='threads'", {"aio": "threads"}, {}),
        ("io='io_uring'", {"aio": "io_uring"}, {}),
        ("io='native' cache='none'", {"aio": "native"}, {}),
        ("discard='unmap'", {}, {"discard": "unmap"}),
        ("discard='ignore' detect_zeroes='on'", {}, {"discard": "ignore", "detect-zeroes": "on"}),
        ("discard='unmap' detect_zeroes='unmap'", {}, {"discard": "unmap", "detect-zeroes": "unmap"}),
        ("detect_zeroes='unmap'", {}, {"detect-zeroes": "on"}),
        ("detect_zeroes='off'", {}, {"detect-zeroes": "off"}),
    ],
)
def test_a_driver_says_how_an_image_is_opened(build, driver: str, file: dict[str, str], format: dict[str, str]) -> None:
    storage, top = build(disk(driver)).values("-blockdev")
    plain = {"driver", "filename", "node-name", "auto-read-only", "read-only", "file", "cache"}
    assert {name: value for name, value in storage.items() if name not in plain} == {"discard": "unmap", **file}
    assert {name: value for name, value in top.items() if name not in plain} == format


def test_native_io_past_the_cache_only(build) -> None:
    with pytest.raises(UnsupportedConfig, match="disk 'vda': native I/O needs"):
        build(disk("io='native' cache='writeback'"))


def test_a_readonly_disk_is_opened_readonly(build) -> None:
    assert build(disk(more="<readonly/>")).values("-blockdev")[1]["read-only"] is True


def test_a_shareable_disk_may_be_written_by_others(build) -> None:
    assert build(disk(more="<shareable/>")).device("virtio-disk0")["share-rw"] is True


@pytest.mark.parametrize(
    ("machine", "target", "alias", "place"),
    [
        ("pc", "dev='hda'", "ide0-0-0", {"driver": "ide-hd", "bus": "ide.0", "unit": 0}),
        ("pc", "dev='hdd'", "ide0-1-1", {"driver": "ide-hd", "bus": "ide.1", "unit": 1}),
        ("pc", "dev='sdb' bus='sata'", "sata0-0-1", {"driver": "ide-hd", "bus": "sata0.1"}),
        ("q35", "dev='sdb' bus='sata'", "sata0-0-1", {"driver": "ide-hd", "bus": "ide.1"}),
        ("q35", "dev='sdh' bus='sata'", "sata1-0-1", {"driver": "ide-hd", "bus": "sata1.1"}),
        ("microvm", "dev='vdb'", "virtio-disk1", {"driver": "virtio-blk-device"}),
    ],
)
def test_a_disk_hangs_on_its_bus(build, machine: str, target: str, alias: str, place: dict[str, Any]) -> None:
    device = build(disk(target=target), machine=machine).device(alias)
    assert {name: value for name, value in device.items() if name not in ("drive", "bootindex")} == place


def test_a_cdrom_with_and_without_a_medium(build) -> None:
    arguments = build(
        disk(device="cdrom", target="dev='hda'", source="/a.iso")
        + disk(device="cdrom", target="dev='sda' bus='sata'", source="")
    )
    assert [each.get("filename") for each in arguments.values("-blockdev")] == ["/a.iso", None]
    assert arguments.values("-blockdev")[1]["read-only"] is True
    assert arguments.device("ide0-0-0") == {"driver": "ide-cd", "bus": "ide.0", "unit": 0, "drive": "hda-format"}
    assert arguments.device("sata0-0-0") == {"driver": "ide-cd", "bus": "sata0.0"}


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (disk(device="cdrom"), "disk 'vda': a cdrom on bus virtio"),
        (disk(target="dev='hda'", more="<readonly/>"), "readonly ide disks are not supported"),
        (disk(source="relative.img"), "'relative.img' is not an absolute path"),
        (
            disk(target="dev='s a' bus='sata'", more="<address type='drive' controller='0' bus='0' unit='1'/>"),
            "is no name for QEMU",
        ),
    ],
)
def test_a_disk_that_qemu_would_not_make_is_refused(build, xml: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(xml)


# --- controllers


def test_q35_has_a_root_port_for_every_express_device(build) -> None:
    card = "<video><model type='virtio'/></video>"
    arguments = build(f"<interface type='user'><model type='virtio'/></interface>{card}", machine="q35")
    assert arguments.device("pci.1") == {
        "driver": "pcie-root-port",
        "bus": "pcie.0",
        "multifunction": True,
        "addr": "0x2",
        "port": 16,
        "chassis": 1,
    }
    assert arguments.device("pci.2")["addr"] == "0x2.0x1"
    assert arguments.device("net0")["bus"] == "pci.1"
    assert arguments.device("net0")["addr"] == "0x0"


def test_buses_come_before_what_hangs_on_them(build) -> None:
    arguments = build(
        "<controller type='virtio-serial'/><controller type='pci' index='2' model='pci-bridge'/>"
        "<controller type='pci' index='1' model='pci-bridge'/>"
    )
    assert arguments.drivers()[:2] == ["pci-bridge", "pci-bridge"]
    assert [arguments.device(f"pci.{index}")["chassis_nr"] for index in (1, 2)] == [1, 2]


def test_companions_hang_on_their_usb_2_controller(build) -> None:
    arguments = build(
        "<controller type='usb' model='ich9-uhci1' index='0'><master startport='0'/></controller>"
        "<controller type='usb' model='ich9-ehci1' index='0'/>",
        machine="q35",
    )
    (companion,) = [each for each in arguments.values("-device") if each["driver"] == "ich9-usb-uhci1"]
    assert (companion["masterbus"], companion["firstport"], companion.get("id")) == ("usb.0", 0, None)
    assert arguments.drivers().index("ich9-usb-ehci1") < arguments.drivers().index("ich9-usb-uhci1")


@pytest.mark.parametrize(
    ("xml", "alias", "expected"),
    [
        ("<controller type='usb' model='qemu-xhci' ports='8'/>", "usb", {"driver": "qemu-xhci", "p2": 8, "p3": 8}),
        (
            "<controller type='virtio-serial' ports='7' vectors='3'/>",
            "virtio-serial0",
            {"driver": "virtio-serial-pci", "max_ports": 7, "vectors": 3},
        ),
        ("<controller type='sata' index='0'/>", "sata0", {"driver": "ich9-ahci"}),
    ],
)
def test_a_controller_is_a_device(build, xml: str, alias: str, expected: dict[str, Any]) -> None:
    device = build(xml).device(alias)
    assert {name: value for name, value in device.items() if name not in ("bus", "addr")} == expected


@pytest.mark.parametrize(
    ("xml", "machine", "message"),
    [
        ("<controller type='usb' model='piix3-uhci' ports='4'/>", "pc", "4 ports"),
        ("<controller type='usb' model='qemu-xhci' ports='16'/>", "pc", "16 ports"),
        ("<controller type='usb' model='qemu-xhci' vectors='4'/>", "pc", "controller usb 0.*: vectors"),
        ("<controller type='virtio-serial' vectors='4'/>", "microvm", "vectors without PCI"),
        ("<controller type='virtio-serial' model='virtio-ancient'/>", "pc", "model 'virtio-ancient'"),
        ("<controller type='sata' index='0' model='ich6'/>", "q35", "the machine has its own"),
        ("<controller type='sata' index='1' model='ich6'/>", "q35", "model 'ich6'"),
        (
            "<controller type='pci' index='1' model='pcie-root-port'><model name='x3130-upstream'/></controller>",
            "q35",
            "model name 'x3130-upstream'",
        ),
        (
            "<controller type='pci' index='1' model='pcie-root-port'><model name='ioh3420'/></controller>",
            "q35",
            "has no device 'ioh3420'",
        ),
        (
            "<controller type='pci' index='1' model='pcie-root-port'><target chassisNr='5'/></controller>",
            "q35",
            r"controller pci 1 \(pcie-root-port\): chassis number",
        ),
    ],
)
def test_a_controller_that_cannot_be_is_refused(build, xml: str, machine: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(xml, machine=machine)


# --- interfaces


@pytest.mark.parametrize(
    ("machine", "model", "driver"),
    [
        ("pc", "<model type='virtio'/>", "virtio-net-pci"),
        ("microvm", "", "virtio-net-device"),
        ("pc", "", "rtl8139"),
        ("q35", "<model type='e1000e'/>", "e1000e"),
    ],
)
def test_an_interface_is_a_card_on_the_user_network(build, machine: str, model: str, driver: str) -> None:
    arguments = build(f"<interface type='user'><mac address='52:54:00:00:00:01'/>{model}</interface>", machine=machine)
    assert arguments.value("-netdev") == {"type": "user", "id": "hostnet0"}
    device = arguments.device("net0")
    assert (device["driver"], device["netdev"], device["mac"]) == (driver, "hostnet0", "52:54:00:00:00:01")


def test_a_card_that_this_qemu_lacks_is_refused(build) -> None:
    with pytest.raises(UnsupportedConfig, match="has no device 'igb'"):
        build("<interface type='user'><model type='igb'/></interface>")


def test_a_card_for_pci_is_refused_where_there_is_none(prepared, capabilities, opened) -> None:
    definition = prepared("""
        <domain type='qemu'><name>g</name><memory>65536</memory><os><type machine='microvm'>hvm</type></os>
        <devices><interface type='user'/></devices></domain>""")
    interfaces = tuple(dataclasses.replace(each, model="e1000") for each in definition.devices.interfaces)
    definition = dataclasses.replace(definition, devices=dataclasses.replace(definition.devices, interfaces=interfaces))
    with pytest.raises(UnsupportedConfig, match="model 'e1000' on machine type microvm"):
        build_command_line(definition, capabilities, opened(definition))


# --- serial ports, consoles, channels


@pytest.mark.parametrize(
    ("xml", "chardev"),
    [
        ("<serial type='pty'/>", "pty,id=charserial0"),
        ("<serial type='null'/>", "null,id=charserial0"),
        (
            "<serial type='file'><source path='/l,og' append='on'/></serial>",
            "file,id=charserial0,path=/l,,og,append=on",
        ),
        ("<serial type='file'><source path='/log'/></serial>", "file,id=charserial0,path=/log"),
        (
            "<serial type='unix'><source mode='bind' path='/a,b'/></serial>",
            "socket,id=charserial0,path=/a,,b,server=on,wait=off",
        ),
        ("<serial type='unix'><source mode='connect' path='/a'/></serial>", "socket,id=charserial0,path=/a"),
    ],
)
def test_a_serial_port_has_a_host_side(build, xml: str, chardev: str) -> None:
    arguments = build(xml)
    assert arguments.values("-chardev")[1:] == [chardev]
    assert arguments.device("serial0") == {"driver": "isa-serial", "chardev": "charserial0", "index": 0}


def test_a_serial_port_may_have_an_address(build) -> None:
    arguments = build("<serial type='null'><address type='isa' iobase='0x3e8' irq='0x5'/></serial>")
    assert arguments.device("serial0") == {
        "driver": "isa-serial",
        "chardev": "charserial0",
        "index": 0,
        "iobase": 0x3E8,
        "irq": 5,
    }


def test_a_pci_serial_port_has_a_slot(build) -> None:
    device = build("<serial type='null'><target type='pci-serial'/></serial>").device("serial0")
    assert device == {"driver": "pci-serial", "bus": "pci.0", "addr": "0x2", "chardev": "charserial0"}


def test_a_console_on_the_serial_port_is_that_port(build) -> None:
    arguments = build("<console type='pty'/>")
    assert arguments.values("-chardev")[1:] == ["pty,id=charserial0"]
    assert arguments.drivers().count("isa-serial") == 1


def test_a_virtio_console_is_a_port_of_its_own(build) -> None:
    arguments = build("<console type='pty'><target type='virtio'/></console>")
    assert arguments.device("console0") == {
        "driver": "virtconsole",
        "bus": "virtio-serial0.0",
        "nr": 0,
        "chardev": "charconsole0",
    }


AGENT = "<channel type='unix'>{}<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


@pytest.mark.parametrize(
    ("opened", "chardev"),
    [
        (7, "socket,id=charchannel0,fd=7,server=on,wait=off"),
        (Path("/run/a,gent"), "socket,id=charchannel0,path=/run/a,,gent,server=on,wait=off"),
    ],
)
def test_a_channel_listens_on_what_was_opened_for_it(build, opened: int | Path, chardev: str) -> None:
    arguments = build(AGENT.format(""), opened={"sockets": {"channel0": opened}})
    assert arguments.values("-chardev")[1] == chardev
    assert arguments.device("channel0") == {
        "driver": "virtserialport",
        "bus": "virtio-serial0.0",
        "nr": 1,
        "chardev": "charchannel0",
        "name": "org.qemu.guest_agent.0",
    }


def test_a_channel_that_nothing_was_opened_for_uses_its_path(build) -> None:
    arguments = build(AGENT.format("<source mode='bind' path='/run/agent'/>"), opened={"sockets": {}})
    assert arguments.values("-chardev")[1] == "socket,id=charchannel0,path=/run/agent,server=on,wait=off"
    with pytest.raises(UnsupportedConfig, match="type 'unix' without a path"):
        build(AGENT.format(""), opened={"sockets": {}})


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<serial type='pty'><target port='4'/></serial>", "there are 4 isa-serial ports"),
        ("<serial type='pty'><target><model name='pci-serial'/></target></serial>", "target model 'pci-serial'"),
        ("<serial type='null'><source path='/x'/></serial>", "path with type 'null'"),
        ("<serial type='unix'><source path='/x' append='on'/></serial>", "append with type 'unix'"),
        ("<serial type='file'><source path='/x' mode='bind'/></serial>", "mode with type 'file'"),
    ],
)
def test_a_character_device_that_cannot_be_is_refused(build, xml: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(xml)


# --- boards


def test_a_panic_notifier_of_hyper_v_is_a_feature_of_the_processor(build) -> None:
    assert "hv-crash=on" in build("<panic model='hyperv'/>", kvm=True).value("-cpu")
    assert "hv-crash=on" in build("<panic model='hyperv'/>").value("-cpu")


# --- displays, cards, input


VNC = "<graphics type='vnc' {}/><video><model type='none'/></video>"


@pytest.mark.parametrize(
    ("vnc", "opened", "expected"),
    [
        ("", {}, "127.0.0.1:0,to=59635"),
        ("autoport='yes'", {"vnc_port": 5907}, "127.0.0.1:7"),
        ("port='5910' listen='host.example'", {}, "host.example:10"),
        ("port='5910' listen='0.0.0.0'", {"vnc_port": 5907}, "0.0.0.0:10"),
        ("port='5910' listen='::1' sharePolicy='force-shared'", {}, "[::1]:10,share=force-shared"),
    ],
)
def test_a_display_listens_where_it_is_told(build, vnc: str, opened: dict[str, int], expected: str) -> None:
    arguments = build(VNC.format(vnc), opened=opened)
    assert arguments.value("-vnc") == f"{expected},audiodev=audio1"
    assert arguments.value("-display") == "none"


def test_a_display_has_a_keymap_and_silent_audio(build) -> None:
    arguments = build(VNC.format("keymap='de'") + "<audio id='1' type='none'/>")
    assert arguments.value("-k") == "de"
    assert arguments.value("-audiodev") == {"id": "audio1", "driver": "none"}
    assert arguments.value("-vnc") == "127.0.0.1:0,to=59635,audiodev=audio1"


def test_a_password_is_for_the_monitor_and_never_in_the_arguments(build, prepared) -> None:
    arguments = build(VNC.format("passwd='s3cret'"))
    assert arguments.value("-vnc").endswith(",password=on,audiodev=audio1")
    assert "s3cret" not in " ".join(arguments.argv)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (VNC.format("listen='a,to=9'"), "graphics listen address 'a,to=9'"),
        (VNC.format("keymap='../x'"), "graphics keymap"),
        ("<graphics type='vnc'/><graphics type='vnc'/>", "more than one graphics of type vnc"),
    ],
)
def test_a_display_that_cannot_be_is_refused(build, xml: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(xml)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("type='vga' vram='9000'", {"driver": "VGA", "vgamem_mb": 16}),
        ("type='cirrus'", {"driver": "cirrus-vga"}),
        ("type='vmvga'", {"driver": "vmware-svga", "vgamem_mb": 16}),
        ("type='bochs' vram='8192'", {"driver": "bochs-display", "vgamem": 8388608}),
        ("type='virtio' heads='2'", {"driver": "virtio-vga", "max_outputs": 2}),
        (
            "type='qxl'",
            {
                "driver": "qxl-vga",
                "max_outputs": 1,
                "ram_size": 67108864,
                "vram_size": 67108864,
                "vram64_size_mb": 0,
                "vgamem_mb": 16,
            },
        ),
    ],
)
def test_a_card_is_a_device(build, model: str, expected: dict[str, Any]) -> None:
    device = build(f"<video><model {model}/></video>").device("video0")
    assert device == {**expected, "bus": "pci.0", "addr": "0x2"}


def test_a_card_without_a_slot(build) -> None:
    assert build("<video><model type='ramfb'/></video>").device("video0") == {"driver": "ramfb"}


def test_the_primary_card_comes_first(build) -> None:
    cards = "<video><model type='virtio'/></video><video><model type='vga' primary='yes'/></video>"
    assert build(cards).drivers()[-2:] == ["VGA", "virtio-gpu-pci"]


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<video><model type='vga'/></video><video><model type='vga'/></video>", "only valid as primary"),
        ("<video><model type='vga' heads='2'/></video>", "video 'vga' with 2 heads"),
        ("<video><model type='vga' ram='1024'/></video>", "video 'vga' with ram"),
        ("<video><model type='virtio' vram='1024'/></video>", "video 'virtio' with vram"),
        ("<video><model type='vga' vram='1048576'/></video>", "at most 512 MiB|vram of 1048576 KiB"),
    ],
)
def test_a_card_that_cannot_be_is_refused(build, xml: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(xml)


@pytest.mark.parametrize(
    ("kind", "bus", "driver"),
    [
        ("tablet", "usb", "usb-tablet"),
        ("mouse", "usb", "usb-mouse"),
        ("keyboard", "usb", "usb-kbd"),
        ("tablet", "virtio", "virtio-tablet-pci"),
        ("keyboard", "virtio", "virtio-keyboard-pci"),
    ],
)
def test_an_input_device_is_on_its_bus(build, kind: str, bus: str, driver: str) -> None:
    device = build(f"<input type='{kind}' bus='{bus}'/>").device("input0")
    place = {"bus": "usb.0", "port": "1"} if bus == "usb" else {"bus": "pci.0", "addr": "0x2"}
    assert device == {"driver": driver, **place}


def test_what_is_on_ps2_is_the_machines(build) -> None:
    assert build("<input type='mouse' bus='ps2'/>").argv == build().argv


# --- randomness and the balloon


@pytest.mark.parametrize(
    ("backend", "object", "rate"),
    [
        ("<backend model='random'>/dev/hwrng</backend>", {"qom-type": "rng-random", "filename": "/dev/hwrng"}, {}),
        ("<backend model='random'/>", {"qom-type": "rng-random", "filename": "/dev/random"}, {}),
        (
            "<rate bytes='64'/><backend model='builtin'/>",
            {"qom-type": "rng-builtin"},
            {"max-bytes": 64, "period": 1000},
        ),
        (
            "<rate bytes='64' period='250'/><backend model='builtin'/>",
            {"qom-type": "rng-builtin"},
            {"max-bytes": 64, "period": 250},
        ),
    ],
)
def test_randomness_has_a_backend_and_a_rate(build, backend: str, object: dict[str, str], rate: dict[str, int]) -> None:
    arguments = build(f"<rng model='virtio'>{backend}</rng>")
    assert arguments.value("-object") == {**object, "id": "objrng0"}
    assert arguments.device("rng0") == {
        "driver": "virtio-rng-pci",
        "bus": "pci.0",
        "addr": "0x2",
        "rng": "objrng0",
        **rate,
    }


@pytest.mark.parametrize(
    ("rng", "message"),
    [
        ("<backend model='builtin'>/dev/random</backend>", "backend 'builtin' with a source"),
        ("<rate bytes='0'/><backend model='builtin'/>", "a rate of 0"),
        ("<rate period='5'/><backend model='builtin'/>", "a rate's period without its bytes"),
    ],
)
def test_randomness_that_cannot_be_is_refused(build, rng: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(f"<rng model='virtio'>{rng}</rng>")


def test_a_balloon_has_switches(build) -> None:
    device = build("<memballoon model='virtio' autodeflate='on' freePageReporting='off'/>").device("balloon0")
    assert device == {
        "driver": "virtio-balloon-pci",
        "bus": "pci.0",
        "addr": "0x2",
        "deflate-on-oom": True,
        "free-page-reporting": False,
    }


# --- the whole


def test_what_the_arguments_cannot_say_is_said_to_the_monitor(prepared) -> None:
    definition = prepared("""
        <domain type='qemu'><name>g</name><memory unit='KiB'>65536</memory><currentMemory>32768</currentMemory>
        <os><type machine='pc'>hvm</type></os>
        <devices>
          <graphics type='vnc' passwd='s3cret'/>
          <interface type='user'><link state='down'/></interface>
          <interface type='user'><link state='up'/></interface>
          <memballoon model='virtio'><stats period='10'/></memballoon>
        </devices></domain>""")
    interval = {"property": "guest-stats-polling-interval", "value": 10}
    assert preparation(definition) == [
        MonitorCommand("set_password", {"protocol": "vnc", "password": "s3cret"}),
        MonitorCommand("set_link", {"name": "net0", "up": False}),
        MonitorCommand("qom-set", {"path": "/machine/peripheral/balloon0", **interval}),
        MonitorCommand("balloon", {"value": 32768 * 1024}),
    ]


def test_an_ordinary_guest_needs_nothing_of_the_monitor(plain) -> None:
    assert preparation(plain) == []


@pytest.fixture
def plain(prepared):
    xml = """<domain type='qemu'><name>g</name><memory>65536</memory><os><type machine='q35'>hvm</type></os><devices>
        <disk type='file'><source file='/x'/><target dev='vda'/></disk><serial type='pty'/>
        <channel type='unix'><target type='virtio' name='a'/></channel></devices></domain>"""
    return prepared(xml)


def test_a_definition_can_be_checked_before_anything_is_opened(plain, capabilities) -> None:
    check_definition(plain, capabilities)
    with pytest.raises(UnsupportedConfig, match=r"machine type 'pc-q35-7\.2'"):
        check_definition(plain, dataclasses.replace(capabilities, machines=()))


def test_names_of_nodes_and_chardevs_are_those_in_the_arguments(plain) -> None:
    assert node_names(plain.devices.disks[0]) == ("vda-storage", "vda-format")
    assert chardev_id(plain.devices.serials[0]) == "charserial0"


def test_another_architecture_is_refused(plain, capabilities, opened) -> None:
    with pytest.raises(UnsupportedConfig, match="is for aarch64"):
        build_command_line(plain, dataclasses.replace(capabilities, arch="aarch64"), opened(plain))


def test_a_qemu_without_a_sandbox_runs_without(plain, capabilities, opened) -> None:
    argv = build_command_line(plain, dataclasses.replace(capabilities, options={}), opened(plain))
    assert "-sandbox" not in argv


def test_a_device_that_was_not_given_its_place_is_a_defect_of_ours(plain, capabilities, opened) -> None:
    devices = plain.devices.mapped(lambda device: dataclasses.replace(device, address=None))
    with pytest.raises(InternalError, match="has no address"):
        build_command_line(dataclasses.replace(plain, devices=devices), capabilities, opened(plain))
    devices = plain.devices.mapped(lambda device: dataclasses.replace(device, alias=None))
    with pytest.raises(InternalError, match="has no alias"):
        build_command_line(dataclasses.replace(plain, devices=devices), capabilities, opened(plain))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"address": PciAddress(domain=1)}, "PCI domain 0x1"),
        ({"address": PciAddress(bus=99)}, "there is no pci controller 99"),
        ({"alias": "ua-no,name=x"}, "is no name for QEMU"),
    ],
)
def test_a_place_or_name_that_qemu_does_not_have_is_refused(plain, capabilities, opened, change, message) -> None:
    disks = (dataclasses.replace(plain.devices.disks[0], **change),)
    changed = dataclasses.replace(plain, devices=dataclasses.replace(plain.devices, disks=disks))
    with pytest.raises(UnsupportedConfig, match=message):
        build_command_line(changed, capabilities, opened(plain))


def test_text_that_no_process_can_be_given_is_refused(plain, capabilities, opened) -> None:
    with pytest.raises(UnsupportedConfig, match="NUL"):
        build_command_line(dataclasses.replace(plain, name="a\0b"), capabilities, opened(plain))
