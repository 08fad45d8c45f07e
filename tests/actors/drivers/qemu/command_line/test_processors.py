"""Processors: those that can be plugged, what they are beyond their model, I/O threads."""

from __future__ import annotations

import pytest
from virtactor.wire.errors import UnsupportedConfig

VCPUS = (
    "<vcpus>"
    + "".join(
        f"<vcpu id='{number}' enabled='{enabled}' hotpluggable='{plugged}'{order}/>"
        for number, enabled, plugged, order in (
            (0, "yes", "no", " order='1'"),
            (1, "yes", "yes", " order='3'"),
            (2, "no", "yes", ""),
            (3, "yes", "yes", " order='2'"),
        )
    )
    + "</vcpus>"
)


def test_processors_that_can_be_taken_out_are_devices_in_their_order(build) -> None:
    topology = "<cpu><topology sockets='2' cores='2' threads='1'/></cpu>"
    arguments = build(vcpu="<vcpu current='3'>4</vcpu>" + VCPUS, top=topology)
    assert arguments.value("-smp") == "1,maxcpus=4,sockets=2,dies=1,cores=2,threads=1"
    plugged = [each for each in arguments.values("-device") if each["driver"] == "qemu64-x86_64-cpu"]
    assert [(each["id"], each["socket-id"], each["core-id"], each["thread-id"]) for each in plugged] == [
        ("vcpu3", 1, 1, 0),
        ("vcpu1", 0, 1, 0),
    ]


@pytest.mark.parametrize(
    ("vcpu", "message"),
    [
        ("<vcpu current='2'>4</vcpu>" + VCPUS, "3 are enabled, vcpu says 2"),
        ("<vcpu current='3'>5</vcpu>" + VCPUS, "expected each of 0 to 4 once"),
        (
            "<vcpu current='3'>4</vcpu>"
            + VCPUS.replace("id='3' enabled='yes' hotpluggable='yes'", "id='3' enabled='yes' hotpluggable='no'"),
            "those that are not hotpluggable must be the first",
        ),
        ("<vcpu current='3'>4</vcpu>" + VCPUS.replace("order='3'", "order='2'"), "an order that is used twice"),
    ],
)
def test_processors_that_do_not_fit_together_are_refused(build, vcpu: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(vcpu=vcpu)


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ("<cpu><model vendor_id='KVMKVMKVMKVM'>EPYC</model></cpu>", "EPYC,vendor=KVMKVMKVMKVM"),
        ("<cpu><model>EPYC</model><cache mode='emulate' level='3'/></cpu>", "EPYC,l3-cache=on"),
        ("<cpu><model>EPYC</model><cache mode='disable'/></cpu>", "EPYC,l3-cache=off"),
        ("<cpu mode='maximum'><cache mode='passthrough'/></cpu>", "max,host-cache-info=on,l3-cache=off"),
        ("<cpu mode='maximum'><maxphysaddr mode='passthrough'/></cpu>", "max,host-phys-bits=on"),
        ("<cpu mode='maximum'><maxphysaddr mode='emulate' bits='42'/></cpu>", "max,phys-bits=42"),
    ],
)
def test_processors_have_a_vendor_caches_and_a_width(build, cpu: str, expected: str) -> None:
    assert build(top=cpu).value("-cpu") == expected


@pytest.mark.parametrize(
    ("cpu", "message"),
    [
        ("<cpu><model vendor_id='short'>EPYC</model></cpu>", "vendor_id 'short'"),
        ("<cpu><model vendor_id='KVMKVMKVMKVM'>EPYC</model><vendor>AMD</vendor></cpu>", "and vendor 'AMD'"),
        ("<cpu><cache mode='emulate' level='2'/></cpu>", "mode 'emulate' with level 2"),
        ("<cpu><cache mode='passthrough'/></cpu>", "mode 'passthrough' with cpu mode 'custom'"),
        ("<cpu><maxphysaddr mode='emulate'/></cpu>", "mode 'emulate' without bits"),
        ("<cpu><maxphysaddr mode='passthrough'/></cpu>", "maxphysaddr: mode 'passthrough' with cpu mode 'custom'"),
    ],
)
def test_what_processors_cannot_have_is_refused(build, cpu: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(top=cpu)


def test_io_threads_have_numbers_and_pools(build) -> None:
    arguments = build(
        top="""<iothreads>3</iothreads><iothreadids><iothread id='7' thread_pool_max='4'/></iothreadids>
        <defaultiothread thread_pool_min='1' thread_pool_max='2'/>"""
    )
    assert arguments.values("-object") == [
        {"qom-type": "main-loop", "id": "main-loop", "thread-pool-min": 1, "thread-pool-max": 2},
        {"qom-type": "iothread", "id": "iothread7", "thread-pool-max": 4},
        {"qom-type": "iothread", "id": "iothread1"},
        {"qom-type": "iothread", "id": "iothread2"},
    ]


# --- what is a feature although it is said elsewhere


ALL = """<hyperv><relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/><vpindex state='on'/>
<runtime state='on'/><synic state='on'/><stimer state='on'><direct state='on'/></stimer><reset state='on'/>
<vendor_id state='on' value='KVM Hv'/><frequencies state='on'/><reenlightenment state='on'/><tlbflush state='on'/>
<ipi state='on'/><evmcs state='on'/><avic state='off'/></hyperv>"""


def test_enlightenments_are_properties_of_the_processor(build) -> None:
    assert build(features=f"<acpi/>{ALL}", kvm=True).value("-cpu").split(",")[1:] == [
        *("hv-relaxed=on", "hv-vapic=on", "hv-vpindex=on", "hv-runtime=on", "hv-synic=on", "hv-stimer=on"),
        *("hv-reset=on", "hv-frequencies=on", "hv-reenlightenment=on", "hv-tlbflush=on", "hv-ipi=on", "hv-evmcs=on"),
        *("hv-avic=off", "hv-spinlocks=0x1fff", "hv-stimer-direct=on", "hv-vendor-id=KVM Hv"),
    ]


def test_all_enlightenments_of_the_host_can_be_passed(build) -> None:
    assert build(features="<hyperv mode='passthrough'/>", kvm=True).value("-cpu") == "qemu64,hv-passthrough=on"


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("<hyperv mode='passthrough'><vapic state='on'/></hyperv>", "'passthrough' with hv-vapic of its own"),
        ("<hyperv><spinlocks state='on' retries='5'/></hyperv>", "spinlocks: 5 retries"),
        ("<hyperv><vendor_id state='on' value='much too long'/></hyperv>", "vendor_id: 'much too long'"),
        ("<hyperv><stimer state='off'><direct state='on'/></stimer></hyperv>", "direct of what is not on"),
        ("<kvm><hint-dedicated state='on'/></kvm>", "hint-dedicated without cpu mode 'host-passthrough'"),
        ("<kvm><dirty-ring state='on' size='1000'/></kvm>", "dirty-ring: size 1000"),
        ("<tcg><tb-cache unit='MiB'>1</tb-cache></tcg>", "feature tcg with KVM"),
    ],
)
def test_features_that_do_not_fit_together_are_refused(build, features: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        build(features=features, kvm=True)


def test_a_machine_without_kvm_has_no_dirty_ring(build) -> None:
    features = "<kvm><dirty-ring state='on' size='4096'/></kvm><ioapic driver='kvm'/>"
    assert build(features=features, kvm=True).value("-accel") == "kvm,dirty-ring-size=4096"
    without = build(features=features)
    assert without.value("-accel") == "tcg"
    assert "kernel-irqchip=on" in without.value("-machine")


def test_kvm_has_features_of_its_own(build) -> None:
    features = """<kvm><hint-dedicated state='on'/><poll-control state='on'/><pv-ipi state='off'/>
    <dirty-ring state='on' size='4096'/></kvm><pvspinlock state='on'/><ioapic driver='qemu'/>"""
    arguments = build(features=features, top="<cpu mode='host-passthrough'/>", kvm=True)
    assert arguments.value("-cpu") == ("host,kvm-hint-dedicated=on,kvm-poll-control=on,kvm-pv-ipi=off,kvm-pv-unhalt=on")
    assert arguments.value("-accel") == "kvm,dirty-ring-size=4096"
    assert "kernel-irqchip=split" in arguments.value("-machine")


def test_tcg_has_a_cache_and_system_management_memory(build) -> None:
    features = "<tcg><tb-cache unit='MiB'>64</tb-cache></tcg><smm state='on'><tseg unit='MiB'>16</tseg></smm>"
    arguments = build(features=features, machine="q35")
    assert arguments.value("-accel") == "tcg,tb-size=64"
    assert "mch.extended-tseg-mbytes=16" in arguments.values("-global")
    with pytest.raises(UnsupportedConfig, match="a tseg of 16384 KiB"):
        build(features=features)
