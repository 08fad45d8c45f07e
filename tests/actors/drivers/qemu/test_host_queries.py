"""What the qemu driver tells of this host and of its emulators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.capabilities import find_emulators
from virtactor.actors.drivers.qemu.driver import QemuDriver
from virtactor.actors.host.files import HostFiles
from virtactor.wire.documents.capabilities import parse_capabilities
from virtactor.wire.documents.cpu import parse_cpu
from virtactor.wire.documents.domain_capabilities import CpuMode, Support, parse_domain_capabilities
from virtactor.wire.enums.domain_tuning import CPUCompareResult
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import InvalidArgument, NotSupported, OperationFailed, UnsupportedConfig, VirtError
from virtactor.wire.params import TypedParam, values_of

from ....raw_client import RawClient, domain_xml
from ...host.machines import tree, two_sockets
from ...served import Served

QEMU = find_emulators().get("x86_64", "")
NODE = "sys/devices/system/node/node"
ANY = (None, None, None, None)
EMULATED = (None, None, None, "qemu")

pytestmark = pytest.mark.skipif(not QEMU, reason="no QEMU for x86_64")


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root)


@pytest.fixture
def client(served: Served) -> Iterator[RawClient]:
    with served.opened("qemu:///system") as client:
        yield client


@pytest.fixture
def machine(served: Served, client: RawClient, tmp_path: Path) -> Path:
    """A machine made of files, which the driver takes for its own."""
    (driver,) = served.actors(QemuDriver)
    driver.files = HostFiles(two_sockets(tmp_path))
    return tree(
        tmp_path,
        {
            "proc/meminfo": "MemTotal: 2097152 kB\nMemFree: 99 kB\nBuffers: 7 kB\nCached: 8 kB",
            "proc/stat": "cpu  10 1 5 100 7 2 3\ncpu0 1 0 1 1 1 0 0",
            f"{NODE}0/meminfo": "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 4096 kB",
            f"{NODE}1/meminfo": "Node 1 MemTotal: 1048576 kB\nNode 1 MemFree: 8192 kB",
            f"{NODE}1/hugepages/hugepages-2048kB/free_hugepages": "3",
            "sys/devices/system/cpu/online": "0-2,4-7",
            "sys/devices/system/cpu/present": "0-7",
            "sys/kernel/mm/ksm/pages_to_scan": "100",
            "sys/kernel/mm/ksm/full_scans": "2",
        },
    )


def host_cpu(client: RawClient) -> str:
    """The processor of the capabilities, as a caller would cut it out."""
    text = client.call("connect_get_capabilities")
    return text[text.index("<cpu>") : text.index("</cpu>") + len("</cpu>")]


# -- the host ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("machine")
def test_processors_and_memory_are_the_machines(client: RawClient) -> None:
    model, memory, cpus, mhz, *_ = client.call("node_get_info")
    assert (model, memory, cpus, mhz) == (os.uname().machine, 2097152, 7, 2596)
    assert client.call("node_get_cpu_map", 1, 1, 0) == (b"\xf7", 7, 8)
    stats, count = client.call("node_get_cpu_stats", -1, 4, 0)
    assert count == 4
    assert [name for name, _ in stats] == ["kernel", "user", "idle", "iowait"]
    assert client.call("node_get_free_memory") == (4096 + 8192) * 1024
    assert client.call("node_get_cells_free_memory", 0, 9) == [4096 * 1024, 8192 * 1024]
    assert dict(client.call("node_get_memory_stats", 9, -1, 0)[0]) == {
        "total": 2097152,
        "free": 99,
        "buffers": 7,
        "cached": 8,
    }
    assert client.call("node_get_memory_stats", 0, 1, 0) == ([], 2)
    assert client.call("node_get_free_pages", [2048], 1, 1, 0) == [3]


def test_pools_of_huge_pages_are_changed(client: RawClient, machine: Path) -> None:
    assert client.call("node_alloc_pages", [2048], [4], 0, 2, 1) == 2
    assert client.call("node_alloc_pages", [2048], [4], 1, 1, 0) == 1
    assert (machine / f"{NODE}1/hugepages/hugepages-2048kB/nr_hugepages").read_text() == "8"


def test_merging_of_equal_pages_is_tuned(client: RawClient, machine: Path) -> None:
    assert client.call("node_get_memory_parameters", 0, 4) == ([], 2)
    params, _ = client.call("node_get_memory_parameters", 9, 4)
    assert values_of(TypedParam(*each) for each in params) == {"shm_pages_to_scan": 100, "shm_full_scans": 2}
    client.call("node_set_memory_parameters", [TypedParam("shm_pages_to_scan", 2, 300)], 0)
    assert (machine / "sys/kernel/mm/ksm/pages_to_scan").read_text() == "300"
    with pytest.raises(UnsupportedConfig, match="'shm_full_scans'"):
        client.call("node_set_memory_parameters", [TypedParam("shm_full_scans", 4, 3)], 0)


def test_the_firmware_is_told_where_there_is_one(client: RawClient, machine: Path) -> None:
    Path(machine, "sys/class/dmi/id/product_uuid").unlink()
    Path(machine, "sys/class/dmi/id").rmdir()
    with pytest.raises(UnsupportedConfig, match="Host SMBIOS information is not available"):
        client.call("connect_get_sysinfo", 0)
    tree(machine, {"sys/class/dmi/id/sys_vendor": "QEMU"})
    assert "<entry name='manufacturer'>QEMU</entry>" in client.call("connect_get_sysinfo", 0)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("row", "args", "code"),
    [
        ("node_get_cpu_stats", (7, 4, 0), ErrorNumber.INVALID_ARG),
        ("node_get_cpu_stats", (-2, 4, 0), ErrorNumber.INVALID_ARG),
        ("node_get_memory_stats", (4, 5, 0), ErrorNumber.INVALID_ARG),
        ("node_get_cells_free_memory", (2, 1), ErrorNumber.INTERNAL_ERROR),
        ("node_get_free_pages", ([3], 0, 1, 0), ErrorNumber.OPERATION_FAILED),
        ("node_alloc_pages", ([4], [1], 0, 1, 0), ErrorNumber.OPERATION_UNSUPPORTED),
        ("node_alloc_pages", ([2048], [], 0, 1, 0), ErrorNumber.INVALID_ARG),
        ("node_alloc_pages", ([2048], [1], 0, 1, 2), ErrorNumber.INVALID_ARG),
        ("node_suspend_for_duration", (0, 60, 0), ErrorNumber.NO_SUPPORT),
        ("node_get_sev_info", (0, 0), ErrorNumber.OPERATION_UNSUPPORTED),
        ("connect_get_max_vcpus", ("cray",), ErrorNumber.INVALID_ARG),
        ("connect_get_cpu_model_names", ("cray", 1, 0), ErrorNumber.INVALID_ARG),
    ],
)
def test_what_cannot_be_is_refused_by_libvirts_number(
    client: RawClient, row: str, args: tuple[Any, ...], code: int
) -> None:
    with pytest.raises(VirtError) as caught:
        client.call(row, *args)
    assert caught.value.code == code


# -- its emulators -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("machine")
def test_the_capabilities_are_the_hosts_and_its_emulators(client: RawClient) -> None:
    document = parse_capabilities(client.call("connect_get_capabilities"))
    assert len(document.host.cells) == 2
    assert [model.model for model in document.host.security_models] == ["none"]
    (guest,) = [guest for guest in document.guests if guest.arch == "x86_64"]
    assert guest.emulator == QEMU
    assert "qemu" in guest.domain_types
    assert {"pc", "q35"} <= {machine.name for machine in guest.machines}
    assert client.call("node_get_security_model") == ("none", "0")


def test_the_hosts_processor_is_identical_to_itself(client: RawClient) -> None:
    cpu = host_cpu(client)
    assert client.call("connect_compare_cpu", cpu, 0) == CPUCompareResult.IDENTICAL
    same = parse_cpu(client.call("connect_baseline_cpu", [cpu, cpu], 0))
    told = parse_cpu(cpu)
    assert (same.model, same.vendor) == (told.model, told.vendor)
    assert {feature.name for feature in same.features} == {feature.name for feature in told.features}


def test_models_are_those_of_qemu(client: RawClient) -> None:
    names, count = client.call("connect_get_cpu_model_names", "x86_64", 1, 0)
    assert count == len(names)
    assert {"qemu64", "Haswell", "EPYC"} <= set(names)
    assert not {"max", "host", "base", "EPYC-v1"} & set(names)
    assert client.call("connect_get_cpu_model_names", "i686", 0, 0) == ([], count)
    assert client.call("connect_get_cpu_model_names", "sh4", 1, 0) == ([], 0)


def test_a_processor_is_compared_to_what_the_hypervisor_gives(client: RawClient) -> None:
    nehalem = "<cpu><model>Nehalem</model></cpu>"
    row = "connect_compare_hypervisor_cpu"
    assert client.call(row, *EMULATED, nehalem, 0) == CPUCompareResult.SUPERSET
    with pytest.raises(InvalidArgument, match="Unknown CPU model"):
        client.call(row, *EMULATED, "<cpu><model>Abacus</model></cpu>", 0)
    haswell = "<cpu><model>Haswell</model></cpu>"
    assert client.call(row, *EMULATED, haswell, 0) == CPUCompareResult.INCOMPATIBLE
    with pytest.raises(OperationFailed, match="does not provide required features: hle") as caught:
        client.call(row, *EMULATED, haswell, 1)
    assert caught.value.code == ErrorNumber.CPU_INCOMPATIBLE


def test_what_the_hypervisor_cannot_give_is_disabled(client: RawClient) -> None:
    haswell = "<cpu><arch>x86_64</arch><model>Haswell</model></cpu>"
    found = parse_cpu(client.call("connect_baseline_hypervisor_cpu", *EMULATED, [haswell], 0))
    assert (found.model, found.fallback) == ("Haswell", "forbid")
    disabled = {feature.name for feature in found.features if feature.policy == "disable"}
    assert {"hle", "rtm", "tsc-deadline"} <= disabled


@pytest.mark.parametrize("xmls", [[], ["<cpu/>"], ["<cpu mode='host-model'/>"]])
def test_a_hypervisors_baseline_needs_models(client: RawClient, xmls: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="no CPU") as caught:
        client.call("connect_baseline_hypervisor_cpu", *EMULATED, xmls, 0)
    assert caught.value.domain == ErrorDomain.CPU
    named = "<cpu mode='custom'><model>Penryn</model></cpu>"
    assert "Penryn" in client.call("connect_baseline_hypervisor_cpu", *EMULATED, [named], 0)


def test_the_default_machine_comes_first(client: RawClient) -> None:
    document = parse_capabilities(client.call("connect_get_capabilities"))
    first = {guest.arch: guest.machines[0].name for guest in document.guests}
    usual = parse_domain_capabilities(client.call("connect_get_domain_capabilities", *ANY, 0))
    assert first["x86_64"] == usual.machine


def test_what_the_driver_does_not_do_is_refused_before_it_is_completed(client: RawClient) -> None:
    device = "<hostdev mode='subsystem' type='pci'><source><address bus='1' slot='0' function='0'/></source></hostdev>"
    told = parse_domain_capabilities(client.call("connect_get_domain_capabilities", *EMULATED, 0))
    assert told.devices is not None
    if told.devices.hostdev == Support(supported=False):
        with pytest.raises(UnsupportedConfig, match="hostdev"):
            client.call(
                "domain_define_xml_flags", domain_xml("a", type="qemu", extra=f"<devices>{device}</devices>"), 0
            )


def test_domain_capabilities_tell_what_the_driver_does(client: RawClient) -> None:
    told = client.call("connect_get_domain_capabilities", None, None, "q35", "qemu", 0)
    document = parse_domain_capabilities(told)
    assert (document.path, document.domain, document.arch) == (QEMU, "qemu", "x86_64")
    assert document.machine is not None
    assert document.machine.startswith("pc-q35-")
    modes = {mode.name: mode for mode in document.cpu_modes}
    assert [name for name, mode in modes.items() if mode.supported] == ["maximum", "host-model", "custom"]
    usable = {model.name: model.usable for model in modes["custom"].models}
    assert (usable["qemu64"], usable["Haswell"]) == ("yes", "no")
    assert _describes(client, modes["host-model"]) == CPUCompareResult.IDENTICAL
    assert document.devices is not None
    assert document.devices.disk is not None
    buses = next(choice.values for choice in document.devices.disk.choices if choice.name == "bus")
    assert {"virtio", "sata"} <= set(buses)
    assert "ide" not in buses


def _describes(client: RawClient, mode: CpuMode) -> int:
    """How what `host-model` stands for compares to what the emulator gives."""
    features = "".join(f"<feature policy='{each.policy}' name='{each.name}'/>" for each in mode.features)
    cpu = f"<cpu mode='custom'><model>{mode.models[0].name}</model>{features}</cpu>"
    return client.call("connect_compare_hypervisor_cpu", *EMULATED, cpu, 0)


def test_usable_models_are_those_that_qemu_calls_so(client: RawClient, served: Served) -> None:
    told = parse_domain_capabilities(client.call("connect_get_domain_capabilities", *EMULATED, 0))
    (custom,) = [mode for mode in told.cpu_modes if mode.name == "custom"]
    (driver,) = served.actors(QemuDriver)
    (found,) = [task.result() for key, task in driver.emulators._probes.items() if key[0] == QEMU]
    qemus = {model.name: "yes" if model.usable else "no" for model in found.cpu_models}
    assert {model.name: model.usable for model in custom.models} == {
        model.name: qemus[model.name] for model in custom.models
    }


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ((None, None, "cray", None), InvalidArgument),
        ((None, None, None, "cray"), InvalidArgument),
        ((None, "cray", None, None), InvalidArgument),
        ((QEMU, "aarch64", None, None), InvalidArgument),
        (("/nowhere/qemu", None, None, None), UnsupportedConfig),
    ],
)
def test_a_hypervisor_that_is_not_there_is_refused(
    client: RawClient, what: tuple[str | None, ...], kind: type[VirtError]
) -> None:
    with pytest.raises(kind) as caught:
        client.call("connect_get_domain_capabilities", *what, 0)
    assert caught.value.domain == ErrorDomain.QEMU


def test_a_machine_tells_how_many_processors_it_can_have(client: RawClient) -> None:
    usual = parse_domain_capabilities(client.call("connect_get_domain_capabilities", *ANY, 0))
    assert client.call("connect_get_max_vcpus", None) == usual.max_vcpus
    assert client.call("connect_get_max_vcpus", "QEMU") == usual.max_vcpus


def test_what_qemu_said_of_its_models_is_kept(client: RawClient, root: Path) -> None:
    before = set(root.rglob("*.json"))
    client.call("connect_compare_hypervisor_cpu", *EMULATED, "<cpu><model>qemu64</model></cpu>", 0)
    kept = set(root.rglob("*.json")) - before
    assert any("Haswell" in path.read_text() and '"known"' in path.read_text() for path in kept)


def test_sev_is_not_there_by_name(client: RawClient) -> None:
    with pytest.raises(NotSupported, match="SEV") as caught:
        client.call("node_get_sev_info", 0, 4)
    assert caught.value.domain == ErrorDomain.QEMU
