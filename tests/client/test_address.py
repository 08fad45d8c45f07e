"""Where URIs lead, and what connecting to nobody says."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from virtactor.client import AuthFailed, InvalidArgument, NoConnect, NotSupported, connect
from virtactor.client.address import default_uri, resolve
from virtactor.client.embedded import EmbeddedDialer
from virtactor.client.transport import UnixDialer

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
        ("qemu:///system", {}, "/run/virtactor/virtactor.sock", "qemu:///system"),
        ("qemu:///system", {"readonly": True}, "/run/virtactor/virtactor-ro.sock", "qemu:///system"),
        ("qemu:///session", {"root": "/r"}, "/r/run/virtactor.sock", "qemu:///session"),
        ("qemu:///system?root=/r", {}, "/r/run/virtactor.sock", "qemu:///system"),
        ("qemu+unix:///system?socket=/s/k", {"readonly": True}, "/s/k", "qemu:///system"),
        ("test+unix:///default", {}, "/run/virtactor/virtactor.sock", "test:///default"),
        ("test:///default?root=/r", {}, "/r/run/virtactor.sock", "test:///default"),
        ("test:///nodes.xml?socket=/s", {}, "/s", "test:///nodes.xml"),
    ],
)
def test_a_uri_leads_to_a_socket(monkeypatch: pytest.MonkeyPatch, uri: str, more: dict, path: str, opens: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    more = {**more, "root": Path(more["root"])} if "root" in more else more
    address = resolve(uri, **more)
    assert isinstance(address.dialer, UnixDialer)
    assert (str(address.dialer.path), address.opens) == (path, opens)


def test_a_users_session_has_its_socket_in_his_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    dialer = resolve("qemu:///session").dialer
    assert isinstance(dialer, UnixDialer)
    assert str(dialer.path) == "/run/user/1000/virtactor/virtactor.sock"


@pytest.mark.parametrize("uri", ["test:///default", "test:///some/nodes.xml", "qemu:///embed?root=/r"])
def test_some_uris_mean_a_daemon_in_this_process(uri: str) -> None:
    assert isinstance(resolve(uri).dialer, EmbeddedDialer)


@pytest.mark.parametrize("uri", ["qemu+tcp://there/system", "qemu+ssh://me@there/system", "qemu://there/system"])
def test_a_transport_that_is_not_there_is_named(uri: str) -> None:
    with pytest.raises(NotSupported, match=r"transport '(tcp|ssh|tls)'"):
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
