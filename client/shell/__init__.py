"""The command line ``virtactor``.

Rules
- Nothing is imported before it is needed. ``list`` has to say its first word within 150 ms of which Python itself takes
  a fifth, so a command's module is imported when the command runs, rich when there is a terminal to draw on, and no
  module here imports at its top what only some of its commands need.
- A command says what it wants of the daemon and hands what it got to ``render``; how that looks (plain columns as
  virsh's, drawn on a terminal, JSON) is decided there alone.
- Help comes from the table (wire/table): what a procedure does is said there, once.
- Exit status: 0 done, 1 the operation failed (for one domain or several), 2 wrong usage, 130 interrupted.

catalogue.py lists the commands, program.py parses and runs them, session.py is what a command gets to work with.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The command `virtactor`; gives its exit status."""
    from .program import run

    return run(argv)
