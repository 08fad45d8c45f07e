"""How what a command found is shown: columns as virsh's, the same drawn on a terminal, or JSON.

A command makes a view (Table, Pairs or Text) and the data that stand for it, and calls ``show``. rich is imported for a
terminal only: it takes as long as all else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..session import Options


class Table(NamedTuple):
    """Columns with their titles; ``states`` is the number of the column that has states, to be coloured."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    states: int | None = None


class Pairs(NamedTuple):
    """Labels and their values, a line each."""

    pairs: Sequence[tuple[str, str]]


class Text(NamedTuple):
    """Text that is shown as it is. An empty line follows it, but where virsh ends its line there and then."""

    text: str
    spaced: bool = True


View = Table | Pairs | Text


def show(options: Options, data: Any, *views: View) -> None:
    """Show ``data`` (the same, whichever way it is shown, for JSON) or the views that are made of it."""
    if options.json:
        print_json(data)
    elif sys.stdout.isatty() and not options.quiet:
        from .drawn import draw

        draw(views)
    else:
        from .plain import write

        write(views, options.quiet)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    import json

    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def print_json_line(data: Any) -> None:
    """One JSON document on a line of its own, at once: for what comes bit by bit."""
    import json

    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()
