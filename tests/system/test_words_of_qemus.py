"""What documents say to QEMU itself, in libvirt's names of its capabilities, and what is then noted of the guest."""

from __future__ import annotations

import pytest
from virtactor.client import Domain, Host, VirtError
from virtactor.wire.enums.domain_tuning import DomainMessageType

from .guests import plain

ELEVATED = "tainted: running with undesirable elevated privileges"
OVERRIDE = "tainted: hypervisor feature autodetection override"


def saying(words: str, devices: str = "") -> str:
    text = plain("g", devices).replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ")
    return text.replace("</domain>", f"{words}</domain>")


def changed(**names: str) -> str:
    words = "".join(f"<qemu:{how} capability='{name}'/>" for how, name in names.items())
    return f"<qemu:capabilities>{words}</qemu:capabilities>"


def notes(domain: Domain) -> list[str]:
    return [each for each in domain.messages() if each != ELEVATED]


def test_what_decides_nothing_here_is_kept_and_noted(host: Host) -> None:
    domain = host.domains.define(saying(changed(add="blockdev", **{"del": "usb-storage.werror"})))
    assert notes(domain) == []
    domain.start(paused=True)
    assert notes(domain) == [OVERRIDE]
    assert "<qemu:del capability='usb-storage.werror'/>" in domain.xml()
    domain.destroy()
    assert domain.messages() == []


RNG = "<rng model='virtio'><backend model='random'/></rng>"


@pytest.mark.parametrize(
    ("name", "devices", "error"),
    [
        ("usb-hub", "<hub type='usb'/>", "has no device 'usb-hub'"),
        ("virtio-rng", RNG, "has no device 'virtio-rng-pci'"),
        ("tcg", "", "does not support virt type 'qemu'"),
    ],
)
def test_what_was_taken_away_is_not_there(host: Host, name: str, devices: str, error: str) -> None:
    domain = host.domains.define(saying(changed(**{"del": name}), devices))
    with pytest.raises(VirtError, match=error):
        domain.start(paused=True)


@pytest.mark.parametrize("how", ["add", "del"])
def test_a_name_that_libvirt_does_not_know_is_refused_at_the_start(host: Host, how: str) -> None:
    domain = host.domains.define(saying(changed(**{how: "nonsense"})))
    with pytest.raises(VirtError, match="invalid qemu namespace capability 'nonsense'"):
        domain.start(paused=True)


def test_a_guest_without_a_sandbox_says_so(host: Host) -> None:
    domain = host.domains.define(saying(changed(**{"del": "seccomp-sandbox"})))
    assert "-sandbox" not in host.domains.to_native("qemu-argv", domain.xml(inactive=True))
    domain.start(paused=True)
    assert notes(domain) == [OVERRIDE]


def test_what_is_told_to_qemu_is_noted(host: Host) -> None:
    words = (
        "<qemu:commandline><qemu:arg value='-name'/><qemu:arg value='x'/></qemu:commandline>"
        "<qemu:override><qemu:device alias='rng0'><qemu:frontend>"
        "<qemu:property name='max-bytes' type='unsigned' value='1024'/></qemu:frontend></qemu:device></qemu:override>"
    )
    domain = host.domains.create(saying(words, RNG), paused=True)
    assert notes(domain) == [
        "tainted: custom configuration parameters specified",
        "tainted: custom device configuration",
    ]


def test_an_old_machine_is_noted_as_libvirt_does(host: Host) -> None:
    text = plain("g").replace("machine='pc'", "machine='pc-i440fx-1.4'")
    domain = host.domains.create(text, paused=True)
    deprecated = "deprecated configuration: machine type 'pc-i440fx-1.4'"
    assert notes(domain) == ["tainted: use of deprecated configuration settings", deprecated]
    assert domain.messages(DomainMessageType.DEPRECATION) == [deprecated]
