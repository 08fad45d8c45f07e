"""What a domain goes through, by its own QEMU: states and their reasons, events, documents, numbers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from virtactor.client import (
    DomainState,
    Host,
    InvalidArgument,
    NoDomain,
    OperationDenied,
    OperationInvalid,
    UnsupportedConfig,
    VirtError,
)
from virtactor.wire.enums.domain_tuning import DomainLifecycle, DomainLifecycleAction

from .guests import PTY, plain
from .virtactord import Story, Virtactord, state, wait_until

VNC = "<graphics type='vnc' port='-1' autoport='yes' passwd='secret'/>"


def test_a_guest_goes_through_its_states_and_each_is_told(host: Host, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    assert state(domain) == "SHUTOFF UNKNOWN"
    domain.start(paused=True)
    assert state(domain) == "PAUSED USER"
    domain.resume()
    assert state(domain) == "RUNNING UNPAUSED"
    domain.suspend()
    assert state(domain) == "PAUSED USER"
    domain.resume()
    domain.reset()
    assert state(domain) == "RUNNING UNPAUSED"
    domain.destroy()
    assert state(domain) == "SHUTOFF DESTROYED"
    domain.start()
    assert state(domain) == "RUNNING BOOTED"
    domain.destroy()
    domain.undefine()
    assert domain not in host.domains
    assert story.told("g") == [
        "DEFINED ADDED",
        "STARTED BOOTED",
        "SUSPENDED PAUSED",
        "RESUMED UNPAUSED",
        "SUSPENDED PAUSED",
        "RESUMED UNPAUSED",
        "STOPPED DESTROYED",
        "STARTED BOOTED",
        "STOPPED DESTROYED",
        "UNDEFINED REMOVED",
    ]


def test_nothing_of_a_guest_is_left_when_it_is_destroyed(shared: Virtactord, host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    assert shared.files_of(domain.uuid) == [f"{domain.uuid}.{kind}" for kind in ("monitor", "pid", "status")]
    domain.destroy()
    assert shared.qemu_of(domain.uuid) is None
    assert not Path(f"/proc/{pid}").exists(), "a zombie is left"
    assert shared.files_of(domain.uuid) == []


def test_calls_that_its_state_does_not_allow_are_refused(host: Host, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    for call in (domain.suspend, domain.resume, domain.shutdown, domain.reboot, domain.reset, domain.destroy):
        with pytest.raises(OperationInvalid, match="domain is not running"):
            call()
    with pytest.raises(OperationInvalid, match="domain is not running"):
        domain.open_console()
    with pytest.raises(OperationInvalid, match="domain is not running"):
        domain.monitor_command("info status", hmp=True)
    domain.start()
    with pytest.raises(OperationInvalid, match="already running"):
        domain.start()
    with pytest.raises(OperationInvalid, match="already active"):
        host.domains.create(domain.xml())
    with pytest.raises(OperationInvalid, match="already running"):
        domain.resume()
    domain.suspend()
    domain.suspend()
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED", "SUSPENDED PAUSED"]


def test_a_transient_domain_is_gone_when_it_stops(host: Host, story: Story) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    assert not domain.is_persistent()
    assert domain.is_active()
    with pytest.raises(OperationInvalid, match="transient"):
        domain.set_autostart(True)
    with pytest.raises(OperationInvalid, match="transient"):
        domain.undefine()
    domain.destroy()
    with pytest.raises(NoDomain):
        domain.state()
    assert story.told("g") == ["STARTED BOOTED", "SUSPENDED PAUSED", "STOPPED DESTROYED"]


def test_a_transient_domain_becomes_persistent_by_its_definition(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    assert host.domains.define(domain.xml(inactive=True)) == domain
    assert domain.is_persistent()
    domain.destroy()
    assert state(domain) == "SHUTOFF DESTROYED"


def test_a_running_guest_outlives_its_definition(host: Host, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.undefine()
    assert state(domain) == "PAUSED USER"
    assert not domain.is_persistent()
    domain.destroy()
    assert domain not in host.domains
    assert story.told("g")[-2:] == ["UNDEFINED REMOVED", "STOPPED DESTROYED"]


def test_an_autodestroyed_guest_ends_with_the_connection_that_started_it(shared: Virtactord, host: Host) -> None:
    story = Story(host)
    with shared.connect() as other:
        other.domains.create(plain("g"), paused=True, autodestroy=True)
        other.domains.create(plain("h"), paused=True)
    assert story.wait_for("g", "STOPPED DESTROYED") == ["STARTED BOOTED", "SUSPENDED PAUSED", "STOPPED DESTROYED"]
    assert "g" not in host.domains
    assert state(host.domains["h"]) == "PAUSED USER"
    story.close()


def test_a_redefinition_of_a_running_guest_waits_for_its_next_start(host: Host, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    assert not domain.is_updated()
    document = domain.xml(inactive=True)
    host.domains.define(document.replace("<name>g</name>", "<name>g</name><title>new</title>"))
    assert domain.is_updated()
    assert "<title>new</title>" not in domain.xml()
    assert "<title>new</title>" in domain.xml(inactive=True)
    domain.destroy()
    assert not domain.is_updated()
    domain.start(paused=True)
    assert "<title>new</title>" in domain.xml()
    assert story.told("g")[:4] == ["DEFINED ADDED", "STARTED BOOTED", "SUSPENDED PAUSED", "DEFINED UPDATED"]


def test_an_id_is_never_given_twice(host: Host) -> None:
    first = host.domains.create(plain("g"), paused=True)
    second = host.domains.define(plain("h"))
    assert second.id is None
    second.start(paused=True)
    used = (first.id or 0) + 1
    assert second.id == used
    second.destroy()
    assert second.refresh().id is None
    second.start(paused=True)
    assert second.id == used + 1
    assert host.domains[used + 1] == second
    with pytest.raises(NoDomain):
        host.domains[used]


def test_a_live_document_says_what_qemu_has_chosen(shared: Virtactord, host: Host) -> None:
    domain = host.domains.define(plain("g", PTY + VNC))
    assert "<alias" not in domain.xml()
    domain.start(paused=True)
    live, inactive = domain.xml(), domain.xml(inactive=True)
    assert f"<domain type='qemu' id='{domain.id}'>" in live
    assert "<source path='/dev/pts/" in live
    assert "<alias name='serial0'/>" in live
    assert "port='59" in live
    for only_live in ("qemu' id='", "/dev/pts/", "<alias", "port='59"):
        assert only_live not in inactive
    assert "machine='pc-i440fx-" in inactive


def test_a_password_is_shown_only_to_those_who_may_write_and_ask_for_it(shared: Virtactord, host: Host) -> None:
    domain = host.domains.define(plain("g", VNC))
    domain.start(paused=True)
    for inactive in (False, True):
        assert "secret" not in domain.xml(inactive=inactive)
        assert "passwd='secret'" in domain.xml(inactive=inactive, secure=True)
    with shared.connect(readonly=True) as reader:
        assert "secret" not in reader.domains["g"].xml()
        with pytest.raises(OperationDenied):
            reader.domains["g"].xml(secure=True)
    for path in (*shared.paths.log.rglob("*.log"), shared.log):
        assert "secret" not in path.read_text()
    for path in (shared.paths.config / "qemu" / "g.xml", shared.run / f"{domain.uuid}.status"):
        assert path.stat().st_mode & 0o777 == 0o600
    command = Path(f"/proc/{shared.qemu_of(domain.uuid)}/cmdline").read_text()
    assert "secret" not in command


def test_the_numbers_of_a_guest_are_its_own(host: Host) -> None:
    domain = host.domains.define(plain("g", more="<currentMemory unit='MiB'>16</currentMemory><vcpu>2</vcpu>"))
    info = domain.info()
    assert (info.max_memory, info.memory, info.vcpus, info.cpu_time) == (16384, 16384, 2, 0)
    domain.start()
    used = wait_until(lambda: domain.info().cpu_time)
    wait_until(lambda: domain.info().cpu_time > used)
    assert domain.info().state is DomainState.RUNNING
    domain.destroy()
    assert domain.info().cpu_time == 0


def test_lists_are_filtered_by_what_is_the_case(host: Host) -> None:
    off = host.domains.define(plain("off"))
    running = host.domains.define(plain("running"))
    running.start()
    paused = host.domains.create(plain("paused"), paused=True)
    off.set_autostart(True)
    listed = host.domains.list
    assert listed() == [off, running, paused]
    assert listed(active=True) == [running, paused]
    assert listed(inactive=True) == [off]
    assert listed(running=True) == [running]
    assert listed(paused=True, shutoff=True) == [off, paused]
    assert listed(transient=True) == [paused]
    assert listed(active=True, persistent=True) == [running]
    assert listed(autostart=True) == [off]


def test_a_qemu_that_is_killed_is_a_crash(shared: Virtactord, host: Host, story: Story) -> None:
    domain = host.domains.define(plain("g"))
    domain.start()
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert story.wait_for("g", "STOPPED FAILED") == ["DEFINED ADDED", "STARTED BOOTED", "STOPPED FAILED"]
    assert state(domain) == "SHUTOFF CRASHED"
    wait_until(lambda: shared.files_of(domain.uuid) == [])
    domain.start()
    assert state(domain) == "RUNNING BOOTED"


def test_a_qemu_that_is_asked_to_end_has_shut_down(shared: Virtactord, host: Host, story: Story) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    pid = shared.qemu_of(domain.uuid)
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert story.wait_for("g", "STOPPED SHUTDOWN")[-1] == "STOPPED SHUTDOWN"
    assert domain not in host.domains


def test_a_graceful_destroy_lets_qemu_end_by_itself(host: Host) -> None:
    domain = host.domains.define(plain("g"))
    domain.start()
    domain.destroy(graceful=True)
    assert state(domain) == "SHUTOFF DESTROYED"


def test_a_guest_is_asked_by_acpi_or_by_an_agent_that_it_has(host: Host) -> None:
    domain = host.domains.create(plain("g"))
    for ask in (domain.shutdown, domain.reboot):
        with pytest.raises(VirtError, match="agent is not configured"):
            ask(2)
    for ask in (domain.shutdown, domain.reboot):
        with pytest.raises(InvalidArgument, match="unsupported flags"):
            ask(4)  # init's control file, which only containers have


def test_what_is_marked_for_it_starts_with_the_first_daemon_of_a_boot(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        marked, other = host.domains.define(plain("marked")), host.domains.define(plain("other"))
        marked.set_autostart(True)
        assert marked.autostart()
        daemon.kill(signal.SIGTERM)
        daemon.start()
        assert state(host.domains["marked"]) == "SHUTOFF UNKNOWN"
        daemon.kill(signal.SIGTERM)
        # As if the host had been booted since.
        (daemon.run / "autostarted").write_text("another boot")
        daemon.start()
        wait_until(lambda: marked.state()[0] is DomainState.RUNNING)
        assert marked.autostart()
        assert state(other) == "SHUTOFF UNKNOWN"
        marked.set_autostart(False)
        assert not marked.autostart()
        marked.destroy()
        marked.undefine()
        assert list((daemon.paths.config / "qemu" / "autostart").iterdir()) == []


def test_what_may_follow_an_end_is_chosen_while_the_guest_runs(host: Host) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.set_lifecycle_action(DomainLifecycle.POWEROFF, DomainLifecycleAction.RESTART, live=True)
    assert "<on_poweroff>restart</on_poweroff>" in domain.xml()
    assert "<on_poweroff>destroy</on_poweroff>" in domain.xml(inactive=True)
    for end, action in (
        (DomainLifecycle.REBOOT, DomainLifecycleAction.PRESERVE),
        (DomainLifecycle.POWEROFF, DomainLifecycleAction.RESTART_RENAME),
        (DomainLifecycle.POWEROFF, DomainLifecycleAction.COREDUMP_DESTROY),
        (DomainLifecycle.CRASH, DomainLifecycleAction.RESTART_RENAME),
    ):
        with pytest.raises(UnsupportedConfig, match="doesn't support"):
            domain.set_lifecycle_action(end, action, config=True)
    with pytest.raises(UnsupportedConfig, match="on_poweroff 'restart' together with on_reboot 'destroy'"):
        domain.set_lifecycle_action(DomainLifecycle.REBOOT, DomainLifecycleAction.DESTROY, live=True)


@pytest.mark.parametrize("action", [DomainLifecycleAction.COREDUMP_DESTROY, DomainLifecycleAction.COREDUMP_RESTART])
def test_a_dump_after_a_panic_can_be_chosen_for_now_and_later(host: Host, action: DomainLifecycleAction) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    said = f"<on_crash>{action.name.lower().replace('_', '-')}</on_crash>"
    domain.set_lifecycle_action(DomainLifecycle.CRASH, action, live=True)
    assert (said in domain.xml(), said in domain.xml(inactive=True)) == (True, False)
    domain.set_lifecycle_action(DomainLifecycle.CRASH, action, config=True)
    assert said in domain.xml(inactive=True)


def test_a_live_document_says_where_a_display_listens(host: Host) -> None:
    domain = host.domains.define(plain("g", "<graphics type='vnc' port='-1'/>"))
    domain.start(paused=True)
    assert "<listen type='address' address='127.0.0.1'/>" in domain.xml()
    assert "<listen type='address'/>" in domain.xml(inactive=True)
