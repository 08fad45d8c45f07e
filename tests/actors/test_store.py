"""Durable files: nothing is acknowledged before it is on disk, and a crash leaves files whole."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pykka
import pytest
from pykka import messages
from virtactor.actors import committer as committer_module
from virtactor.actors import journal as journal_module
from virtactor.actors.changes import Change, Link, Remove, Write
from virtactor.actors.committer import TEMPORARY, recover, settle, sweep
from virtactor.actors.journal import Journal
from virtactor.actors.runtime import Runtime
from virtactor.actors.store import Store, commit, commit_later
from virtactor.wire.errors import SystemFailure

from .loops import run

StoreRef = pykka.ActorRef[Store]


def with_store(work: Callable[[StoreRef], Awaitable[None]], journal: Journal | None = None) -> None:
    async def whole() -> None:
        runtime = Runtime(asyncio.get_running_loop())
        ref = Store.start(runtime, journal)
        await work(ref)
        if ref.is_alive():
            await ref.ask(messages._ActorStop(), block=False)
        assert not runtime.actors

    # Slow callbacks are not looked for: on_stop waits for the disk, and may.
    run(whole, asyncio.SelectorEventLoop)


class Disk:
    """Notes what is done to the disk, in its order; ``hold`` keeps a first fsync from returning."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.did: list[tuple[str, str]] = []
        self.entered = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        for name in ("fsync", "replace", "write"):
            monkeypatch.setattr(committer_module.os, name, self._noting(name, getattr(os, name)))

    def _noting(self, name: str, function: Any) -> Any:
        def noted(*args: Any, **more: Any) -> Any:
            if isinstance(args[0], int):
                path = os.readlink(f"/proc/self/fd/{args[0]}")
                if not path.startswith(("/tmp", "/var/tmp", "/dev/shm")):
                    return function(*args, **more)  # The loop's own self-pipe.
            else:
                path = str(args[1])
            if name == "fsync":
                self.entered.set()
                assert self.hold.wait(60)
            self.did.append((name, Path(path).name))
            return function(*args, **more)

        return noted

    @property
    def kinds(self) -> list[str]:
        return [name if not file.startswith(TEMPORARY) else f"{name} temporary" for name, file in self.did]


def files_in(directory: Path) -> dict[str, bytes]:
    """What is there, but for the one empty file that is kept ready for the next change."""
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    ready = [name for name, content in found.items() if name.startswith(TEMPORARY) and not content]
    assert len(ready) <= 1
    return {name: content for name, content in found.items() if name not in ready}


def test_a_change_is_written_flushed_renamed_and_its_directory_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    async def work(store: StoreRef) -> None:
        await commit(store, Write(tmp_path / "a", b"one"))
        assert disk.kinds == ["write temporary", "fsync temporary", "replace", "fsync"]
        assert disk.did[-1] == ("fsync", tmp_path.name)
        assert files_in(tmp_path) == {"a": b"one"}
        disk.did.clear()
        await commit(store, Remove(tmp_path / "a"))
        assert disk.did == [("fsync", tmp_path.name)]
        assert files_in(tmp_path) == {}

    with_store(work)


def test_what_need_not_outlive_the_host_is_not_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    async def work(store: StoreRef) -> None:
        await commit(store, Write(tmp_path / "a", b"one", durable=False))
        assert disk.kinds == ["write temporary", "replace"]

    with_store(work)


def test_changes_that_come_during_a_commit_share_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    disk.hold.clear()

    async def work(store: StoreRef) -> None:
        first = asyncio.ensure_future(commit(store, Write(tmp_path / "first", b"1")))
        await asyncio.to_thread(disk.entered.wait, 60)
        others = [asyncio.ensure_future(commit(store, Write(tmp_path / f"{n}", b"x"))) for n in range(100)]
        await asyncio.sleep(0)
        assert not first.done()
        disk.hold.set()
        await asyncio.gather(first, *others)
        assert disk.did.count(("fsync", tmp_path.name)) == 2
        assert len(files_in(tmp_path)) == 101

    with_store(work)


def test_no_change_is_acknowledged_before_its_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    async def work(store: StoreRef) -> None:
        def check(number: int) -> None:
            done = disk.did.copy()
            replaced = done.index(("replace", str(number)))
            assert ("fsync", tmp_path.name) in done[replaced:]

        async def one(number: int) -> None:
            await commit(store, Write(tmp_path / str(number), b"x"))
            check(number)

        await asyncio.gather(*(one(number) for number in range(50)))

    with_store(work)


def test_changes_of_one_file_keep_their_order(tmp_path: Path) -> None:
    async def work(store: StoreRef) -> None:
        path = tmp_path / "a"
        ends: list[int] = []

        async def one(number: int) -> None:
            change = Remove(path) if number % 5 == 4 else Write(path, str(number).encode())
            await commit(store, change)
            ends.append(number)

        await asyncio.gather(*(one(number) for number in range(23)))
        assert ends == list(range(23))
        assert path.read_bytes() == b"22"

    with_store(work)


def test_a_stop_commits_what_is_pending_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    disk.hold.clear()

    async def work(store: StoreRef) -> None:
        path = tmp_path / "a"
        commits = [asyncio.ensure_future(commit(store, Write(path, b"first")))]
        await asyncio.to_thread(disk.entered.wait, 60)
        commit_later(store, Write(path, b"second"))
        commits.append(asyncio.ensure_future(commit(store, Write(path, b"third"))))
        await asyncio.sleep(0)
        threading.Timer(0.05, disk.hold.set).start()
        await store.ask(messages._ActorStop(), block=False)
        assert files_in(tmp_path) == {"a": b"third"}
        await asyncio.gather(*commits)

    with_store(work)


def test_a_cancelled_caller_does_not_undo_its_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    disk.hold.clear()

    async def work(store: StoreRef) -> None:
        task = asyncio.ensure_future(commit(store, Write(tmp_path / "a", b"x")))
        await asyncio.to_thread(disk.entered.wait, 60)
        task.cancel()
        disk.hold.set()
        await commit(store, Write(tmp_path / "b", b"y"))
        assert files_in(tmp_path) == {"a": b"x", "b": b"y"}

    with_store(work)


def test_links_and_modes(tmp_path: Path) -> None:
    async def work(store: StoreRef) -> None:
        await commit(store, Write(tmp_path / "secret", b"x"))
        await commit(store, Write(tmp_path / "open", b"x", mode=0o644))
        assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644
        for target in ("secret", "open"):
            await commit(store, Link(tmp_path / "link", target))
            assert os.readlink(tmp_path / "link") == target
        await commit(store, Remove(tmp_path / "link"))
        await commit(store, Remove(tmp_path / "link"))  # There need not have been one.
        assert sorted(files_in(tmp_path)) == ["open", "secret"]

    with_store(work)


def failing_once(function: Any, error: int) -> Any:
    """``function``, which fails the first time."""
    calls = itertools.count()

    def call(*args: Any, **more: Any) -> Any:
        if next(calls) == 0:
            raise OSError(error, os.strerror(error))
        return function(*args, **more)

    return call


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_failure_at_any_step_keeps_the_old_content_and_leaves_nothing_behind(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: StoreRef) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")
        original = getattr(os, step)
        failing = failing_once(original, errno.ENOSPC)

        def only_here(*args: Any, **more: Any) -> Any:
            inside = not isinstance(args[0], int) or os.readlink(f"/proc/self/fd/{args[0]}").startswith(str(tmp_path))
            return (failing if inside else original)(*args, **more)

        monkeypatch.setattr(committer_module.os, step, only_here)
        with pytest.raises(SystemFailure, match=f"cannot write {path}: No space left on device") as raised:
            await commit(store, Write(path, b"new"))
        assert raised.value.errno == errno.ENOSPC
        assert files_in(tmp_path) == {"a": b"old"}
        await commit(store, Write(path, b"newer"))
        assert files_in(tmp_path) == {"a": b"newer"}

    with_store(work)


def test_a_directory_that_cannot_be_flushed_is_a_failure_of_its_changes_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for directory in (good, bad):
        directory.mkdir()
    original = os.fsync

    def fsync(fd: int) -> None:
        if os.readlink(f"/proc/self/fd/{fd}") == str(bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        original(fd)

    monkeypatch.setattr(committer_module.os, "fsync", fsync)

    async def work(store: StoreRef) -> None:
        changes = [Write(good / "a", b"x"), Write(bad / "a", b"x"), Write(good / "b", b"x")]
        results = await asyncio.gather(*(commit(store, change) for change in changes), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), SystemFailure, type(None)]

    with_store(work)


def test_missing_directories_and_what_is_in_the_way_are_system_failures(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    async def work(store: StoreRef) -> None:
        for change, number in (
            (Write(tmp_path / "no" / "such", b"x"), errno.ENOENT),
            (Remove(tmp_path / "taken"), errno.EISDIR),
            (Write(tmp_path / "taken", b"x"), errno.EISDIR),
            (Link(tmp_path / "taken", "x"), errno.EISDIR),
        ):
            with pytest.raises(SystemFailure) as raised:
                await commit(store, change)
            assert raised.value.errno == number
        assert os.listdir(tmp_path) == ["taken"]

    with_store(work)


def test_what_nobody_foresaw_fails_its_callers_and_not_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module.os, "replace", failing_with_value_error(os.replace))

    async def work(store: StoreRef) -> None:
        with pytest.raises(ValueError, match="a defect"):
            await commit(store, Write(tmp_path / "a", b"x"))
        await commit(store, Write(tmp_path / "b", b"x"))

    with_store(work)


def failing_with_value_error(function: Any) -> Any:
    calls = itertools.count()

    def call(*args: Any) -> Any:
        if next(calls) == 0:
            raise ValueError("a defect")
        return function(*args)

    return call


def test_a_failure_that_nobody_waits_for_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(store: StoreRef) -> None:
        commit_later(store, Write(tmp_path / "no" / "such", b"x"))
        await commit(store, Write(tmp_path / "a", b"x"))

    with_store(work)
    assert f"cannot write {tmp_path}/no/such: No such file or directory" in caplog.text


def test_a_sweep_removes_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}0123").write_bytes(b"half")
    (tmp_path / "guest.xml").write_bytes(b"whole")
    sweep(tmp_path)
    assert files_in(tmp_path) == {"guest.xml": b"whole"}
    sweep(tmp_path / "absent")


# -- with a journal ---------------------------------------------------------------------------------------------------


def boot(directory: Path, number: int) -> Path:
    """The kernel's word of which boot this is."""
    path = directory / f"boot{number}"
    path.write_text(f"{number:08}-0000-0000-0000-000000000000\n")
    return path


def test_with_a_journal_a_change_is_recorded_before_it_is_made_and_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    journal = Journal(tmp_path / "journal")

    async def work(store: StoreRef) -> None:
        await commit(store, Write(files / "first", b"makes the journal"))
        disk = Disk(monkeypatch)
        monkeypatch.setattr(os, "pwrite", disk._noting("pwrite", os.pwrite))
        await commit(store, Write(files / "a", b"one"))
        assert disk.kinds == ["write temporary", "pwrite", "replace"]
        await commit(store, Remove(files / "a"))
        assert disk.kinds[3:] == ["pwrite"]
        assert files_in(files).keys() == {"first"}

    with_store(work, journal)
    assert Journal(journal.path).read() == (
        [Write(files / "first", b"makes the journal"), Write(files / "a", b"one"), Remove(files / "a")],
        True,
    )
    settle(journal)
    assert Journal(journal.path).read().changes == []


def test_the_file_for_the_next_change_is_there_before_it(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()

    async def inode_of_what_is_ready() -> int:
        until = time.monotonic() + 60
        while not (found := list(files.glob(f"{TEMPORARY}*"))):
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        return found[0].stat().st_ino

    async def work(store: StoreRef) -> None:
        await commit(store, Write(files / "a", b"one"))
        ready = await inode_of_what_is_ready()
        await commit(store, Write(files / "b", b"two"))
        assert (files / "b").stat().st_ino == ready
        await commit(store, Write(files / "c", b"three", mode=0o644))
        assert files_in(files) == {"a": b"one", "b": b"two", "c": b"three"}
        assert [path.stat().st_mode & 0o777 for path in map(files.joinpath, "abc")] == [0o600, 0o600, 0o644]
        await inode_of_what_is_ready()
        for path in files.glob(f"{TEMPORARY}*"):
            path.unlink()  # As who tidies up would.
        await commit(store, Write(files / "a", b"four"))
        with pytest.raises(SystemFailure):
            await commit(store, Write(files / "a" / "b", b"no directory"))
        assert files_in(files)["a"] == b"four"

    with_store(work, Journal(tmp_path / "journal"))
    assert sorted(os.listdir(files)) == ["a", "b", "c"], "nothing is ready when the store has stopped"


class HeldJournal(Journal):
    """Lets go of a record when the test does; notes whether a file was there when it was asked for."""

    def __init__(self, path: Path, file: Path) -> None:
        super().__init__(path)
        self.go_on = threading.Event()
        self.found: list[bool] = []
        self._file = file

    def record(self, changes: Sequence[Change]) -> None:
        self.found.append(self._file.exists())
        assert self.go_on.wait(60)
        super().record(changes)


def test_a_removal_that_is_told_first_is_made_then_told_then_recorded(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "a").write_bytes(b"x")
    journal = HeldJournal(tmp_path / "journal", files / "a")

    async def work(store: StoreRef) -> None:
        await asyncio.wait_for(commit(store, Remove(files / "a", told_first=True)), 60)
        assert files_in(files) == {}
        again = asyncio.ensure_future(commit(store, Write(files / "a", b"again")))
        await asyncio.sleep(0.05)
        assert not again.done(), "what comes after it waits for its record"
        journal.go_on.set()
        await again

    with_store(work, journal)
    assert journal.found == [False, False]
    assert Journal(journal.path).read().changes == [Remove(files / "a"), Write(files / "a", b"again")]


@pytest.mark.parametrize("has_journal", [True, False])
def test_a_removal_that_is_told_first_and_cannot_be_recorded_is_flushed(
    has_journal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "a").write_bytes(b"x")
    disk = Disk(monkeypatch)
    if has_journal:
        monkeypatch.setattr(Journal, "record", failing_once(Journal.record, errno.EIO))

    async def work(store: StoreRef) -> None:
        await commit(store, Remove(files / "a", told_first=True))

    with_store(work, Journal(tmp_path / "journal") if has_journal else None)
    assert disk.did[-1] == ("fsync", "files")
    assert ("Input/output error" in caplog.text) == has_journal


def test_what_a_host_lost_that_went_down_is_made_again(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()

    async def work(store: StoreRef) -> None:
        for change in (
            Write(files / "a", b"old"),
            Write(files / "a", b"new", 0o644),
            Write(files / "b", b"x"),
            Remove(files / "b"),
            Link(files / "l", "a"),
        ):
            await commit(store, change)
        await commit(store, Write(files / "state", b"x", durable=False))

    with_store(work, Journal(tmp_path / "journal", boot(tmp_path, 1)))
    for path in files.iterdir():
        path.unlink()
    (files / "b").write_bytes(b"the removal is lost, too")
    recover(Journal(tmp_path / "journal", boot(tmp_path, 2)))
    assert files_in(files) == {"a": b"new", "l": b"new"}
    assert (files / "l").is_symlink()
    assert (files / "a").stat().st_mode & 0o777 == 0o644
    assert Journal(tmp_path / "journal").read().changes == []


def test_after_a_crash_of_the_daemon_alone_files_are_left_as_they_are(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()

    async def work(store: StoreRef) -> None:
        await commit(store, Write(files / "a", b"ours"))

    with_store(work, Journal(tmp_path / "journal", boot(tmp_path, 1)))
    (files / "a").write_bytes(b"an administrator's")
    recover(Journal(tmp_path / "journal", boot(tmp_path, 1)))
    recover(Journal(tmp_path / "journal", boot(tmp_path, 2)))
    assert files_in(files) == {"a": b"an administrator's"}


def test_a_full_journal_is_begun_anew_when_its_files_are_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SIZE", 3 * journal_module.START)
    files = tmp_path / "files"
    files.mkdir()
    journal = Journal(tmp_path / "journal", boot(tmp_path, 1))

    async def work(store: StoreRef) -> None:
        for number in range(40):
            await commit(store, Write(files / f"{number % 7}", b"%d" % number + b"x" * 1000))
        assert len(journal.paths) < 7
        await commit(store, Write(files / "large", b"x" * 3 * journal_module.START))
        assert not journal.paths
        await commit(store, Write(files / "0", b"the last"))

    with_store(work, journal)
    recover(Journal(journal.path, boot(tmp_path, 2)))
    assert files_in(files)["0"] == b"the last"
    assert files_in(files)["4"].startswith(b"39")


def test_what_cannot_be_recorded_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "files"
    files.mkdir()

    async def work(store: StoreRef) -> None:
        await commit(store, Write(files / "a", b"old"))
        original = os.pwrite
        monkeypatch.setattr(os, "pwrite", failing_once(original, errno.EIO))
        with pytest.raises(SystemFailure) as raised:
            await commit(store, Write(files / "a", b"new"))
        assert raised.value.errno == errno.EIO
        assert files_in(files) == {"a": b"old"}
        await commit(store, Write(files / "b", b"x"))

    with_store(work, Journal(tmp_path / "journal", boot(tmp_path, 1)))
    recover(Journal(tmp_path / "journal", boot(tmp_path, 2)))
    assert files_in(files) == {"a": b"old", "b": b"x"}


def test_where_no_journal_can_be_made_files_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(store: StoreRef) -> None:
        disk = Disk(monkeypatch)
        await commit(store, Write(tmp_path / "a", b"one"))
        assert disk.kinds == ["write temporary", "fsync temporary", "replace", "fsync"]

    with_store(work, Journal(tmp_path / "no such directory" / "journal"))


def test_a_file_that_cannot_be_made_again_is_a_failure_of_the_start(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()

    async def work(store: StoreRef) -> None:
        await commit(store, Write(files / "a", b"x"))

    with_store(work, Journal(tmp_path / "journal", boot(tmp_path, 1)))
    (files / "a").unlink()
    (files / "a").mkdir()
    with pytest.raises(SystemFailure, match="files/a"):
        recover(Journal(tmp_path / "journal", boot(tmp_path, 2)))
    (files / "a").rmdir()
    recover(Journal(tmp_path / "journal", boot(tmp_path, 2)))
    assert files_in(files) == {"a": b"x"}


@pytest.mark.parametrize("has_journal", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_a_crash_at_any_instant_leaves_files_whole_and_loses_nothing_acknowledged(
    seed: int, has_journal: bool, tmp_path: Path
) -> None:
    """A child commits numbered contents and reports each acknowledgement; it dies at a system call of our choice."""
    journal, tmp_path = tmp_path / "journal", tmp_path / "files"
    tmp_path.mkdir()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _die_while_committing(tmp_path, Journal(journal) if has_journal else None, writer, random.Random(seed))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    acknowledged: dict[str, int] = {}
    for line in lines:
        name, number = line.split()
        acknowledged[name] = max(acknowledged.get(name, 0), int(number))
    sweep(tmp_path)
    for lost in (tmp_path / name for name in "abc" if seed % 2 and has_journal):
        lost.unlink(missing_ok=True)  # The host has gone down, too.
    recover(Journal(journal, boot=tmp_path / "of another boot"))
    found = files_in(tmp_path)
    for name, content in found.items():
        number, _, rest = content.partition(b":")
        assert rest == b"x" * 5000, f"{name} is not whole"
        assert int(number) >= acknowledged.get(name, 0)
    assert acknowledged.keys() <= found.keys()


def _die_while_committing(directory: Path, journal: Journal | None, report: int, chance: random.Random) -> None:
    """In the child: commit until one of the system calls kills us."""
    try:
        left = itertools.count(chance.randrange(5, 60), -1)

        def dying(function: Any) -> Any:
            def call(*args: Any, **more: Any) -> Any:
                if next(left) <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **more)

            return call

        committer_module.os = type("DyingOS", (), dict(vars(os)))  # type: ignore[attr-defined]
        journal_module.os = committer_module.os  # type: ignore[attr-defined]
        for name in ("open", "write", "pwrite", "fsync", "replace", "close"):
            setattr(committer_module.os, name, staticmethod(dying(getattr(os, name))))

        async def one(store: StoreRef, name: str) -> None:
            for number in itertools.count(1):
                await commit(store, Write(directory / name, b"%d:%s" % (number, b"x" * 5000)))
                os.write(report, f"{name} {number}\n".encode())

        async def all_() -> None:
            store = Store.start(Runtime(asyncio.get_running_loop()), journal)
            await asyncio.gather(*(one(store, name) for name in "abc"))

        asyncio.run(all_())
    finally:
        os._exit(1)
