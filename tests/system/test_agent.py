"""QEMU's guest agent in a real guest: what it tells, what it does, and what it costs when it hangs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host, MonitorFailure, NotSupported, OperationInvalid, VirtError
from virtactor.wire.enums.domain_tuning import DomainGuestInfoTypes, DomainInterfaceAddressesSource
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.enums.host import NodeSuspendTarget
from virtactor.wire.errors import InvalidArgument

from .guests import AGENT, Shell, linux
from .virtactord import Story, Virtactord, state, wait_until

SIZE = 32 * 1024 * 1024
MAC = "52:54:00:00:00:01"
CARD = f"<interface type='user'><mac address='{MAC}'/><model type='virtio'/></interface>"
PROCESSORS = "<vcpu current='2'>4</vcpu>"
SHUTDOWN, REBOOT = "shutdown -h -P +0", "shutdown -h -r +0"


def disk(path: Path) -> str:
    path.touch()
    os.truncate(path, SIZE)
    return (
        f"<disk type='file'><driver name='qemu' type='raw' discard='unmap'/><source file='{path}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


def with_agent(image: guest.Guest, name: str, devices: str = "", more: str = "") -> str:
    return linux(image, name, AGENT + devices, more)


def wait_for_agent(domain: Domain) -> None:
    wait_until(lambda: "state='connected'" in domain.xml())


@pytest.fixture(scope="module")
def booted(shared: Virtactord, agent_image: guest.Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    """A guest with an agent for all tests that leave it as it was: a file system on /mnt, a card with an address."""
    path = tmp_path_factory.mktemp("disks") / "disk.raw"
    with shared.connect() as host:
        domain = host.domains.create(with_agent(agent_image, "told", disk(path) + CARD, PROCESSORS))
        with Shell(domain) as shell:
            shell.boots()
            shell.run(
                "mke2fs /dev/vda; mount -t ext4 /dev/vda /mnt; ip link set eth0 up; ip addr add 192.0.2.5/24 dev eth0"
            )
        wait_for_agent(domain)
        yield domain
        domain.destroy()


@pytest.fixture
def boot(host: Host, agent_image: guest.Guest) -> Iterator[Callable[..., Shell]]:
    """Starts guests with an agent; gives the shell of each when both are there."""
    with ExitStack() as stack:

        def start(name: str, more: str = "") -> Shell:
            domain = host.domains.define(with_agent(agent_image, name, more=more))
            domain.start()
            shell = stack.enter_context(Shell(domain))
            shell.boots()
            wait_for_agent(domain)
            return shell

        yield start


def unresponsive(error: BaseException) -> bool:
    return isinstance(error, VirtError) and error.code == ErrorNumber.AGENT_UNRESPONSIVE


# -- what it tells -----------------------------------------------------------------------------------------------------


def test_the_guest_tells_its_name_and_its_time(booted: Domain, shell: Shell) -> None:
    assert booted.agent.hostname() == "told"
    booted.agent.set_time(1_234_567_890)
    seconds, nanoseconds = booted.agent.time()
    assert 1_234_567_890 <= seconds < 1_234_567_890 + 600
    assert 0 <= nanoseconds < 1_000_000_000
    assert shell.run("date +%Y-%m") == "2009-02\n"
    # Its clock chip has been set along with it.
    shell.run("date -s 2001-01-01")
    booted.agent.set_time(sync=True)
    assert shell.run("date +%Y-%m") == "2009-02\n"


def test_the_guest_tells_its_addresses(booted: Domain) -> None:
    cards = {card.name: card for card in booted.nics.addresses(DomainInterfaceAddressesSource.AGENT)}
    assert cards.keys() == {"lo", "eth0"}
    assert cards["eth0"].hwaddr == MAC
    assert ("192.0.2.5", 24) in [(each.addr, each.prefix) for each in cards["eth0"].addrs]


def test_the_guest_tells_of_its_system_disks_and_file_systems(booted: Domain) -> None:
    info = booted.agent.info()
    assert (info["os.id"], info["hostname"], info["timezone.offset"]) == ("small", "told", 0)
    assert (info["disk.count"], info["disk.0.name"], info["disk.0.alias"]) == (1, "/dev/vda", "vda")
    assert (info["fs.0.mountpoint"], info["fs.0.fstype"], info["fs.0.disk.0.alias"]) == ("/mnt", "ext4", "vda")
    assert 0 < int(info["fs.0.used-bytes"]) < int(info["fs.0.total-bytes"]) < SIZE
    assert (info["if.1.name"], info["if.1.hwaddr"]) == ("eth0", MAC)
    only = booted.agent.info(DomainGuestInfoTypes.HOSTNAME)
    assert only == {"hostname": "told"}


def test_the_guest_tells_who_is_there(booted: Domain, shell: Shell) -> None:
    assert booted.agent.info(DomainGuestInfoTypes.USERS) == {"user.count": 0}
    shell.run("touch /run/utmp")
    shell.type("setsid sh -c 'exec </dev/tty1 >/dev/tty1 2>&1; exec login -f root' &")
    wait_until(lambda: booted.agent.info(DomainGuestInfoTypes.USERS)["user.count"] == 1)
    info = booted.agent.info(DomainGuestInfoTypes.USERS)
    assert info["user.0.name"] == "root"
    assert int(info["user.0.login-time"]) > 0


# -- what it does ------------------------------------------------------------------------------------------------------


def test_what_is_written_waits_while_file_systems_are_frozen(booted: Domain, shell: Shell) -> None:
    (found,) = booted.agent.filesystems()
    assert (found.mountpoint, found.fstype, found.dev_aliases) == ("/mnt", "ext4", ["vda"])
    assert booted.agent.freeze() == 1
    with pytest.raises(MonitorFailure, match="frozen"):
        booted.agent.freeze()
    shell.run("(echo text >/mnt/file; touch /run/written) & true")
    assert shell.run("ls /run/written 2>&1").startswith("ls: ")
    assert booted.agent.thaw() == 1
    shell.run("until [ -e /run/written ]; do sleep 0.1; done")
    assert shell.run("cat /mnt/file") == "text\n"
    assert booted.agent.freeze(["/mnt"]) == 1
    assert booted.agent.thaw() == 1
    assert booted.agent.thaw() == 0


def test_blocks_that_are_free_are_given_back(booted: Domain, shell: Shell) -> None:
    used = booted.disks["vda"].info().allocation
    shell.run("dd if=/dev/urandom of=/mnt/big bs=1M count=8 2>/dev/null; sync")
    wait_until(lambda: booted.disks["vda"].info().allocation >= used + 8 * 1024 * 1024)
    shell.run("rm /mnt/big; sync")
    booted.agent.trim()
    assert booted.disks["vda"].info().allocation < used + 8 * 1024 * 1024


def test_processors_are_switched_off_and_on_inside_the_guest(booted: Domain, shell: Shell) -> None:
    assert booted.agent.vcpus() == {"vcpus": "0-1", "online": "0-1", "offlinable": "1"}
    booted.agent.set_vcpus([1], enabled=False)
    assert shell.run("nproc") == "1\n"
    assert booted.agent.vcpus()["online"] == "0"
    assert (booted.vcpus.count(guest=True), booted.vcpus.count(guest=True, maximum=True)) == (1, 2)
    booted.vcpus.set_count(2, guest=True)
    assert shell.run("nproc") == "2\n"
    booted.vcpus.set_count(1, guest=True)
    assert booted.vcpus.count(guest=True) == 1
    assert booted.vcpus.count(live=True) == 2, "they are still plugged in"
    booted.agent.set_vcpus("0-1", enabled=True)
    with pytest.raises(NotSupported, match="not offlinable"):
        booted.agent.set_vcpus([0], enabled=False)
    with pytest.raises(InvalidArgument, match="missing vCPUs '7'"):
        booted.agent.set_vcpus([7], enabled=False)
    with pytest.raises(InvalidArgument, match="3 > 2"):
        booted.vcpus.set_count(3, guest=True)


def test_a_user_gets_another_password(booted: Domain, shell: Shell) -> None:
    booted.agent.set_password("root", "secret")
    _, kind, salt, kept = shell.run("cut -d: -f2 /etc/shadow").strip().split("$")
    assert kind == "6"
    assert shell.run(f"mkpasswd -m sha512 -S {salt} secret").strip().split("$")[3] == kept
    booted.agent.set_password("root", "$6$abc$def", encrypted=True)
    assert shell.run("cut -d: -f2 /etc/shadow") == "$6$abc$def\n"
    with pytest.raises(MonitorFailure, match="guest-set-user-password"):
        booted.agent.set_password("nobody", "secret")


def test_the_agent_keeps_the_keys_of_users(booted: Domain) -> None:
    booted.agent.set_ssh_keys("root", ["ssh-ed25519 AAAA one"])
    booted.agent.set_ssh_keys("root", ["ssh-ed25519 BBBB two"], append=True)
    assert sorted(booted.agent.ssh_keys("root")) == ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]
    booted.agent.set_ssh_keys("root", ["ssh-ed25519 AAAA one"], remove=True)
    assert booted.agent.ssh_keys("root") == ["ssh-ed25519 BBBB two"]


def test_any_command_is_passed_on(booted: Domain) -> None:
    answer = booted.agent.command({"execute": "guest-ping"})
    assert answer == '{"return":{}}'
    with pytest.raises(MonitorFailure, match="has not been found"):
        booted.agent.command({"execute": "guest-nonsense"})
    with pytest.raises(InvalidArgument):
        booted.agent.command("nonsense")
    ran = booted.agent.command({"execute": "guest-exec", "arguments": {"path": "/bin/true"}}, 10)
    assert "pid" in json.loads(ran or "")["return"]


# -- one that does not answer ------------------------------------------------------------------------------------------


def test_an_agent_that_hangs_costs_its_own_callers_their_time_only(booted: Domain, shell: Shell) -> None:
    shell.run("kill -STOP $(pidof qemu-ga)")
    booted.agent.set_response_timeout(1)
    for ask in (booted.agent.hostname, booted.agent.freeze, booted.agent.vcpus, booted.agent.time):
        with pytest.raises(VirtError, match="Guest agent is not responding: no answer to") as caught:
            ask()
        assert unresponsive(caught.value)
    with pytest.raises(VirtError, match="not responding") as caught:
        booted.agent.command({"execute": "guest-ping"}, 1)
    assert unresponsive(caught.value)
    assert state(booted) == "RUNNING BOOTED"
    assert booted.monitor_command({"execute": "query-status"})["return"]["running"]
    # What was not answered is not taken for the answer to something else.
    shell.run("kill -CONT $(pidof qemu-ga)")
    booted.agent.set_response_timeout(-2)
    assert booted.agent.hostname() == "told"
    assert booted.agent.vcpus()["online"] == "0-1"


def test_an_agent_that_is_not_there_or_not_meant_is_told_apart(host: Host, guest_image: guest.Guest) -> None:
    domain = host.domains.create(linux(guest_image, "silent", AGENT))
    with pytest.raises(VirtError, match="QEMU guest agent is not connected") as caught:
        domain.agent.hostname()
    assert unresponsive(caught.value)
    domain.suspend()
    with pytest.raises(OperationInvalid, match="not running"):
        domain.agent.hostname()
    without = host.domains.create(linux(guest_image, "without"))
    with pytest.raises(InvalidArgument, match="not configured") as caught:
        without.agent.hostname()
    assert caught.value.code == ErrorNumber.ARGUMENT_UNSUPPORTED


# -- power -------------------------------------------------------------------------------------------------------------


def test_a_guest_with_an_agent_is_ended_by_it_unless_another_way_is_said(
    boot: Callable[..., Shell], story: Story
) -> None:
    shell = boot("g")
    domain = shell.domain
    domain.reboot()
    shell.wait_for(REBOOT)
    shell.boots()
    wait_for_agent(domain)
    domain.reboot(2)
    shell.wait_for(REBOOT)
    shell.boots()
    wait_for_agent(domain)
    assert state(domain) == "RUNNING BOOTED"
    domain.shutdown()
    assert SHUTDOWN in shell.read_to_the_end()
    story.wait_for("g", "STOPPED SHUTDOWN")
    assert state(domain) == "SHUTOFF SHUTDOWN"


def test_the_power_button_is_pressed_where_the_agent_does_not_answer(boot: Callable[..., Shell], story: Story) -> None:
    shell = boot("g")
    domain = shell.domain
    shell.run("kill -STOP $(pidof qemu-ga)")
    domain.agent.set_response_timeout(1)
    with pytest.raises(VirtError, match="not responding") as caught:
        domain.shutdown(2)
    assert unresponsive(caught.value)
    assert state(domain) == "RUNNING BOOTED"
    domain.shutdown(3)
    assert "shutdown -h" not in shell.read_to_the_end()
    story.wait_for("g", "STOPPED SHUTDOWN")


def test_a_guest_that_is_to_restart_is_restarted_by_its_agent(boot: Callable[..., Shell]) -> None:
    shell = boot("g", more="<on_poweroff>restart</on_poweroff>")
    shell.domain.shutdown()
    shell.wait_for(REBOOT)
    shell.boots()
    assert state(shell.domain) == "RUNNING BOOTED"


def test_a_guest_sleeps_and_is_woken(boot: Callable[..., Shell], story: Story) -> None:
    shell = boot("g", more="<pm><suspend-to-mem enabled='yes'/><suspend-to-disk enabled='no'/></pm>")
    domain = shell.domain
    domain.suspend_to(NodeSuspendTarget.MEM)
    assert state(domain) == "PMSUSPENDED UNKNOWN"
    with pytest.raises(OperationInvalid, match="not running"):
        domain.agent.hostname()
    with pytest.raises(OperationInvalid, match="pmsuspended"):
        domain.resume()
    domain.wake_up()
    assert state(domain) == "RUNNING WAKEUP"
    told = story.told("g")[2:]
    assert told == ["PMSUSPENDED MEMORY", "STARTED WAKEUP"]


def test_a_guest_that_cannot_sleep_says_so(boot: Callable[..., Shell]) -> None:
    domain = boot("g", more="<pm><suspend-to-mem enabled='no'/></pm>").domain
    with pytest.raises(OperationInvalid, match="S3 state is disabled"):
        domain.suspend_to(NodeSuspendTarget.MEM)
    with pytest.raises(MonitorFailure, match="guest-suspend-disk"):
        domain.suspend_to(NodeSuspendTarget.DISK)
    assert domain.agent.hostname() == "g"
    assert state(domain) == "RUNNING BOOTED"
