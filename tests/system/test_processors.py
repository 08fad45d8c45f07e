"""Processors of a running Linux guest: plugged in, given up by it, refused, given up too late.

QEMU 7.2 crashes before long after an emulated processor has gone (its heap is corrupted): each guest gives up one, and
is not asked for anything after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import guest
import pytest
from virtactor.client import Host, InvalidArgument, NotSupported, OperationFailed, OperationInvalid, VirtError
from virtactor.wire.documents.domain import parse_domain
from virtactor.wire.enums.error import ErrorNumber

from .guests import Shell, linux, plain
from .virtactord import Virtactord, wait_until

TWO_OF_FOUR = "<vcpu current='2'>4</vcpu>"
HOTPLUG = "/sys/firmware/acpi/hotplug/processor/enabled"


@pytest.fixture
def boot(host: Host, guest_image: guest.Guest) -> Iterator[Callable[[str], Shell]]:
    with ExitStack() as stack:

        def start(name: str) -> Shell:
            domain = host.domains.create(linux(guest_image, name, more="<vcpu current='1'>2</vcpu>"))
            shell = stack.enter_context(Shell(domain))
            shell.boots()
            return shell

        yield start


def listed(xml: str) -> list[tuple[int, bool, bool | None, int | None]]:
    return [(each.id, each.enabled, each.hotpluggable, each.order) for each in parse_domain(xml).vcpu_list]


def plugged_in(shell: Shell) -> None:
    """Plug the second processor in and have the guest use it."""
    shell.domain.vcpus.set_enabled([1], True, live=True)
    online = "/sys/devices/system/cpu/cpu1/online"
    shell.run(f"until [ -e {online} ]; do sleep 0.1; done")
    shell.run(f"[ $(cat {online}) = 1 ] || echo 1 >{online}")
    assert shell.run("nproc") == "2\n"
    assert listed(shell.domain.xml()) == [(0, True, False, 1), (1, True, True, 2)]


def test_a_guest_lets_go_of_a_processor_or_refuses_to(boot: Callable[[str], Shell]) -> None:
    shell = boot("g")
    plugged_in(shell)
    shell.run(f"echo 0 >{HOTPLUG}")
    with pytest.raises(OperationFailed, match="rejected by the guest"):
        shell.domain.vcpus.set_count(1, live=True)
    assert shell.domain.vcpus.count(live=True) == 2
    assert shell.run("nproc") == "2\n"
    shell.run(f"echo 1 >{HOTPLUG}")
    shell.domain.vcpus.set_count(1, live=True)
    assert listed(shell.domain.xml()) == [(0, True, False, 1), (1, False, True, None)]


def test_a_processor_that_goes_too_late_is_gone_from_the_document(boot: Callable[[str], Shell]) -> None:
    shell = boot("g")
    plugged_in(shell)
    shell.domain.suspend()
    with pytest.raises(VirtError, match="has not let go of it yet") as caught:
        shell.domain.vcpus.set_enabled([1], False, live=True)
    assert caught.value.code == ErrorNumber.OPERATION_TIMEOUT
    assert listed(shell.domain.xml())[1] == (1, True, True, 2)
    shell.domain.resume()
    wait_until(lambda: listed(shell.domain.xml())[1] == (1, False, True, None))


def test_processors_are_plugged_in_one_by_one(host: Host) -> None:
    domain = host.domains.create(plain("g", more=TWO_OF_FOUR), paused=True)
    assert listed(domain.xml()) == []
    domain.vcpus.set_enabled([3], True, live=True)
    assert listed(domain.xml()) == [
        (0, True, False, 1),
        (1, True, False, 2),
        (2, False, True, None),
        (3, True, True, 3),
    ]
    slots = domain.monitor_command({"execute": "query-hotpluggable-cpus"})["return"]
    there = sorted(slot["props"]["socket-id"] for slot in slots if "qom-path" in slot)
    assert there == [0, 1, 3]
    for numbers, state, kind, words in (
        ([3], True, InvalidArgument, "'3' is already in requested state"),
        ([0], False, NotSupported, "'0' can't be unplugged"),
        ([9], True, InvalidArgument, "9 is not present in live config"),
        ([2, 3], True, InvalidArgument, "already"),
    ):
        with pytest.raises(kind, match=words):
            domain.vcpus.set_enabled(numbers, state, live=True)
    domain.vcpus.set_count(4, live=True)
    assert [order for *_, order in listed(domain.xml())] == [1, 2, 4, 3]
    with pytest.raises(OperationInvalid, match="hotpluggable vcpus"):
        domain.vcpus.set_count(1, live=True)


def test_the_next_start_has_the_processors_that_were_chosen(host: Host) -> None:
    domain = host.domains.define(plain("g", more=TWO_OF_FOUR))
    domain.vcpus.set_enabled([3], True, config=True)
    assert listed(domain.xml()) == [
        (0, True, False, None),
        (1, True, False, None),
        (2, False, True, None),
        (3, True, True, None),
    ]
    with pytest.raises(InvalidArgument, match="'0' can't be modified"):
        domain.vcpus.set_enabled([0], False, config=True)
    with pytest.raises(InvalidArgument, match="no vcpus selected"):
        domain.vcpus.set_enabled("", True, config=True)
    domain.start(paused=True)
    assert len(domain.vcpus.info()) == 3
    slots = domain.monitor_command({"execute": "query-hotpluggable-cpus"})["return"]
    assert sorted(slot["props"]["socket-id"] for slot in slots if "qom-path" in slot) == [0, 1, 3]
    domain.destroy()
    domain.vcpus.set_count(6, config=True, maximum=True)
    assert [each[0] for each in listed(domain.xml()) if not each[1]] == [2, 4, 5]
    domain.vcpus.set_count(2, config=True)
    assert [each[0] for each in listed(domain.xml()) if each[1]] == [0, 1]
    domain.start(paused=True)
    assert domain.vcpus.count(live=True) == 2


def test_processors_that_are_plugged_in_survive_their_daemon(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        domain = host.domains.create(plain("g", more=TWO_OF_FOUR), paused=True)
        domain.vcpus.set_count(3, live=True)
        before = listed(domain.xml())
        daemon.kill()
        daemon.start()
        assert listed(domain.xml()) == before
        domain.vcpus.set_enabled([3], True, live=True)
        assert domain.vcpus.count(live=True) == 4
        domain.destroy()
