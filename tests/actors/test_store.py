"""Durable files: nothing is acknowledged before it is on disk, and a crash leaves files whole."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import random
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pykka
import pytest
from pykka import messages
from virtactor.actors import store as store_module
from virtactor.actors.runtime import Runtime
from virtactor.actors.store import Link, Remove, Store, Write, commit, commit_later, sweep
from virtactor.wire.errors import SystemFailure

from .loops import run

StoreRef = pykka.ActorRef[Store]


def with_store(work: Callable[[StoreRef], Awaitable[None]]) -> None:
    async def whole() -> None:
        runtime = Runtime(asyncio.get_running_loop())
        ref = Store.start(runtime)
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
            monkeypatch.setattr(store_module.os, name, self._noting(name, getattr(os, name)))

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
        return [name if not file.startswith(store_module.TEMPORARY) else f"{name} temporary" for name, file in self.did]


def files_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


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

        monkeypatch.setattr(store_module.os, step, only_here)
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

    monkeypatch.setattr(store_module.os, "fsync", fsync)

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
    monkeypatch.setattr(store_module.os, "replace", failing_with_value_error(os.replace))

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
    (tmp_path / f"{store_module.TEMPORARY}0123").write_bytes(b"half")
    (tmp_path / "guest.xml").write_bytes(b"whole")
    sweep(tmp_path)
    assert files_in(tmp_path) == {"guest.xml": b"whole"}
    sweep(tmp_path / "absent")


@pytest.mark.parametrize("seed", range(12))
def test_a_crash_at_any_instant_leaves_files_whole_and_loses_nothing_acknowledged(seed: int, tmp_path: Path) -> None:
    """A child commits numbered contents and reports each acknowledgement; it dies at a system call of our choice."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _die_while_committing(tmp_path, writer, random.Random(seed))
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
    found = files_in(tmp_path)
    for name, content in found.items():
        number, _, rest = content.partition(b":")
        assert rest == b"x" * 5000, f"{name} is not whole"
        assert int(number) >= acknowledged.get(name, 0)
    assert acknowledged.keys() <= found.keys()


def _die_while_committing(directory: Path, report: int, chance: random.Random) -> None:
    """In the child: commit until one of the system calls kills us."""
    try:
        left = itertools.count(chance.randrange(5, 60), -1)

        def dying(function: Any) -> Any:
            def call(*args: Any, **more: Any) -> Any:
                if next(left) <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **more)

            return call

        store_module.os = type("DyingOS", (), dict(vars(os)))  # type: ignore[attr-defined]
        for name in ("open", "write", "fsync", "replace", "close"):
            setattr(store_module.os, name, staticmethod(dying(getattr(os, name))))

        async def one(store: StoreRef, name: str) -> None:
            for number in itertools.count(1):
                await commit(store, Write(directory / name, b"%d:%s" % (number, b"x" * 5000)))
                os.write(report, f"{name} {number}\n".encode())

        async def all_() -> None:
            store = Store.start(Runtime(asyncio.get_running_loop()))
            await asyncio.gather(*(one(store, name) for name in "abc"))

        asyncio.run(all_())
    finally:
        os._exit(1)
