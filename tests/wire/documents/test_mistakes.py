"""Mistakes that people make in a document of a domain: each is answered with line, element and what was expected."""

from __future__ import annotations

import pytest
from virtactor.wire.documents.domain import complete, parse_domain, validate
from virtactor.wire.errors import VirtError

GUEST = """\
<domain type='qemu'>
  <name>guest</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='MiB'>512</memory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <boot dev='hd'/>
  </os>
  <cpu mode='host-model'/>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
  </clock>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/lib/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <source file='/var/lib/b.qcow2'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <controller type='usb' index='0'/>
    <interface type='network'>
      <mac address='52:54:00:11:22:33'/>
      <source network='default'/>
    </interface>
    <serial type='pty'/>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='vga'/></video>
  </devices>
</domain>
"""


def refusal(text: str) -> VirtError:
    with pytest.raises(VirtError) as caught:
        validate(parse_domain(text), text)
    return caught.value


# Said, written instead, in which line, and what is told of it: by the reader, and in the same words by validation.
SLIPS = [
    (
        "'MiB'",
        "'MeB'",
        4,
        '/domain/memory is <memory unit="MeB">512</memory>, expected a size with a unit like KiB, MiB or GiB',
    ),
    (
        "bus='virtio'",
        "bus='virtoi'",
        18,
        "/domain/devices/disk/target: bus is 'virtoi', expected one of 'virtio', 'ide', 'sata', 'scsi',",
    ),
    (">2<", ">-1<", 5, "/domain/vcpu is '-1', expected a whole number"),
    (
        "1111-2222",
        "1111-222",
        3,
        "/domain/uuid is '11111111-222-3333-4444-555555555555', expected a UUID of 32 hexadecimal digits",
    ),
    (
        "52:54:00:11:22:33",
        "52:54:00:11:22",
        26,
        "/domain/devices/interface/mac: address is '52:54:00:11:22', expected a unicast MAC address like",
    ),
    (
        "52:54",
        "53:54",
        26,
        "/domain/devices/interface/mac: address is '53:54:00:11:22:33', expected a unicast MAC address like",
    ),
    ("<memory unit='MiB'>512</memory>", "", 1, "/domain lacks something, expected element 'memory'"),
    (
        ">hvm<",
        ">hvn<",
        7,
        "/domain/os/type is 'hvn', expected one of 'hvm', 'xen', 'linux', 'xenpvh', 'exe', 'uml'",
    ),
    (
        "offset='utc'",
        "offset='uct'",
        11,
        "/domain/clock: offset is 'uct', expected one of 'utc', 'localtime', 'variable', 'timezone',",
    ),
    (" dev='vdb'", "", 20, "/domain/devices/disk lacks something, expected attribute 'target/@dev'"),
    (
        "type='qemu'",
        "type='kqemu'",
        1,
        "/domain: type is 'kqemu', expected one of 'kvm', 'qemu', 'test', 'xen', 'lxc', 'uml', 'openvz'",
    ),
    ("type='qemu'", "", 1, "/domain lacks something, expected attribute 'type'"),
    (
        "<disk type='file'",
        "<disk type='flie'",
        15,
        "/domain/devices/disk: type is 'flie', expected one of 'file', 'block', 'dir', 'network', 'volume',",
    ),
    (
        "<boot dev='hd'/>",
        "<boot dev='hdd'/>",
        8,
        "/domain/os/boot: dev is 'hdd', expected one of 'hd', 'cdrom', 'network', 'fd'",
    ),
    (
        "mode='host-model'/>",
        "mode='host-modle'/>",
        10,
        "/domain/cpu: mode is 'host-modle', expected one of 'custom', 'host-model', 'host-passthrough',",
    ),
    (
        "<name>guest</name>",
        "<name>gu/est</name>",
        2,
        "/domain/name is 'gu/est', expected a name that is not blank and has no '/' and no line break",
    ),
    (
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><address type='pci' slot='0x99'/>",
        22,
        "/domain/devices/disk/address: slot is '0x99', expected a number of at most 0x1f",
    ),
    (
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><address type='pcie' slot='0x9'/>",
        22,
        "/domain/devices/disk/address: type is 'pcie', expected one of 'pci', 'drive', 'virtio-serial'",
    ),
    (">2<", ">two<", 5, "/domain/vcpu is 'two', expected a whole number"),
    ("'static'", "'dynamic'", 5, "/domain/vcpu: placement is 'dynamic', expected one of 'static', 'auto'"),
    ("<name>guest</name>", "<name>a</name><name>b</name>", 2, "/domain/name is given twice, expected once"),
    (
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><address slot='0x9'/>",
        22,
        "address: the attribute 'type' is missing, expected one of 'pci', 'drive'",
    ),
    (
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><address type='pci' slot='0x1004'/>",
        22,
        "/domain/devices/disk/address: slot is '0x1004', expected a number of at most 0x1f",
    ),
    ("<clock offset='utc'>", "<clock offset='utc'>tick", 11, "/domain/clock has the text 'tick', expected none"),
    (
        "<os>",
        "<metadata><a/></metadata><os>",
        6,
        "/domain/metadata/a has no namespace, expected one of its own",
    ),
]
# What fits no other part of the document, though it is written well: no schema finds it.
CONTRADICTIONS = [
    (
        "'vdb'",
        "'vda'",
        22,
        "/domain/devices/disk/target: target 'vda' duplicated for disks, expected one that no other disk has",
    ),
    (">2<", ">0<", 5, "/domain/vcpu: the number of vcpus is 0, expected at least 1"),
    (
        ">2<",
        " current='3'>2<",
        5,
        "/domain/vcpu: maximum vCPU count must not be less than current vCPU count (2 < 3)",
    ),
    (">512<", ">0<", 4, "/domain/memory: memory is 0, expected at least 1 KiB"),
    (
        "offset='utc'",
        "offset='timezone'",
        11,
        "/domain/clock: clock: the attribute timezone and offset 'timezone' go together, expected both or",
    ),
    (
        "<source network='default'/>",
        "",
        25,
        "/domain/devices/interface: interface type='network' requires a 'source' element, expected <source",
    ),
    (
        "<source file='/var/lib/b.qcow2'/>",
        "",
        20,
        "/domain/devices/disk: missing source information for device vdb, expected element 'source'",
    ),
    (
        "mode='host-model'/>",
        "mode='host-model'><topology sockets='1' cores='3' threads='1'/></cpu>",
        10,
        "/domain/cpu/topology: CPU topology makes 3 vcpus, expected 2, the maximum vcpu count",
    ),
    (
        "<controller type='usb' index='0'/>",
        "<controller type='usb' index='0'/><controller type='usb' index='0'/>",
        24,
        "/domain/devices/controller: Multiple 'usb' controllers with index '0', expected one",
    ),
    (
        "<graphics type='vnc' autoport='yes'/>",
        "<graphics type='vnc' port='80'/>",
        34,
        "/domain/devices/graphics: vnc port 80 is not in range 5900-65535",
    ),
    (
        "<serial type='pty'/>",
        "<serial type='file'/>",
        29,
        "/domain/devices/serial: serial 0 of type 'file' has no path, expected <source path='…'/>",
    ),
    (
        "<input type='tablet' bus='usb'/>",
        "<input type='tablet' bus='ps2'/>",
        33,
        "/domain/devices/input: ps2 bus does not support tablet input device, expected bus 'usb' or 'virtio'",
    ),
    (
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><boot order='1'/>",
        22,
        "/domain/devices/disk/boot: per-device boot elements cannot be used together with os/boot elements,",
    ),
    (
        "<video><model type='vga'/></video>",
        "<video><model type='none'/></video><video><model type='vga'/></video>",
        35,
        "/domain/devices/video: a 'none' video type must be the only video device defined for the domain,",
    ),
    (
        "<graphics type='vnc' autoport='yes'/>",
        "<graphics type='vnc' passwd='123456789'/>",
        34,
        "/domain/devices/graphics: VNC password is 9 characters long, only 8 permitted",
    ),
    (
        "<timer name='rtc' tickpolicy='catchup'/>",
        "<timer name='rtc'/><timer name='rtc'/>",
        12,
        "/domain/clock/timer: clock: timer 'rtc' is given 2 times, expected once",
    ),
    (
        "<boot dev='hd'/>",
        "<initrd>/x</initrd>",
        8,
        "/domain/os/initrd: initrd and cmdline are for a kernel, expected element 'kernel' in <os>",
    ),
    (
        "<disk type='file' device='disk'>\n      <source",
        "<disk type='file' device='disk'><boot order='1'/>\n      <source",
        20,
        "/domain/devices/disk/boot: per-device boot elements cannot be used together with os/boot elements,",
    ),
    (
        "<serial type='pty'/>",
        "<serial type='pty'><target port='0'/></serial><serial type='pty'><target port='0'/></serial>",
        29,
        "/domain/devices/serial/target: target port 0 is used for more than one serial, expected one of its",
    ),
    (
        "<serial type='pty'/>",
        "<console type='pty'/><console type='pty'/>",
        29,
        "/domain/devices/console: Only the first console can be a serial port, expected a target of another",
    ),
    (
        "<graphics type='vnc' autoport='yes'/>",
        "<graphics type='vnc' listen='1.1.1.1'><listen type='address' address='2.2.2.2'/></graphics>",
        34,
        "/domain/devices/graphics: graphics 'listen' attribute '1.1.1.1' must match the first listen",
    ),
]
# What validation tells in other words (test_schemas.py), and what is no XML.
OF_THE_READER = [
    ("<name>guest</name>", "", 1, "/domain, expected element 'name'"),
    ("</devices>", "", 37, "Opening and ending tag mismatch: devices line 14 and domain, line 37, column 10"),
    ("<os>", "<osx>", 9, "Opening and ending tag mismatch: osx line 6 and os, line 9, column 8"),
    ("<video>", "<vidoe/><video>", 35, "element /domain/devices/vidoe (line 35, did you mean 'video'?)"),
    (
        "<timer name='rtc'",
        "<timer name='rtc' tickploicy='x'",
        12,
        "attribute 'tickploicy' of /domain/clock/timer (line 12, did you mean 'tickpolicy'?)",
    ),
    ("guest</name>", "guest</name", 3, "expected '>', line 3, column 3"),
]


@pytest.mark.parametrize(("said", "mistaken", "line", "told"), SLIPS + CONTRADICTIONS + OF_THE_READER)
def test_a_mistake_is_answered_with_line_element_and_what_was_expected(
    said: str, mistaken: str, line: int, told: str
) -> None:
    complete(parse_domain(GUEST))
    assert said in GUEST

    error = refusal(GUEST.replace(said, mistaken, 1))

    assert told in error.message
    assert f"line {line}" in error.message
    assert error.line == line


def test_the_element_that_does_not_fit_is_named_without_its_line_where_the_document_is_not_at_hand() -> None:
    definition = parse_domain(GUEST.replace("'vdb'", "'vda'"))

    with pytest.raises(VirtError, match="target 'vda' duplicated for disks, expected one that no other disk") as caught:
        validate(definition)

    assert caught.value.line is None
