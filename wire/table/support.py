"""Prints docs/api-support.md from the table: ``python -m virtactor.wire.table.support > docs/api-support.md``."""

from __future__ import annotations

from collections.abc import Iterable

from . import FAMILIES
from .rows import Row

HEAD = """\
# Which APIs are served

Printed from the table of procedures by `python -m virtactor.wire.table.support`. A procedure has libvirt's number and
fields; *kind* is how an object takes the call (architecture.md), *access* what the connection must be allowed.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *(_section(title, rows) for title, rows in FAMILIES.items())])


def _section(title: str, rows: Iterable[Row]) -> str:
    lines = [f"## {title}", "", "| API | procedure | kind | access | shell | what |", "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, rows), ""])


def _line(row: Row) -> str:
    api = f"`{row.api}`" if row.api else ""
    commands = ", ".join(f"`{command}`" for command in row.commands)
    cells = (api, f"`{row.name}` {row.number}", row.kind.value, row.access.value, commands, row.help)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
