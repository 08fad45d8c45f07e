"""Completion, as real shells ask for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import connect
from virtactor.client.shell.completing import script

from .conftest import PATIENCE, Run, Shell, definition

# Each completes the line that it is given and prints what it would offer. bash and zsh call the function that completes
# in an editor they have not got here, so what it would hand to the editor is printed in its place.
SCRIPTS = {
    "bash": """
. ./script.bash
compopt() { COMPREPLY+=('<files>'); }
COMP_LINE=$1 COMP_POINT=${#1}
_virtactor_completion virtactor "$2"
printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { }
. ./script.zsh
compadd() { print -rl -- $completions }
_describe() { print -rl -- ${completions_with_descriptions%%:*} }
_path_files() { print '<files>' }
words=(${(s: :)1})
[[ $1 == *' ' ]] && words+=('')
CURRENT=$#words
_virtactor_completion
""",
    "fish": """
source script.fish
complete --do-complete $argv[1] | string split --fields 1 \\t
""",
}
STARTED_BARE = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}
FILES = {"bash": ["<files>"], "zsh": ["<files>"], "fish": ["one.xml"]}


class Completing:
    """Shells in a folder of their own, with `virtactor` in their PATH and a daemon to ask."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder = folder
        self.uri = uri

    def ask(self, shell: str, line: str, **environ: str) -> list[str]:
        """What a shell offers for a line, in the order of the alphabet."""
        # bash hands over the word that it would replace, which begins after the last blank or colon.
        word = line.replace(":", " ").rpartition(" ")[2]
        result = subprocess.run(
            [
                shell,
                *STARTED_BARE[shell],
                "-c",
                SCRIPTS[shell],
                *self._arguments(shell, line, word),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "VIRTACTOR_DEFAULT_URI": self.uri,
                **environ,
            },
        )
        assert result.stderr == ""
        return sorted(filter(None, result.stdout.splitlines()))

    def _arguments(self, shell: str, line: str, word: str) -> list[str]:
        return [line] if shell == "fish" else [shell, line, word]


@pytest.fixture(scope="module")
def completing(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Completing]:
    folder = tmp_path_factory.mktemp("completing")
    (folder / "bin").mkdir()
    program = folder / "bin" / "virtactor"
    program.write_text(f'#!/bin/sh\nexec {" ".join(Shell.program)} "$@"\n')
    program.chmod(0o755)
    (folder / "one.xml").touch()
    for name in SCRIPTS:
        (folder / f"script.{name}").write_text(script(name))
    with connect(shell.uri) as host:
        for name in ("web1", "web2", "a:b"):
            host.domains.define(definition(name))
        host.domains["web2"].start()
        yield Completing(folder, shell.uri)


@pytest.fixture(params=SCRIPTS)
def name(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def test_commands_are_completed(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor domb") == [
        "domblkerror",
        "domblkinfo",
        "domblklist",
        "domblkstat",
        "domblkthreshold",
    ]


def test_options_are_completed(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor list --state-p") == ["--state-paused"]


def test_domains_are_completed(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor dumpxml we") == ["web1", "web2"]


def test_domains_that_a_command_is_not_for_are_left_out(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor start w") == ["web1"]
    assert completing.ask(name, "virtactor destroy w") == ["web2"]


def test_domains_that_are_there_already_are_left_out(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor dumpxml web1 we") == ["web2"]


def test_the_uri_before_the_command_is_heeded(completing: Completing, name: str) -> None:
    assert completing.ask(name, f"virtactor -c {completing.uri} dominfo te", VIRTACTOR_DEFAULT_URI="") == ["test"]


def test_files_are_left_to_the_shell(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor define o") == FILES[name]


def test_states_are_completed_behind_domains(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor wait test pa") == ["paused"]


def test_without_a_daemon_there_is_nothing_and_no_error(completing: Completing, name: str) -> None:
    assert completing.ask(name, "virtactor --root /nowhere dominfo t") == []


def test_bash_gets_what_follows_the_colon_that_it_has_already(completing: Completing) -> None:
    assert completing.ask("bash", "virtactor dumpxml a:") == ["b"]
    assert completing.ask("bash", "virtactor dumpxml a") == ["a:b"]


def test_bash_gets_blanks_quoted(completing: Completing) -> None:
    with connect(completing.uri) as host:
        host.domains.define(definition("my vm's"))
        try:
            assert completing.ask("bash", "virtactor dumpxml my") == ["my\\ vm\\'s"]
        finally:
            host.domains["my vm's"].undefine()


def test_several_modes_are_completed_one_after_the_other(completing: Completing) -> None:
    assert completing.ask("bash", "virtactor shutdown web2 --mode acpi,ag") == ["acpi,agent"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_printed_for_the_shell_to_load(run: Run, name: str) -> None:
    result = run("completion", name)
    assert (result.exit_code, result.stdout) == (0, script(name))


def test_a_shell_that_we_do_not_know_is_wrong_usage(run: Run) -> None:
    result = run("completion", "csh")
    assert result.exit_code == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in result.stderr
