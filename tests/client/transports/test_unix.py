"""Unix sockets: virtactord in libvirtd's place, and a client that finds whichever daemon there is."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from virtactor.actors.config import Config
from virtactor.client import NoConnect, OperationDenied, connect
from virtactor.client.transports.local import FirstDialer, UnixDialer
from virtactor.wire.errors import ResourceBusy
from virtactor.wire.lanes import MSGPACK, XDR

from ...actors.served import Served
from ...libvirtd import Libvirtd
from .conftest import Serve, virsh


def test_virtactord_serves_libvirts_clients_at_libvirtds_place(serve: Serve, root: Path) -> None:
    serve(listen={"libvirt_sockets": True, "mode": 0o600})
    full, readonly = root / "run/libvirt/libvirt-sock", root / "run/libvirt/libvirt-sock-ro"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (full, readonly)] == [0o600, 0o666]
    assert virsh(f"test+unix:///default?socket={full}", "suspend", "test") == "Domain 'test' suspended"
    assert "read only access" in virsh(f"test+unix:///default?socket={readonly}", "suspend", "test")


def test_libvirtds_place_is_given_back(root: Path) -> None:
    Served(root, Config.of({"listen": {"libvirt_sockets": True}})).stop()
    assert list((root / "run/libvirt").iterdir()) == []


def test_the_place_of_a_libvirtd_that_lives_is_not_taken(libvirtd: Libvirtd, root: Path) -> None:
    (root / "run").mkdir()
    (root / "run/libvirt").symlink_to(libvirtd.root / "run")
    with pytest.raises(ResourceBusy, match="another daemon answers at"):
        Served(root, Config.of({"listen": {"libvirt_sockets": True}})).stop()
    assert not (root / "run/virtactor.sock").exists()
    with connect(libvirtd.uri()) as host:
        assert host.type == "TEST"


def test_a_socket_of_any_name_is_asked_what_it_speaks(serve: Serve, libvirtd: Libvirtd, root: Path) -> None:
    serve(listen={"libvirt_sockets": True})
    for path, lane in ((root / "run/libvirt/libvirt-sock", MSGPACK), (libvirtd.socket, XDR)):
        with connect(f"test:///default?socket={path}") as host:
            assert host._session.connection.lane is lane


def test_the_readonly_socket_is_used_for_reading(serve: Serve, root: Path) -> None:
    serve()
    with (
        connect(f"test:///default?socket={root}/run/virtactor-ro.sock") as host,
        pytest.raises(OperationDenied),
    ):
        host.domains["test"].suspend()


def test_the_first_that_listens_is_used_and_then_no_other(serve: Serve, root: Path, libvirtd: Libvirtd) -> None:
    ours = UnixDialer(root / "run/virtactor.sock", MSGPACK)
    both = FirstDialer([ours, UnixDialer(libvirtd.socket, XDR)])
    both.dial().close()
    assert both.lane is XDR
    serve()
    both.dial().close()
    assert both.lane is XDR
    fresh = FirstDialer([ours, UnixDialer(libvirtd.socket, XDR)])
    fresh.dial().close()
    assert fresh.lane is MSGPACK


def test_nobody_at_all_names_virtactord(tmp_path: Path) -> None:
    dialer = FirstDialer([UnixDialer(tmp_path / "ours", MSGPACK), UnixDialer(tmp_path / "libvirts", XDR)])
    with pytest.raises(NoConnect, match=f"no daemon listens at {tmp_path}/ours"):
        dialer.dial()
