"""The machine, its processor, its clock and its boot, as arguments."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from virtactor.wire.errors import UnsupportedConfig, XMLError

TIMER = "<clock offset='utc'><timer name='{}' {}/></clock>"


def test_a_small_guest_is_this_command_line(build) -> None:
    assert build().argv == [
        "/usr/bin/qemu-system-x86_64",
        *("-name", "guest=guest,debug-threads=on"),
        *("-uuid", "7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80"),
        *("-S", "-no-user-config", "-nodefaults"),
        *("-chardev", "socket,id=charmonitor,fd=20,server=on,wait=off"),
        *("-mon", "chardev=charmonitor,id=monitor,mode=control"),
        *("-machine", "pc-i440fx-7.2,usb=off,dump-guest-core=off"),
        *("-accel", "tcg"),
        *("-cpu", "qemu64"),
        *("-m", "64"),
        *("-smp", "1,sockets=1,cores=1,threads=1"),
        *("-rtc", "base=utc"),
        "-no-shutdown",
        *("-boot", "strict=on"),
        *("-device", '{"driver":"piix3-usb-uhci","bus":"pci.0","addr":"0x1.0x2","id":"usb"}'),
        *("-audiodev", '{"id":"audio1","driver":"none"}'),
        *("-display", "none"),
        *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
        *("-msg", "timestamp=on"),
    ]


def test_a_comma_in_a_name_is_doubled(build) -> None:
    assert build(name="a,b=c").value("-name") == "guest=a,,b=c,debug-threads=on"


def test_the_pid_file_is_written_where_the_driver_wants_it(build) -> None:
    assert build(opened={"pid_file": Path("/run/a,b.pid")}).value("-pidfile") == "/run/a,b.pid"


@pytest.mark.parametrize(
    ("machine", "features", "expected"),
    [
        ("pc", "", "pc-i440fx-7.2,usb=off,dump-guest-core=off,acpi=off"),
        (
            "q35",
            "<acpi/><vmport state='off'/><smm state='on'/>",
            "pc-q35-7.2,usb=off,dump-guest-core=off,vmport=off,smm=on",
        ),
        ("microvm", "<acpi/><pae/>", "microvm,usb=off,dump-guest-core=off"),
    ],
)
def test_features_are_switches_of_the_machine(build, machine: str, features: str, expected: str) -> None:
    assert build(machine=machine, features=features).value("-machine") == expected


def test_vmcoreinfo_is_a_device(build) -> None:
    assert "vmcoreinfo" in build(features="<acpi/><vmcoreinfo state='on'/>").drivers()
    assert "vmcoreinfo" not in build(features="<acpi/><vmcoreinfo state='off'/>").drivers()


def test_vmport_is_refused_where_there_is_none(build) -> None:
    with pytest.raises(UnsupportedConfig, match="vmport on machine type microvm"):
        build(machine="microvm", features="<vmport state='on'/>")


def test_kvm_is_refused_where_it_does_not_run_guests(build) -> None:
    with pytest.raises(UnsupportedConfig, match="KVM does not run guests"):
        build(type="kvm")


def test_kvm_is_used_where_it_runs_guests(build) -> None:
    assert build(kvm=True).value("-accel") == "kvm"


def test_memory_is_rounded_up_to_whole_mebibytes(build) -> None:
    assert build(memory="<memory unit='KiB'>65537</memory>").value("-m") == "65"


@pytest.mark.parametrize(
    ("vcpu", "cpu", "expected"),
    [
        ("<vcpu>3</vcpu>", "", "3,sockets=3,cores=1,threads=1"),
        ("<vcpu current='1'>4</vcpu>", "", "1,maxcpus=4,sockets=4,cores=1,threads=1"),
        (
            "<vcpu>8</vcpu>",
            "<cpu><topology sockets='1' dies='2' cores='2' threads='2'/></cpu>",
            "8,sockets=1,dies=2,cores=2,threads=2",
        ),
    ],
)
def test_processors_have_a_topology(build, vcpu: str, cpu: str, expected: str) -> None:
    assert build(vcpu=vcpu, top=cpu).value("-smp") == expected


def test_more_processors_than_the_machine_takes_are_refused(build) -> None:
    with pytest.raises(UnsupportedConfig, match=r"256 vcpus: machine type pc-i440fx-7\.2 has at most 255"):
        build(vcpu="<vcpu>256</vcpu>")


# --- the processor


@pytest.mark.parametrize(
    ("cpu", "by_tcg", "by_kvm"),
    [
        ("<cpu mode='host-model'/>", "max", "host"),
        ("<cpu mode='maximum' migratable='off'/>", "max,migratable=off", "max,migratable=off"),
        ("<cpu mode='custom' check='full'><model>EPYC</model></cpu>", "EPYC,enforce=on", "EPYC,enforce=on"),
        (
            "<cpu><model>EPYC</model><vendor>Intel</vendor></cpu>",
            "EPYC,vendor=GenuineIntel",
            "EPYC,vendor=GenuineIntel",
        ),
        (
            "<cpu mode='maximum'><feature name='lahf_lm' policy='disable'/><feature name='pclmuldq'/></cpu>",
            "max,lahf-lm=off,pclmulqdq=on",
            "max,lahf-lm=off,pclmulqdq=on",
        ),
    ],
)
def test_processors_have_a_model_and_features(build, cpu: str, by_tcg: str, by_kvm: str) -> None:
    assert build(top=cpu).value("-cpu") == by_tcg
    assert build(top=cpu, kvm=True).value("-cpu") == by_kvm


def test_the_host_passes_through_with_kvm_only(build) -> None:
    cpu = "<cpu mode='host-passthrough' migratable='on'/>"
    assert build(top=cpu, kvm=True).value("-cpu") == "host,migratable=on"
    with pytest.raises(UnsupportedConfig, match="'host-passthrough' without KVM"):
        build(top=cpu)


def test_policies_say_whether_a_feature_is_there(build) -> None:
    policies = {"force": "on", "require": "on", "optional": "on", "disable": "off", "forbid": "off"}
    features = "".join(f"<feature policy='{policy}' name='f{n}'/>" for n, policy in enumerate(policies))
    switches = ",".join(f"f{n}={switch}" for n, switch in enumerate(policies.values()))
    assert build(top=f"<cpu mode='maximum'>{features}</cpu>").value("-cpu") == f"max,{switches}"


@pytest.mark.parametrize(
    ("cpu", "message"),
    [
        ("<cpu><model>Unheard-of</model></cpu>", "no CPU model 'Unheard-of'"),
        ("<cpu><model>host</model></cpu>", "cpu model 'host' without KVM"),
        ("<cpu><model>EPYC</model><vendor>Acme</vendor></cpu>", "cpu vendor 'Acme'"),
        ("<cpu mode='maximum'><feature name='a,b=c'/></cpu>", "cpu feature 'a,b=c'"),
        ("<cpu mode='maximum'><model>EPYC</model></cpu>", "cpu model 'EPYC' with mode 'maximum'"),
        ("<cpu mode='host-model' migratable='on'/>", "migratable is for"),
    ],
)
def test_a_processor_that_cannot_be_had_is_refused(build, cpu: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=cpu)


def test_a_feature_is_named_once(build) -> None:
    with pytest.raises(XMLError, match="more than once"):
        build(top="<cpu mode='maximum'><feature name='a_b'/><feature name='a-b' policy='disable'/></cpu>")


@pytest.mark.parametrize(
    ("features", "top", "processor"),
    [
        ("<apic eoi='on'/>", "", "qemu64,kvm-pv-eoi=on"),
        ("<apic eoi='off'/>", "", "qemu64,kvm-pv-eoi=off"),
        ("<pmu state='on'/>", "", "qemu64,pmu=on"),
        ("<kvm><hidden state='on'/></kvm>", "", "qemu64,kvm=off"),
        ("<pvspinlock state='on'/>", "", "qemu64,kvm-pv-unhalt=on"),
        ("<kvm><poll-control state='on'/></kvm>", "", "qemu64,kvm-poll-control=on"),
        ("<hyperv><relaxed state='on'/></hyperv>", "", "qemu64,hv-relaxed=on"),
        ("", TIMER.format("kvmclock", "present='yes'"), "qemu64,kvmclock=on"),
        ("", TIMER.format("hypervclock", "present='yes'"), "qemu64,hv-time=on"),
        ("", TIMER.format("tsc", "frequency='2000000000'"), "qemu64,tsc-frequency=2000000000"),
    ],
)
@pytest.mark.parametrize("kvm", [True, False], ids=["with kvm", "without"])
def test_what_kvm_gives_a_processor_is_asked_for_without_it_too(build, features, top, processor, kvm) -> None:
    assert build(features=features, top=top, kvm=kvm).value("-cpu") == processor


# --- clock and timers


@pytest.mark.parametrize(
    ("clock", "base"),
    [
        ("<clock offset='utc'/>", "utc"),
        ("<clock offset='localtime'/>", "localtime"),
        ("<clock offset='variable' adjustment='-3600'/>", "2026-03-01T11:00:00"),
        ("<clock offset='timezone' timezone='Asia/Kolkata'/>", "2026-03-01T17:30:00"),
    ],
)
def test_the_clock_starts_from_what_the_document_says(build, clock: str, base: str) -> None:
    assert build(top=clock).value("-rtc") == f"base={base}"


def test_a_clock_that_is_variable_by_localtime_starts_from_the_hosts(build, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=ZoneInfo("UTC"))
    here = (now.astimezone().replace(tzinfo=None)).isoformat()
    clock = "<clock offset='variable' adjustment='0' basis='localtime'/>"
    assert build(top=clock, opened={"now": now}).value("-rtc") == f"base={here}"


@pytest.mark.parametrize("zone", ["Nowhere/At_All", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_time_zone_is_refused(build, zone: str) -> None:
    with pytest.raises(UnsupportedConfig, match="timezone"):
        build(top=f"<clock offset='timezone' timezone='{zone}'/>")


@pytest.mark.parametrize(
    ("timer", "rtc"),
    [
        ("tickpolicy='catchup'", "base=utc,driftfix=slew"),
        ("tickpolicy='delay'", "base=utc"),
        ("track='guest'", "base=utc,clock=vm"),
        ("track='wall' tickpolicy='catchup'", "base=utc,clock=host,driftfix=slew"),
        ("track='realtime'", "base=utc,clock=rt"),
    ],
)
def test_the_rtc_has_a_clock_and_a_way_with_missed_ticks(build, timer: str, rtc: str) -> None:
    assert build(top=TIMER.format("rtc", timer)).value("-rtc") == rtc


@pytest.mark.parametrize(
    ("machine", "timer", "switch"),
    [
        ("pc", "hpet' present='no", "hpet=off"),
        ("q35", "hpet' present='yes", "hpet=on"),
        ("pc", "pit' present='no", "pit=off"),
        ("microvm", "rtc' present='no", "rtc=off"),
    ],
)
def test_a_timer_that_can_be_left_out_is_a_switch_of_the_machine(build, machine, timer, switch) -> None:
    clock = f"<clock offset='utc'><timer name='{timer}'/></clock>"
    assert build(machine=machine, top=clock).value("-machine").endswith(f",{switch}")


@pytest.mark.parametrize("policy", ["delay", "discard"])
def test_kvms_pit_has_a_way_with_missed_ticks(build, policy: str) -> None:
    clock = TIMER.format("pit", f"tickpolicy='{policy}'")
    assert build(top=clock, kvm=True).values("-global") == [f"kvm-pit.lost_tick_policy={policy}"]


@pytest.mark.parametrize(
    ("timer", "message"),
    [
        ("platform'", "timer 'platform'"),
        ("rtc' track='boot'", "track 'boot'"),
        ("rtc' tickpolicy='merge'", "tickpolicy 'merge'"),
        ("rtc' present='no'", "timer 'rtc': present"),
        ("pit' tickpolicy='merge'", "tickpolicy 'merge'"),
        ("hpet' tickpolicy='catchup'", "tickpolicy 'catchup'"),
        ("kvmclock' tickpolicy='delay'", "timer 'kvmclock': tickpolicy"),
        ("hpet' track='wall'", "timer 'hpet': track"),
        ("rtc' frequency='5'", "timer 'rtc': frequency"),
        ("rtc' mode='native'", "mode 'native'"),
        ("tsc' present='no'", "present 'no'"),
    ],
)
def test_what_no_timer_of_qemu_does_is_refused(build, timer: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=f"<clock offset='utc'><timer name='{timer}/></clock>")


def test_limits_of_catching_up_are_refused(build) -> None:
    with pytest.raises(UnsupportedConfig, match="limits of catching up"):
        build(top="<clock offset='utc'><timer name='rtc' tickpolicy='catchup'><catchup slew='5'/></timer></clock>")


# --- boot and power


def test_a_kernel_is_booted_directly(build) -> None:
    os = "<kernel>/boot/vm,linuz</kernel><initrd>/boot/initrd</initrd><cmdline>console=ttyS0,115200 a=b</cmdline>"
    arguments = build(os=os)
    assert arguments.value("-kernel") == "/boot/vm,linuz"
    assert arguments.value("-initrd") == "/boot/initrd"
    assert arguments.value("-append") == "console=ttyS0,115200 a=b"


def test_a_firmware_image_is_the_bios(build) -> None:
    assert build(os="<loader type='rom'>/fw/bios.bin</loader>").value("-bios") == "/fw/bios.bin"


@pytest.mark.parametrize(
    ("os", "boot"),
    [
        ("<bootmenu enable='yes' timeout='3000'/>", "menu=on,splash-time=3000,strict=on"),
        ("<bootmenu enable='no'/>", "menu=off,strict=on"),
        ("", "strict=on"),
    ],
)
def test_the_firmware_has_a_menu_if_wanted(build, os: str, boot: str) -> None:
    assert build(os=os).value("-boot") == boot


@pytest.mark.parametrize("menu", ["enable='yes' timeout='65536'", "enable='no' timeout='5'"])
def test_a_menu_that_cannot_be_is_refused(build, menu: str) -> None:
    with pytest.raises(UnsupportedConfig, match="bootmenu timeout"):
        build(os=f"<bootmenu {menu}/>")


BOOTABLE = """
<disk type='file'><source file='/a'/><target dev='vda'/>{}</disk>
<disk type='file'><source file='/b'/><target dev='vdb'/>{}</disk>
<disk type='file' device='cdrom'><target dev='hda'/></disk>
<interface type='user'>{}</interface>
"""


def boot_indexes(arguments) -> dict[str, int]:
    return {each["id"]: each["bootindex"] for each in arguments.values("-device") if "bootindex" in each}


def test_the_first_device_of_each_kind_is_in_the_boot_order(build) -> None:
    devices = BOOTABLE.format("", "", "")
    arguments = build(devices, os="<boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/>")
    assert boot_indexes(arguments) == {"ide0-0-0": 1, "virtio-disk0": 2, "net0": 3}


def test_devices_say_their_own_place_in_the_boot_order(build) -> None:
    order = "<boot order='{}'/>".format
    assert boot_indexes(build(BOOTABLE.format("", order(2), order(1)))) == {"virtio-disk1": 2, "net0": 1}


def test_what_cannot_be_booted_from_is_refused_in_the_boot_order(build) -> None:
    with pytest.raises(UnsupportedConfig, match=r"input tablet \(usb\): nothing can be booted from it"):
        build("<input type='tablet'><boot order='1'/></input>")


@pytest.mark.parametrize(
    ("machine", "switches"),
    [
        ("pc", ["PIIX4_PM.disable_s3=1", "PIIX4_PM.disable_s4=0"]),
        ("q35", ["ICH9-LPC.disable_s3=1", "ICH9-LPC.disable_s4=0"]),
    ],
)
def test_sleeping_states_are_offered_or_not(build, machine: str, switches: list[str]) -> None:
    pm = "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>"
    assert build(machine=machine, top=pm).values("-global") == switches


def test_a_microvm_never_sleeps(build) -> None:
    assert build(machine="microvm", top="<pm><suspend-to-mem enabled='no'/></pm>").values("-global") == []
    with pytest.raises(UnsupportedConfig, match="pm: suspending on machine type microvm"):
        build(machine="microvm", top="<pm><suspend-to-mem enabled='yes'/></pm>")


def test_preserving_a_guest_that_reboots_is_refused(build) -> None:
    with pytest.raises(UnsupportedConfig, match="on_reboot 'preserve'"):
        build(top="<on_reboot>preserve</on_reboot>")
