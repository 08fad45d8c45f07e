"""Logs of guests stay small while somebody writes to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.guest_logs import bound_logs, rotate

MANY = 10_000
WRITER = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
for number in range(200_000):
    os.write(log, f"line {number}\\n".encode())
"""


@pytest.fixture
def emptied() -> Iterator[Path]:
    """A folder on a file system that cannot take blocks out of a file."""
    path = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


def everything(log: Path, backups: int = MANY) -> str:
    """What was ever written: the backups from the oldest to the newest, and the log."""
    files = [log.with_name(f"{log.name}.{number}") for number in reversed(range(backups))]
    return "".join(path.read_text() for path in (*files, log) if path.exists())


def test_no_line_is_lost_while_the_guest_writes(tmp_path: Path) -> None:
    log = tmp_path / "g.log"
    log.write_text("")
    with subprocess.Popen([sys.executable, "-c", WRITER, log]) as writer:
        while writer.poll() is None:
            bound_logs(tmp_path, 100_000, MANY)
    bound_logs(tmp_path, 100_000, MANY)
    assert everything(log) == "".join(f"line {number}\n" for number in range(200_000))
    assert log.stat().st_size <= 100_000
    assert (tmp_path / "g.log.0").exists()


def test_a_log_that_nobody_writes_to_is_whole_where_it_has_to_be_emptied(emptied: Path) -> None:
    log = emptied / "g.log"
    text = "".join(f"line {number}\n" for number in range(5000))
    log.write_text(text)
    rotate(log, 2)
    assert everything(log, 2) == text
    assert log.stat().st_size == 0


def test_so_many_backups_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "g.log"
    log.write_text("")
    for letter in "abcde":
        with log.open("a") as file:
            file.write(letter * 20_000)
        bound_logs(tmp_path, 10_000, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.log", "g.log.0", "g.log.1"]
    assert "d" in (tmp_path / "g.log.1").read_text()
    assert set((tmp_path / "g.log.0").read_text()) == {"d", "e"}
    assert set(log.read_text()) == {"e"}
    assert (tmp_path / "g.log.0").stat().st_mode & 0o777 == 0o600


def test_without_backups_the_older_part_goes(tmp_path: Path) -> None:
    log = tmp_path / "g.log"
    log.write_text("a" * 50_000 + "the end")
    bound_logs(tmp_path, 10_000, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["g.log"]
    assert log.read_text().endswith("the end")
    assert log.stat().st_size <= 10_000


def test_small_logs_links_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "small.log").write_text("a" * 100)
    (tmp_path / "other").write_text("a" * 50_000)
    os.symlink("other", tmp_path / "link.log")
    bound_logs(tmp_path, 1000, 3)
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {
        "small.log": 100,
        "other": 50_000,
        "link.log": 50_000,
    }
