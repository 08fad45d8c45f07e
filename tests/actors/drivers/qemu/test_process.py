"""Processes of guests: small programs where any process will do, a real QEMU for what it takes to end one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from virtactor.actors.commands import Exit, allowed_environment
from virtactor.actors.drivers.qemu.command_line import monitor_arguments
from virtactor.actors.drivers.qemu.process import (
    Identity,
    Launch,
    Process,
    adopt,
    last_lines,
    read_stat,
    spawn,
)
from virtactor.actors.monitor.qmp import QmpConnection
from virtactor.actors.unix_sockets import listen_unix
from virtactor.wire.errors import InvalidArgument, ResourceBusy, SystemFailure

QEMU = ["/usr/bin/qemu-system-x86_64", "-machine", "pc", "-accel", "tcg", "-S", "-display", "none", "-nodefaults"]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(work: Awaitable[None], new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
    async def body() -> None:
        await work

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(body())


def shell(script: str, directory: Path, **more: Any) -> Launch:
    return Launch(["/bin/sh", "-c", script], directory / "guest.log", allowed_environment(), **more)


@asynccontextmanager
async def running(launch: Launch) -> AsyncIterator[Process]:
    process = await spawn(launch)
    try:
        yield process
    finally:
        await process.kill(grace=0)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_the_way_a_process_ended_is_known(tmp_path: Path, new_loop: Any) -> None:
    async def work() -> None:
        assert await (await spawn(shell("exit 3", tmp_path))).wait() == Exit(code=3)
        assert await (await spawn(shell("kill -ABRT $$", tmp_path))).wait() == Exit(signal=signal.SIGABRT)
        assert (str(Exit(code=3)), str(Exit(signal=9)), str(Exit())) == (
            "exited with status 3",
            "killed by SIGKILL",
            "ended",
        )

    run(work(), new_loop)


def test_an_ended_process_leaves_no_zombie_and_is_reported_to_late_watchers_too(tmp_path: Path) -> None:
    async def work() -> None:
        process = await spawn(shell("exit 0", tmp_path))
        ends: list[Exit] = []
        process.watch(ends.append)
        await process.wait()
        process.watch(ends.append)
        await asyncio.sleep(0)
        assert ends == [Exit(code=0), Exit(code=0)]
        assert read_stat(process.pid) is None
        assert process.cpu_time() == 0
        assert await process.kill() == Exit(code=0)

    run(work())


def test_the_process_is_alone_in_its_session_with_only_what_it_was_given(tmp_path: Path) -> None:
    async def work() -> None:
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        script = "echo pid $$; cat /proc/self/stat | cut -d' ' -f6; ls /proc/self/fd; pwd; cat; echo end; echo $ONLY"
        launch = replace(
            shell(script, tmp_path, fds=(read_end,)),
            directory=tmp_path,
            environment=allowed_environment(ONLY="this"),
        )
        process = await spawn(launch)
        await process.wait()
        os.close(read_end)
        os.close(write_end)
        lines = process.last_lines(20).splitlines()
        assert lines[:2] == [f"pid {process.pid}", str(process.pid)]
        fds = {int(line) for line in lines[2:-3]}
        assert fds >= {0, 1, 2, read_end}
        assert write_end not in fds
        assert len(fds) == 5  # ls has one of its own, of the directory
        assert lines[-3:] == [str(tmp_path), "end", "this"]

    run(work())


def test_files_are_known_by_their_order_whatever_their_numbers(tmp_path: Path) -> None:
    async def work() -> None:
        pipes = [os.pipe() for _ in range(3)]
        for number, (_, writable) in enumerate(pipes):
            os.write(writable, f"file {number}\n".encode())
            os.close(writable)
        # Above the numbers that they are to have, the second before the first.
        files = [
            fcntl.fcntl(readable, fcntl.F_DUPFD_CLOEXEC, 60 - number) for number, (readable, _) in enumerate(pipes)
        ]
        try:
            script = "cat <&3; cat <&4; cat <&5; ls /proc/self/fd | wc -l; kill -PIPE $$"
            async with running(shell(script, tmp_path, files=files)) as process:
                assert await process.wait() == Exit(signal=signal.SIGPIPE)
            said = (tmp_path / "guest.log").read_text().splitlines()[1:]
            assert said == ["file 0", "file 1", "file 2", "7"]  # ls has one of its own, of the directory
        finally:
            for descriptor in (*files, *(readable for readable, _ in pipes)):
                os.close(descriptor)

    run(work())


def test_the_log_tells_when_and_how_the_process_was_started_and_keeps_earlier_runs(tmp_path: Path) -> None:
    async def work() -> None:
        log = tmp_path / "guest.log"
        for text in ("first", "second"):
            process = await spawn(Launch(["/bin/echo", text, "two words"], log, {"LC_ALL": "C"}))
            await process.wait()
        lines = log.read_text().splitlines()
        assert lines[0].endswith("+00:00 starting: LC_ALL=C /bin/echo first 'two words'")
        assert [lines[1], lines[3]] == ["first two words", "second two words"]
        assert process.last_lines() == "second two words"
        assert last_lines(log, 1) == "second two words"
        assert log.stat().st_mode & 0o777 == 0o600

    run(work())


def test_a_log_of_megabytes_is_read_from_its_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff\n" * 2_000_000 + b"last")
    assert last_lines(tmp_path / "log", 2) == "\N{REPLACEMENT CHARACTER}\nlast"
    assert last_lines(tmp_path / "absent") == ""


def test_a_program_that_cannot_be_started_is_a_system_failure(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(SystemFailure, match="cannot start /no/such/qemu: No such file"):
            await spawn(Launch(["/no/such/qemu"], tmp_path / "log"))
        with pytest.raises(SystemFailure, match="cannot write"):
            await spawn(shell("true", tmp_path / "absent"))

    run(work())


def test_a_stubborn_process_gets_sigkill_after_the_grace_and_only_by_force(tmp_path: Path) -> None:
    async def work() -> None:
        fifo = tmp_path / "ready"
        os.mkfifo(fifo)
        async with running(
            shell(f"trap '' TERM; echo > {fifo}; while :; do read x < {fifo}; done", tmp_path)
        ) as process:
            await asyncio.to_thread(fifo.read_text)
            with pytest.raises(ResourceBusy, match=r"did not end within 0\.05 s"):
                await process.kill(grace=0.05, force=False)
            assert await process.kill(grace=0.05) == Exit(signal=signal.SIGKILL)

    run(work())


def test_a_stopped_process_is_killed_without_a_grace(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(shell("read x < /dev/zero", tmp_path)) as process:
            process.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            assert process.is_stopped()
            began = time.perf_counter()
            assert await process.kill(grace=60) == Exit(signal=signal.SIGKILL)
            assert time.perf_counter() - began < 60

    run(work())


def test_a_real_guest_ends_by_sigterm(tmp_path: Path) -> None:
    async def work() -> None:
        with listen_unix(tmp_path / "monitor.sock") as listener:
            argv = [*QEMU, *monitor_arguments(listener.fileno())]
            process = await spawn(Launch(argv, tmp_path / "log", allowed_environment(), fds=(listener.fileno(),)))
        async with running_connection(tmp_path / "monitor.sock"):
            assert await process.kill(grace=60) == Exit(code=0)

    run(work())


@asynccontextmanager
async def running_connection(path: Path) -> AsyncIterator[QmpConnection]:
    connection = QmpConnection("guest", lambda event: None)
    await connection.connect(path, asyncio.get_running_loop().time() + 60)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_process_that_somebody_else_started_is_adopted_watched_and_ended(tmp_path: Path, new_loop: Any) -> None:
    async def work() -> None:
        # The process's parent is a shell that is gone: as with a guest whose daemon was killed.
        launcher = await asyncio.to_thread(
            subprocess.run, ["/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], capture_output=True, check=True
        )
        identity = Identity.of(int(launcher.stdout))
        assert identity is not None
        assert identity.is_alive()
        process = adopt(Identity.parse(str(identity)), tmp_path / "log")
        assert process is not None
        ends: list[Exit] = []
        process.watch(ends.append)
        assert await process.kill() == Exit()
        assert ends == [Exit()]
        assert not identity.is_alive()
        assert adopt(identity, tmp_path / "log") is None

    run(work(), new_loop)


def test_a_released_process_lives_on_and_can_be_adopted_with_its_exit_status(tmp_path: Path) -> None:
    async def work() -> None:
        process = await spawn(shell("read x < /dev/zero", tmp_path))
        waiting = asyncio.create_task(process.wait())
        await asyncio.sleep(0)
        process.release()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        again = adopt(process.identity, process.log)
        assert again is not None
        assert await again.kill() == Exit(signal=signal.SIGTERM)

    run(work())


def test_another_process_under_the_same_pid_is_neither_adopted_nor_measured(tmp_path: Path) -> None:
    async def work() -> None:
        me = Identity.of(os.getpid())
        assert me is not None
        for stranger in (replace(me, started=me.started - 1), replace(me, boot="another")):
            assert not stranger.is_alive()
            assert adopt(stranger, tmp_path / "log") is None
        assert adopt(Identity(2**22 + 1, 1, me.boot), tmp_path / "log") is None

    run(work())


@pytest.mark.parametrize("text", ["", "1 2", "1 x boot", "1 2 3 4"])
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="does not identify a process"):
        Identity.parse(text)


def test_cpu_time_is_told_in_nanoseconds(tmp_path: Path) -> None:
    async def work() -> None:
        burn = f"import time\nwhile time.process_time() < 0.1: pass\nopen({str(tmp_path / 'done')!r}).read()\ninput()"
        os.mkfifo(tmp_path / "done")
        async with running(Launch([sys.executable, "-c", burn], tmp_path / "log", allowed_environment())) as process:
            await asyncio.to_thread((tmp_path / "done").write_text, "x")
            assert 90_000_000 <= process.cpu_time() < 10_000_000_000

    run(work())


def test_a_cancelled_start_leaves_no_descriptor_open(tmp_path: Path) -> None:
    async def work() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            starting = asyncio.create_task(spawn(shell("true", tmp_path)))
            await asyncio.sleep(0)
            starting.cancel()
            await asyncio.wait((starting,))
        await asyncio.get_running_loop().shutdown_default_executor()
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) <= before

    run(work())


def test_a_guest_is_watched_by_callbacks_that_survive_a_cancelled_wait(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(shell("read x < /dev/zero", tmp_path)) as process:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.01)
            ends: list[Exit] = []
            process.watch(ends.append)
            await process.kill()
            assert ends == [Exit(signal=signal.SIGTERM)]

    run(work())
