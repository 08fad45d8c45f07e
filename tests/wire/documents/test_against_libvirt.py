"""Our documents and libvirt's own: what its test driver makes of a document, we make of it too, to the letter."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from virtactor.wire.documents.domain import complete, format_domain, parse_domain

pytestmark = pytest.mark.skipif(shutil.which("virsh") is None, reason="libvirt's virsh is not installed")

HEAD = """\
<domain type='test'>
  <name>same</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='MiB'>64</memory>
"""
FULL = (
    HEAD
    + """\
  <title>a title</title>
  <description>more &amp; more</description>
  <metadata><app:x xmlns:app="urn:app" k="1">t</app:x></metadata>
  <currentMemory unit='GB'>1</currentMemory>
  <vcpu current='1'>4</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <boot dev='cdrom'/><boot dev='network'/>
    <bootmenu enable='yes' timeout='3000'/>
  </os>
  <features>
    <vmcoreinfo state='on'/><smm state='on'/><vmport state='off'/><pmu state='off'/>
    <kvm><hidden state='on'/></kvm><pae/><apic eoi='on'/><acpi/>
  </features>
  <cpu><model>qemu64</model><topology sockets='2' cores='2' threads='1'/><feature name='vmx'/></cpu>
  <clock offset='variable' adjustment='-3' basis='utc'>
    <timer name='rtc' track='wall' tickpolicy='catchup'><catchup threshold='123' slew='120' limit='10000'/></timer>
    <timer name='tsc' frequency='5000' mode='native'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_reboot>destroy</on_reboot>
  <pm><suspend-to-disk enabled='no'/><suspend-to-mem enabled='yes'/></pm>
  <devices>
    <emulator>/usr/bin/qemu</emulator>
    <disk type='file'>
      <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap' detect_zeroes='on'/>
      <source file='/a &amp; &apos;b'/><target dev='vda' bus='virtio'/><shareable/><readonly/><serial>S</serial>
    </disk>
    <disk type='file'>
      <source file='/c'/><target dev='vdb' bus='virtio'/>
      <address type='pci' domain='0' bus='0' slot='0xa' function='0' multifunction='on'/>
    </disk>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/><target chassis='1' port='0x8'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
    </controller>
    <controller type='usb' model='ich9-ehci1' index='0'/>
    <controller type='usb' model='ich9-uhci1' index='0'><master startport='0'/></controller>
    <controller type='virtio-serial' index='0' ports='7' vectors='4'/>
    <interface type='user'>
      <mac address='52:54:00:AA:BB:CC'/><model type='virtio'/><link state='down'/><alias name='ua-net'/>
    </interface>
    <serial type='file'><source path='/tmp/x'/></serial>
    <serial type='unix'><source mode='bind' path='/tmp/y'/></serial>
    <console type='null'><target type='virtio'/></console>
    <channel type='unix'>
      <source mode='bind' path='/agent'/><target type='virtio' name='org.qemu.guest_agent.0'/>
      <address type='virtio-serial' controller='0' bus='0' port='2'/>
    </channel>
    <input type='mouse' bus='ps2'/>
    <input type='tablet'><address type='usb' bus='0' port='1'/></input>
    <graphics type='vnc' keymap='de' sharePolicy='ignore' passwd='secret'/>
    <graphics type='vnc' port='5901' listen='127.0.0.1'/>
    <video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='2' primary='yes'/></video>
    <video><model type='vga'/></video>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='5'/></memballoon>
    <rng model='virtio'><rate bytes='1' period='2'/><backend model='builtin'/></rng>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""
)
BOOT_BY_DEVICE = (
    HEAD
    + """\
  <os><type arch='i686'>hvm</type></os>
  <clock offset='timezone' timezone='Europe/Berlin'/>
  <devices>
    <disk type='file' device='cdrom'><target dev='vdc' bus='virtio'/><boot order='2'/></disk>
    <interface type='user'><mac address='52:54:00:aa:bb:cc'/><boot order='1'/></interface>
    <console type='pty'/>
    <video/>
  </devices>
</domain>
"""
)
DIRECT_KERNEL = (
    HEAD
    + """\
  <os><type arch='x86_64'>hvm</type><kernel>/k</kernel><initrd>/i</initrd><cmdline>console=ttyS0</cmdline></os>
  <cpu mode='host-passthrough'/>
</domain>
"""
)


def libvirts(text: str, directory: Path, *options: str) -> str:
    """What libvirt makes of a document that is defined, but for the names that it gives to networks' ends."""
    file = directory / "domain.xml"
    file.write_text(text)
    commands = f"define {file}; dumpxml {' '.join(options)} same"
    answer = subprocess.run(
        ["virsh", "-q", "-c", "test:///default", commands], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    document = answer[answer.index("<domain") :].rstrip() + "\n"
    return re.sub(r" *<target dev='testnet\d+'/>\n", "", document)


@pytest.mark.parametrize("text", [FULL, BOOT_BY_DEVICE, DIRECT_KERNEL])
@pytest.mark.parametrize("secure", [False, True])
def test_a_completed_document_is_libvirts_to_the_letter(text: str, secure: bool, tmp_path: Path) -> None:
    ours = format_domain(complete(parse_domain(text)), secure=secure)
    theirs = libvirts(text, tmp_path, *(["--security-info"] if secure else []))

    # The one difference: libvirt closes a guest's <devices> on a line of its own even if there are none.
    assert ours.replace("  <devices/>\n", "  <devices>\n  </devices>\n") == theirs
