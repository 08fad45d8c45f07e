"""Events that a real Linux causes: of its clock, memory, disks, trays, agent, devices and panics."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host
from virtactor.client.domain import events as kinds
from virtactor.wire.documents.domain import DomainDefinition, parse_domain
from virtactor.wire.enums.domain_events import (
    ConnectDomainEventAgentLifecycleReason,
    ConnectDomainEventAgentLifecycleState,
    DomainEventIOErrorAction,
    DomainEventTrayChangeReason,
)

from .guests import AGENT, Shell, linux
from .told import Told, qmp
from .virtactord import Virtactord, state

Boot = Callable[..., Shell]

CHANNEL = "/dev/virtio-ports/org.qemu.guest_agent.0"
CLOCK = "<clock offset='variable' adjustment='{}' basis='{}'/>"
NODE = (
    "<maxMemory slots='4' unit='MiB'>1024</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='96' unit='MiB'/></numa></cpu>"
)
NEW_YEAR_2030 = 1893456000
# Seconds between two looks at clocks, on a machine that has other work.
TOLERANCE = 120


@pytest.fixture
def boot(host: Host, guest_image: guest.Guest) -> Iterator[Boot]:
    """Starts a Linux that goes with its end; gives its shell. ``words`` are for its kernel."""
    with ExitStack() as stack:

        def start(devices: str = "", more: str = "", words: str = "") -> Shell:
            xml = linux(guest_image, "g", devices, more).replace("</cmdline>", f" {words}</cmdline>")
            shell = stack.enter_context(Shell(host.domains.create(xml)))
            shell.boots()
            return shell

        yield start


def live(domain: Domain) -> DomainDefinition:
    return parse_domain(domain.xml())


def disk(path: Path, more: str = "") -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2' {more}/><source file='{path}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


def image(path: Path, size: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, size], check=True)
    return path


def set_clock(shell: Shell, year: int) -> None:
    shell.run(f"date -u -s '{year}-01-01 00:00:00'; hwclock -w -u")


def test_a_clock_that_the_guest_sets_is_told_and_kept(host: Host, told: Told, boot: Boot) -> None:
    shell = boot(more=CLOCK.format(1000, "utc"))
    set_clock(shell, 2030)
    offset = told.next(kinds.RTCChange).offset
    assert abs(offset - (NEW_YEAR_2030 - time.time())) < TOLERANCE
    clock = live(shell.domain).clock
    assert clock is not None
    assert clock.adjustment == offset
    shell.domain.reset()  # It lasts over a restart of the guest: QEMU's clock runs on.
    shell.boots()
    assert "2030" in shell.run("hwclock -r -u")


def test_a_clock_of_utc_is_told_as_seconds_off_utc_and_stays_in_the_document(told: Told, boot: Boot) -> None:
    shell = boot(more="<clock offset='utc'/>")
    set_clock(shell, 2030)
    assert abs(told.next(kinds.RTCChange).offset - (NEW_YEAR_2030 - time.time())) < TOLERANCE
    assert "<clock offset='utc'/>" in shell.domain.xml().replace('"', "'")


def test_a_clock_of_local_time_is_one_of_utc_while_the_guest_runs(host: Host, told: Told, boot: Boot) -> None:
    shell = boot(more=CLOCK.format(60, "localtime"))
    clock = live(shell.domain).clock
    assert clock is not None
    assert (clock.basis, clock.adjustment) == ("utc", 60 + time.localtime().tm_gmtoff)


def test_a_clock_is_counted_from_its_beginning_by_the_next_daemon_too(
    daemon: Virtactord, guest_image: guest.Guest
) -> None:
    with daemon.connect() as host:
        domain = host.domains.create(linux(guest_image, "g", more=CLOCK.format(10**6, "utc")))
        with Shell(domain) as shell:
            shell.boots()
            set_clock(shell, 2031)
    daemon.kill()
    daemon.start()
    with daemon.connect() as host, host.events(types=[kinds.RTCChange], timeout=60) as events:
        with Shell(host.domains["g"]) as shell:
            set_clock(shell, 2030)
        event = next(events)
    assert isinstance(event, kinds.RTCChange)
    assert abs(event.offset - (NEW_YEAR_2030 - time.time())) < TOLERANCE


def test_the_balloon_is_told_as_it_goes_and_stands_in_the_document(told: Told, boot: Boot) -> None:
    domain = boot("<memballoon model='virtio'/>").domain
    domain.memory.set(80 * 1024)
    while told.next(kinds.BalloonChange).actual != 80 * 1024:
        continue
    assert live(domain).current_memory == 80 * 1024
    assert domain.info().memory == 80 * 1024


def test_memory_that_the_guest_takes_is_told_with_its_size(told: Told, boot: Boot) -> None:
    memory = (
        "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block>"
        "<requested unit='MiB'>0</requested></target></memory>"
    )
    domain = boot(memory, NODE).domain
    (module,) = live(domain).devices.memories
    assert module.current == 0
    qmp(domain, "qom-set", path=f"/machine/peripheral/{module.alias}", property="requested-size", value=64 << 20)
    assert told.fields(kinds.MemoryDeviceSizeChange) == {"alias": module.alias, "size": 64 * 1024}
    found = live(domain)
    assert found.devices.memories[0].current == 64 * 1024
    assert found.current_memory == (96 + 64) * 1024
    assert parse_domain(domain.xml(inactive=True)).devices.memories[0].current is None


def test_a_tray_that_the_guest_opens_is_told(told: Told, boot: Boot, tmp_path: Path) -> None:
    medium = tmp_path / "cd.iso"
    medium.write_bytes(bytes(1 << 20))
    cdrom = f"<disk type='file' device='cdrom'><source file='{medium}'/><target dev='hdc' bus='ide'/><readonly/></disk>"
    shell = boot(cdrom, words="modules=ata_piix,sd_mod,sr_mod")
    read = "dd if=/dev/sr0 of=/dev/null bs=2048 count=1 2>/dev/null"
    # Linux opens the tray when the drive is let go of.
    shell.run(f"echo 1 >/proc/sys/dev/cdrom/autoeject; {read}")
    assert told.fields(kinds.TrayChange) == {"alias": "ide0-1-0", "reason": DomainEventTrayChangeReason.OPEN}
    assert live(shell.domain).devices.disks[0].tray == "open"
    # And closes it when somebody wants to read.
    shell.run(f"echo 0 >/proc/sys/dev/cdrom/autoeject; {read}")
    assert told.next(kinds.TrayChange).reason == DomainEventTrayChangeReason.CLOSE
    assert live(shell.domain).devices.disks[0].tray is None


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A file system with little space."""
    path.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "none", path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize(
    ("policy", "action", "reason"),
    [
        ("stop", DomainEventIOErrorAction.PAUSE, "enospc"),
        ("enospace", DomainEventIOErrorAction.PAUSE, "enospc"),
        ("report", DomainEventIOErrorAction.REPORT, ""),
    ],
)
def test_a_full_disk_is_told_with_what_it_does(
    told: Told, boot: Boot, tmp_path: Path, policy: str, action: DomainEventIOErrorAction, reason: str
) -> None:
    with small_disk(tmp_path / "full") as folder:
        path = image(folder / "disk.qcow2", "64M")
        shell = boot(disk(path, f"error_policy='{policy}'"))
        shell.type("dd if=/dev/zero of=/dev/vda bs=1M count=4 oflag=direct")
        failed = told.fields(kinds.IOError)
        assert failed == {"source": str(path), "alias": "virtio-disk0", "action": action}
        assert told.fields(kinds.IOErrorReason) == {**failed, "reason": reason}
        if action is DomainEventIOErrorAction.PAUSE:
            assert told.until("SUSPENDED IOERROR")[-1] == "SUSPENDED IOERROR"
            assert state(shell.domain) == "PAUSED IOERROR"
        shell.domain.destroy()


def test_a_write_of_the_guest_beyond_the_threshold_is_told(host: Host, told: Told, boot: Boot, tmp_path: Path) -> None:
    path = image(tmp_path / "disk.qcow2", "16M")
    shell = boot(disk(path))
    shell.domain.disks["vda"].set_threshold(1 << 20)
    shell.run("dd if=/dev/urandom of=/dev/vda bs=1M count=4 oflag=direct")
    found = told.fields(kinds.BlockThreshold)
    assert (found["disk"], found["path"], found["threshold"]) == ("vda", str(path), 1 << 20)
    assert found["excess"] > 0


def test_an_agent_is_told_of_from_the_start_on(told: Told, boot: Boot) -> None:
    states, reasons = ConnectDomainEventAgentLifecycleState, ConnectDomainEventAgentLifecycleReason
    shell = boot(AGENT)
    started = {"state": states.DISCONNECTED, "reason": reasons.DOMAIN_STARTED}
    assert told.fields(kinds.AgentLifecycle) == started
    shell.run(f"exec 4<>{CHANNEL}")
    assert told.fields(kinds.AgentLifecycle) == {"state": states.CONNECTED, "reason": reasons.CHANNEL}
    shell.run("exec 4>&-")
    assert told.fields(kinds.AgentLifecycle) == {"state": states.DISCONNECTED, "reason": reasons.CHANNEL}


def test_devices_that_the_guest_lets_go_of_are_told_and_leave_the_document(told: Told, boot: Boot) -> None:
    module = "<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target></memory>"
    rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    domain = boot(f"{module}{rng}<interface type='user'><model type='virtio'/></interface>", NODE).domain
    for alias in ("dimm0", "rng0", "net0"):
        qmp(domain, "device_del", id=alias)
        assert told.fields(kinds.DeviceRemoved) == {"alias": alias}
        assert f"name='{alias}'" not in domain.xml().replace('"', "'")


def test_a_device_that_the_guest_keeps_is_told_of_and_stays(told: Told, boot: Boot) -> None:
    module = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
    shell = boot(module, NODE, words="memhp_default_state=online_kernel")
    # The kernel puts what it cannot move into the module.
    shell.run("i=0; while [ $i -lt 3000 ]; do : >/tmp/$i; i=$((i+1)); done")
    qmp(shell.domain, "device_del", id="dimm0")
    assert told.fields(kinds.DeviceRemovalFailed) == {"alias": "dimm0"}
    assert [each.alias for each in live(shell.domain).devices.memories] == ["dimm0"]


def test_a_kernel_that_panics_is_told_of(told: Told, boot: Boot) -> None:
    shell = boot("<panic model='isa'/>", "<on_crash>destroy</on_crash>")
    assert told.until("STARTED BOOTED") == ["STARTED BOOTED"]
    shell.type("echo c >/proc/sysrq-trigger")
    assert told.until("STOPPED CRASHED") == ["CRASHED PANICKED", "STOPPED CRASHED"]


def test_a_linux_that_suspends_itself_is_told_of(told: Told, boot: Boot) -> None:
    shell = boot()
    assert told.until("STARTED BOOTED") == ["STARTED BOOTED"]
    shell.type("echo mem >/sys/power/state")
    assert told.until("PMSUSPENDED MEMORY") == ["PMSuspend", "PMSUSPENDED MEMORY"]
    shell.domain.wake_up()
    assert told.until("STARTED WAKEUP") == ["PMWakeup", "STARTED WAKEUP"]
    assert state(shell.domain) == "RUNNING WAKEUP"


def test_a_restart_of_the_guest_is_told_as_a_reboot(told: Told, boot: Boot) -> None:
    shell = boot()
    shell.type("reboot -f")
    assert told.next(kinds.Reboot).domain == shell.domain
    shell.boots()
