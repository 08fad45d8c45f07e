"""The daemon is killed at any moment: no guest ends, nothing that was acknowledged is lost, what happened is told."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import guest
import pytest
from virtactor.client import (
    ConnectionLost,
    Domain,
    DomainState,
    Event,
    EventsMissed,
    Host,
    NoConnect,
    OperationTimeout,
    VirtError,
)
from virtactor.wire.enums.domain import DomainControlErrorReason, DomainControlState

from .guests import AGENT, PTY, Shell, linux, plain
from .test_isolation import wrapper
from .virtactord import PATIENCE, Story, Virtactord, in_thread, said, state, wait_until


@pytest.fixture
def client(daemon: Virtactord) -> Iterator[Host]:
    """A connection that comes back by itself when the daemon does."""
    with daemon.connect() as host:
        yield host


def qmp(daemon: Virtactord, domain: Domain, *commands: str) -> dict:
    """Run commands on a guest's monitor, which is free while no daemon runs; the last one's answer."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(PATIENCE)
        monitor.connect(str(daemon.run / f"{domain.uuid}.monitor"))
        with monitor.makefile("rw") as file:
            answer = json.loads(file.readline())
            for command in ("qmp_capabilities", *commands):
                file.write(json.dumps({"execute": command}) + "\n")
                file.flush()
                while "return" not in (answer := json.loads(file.readline())):
                    pass
    return answer


def test_all_guests_live_on_and_are_adopted(daemon: Virtactord, client: Host) -> None:
    persistent = client.domains.define(plain("persistent", PTY + AGENT))
    persistent.start()
    transient = client.domains.create(plain("transient"), paused=True)
    off = client.domains.define(plain("off"))
    persistent.suspend()
    persistent.resume()
    guests = (persistent, transient)
    before = [(domain.id, state(domain), domain.xml(), daemon.qemu_of(domain.uuid)) for domain in guests]

    daemon.kill()
    assert all(daemon.qemu_of(domain.uuid) for domain in guests)
    daemon.start()

    assert set(client.domains) == {persistent, transient, off}
    assert [(d.refresh().id, state(d), d.xml(), daemon.qemu_of(d.uuid)) for d in guests] == before
    assert not transient.is_persistent()
    assert state(off) == "SHUTOFF UNKNOWN"
    # They take orders as before.
    persistent.suspend()
    transient.resume()
    assert [state(domain) for domain in guests] == ["PAUSED USER", "RUNNING UNPAUSED"]
    assert persistent.monitor_command("info status", hmp=True) == "VM status: paused\r\n"
    persistent.open_console().close()
    off.start(paused=True)
    assert off.id == max(domain.id or 0 for domain in guests) + 1
    for domain in (persistent, transient, off):
        domain.destroy()
    assert set(client.domains) == {persistent, off}
    assert daemon.qemus() == []


def test_what_happened_meanwhile_is_read_again_and_told(daemon: Virtactord, client: Host) -> None:
    names = ("paused", "resumed", "killed", "ended", "quit", "same")
    guests = {name: client.domains.create(plain(name), paused=name == "resumed") for name in names[:-1]}
    guests["same"] = client.domains.define(plain("same"))
    guests["same"].start()
    pids = {name: daemon.qemu_of(domain.uuid) or 0 for name, domain in guests.items()}
    with client.events() as events:
        daemon.kill()
        assert qmp(daemon, guests["paused"], "stop") == {"return": {}}
        assert qmp(daemon, guests["resumed"], "cont") == {"return": {}}
        assert qmp(daemon, guests["quit"], "quit") == {"return": {}}
        os.kill(pids["killed"], signal.SIGKILL)
        os.kill(pids["ended"], signal.SIGTERM)
        wait_until(lambda: set(daemon.qemus()) == {pids[name] for name in ("paused", "resumed", "same")})
        daemon.start()
        missed = events.get(PATIENCE)
        assert isinstance(missed, EventsMissed)
        assert missed.daemon_restarted
        told: dict[str, list[str]] = {}
        while sum(map(len, told.values())) < 5:
            event = events.get(PATIENCE)
            assert isinstance(event, Event)
            told.setdefault(event.domain.name, []).append(said(event))
    assert told == {
        "paused": ["SUSPENDED PAUSED"],
        "resumed": ["RESUMED UNPAUSED"],
        "killed": ["STOPPED FAILED"],
        "ended": ["STOPPED FAILED"],
        "quit": ["STOPPED FAILED"],
    }
    assert {domain.name: state(domain) for domain in client.domains} == {
        "paused": "PAUSED UNKNOWN",
        "resumed": "RUNNING UNPAUSED",
        "same": "RUNNING BOOTED",
    }
    wait_until(lambda: all(daemon.files_of(guests[name].uuid) == [] for name in ("killed", "ended", "quit")))


def test_a_reboot_that_was_asked_for_and_a_power_off_are_not_forgotten(
    daemon: Virtactord, client: Host, guest_image: guest.Guest
) -> None:
    domain = client.domains.define(linux(guest_image, "g"))
    domain.start()
    with Shell(domain) as shell:
        shell.boots()
    domain.suspend()
    domain.reboot()
    daemon.kill()
    daemon.start()
    with Shell(domain) as shell:
        domain.resume()
        shell.boots()
        shell.type("sleep 1; poweroff -f")
        shell.wait_for("poweroff -f")
        daemon.kill()
    wait_until(lambda: qmp(daemon, domain, "query-status")["return"]["status"] == "shutdown")
    daemon.start()
    assert domain.wait(DomainState.SHUTOFF, PATIENCE) is DomainState.SHUTOFF
    assert state(domain) == "SHUTOFF SHUTDOWN"
    assert daemon.qemus() == []


def test_a_frozen_guest_is_adopted_without_holding_up_anybody(daemon: Virtactord, client: Host) -> None:
    frozen = client.domains.create(plain("frozen"))
    doomed = client.domains.create(plain("doomed"))
    healthy = client.domains.create(plain("healthy"))
    pids = [daemon.qemu_of(domain.uuid) or 0 for domain in (frozen, doomed)]
    daemon.kill()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    daemon.start()
    assert state(frozen) == "RUNNING BOOTED"
    healthy.suspend(deadline=PATIENCE)
    with pytest.raises(OperationTimeout, match="the monitor of domain frozen does not answer yet") as caught:
        frozen.suspend(deadline=0.5)
    assert caught.value.holder == "connecting the monitor"
    control = frozen.control_info()
    assert control.state is DomainControlState.ERROR
    assert control.details is DomainControlErrorReason.MONITOR
    assert control.state_time > 0
    # One is destroyed as it is, the other comes back.
    doomed.destroy(deadline=PATIENCE)
    suspending = in_thread(frozen.suspend, deadline=PATIENCE)
    os.kill(pids[0], signal.SIGCONT)
    suspending.result(PATIENCE)
    assert state(frozen) == "PAUSED USER"
    assert frozen.control_info().state is DomainControlState.OK


def test_a_start_that_was_under_way_is_undone(daemon: Virtactord, client: Host, tmp_path: Path) -> None:
    domain = client.domains.define(plain("g", wrapper(tmp_path, "frozen", "kill -STOP $$") + AGENT))
    starting = in_thread(domain.start, deadline=PATIENCE)
    wait_until(lambda: daemon.qemus())
    daemon.kill()
    assert isinstance(starting.exception(PATIENCE), ConnectionLost)
    assert daemon.qemus() != []
    daemon.start()
    wait_until(lambda: daemon.qemus() == [])
    assert daemon.says("a start that was never acknowledged")
    assert daemon.files_of(domain.uuid) == []
    assert state(domain) == "SHUTOFF UNKNOWN"


def test_a_guest_whose_start_was_answered_is_never_lost(daemon: Virtactord, client: Host) -> None:
    for number in range(6):
        paused = number % 2 == 0
        domain = client.domains.create(plain(f"g{number}"), paused=paused)
        daemon.kill()
        daemon.start()
        assert state(domain).split()[0] == ("PAUSED" if paused else "RUNNING")
    assert len(daemon.qemus()) == 6


def test_a_guest_that_was_to_end_with_its_connection_ends_with_the_daemon(daemon: Virtactord, client: Host) -> None:
    client.domains.create(plain("kept"), paused=True)
    client.domains.create(plain("gone"), paused=True, autodestroy=True)
    daemon.kill()
    daemon.start()
    wait_until(lambda: len(daemon.qemus()) == 1)
    wait_until(lambda: [domain.name for domain in client.domains] == ["kept"])


def test_a_destroy_that_was_answered_stays_told(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.create(plain("g"), paused=True)
    with client.events() as events:
        domain.destroy()
        daemon.kill()
        daemon.start()
        assert len(client.domains) == 0
        client.domains.define(plain("later"))
        seen = [events.get(PATIENCE)]
        while not isinstance(seen[-1], Event) or seen[-1].domain.name != "later":
            seen.append(events.get(PATIENCE))
    assert "STOPPED FAILED" not in [said(event) for event in seen if isinstance(event, Event)]


def test_no_acknowledged_definition_is_lost_by_a_kill_at_any_moment(daemon: Virtactord) -> None:
    chance = random.Random(7)
    # What each name is known to be: defined with that title, or None for undefined; several where nobody knows.
    known: dict[str, set[str | None]] = {}

    def work(client: int, count: int, until: threading.Event) -> None:
        with suppress(VirtError), daemon.connect(reconnect=False) as host:
            for step in range(count):
                if until.is_set():
                    return
                name = f"{client}-{chance.randrange(4)}"
                change_one(host, name, f"{client}.{step}", known.setdefault(name, {None}))

    for _ in range(15):
        stop = threading.Event()
        workers = [in_thread(work, client, 50, stop) for client in range(4)]
        threading.Event().wait(chance.random() * 0.15)
        daemon.kill()
        stop.set()
        for worker in workers:
            worker.result(PATIENCE)
        daemon.start()
        with daemon.connect() as host:
            found = {domain.name: domain.xml(inactive=True) for domain in host.domains}
        for name, possible in known.items():
            title = next((t for t in possible if t and name in found and f"<title>{t}</title>" in found[name]), None)
            assert title in possible, f"{name} is {found.get(name)}, not one of {possible}"
            known[name] = {title}
        assert not list(daemon.paths.config.rglob(".virtactor-*"))
    assert not daemon.says("damaged")


def change_one(host: Host, name: str, title: str, possible: set[str | None]) -> None:
    """Define or undefine a domain; ``possible`` is what it may be then, before and after the answer."""
    wanted: str | None = None if possible == {title} or (len(possible) == 1 and None not in possible) else title
    possible.add(wanted)
    if wanted is None:
        host.domains[name].undefine()
    else:
        host.domains.define(plain(name, more=f"<title>{title}</title>"))
    possible.clear()
    possible.add(wanted)


def test_damaged_files_are_set_aside_and_the_others_load(daemon: Virtactord, client: Host) -> None:
    good, bad, _ = (client.domains.define(plain(name)) for name in ("good", "bad", "renamed"))
    transient = client.domains.create(plain("transient"), paused=True)
    good.start(paused=True)
    daemon.kill()
    folder = daemon.paths.config / "qemu"
    (folder / "bad.xml").write_text("<domain type='qemu'><name>bad")
    (folder / "renamed.xml").rename(folder / "other.xml")
    (folder / "binary.xml").write_bytes(b"\xff\xfe\x00")
    (folder / ".virtactor-stale").write_text("half a file")
    (daemon.run / ".virtactor-stale").write_text("half a file")
    (daemon.run / f"{bad.uuid}.agent-0").write_text("")
    status = daemon.run / f"{transient.uuid}.status"
    status.write_bytes(status.read_bytes()[:-20])

    daemon.start()
    assert {domain.name for domain in client.domains} == {"good"}
    assert state(good) == "PAUSED USER"
    assert sorted(path.name for path in folder.iterdir()) == [
        "autostart",
        "bad.xml.damaged",
        "binary.xml.damaged",
        "good.xml",
        "other.xml.damaged",
    ]
    for name in ("bad", "binary", "other"):
        assert daemon.says(f"{folder / name}.xml is damaged and set aside as {name}.xml.damaged")
    assert not list(daemon.root.rglob(".virtactor-*"))
    assert daemon.files_of(bad.uuid) == []
    # A guest is not ended because its file is damaged, neither now nor later.
    daemon.kill()
    daemon.start()
    pid = daemon.qemu_of(transient.uuid)
    assert pid is not None
    assert daemon.says(f"runs on unattended: the status of its domain {transient.uuid} is damaged")
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in daemon.qemus())
    daemon.start()
    wait_until(lambda: daemon.files_of(transient.uuid) == [])
    assert state(good) == "PAUSED USER"


def test_a_guest_whose_status_is_damaged_is_taken_up_by_its_definition(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g", PTY))
    domain.start()
    domain.suspend()
    console = domain.xml().partition("<source path='")[2].partition("'")[0]
    daemon.kill()
    (daemon.run / f"{domain.uuid}.status").write_text("<domstatus/>")
    daemon.start()
    wait_until(lambda: console in domain.xml())
    assert domain.state()[0] is DomainState.PAUSED
    domain.resume()
    daemon.kill()
    daemon.start()
    assert state(domain) == "RUNNING UNPAUSED"
    domain.destroy()
    assert daemon.qemus() == []


def test_a_guest_that_was_started_paused_is_not_set_running_because_its_status_is_damaged(
    daemon: Virtactord, client: Host
) -> None:
    domain = client.domains.define(plain("g"))
    domain.start(paused=True)
    daemon.kill()
    (daemon.run / f"{domain.uuid}.status").write_text("")
    daemon.start()
    assert json.loads(domain.monitor_command('{"execute": "query-status"}'))["return"]["status"] == "prelaunch"
    assert state(domain) == "PAUSED UNKNOWN"


def test_a_rename_that_was_under_way_leaves_one_domain_with_its_mark(daemon: Virtactord, client: Host) -> None:
    old = client.domains.define(plain("old"))
    old.set_autostart(True)
    daemon.kill()
    folder = daemon.paths.config / "qemu"
    (folder / "new.xml").write_text((folder / "old.xml").read_text().replace("<name>old<", "<name>new<"))
    daemon.start()
    assert [(domain.name, domain.autostart()) for domain in client.domains] == [("old", True)]
    client.domains["old"].undefine()
    daemon.kill()
    daemon.start()
    assert list(client.domains) == []


def test_a_mark_goes_with_its_damaged_definition(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.set_autostart(True)
    daemon.kill()
    (daemon.paths.config / "qemu/g.xml").write_text("")
    daemon.start()
    assert daemon.says("g is no longer marked for autostart")
    client.domains.define(plain("g"))
    daemon.kill()
    daemon.start()
    assert not client.domains["g"].autostart()


def test_nothing_is_left_of_a_guest_that_ended_while_no_daemon_ran(daemon: Virtactord, client: Host) -> None:
    gone, kept = (client.domains.create(plain(name, AGENT), paused=True) for name in ("gone", "kept"))
    helpers, companions = {}, {}
    for domain in (gone, kept):
        mark = {**os.environ, "VIRTACTOR_COMPANION": str(daemon.run / str(domain.uuid))}
        companions[domain] = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], env=mark)
        # What serves a guest beside its QEMU, as the daemon knows it: by its name and a file of the guest.
        command = ["swtpm", "-c", "import time; time.sleep(1000)", str(daemon.run / f"{domain.uuid}.tpm")]
        helpers[domain] = subprocess.Popen(command, executable=sys.executable)
        (daemon.run / f"{domain.uuid}.tpm").write_text("")
        (daemon.run / f"{domain.uuid}.something-new").write_text("")
    pid = daemon.qemu_of(gone.uuid)
    assert pid is not None
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: daemon.qemu_of(gone.uuid) is None)
    daemon.start()
    wait_until(lambda: daemon.files_of(gone.uuid) == [])
    assert helpers[gone].wait(PATIENCE) == -signal.SIGKILL
    assert companions[gone].wait(PATIENCE) == -signal.SIGKILL
    assert helpers[kept].poll() is None
    assert companions[kept].poll() is None
    assert daemon.files_of(kept.uuid) == [
        f"{kept.uuid}.{suffix}" for suffix in ("agent-0", "monitor", "pid", "something-new", "status", "tpm")
    ]
    kept.destroy()
    wait_until(lambda: daemon.files_of(kept.uuid) == [])
    for left in (helpers[kept], companions[kept]):
        left.kill()
        left.wait(PATIENCE)


def test_a_guests_log_is_rotated_while_it_runs(root: Path, probed: Path) -> None:
    daemon = Virtactord(root, probed)
    try:
        daemon.configure(log_size=20_000, log_backups=1)
        daemon.start()
        with daemon.connect() as host:
            host.domains.create(plain("g"), paused=True)
            log = daemon.paths.log / "qemu/g.log"
            with log.open("a") as file:
                file.write("complaint\n" * 10_000)
            wait_until(lambda: log.stat().st_size <= 20_000)
        assert "starting: " in log.with_name("g.log.0").read_text()
    finally:
        daemon.stop()


def test_a_status_of_another_boot_is_of_a_guest_that_has_ended(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.define(plain("g"))
    domain.start()
    pid = daemon.qemu_of(domain.uuid)
    assert pid is not None
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    status = daemon.run / f"{domain.uuid}.status"
    # The pid is somebody else's now.
    status.write_text(
        status.read_text().replace(f'"{pid} ', f'"{os.getpid()} ').replace(f"'{pid} ", f"'{os.getpid()} ")
    )
    daemon.start()
    assert state(domain) == "SHUTOFF CRASHED"
    wait_until(lambda: daemon.files_of(domain.uuid) == [])


def test_a_stopped_daemon_leaves_its_guests_alone(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.create(plain("g", PTY), paused=True)
    pid = daemon.qemu_of(domain.uuid)
    with domain.open_console() as console:
        waiting = in_thread(console.read, timeout=PATIENCE)
        daemon.kill(signal.SIGTERM)
        assert isinstance(waiting.exception(PATIENCE), VirtError)
    assert daemon.process is not None
    assert daemon.process.returncode == 0
    with pytest.raises(NoConnect):
        daemon.connect()
    assert daemon.qemus() == [pid]
    daemon.start()
    assert state(domain) == "PAUSED USER"
    assert daemon.qemus() == [pid]


def test_a_start_that_is_under_way_is_undone_by_a_stop(daemon: Virtactord, client: Host, tmp_path: Path) -> None:
    domain = client.domains.define(plain("g", wrapper(tmp_path, "frozen", "kill -STOP $$")))
    starting = in_thread(domain.start, deadline=PATIENCE)
    wait_until(lambda: daemon.qemus())
    daemon.kill(signal.SIGTERM)
    assert isinstance(starting.exception(PATIENCE), VirtError)
    assert daemon.qemus() == []
    assert daemon.files_of(domain.uuid) == []
    assert not daemon.says("Traceback")


def test_a_monitor_that_is_cut_off_is_connected_anew(daemon: Virtactord, client: Host) -> None:
    domain = client.domains.create(plain("g"))
    story = Story(client)
    before = monitor_connections(daemon, domain)
    cut(daemon, domain)
    wait_until(lambda: daemon.says("its monitor is gone"))
    assert state(domain) == "RUNNING BOOTED"
    domain.suspend(deadline=PATIENCE)
    assert state(domain) == "PAUSED USER"
    assert story.told("g") == ["SUSPENDED PAUSED"]
    assert monitor_connections(daemon, domain) == before
    story.close()


def monitor_connections(daemon: Virtactord, domain: Domain) -> int:
    """How many connections are on the guest's monitor, by the kernel's list of unix sockets."""
    path = str(daemon.run / f"{domain.uuid}.monitor")
    return sum(line.endswith(path) for line in Path("/proc/net/unix").read_text().splitlines())


def cut(daemon: Virtactord, domain: Domain) -> None:
    """Shut the connection on the guest's monitor down, by a duplicate of QEMU's descriptor."""
    import ctypes

    pid = daemon.qemu_of(domain.uuid)
    assert pid is not None
    path = str(daemon.run / f"{domain.uuid}.monitor")
    connected = {
        line.split()[6]
        for line in Path("/proc/net/unix").read_text().splitlines()
        if line.endswith(path) and line.split()[5] == "03"
    }
    pidfd = os.pidfd_open(pid)
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if os.readlink(entry).removeprefix("socket:[").removesuffix("]") in connected:
            duplicate = ctypes.CDLL(None, use_errno=True).syscall(438, pidfd, int(entry.name), 0)
            assert duplicate >= 0, "pidfd_getfd"
            with socket.socket(fileno=duplicate) as theirs:
                theirs.shutdown(socket.SHUT_RDWR)
    os.close(pidfd)
