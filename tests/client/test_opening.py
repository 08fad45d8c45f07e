"""How a session is opened: in which lane, and by a client that first has to say who it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from virtactor.actors.config import Config
from virtactor.actors.connection import connection as connection_module
from virtactor.actors.connection.session import Identity
from virtactor.client import AuthFailed, ConnectionLost, NoConnect, connect
from virtactor.wire.errors import InternalError
from virtactor.wire.framing import PacketType, encode_packet
from virtactor.wire.lanes import LANES, MSGPACK, XDR
from virtactor.wire.table import ROWS

from ..actors.served import Served
from .conftest import FakeDaemon, Peer

POLKIT, SASL = 2, 1
NOBODY = Identity(4711, 65534, 65534)


@pytest.fixture
def asking(root: Path) -> Iterator[Served]:
    """A daemon that wants to know who its clients are, and admits nobody by name."""
    served = Served(root, Config.of({"listen": {"auth_unix_rw": "polkit", "auth_users": ["nobody"]}}))
    yield served
    served.stop()


@pytest.mark.parametrize("lane", LANES)
def test_root_is_let_in_without_more_ado(asking: Served, root: Path, lane: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is root")
    with connect("test:///default", root=root, lane=lane) as host:
        assert host.type == "TEST"


@pytest.mark.parametrize("lane", [*LANES, None])
def test_a_user_who_is_admitted_by_polkit_is_let_in(
    asking: Served, root: Path, lane: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_peer_identity", lambda sock: NOBODY)
    with connect(f"test:///default?socket={root}/run/virtactor.sock", lane=lane) as host:
        assert host.type == "TEST"


@pytest.mark.parametrize("lane", [*LANES, None])
def test_a_user_who_is_not_admitted_is_told(
    asking: Served, root: Path, lane: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_peer_identity", lambda sock: Identity(4711, 4711, 4711))
    (root / "any.sock").symlink_to(root / "run/virtactor.sock")
    with pytest.raises(AuthFailed, match="not among those who may manage this host"):
        connect(f"test:///default?socket={root}/any.sock", lane=lane)


def test_sasl_is_refused_by_its_name(daemon: FakeDaemon) -> None:
    daemon.handlers["auth_list"] = lambda: ([SASL],)
    with pytest.raises(AuthFailed, match="asks for SASL, which this client does not speak") as caught:
        daemon.connect(lane=None)
    assert "ssh" in (caught.value.hint or "")


def test_a_peer_of_an_unknown_kind_is_asked_in_both_lanes_at_once(daemon: FakeDaemon) -> None:
    daemon.handlers["auth_list"] = lambda: ([0],)
    with daemon.connect(lane=None) as host:
        assert host.hostname() == "here"
        assert host._session.connection.lane is MSGPACK
    assert [name for name, _ in daemon.peer.calls] == [
        *("auth_list", "auth_list", "connect_open"),
        *("connect_get_hostname", "connect_close"),
    ]


def test_a_virtactord_that_fails_to_answer_is_one_all_the_same(daemon: FakeDaemon) -> None:
    def fail() -> tuple:
        raise InternalError("out of order")

    daemon.handlers["auth_list"] = fail
    with daemon.connect(lane=None) as host:
        assert host._session.connection.lane is MSGPACK


def test_a_known_daemon_is_opened_by_the_first_packet(daemon: FakeDaemon) -> None:
    with daemon.connect():
        assert [name for name, _ in daemon.peer.calls] == ["connect_open"]


def test_in_libvirts_lane_the_keepalive_is_announced_beside_the_open_call(daemon: FakeDaemon) -> None:
    daemon.handlers |= {
        "auth_list": lambda: ([0],),
        "connect_supports_feature": lambda feature: (1,),
        "connect_register_close_callback": lambda: (),
    }
    with daemon.connect(lane="xdr", keepalive_interval=5) as host:
        assert host.hostname() == "here"
        assert daemon.peer.calls[1] == ("connect_supports_feature", (10,))
    with daemon.connect(lane="xdr") as host:
        assert host.hostname() == "here"
        assert [name for name, _ in daemon.peer.calls] == [
            *("auth_list", "connect_open", "connect_register_close_callback", "connect_get_hostname"),
        ]


def test_a_peer_that_hangs_up_was_never_there(daemon: FakeDaemon) -> None:
    daemon.handlers["connect_open"] = lambda name, flags: daemon.peer.socket.shutdown(socket.SHUT_RDWR) or ()
    with pytest.raises(NoConnect, match="the other end closed it"):
        daemon.connect()


def test_a_driver_that_lost_its_connection_ends_ours(daemon: FakeDaemon) -> None:
    daemon.handlers |= {"auth_list": lambda: ([0],), "connect_register_close_callback": lambda: ()}
    with daemon.connect(lane="xdr", reconnect=False) as host:
        say_closed(daemon.peer)
        with suppress(ConnectionLost):
            host.hostname()  # It reads what was said; its answer may have come together with that.
        assert not host.is_alive
        with pytest.raises(ConnectionLost, match="the daemon's driver lost its own connection"):
            host.hostname()


def say_closed(peer: Peer) -> None:
    row = ROWS["connect_event_connection_closed"]
    codec = XDR.codec(row)
    peer.socket.sendall(
        encode_packet(codec.program, 1, row.number, PacketType.MESSAGE, 0, 0, codec.encode_args((2,), None))
    )
