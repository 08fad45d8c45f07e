"""Text in the user's editor, handed over to the daemon as often as it takes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from ...wire.errors import CallerError
from . import complaints
from .editing import edited


def revise(text: str, take: Callable[[str], None]) -> bool:
    """Let the user change ``text`` and hand the result to ``take``; False where nothing was changed.

    What ``take`` refuses as wrong can be edited again, where somebody is there to do so. Otherwise its error is raised.
    """
    current = text
    while True:
        changed = edited(current)
        if changed is None or changed.strip() == text.strip():
            return False
        try:
            take(changed)
        except CallerError as error:
            if not sys.stdin.isatty():
                raise
            click.echo(complaints.line_of(error), err=True)
            if not click.confirm("Edit it again?", err=True):
                raise
            current = changed
        else:
            return True
