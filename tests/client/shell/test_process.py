"""The program as a process: exit status, pipes, what it imports, a terminal's colours."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

from virtactor.client import connect

from .conftest import PATIENCE, Shell


def test_done_is_status_0(shell: Shell) -> None:
    result = shell.run("list", "--name")
    assert (result.returncode, result.stdout, result.stderr) == (0, "test\n\n", "")


def test_failed_is_status_1_and_one_line_on_stderr(shell: Shell) -> None:
    result = shell.run("dominfo", "nope")
    assert (result.returncode, result.stdout, result.stderr) == (
        1,
        "",
        "error: Domain not found: no domain with matching name 'nope'\n",
    )


def test_misused_is_status_2_and_one_line_on_stderr(shell: Shell) -> None:
    result = shell.run("frob")
    assert (result.returncode, result.stderr) == (2, "error: No such command 'frob'. (hint: virtactor --help)\n")


def test_interrupted_is_status_130(shell: Shell) -> None:
    # The event that it prints says that it is at work; it was told to go on.
    process = shell.start("event", "--loop", env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    with connect(shell.uri) as host:
        while not select.select([process.stdout], [], [], 0.1)[0]:
            host.domains["test"].suspend()
            host.domains["test"].resume()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "")


def test_nobody_there_hints_to_start_the_daemon(tmp_path: Path) -> None:
    result = subprocess.run(
        [*Shell.program, "--root", str(tmp_path), "list"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 1
    assert result.stderr == (
        f"error: no connection: no daemon listens at {tmp_path}/run/virtactor.sock (hint: start virtactord)\n"
    )


def test_the_uri_may_come_from_the_environment(shell: Shell) -> None:
    result = subprocess.run(
        [*Shell.program, "uri"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "VIRTACTOR_DEFAULT_URI": shell.uri},
    )
    assert result.stdout == "test:///default\n\n"


def test_readonly_looks_and_does_not_touch(shell: Shell) -> None:
    assert shell.run("-r", "list").returncode == 0
    result = shell.run("-r", "suspend", "test")
    assert (result.returncode, result.stderr) == (
        1,
        "error: operation forbidden: read only access prevents virDomainSuspend\n",
    )


def test_a_reader_that_leaves_ends_it_quietly(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = shell.start("list", stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (1, "")


def test_nothing_is_drawn_into_a_pipe(shell: Shell) -> None:
    result = shell.run("list", "--all", env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"})
    assert result.stdout == " Id   Name   State\n----------------------\n 1    test   running\n\n"


def on_terminal(command: list[str], **environ: str) -> str:
    """What a command prints to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environ},
    )
    os.close(follower)
    output = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:  # How a terminal tells that nobody has it open any more.
            break
        output += data
    os.close(leader)
    assert process.wait(PATIENCE) == 0
    return output.decode()


def test_a_terminal_gets_colours_for_states(shell: Shell) -> None:
    text = on_terminal([*shell.program, "-c", shell.uri, "list", "--all"])
    assert "\x1b[32mrunning\x1b[0m" in text


def test_a_terminal_that_wants_no_colours_gets_none(shell: Shell) -> None:
    text = on_terminal([*shell.program, "-c", shell.uri, "dominfo", "test"], NO_COLOR="1", TERM="dumb")
    assert "\x1b" not in text
    assert ["State", "running"] in [line.split() for line in text.splitlines()]


def test_json_on_a_terminal_is_json(shell: Shell) -> None:
    text = on_terminal([*shell.program, "-c", shell.uri, "--json", "list"])
    assert json.loads(text)["domains"][0]["name"] == "test"


IMPORTS = """
import sys
from virtactor.client.shell import main
main(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
"""
# What a list into a pipe has no use for, and that would take a noticeable part of its 150 ms.
DEAR = ("rich", "lxml", "xml", "asyncio", "pykka", "json", "virtactor.actors", "virtactor.wire.documents", "subprocess")


def test_a_list_imports_only_what_it_needs(shell: Shell) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORTS, "-c", shell.uri, "list"], capture_output=True, text=True, timeout=PATIENCE
    )
    modules = set(result.stderr.split())
    assert [name for name in DEAR if name in modules] == []
    commands = {name.rpartition(".")[2] for name in modules if name.startswith("virtactor.client.shell.commands.")}
    assert commands == {"actions", "listing", "states"}
