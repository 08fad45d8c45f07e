"""Where our test driver answers otherwise than libvirt's on purpose, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .outcome import Outcome

Judge = Callable[[tuple[Any, ...], Outcome, Outcome], bool]

MEANT: Mapping[tuple[str, str], tuple[str, Judge]] = {
    ("host", "pages"): (
        "libvirt's answers with no counts at all, and over a connection with an error that says nothing",
        lambda drawn, theirs, ours: theirs.result == {} and not ours.code,
    ),
}
"""(family, operation) -> why, and whether a difference between these two (libvirt's, ours) is that one."""


def is_meant(family: str, operation: str, drawn: tuple[Any, ...], theirs: Outcome, ours: Outcome) -> bool:
    """Whether this difference is one that we mean."""
    known = MEANT.get((family, operation))
    return known is not None and known[1](drawn, theirs, ours)
