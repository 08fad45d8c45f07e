"""Real QEMUs take what is built, answer on their monitors, and have every device under its name.

A guest is never run: it waits, as the daemon's do until it continues them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.capabilities import Capabilities
from virtactor.actors.drivers.qemu.command_line import chardev_id, preparation
from virtactor.wire.documents.domain import Channel

from .real_qemu import Starter, aliases


def guest(devices: str = "", *, machine: str = "pc", os: str = "", features: str = "<acpi/>", top: str = "") -> str:
    balloon = "" if "<memballoon" in devices else "<memballoon model='none'/>"
    vcpu = "" if "<vcpu" in top else "<vcpu>1</vcpu>"
    return f"""<domain type='qemu'><name>a,b</name><memory unit='MiB'>64</memory>{vcpu}
        <os><type machine='{machine}'>hvm</type>{os}</os><features>{features}</features>{top}
        <devices>{devices}{balloon}</devices></domain>"""


DIRECT = "<kernel>{files}/kernel</kernel><initrd>{files}/initrd</initrd><cmdline>a=b,c d</cmdline>"
DISKS = """
<disk type='file'>
  <driver name='qemu' type='raw' cache='writethrough' io='threads' discard='unmap' detect_zeroes='unmap'/>
  <source file='{files}/a,b.raw'/><target dev='vda'/><serial>a,b</serial></disk>
<disk type='file'><driver name='qemu' type='qcow2' cache='unsafe'/><source file='{files}/a.qcow2'/><target dev='vdb'/>
  <readonly/></disk>
"""
CACHES = "".join(
    f"<disk type='file'><driver name='qemu' cache='{mode}' {more}/><source file='{{files}}/b.raw'/>"
    f"<target dev='vd{letter}'/><readonly/></disk>"
    for letter, mode, more in zip(
        "abcde",
        ("none", "writeback", "directsync", "default", "unsafe"),
        ("io='native'", "io='io_uring'", "", "discard='ignore'", "detect_zeroes='on'"),
        strict=True,
    )
)
CDROMS = """
<disk type='file' device='cdrom'><source file='{{files}}/c.iso'/><target dev='{0}a' bus='{1}'/></disk>
<disk type='file' device='cdrom'><target dev='{0}b' bus='{1}'/></disk>
"""
CHARACTERS = """
<serial type='pty'/>
<serial type='file'><source path='{files}/serial,log' append='on'/></serial>
<serial type='null'><target type='pci-serial'/></serial>
<serial type='unix'><source mode='bind' path='{files}/s'/></serial>
<console type='pty'/><console type='pty'><target type='virtio'/></console>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<channel type='null'><target type='virtio' name='x,y'/></channel>
"""
BALLOON = "<memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='5'/></memballoon>"
TIMERS = """<clock offset='variable' adjustment='-60'><timer name='rtc' tickpolicy='catchup' track='guest'/>
<timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/><timer name='kvmclock' present='no'/></clock>
<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>"""
USB2 = """<controller type='usb' index='0' model='ich9-ehci1'/>
<controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>"""
GUESTS = {
    "bare pc": guest(),
    "bare q35": guest(machine="q35"),
    "bare microvm": guest(machine="microvm"),
    "direct kernel": guest(os=DIRECT, features="<acpi/><vmcoreinfo state='on'/><kvm><hidden state='on'/></kvm>"),
    "microvm with all": guest(
        DISKS
        + CHARACTERS.replace("<serial type='null'><target type='pci-serial'/></serial>", "")
        + "<interface type='user'><link state='down'/></interface><input type='keyboard' bus='virtio'/>"
        + BALLOON,
        machine="microvm",
        os=DIRECT,
        features="",
        top="<clock offset='utc'><timer name='pit' present='no'/><timer name='rtc' present='no'/></clock>",
    ),
    "disks": guest(DISKS, top="<on_poweroff>restart</on_poweroff>"),
    "caches": guest(CACHES, machine="q35"),
    "ide and usb": guest(
        CDROMS.format("hd", "ide")
        + "<disk type='file'><source file='{files}/b.raw'/><target dev='hdc'/></disk>"
        + "<controller type='sata' index='0'/><input type='tablet'/><input type='mouse' bus='usb'/>",
        os="<boot dev='cdrom'/><boot dev='hd'/><bootmenu enable='yes' timeout='10'/>",
    ),
    "sata": guest(
        CDROMS.format("sd", "sata")
        + "<disk type='file'><source file='{files}/b.raw'/><target dev='sdh'/><boot order='1'/></disk>"
        + "<controller type='usb' model='qemu-xhci' ports='6'/>",
        machine="q35",
    ),
    "characters on pc": guest(CHARACTERS),
    "characters on q35": guest(CHARACTERS, machine="q35"),
    "cards and inputs": guest(
        "<interface type='user'><model type='virtio'/><boot order='1'/></interface><interface type='user'/>"
        "<interface type='user'><model type='e1000'/></interface><input type='tablet' bus='virtio'/>"
        "<input type='mouse' bus='virtio'/><controller type='pci' index='1' model='pci-bridge'/>"
        "<rng model='virtio'><rate bytes='9' period='99'/><backend model='random'/></rng>"
        "<rng model='virtio'><backend model='builtin'/></rng>" + BALLOON,
        top="<currentMemory unit='MiB'>32</currentMemory>",
    ),
    "cards on q35": guest(
        "<interface type='user'><model type='e1000e'/></interface><video><model type='virtio' heads='2'/></video>"
        "<video><model type='virtio'/></video><input type='keyboard' bus='usb'/>" + USB2,
        machine="q35",
    ),
    "display": guest(
        "<graphics type='vnc' autoport='yes' passwd='s3cret' keymap='de' sharePolicy='force-shared'/>"
        "<audio id='1' type='none'/><video><model type='vga' vram='9216'/></video>"
    ),
    "processors and clock": guest(
        top="<vcpu current='2'>8</vcpu><cpu mode='custom' check='full'><model>qemu64</model><vendor>Intel</vendor>"
        "<topology sockets='2' dies='1' cores='2' threads='2'/><feature name='svm' policy='disable'/></cpu>" + TIMERS,
        features="<apic eoi='off'/><pmu state='off'/><vmport state='off'/><smm state='on'/>",
    ),
    "the host's model": guest(
        top="<cpu mode='host-model'><feature name='lahf_lm'/></cpu>"
        "<clock offset='timezone' timezone='Europe/Berlin'/>" + TIMERS.partition("</clock>")[2],
        machine="q35",
        os="<loader type='rom'>{files}/bios</loader>",
    ),
    **{
        f"card {model}": guest(f"<video><model type='{model}'/></video>", machine=machine)
        for model, machine in (("cirrus", "pc"), ("vmvga", "pc"), ("bochs", "q35"), ("ramfb", "q35"))
    },
}


@pytest.mark.parametrize("name", GUESTS)
def test_qemu_starts_and_waits(name: str, prepared, starter: Starter, files: Path, qemu: Capabilities) -> None:
    definition = prepared(GUESTS[name].replace("{files}", str(files)), qemu)
    monitor = starter.start(definition)
    for command in preparation(definition):
        monitor.execute(command.name, command.arguments)
    assert monitor.execute("query-status")["status"] == "prelaunch"
    present = {each["name"] for each in monitor.execute("qom-list", {"path": "/machine/peripheral"})}
    assert aliases(definition) - present == set()


def test_terminals_are_told_under_the_ids_of_their_devices(prepared, starter: Starter, files: Path, qemu) -> None:
    definition = prepared(GUESTS["characters on pc"].replace("{files}", str(files)), qemu)
    told = {each["label"]: each["filename"] for each in starter.start(definition).execute("query-chardev")}
    devices = definition.devices
    terminals = [each for each in (*devices.serials, *devices.consoles[1:]) if each.type == "pty"]
    assert len(terminals) == 2
    assert all(told[chardev_id(each)].startswith("pty:/dev/pts/") for each in terminals)
    agent = next(each for each in devices.channels if isinstance(each, Channel) and each.type == "unix")
    assert told[chardev_id(agent)].startswith("disconnected:unix:")


def test_a_display_takes_a_free_port_and_demands_the_password(prepared, starter: Starter, qemu) -> None:
    definition = prepared(GUESTS["display"], qemu)
    first, second = starter.start(definition), starter.start(definition)
    ports = [monitor.execute("query-vnc")["service"] for monitor in (first, second)]
    assert ports[0] != ports[1]
    assert first.execute("query-vnc")["auth"] == "vnc"
