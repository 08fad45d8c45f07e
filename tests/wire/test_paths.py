"""Where a daemon keeps its things."""

from __future__ import annotations

from pathlib import Path

from virtactor.wire.paths import Paths


def test_roots_daemon_uses_the_systems_directories() -> None:
    assert [str(path) for path in Paths.system().all()] == [
        "/etc/virtactor",
        "/run/virtactor",
        "/var/lib/virtactor",
        "/var/cache/virtactor",
        "/var/log/virtactor",
    ]
    assert str(Paths.system().socket) == "/run/virtactor/virtactor.sock"
    assert str(Paths.system().readonly_socket) == "/run/virtactor/virtactor-ro.sock"


def test_a_users_daemon_uses_the_xdg_directories() -> None:
    environ = {
        "HOME": "/home/u",
        "XDG_CONFIG_HOME": "/c",
        "XDG_RUNTIME_DIR": "/r",
        "XDG_DATA_HOME": "/d",
        "XDG_CACHE_HOME": "/k",
        "XDG_STATE_HOME": "/s",
    }
    assert [str(path) for path in Paths.session(environ, 1000).all()] == [
        "/c/virtactor",
        "/r/virtactor",
        "/d/virtactor",
        "/k/virtactor",
        "/s/virtactor",
    ]


def test_unset_and_empty_xdg_variables_have_their_defaults() -> None:
    expected = [
        "/home/u/.config/virtactor",
        "/run/user/1000/virtactor",
        "/home/u/.local/share/virtactor",
        "/home/u/.cache/virtactor",
        "/home/u/.local/state/virtactor",
    ]
    for environ in ({"HOME": "/home/u"}, {"HOME": "/home/u", "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": ""}):
        assert [str(path) for path in Paths.session(environ, 1000).all()] == expected


def test_a_root_holds_all_directories(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths.all()] == ["etc", "run", "lib", "cache", "log"]
    assert paths.socket == tmp_path / "run/virtactor.sock"
