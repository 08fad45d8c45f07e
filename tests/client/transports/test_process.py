"""virtactord as it is run, on whichever event loop it takes: all its sockets at once, and a stop with clients there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import ConnectionLost, connect

from ...certificates import Authority
from ..conftest import in_thread
from .conftest import PATIENCE, client_files, server_files, virsh

START_SECONDS = 60.0
CONFIG = """
[listen]
libvirt_sockets = true

[tcp]
listen = true
auth = "none"
address = "127.0.0.1"
port = {tcp}

[tls]
listen = true
address = "127.0.0.1"
port = {tls}
authority = "{authority}"
revoked = "{revoked}"
certificate = "{certificate}"
key = "{key}"
"""


class Process:
    """The daemon's process, and the URIs that lead to it."""

    def __init__(self, root: Path, authority: Authority) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            tcp, tls = one.getsockname()[1], two.getsockname()[1]
        self.uris = {
            "tcp": f"test+tcp://127.0.0.1:{tcp}/default",
            "tls": f"test+tls://localhost:{tls}/default?pkipath={client_files(authority)}",
            "libvirtd's socket": f"test+unix:///default?socket={root}/run/libvirt/libvirt-sock",
        }
        (root / "etc").mkdir()
        (root / "etc/virtactord.toml").write_text(CONFIG.format(tcp=tcp, tls=tls, **server_files(authority)))
        notify = root / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (root / "said").open("wb") as log:
            ready.bind(str(notify))
            ready.settimeout(START_SECONDS)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "virtactor.actors.daemon", "--root", str(root)],
                env={**os.environ, "NOTIFY_SOCKET": str(notify)},
                stderr=log,
            )
            try:
                assert b"READY=1" in ready.recv(4096)
            except TimeoutError:
                self.process.kill()
                raise AssertionError((root / "said").read_text()) from None

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def process(root: Path, authority: Authority) -> Iterator[Process]:
    process = Process(root, authority)
    yield process
    if process.process.poll() is None:
        process.end()


def test_all_its_sockets_are_served_at_once(process: Process) -> None:
    for uri in process.uris.values():
        with connect(uri) as host, host.events(timeout=PATIENCE) as events:
            host.domains["test"].suspend()
            assert str(next(events)) == "test: suspended (paused)"
        assert virsh(uri, "domstate", "test") == "running"


def test_it_stops_with_clients_of_every_kind_there(process: Process, root: Path) -> None:
    hosts = [connect(uri, reconnect=False) for uri in process.uris.values()]
    waiting = [in_thread(list, host.events()) for host in hosts]
    assert process.end() == 0
    for call, host in zip(waiting, hosts, strict=True):
        with pytest.raises(ConnectionLost):
            call.result(PATIENCE)
        host.close()
    log = (root / "said").read_text()
    assert "error" not in log
    assert "still" not in log
    assert list((root / "run/libvirt").iterdir()) == []
