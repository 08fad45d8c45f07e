"""What a Linux guest does by itself, or when it is asked to: power off, start again, open its agent's channel."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import guest
import pytest
from virtactor.client import Host
from virtactor.wire.documents.domain import parse_domain

from .guests import AGENT, Shell, linux
from .virtactord import PATIENCE, Story, Virtactord, state, wait_until

Boot = Callable[..., Shell]


@pytest.fixture
def boot(host: Host, guest_image: guest.Guest) -> Iterator[Boot]:
    """Starts Linux guests; gives the shell of each when it is there."""
    with ExitStack() as stack:

        def start(name: str, devices: str = "", more: str = "") -> Shell:
            domain = host.domains.define(linux(guest_image, name, devices, more))
            domain.start()
            shell = stack.enter_context(Shell(domain))
            shell.boots()
            return shell

        yield start


def test_a_guest_reboots_is_reset_and_shuts_down(shared: Virtactord, story: Story, boot: Boot) -> None:
    shell = boot("g")
    domain = shell.domain
    pid = shared.qemu_of(domain.uuid)
    domain.reboot()
    shell.boots()
    assert state(domain) == "RUNNING BOOTED"
    domain.reset()
    shell.boots()
    assert state(domain) == "RUNNING BOOTED"
    assert shared.qemu_of(domain.uuid) == pid
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED"], "starting again is no news"
    # A shutdown takes back a reboot that the guest has not followed yet.
    domain.suspend()
    domain.reboot()
    domain.shutdown()
    domain.resume()
    assert "Power down" in shell.read_to_the_end()
    expected = ["SUSPENDED PAUSED", "RESUMED UNPAUSED", "SHUTDOWN GUEST", "STOPPED SHUTDOWN"]
    assert story.wait_for("g", "STOPPED SHUTDOWN") == expected
    assert state(domain) == "SHUTOFF SHUTDOWN"
    assert shared.qemu_of(domain.uuid) is None


def test_a_guest_that_is_to_restart_never_goes_off(shared: Virtactord, story: Story, boot: Boot) -> None:
    shell = boot("g", more="<on_poweroff>restart</on_poweroff>")
    pid = shared.qemu_of(shell.domain.uuid)
    shell.type("poweroff -f")
    shell.boots()
    assert shared.qemu_of(shell.domain.uuid) == pid
    assert state(shell.domain) == "RUNNING BOOTED"
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED"]


def test_a_guest_that_is_to_end_when_it_reboots_does(story: Story, boot: Boot) -> None:
    shell = boot("g", more="<on_reboot>destroy</on_reboot>")
    shell.type("reboot -f")
    told = story.wait_for("g", "STOPPED SHUTDOWN")
    assert told == ["DEFINED ADDED", "STARTED BOOTED", "SHUTDOWN GUEST", "STOPPED SHUTDOWN"]
    assert state(shell.domain) == "SHUTOFF SHUTDOWN"


def test_an_agent_is_heard_of_and_a_guest_that_is_to_be_preserved_stays(story: Story, boot: Boot) -> None:
    shell = boot("g", AGENT, more="<on_poweroff>preserve</on_poweroff>")
    domain = shell.domain

    def channel() -> tuple[str | None, str | None]:
        (found,) = parse_domain(domain.xml()).devices.channels
        return found.state, found.source_path

    told, path = channel()
    assert told == "disconnected"
    assert path is not None
    with socket.socket(socket.AF_UNIX) as agent:
        agent.connect(path)
        agent.settimeout(PATIENCE)
        shell.type("exec 4<>/dev/virtio-ports/org.qemu.guest_agent.0; echo from the guest >&4")
        assert agent.recv(100) == b"from the guest\n"
        wait_until(lambda: channel()[0] == "connected")
        agent.sendall(b"from the host\n")
        assert shell.run("read -r line <&4; echo $line") == "from the host\n"
    shell.type("exec 4>&-")
    wait_until(lambda: channel()[0] == "disconnected")
    domain.shutdown()
    assert story.wait_for("g", "SHUTDOWN GUEST") == ["DEFINED ADDED", "STARTED BOOTED", "SHUTDOWN GUEST"]
    assert state(domain) == "SHUTDOWN UNKNOWN"
    assert domain.monitor_command({"execute": "query-status"})["return"]["status"] == "shutdown"
    domain.destroy()
    assert story.told("g") == ["STOPPED DESTROYED"]
    assert not os.path.exists(path)
