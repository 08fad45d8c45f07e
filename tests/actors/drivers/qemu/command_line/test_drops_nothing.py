"""Whatever is changed in a definition changes what QEMU is told, or is refused: nothing is dropped in silence.

Every field of three rich definitions is given other values, one at a time. A change may go unnoticed only where NEUTRAL
says why. The second half changes several at once, to values that no document would have.
"""

from __future__ import annotations

import json
import random
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu.command_line import (
    build_command_line,
    companions,
    environment,
    placement,
    preparation,
    served,
)
from virtactor.wire.documents.domain import DomainDefinition, PciAddress
from virtactor.wire.errors import VirtError

from .device_documents import DEVICES, NEUTRAL_OF_DEVICES
from .machine_documents import MACHINES, NEUTRAL_OF_MACHINES

PC = """
<domain type='qemu'><name>pc</name><memory unit='MiB'>64</memory><currentMemory unit='MiB'>32</currentMemory>
<vcpu current='1'>2</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>/bios</loader><kernel>/k</kernel><initrd>/i</initrd>
  <cmdline>c</cmdline><boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/><bootmenu enable='yes' timeout='5'/></os>
<features><acpi/><apic eoi='off'/><pae/><kvm><hidden state='on'/></kvm><pmu state='off'/><vmport state='off'/>
  <smm state='off'/><vmcoreinfo state='on'/></features>
<cpu mode='custom' match='exact' check='none'><model fallback='allow'>EPYC</model><vendor>AMD</vendor>
  <topology sockets='1' dies='1' cores='2' threads='1'/><feature policy='disable' name='svm'/></cpu>
<clock offset='variable' adjustment='5' basis='utc'><timer name='rtc' tickpolicy='catchup' track='guest'/>
  <timer name='pit' present='yes' tickpolicy='delay'/><timer name='hpet' present='no'/>
  <timer name='kvmclock' present='no'/>
  <timer name='tsc'/></clock>
<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>
<devices>
  <disk type='file'><driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap' detect_zeroes='unmap'/>
    <source file='/a'/><target dev='vda' bus='virtio'/><readonly/><shareable/><serial>s</serial></disk>
  <disk type='file' device='cdrom'><source file='/c'/><target dev='hda' bus='ide'/></disk>
  <disk type='file'><source file='/b'/><target dev='sdb' bus='sata'/></disk>
  <controller type='usb' index='0' model='qemu-xhci' ports='6'/>
  <controller type='pci' index='1' model='pci-bridge'/>
  <controller type='virtio-serial' index='0' ports='8' vectors='4'/>
  <interface type='user'><model type='e1000'/><link state='down'/></interface>
  <serial type='file'><source path='/l' append='on'/></serial>
  <serial type='unix'><source mode='bind' path='/u'/></serial>
  <console type='file'><source path='/l' append='on'/></console>
  <console type='pty'><target type='virtio'/></console>
  <channel type='unix'><source mode='bind' path='/c'/><target type='virtio' name='n'/></channel>
  <input type='tablet' bus='usb'/>
  <graphics type='vnc' port='5901' autoport='no' listen='127.0.0.1' keymap='de' sharePolicy='ignore' passwd='p'/>
  <audio id='1' type='none'/>
  <video><model type='qxl' ram='65536' vram='32768' vram64='1024' vgamem='8192' heads='2' primary='yes'/></video>
  <video><model type='virtio' heads='1'/></video>
  <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='3'/></memballoon>
  <rng model='virtio'><rate bytes='5' period='6'/><backend model='random'>/r</backend></rng>
</devices></domain>"""

Q35 = """
<domain type='qemu'><name>q35</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<features><acpi/></features>
<clock offset='timezone' timezone='Europe/Berlin'/>
<devices>
  <disk type='file'><source file='/b'/><target dev='sda' bus='sata'/><boot order='2'/></disk>
  <controller type='usb' index='0' model='ich9-ehci1'/>
  <controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>
  <interface type='user'><model type='virtio'/><boot order='1'/></interface>
  <serial type='pty'><target type='pci-serial'/></serial>
  <input type='keyboard' bus='virtio'/>
  <graphics type='vnc' autoport='yes'><listen type='address' address='0.0.0.0'/></graphics>
  <rng model='virtio'><backend model='builtin'/></rng>
</devices></domain>"""

MICROVM = """
<domain type='qemu'><name>microvm</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='microvm'>hvm</type><kernel>/k</kernel></os>
<features/><cpu mode='host-model'/><clock offset='utc'><timer name='pit' present='no'/></clock>
<devices>
  <disk type='file'><source file='/b'/><target dev='vda' bus='virtio'/></disk>
  <interface type='user'/><serial type='null'/>
  <memballoon model='none'/>
</devices></domain>"""

DOCUMENTS = (PC, Q35, MICROVM, *MACHINES, *DEVICES)

# Why QEMU need not hear of it: "Class.field", "Class(kind).field", either for one value only with "=value".
NEUTRAL = (
    NEUTRAL_OF_MACHINES
    | NEUTRAL_OF_DEVICES
    | {
        "DomainDefinition.id": "live",
        "DomainDefinition.title": "for people",
        "DomainDefinition.description": "for people",
        "DomainDefinition.vcpu_placement": "static is all there is",
        "DomainDefinition.on_poweroff": "the daemon's: QEMU runs with -no-shutdown",
        "DomainDefinition.on_reboot": "the daemon's",
        "DomainDefinition.on_crash": "the daemon's",
        "DomainDefinition.vcpus=None": "one processor",
        "DomainDefinition.current_memory": "without a balloon a guest has all its memory",
        "Devices.emulator=None": "the one that was asked for its capabilities",
        "Devices.memballoon=None": "no balloon",
        "OperatingSystem.firmware": "BIOS is all there is",
        "OperatingSystem.arch=None": "the emulator's",
        "OperatingSystem.machine=None": "QEMU's default is pc",
        "Loader.readonly": "a ROM always is",
        "Loader.type": "a ROM is all there is",
        "Features.pae": "all x86_64 processors have it",
        "Features.vmcoreinfo=False": "as it is anyway",
        "Cpu.match=None": "exact",
        "Cpu.match=minimum": "spelled out before",
        "Cpu.match=strict": "what QEMU gives is shown in the live document",
        "Cpu.match=exact": "as it is anyway",
        "Cpu.check": "QEMU warns of what it leaves out; check 'full' makes that an error",
        "Cpu.fallback": "a permission, which is not needed",
        "Cpu.mode=None": "custom when there is a model, else the machine's usual processor",
        "Cpu.mode=maximum": "what the host's model is without KVM",
        "CpuFeature.policy=forbid": "disable",
        "Clock.basis=None": "utc",
        "Clock.basis=localtime": "the host's may be utc",
        "Timer.name": "of a timer nothing is said of",
        "Timer.present=True": "as it is anyway",
        "Timer.tickpolicy=delay": "as it is anyway",
        "Timer.tickpolicy=catchup": "what late delivery amounts to",
        "Timer.mode=auto": "as it is anyway",
        **{f"Timer.mode={mode}": "Xen's, of a counter" for mode in ("native", "emulate", "paravirt", "smpsafe")},
        "Timer.tickpolicy=merge": "of the counter, which has no ticks",
        "Timer.tickpolicy=discard": "of the counter, which has no ticks",
        "HyperV.mode=None": "custom",
        "Nvram.type": "a file, whose path was taken from it",
        "SecurityLabel.baselabel": "of a model that is not at work",
        "SecurityLabel.imagelabel": "live",
        "Disk.rawio=False": "as it is anyway",
        "Disk.sgio=filtered": "as it is anyway",
        "DiskDriver.name": "QEMU is all there is",
        "DiskDriver.type=None": "raw",
        "DiskDriver.cache=default": "none said",
        "Disk.driver=None": "raw, and nothing else said",
        "Disk(ide).readonly=False": "a cdrom always is",
        "Controller.index": "what addresses call it",
        "Controller.model=None": "the machine's own",
        "Controller.address=None": "the machine's own",
        "Controller.pci_model=None": "the usual one",
        "Controller.master_startport=None": "follows from the model",
        "Controller.alias": "the machine's own",
        "Interface.model=None": "the machine's usual one",
        "Interface.link=up": "as it is anyway",
        "CharacterDevice(pty).source_path": "live",
        "Channel(unix).source_mode": "the daemon listens",
        "Console.source_append": "that of the serial port",
        "Console.source_mode": "that of the serial port",
        "Console.source_path": "that of the serial port",
        "Console.alias": "that of the serial port",
        "Console(file).target_type=None": "the serial port",
        "Console(null).target_type=None": "the serial port",
        "Console.tty": "live",
        "Console.target_port": "a number for people",
        "Serial.target_type=None": "isa-serial",
        "Serial.target_model=None": "follows from the type",
        "Serial(pty).target_port": "pci-serial has no number",
        "Serial.target_port=None": "the first",
        "Channel.state": "live",
        "Input(ps2).type": "the machine has both",
        "Input(ps2).bus=None": "ps2",
        "Input(ps2).alias": "the machine's own",
        "Graphics.listen": "what listens says once more, for old clients",
        "Graphics.port": "chosen where it is automatic",
        "Graphics.autoport=None": "follows from the port",
        "Graphics.autoport=False": "follows from the port",
        "Listen.address=None": "127.0.0.1",
        "Video.heads=None": "one",
        "Video.primary": "the first is, if no other",
        "Video(cirrus).model=None": "cirrus",
        "Video(cirrus).model=default": "cirrus",
        "Video(cirrus).vram": "QEMU's 4 MiB, as with libvirt",
        "Memballoon(none).autodeflate": "no balloon",
        "Memballoon(none).free_page_reporting": "no balloon",
        "Memballoon(none).alias": "no balloon",
    }
)


@dataclass(frozen=True)
class Change:
    """One field of one element, and a value that it does not have."""

    path: tuple[str | int, ...]
    owner: Any
    value: Any

    @property
    def name(self) -> str:
        return f"{type(self.owner).__name__}.{self.path[-1]}"

    @property
    def excuses(self) -> set[str]:
        """The names that NEUTRAL may excuse it by, those of the classes that its own comes from among them."""
        kind = next((kind for name in ("bus", "type", "model") if (kind := getattr(self.owner, name, None))), None)
        classes = [cls.__name__ for cls in type(self.owner).__mro__]
        names = {f"{name}.{self.path[-1]}" for each in classes for name in (each, f"{each}({kind})")}
        return names | {f"{name}={self.value}" for name in names}

    def made(self, value: Any) -> Any:
        """A copy of a definition with this change."""
        return changed(value, self.path, self.value)


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(step, int):
        return (*value[:step], changed(value[step], tuple(rest), new), *value[step + 1 :])
    return replace(value, **{step: changed(getattr(value, step), tuple(rest), new)})


def changes(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Change]:
    """Every change of one field below a value."""
    hints = get_type_hints(type(value))
    for field in fields(value):
        here, current = (*path, field.name), getattr(value, field.name)
        yield from (Change(here, value, other) for other in others(hints[field.name], current))
        if is_dataclass(current):
            yield from changes(current, here)
        elif isinstance(current, tuple):
            for index, item in enumerate(current):
                if is_dataclass(item):
                    yield from changes(item, (*here, index))


def others(hint: Any, current: Any) -> Iterator[Any]:
    """Values of a type other than the current one."""
    for arm in arms(hint):
        if arm is types.NoneType:
            candidates: tuple[Any, ...] = (None,)
        elif get_origin(arm) is Literal:
            candidates = get_args(arm)
        elif arm is bool:
            candidates = (True, False)
        elif arm is int:
            candidates = (current + 1 if isinstance(current, int) else 4,)
        elif arm is str:
            candidates = (f"{current}x" if isinstance(current, str) else "x",)
        else:
            continue
        yield from (each for each in candidates if each != current)


def arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


@pytest.fixture(scope="module")
def outcome(capabilities, opened):
    """What comes of a definition: what QEMU is told, what is asked of the host, or the error."""
    with_kvm = replace(capabilities, kvm=True)

    def outcome(definition: DomainDefinition) -> Any:
        try:
            argv = build_command_line(definition, with_kvm, opened(definition))
            beside = companions(definition, dict.fromkeys(served(definition), 30), Path("/states"))
            return argv, preparation(definition), placement(definition), environment(definition), beside
        except VirtError as error:
            return error

    return outcome


@pytest.fixture(scope="module")
def rich(prepared) -> dict[str, DomainDefinition]:
    """The live definitions of DOCUMENTS."""
    return {document: prepared(document) for document in DOCUMENTS}


@pytest.fixture(scope="module")
def unnoticed(rich, outcome) -> list[Change]:
    """The changes of all three definitions that change nothing of what QEMU is told."""
    found: list[Change] = []
    for definition in rich.values():
        before = outcome(definition)
        assert not isinstance(before, VirtError), before
        found += [change for change in changes(definition) if outcome(change.made(definition)) == before]
    return found


def test_every_change_is_told_to_qemu_or_refused(unnoticed) -> None:
    assert [
        f"{each.name} at {each.path}: {each.value!r}" for each in unnoticed if not each.excuses & NEUTRAL.keys()
    ] == []


def test_every_excuse_is_needed(unnoticed) -> None:
    assert NEUTRAL.keys() - {excuse for change in unnoticed for excuse in change.excuses} == set()


# --- many changes at once


NASTY = st.sampled_from(
    ["", ",", "a,b=c", "/x,y", "-S", '"}', "\0", "\n", "é", " ", "vda", "/dev/null", "ua-1", "\udcff"]
)
WORDS = {"-S", "-no-user-config", "-nodefaults", "-no-shutdown"}


def random_value(hint: Any, chance: random.Random, text: str) -> Any:
    """Some value of a type."""
    arm = chance.choice(arms(hint))
    if arm is types.NoneType:
        return None
    if get_origin(arm) is Literal:
        return chance.choice(get_args(arm))
    if get_origin(arm) is tuple:
        return ()
    if isinstance(arm, type) and is_dataclass(arm):
        hints = get_type_hints(arm)
        return arm(**{field.name: random_value(hints[field.name], chance, text) for field in fields(arm)})
    if arm is bool:
        return chance.random() < 0.5
    return chance.choice([-1, 0, 1, 2, 3, 31, 255, 2**31, 2**63]) if arm is int else text


def randomly_changed(value: Any, chance: random.Random, text: str) -> Any:
    """A copy with some field, however deep, of some other value."""
    field = chance.choice(fields(value))
    current = getattr(value, field.name)
    if isinstance(current, tuple) and current and is_dataclass(current[0]) and chance.random() < 0.9:
        index = chance.randrange(len(current))
        return changed(value, (field.name, index), randomly_changed(current[index], chance, text))
    if is_dataclass(current) and chance.random() < 0.8:
        return changed(value, (field.name,), randomly_changed(current, chance, text))
    return replace(value, **{field.name: random_value(get_type_hints(type(value))[field.name], chance, text)})


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.sampled_from(DOCUMENTS), st.integers(1, 4), st.randoms(use_true_random=False), NASTY)
def test_any_definition_gives_arguments_or_an_error(rich, outcome, document, count, chance, text) -> None:
    definition = rich[document]
    for _ in range(count):
        definition = randomly_changed(definition, chance, text)
    result = outcome(definition)
    if not isinstance(result, VirtError):
        check_arguments(result[0])


def check_arguments(argv: list[str]) -> None:
    """That QEMU reads them as they were meant: options with their values, JSON that is JSON, ids that are unique."""
    words = iter(argv[1:])
    ids: list[str] = []
    for option in words:
        assert re.fullmatch(r"-[a-z_-]+", option) or option in WORDS, argv
        if option in WORDS:
            continue
        value = next(words)
        assert "\0" not in value
        if option in ("-device", "-blockdev", "-netdev", "-object", "-audiodev"):
            given = json.loads(value)
            ids += [given[name] for name in ("id", "node-name") if name in given]
    assert len(ids) == len(set(ids)) or any(each.startswith("ua-") for each in ids), ids


def test_values_with_commas_stay_one_value(build) -> None:
    arguments = build("<serial type='file'><source path='/a,id=b,,c'/></serial>", name="n,process=evil")
    assert arguments.values("-chardev")[1] == "file,id=charserial0,path=/a,,id=b,,,,c"
    assert arguments.value("-name") == "guest=n,,process=evil,debug-threads=on"


def test_a_pci_address_without_its_function_is_a_slot(rich, outcome) -> None:
    definition = rich[PC]
    disk = replace(definition.devices.disks[0], address=PciAddress(slot=9, multifunction=True))
    devices = replace(definition.devices, disks=(disk, *definition.devices.disks[1:]))
    argv = outcome(replace(definition, devices=devices))[0]
    assert any('"bus":"pci.0","multifunction":true,"addr":"0x9"' in word for word in argv)
