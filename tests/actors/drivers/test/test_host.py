"""The made-up host of the test driver is the one that libvirt's test driver makes up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from virtactor.wire.errors import VirtError

from ....libvirts_own import ask, canonical, there
from ....raw_client import RawClient
from ...served import Served

pytestmark = pytest.mark.skipif(not there(), reason="no libvirt-python (Debian: python3-libvirt)")

HASWELL = "<cpu><arch>x86_64</arch><model>Haswell</model></cpu>"
NEHALEM = "<cpu><arch>x86_64</arch><model>Nehalem</model></cpu>"
PENRYN = "<cpu><arch>x86_64</arch><model>Penryn</model></cpu>"
AMD = "<cpu><arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor></cpu>"

Ask = Callable[[RawClient], Any]


@pytest.fixture
def client(served: Served) -> Iterator[RawClient]:
    with served.opened() as client:
        yield client


def figures(stats: list[tuple[str, int]]) -> dict[str, int]:
    return dict(stats)


# What libvirt-python is asked, and our daemon's rows: both give the same value.
SAME: dict[str, Ask] = {
    "host.getInfo()": lambda client: [
        value // 1024 if place == 1 else value for place, value in enumerate(client.call("node_get_info"))
    ],
    "host.getCPUMap()[::2]": lambda client: list(client.call("node_get_cpu_map", 0, 1, 0)[:0:-1]),
    "host.getCPUStats(-1)": lambda client: figures(client.call("node_get_cpu_stats", -1, 16, 0)[0]),
    "host.getFreeMemory()": lambda client: client.call("node_get_free_memory"),
    "host.getCellsFreeMemory(0, 10)": lambda client: client.call("node_get_cells_free_memory", 0, 10),
    "host.getCellsFreeMemory(1, 1)": lambda client: client.call("node_get_cells_free_memory", 1, 1),
    "host.getMaxVcpus('any')": lambda client: client.call("connect_get_max_vcpus", "any"),
    "host.getSecurityModel()": lambda client: list(client.call("node_get_security_model")),
    "host.getCPUModelNames('i686')": lambda client: client.call("connect_get_cpu_model_names", "i686", 1, 0)[0],
    "host.getCPUModelNames('ppc64')": lambda client: client.call("connect_get_cpu_model_names", "ppc64", 1, 0)[0],
    "host.getCPUModelNames('s390x')": lambda client: client.call("connect_get_cpu_model_names", "s390x", 1, 0)[0],
    "host.getSysinfo()": lambda client: client.call("connect_get_sysinfo", 0),
}


@pytest.mark.parametrize("question", SAME)
def test_facts_are_libvirts(client: RawClient, question: str) -> None:
    assert SAME[question](client) == ask(f"answer = {question}")


def test_the_capabilities_are_libvirts(client: RawClient) -> None:
    theirs = ask("answer = host.getCapabilities()").replace("<doi></doi>", "")
    assert canonical(client.call("connect_get_capabilities")) == canonical(theirs)


@pytest.mark.parametrize("flags", [0, 1])
@pytest.mark.parametrize("cpus", [[HASWELL, PENRYN], [PENRYN], [NEHALEM, NEHALEM]])
def test_what_processors_have_in_common_is_libvirts(client: RawClient, cpus: list[str], flags: int) -> None:
    theirs = ask("answer = host.baselineCPU(*given)", [cpus, flags])
    assert client.call("connect_baseline_cpu", cpus, flags) == theirs


def test_processors_of_two_makers_have_libvirts_model_in_common(client: RawClient) -> None:
    theirs = ask("answer = host.baselineCPU(given)", [HASWELL, AMD])
    assert "kvm64" in theirs
    assert "<model fallback='allow'>kvm64</model>" in client.call("connect_baseline_cpu", [HASWELL, AMD], 0)


ERRORS: dict[str, Ask] = {
    "host.getCPUMap, 1": lambda client: client.call("node_get_cpu_map", 1, 1, 1),
    "host.getCPUStats, -1, 1": lambda client: client.call("node_get_cpu_stats", -1, 4, 1),
    "host.getCPUStats, -2": lambda client: client.call("node_get_cpu_stats", -2, 4, 0),
    "host.getCellsFreeMemory, 2, 1": lambda client: client.call("node_get_cells_free_memory", 2, 1),
    "host.getFreePages, [], 0, 1": lambda client: client.call("node_get_free_pages", [], 0, 1, 0),
    "host.getMemoryStats, 0": lambda client: client.call("node_get_memory_stats", 4, 0, 0),
    "host.allocPages, {2048: 1}, 0, 1": lambda client: client.call("node_alloc_pages", [2048], [1], 0, 1, 0),
    "host.getMemoryParameters": lambda client: client.call("node_get_memory_parameters", 0, 4),
    "host.getSEVInfo": lambda client: client.call("node_get_sev_info", 0, 4),
    "host.suspendForDuration, 0, 60": lambda client: client.call("node_suspend_for_duration", 0, 60, 0),
    "host.getCPUModelNames, 'foo'": lambda client: client.call("connect_get_cpu_model_names", "foo", 1, 0),
    "host.getCPUModelNames, 'riscv64'": lambda client: client.call("connect_get_cpu_model_names", "riscv64", 1, 0),
    "host.getCPUModelNames, 'i686', 1": lambda client: client.call("connect_get_cpu_model_names", "i686", 1, 1),
    "host.compareCPU, '<cpu/>'": lambda client: client.call("connect_compare_cpu", "<cpu/>", 0),
    "host.getDomainCapabilities": lambda client: client.call("connect_get_domain_capabilities", *[None] * 4, 0),
    "host.compareHypervisorCPU, None, None, None, None, '<cpu/>'": lambda client: client.call(
        "connect_compare_hypervisor_cpu", *[None] * 4, "<cpu/>", 0
    ),
    "host.baselineCPU, [], 0": lambda client: client.call("connect_baseline_cpu", [], 0),
    "host.baselineCPU, ['<cpu/>'], 2": lambda client: client.call("connect_baseline_cpu", ["<cpu/>"], 2),
    "host.baselineCPU, ['<cpu/>'], 0": lambda client: client.call("connect_baseline_cpu", ["<cpu/>"], 0),
    "host.baselineCPU, ['<x/>'], 0": lambda client: client.call("connect_baseline_cpu", ["<x/>"], 0),
    "host.baselineCPU, ['<cpu'], 0": lambda client: client.call("connect_baseline_cpu", ["<cpu"], 0),
}


@pytest.mark.parametrize("question", ERRORS)
def test_errors_are_libvirts_by_number_and_area(client: RawClient, question: str) -> None:
    kind, *theirs = ask(f"answer = outcome({question})")
    assert kind == "error"
    with pytest.raises(VirtError) as caught:
        ERRORS[question](client)
    assert [caught.value.code, caught.value.domain] == theirs[:2]


def test_who_has_no_room_is_told_how_many_figures_there_are(client: RawClient) -> None:
    assert client.call("node_get_cpu_stats", -1, 0, 0) == ([], 4)
    assert client.call("node_get_cpu_stats", -1, 2, 0)[1] == 2


def test_processors_are_bits_the_lowest_first(client: RawClient) -> None:
    assert client.call("node_get_cpu_map", 1, 1, 0) == (b"\x15", 3, 8)
    assert client.call("node_get_cpu_map", 0, 0, 0) == (b"", 0, 8)


def test_free_pages_grow_from_size_to_size_and_cell_to_cell(client: RawClient) -> None:
    assert client.call("node_get_free_pages", [4, 2048], 0, 2, 0) == [19, 45, 97, 201]
