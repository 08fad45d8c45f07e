"""Where URIs lead, and what connecting to nobody says."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from virtactor.client import AuthFailed, InvalidArgument, NoConnect, connect
from virtactor.client.address import default_uri, resolve
from virtactor.client.embedded import EmbeddedDialer
from virtactor.client.transports.local import FirstDialer, UnixDialer
from virtactor.client.transports.tcp import TCPDialer
from virtactor.client.transports.tls import TLSDialer
from virtactor.wire.lanes import MSGPACK, XDR, Lane

from .conftest import FakeDaemon


@pytest.mark.parametrize(
    ("environ", "uid", "uri"),
    [
        ({}, 0, "qemu:///system"),
        ({}, 1000, "qemu:///session"),
        ({"VIRTACTOR_DEFAULT_URI": ""}, 1000, "qemu:///session"),
        ({"VIRTACTOR_DEFAULT_URI": "test:///default"}, 0, "test:///default"),
    ],
)
def test_without_a_uri_the_environment_or_the_user_decides(environ: dict, uid: int, uri: str) -> None:
    assert default_uri(environ, uid) == uri


@pytest.mark.parametrize(
    ("uri", "more", "path", "opens"),
    [
        ("qemu:///session", {"root": "/r"}, "/r/run/virtactor.sock", "qemu:///session"),
        ("qemu:///system?root=/r", {"readonly": True}, "/r/run/virtactor-ro.sock", "qemu:///system"),
        ("qemu+unix:///system?socket=/s/k", {"readonly": True}, "/s/k", "qemu:///system"),
        ("test:///default?root=/r", {}, "/r/run/virtactor.sock", "test:///default"),
        ("test:///nodes.xml?socket=/s", {}, "/s", "test:///nodes.xml"),
        ("qemu:///system?socket=/s&name=test:///default", {}, "/s", "test:///default"),
        ("esx:///?socket=/s&vcenter=there&no_verify=1", {}, "/s", "esx:///?vcenter=there"),
    ],
)
def test_a_uri_leads_to_a_socket(uri: str, more: dict, path: str, opens: str) -> None:
    more = {**more, "root": Path(more["root"])} if "root" in more else more
    address = resolve(uri, **more)
    assert isinstance(address.dialer, UnixDialer)
    assert (str(address.dialer.path), address.opens) == (path, opens)


def places(dialer: object) -> list[tuple[str, Lane | None]]:
    assert isinstance(dialer, FirstDialer)
    return [(str(one.path), one.lane) for one in dialer.dialers]


@pytest.mark.parametrize(
    ("uri", "readonly", "sockets"),
    [
        (
            "qemu:///system",
            False,
            ["/run/virtactor/virtactor.sock", "/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"],
        ),
        (
            "qemu:///system",
            True,
            ["/run/virtactor/virtactor-ro.sock", "/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"],
        ),
        (
            "lxc+unix:///system",
            False,
            ["/run/virtactor/virtactor.sock", "/run/libvirt/libvirt-sock", "/run/libvirt/virtlxcd-sock"],
        ),
    ],
)
def test_virtactord_is_looked_for_first_and_libvirtd_then(
    monkeypatch: pytest.MonkeyPatch, uri: str, readonly: bool, sockets: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = places(resolve(uri, readonly=readonly).dialer)
    assert found == list(zip(sockets, (MSGPACK, XDR, XDR), strict=True))


def test_a_users_session_has_its_sockets_in_his_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert [path for path, _ in places(resolve("qemu:///session").dialer)] == [
        "/run/user/1000/virtactor/virtactor.sock",
        "/run/user/1000/libvirt/libvirt-sock",
        "/run/user/1000/libvirt/virtqemud-sock",
    ]


@pytest.mark.parametrize(
    ("uri", "more", "lane"),
    [
        ("qemu:///system", {}, None),
        ("qemu:///system?lane=xdr", {}, XDR),
        ("qemu+tcp://there/system?lane=xdr", {"lane": "msgpack"}, MSGPACK),
    ],
)
def test_a_lane_can_be_asked_for(uri: str, more: dict, lane: Lane | None) -> None:
    assert resolve(uri, **more).lane is lane


def test_a_lane_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="lane 'json' is not one of msgpack, xdr"):
        resolve("qemu:///system?lane=json")


@pytest.mark.parametrize("uri", ["test:///default", "test:///some/nodes.xml", "qemu:///embed?root=/r"])
def test_some_uris_mean_a_daemon_in_this_process(uri: str) -> None:
    assert isinstance(resolve(uri).dialer, EmbeddedDialer)


def test_a_host_is_meant_to_be_reached_by_tls() -> None:
    dialer = resolve("qemu://there/system").dialer
    assert isinstance(dialer, TLSDialer)
    assert (dialer.host, dialer.port) == ("there", 16514)


@pytest.mark.parametrize("uri", ["test://there/default", "qemu+tcp://[fe80::1]:99/embed"])
def test_a_uri_with_a_host_never_means_this_process(uri: str) -> None:
    assert isinstance(resolve(uri).dialer, TLSDialer | TCPDialer)


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("qemu+unix://there/system", "names a host"),
        ("qemu+ssh:///system", "names no host"),
        ("qemu+ext:///system", "names no command="),
        ("qemu+ssh://there/system?proxy=telnet", "proxy 'telnet' is not one of auto, native, netcat"),
    ],
)
def test_a_uri_that_leads_nowhere_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        resolve(uri)


def test_a_malformed_uri_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="names no driver"):
        resolve("///system")


def test_nobody_there_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoConnect) as caught:
        connect("qemu:///system", root=tmp_path)
    assert str(caught.value) == f"no connection: no daemon listens at {tmp_path}/run/virtactor.sock"
    assert caught.value.hint == "start virtactord"


def test_a_socket_that_a_dead_daemon_left_behind_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NoConnect) as caught:
        connect(f"qemu:///system?socket={path}")
    assert caught.value.hint == "start virtactord"


def test_a_socket_that_is_not_for_us_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(AuthFailed, match="no permission to connect"):
        connect(f"qemu:///system?socket={tmp_path}/sock")


def test_a_path_longer_than_a_socket_address_is_reached(tmp_path: Path) -> None:
    folder = tmp_path
    while len(str(folder)) < 200:
        folder /= "a-rather-long-name-of-a-folder"
    folder.mkdir(parents=True)
    here = os.getcwd()
    os.chdir(folder)  # A daemon binds such a path by a short name as well.
    try:
        daemon = FakeDaemon(Path("sock"))
    finally:
        os.chdir(here)
    daemon.path = folder / "sock"
    with daemon.connect() as host:
        assert host.hostname() == "here"
    daemon.stop()


def test_a_name_longer_than_a_socket_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="too long"):
        connect(f"qemu:///system?socket={tmp_path}/{'x' * 120}")
