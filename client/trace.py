"""The way of one call through the daemon: what ``--trace`` draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..wire.errors import VirtError
from ..wire.table import Row


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One hop: an actor that took the call, or a command that it caused.

    ``at`` is in seconds since the daemon had the call, ``took`` how many seconds it lasted, ``depth`` how deep it is
    nested (an entry belongs to the last one before it that is less deep), ``what`` says what was done there.
    """

    at: float
    took: float
    depth: int
    actor: str
    what: str


@dataclass(frozen=True, slots=True)
class CallTrace:
    """One call: ``took`` is the caller's whole wait in seconds, ``entries`` the daemon's hops in their order.

    ``error`` is what the call raised, None when it succeeded.
    """

    row: Row
    args: tuple[Any, ...]
    took: float
    entries: tuple[TraceEntry, ...]
    error: VirtError | None = None


def entries_from_wire(received: Iterable[Mapping[str, Any]]) -> tuple[TraceEntry, ...]:
    """The hops as the daemon sent them; what is not a hop is left out."""
    return tuple(
        TraceEntry(
            at=float(entry.get("at", 0)),
            took=float(entry.get("took", 0)),
            depth=int(entry.get("depth", 0)),
            actor=str(entry.get("actor", "")),
            what=str(entry.get("what", "")),
        )
        for entry in received
        if isinstance(entry, Mapping)
    )
