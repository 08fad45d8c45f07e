"""Definitions and capabilities for tests of the command line, and a way to read what was built."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.aliases import assign_aliases
from virtactor.actors.drivers.qemu.capabilities import Capabilities, CpuModel, Machine
from virtactor.actors.drivers.qemu.command_line import Resources, build_command_line, listens_for, supposed_resources
from virtactor.actors.drivers.qemu.defaults import complete_definition
from virtactor.wire.documents.domain import DomainDefinition, parse_domain

from .real_qemu import files, qemu, starter

__all__ = ["files", "qemu", "starter"]

UUID = "7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80"
MACHINES = {"pc": "pc-i440fx-7.2", "q35": "pc-q35-7.2", "microvm": "microvm"}
VIRTIO = ("blk", "net", "serial", "balloon", "rng", "keyboard", "mouse", "tablet")
AGED = ("blk", "net", "serial", "balloon", "rng", "scsi", "9p")
DEVICES = frozenset(
    {
        *(f"virtio-{kind}-{bus}" for kind in VIRTIO for bus in ("pci", "device")),
        *(
            "virtio-vga",
            "virtio-gpu-pci",
            "VGA",
            "cirrus-vga",
            "vmware-svga",
            "bochs-display",
            "ramfb",
            "qxl-vga",
            "qxl",
        ),
        *("ide-hd", "ide-cd", "ich9-ahci", "pcie-root-port", "pcie-pci-bridge", "pci-bridge", "vmcoreinfo"),
        *("piix3-usb-uhci", "qemu-xhci", "nec-usb-xhci", "usb-ehci", "ich9-usb-ehci1", "ich9-usb-uhci1"),
        *("usb-tablet", "usb-mouse", "usb-kbd", "isa-serial", "pci-serial", "virtconsole", "virtserialport"),
        *("vmgenid", "qemu64-x86_64-cpu", "EPYC-x86_64-cpu"),
        *("rtl8139", "e1000", "e1000e", "pcnet", "ne2k_pci", "vmxnet3", "tulip"),
        *(f"virtio-{kind}-pci{age}" for kind in AGED for age in ("", "-transitional", "-non-transitional")),
        *(f"virtio-{kind}-{bus}" for kind in ("scsi", "9p", "crypto", "input-host") for bus in ("pci", "device")),
        *("virtio-iommu-pci", "virtio-mem-pci", "virtio-pmem-pci", "virtio-vga-gl", "virtio-gpu-gl-pci"),
        *("vhost-user-fs-pci", "vhost-user-fs-device", "vhost-vsock-pci", "vhost-vsock-device", "intel-iommu"),
        *("scsi-hd", "scsi-cd", "scsi-block", "usb-storage", "floppy", "isa-fdc", "lsi53c895a", "megasas"),
        *("mptsas1068", "pvscsi", "am53c974", "dc390", "x3130-upstream", "xio3130-downstream", "pxb"),
        *("pxb-pcie", "i82801b11-bridge", "usb-hub", "usb-ccid", "usb-redir", "usb-serial", "usb-audio"),
        *("ccid-card-passthru", "ccid-card-emulated", "isa-debugcon", "isa-parallel", "pvpanic", "pvpanic-pci"),
        *("i6300esb", "ib700", "tpm-tis", "tpm-crb", "ivshmem-plain", "ivshmem-doorbell", "pc-dimm", "nvdimm"),
        *("AC97", "ES1370", "sb16", "intel-hda", "ich9-intel-hda", "hda-duplex", "hda-micro", "hda-output"),
    }
)
CAPABILITIES = Capabilities(
    binary="/usr/bin/qemu-system-x86_64",
    version=(7, 2, 22),
    package="",
    arch="x86_64",
    kvm=False,
    machines=tuple(
        Machine(
            name,
            None if name == alias else alias,
            255,
            alias == "pc",
            hotpluggable_cpus=alias != "microvm",
            default_cpu="qemu64-x86_64-cpu",
            default_ram_id="pc.ram",
        )
        for alias, name in MACHINES.items()
    ),
    cpu_models=tuple(CpuModel(name, f"{name}-x86_64-cpu") for name in ("qemu64", "EPYC", "host", "max")),
    devices=DEVICES,
    objects=frozenset(
        {
            *("rng-random", "rng-builtin", "rng-egd", "iothread", "main-loop", "input-linux"),
            "cryptodev-backend-builtin",
            *(f"memory-backend-{kind}" for kind in ("ram", "file", "memfd")),
        }
    ),
    commands=frozenset(),
    options={
        "sandbox": frozenset({"enable", "obsolete", "elevateprivileges", "spawn", "resourcecontrol"}),
        "chardev": frozenset({"clipboard"}),
        "spice": frozenset({"port"}),
    },
)
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Arguments:
    """A command line, read as QEMU reads it: options and their values, JSON values as dictionaries."""

    argv: list[str]

    def values(self, option: str) -> list[Any]:
        """All values of an option, in order."""
        pairs = zip(self.argv, self.argv[1:], strict=False)
        return [json.loads(value) if value.startswith("{") else value for word, value in pairs if word == option]

    def value(self, option: str) -> Any:
        """The value of an option that is there once."""
        (value,) = self.values(option)
        return value

    def device(self, alias: str) -> dict[str, Any]:
        """The -device with that id, without the id."""
        (device,) = [each for each in self.values("-device") if each.get("id") == alias]
        return {name: value for name, value in device.items() if name != "id"}

    def drivers(self) -> list[str]:
        return [each["driver"] for each in self.values("-device")]


def document(
    devices: str = "", *, machine: str = "pc", os: str = "", features: str = "<acpi/>", top: str = "", **given: Any
) -> str:
    """A guest's document with little in it but what is given."""
    kind = given.get("type", "qemu")
    name = given.get("name", "guest")
    vcpu = given.get("vcpu", "<vcpu>1</vcpu>")
    memory = given.get("memory", "<memory unit='MiB'>64</memory>")
    balloon = "" if "<memballoon" in devices else "<memballoon model='none'/>"
    return f"""
<domain type='{kind}'>
  <name>{name}</name><uuid>{UUID}</uuid>{memory}{vcpu}
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os>
  <features>{features}</features>
  {top}
  <devices>{devices}{balloon}</devices>
</domain>"""


def live(xml: str, capabilities: Capabilities = CAPABILITIES) -> DomainDefinition:
    """The definition that a start is given: completed, with addresses and aliases."""
    definition = parse_domain(xml)
    machine = capabilities.machine(definition.os.machine).name
    return assign_aliases(complete_definition(definition, machine=machine, emulator=capabilities.binary))


def resources(definition: DomainDefinition, **given: Any) -> Resources:
    sockets: dict[str, Path | int] = {
        each.alias: 21 for each in definition.devices.channels if each.alias and listens_for(each)
    }
    host = {"bios": {"vendor": "of the host"}, "system": {"product": "the host", "uuid": "none of the guest's"}}
    usual = {"monitor": 20, "now": NOW, "sockets": sockets, "host_sysinfo": host}
    return dataclasses.replace(supposed_resources(definition), **{**usual, **given})


Build = Callable[..., Arguments]


@pytest.fixture(scope="session")
def build() -> Build:
    """Build the command line of a document that has what is given; `resources` are changed as given."""

    def build(devices: str = "", *, kvm: bool = False, opened: dict[str, Any] | None = None, **given: Any) -> Arguments:
        capabilities = dataclasses.replace(CAPABILITIES, kvm=True) if kvm else CAPABILITIES
        xml = document(devices, **{"type": "kvm" if kvm else "qemu", **given})
        definition = live(xml, capabilities)
        return Arguments(build_command_line(definition, capabilities, resources(definition, **(opened or {}))))

    return build


@pytest.fixture(scope="session")
def prepared() -> Callable[[str], DomainDefinition]:
    """Make the live definition of a whole document."""
    return live


@pytest.fixture(scope="session")
def capabilities() -> Capabilities:
    """A QEMU that has what the tests speak of, and no KVM."""
    return CAPABILITIES


@pytest.fixture(scope="session")
def opened() -> Callable[[DomainDefinition], Resources]:
    """Make the resources for a start of a definition."""
    return resources
