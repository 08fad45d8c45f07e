"""The namespace for QEMU, security labels, and what is asked of the host: all that is no ordinary argument."""

from __future__ import annotations

import os

import pytest
from virtactor.actors.drivers.qemu.command_line import check_models, environment, placement
from virtactor.actors.drivers.qemu.command_line.placement import Limit, Schedule
from virtactor.actors.drivers.qemu.named_capabilities import with_named
from virtactor.wire.errors import UnsupportedConfig

from .conftest import document, live

URI = "http://libvirt.org/schemas/domain/qemu/1.0"
DISK = "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"


def passing(inside: str) -> str:
    """An element of the namespace, which declares it."""
    tag = inside.partition("<qemu:")[2].partition(">")[0].partition(" ")[0].rstrip("/")
    return inside.replace(f"<qemu:{tag}", f"<qemu:{tag} xmlns:qemu='{URI}'", 1)


def test_arguments_come_last_and_as_they_are(build) -> None:
    top = passing("<qemu:commandline><qemu:arg value='-a'/><qemu:arg value='b=,c'/></qemu:commandline>")
    assert build(top=top).argv[-2:] == ["-a", "b=,c"]


def test_variables_are_the_processes(prepared) -> None:
    top = passing("<qemu:commandline><qemu:env name='A' value='1'/><qemu:env name='B'/></qemu:commandline>")
    assert environment(prepared(document(top=top))) == {"A": "1", "B": ""}
    for bad in ("1A", "A=B"):
        with pytest.raises(UnsupportedConfig, match=f"qemu:env '{bad}'"):
            environment(prepared(document(top=top.replace("'A'", f"'{bad}'"))))


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        ("none", []),
        ("omit", ["deprecated-output=hide"]),
        ("reject", ["deprecated-output=hide,deprecated-input=reject"]),
        ("crash", ["deprecated-output=hide,deprecated-input=crash"]),
    ],
)
def test_what_is_deprecated_can_be_refused(build, behavior: str, expected: list[str]) -> None:
    assert build(top=passing(f"<qemu:deprecation behavior='{behavior}'/>")).values("-compat") == expected


OVERRIDE = """<qemu:override><qemu:device alias='{}'><qemu:frontend>
<qemu:property name='{}' type='{}' value='{}'/></qemu:frontend></qemu:device></qemu:override>"""


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [("string", "s", "s"), ("unsigned", "5", 5), ("signed", "-5", -5), ("bool", "on", True)],
)
def test_properties_of_devices_are_set(build, type: str, value: str, expected: object) -> None:
    top = passing(OVERRIDE.format("virtio-disk0", "serial", type, value))
    assert build(DISK, top=top).device("virtio-disk0")["serial"] == expected


def test_properties_of_devices_are_removed(build) -> None:
    device = build(DISK, top=passing(OVERRIDE.format("virtio-disk0", "bus", "remove", ""))).device("virtio-disk0")
    assert "bus" not in device


@pytest.mark.parametrize(
    ("alias", "name", "type", "value", "message"),
    [
        ("virtio-disk9", "x", "string", "", "no device with alias 'virtio-disk9'"),
        ("virtio-disk0", "x", "unsigned", "-5", "expected type 'unsigned'"),
        ("virtio-disk0", "x", "bool", "maybe", "expected type 'bool'"),
        ("virtio-disk0", "id", "string", "x", "property 'id'"),
    ],
)
def test_properties_that_cannot_be_are_refused(build, alias, name, type, value, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(DISK, top=passing(OVERRIDE.format(alias, name, type, value)))


def test_libvirts_own_capabilities_take_devices_away(capabilities) -> None:
    said = passing(
        "<qemu:capabilities><qemu:add capability='qxl'/><qemu:del capability='virtio-rng'/></qemu:capabilities>"
    )
    changed = with_named(capabilities, live(document(top=said)))

    assert changed.devices ^ capabilities.devices == {"virtio-rng-pci", "virtio-rng-device"}


# --- labels


@pytest.mark.parametrize(
    "label",
    [
        "<seclabel type='none'/>",
        "<seclabel type='none' model='selinux'/>",
        "<seclabel type='dynamic' model='dac' relabel='no'/>",
        "<seclabel type='dynamic' model='dac' relabel='yes'/>",
        f"<seclabel type='static' model='dac' relabel='no'><label>+{os.geteuid()}:+{os.getegid()}</label></seclabel>",
    ],
)
def test_labels_that_a_guest_has_anyway_are_taken(build, label: str) -> None:
    assert build(top=label).argv == build().argv


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("<seclabel type='static' model='dac' relabel='no'><label>+7:+7</label></seclabel>", r"label '\+7:\+7'"),
        ("<seclabel type='none' model='dac'/><seclabel type='none' model='dac'/>", "given twice"),
    ],
)
def test_labels_that_a_guest_will_not_have_are_refused(build, label: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=label)


def test_a_guest_of_another_model_is_defined_and_not_started(build, prepared) -> None:
    xml = document(
        "<disk><source file='/b'><seclabel model='apparmor' relabel='no'/></source><target dev='vda'/></disk>",
        top="<seclabel type='dynamic' model='selinux' relabel='yes'><baselabel>x</baselabel></seclabel>",
    )
    definition = prepared(xml)
    with pytest.raises(UnsupportedConfig, match="Security driver model 'selinux' is not available"):
        check_models(definition)
    with pytest.raises(UnsupportedConfig, match="Security driver model 'apparmor' is not available"):
        check_models(prepared(xml.replace("selinux", "dac").replace("<baselabel>x</baselabel>", "")))


# --- the host


def test_threads_are_pinned_as_the_definition_says_and_else_as_its_processors(prepared) -> None:
    tune = """<iothreads>2</iothreads><cputune><vcpupin vcpu='1' cpuset='3'/><iothreadpin iothread='2' cpuset='4-5'/>
    <vcpusched vcpus='0-1' scheduler='rr' priority='2'/><iothreadsched iothreads='1' scheduler='batch'/></cputune>"""
    found = placement(prepared(document(vcpu="<vcpu cpuset='0-1'>2</vcpu>", top=tune)))

    assert found.vcpus == {0: {0, 1}, 1: {3}}
    assert found.emulator == {0, 1}
    assert found.iothreads == {1: {0, 1}, 2: {4, 5}}
    assert found.vcpu_schedules == {0: Schedule("rr", 2), 1: Schedule("rr", 2)}
    assert found.iothread_schedules == {1: Schedule("batch")}
    assert placement(prepared(document())).is_empty
    usual = document(top="<resource><partition>/machine</partition></resource>")
    assert placement(prepared(usual)).is_empty


def test_limits_are_values_of_control_groups(prepared) -> None:
    top = """<memtune><hard_limit unit='MiB'>1</hard_limit></memtune><blkiotune><weight>200</weight>
    <device><path>/dev/x</path><read_iops_sec>5</read_iops_sec><write_iops_sec>0</write_iops_sec></device></blkiotune>
    <cputune><shares>9</shares><quota>-1</quota><emulator_period>5000</emulator_period></cputune>
    <numatune><memory mode='restrictive' nodeset='0-1'/></numatune>"""
    limits = placement(prepared(document(top=top))).limits

    assert limits == (
        Limit("shares", 9, "cputune shares"),
        Limit("quota", -1, "cputune vcpu bandwidth", "vcpu0"),
        Limit("period", 5000, "cputune emulator bandwidth", "emulator"),
        Limit("hard_limit", 1024, "memtune hard_limit"),
        Limit("weight", 200, "blkiotune weight"),
        Limit("read_iops", 5, "blkiotune /dev/x", device="/dev/x"),
        Limit("mems", "0-1", "numatune"),
    )


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ("<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>", "pinned twice"),
        ("<cputune><iothreadpin iothread='1' cpuset='1'/></cputune>", "iothreadpin 1: there is no such thread"),
        ("<cputune><emulatorsched scheduler='fifo'/></cputune>", "emulatorsched: priority None"),
        ("<cputune><emulatorsched scheduler='idle' priority='1'/></cputune>", "a priority with scheduler 'idle'"),
        ("<cputune><shares>0</shares></cputune>", "cputune shares 0"),
        ("<cputune><period>5</period></cputune>", "cputune vcpu bandwidth: period 5"),
        ("<cputune><emulator_quota>5</emulator_quota></cputune>", "cputune emulator bandwidth: quota 5"),
        ("<blkiotune><weight>5</weight></blkiotune>", "blkiotune weight 5"),
        ("<resource><partition>machine</partition></resource>", "resource: partition 'machine'"),
        ("<resource><partition>/a/../b</partition></resource>", "resource: partition"),
        ("<numatune><memory mode='strict'/></numatune>", "mode 'strict' without a nodeset"),
    ],
)
def test_what_the_host_cannot_give_is_refused(build, top: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=top)
