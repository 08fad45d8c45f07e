"""Completing definitions as libvirt's qemu driver does: the places of devices are its own, stable and never shared."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu.aliases import assign_aliases
from virtactor.actors.drivers.qemu.defaults import complete_definition
from virtactor.actors.drivers.qemu.labels import label
from virtactor.wire.documents.domain import (
    Channel,
    Console,
    Controller,
    Device,
    Devices,
    Disk,
    DomainDefinition,
    DriveAddress,
    Graphics,
    Hub,
    Input,
    Interface,
    Memballoon,
    MmioAddress,
    OperatingSystem,
    PciAddress,
    Rng,
    Serial,
    UsbAddress,
    Video,
    VirtioSerialAddress,
    format_domain,
    parse_domain,
)
from virtactor.wire.errors import UnsupportedConfig, VirtError, XMLError

UUID = "11111111-2222-3333-4444-555555555555"
MACHINES = {"pc": "pc-i440fx-7.2", "q35": "pc-q35-7.2", "microvm": "microvm"}

EVERYTHING = Devices(
    disks=(
        Disk(source="/a", target="vda", bus="virtio"),
        Disk(source="/b", target="hda", bus="ide"),
        Disk(device="cdrom", target="hdc"),
        Disk(source="/c", target="sdb", bus="sata"),
    ),
    interfaces=(Interface(), Interface(mac="52:54:00:11:22:33", model="virtio")),
    serials=(Serial(type="pty"),),
    consoles=(Console(type="pty", target_type="virtio"),),
    channels=(
        Channel(type="unix", target_type="virtio", name="org.qemu.guest_agent.0"),
        Channel(type="unix", target_type="virtio", name="org.x"),
    ),
    inputs=(Input(type="tablet", bus="usb"), Input(type="keyboard", bus="virtio")),
    graphics=(Graphics(autoport=True),),
    rngs=(Rng(model="virtio", backend="random", source="/dev/urandom"),),
)


def guest(devices: Devices | None = None, **parts: Any) -> DomainDefinition:
    devices = devices or Devices(**parts)
    return DomainDefinition(
        type="qemu", name="x", uuid=UUID, memory=1024, os=OperatingSystem(type="hvm"), devices=devices
    )


def completed(machine: str, devices: Devices | None = None, **parts: Any) -> DomainDefinition:
    return again(guest(devices, **parts), machine)


def again(definition: DomainDefinition, machine: str) -> DomainDefinition:
    return complete_definition(definition, machine=MACHINES[machine], emulator="/usr/bin/qemu-system-x86_64")


def place(device: Device) -> str:
    match device.address:
        case PciAddress(bus=bus, slot=slot, function=function):
            return f"{bus:x}:{slot:x}.{function}"
        case DriveAddress(controller=controller, bus=bus, unit=unit):
            return f"{controller}-{bus}-{unit}"
        case VirtioSerialAddress(controller=controller, port=port):
            return f"{controller}/{port}"
        case UsbAddress(bus=bus, port=port):
            return f"{bus}.{port}"
        case MmioAddress():
            return "mmio"
    return "-"


def places(definition: DomainDefinition) -> dict[str, str]:
    return {label(device): place(device) for device in definition.devices}


# --- against what libvirt 9.0 makes of the same documents


def test_a_bare_pc_is_completed_as_libvirt_does() -> None:
    assert places(completed("pc")) == {
        "controller usb 0 (piix3-uhci)": "0:1.2",
        "controller pci 0 (pci-root)": "-",
        "input mouse (ps2)": "-",
        "input keyboard (ps2)": "-",
        "memballoon": "0:2.0",
    }


def test_a_bare_q35_is_completed_as_libvirt_does() -> None:
    definition = completed("q35")

    assert places(definition) == {
        "controller usb 0 (qemu-xhci)": "1:0.0",
        "controller sata 0": "0:1f.2",
        "controller pci 0 (pcie-root)": "-",
        "controller pci 1 (pcie-root-port)": "0:1.0",
        "controller pci 2 (pcie-root-port)": "0:1.1",
        "controller pci 3 (pcie-root-port)": "0:1.2",
        "input mouse (ps2)": "-",
        "input keyboard (ps2)": "-",
        "memballoon": "2:0.0",
    }
    ports = [each for each in definition.devices.controllers if each.model == "pcie-root-port"]
    assert [(each.pci_model, each.chassis, each.port) for each in ports] == [
        ("pcie-root-port", 1, 0x08),
        ("pcie-root-port", 2, 0x09),
        ("pcie-root-port", 3, 0x0A),
    ]
    assert isinstance(ports[0].address, PciAddress)
    assert ports[0].address.multifunction is True


def test_a_full_pc_gets_the_places_that_libvirt_gives() -> None:
    assert places(completed("pc", EVERYTHING)) == {
        "disk 'vda'": "0:7.0",
        "disk 'hda'": "0-0-0",
        "disk 'hdc'": "0-1-0",
        "disk 'sdb'": "0-0-1",
        "controller usb 0 (piix3-uhci)": "0:1.2",
        "controller pci 0 (pci-root)": "-",
        "controller ide 0": "0:1.1",
        "controller sata 0": "0:5.0",
        "controller virtio-serial 0": "0:6.0",
        "interface 52:54:00:8d:fc:9f": "0:3.0",
        "interface 52:54:00:11:22:33": "0:4.0",
        "serial 0": "-",
        "console 0 (serial)": "-",
        "console 0 (virtio)": "0/0",
        "channel 'org.qemu.guest_agent.0'": "0/1",
        "channel 'org.x'": "0/2",
        "input tablet (usb)": "0.1",
        "input keyboard (virtio)": "0:a.0",
        "input mouse (ps2)": "-",
        "input keyboard (ps2)": "-",
        "video": "0:2.0",
        "memballoon": "0:8.0",
        "rng": "0:9.0",
    }


def test_a_full_q35_gets_the_places_that_libvirt_gives() -> None:
    devices = dataclasses.replace(EVERYTHING, disks=(EVERYTHING.disks[0], EVERYTHING.disks[3]))

    assert places(completed("q35", devices)) == {
        "disk 'vda'": "6:0.0",
        "disk 'sdb'": "0-0-1",
        "controller usb 0 (qemu-xhci)": "4:0.0",
        "controller sata 0": "0:1f.2",
        "controller pci 0 (pcie-root)": "-",
        "controller virtio-serial 0": "5:0.0",
        "controller pci 1 (pcie-root-port)": "0:2.0",
        "controller pci 2 (pcie-to-pci-bridge)": "1:0.0",
        "controller pci 3 (pcie-root-port)": "0:2.1",
        "controller pci 4 (pcie-root-port)": "0:2.2",
        "controller pci 5 (pcie-root-port)": "0:2.3",
        "controller pci 6 (pcie-root-port)": "0:2.4",
        "controller pci 7 (pcie-root-port)": "0:2.5",
        "controller pci 8 (pcie-root-port)": "0:2.6",
        "controller pci 9 (pcie-root-port)": "0:2.7",
        "controller pci 10 (pcie-root-port)": "0:3.0",
        "interface 52:54:00:8d:fc:9f": "2:1.0",
        "interface 52:54:00:11:22:33": "3:0.0",
        "serial 0": "-",
        "console 0 (serial)": "-",
        "console 0 (virtio)": "0/0",
        "channel 'org.qemu.guest_agent.0'": "0/1",
        "channel 'org.x'": "0/2",
        "input tablet (usb)": "0.1",
        "input keyboard (virtio)": "9:0.0",
        "input mouse (ps2)": "-",
        "input keyboard (ps2)": "-",
        "video": "0:1.0",
        "memballoon": "7:0.0",
        "rng": "8:0.0",
    }


def test_a_microvm_has_no_pci_and_its_devices_sit_on_virtio_mmio() -> None:
    definition = completed(
        "microvm",
        disks=EVERYTHING.disks[:1],
        interfaces=(Interface(),),
        channels=EVERYTHING.channels[:1],
        serials=EVERYTHING.serials,
        rngs=EVERYTHING.rngs,
    )

    assert places(definition) == {
        "disk 'vda'": "mmio",
        "controller virtio-serial 0": "mmio",
        "interface 52:54:00:8d:fc:9f": "mmio",
        "serial 0": "-",
        "console 0 (serial)": "-",
        "channel 'org.qemu.guest_agent.0'": "0/1",
        "memballoon": "mmio",
        "rng": "mmio",
    }
    assert definition.devices.interfaces[0].model == "virtio"


def test_a_running_guests_devices_have_libvirts_names() -> None:
    live = assign_aliases(completed("pc", EVERYTHING))

    assert [device.alias for device in live.devices] == [
        "virtio-disk0",
        "ide0-0-0",
        "ide0-1-0",
        "sata0-0-1",
        "usb",
        "pci.0",
        "ide",
        "sata0",
        "virtio-serial0",
        "net0",
        "net1",
        "serial0",
        "serial0",
        "console1",
        "channel0",
        "channel1",
        "input0",
        "input1",
        "input2",
        "input3",
        "video0",
        "balloon0",
        "rng0",
    ]
    assert assign_aliases(live) == live


def test_a_users_own_alias_is_kept() -> None:
    live = assign_aliases(completed("pc", interfaces=(Interface(), Interface(alias="ua-mine"), Interface())))

    assert [each.alias for each in live.devices.interfaces] == ["net0", "ua-mine", "net1"]


def test_the_machines_disk_controller_is_called_ide_on_q35_too() -> None:
    live = assign_aliases(completed("q35"))

    assert {label(each): each.alias for each in live.devices.controllers if each.type != "usb"} == {
        "controller sata 0": "ide",
        "controller pci 0 (pcie-root)": "pcie.0",
        "controller pci 1 (pcie-root-port)": "pci.1",
        "controller pci 2 (pcie-root-port)": "pci.2",
        "controller pci 3 (pcie-root-port)": "pci.3",
    }


# --- stability


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_defining_a_guests_own_document_again_moves_nothing(machine: str) -> None:
    devices = dataclasses.replace(EVERYTHING, disks=(EVERYTHING.disks[0], EVERYTHING.disks[3]))
    first = completed(machine, devices)

    assert again(parse_domain(format_domain(assign_aliases(first))), machine) == first


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_adding_a_device_moves_no_other(machine: str) -> None:
    first = completed(machine, interfaces=(Interface(model="virtio"),))
    interfaces = (Interface(model="virtio"), *first.devices.interfaces)
    second = again(
        dataclasses.replace(first, devices=dataclasses.replace(first.devices, interfaces=interfaces)), machine
    )

    assert places(first).items() <= places(second).items()


def test_a_spare_port_takes_the_next_device_without_a_new_port() -> None:
    first = completed("q35")
    rngs = (Rng(model="virtio", backend="builtin"),)
    second = again(dataclasses.replace(first, devices=dataclasses.replace(first.devices, rngs=rngs)), "q35")

    assert place(second.devices.rngs[0]) == "3:0.0"
    assert len(second.devices.controllers) == len(first.devices.controllers)


def test_an_address_that_is_given_is_kept_and_the_others_go_around_it() -> None:
    given = Interface(mac="52:54:00:00:00:01", address=PciAddress(slot=3))
    definition = completed("pc", interfaces=(Interface(mac="52:54:00:00:00:02"), given))

    assert places(definition)["interface 52:54:00:00:00:01"] == "0:3.0"
    assert places(definition)["interface 52:54:00:00:00:02"] == "0:2.0"


def test_a_pc_with_more_devices_than_slots_gets_a_bridge() -> None:
    disks = tuple(Disk(source="/x", target=f"vda{letter}", bus="virtio") for letter in "abcdefghijklmnopqrstuvwxyz")
    cards = tuple(Interface() for _ in range(10))
    definition = completed("pc", disks=disks, interfaces=cards)
    bridge = definition.devices.controllers[-1]

    assert label(bridge) == "controller pci 1 (pci-bridge)"
    assert (place(bridge), bridge.pci_model, bridge.chassis_number) == ("0:1f.0", "pci-bridge", 1)
    assert place(definition.devices.disks[-1]) == "1:7.0"


def test_a_bus_that_only_an_address_speaks_of_gets_its_controller() -> None:
    definition = completed("q35", rngs=(Rng(model="virtio", backend="builtin", address=PciAddress(bus=5)),))

    assert places(definition)["controller pci 5 (pcie-root-port)"] == "0:1.0"
    assert again(definition, "q35") == definition


def test_a_usb_2_controller_and_its_companions_share_a_slot() -> None:
    models = ("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
    definition = completed("q35", controllers=tuple(Controller(type="usb", index=0, model=model) for model in models))

    assert [place(each) for each in definition.devices.controllers[:4]] == ["0:1d.7", "0:1d.0", "0:1d.1", "0:1d.2"]


def test_a_usb_tablet_takes_the_next_port_and_usb_can_be_turned_off() -> None:
    tablets = (Input(type="tablet"), Input(type="tablet", address=UsbAddress(port="1")))
    assert [place(each) for each in completed("pc", inputs=tablets).devices.inputs[:2]] == ["0.2", "0.1"]

    with pytest.raises(UnsupportedConfig, match="USB is disabled for this domain"):
        completed("pc", inputs=tablets[:1], controllers=(Controller(type="usb", model="none"),))


def test_a_hub_is_added_when_ports_run_out() -> None:
    tablets = (Input(type="tablet"), Input(type="tablet", address=UsbAddress(port="1")), Input(type="tablet"))
    devices = completed("pc", inputs=tablets).devices

    assert [place(each) for each in devices.hubs] == ["0.2"]
    assert [place(each) for each in devices.inputs[:3]] == ["0.2.1", "0.1", "0.2.2"]


def test_a_port_that_is_full_has_no_place() -> None:
    port = Hub(type="usb", address=UsbAddress(port="1"))
    with pytest.raises(XMLError, match=r"USB controller 0 has no port '1\.9'"):
        completed("pc", hubs=(port,), inputs=(Input(type="tablet", address=UsbAddress(port="1.9")),))


def test_more_channels_than_a_controller_has_ports_get_a_second_one() -> None:
    channels = tuple(Channel(type="unix", target_type="virtio", name=str(number)) for number in range(31))
    definition = completed("pc", channels=channels)

    assert [place(each) for each in definition.devices.channels[-2:]] == ["0/30", "1/1"]
    assert [each.index for each in definition.devices.controllers if each.type == "virtio-serial"] == [0, 1]


# --- refusals


@pytest.mark.parametrize(
    ("machine", "parts", "message"),
    [
        (
            "pc",
            {
                "interfaces": (Interface(mac="52:54:00:00:00:01", address=PciAddress(slot=3)),),
                "rngs": (Rng(model="virtio", backend="builtin", address=PciAddress(slot=3)),),
            },
            "interface 52:54:00:00:00:01 and rng have the same PCI address 0000:00:03.0",
        ),
        (
            "pc",
            {"rngs": (Rng(model="virtio", backend="builtin", address=PciAddress(slot=1, function=1)),)},
            "the machine's IDE controller and rng have the same PCI address 0000:00:01.1",
        ),
        (
            "pc",
            {"rngs": (Rng(model="virtio", backend="builtin", address=PciAddress(slot=40)),)},
            "rng: PCI bus 0 (pci-root) has no slot 0x28",
        ),
        (
            "pc",
            {"rngs": (Rng(model="virtio", backend="builtin", address=PciAddress(domain=1, slot=4)),)},
            "rng: only PCI domain 0 is available",
        ),
        (
            "q35",
            {"rngs": (Rng(model="virtio", backend="builtin", address=PciAddress(bus=1, slot=4)),)},
            "rng: PCI bus 1 (pcie-root-port) has no slot 0x4",
        ),
        (
            "pc",
            {"rngs": (Rng(model="virtio", backend="builtin", address=UsbAddress(port="1")),)},
            "rng has an address of type 'usb', expected pci",
        ),
        (
            "pc",
            {
                "disks": (
                    Disk(source="/a", target="sda", bus="sata"),
                    Disk(source="/b", target="sdb", bus="sata", address=DriveAddress(unit=0)),
                )
            },
            "disks 'sda' and 'sdb' have the same drive address",
        ),
        (
            "pc",
            {"disks": (Disk(source="/a", target="sda", bus="sata", address=DriveAddress(unit=6)),)},
            "disk 'sda': there is no such drive address on sata",
        ),
        ("pc", {"disks": (Disk(source="/a", target="hde", bus="ide"),)}, "only a single IDE controller is supported"),
        ("pc", {"disks": (Disk(source="/a", target="sd1", bus="sata"),)}, "Unknown disk name 'sd1'"),
        ("q35", {"disks": (Disk(source="/a", target="hda"),)}, "disk 'hda' on machine type q35"),
        ("microvm", {"disks": (Disk(source="/a", target="hda"),)}, "disk 'hda' on machine type microvm"),
        ("microvm", {"videos": (Video(model="vga"),)}, "video on machine type microvm"),
        ("microvm", {"inputs": (Input(type="mouse"),)}, "input mouse (ps2) on machine type microvm"),
        ("microvm", {"controllers": (Controller(type="usb"),)}, "controller usb 0 on machine type microvm"),
        ("pc", {"controllers": (Controller(type="pci", index=1, model="pcie-root-port"),)}, "on machine type pc"),
        ("pc", {"controllers": (Controller(type="pci", index=0, model="pcie-root"),)}, "on machine type pc"),
        ("pc", {"controllers": (Controller(type="usb", model="warp"),)}, "controller usb 0 (warp): model 'warp'"),
        (
            "q35",
            {"controllers": (Controller(type="sata", index=0, address=PciAddress(slot=5)),)},
            "controller sata 0 must have PCI address 0000:00:1f.2",
        ),
        (
            "q35",
            {"controllers": (Controller(type="pci", index=1, model="pcie-root-port", address=PciAddress(bus=1)),)},
            "controller pci 1 (pcie-root-port) is on bus 1, expected a bus with a lower index",
        ),
        ("pc", {"interfaces": (Interface(model="warp"),)}, "model 'warp'"),
        ("microvm", {"interfaces": (Interface(model="e1000"),)}, "on machine type microvm"),
        (
            "pc",
            {
                "channels": tuple(
                    Channel(type="null", target_type="virtio", name=name, address=VirtioSerialAddress(port=4))
                    for name in "ab"
                )
            },
            "channel 'a' and channel 'b' have the same virtio-serial port 4",
        ),
        (
            "pc",
            {"channels": (Channel(type="null", target_type="virtio", address=VirtioSerialAddress(port=0)),)},
            "virtio-serial controller 0 has no port 0 for it",
        ),
        (
            "pc",
            {"inputs": (Input(type="tablet", address=UsbAddress(bus=3)),)},
            "input tablet (usb): there is no USB controller 3",
        ),
    ],
)
def test_an_impossible_place_is_refused_naming_the_devices(machine: str, parts: dict[str, Any], message: str) -> None:
    with pytest.raises((XMLError, UnsupportedConfig)) as caught:
        completed(machine, **parts)
    assert message in caught.value.message


@pytest.mark.parametrize("machine", ["isapc", "virt", ""])
def test_an_unknown_machine_is_refused_by_name(machine: str) -> None:
    with pytest.raises(UnsupportedConfig, match=f"machine type '{machine}'"):
        complete_definition(guest(), machine=machine, emulator="/x")


def test_a_domain_of_another_driver_is_refused() -> None:
    with pytest.raises(UnsupportedConfig, match="domain type 'test'"):
        complete_definition(dataclasses.replace(guest(), type="test"), machine="pc", emulator="/x")


# --- properties


def rarely(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 5).flatmap(lambda number: strategy if number == 0 else st.none())


PCI = rarely(
    st.builds(PciAddress, bus=st.integers(0, 3), slot=st.integers(0, 6), function=st.sampled_from([0, 0, 0, 1]))
)
DRIVE = rarely(st.builds(DriveAddress, controller=st.integers(0, 1), unit=st.integers(0, 3)))
SERIAL_PORT = rarely(st.builds(VirtioSerialAddress, controller=st.integers(0, 1), port=st.integers(0, 3)))
BUSES = {"pc": ("virtio", "sata", "ide"), "q35": ("virtio", "sata"), "microvm": ("virtio",)}
ANY_CONTROLLERS = [
    Controller(type="virtio-serial", index=0, ports=3),
    Controller(type="virtio-serial", index=1),
]
PCI_CONTROLLERS = [
    Controller(type="usb", index=0, model="ich9-ehci1"),
    Controller(type="usb", index=0, model="ich9-uhci1"),
    Controller(type="usb", index=1, model="qemu-xhci"),
    Controller(type="sata", index=1),
    Controller(type="pci", model="pci-bridge"),
    *ANY_CONTROLLERS,
]
CONTROLLERS = {
    "pc": PCI_CONTROLLERS,
    "q35": [
        Controller(type="pci", model="pcie-root-port"),
        Controller(type="pci", model="pcie-root-port", address=PciAddress(slot=4, multifunction=True)),
        Controller(type="pci", model="pcie-to-pci-bridge"),
        *PCI_CONTROLLERS,
    ],
    "microvm": ANY_CONTROLLERS,
}


def up_to(count: int, **parts: Any) -> Any:
    return st.lists(st.builds(parts.pop("cls"), **parts), max_size=count).map(tuple)


def disks(buses: tuple[str, ...]) -> Any:
    prefixes = {"virtio": "vd", "ide": "hd", "sata": "sd"}
    disk = st.builds(
        lambda letter, bus, address: Disk(
            source="/x", target=prefixes[bus] + letter, bus=bus, address=None if bus == "virtio" else address
        ),
        st.sampled_from("abcd"),
        st.sampled_from(buses),
        DRIVE,
    )
    return st.lists(disk, max_size=5, unique_by=lambda disk: disk.target).map(tuple)


def devices_of(machine: str) -> st.SearchStrategy[Devices]:
    """Devices that a machine may have, most without and some with an address."""
    pci = machine != "microvm"
    models = [None, "virtio", "e1000", "e1000e"] if pci else [None, "virtio"]
    return st.builds(
        Devices,
        disks=disks(BUSES[machine]),
        controllers=st.lists(st.sampled_from(CONTROLLERS[machine]), max_size=3, unique=True).map(tuple),
        interfaces=up_to(4, cls=Interface, model=st.sampled_from(models), address=PCI if pci else st.none()),
        serials=up_to(2, cls=Serial, type=st.just("pty"), target_type=st.sampled_from([None, "pci-serial"][: 1 + pci])),
        consoles=up_to(1, cls=Console, type=st.just("pty"), target_type=st.just("virtio"), address=SERIAL_PORT),
        channels=up_to(4, cls=Channel, type=st.just("unix"), target_type=st.just("virtio"), address=SERIAL_PORT),
        inputs=up_to(3, cls=Input, type=st.just("tablet"), bus=st.sampled_from(["virtio", "usb"][: 1 + pci])),
        graphics=up_to(1, cls=Graphics),
        videos=up_to(2 * pci, cls=Video, model=st.sampled_from([None, "vga", "virtio", "bochs"]), address=PCI),
        memballoon=st.none() | st.builds(Memballoon, model=st.sampled_from(["virtio", "none"])),
        rngs=up_to(3, cls=Rng, model=st.just("virtio"), backend=st.just("builtin"), address=PCI if pci else st.none()),
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(sorted(MACHINES)))
def test_completing_any_guest_is_stable_and_gives_no_place_twice(data: st.DataObject, machine: str) -> None:
    before = guest(data.draw(devices_of(machine)))
    try:
        first = again(before, machine)
    except VirtError as error:
        event(error.summary)
        return
    event("completed")

    assert again(first, machine) == first
    assert again(parse_domain(format_domain(first)), machine) == first
    assert_no_place_twice(first)
    assert_given_is_kept(before, first)
    live = assign_aliases(first)
    assert assign_aliases(live) == live


def assert_no_place_twice(definition: DomainDefinition) -> None:
    taken = [
        (getattr(device, "bus", None) if isinstance(device.address, DriveAddress) else None, device.address)
        for device in definition.devices
        if device.address is not None and not isinstance(device.address, MmioAddress)
    ]
    pci = [dataclasses.replace(address, multifunction=None) for _, address in taken if isinstance(address, PciAddress)]
    others = [(bus, address) for bus, address in taken if not isinstance(address, PciAddress)]
    assert len(set(pci)) == len(pci)
    assert len(set(others)) == len(others)
    buses = {each.index for each in definition.devices.controllers if each.type == "pci"}
    assert {address.bus for address in pci} <= buses


def assert_given_is_kept(before: DomainDefinition, after: DomainDefinition) -> None:
    disks = {each.target: each.address for each in after.devices.disks}
    assert all(old.address in (None, disks[old.target]) for old in before.devices.disks)
    for family in ("interfaces", "channels", "rngs"):
        pairs = zip(getattr(before.devices, family), getattr(after.devices, family), strict=True)
        assert all(old.address in (None, new.address) for old, new in pairs)
