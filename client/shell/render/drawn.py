"""The same on a terminal, drawn by rich: states in colours, labels dim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text as RichText

from . import Pairs, Table, Text, View

STYLES = {
    "running": "green",
    "idle": "green",
    "paused": "yellow",
    "pmsuspended": "yellow",
    "in shutdown": "magenta",
    "shut off": "dim",
    "crashed": "bold red",
}


def draw(views: Sequence[View]) -> None:
    """Print views to the terminal."""
    console = Console(highlight=False)
    for view in views:
        console.print(_DRAWERS[type(view)](view), soft_wrap=isinstance(view, Text))


def _table(table: Table) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for title in table.titles:
        drawn.add_column(title, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(_cell(text, number == table.states) for number, text in enumerate(row)))
    return drawn


def _cell(text: str, is_state: bool) -> RichText:
    return RichText(text, style=_style_of(text) if is_state else "")


def _style_of(state: str) -> str:
    """The colour of a state, which may have its reason behind it."""
    return STYLES.get(state.partition(" (")[0], "")


def _pairs(pairs: Pairs) -> RichTable:
    drawn = RichTable.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    for label, value in pairs.pairs:
        drawn.add_row(label, _cell(value, label == "State"))
    return drawn


def _text(text: Text) -> RichText:
    return RichText(text.text, style=_style_of(text.text))


_DRAWERS: dict[type, Callable[[Any], Any]] = {Table: _table, Pairs: _pairs, Text: _text}
