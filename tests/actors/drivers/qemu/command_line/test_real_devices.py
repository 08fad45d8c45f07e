"""Real QEMUs take every device that the driver makes arguments for, many in one guest, and have each under its name.

What needs a thing of the host's that no test may have (its TPM, its parallel port, a viewer, a web server) is compared
as arguments in test_devices and test_drops_nothing; so is what this kernel lacks.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.capabilities import Capabilities
from virtactor.actors.drivers.qemu.command_line import preparation

from .real_qemu import Starter, aliases


def guest(devices: str, machine: str = "q35", memory: str = "<memory unit='MiB'>64</memory>", more: str = "") -> str:
    balloon = "" if "<memballoon" in devices else "<memballoon model='none'/>"
    return f"""<domain type='qemu'><name>devices</name>{memory}<vcpu>1</vcpu>{more}
        <os><type machine='{machine}'>hvm</type></os><features><acpi/></features>
        <devices>{devices}{balloon}</devices></domain>"""


def disk(target: str, more: str = "", *, device: str = "disk", driver: str = "type='raw'", image: str = "b.raw") -> str:
    source = f"<source file='{{files}}/{image}'/>" if image else ""
    return f"<disk type='file' device='{device}'><driver name='qemu' {driver}/>{source}<target {target}/>{more}</disk>"


IOTUNE = """<iotune><total_bytes_sec>100000</total_bytes_sec><total_bytes_sec_max>200000</total_bytes_sec_max>
<total_bytes_sec_max_length>2</total_bytes_sec_max_length><read_iops_sec>10</read_iops_sec><size_iops_sec>4096</size_iops_sec>
<group_name>g</group_name></iotune>"""
DISKS = (
    disk(
        "dev='vda'",
        f"<readonly/>{IOTUNE}<serial>s</serial><rom bar='off'/>",
        driver="type='qcow2' cache='writeback' error_policy='enospace' rerror_policy='report' ioeventfd='on' "
        "event_idx='on' discard='unmap' iothread='1' queues='2' queue_size='128' packed='on' page_per_vq='on'",
        image="a.qcow2",
    )
    + disk(
        "dev='vdb'",
        "<readonly/><geometry cyls='16' heads='16' secs='63'/><blockio logical_block_size='512' "
        "physical_block_size='4096' discard_granularity='4096'/>",
    )
    + disk("dev='vdc'", driver="type='raw' copy_on_read='on'", image="a,b.raw")
    + disk(
        "dev='sda' bus='scsi'",
        "<readonly/><vendor>ACME</vendor><product>Drive</product><wwn>5000c50015ea71ad</wwn><serial>x</serial>",
    )
    + disk(
        "dev='sdb' bus='scsi' rotation_rate='1'",
        f"<readonly/>{IOTUNE}",
        driver="type='raw' discard='unmap' detect_zeroes='unmap'",
    )
    + disk("dev='sdc' bus='scsi' tray='open'", device="cdrom", image="c.iso")
    + disk("dev='sdd' bus='usb' removable='on'", f"<readonly/>{IOTUNE}")
    + disk("dev='sde' bus='usb'", device="cdrom", image="c.iso")
    + disk("dev='sdf' bus='sata' rotation_rate='7200'", "<shareable/><wwn>5000c50015ea71ae</wwn>", image="d.raw")
    + disk("dev='fda' bus='fdc'", "<readonly/>", device="floppy", image="floppy")
    + disk("dev='fdb' bus='fdc'", device="floppy", image="")
    + """<disk type='dir'><driver name='qemu' type='fat'/><source dir='{files}/share'/>
    <target dev='vdd'/><readonly/></disk>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='{files}/top.qcow2'><slices>
      <slice type='storage' offset='0' size='1048576'/></slices></source>
      <backingStore type='file'><format type='raw'/><source file='{files}/b.raw'/><backingStore/></backingStore>
      <target dev='vde'/><readonly/></disk>
    <controller type='scsi' index='0' model='virtio-scsi'><driver queues='2' cmd_per_lun='3' max_sectors='4'
      ioeventfd='on' iothread='1'/></controller>"""
)
SCSI_CHIPS = ("lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "am53c974", "dc390", "virtio-transitional")
CHIPS = "".join(
    f"<controller type='scsi' index='{index}' model='{model}'/>" for index, model in enumerate(SCSI_CHIPS)
) + "".join(
    disk(
        f"dev='sd{letter}' bus='scsi'",
        f"<readonly/><address type='drive' controller='{index}' bus='0' target='0' unit='0'/>",
    )
    for index, letter in enumerate("abcdefg")
)
BUSES = """
<controller type='pci' index='0' model='pcie-root'><pcihole64 unit='GiB'>16</pcihole64></controller>
<controller type='pci' index='1' model='pcie-root-port'><target hotplug='off'/></controller>
<controller type='pci' index='2' model='pcie-switch-upstream-port'/>
<controller type='pci' index='3' model='pcie-switch-downstream-port'/>
<controller type='pci' index='4' model='dmi-to-pci-bridge'/>
<controller type='pci' index='5' model='pci-bridge'/>
<controller type='pci' index='6' model='pcie-expander-bus'/>
<controller type='pci' index='7' model='pcie-root-port'><address type='pci' bus='0x06' slot='0x00'/></controller>
<controller type='pci' index='8' model='pcie-to-pci-bridge'/>
<controller type='usb' index='0' model='qemu-xhci' ports='15'/><controller type='usb' index='1' model='nec-xhci'/>
<controller type='usb' index='2' model='ich9-ehci1'/>
<controller type='usb' index='2' model='ich9-uhci1'><master startport='0'/></controller>
<controller type='usb' index='2' model='ich9-uhci2'><master startport='2'/></controller>
<controller type='usb' index='2' model='ich9-uhci3'><master startport='4'/></controller>
<controller type='usb' index='3' model='pci-ohci'/><controller type='usb' index='4' model='ehci'/>
<controller type='sata' index='1'/><controller type='fdc' index='0'/>
<controller type='virtio-serial' index='1' model='virtio-non-transitional'><driver packed='on'/></controller>
<iommu model='intel'><driver intremap='off' caching_mode='on' eim='off' iotlb='on' aw_bits='48'/></iommu>
<memballoon model='virtio-non-transitional'><driver iommu='on' ats='on' packed='on' page_per_vq='on'/></memballoon>
"""
EXPANDERS = """<controller type='pci' index='1' model='pci-expander-bus'><target busNr='200'/></controller>
<controller type='pci' index='2' model='pci-bridge'><address type='pci' bus='0x01' slot='0x03'/></controller>
<controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>
<controller type='usb' index='0' model='piix4-uhci'/>"""
CARDS = (
    """<interface type='user'><ip family='ipv4' address='10.1.0.0' prefix='24'/>
  <ip family='ipv6' address='fd00::' prefix='64'/><model type='virtio'/>
  <driver name='qemu' txmode='timer' ioeventfd='off' event_idx='off' rx_queue_size='512' tx_queue_size='256' rss='on'
    rss_hash_report='on' packed='on'><host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off'
    mrg_rxbuf='off'/><guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/></driver>
  <mtu size='1400'/><boot order='1'/><rom enabled='no'/></interface>
<interface type='udp'><source address='127.0.0.1' port='5000'><local address='127.0.0.1' port='0'/></source>
  <model type='virtio-non-transitional'/></interface>"""
    + "".join(
        f"<interface type='user'><model type='{model}'/><acpi index='{index}'/></interface>"
        for index, model in enumerate(("virtio-transitional", "vmxnet3", "rtl8139", "pcnet", "ne2k_pci", "tulip"), 1)
    )
    + "".join(
        f"<interface type='user'><model type='{model}'/></interface>"
        for model in ("e1000", "e1000e", "e1000-82544gc", "i82551", "i82801", "virtio-net-pci")
    )
)
CHARACTERS = """
<serial type='tcp'><source mode='bind' host='127.0.0.1' service='0' tls='no'/><protocol type='telnet'/>
  <log file='{files}/log' append='on'/></serial>
<serial type='tcp'><source mode='connect' host='127.0.0.1' service='1'><reconnect enabled='yes' timeout='7'/></source>
  <target type='usb-serial'/></serial>
<serial type='udp'><source mode='bind' host='127.0.0.1' service='0'/>
  <source mode='connect' host='127.0.0.1' service='2446'/><target type='pci-serial'/></serial>
<serial type='file'><source path='{files}/debug'/><target type='isa-debug'/>
  <address type='isa' iobase='0x402'/></serial>
<serial type='stdio'><target port='3'/></serial>
<parallel type='null'><address type='isa' iobase='0x378' irq='0x7'/></parallel>
<parallel type='file'><source path='{files}/p'/></parallel>
<channel type='unix'><source mode='connect' path='{files}/none'><reconnect enabled='yes' timeout='3'/></source>
  <target type='virtio' name='u'/></channel>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
<channel type='spiceport'><source channel='org.a.b'/><target type='virtio' name='port'/></channel>
<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source>
  <target type='virtio' name='agent'/></channel>
<channel type='dbus'><source channel='org.c.d'/><target type='virtio' name='bus'/></channel>
<channel type='null'><target type='guestfwd' address='10.0.2.200' port='4600'/></channel>
<channel type='vc'><target type='virtio' name='vc'/></channel>
<channel type='pipe'><source path='{files}/pipe'/><target type='virtio' name='pipe'/></channel>
<console type='pty'><target type='virtio'/></console>
<interface type='user'/>
<smartcard mode='passthrough' type='spicevmc'/>
<redirdev bus='usb' type='spicevmc'/>
<redirfilter><usbdev class='0x08' vendor='0x1234' product='0xbeef' version='2.56' allow='yes'/><usbdev allow='no'/>
</redirfilter><hub type='usb'/>
<input type='mouse' bus='usb'/><input type='tablet' bus='usb'/><input type='keyboard' bus='virtio'/>
<graphics type='spice' autoport='yes' passwd='a secret one'>
  <image compression='glz'/><jpeg compression='auto'/><zlib compression='never'/><playback compression='on'/>
  <streaming mode='filter'/><mouse mode='client'/><clipboard copypaste='no'/><filetransfer enable='no'/></graphics>
"""
SOUNDS = (
    "".join(f"<sound model='{model}'/>" for model in ("ich9", "ac97", "es1370", "sb16", "pcspk"))
    + """
<sound model='ich6'><codec type='micro'/><codec type='output'/><audio id='2'/></sound>
<sound model='usb' multichannel='yes'><audio id='2'/></sound>
<audio id='1' type='none' timerPeriod='4000'><input mixingEngine='yes' fixedSettings='yes' voices='1' bufferLength='9'>
  <settings frequency='44100' channels='2' format='s16'/></input><output mixingEngine='yes' voices='2'/></audio>
<audio id='2' type='file' path='{files}/x.wav'/>
<graphics type='vnc' websocket='-1' powerControl='yes' passwd='p' connected='keep' passwdValidTo='2026-12-31T12:00:00'
  keymap='de'><audio id='1'/></graphics>
<video><driver name='qemu'/><model type='virtio' heads='2' primary='yes'><resolution x='800' y='600'/></model></video>
<video><model type='qxl'><resolution x='640' y='480'/></model></video><video><model type='virtio'/></video>"""
)
BOARD = """
<filesystem type='mount' accessmode='mapped' multidevs='remap' fmode='755' dmode='700'>
  <driver type='path' wrpolicy='immediate'/><source dir='{files}/share'/><target dir='mt'/><readonly/></filesystem>
<filesystem type='mount' accessmode='squash' model='virtio-transitional'><source dir='{files}/share'/>
  <target dir='other'/></filesystem>
<watchdog model='i6300esb' action='poweroff'/><watchdog model='ib700' action='poweroff'/>
<watchdog model='itco' action='poweroff'/>
<rng model='virtio-transitional'><backend model='random'/></rng>
<rng model='virtio-non-transitional'><driver packed='on'/><backend model='builtin'/></rng>
<rng model='virtio'><backend model='egd' type='tcp'><source mode='bind' host='127.0.0.1' service='0'/></backend></rng>
<panic model='isa'><address type='isa' iobase='0x505'/></panic><panic model='pvpanic'/>
<shmem name='virtactor-{name}' role='peer'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>
<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>
<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target></memory>
<memory model='nvdimm' access='shared'><uuid>9066901e-c90a-46ad-8b55-c18868cf92ae</uuid>
  <source><path>{files}/nv</path><alignsize unit='KiB'>2048</alignsize></source><target><size unit='MiB'>8</size>
  <node>0</node><label><size unit='KiB'>128</size></label></target></memory>
<memory model='virtio-mem'><target><size unit='MiB'>64</size><node>0</node><block unit='KiB'>2048</block>
  <requested unit='KiB'>32768</requested></target></memory>
<memory model='virtio-pmem'><source><path>{files}/pm</path></source><target><size unit='MiB'>8</size></target></memory>
<iommu model='virtio'/>
"""
NODE = """<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"""
ROOM = "<maxMemory slots='4' unit='MiB'>1024</maxMemory><memory unit='MiB'>200</memory>"
SERVED = """
<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<filesystem type='mount'><driver type='virtiofs' queue='64'/><binary xattr='on'><cache mode='always'/>
  <sandbox mode='chroot'/><lock posix='on' flock='off'/><thread_pool size='3'/></binary><source dir='{files}/share'/>
  <target dir='fs'/></filesystem>"""
MICROVM = """<controller type='scsi' index='0' model='virtio-scsi'/>
<disk type='file'><source file='{files}/b.raw'/><target dev='sda' bus='scsi'/><readonly/></disk>
<filesystem type='mount'><source dir='{files}/share'/><target dir='mt'/></filesystem>
<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>
<input type='tablet' bus='virtio'/><rng model='virtio'><backend model='random'/></rng>"""

GUESTS = {
    "disks": guest(DISKS, more="<iothreads>1</iothreads>"),
    "chips of scsi": guest(CHIPS),
    "buses of q35": guest(BUSES),
    "buses of pc": guest(EXPANDERS, machine="pc"),
    "floppies and geometry on pc": guest(
        disk("dev='fda'", "<readonly/><boot order='2'/>", device="floppy", image="floppy")
        + disk("dev='hda'", "<geometry cyls='16' heads='16' secs='63' trans='lba'/><boot order='1'/>"),
        machine="pc",
    ),
    "network cards": guest(CARDS),
    "network cards on pc": guest(CARDS.replace("<interface type='user'><model type='e1000e'/></interface>", ""), "pc"),
    "characters": guest(CHARACTERS, machine="pc"),
    "sounds and screens": guest(SOUNDS),
    "board and memory": guest(BOARD, memory=ROOM, more=NODE),
    "served by others": guest(
        SERVED, more="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    ),
    "tpm 1.2": guest("<tpm model='tpm-tis'><backend type='emulator' version='1.2'/></tpm>", machine="pc"),
    "a display on a socket": guest("<graphics type='vnc'><listen type='socket'/></graphics>"),
    "a display on a bus": guest("<graphics type='dbus' p2p='yes'/>", machine="pc"),
    "microvm": guest(MICROVM, machine="microvm"),
}


@pytest.fixture(scope="module")
def places(files: Path) -> Path:
    """The files that these guests have, beside the usual ones."""
    for name, size in (("floppy", 1474560), ("d.raw", 1 << 20), ("nv", 8 << 20), ("pm", 8 << 20)):
        (files / name).touch()
        os.truncate(files / name, size)
    command = ("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(files / "b.raw"), "-F", "raw")
    subprocess.run([*command, str(files / "top.qcow2")], check=True)
    os.truncate(files / "top.qcow2", 1 << 20)
    os.mkfifo(files / "pipe")
    return files


@pytest.mark.parametrize("name", GUESTS)
def test_qemu_has_every_device_under_its_name(
    name: str, prepared, starter: Starter, places: Path, qemu: Capabilities
) -> None:
    text = GUESTS[name].replace("{files}", str(places)).replace("{name}", places.name)
    definition = prepared(text, qemu)
    try:
        monitor = starter.start(definition)
        for command in preparation(definition):
            monitor.execute(command.name, command.arguments)
        assert monitor.execute("query-status")["status"] == "prelaunch"
        present = {each["name"] for each in monitor.execute("qom-list", {"path": "/machine/peripheral"})}
        assert aliases(definition) - present == set()
    finally:
        Path(f"/dev/shm/virtactor-{places.name}").unlink(missing_ok=True)
