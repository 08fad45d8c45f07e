"""What a host tells of itself: of a made-up host the same by our daemon and by libvirtd, of this one too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lxml import etree
from virtactor.client import Host, connect
from virtactor.client.node import CpuMap, Hypervisor, NodeInfo, SecurityModel
from virtactor.wire.enums.domain_tuning import CPUCompareResult
from virtactor.wire.enums.host import NodeSuspendTarget
from virtactor.wire.errors import NotSupported, OperationFailed, UnsupportedConfig, VirtError

from ..libvirtd import Libvirtd
from ..system.virtactord import Virtactord

NEHALEM = "<cpu><arch>x86_64</arch><model>Nehalem</model></cpu>"
PENRYN = "<cpu><arch>x86_64</arch><model>Penryn</model></cpu>"
EMULATED = Hypervisor(type="qemu")


@pytest.fixture
def host() -> Iterator[Host]:
    with connect("test:///default") as host:
        yield host


def test_the_made_up_host_is_libvirts(host: Host) -> None:
    assert host.node_info() == NodeInfo("i686", 3145728, 16, 1400, 2, 2, 2, 2)
    assert host.cpu_map() == CpuMap(8, frozenset({0, 2, 4}))
    assert host.security_model() == SecurityModel("testSecurity", "")
    assert host.free_pages([4, 2048], 0, 2) == [{4: 19, 2048: 45}, {4: 97, 2048: 201}]


QUESTIONS: dict[str, Callable[[Host], Any]] = {
    "node_info": lambda host: host.node_info(),
    "cpu_map": lambda host: host.cpu_map(),
    "cpu_stats": lambda host: host.cpu_stats(),
    "cpu_stats of one": lambda host: host.cpu_stats(1),
    "free_memory": lambda host: host.free_memory(),
    "cells_free_memory": lambda host: host.cells_free_memory(0, 2),
    "security_model": lambda host: host.security_model(),
    "sysinfo": lambda host: host.sysinfo(),
    "max_vcpus": lambda host: host.max_vcpus(),
    "max_vcpus of a type": lambda host: host.max_vcpus("kvm"),
    "cpu_models": lambda host: host.cpu_models("x86_64"),
    "baseline_cpu": lambda host: host.baseline_cpu([NEHALEM, PENRYN]),
    "baseline_cpu in full": lambda host: host.baseline_cpu([NEHALEM, PENRYN], expand=True),
    "compare_cpu": lambda host: host.compare_cpu(PENRYN),
    "memory_stats": lambda host: host.memory_stats(),
    "memory_parameters": lambda host: host.memory_parameters(),
    "set_memory_parameters": lambda host: host.set_memory_parameters({"shm_pages_to_scan": 3}),
    "allocate_pages": lambda host: host.allocate_pages({2048: 1}, 0),
    "suspend": lambda host: host.suspend(NodeSuspendTarget.MEM, 60),
    "sev_info": lambda host: host.sev_info(),
    "domain_capabilities": lambda host: host.domain_capabilities(),
    "baseline_cpu of a hypervisor": lambda host: host.baseline_cpu([PENRYN], EMULATED),
}


def outcome(question: Callable[[Host], Any], host: Host) -> Any:
    try:
        return question(host)
    except VirtError as error:
        return error.code, error.domain


@pytest.mark.parametrize("name", QUESTIONS)
def test_our_test_driver_and_libvirtds_tell_the_same(name: str, host: Host, libvirtd: Libvirtd) -> None:
    with connect(libvirtd.uri("test")) as theirs:
        assert outcome(QUESTIONS[name], host) == outcome(QUESTIONS[name], theirs)


# -- this host ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ours(shared: Virtactord) -> Iterator[Host]:
    with shared.connect() as host:
        yield host


@pytest.fixture
def theirs(libvirtd: Libvirtd) -> Iterator[Host]:
    with connect(libvirtd.uri("qemu")) as host:
        yield host


def test_this_host_is_told_as_libvirtd_tells_it(ours: Host, theirs: Host) -> None:
    assert ours.node_info() == theirs.node_info()
    assert ours.cpu_map() == theirs.cpu_map()
    assert ours.security_model() == theirs.security_model()
    assert list(ours.cpu_stats()) == list(theirs.cpu_stats())
    assert list(ours.memory_stats()) == list(theirs.memory_stats())
    assert list(ours.memory_stats(0)) == list(theirs.memory_stats(0))
    assert ours.memory_parameters().keys() == theirs.memory_parameters().keys()
    assert len(ours.cells_free_memory()) == len(theirs.cells_free_memory())
    assert ours.free_pages([4])[0].keys() == {4}


@pytest.mark.parametrize(
    "cpu",
    [
        "<cpu/>",
        "<cpu mode='host-model'/>",
        "<cpu><model>kvm64</model></cpu>",
        "<cpu match='strict'><model>kvm64</model></cpu>",
        "<cpu><model>kvm64</model><feature name='svm' policy='optional'/></cpu>",
        "<cpu><model>kvm64</model><feature name='sse2' policy='forbid'/></cpu>",
        "<cpu><model>Haswell</model></cpu>",
        "<cpu><arch>aarch64</arch></cpu>",
        "<cpu><model>Abacus</model></cpu>",
        "<cpu><model>kvm64</model><feature name='abacus'/></cpu>",
        "<cpu><feature name='svm'/></cpu>",
        "<cpu",
    ],
)
@pytest.mark.parametrize("of", [None, EMULATED], ids=["the host's", "the hypervisor's"])
def test_processors_compare_as_libvirtd_compares_them(
    ours: Host, theirs: Host, cpu: str, of: Hypervisor | None
) -> None:
    def compared(host: Host) -> Any:
        return outcome(lambda host: host.compare_cpu(cpu, of), host)

    assert compared(ours) == compared(theirs)


def test_libvirtds_processor_is_compared_here(ours: Host, theirs: Host) -> None:
    cpu = etree.fromstring(theirs.capabilities()).find("host/cpu")
    assert cpu is not None
    assert ours.compare_cpu(etree.tostring(cpu, encoding="unicode")) == CPUCompareResult.IDENTICAL


def test_why_a_processor_is_incompatible_is_told(ours: Host) -> None:
    with pytest.raises(OperationFailed, match="Host CPU provides forbidden features: sse2"):
        ours.compare_cpu("<cpu><model>kvm64</model><feature name='sse2' policy='forbid'/></cpu>", fail=True)


def tags(root: etree._Element, path: str) -> list[str]:
    return [str(child.tag) for child in root.iterfind(f"{path}/*")]


def test_capabilities_have_libvirtds_elements(ours: Host, theirs: Host) -> None:
    """What a program finds in libvirtd's document it finds in ours."""
    ours_, theirs_ = (etree.fromstring(host.capabilities()) for host in (ours, theirs))
    left_out = {"migration_features", "disksnapshot", "baselabel"}
    for path in ("host", "host/cpu", "host/topology/cells/cell", "guest", "guest/arch"):
        found, expected = (set(tags(root, path)) for root in (ours_, theirs_))
        assert expected - found - left_out == set(), path
    machines = [{each.text for each in root.iterfind("guest/arch/machine")} for root in (ours_, theirs_)]
    assert machines[0] == machines[1]


def test_domain_capabilities_have_libvirtds_elements(ours: Host, theirs: Host) -> None:
    ours_, theirs_ = (etree.fromstring(host.domain_capabilities(EMULATED)) for host in (ours, theirs))
    for path in (".", "cpu", "devices", "features", "os"):
        found, expected = (tags(root, path) for root in (ours_, theirs_))
        assert found == expected, path
    assert ours_.findtext("machine") == theirs_.findtext("machine")
    usable = [
        {model.text: model.get("usable") for model in root.iterfind("cpu/mode[@name='custom']/model")}
        for root in (ours_, theirs_)
    ]
    assert usable[1].items() <= usable[0].items()


def test_what_this_host_does_not_do_is_refused_by_name(ours: Host) -> None:
    with pytest.raises(NotSupported, match="virNodeSuspendForDuration: the host of running guests"):
        ours.suspend(NodeSuspendTarget.MEM, 60)
    with pytest.raises(UnsupportedConfig, match="'shm_full_scans'"):
        ours.set_memory_parameters({"shm_full_scans": 3})
