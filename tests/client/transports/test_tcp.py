"""Plain TCP: our client and libvirt's against the daemon, and what the daemon does with those who say nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from virtactor.actors.config import Config
from virtactor.client import NoConnect, connect
from virtactor.wire.errors import SystemFailure, UnsupportedConfig
from virtactor.wire.lanes import LANES, MSGPACK

from ...actors.served import Served
from ..conftest import in_thread
from .conftest import PATIENCE, Serve, port_of, virsh


@pytest.fixture
def daemon(serve: Serve) -> Served:
    return serve(tcp={"auth": "none"})


def uri(daemon: Served, more: str = "") -> str:
    return f"test+tcp://127.0.0.1:{port_of(daemon)}/default{more}"


def test_virtactord_is_recognised_and_its_own_lane_spoken(daemon: Served) -> None:
    with connect(uri(daemon)) as host:
        assert host._session.connection.lane is MSGPACK
        assert host.hostname() == socket.gethostname()


@pytest.mark.parametrize("lane", LANES)
def test_either_lane_can_be_forced(daemon: Served, lane: str) -> None:
    with connect(uri(daemon, f"?lane={lane}")) as host, host.events(timeout=PATIENCE) as events:
        assert host._session.connection.lane is LANES[lane]
        host.domains["test"].suspend()
        assert str(next(events)) == "test: suspended (paused)"


def test_libvirts_client_comes_in_too(daemon: Served) -> None:
    assert virsh(uri(daemon), "domstate", "test") == "running"


def test_a_port_where_nobody_listens_says_so() -> None:
    with socket.socket() as taken:  # Bound, so that it is nobody else's, and not listening.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(NoConnect, match=f"127.0.0.1:{port}: Connection refused"):
            connect(f"test+tcp://127.0.0.1:{port}/default")


def test_a_host_that_there_is_not_says_so() -> None:
    with pytest.raises(NoConnect, match=r"nowhere\.invalid:16509"):
        connect("test+tcp://nowhere.invalid/default")


def test_somebody_who_answers_nothing_is_neither_daemon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        opening = in_thread(connect, f"test+tcp://127.0.0.1:{mute.getsockname()[1]}/default", deadline=1.0)
        with pytest.raises(NoConnect, match="neither virtactord nor libvirtd"):
            opening.result(PATIENCE)


def test_a_client_that_opens_nothing_is_disconnected(serve: Serve) -> None:
    daemon = serve(tcp={"auth": "none"}, limits={"open_seconds": 3.0})
    with connect(uri(daemon), keepalive_interval=0) as host:
        with socket.create_connection(("127.0.0.1", port_of(daemon)), PATIENCE) as silent:
            assert silent.recv(1) == b""
        assert host.hostname()


def test_plain_tcp_is_not_served_to_people_unknown_unless_that_is_wanted(root: Path) -> None:
    config = Config.of({"tcp": {"listen": True, "port": 0}})
    with pytest.raises(UnsupportedConfig, match=r"tcp\.auth = 'sasl': there is no SASL here"):
        Served(root, config).stop()
    assert not list((root / "run").glob("*.sock"))


def test_a_port_that_is_taken_is_told_at_the_start(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = Config.of({"tcp": {"listen": True, "auth": "none", "address": "127.0.0.1", "port": port}})
        with pytest.raises(SystemFailure, match=f"cannot listen at 127.0.0.1, port {port}: Address already in use"):
            Served(root, config).stop()
    assert not list((root / "run").glob("*.sock"))


def test_all_addresses_are_listened_at_without_one(serve: Serve) -> None:
    daemon = serve(tcp={"auth": "none", "address": ""})
    for address in ("127.0.0.1", "[::1]") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
        with connect(f"test+tcp://{address}:{port_of(daemon)}/default") as host:
            assert host.type == "TEST"
