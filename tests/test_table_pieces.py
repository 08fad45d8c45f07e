"""A row of the table is an API, which is more than its row: its callers, its answerer, a command that leads to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import virtactor.client.shell.catalogue as catalogue
from virtactor.wire.pack import codec
from virtactor.wire.table import ROWS, Kind, Row, row_of

REPOSITORY = Path(__file__).parents[1]

# A message is sent, not called: these are who sends it and who takes it.
CALLS = [row for row in ROWS.values() if row.kind is not Kind.MESSAGE]
USE = re.compile(r'ROWS\["(\w+)"\]')


def sources(folder: str) -> Iterator[Path]:
    return (REPOSITORY / folder).rglob("*.py")


def names_used(folder: str) -> set[str]:
    return {name for path in sources(folder) for name in USE.findall(path.read_text())}


def methods_of(folder: str) -> set[str]:
    """The names of all methods in a folder's classes."""
    return {
        member.name
        for path in sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_the_client_calls_every_row() -> None:
    used = names_used("client")
    assert [row.name for row in CALLS if row.name not in used] == []


def test_the_daemon_answers_every_row() -> None:
    """An actor handles a row in the method of the row's name."""
    methods = methods_of("actors")
    assert [row.name for row in CALLS if row.name not in methods] == []


def test_every_message_is_sent_by_the_daemon_and_taken_by_the_client() -> None:
    sent, taken = names_used("actors"), names_used("client")
    messages = [row.name for row in ROWS.values() if row.kind is Kind.MESSAGE]
    assert [name for name in messages if name not in sent] == []
    assert [name for name in messages if name not in taken] == []


def test_a_command_leads_to_every_row() -> None:
    missing = [f"{row.name}: {name}" for row in ROWS.values() for name in row.commands if name not in catalogue.MODULES]
    assert missing == []
    modules = {path.stem for path in sources("client/shell/commands")}
    assert [name for name, module in catalogue.MODULES.items() if module not in modules] == []


def test_only_the_end_of_a_session_has_no_command() -> None:
    assert [row.name for row in CALLS if not row.commands] == ["connect_close"]


def test_every_row_says_what_it_is_for_and_which_function_of_libvirts_it_serves() -> None:
    assert [row.name for row in ROWS.values() if not row.help or row.help.endswith(".")] == []
    ours = [row.name for row in ROWS.values() if not row.api]
    assert [name for name in ours if not name.startswith("event")] == []


def test_numbers_and_names_lead_to_one_row() -> None:
    for name, row in ROWS.items():
        assert row.name == name
        assert row_of(row.program, row.number) is row
        assert row_of(row.msgpack_program, row.number) is row


def test_flags_that_are_guarded_are_arguments_of_their_row() -> None:
    def arguments(row: Row) -> set[str]:
        return {field.name for field in row.args}

    assert [row.name for row in ROWS.values() if not set(row.guarded) <= arguments(row)] == []


def test_every_row_compiles() -> None:
    for row in ROWS.values():
        codec(row)
