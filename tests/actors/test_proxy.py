"""``virtactor-proxy``: where it looks, and that all bytes pass both ways."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from virtactor.actors import proxy

PATIENCE = 60.0  # seconds for what takes a moment on an idle machine
COMMAND = [sys.executable, "-m", "virtactor.actors.proxy"]


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE)
        yield listener


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("where", "readonly", "uid", "found"),
    [
        (
            "qemu:///system",
            False,
            0,
            ["/run/virtactor/virtactor.sock", "/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"],
        ),
        (
            "qemu:///system",
            True,
            1000,
            [
                "/run/virtactor/virtactor-ro.sock",
                "/run/libvirt/libvirt-sock-ro",
                "/run/libvirt/virtqemud-sock-ro",
            ],
        ),
        (
            "qemu:///session",
            True,
            1000,
            ["/run/user/7/virtactor/virtactor-ro.sock", "/run/user/7/libvirt/libvirt-sock"],
        ),
        ("lxc:///system?socket=/a%20b", False, 0, ["/a b"]),
        ("test:///default?x=1&root=/r", True, 0, ["/r/run/virtactor-ro.sock"]),
        ("/run/any.sock", False, 0, ["/run/any.sock"]),
    ],
)
def test_it_looks_where_a_client_on_its_host_would(where: str, readonly: bool, uid: int, found: list[str]) -> None:
    tried = list(proxy.places(where, readonly, {"XDG_RUNTIME_DIR": "/run/user/7"}, uid))
    assert tried[: len(found)] == found


def test_bytes_pass_both_ways_until_the_daemon_closes(tmp_path: Path) -> None:
    with listening(tmp_path / "s") as daemon, running(str(tmp_path / "s")) as process:
        peer, _ = daemon.accept()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"a question")
        process.stdin.flush()
        assert peer.recv(100) == b"a question"
        peer.sendall(b"an answer")
        peer.close()
        assert process.stdout.read() == b"an answer"
        assert process.wait(PATIENCE) == 0


def test_the_end_of_the_input_is_told_and_the_last_answer_comes(tmp_path: Path) -> None:
    with listening(tmp_path / "s") as daemon, running(f"test:///default?socket={tmp_path}/s") as process:
        peer, _ = daemon.accept()
        with peer:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            assert peer.recv(100) == b""
            peer.sendall(b"last words")
        assert process.stdout.read() == b"last words"
        assert process.wait(PATIENCE) == 0


def test_much_passes_while_nobody_reads_at_first(tmp_path: Path) -> None:
    much = os.urandom(1 << 20) * 8
    with listening(tmp_path / "s") as daemon, running(str(tmp_path / "s")) as process:
        peer, _ = daemon.accept()

        def echo() -> None:
            with peer:
                while data := peer.recv(1 << 16):
                    peer.sendall(data)

        thread = threading.Thread(target=echo)
        thread.start()
        assert process.communicate(much, timeout=PATIENCE)[0] == much
        thread.join(PATIENCE)


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    with running(f"{tmp_path}/s") as process:
        out, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, b"")
    assert said.decode() == f"virtactor-proxy: {tmp_path}/s: No such file or directory\n"


def test_a_path_longer_than_an_address_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("a-rather-long-name-of-a-folder" * 4)
    folder.mkdir()
    here = os.getcwd()
    os.chdir(folder)
    try:
        context = listening(Path("s"))
        daemon = context.__enter__()
    finally:
        os.chdir(here)
    try:
        with running(str(folder / "s")) as process:
            peer, _ = daemon.accept()
            peer.close()
            assert process.wait(PATIENCE) == 0
    finally:
        context.__exit__(None, None, None)


@pytest.mark.parametrize("arguments", [["-x"], ["qemu:///system", "qemu:///session"]])
def test_what_it_does_not_know_is_refused(arguments: list[str]) -> None:
    with running(*arguments) as process:
        _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.decode()) == (2, f"{proxy.USAGE}\n")


def test_it_brings_nothing_that_takes_long_to_import() -> None:
    script = "import sys; import virtactor.actors.proxy; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120).stdout.split()
    assert not {"asyncio", "dataclasses", "pykka", "msgpack", "lxml", "logging", "argparse"} & set(loaded)
