"""A real Linux guest under QEMU, driven through the library alone: its console, its monitor, its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.client import (
    Domain,
    DomainEventType,
    DomainState,
    Event,
    Host,
    MonitorFailure,
    VirtError,
    connect,
)

from .conftest import PATIENCE

BOOT_SECONDS = 180.0  # 2 to 3 on an idle machine

XML = """
<domain type='qemu'>
  <name>small</name>
  <memory unit='MiB'>96</memory>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <devices><serial type='pty'/><console type='pty'/></devices>
</domain>
"""


@pytest.fixture
def host(root: Path) -> Iterator[Host]:
    with connect(f"qemu:///embed?root={root}") as host:
        yield host


@pytest.fixture
def guest(host: Host, guest_image: Any) -> Iterator[Domain]:
    """The guest, paused before its first instruction."""
    cmdline = guest_image.cmdline_for("small")
    xml = XML.format(kernel=guest_image.kernel, initrd=guest_image.initrd, cmdline=cmdline)
    guest = host.domains.create(xml, paused=True)
    yield guest
    host.domains.destroy_all()


def test_a_guest_is_booted_talked_to_and_shut_down(host: Host, guest: Domain) -> None:
    with host.events(domains=guest) as events, guest.open_console() as console:
        guest.resume()
        console.wait_for("virtactor-guest: up name=small", timeout=BOOT_SECONDS)
        console.wait_for("# ", timeout=BOOT_SECONDS)
        console.write("echo the answer is $((6 * 7))\n")
        console.wait_for("the answer is 42", timeout=BOOT_SECONDS)
        guest.shutdown()
        assert guest.wait(DomainState.SHUTOFF, BOOT_SECONDS) is DomainState.SHUTOFF
        list(console.lines(timeout=PATIENCE))
        found = [events.get(PATIENCE) for _ in range(3)]
    assert [event.type for event in found if isinstance(event, Event)] == [
        DomainEventType.RESUMED,
        DomainEventType.SHUTDOWN,
        DomainEventType.STOPPED,
    ]


def test_the_monitor_is_talked_to_in_both_its_languages(guest: Domain) -> None:
    answer = guest.monitor_command({"execute": "query-status"})
    assert answer["return"]["running"] is False
    assert '"running"' in guest.monitor_command('{"execute": "query-status"}')
    assert "VM status: paused" in guest.monitor_command("info status", hmp=True)
    with pytest.raises(VirtError) as caught:
        guest.monitor_command("this is not JSON")
    assert not isinstance(caught.value, MonitorFailure)


def test_a_console_has_one_user_until_another_takes_it_by_force(guest: Domain) -> None:
    with guest.open_console() as first:
        with pytest.raises(VirtError, match="in use"):
            guest.open_console()
        with guest.open_console(force=True) as second:
            with pytest.raises(VirtError):
                first.read(timeout=PATIENCE)
            guest.destroy()
            assert list(second.lines(timeout=PATIENCE)) == []
