"""Commands: programs that do one thing and end, and what becomes of those that do not."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop
from virtactor.actors import commands
from virtactor.actors.commands import Output
from virtactor.wire.errors import ProcessFailure, SystemFailure

T = TypeVar("T")
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
LONG = 60.0  # seconds that nothing here really takes


def run(work: Awaitable[T], new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> T:
    async def body() -> T:
        return await work

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(body())


def shell(script: str, **more: Any) -> Output:
    return run(commands.run(["/bin/sh", "-c", script], **{"deadline": LONG, **more}))


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_command_gives_what_it_wrote(new_loop: Any) -> None:
    command = commands.run(["/bin/sh", "-c", "echo out; echo words >&2; exit 3"], success=(0, 3))
    assert run(command, new_loop) == Output(b"out\n", "words", 3)


def test_much_output_and_much_input_do_not_wait_for_each_other() -> None:
    data = os.urandom(3_000_000)
    assert run(commands.run(["cat"], input=data)).stdout == data


def test_a_command_reads_nothing_where_it_is_given_nothing() -> None:
    assert shell("cat").stdout == b""


def test_an_argument_is_never_read_by_a_shell() -> None:
    assert run(commands.run(["echo", "$HOME; rm *", "`id`"])).text == "$HOME; rm * `id`\n"


def test_a_command_sees_only_the_variables_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "of the daemon")
    monkeypatch.setenv("HOME", "/somewhere")
    seen = dict(line.split("=", 1) for line in shell("env", environment={"ONLY": "this"}).text.splitlines())
    assert {name: seen.get(name) for name in ("A_SECRET", "HOME", "LC_ALL", "ONLY")} == {
        "A_SECRET": None,
        "HOME": "/somewhere",
        "LC_ALL": "C",
        "ONLY": "this",
    }
    assert seen.keys() <= {*commands.INHERITED, "LC_ALL", "ONLY", "PWD", "SHLVL", "_", "OLDPWD"}


def test_a_command_has_only_the_descriptors_that_it_was_given() -> None:
    passed, kept = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(kept, True)
    script = "import os; print(*(int(n) for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')))"
    try:
        output = run(commands.run([sys.executable, "-c", script], fds=(passed,)))
    finally:
        os.close(passed)
        os.close(kept)
    assert {int(number) for number in output.text.split()} == {0, 1, 2, passed}


def test_a_failure_has_the_last_lines_that_were_said() -> None:
    with pytest.raises(ProcessFailure, match=r"/bin/sh exited with status 1: line 30") as caught:
        shell("for n in $(seq 30); do echo line $n >&2; done; exit 1")
    assert caught.value.stderr == "\n".join(f"line {number}" for number in range(21, 31))
    with pytest.raises(ProcessFailure, match="killed by SIGABRT: it said nothing"):
        shell("kill -ABRT $$")


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(SystemFailure, match="cannot start /no/such/program") as caught:
        run(commands.run(["/no/such/program"]))
    assert caught.value.errno == 2


def test_a_command_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! >{tmp_path}/child; echo $$ >{tmp_path}/self; echo so far >&2; wait"
    with pytest.raises(ProcessFailure, match="did not end within") as caught:
        shell(script, deadline=3.0)
    assert caught.value.stderr == "so far"
    assert all(is_gone(int((tmp_path / name).read_text())) for name in ("child", "self"))


def test_a_command_that_writes_too_much_is_killed() -> None:
    with pytest.raises(ProcessFailure, match="wrote more than 1000000 bytes"):
        shell("yes", output_max=1_000_000)


def test_a_command_of_a_cancelled_job_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    os.mkfifo(pid_file)

    async def work() -> int:
        task = asyncio.ensure_future(commands.run(["/bin/sh", "-c", f"echo $$ >{pid_file}; exec sleep 1000"]))
        pid = int(await asyncio.to_thread(pid_file.read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    assert is_gone(run(work()))


def test_what_a_command_leaves_running_is_not_waited_for() -> None:
    pid = int(shell("sleep 1000 & echo $!").text)
    os.kill(pid, 9)


def test_nothing_is_left_open() -> None:
    async def work() -> None:
        await commands.run(["true"], input=b"x")
        before = set(os.listdir("/proc/self/fd"))
        for _ in range(5):
            await commands.run(["true"], input=b"x")
            with pytest.raises(ProcessFailure):
                await commands.run(["false"])
        assert set(os.listdir("/proc/self/fd")) <= before

    run(work())


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does now that it was killed."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], LONG)[0])
    finally:
        os.close(pidfd)
