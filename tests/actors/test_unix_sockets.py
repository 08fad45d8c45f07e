"""Unix sockets at paths that no address can hold."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from virtactor.actors.unix_sockets import connect_unix, listen_unix
from virtactor.wire.errors import InvalidArgument, SystemFailure


@pytest.mark.parametrize("depth", [1, 12])
def test_a_socket_is_listened_at_and_connected_however_long_its_path_is(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["d" * 20] * depth)
    directory.mkdir(parents=True)
    with listen_unix(directory / "monitor.sock") as listener:
        with connect_unix(directory / "monitor.sock") as ours:
            theirs, _ = listener.accept()
            ours.send(b"hello")
            assert theirs.recv(5) == b"hello"
            theirs.close()
        assert stat.S_IMODE((directory / "monitor.sock").stat().st_mode) == 0o600


def test_what_lay_at_the_path_is_replaced(tmp_path: Path) -> None:
    listen_unix(tmp_path / "sock").close()
    with listen_unix(tmp_path / "sock", mode=0o660), connect_unix(tmp_path / "sock"):
        assert stat.S_IMODE((tmp_path / "sock").stat().st_mode) == 0o660


def test_a_missing_directory_and_a_dead_socket_are_system_failures(tmp_path: Path) -> None:
    listen_unix(tmp_path / "dead").close()
    long = tmp_path.joinpath(*["d" * 20] * 12)
    for path in (tmp_path / "dead", tmp_path / "absent", tmp_path / "no" / "such", long / "sock"):
        with pytest.raises(SystemFailure, match="cannot connect to"):
            connect_unix(path)
    with pytest.raises(SystemFailure, match="cannot listen at"):
        listen_unix(long / "sock")


def test_a_name_that_is_too_long_by_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="longer than an address"):
        listen_unix(tmp_path / ("x" * 120))
