"""Every command is there, and its help is the table's."""

from __future__ import annotations

import click
import pytest
from virtactor.client.shell import catalogue
from virtactor.client.shell.program import program
from virtactor.wire.table import ROWS

from .conftest import Run

CONTEXT = click.Context(program, info_name="virtactor", terminal_width=80)
NAMED = sorted({name for row in ROWS.values() for name in row.commands})


def get(name: str) -> click.Command:
    found = program.get_command(CONTEXT, name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMED)
def test_a_command_that_a_row_names_exists(name: str) -> None:
    assert get(name).name == name


@pytest.mark.parametrize("name", catalogue.MODULES)
def test_a_command_of_the_catalogue_is_in_the_module_that_it_names(name: str) -> None:
    assert get(name).name == name


def test_what_the_table_does_not_know_has_help_of_its_own() -> None:
    assert sorted(catalogue.OWN_HELP) == sorted(set(catalogue.MODULES) - set(NAMED))


@pytest.mark.parametrize("name", NAMED)
def test_the_help_of_a_command_has_the_help_of_each_of_its_rows(name: str) -> None:
    helps = [row.help for row in ROWS.values() if name in row.commands]
    text = get(name).get_help(click.Context(get(name), info_name=name))
    shown = "".join(text.split()).lower()
    assert [help for help in helps if "".join(_plain(help).split()).lower() not in shown] == []


def _plain(help: str) -> str:
    """Without the names of flags, which a command with a single row leaves out."""
    return help.partition(" (vir")[0]


def test_the_help_of_the_program_shows_all_commands_in_virshs_groups(run: Run) -> None:
    lines = run("--help").stdout.splitlines()
    titles = [line.rstrip(":") for line in lines if line.endswith(":") and line[0] not in " OU"]
    assert titles == [section.title for section in catalogue.SECTIONS]
    first_words = [line.split()[0] for line in lines if line.startswith("  ") and line[2:3].isalpha()]
    assert [name for name in catalogue.MODULES if name not in first_words] == []


def test_help_of_one_command_is_that_of_its_option(run: Run) -> None:
    asked, told = run("suspend", "--help"), run("help", "suspend")
    assert asked.stdout == told.stdout
    assert "Stop the domain's processors; its memory stays." in asked.stdout


def test_help_of_a_command_that_is_none_is_wrong_usage(run: Run) -> None:
    result = run("help", "frob")
    assert (result.exit_code, result.stderr) == (2, "error: No such command 'frob'. (hint: virtactor help --help)\n")


def test_no_command_at_all_shows_help_and_says_that_there_is_no_prompt(run: Run) -> None:
    import click.testing

    result = click.testing.CliRunner().invoke(program, [])
    assert result.exit_code == 2
    assert "there is no prompt here" in result.stderr.replace("\n  ", " ")
