"""Open files pass over unix sockets and nowhere else, which is said clearly and harms nothing."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from virtactor.client import connect
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import NotSupported
from virtactor.wire.lanes import LANES

from ...actors.served import Served
from ...certificates import Authority
from .conftest import Serve, client_files, port_of, server_files, virsh

Way = Callable[[Served, Path, Authority], str]


def tcp(daemon: Served, folder: Path, authority: Authority) -> str:
    return f"test+tcp://127.0.0.1:{port_of(daemon)}/default"


def tls(daemon: Served, folder: Path, authority: Authority) -> str:
    return f"test://localhost:{port_of(daemon, tls=True)}/default?pkipath={client_files(authority)}"


def ext(daemon: Served, folder: Path, authority: Authority) -> str:
    assert daemon.paths is not None
    program = folder / "way"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -m virtactor.actors.proxy {daemon.paths.socket}\n")
    program.chmod(0o755)
    return f"test+ext:///default?command={program}"


@pytest.fixture
def daemon(serve: Serve, authority: Authority) -> Served:
    return serve(tcp={"auth": "none"}, tls=server_files(authority))


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("way", [tcp, tls, ext])
def test_no_files_pass_over_other_links(
    way: Way, lane: str, daemon: Served, tmp_path: Path, authority: Authority
) -> None:
    with connect(way(daemon, tmp_path, authority), lane=lane) as host, socket.socket() as file:
        guest = host.domains["test"]
        guest.destroy()
        for call in (
            lambda: guest.start(files=[file]),
            lambda: guest.fd_associate("disk", [file]),
            guest.open_graphics,
            lambda: guest.open_graphics(file),
        ):
            with pytest.raises(NotSupported, match="fd passing is not supported by this connection") as caught:
                call()
            # As libvirt's clients have it.
            assert (caught.value.code, caught.value.domain) == (ErrorNumber.ARGUMENT_UNSUPPORTED, ErrorDomain.DOMAIN)
        guest.start()
        assert guest.is_active()


def test_libvirts_client_is_told_the_same(daemon: Served, tmp_path: Path, authority: Authority) -> None:
    uri = tcp(daemon, tmp_path, authority)
    told = virsh(uri, "destroy test; start test --pass-fds 0")
    assert "argument unsupported: fd passing is not supported by this connection" in told
