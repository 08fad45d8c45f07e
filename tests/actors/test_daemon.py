"""The daemon as a process: how it starts, refuses, listens, tells that it is ready, and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.config import default_file
from virtactor.wire.errors import OperationDenied
from virtactor.wire.paths import Paths

from ..raw_client import PATIENCE, RawClient
from .served import wait_until

START = (sys.executable, "-m", "virtactor.actors.daemon")
# Does what the service manager does between fork and exec: descriptors from 3 on, and a variable with the process's id.
ACTIVATED = """
import fcntl, os, sys
from virtactor.actors.daemon import main
passed = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 50) for fd in os.environ["PASSED"].split()]
for number, fd in enumerate(passed):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(passed)))
sys.exit(main(sys.argv[1:]))
"""
ACTIVATE = (sys.executable, "-c", ACTIVATED)


class Process:
    """A daemon of its own; ``ready`` waits for it, ``end`` stops it and checks that it was a clean stop."""

    def __init__(self, root: Path, command: Sequence[str], environ: Mapping[str, str], **more: Any) -> None:
        self.paths = Paths.below(root)
        # Without QEMU in its path: what is tested here does not need it to be probed.
        environ = {"PATH": "/nonexistent", **environ}
        self.popen = subprocess.Popen(
            [*command, "--root", str(root)], stderr=subprocess.PIPE, env=environ, text=True, **more
        )
        self.log = ""

    def ready(self) -> Process:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.log += line
            if "ready" in line:
                return self
        pytest.fail(f"it did not start: {self.log}")

    def end(self, number: int = signal.SIGTERM) -> str:
        """Stop it; its log. Fails unless it ended with status 0 and complained of nothing."""
        self.popen.send_signal(number)
        self.log += self.rest()
        assert self.popen.returncode == 0, self.log
        for complaint in ("Traceback", "error", "still there", "still at work", "never retrieved", "never awaited"):
            assert complaint not in self.log
        return self.log

    def fails(self) -> str:
        """Wait for it to end by itself with status 1; what it said."""
        log = self.rest()
        assert self.popen.returncode == 1, log
        return log

    def rest(self) -> str:
        """What it still says until it ends; it is killed when that takes too long."""
        assert self.popen.stderr is not None
        patience = threading.Timer(PATIENCE, self.popen.kill)
        patience.start()
        try:
            rest = self.popen.stderr.read()
            self.popen.wait()
        finally:
            patience.cancel()
        return rest


Start = Callable[..., Process]


@pytest.fixture
def start(root: Path) -> Iterator[Start]:
    """Starts daemons, on the test's root where no other is named."""
    with ExitStack() as stack:

        def begin(
            *arguments: str,
            root: Path = root,
            environ: Mapping[str, str] | None = None,
            command: Sequence[str] = START,
            **more: Any,
        ) -> Process:
            process = Process(root, [*command, *arguments], environ or {}, **more)
            stack.callback(process.popen.__exit__, None, None, None)
            stack.callback(process.popen.kill)
            return process

        yield begin


def configure(root: Path, text: str) -> None:
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "virtactord.toml").write_text(text)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- sockets -----------------------------------------------------------------------------------------------------------


def test_it_listens_at_two_sockets_with_their_permissions(start: Start) -> None:
    daemon = start().ready()
    assert mode_of(daemon.paths.socket) == 0o660
    assert mode_of(daemon.paths.readonly_socket) == 0o666
    with RawClient.opened(daemon.paths.socket) as client:
        client.define("mine")
        with RawClient.opened(daemon.paths.readonly_socket) as reader:
            assert reader.names() == {"test", "mine"}
            with pytest.raises(OperationDenied):
                reader.define("yours")
    daemon.end()


def test_permissions_groups_and_the_readonly_socket_are_configured(start: Start, root: Path) -> None:
    group = os.getgrouplist("daemon", 1)[0] if os.getuid() == 0 else os.getgid()
    import grp

    configure(root, f"[listen]\nmode = 0o600\nreadonly = false\ngroup = '{grp.getgrgid(group).gr_name}'\n")
    daemon = start().ready()
    assert mode_of(daemon.paths.socket) == 0o600
    assert daemon.paths.socket.stat().st_gid == group
    assert not daemon.paths.readonly_socket.exists()
    daemon.end()


def test_a_group_that_does_not_exist_is_one_line(start: Start, root: Path) -> None:
    configure(root, "[listen]\ngroup = 'no such group'\n")
    said = start().fails()
    assert said == (
        f"virtactord: system error: cannot listen at {root}/run/virtactor.sock: there is no group 'no such group'\n"
    )
    assert [path.name for path in (root / "run").glob("*.sock")] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_with_clients_connected(number: int, start: Start) -> None:
    daemon = start().ready()
    with RawClient.opened(daemon.paths.socket) as client, RawClient.connect(daemon.paths.socket) as silent:
        client.define("mine")
        client.subscribe()
        log = daemon.end(number)
        assert client.at_end()
        assert silent.at_end()
    assert [line.split(" ", 1)[1] for line in log.splitlines()] == [
        "info    daemon: ready",
        "info    daemon: stopping; guests go on",
    ]
    assert not daemon.paths.socket.exists()
    assert not daemon.paths.readonly_socket.exists()


def test_a_daemon_that_was_killed_leaves_sockets_that_the_next_replaces(start: Start) -> None:
    first = start().ready()
    first.popen.kill()
    first.popen.wait()
    assert first.paths.socket.exists()
    second = start().ready()
    with RawClient.opened(second.paths.socket) as client:
        assert client.names() == {"test"}
    second.end()


def test_something_else_in_a_sockets_place_is_left_alone(start: Start, root: Path) -> None:
    paths = Paths.below(root)
    paths.runtime.mkdir()
    paths.socket.write_text("precious")
    assert "something that is no socket is there" in start().fails()
    assert paths.socket.read_text() == "precious"


def test_a_socket_that_somebody_answers_at_is_left_alone(start: Start, root: Path) -> None:
    paths = Paths.below(root)
    paths.runtime.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(paths.socket))
        other.listen()
        assert f"another daemon answers at {paths.socket}" in start().fails()
        assert paths.socket.exists()


@pytest.mark.parametrize("name", ["d" * 200, "with space/ünïcode"])
def test_a_root_may_be_anywhere(name: str, start: Start, root: Path) -> None:
    from virtactor.client import connect

    deep = root / name
    daemon = start(root=deep).ready()
    with connect("test+unix:///default", root=deep) as host:
        assert [domain.name for domain in host.domains] == ["test"]
    with connect("test+unix:///default", root=deep, readonly=True) as host:
        assert [domain.name for domain in host.domains] == ["test"]
    daemon.end()
    assert not daemon.paths.socket.exists()


# -- one at a time -----------------------------------------------------------------------------------------------------


def test_a_second_daemon_on_a_root_refuses_and_the_first_goes_on(start: Start, root: Path) -> None:
    first = start().ready()
    assert start().fails() == (
        f"virtactord: resource busy: another virtactord (pid {first.popen.pid}) runs on {root}/run"
        " (stop it, or give this one another --root)\n"
    )
    with RawClient.opened(first.paths.socket) as client:
        assert client.names() == {"test"}
    first.end()
    start().ready().end()


def test_daemons_on_two_roots_know_nothing_of_each_other(start: Start, root: Path) -> None:
    one, two = start(root=root / "1").ready(), start(root=root / "2").ready()
    with RawClient.opened(one.paths.socket) as client, RawClient.opened(two.paths.socket) as other:
        client.define("mine")
        assert other.names() == {"test"}
        one.end()
        assert other.names() == {"test"}
    two.end()


# -- starting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[limits]\nclient = 3\n", "unknown key in [limits]: 'client'"),
        ("[log]\nlevel = 'loud'\n", "log.level = 'loud' does not fit"),
        ("[log\n", "Expected ']'"),
    ],
)
def test_a_bad_configuration_is_one_line_and_status_1(text: str, complaint: str, start: Start, root: Path) -> None:
    configure(root, text)
    said = start().fails()
    assert said.startswith(f"virtactord: invalid argument: {root}/etc/virtactord.toml: ")
    assert complaint in said
    assert said.count("\n") == 1
    assert not (root / "run").exists()


def test_a_configuration_that_is_named_must_be_there(start: Start, root: Path) -> None:
    said = start("--config", f"{root}/absent.toml").fails()
    assert said == f"virtactord: system error: cannot read {root}/absent.toml: No such file or directory\n"


def test_a_directory_that_cannot_be_made_is_one_line(start: Start, root: Path) -> None:
    (root / "file").write_text("")
    said = start(root=root / "file" / "root").fails()
    assert said == f"virtactord: system error: cannot use {root}/file/root/etc: Not a directory\n"


def test_the_default_configuration_can_be_printed_and_used(start: Start, root: Path) -> None:
    printed = subprocess.run([*START, "--print-config"], capture_output=True, text=True, check=True).stdout
    assert printed == default_file()
    configure(root, printed)
    start().ready().end()


def test_its_version_is_the_packages(start: Start) -> None:
    from importlib.metadata import version

    done = subprocess.run([*START, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"virtactord {version('virtactor')}\n"


# -- the service manager -----------------------------------------------------------------------------------------------


def test_it_tells_who_asked_when_it_is_ready_and_when_it_stops(start: Start, root: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(root / "notify"))
        manager.settimeout(PATIENCE)
        daemon = start(environ={"NOTIFY_SOCKET": str(root / "notify")})
        assert manager.recv(1000).decode().splitlines() == ["READY=1", f"MAINPID={daemon.popen.pid}"]
        with RawClient.opened(daemon.paths.socket) as client:
            assert client.names() == {"test"}
        daemon.end()
        assert manager.recv(1000) == b"STOPPING=1"


def test_an_abstract_address_can_be_told_and_one_that_is_gone_is_a_warning(start: Start, root: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{root}")
        manager.settimeout(PATIENCE)
        daemon = start(environ={"NOTIFY_SOCKET": f"@{root}"})
        assert manager.recv(1000).startswith(b"READY=1\n")
        daemon.ready().end()
    daemon = start(environ={"NOTIFY_SOCKET": f"{root}/absent"}).ready()
    assert f"cannot tell READY=1 at {root}/absent: No such file or directory" in daemon.end()


def listening(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    return sock


def test_passed_sockets_are_served_and_stay_when_it_stops(start: Start, root: Path) -> None:
    full, readonly = root / "passed.sock", root / "passed-ro.sock"
    with listening(full) as one, listening(readonly) as two:
        fds = (one.fileno(), two.fileno())
        daemon = start(command=ACTIVATE, environ={"PASSED": "{} {}".format(*fds)}, pass_fds=fds)
        with RawClient.opened(full) as client, RawClient.opened(readonly) as reader:
            client.define("mine")
            assert reader.names() == {"test", "mine"}
            with pytest.raises(OperationDenied):
                reader.define("yours")
            assert not daemon.paths.socket.exists()
        daemon.ready().end()
        assert full.exists()
        assert readonly.exists()


def test_sockets_that_were_passed_to_another_process_are_not_ours(start: Start) -> None:
    daemon = start(environ={"LISTEN_PID": "1", "LISTEN_FDS": "2"}).ready()
    assert daemon.paths.socket.exists()
    daemon.end()


def test_passed_descriptors_that_are_no_sockets_are_one_line(start: Start) -> None:
    said = start(command=ACTIVATE, environ={"PASSED": "0"}, stdin=subprocess.DEVNULL).fails()
    assert said == "virtactord: system error: LISTEN_FDS=1: not all of these are sockets\n"


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_can_be_json(start: Start, root: Path) -> None:
    configure(root, "[log]\nformat = 'json'\nlevel = 'debug'\n")
    daemon = start().ready()
    with RawClient.opened(daemon.paths.socket):
        pass
    wait = daemon.popen.stderr
    assert wait is not None
    while "disconnected" not in daemon.log:
        daemon.log += wait.readline()
    records = [json.loads(line) for line in daemon.end().splitlines()]
    assert all(record.keys() == {"time", "level", "area", "message"} for record in records)
    assert {(record["level"], record["area"]) for record in records} >= {("info", "daemon"), ("debug", "connection")}
    assert records[0]["time"].endswith("+00:00")


def test_areas_have_levels_of_their_own(start: Start, root: Path) -> None:
    configure(root, "[log]\nlevel = 'error'\nlevels = { connection = 'debug' }\n")
    daemon = start()
    wait_until(daemon.paths.socket.exists)
    wait_until(lambda: mode_of(daemon.paths.socket) == 0o660)
    with RawClient.opened(daemon.paths.socket):
        pass
    daemon.popen.send_signal(signal.SIGTERM)
    log = daemon.rest()
    assert {line.split()[2] for line in log.splitlines()} == {"connection:"}


def test_the_descriptor_limit_is_raised(start: Start) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    daemon = start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))).ready()
    clients = [RawClient.opened(daemon.paths.socket) for _ in range(100)]
    assert clients[-1].names() == {"test"}
    for client in clients:
        client.close()
    daemon.end()
