"""What domains can have is what the command line does."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from virtactor.actors.drivers.qemu.capabilities import Capabilities, ask, find_emulators
from virtactor.actors.drivers.qemu.domain_capabilities import domain_capabilities
from virtactor.actors.drivers.qemu.trials import Trials, pieces
from virtactor.wire.documents.domain_capabilities import Support

QEMU = find_emulators().get("x86_64", "")

pytestmark = pytest.mark.skipif(not QEMU, reason="no QEMU for x86_64")


@pytest.fixture(scope="module")
def real() -> Capabilities:
    return asyncio.run(ask(QEMU))


def trials(real: Capabilities, machine: str = "q35") -> Trials:
    return Trials(real, "x86_64", real.machine(machine), "qemu")


def choices(support: Support | None) -> dict[str, tuple[str, ...]]:
    assert support is not None
    return {choice.name: choice.values for choice in support.choices}


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_a_definition_with_nothing_works(real: Capabilities, machine: str) -> None:
    assert trials(real, machine).works()


def test_what_is_refused_anywhere_on_the_way_does_not_work(real: Capabilities) -> None:
    tried = trials(real)
    assert not tried.works(devices="<disk")
    assert not tried.works(devices="<abacus/>")
    assert not tried.works(about="<vcpu>9999999</vcpu>")
    assert tried.working("about", pieces("<vcpu>{}</vcpu>", ("1", "2", "none"))) == ("1", "2")


def test_machines_have_the_buses_of_their_family(real: Capabilities) -> None:
    def buses(machine: str) -> set[str]:
        devices = domain_capabilities(real, "x86_64", real.machine(machine), "qemu", None).devices
        assert devices is not None
        return set(choices(devices.disk)["bus"])

    assert {"virtio", "ide"} <= buses("pc")
    assert {"virtio", "sata"} <= buses("q35")
    assert "ide" not in buses("q35")
    assert not {"ide", "sata"} & buses("microvm")


def test_a_device_that_the_binary_lacks_is_not_offered(real: Capabilities) -> None:
    missing = {"qxl-vga", "qxl", *(name for name in real.devices if name.startswith("virtio-rng"))}
    poor = dataclasses.replace(real, devices=real.devices - missing)

    def offered(capabilities: Capabilities) -> tuple[set[str], bool]:
        devices = domain_capabilities(capabilities, "x86_64", real.machine("q35"), "qemu", None).devices
        assert devices is not None
        assert devices.rng is not None
        return set(choices(devices.video)["modelType"]), devices.rng.supported

    cards, rng = offered(poor)
    assert "qxl" not in cards
    assert not rng
    cards, rng = offered(real)
    assert ("qxl" in cards) == ("qxl-vga" in real.devices)
    assert rng
