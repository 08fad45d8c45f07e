"""libvirt makes the same arguments of what a document says outside `<devices>`: a real libvirtd is asked for them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.command_line import build_command_line
from virtactor.actors.drivers.qemu.command_line.resources import Resources

from .....libvirtd import Libvirtd
from .conftest import Arguments, resources
from .test_real_machine import FILE, NODES

UUID = "<uuid>7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80</uuid>"
# Options whose values must be the same, in the same order.
SAME = (
    "-accel",
    "-cpu",
    "-m",
    "-smp",
    "-numa",
    "-smbios",
    "-fw_cfg",
    "-rtc",
    "-boot",
    "-global",
    "-kernel",
    "-acpitable",
)


def simple(top: str = "", *, os: str = "", features: str = "<acpi/>", machine: str = "q35") -> str:
    return f"""<domain type='qemu'><name>g</name>{UUID}<memory unit='MiB'>64</memory>{top}
    <os><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os><features>{features}</features>
    <devices><memballoon model='none'/></devices></domain>"""


def nodes() -> str:
    """The guest that says all, but for what libvirt 9.0 makes otherwise (its table of models adds a feature to EPYC)
    or does not take, and but for a comma that it lets end a value."""
    xml = re.sub(r"<interconnects>.*</interconnects>|<cache level='1'.*?</cache>", "", NODES, flags=re.DOTALL)
    xml = xml.replace("<cpu><model vendor_id='AuthenticAMD'>EPYC</model>", "<cpu mode='maximum'>")
    for number in (0, 1):
        xml = xml.replace(f"id='{number}' enabled='yes'", f"id='{number}' enabled='yes' order='{number + 1}'")
    xml = xml.replace("te,xt", "text")
    return xml.replace("type='rawset'", "type='slic'").replace("<domain type='qemu'>", f"<domain type='qemu'>{UUID}")


DOCUMENTS = {
    "says all": nodes(),
    "file": FILE.replace("{machine}", "q35").replace("<domain type='qemu'>", f"<domain type='qemu'>{UUID}"),
    "enlightened": simple(
        "<cpu mode='maximum'><cache mode='passthrough'/><maxphysaddr mode='passthrough'/></cpu>",
        features="<acpi/><smm state='on'/>",
    ),
    "clock": simple("<clock offset='utc'><timer name='rtc' tickpolicy='catchup' track='guest'/></clock>", machine="pc"),
    "power": simple("<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>"),
    "boot": simple(os="<bootmenu enable='yes' timeout='3000'/><bios rebootTimeout='-1'/>"),
    "processors": simple(
        "<vcpu current='2'>8</vcpu><cpu mode='maximum'><topology sockets='2' dies='2' cores='2' threads='1'/></cpu>"
    ),
    "modules": simple(
        "<maxMemory slots='16' unit='GiB'>1</maxMemory><vcpu>1</vcpu><cpu mode='maximum'>"
        "<numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"
    ),
}


@pytest.fixture
def libvirts(libvirtd: Libvirtd) -> Callable[[str], Arguments]:
    """The command line that libvirt makes of a document."""

    def made(xml: str) -> Arguments:
        command = ("virsh", "-c", libvirtd.uri("qemu"), "domxml-to-native", "qemu-argv", "--xml", "/dev/stdin")
        told = subprocess.run(command, input=xml, capture_output=True, text=True, timeout=120, check=False)
        assert told.returncode == 0, told.stderr
        words = shlex.split(told.stdout)
        return Arguments(words[next(n for n, word in enumerate(words) if word.startswith("/")) :])

    return made


@pytest.mark.parametrize("name", DOCUMENTS)
def test_libvirt_makes_the_same_arguments(name: str, libvirts, prepared, qemu) -> None:
    xml = DOCUMENTS[name].replace("{files}", "/tmp")
    theirs = libvirts(xml)
    definition = prepared(xml, qemu)
    made: Resources = resources(definition)
    ours = Arguments(build_command_line(definition, qemu, made))

    assert told(ours) == told(theirs)


def told(arguments: Arguments) -> dict[str, Any]:
    """What the two must agree on."""
    found: dict[str, Any] = {option: arguments.values(option) for option in SAME}
    found["backends"] = [
        {key: value for key, value in each.items() if key not in ("mem-path", "prealloc-context")}
        for each in arguments.values("-object")
        if each["qom-type"] in ("memory-backend-file", "memory-backend-memfd", "iothread")
    ]
    found["iothreads"] = sorted(each["id"] for each in arguments.values("-object") if each["qom-type"] == "iothread")
    return found
