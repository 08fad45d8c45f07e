"""Plain text in virsh's shapes, which scripts have learnt to read: tables with a rule below their header and an empty
line below all. Quiet ones have neither."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from . import Pairs, Table, Text, View

LABEL_WIDTH = 16


def write(views: Sequence[View], quiet: bool) -> None:
    """Print views to stdout, an empty line after each."""
    for view in views:
        lines = list(lines_of(view, quiet))
        spaced = not quiet and (not isinstance(view, Text) or view.spaced)
        sys.stdout.write("".join(f"{line}\n" for line in ([*lines, ""] if spaced else lines)))


def lines_of(view: View, quiet: bool) -> Iterator[str]:
    """A view's lines."""
    if isinstance(view, Table):
        return _table(view, quiet)
    if isinstance(view, Pairs):
        return (f"{label + ':':<{LABEL_WIDTH}}{value}" for label, value in view.pairs)
    return iter(view.text.splitlines())


def _table(table: Table, quiet: bool) -> Iterator[str]:
    shown = table.rows if quiet else [table.titles, *table.rows]
    widths = [max(map(cells, column)) for column in zip(*shown, strict=True)]
    for number, row in enumerate(shown):
        yield "  ".join(f" {_pad(text, width)}" for text, width in zip(row, [*widths[:-1], 0], strict=True))
        if number == 0 and not quiet:
            yield "-" * sum(width + 3 for width in widths)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)
