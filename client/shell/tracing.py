"""`--trace`: the way of each call as a tree, with the time at each stop.

``at`` is when a stop began, counted from the call's arrival at the daemon, ``took`` how long it lasted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..trace import CallTrace, TraceEntry

_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


def print_traces(traces: Sequence[CallTrace], as_json: bool) -> None:
    """Print the calls of one command to stderr."""
    if as_json:
        import json

        text = json.dumps({"calls": [as_data(trace) for trace in traces]}, indent=2)
    else:
        text = "\n\n".join("\n".join(lines_of(trace, _branches())) for trace in traces)
    sys.stderr.write(f"{text}\n")


def as_data(trace: CallTrace) -> dict[str, Any]:
    """A call for JSON; times in seconds."""
    return {
        "procedure": trace.row.name,
        "api": trace.row.api or None,
        "object": subject_of(trace),
        "took": trace.took,
        "error": trace.error.message if trace.error else None,
        "entries": [
            {"actor": entry.actor, "what": entry.what, "depth": entry.depth, "at": entry.at, "took": entry.took}
            for entry in trace.entries
        ],
    }


def subject_of(trace: CallTrace) -> str | None:
    """The name of the domain that a call was about."""
    first = trace.args[0] if trace.args else None
    return getattr(first, "name", None)


def lines_of(trace: CallTrace, branches: Sequence[str] = _UNICODE) -> Iterator[str]:
    """A call and the tree of its stops, in aligned columns."""
    subject = subject_of(trace)
    title = f"{trace.row.name}{f' of {subject}' if subject else ''}"
    stops = [
        (f"{trunk}{entry.actor}: {entry.what}", _time(entry.at), _time(entry.took))
        for trunk, entry in zip(_trunks(trace.entries, branches), trace.entries, strict=True)
    ]
    rows = [(title, "at", "took"), *stops]
    widths = [max(len(row[number]) for row in rows) for number in range(3)]
    failure = f"  failed: {trace.error.message.splitlines()[0]}" if trace.error else ""
    yield f"{title}: {_time(trace.took)}{failure}"
    if stops:
        yield f"{'':<{widths[0]}}  {'at':>{widths[1]}}  {'took':>{widths[2]}}"
    for stop, at, took in stops:
        yield f"{stop:<{widths[0]}}  {at:>{widths[1]}}  {took:>{widths[2]}}"


def _trunks(entries: Sequence[TraceEntry], branches: Sequence[str]) -> Iterator[str]:
    """What is drawn before each stop, so that its depth makes a tree."""
    tee, corner, bar, blank = branches
    for number, entry in enumerate(entries):
        trunk = "".join(bar if _goes_on(entries, number, depth) else blank for depth in range(entry.depth))
        yield trunk + (tee if _goes_on(entries, number, entry.depth) else corner)


def _goes_on(entries: Sequence[TraceEntry], number: int, depth: int) -> bool:
    """Whether a stop of just that depth follows before its parent has ended."""
    for later in entries[number + 1 :]:
        if later.depth <= depth:
            return later.depth == depth
    return False


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def _branches() -> Sequence[str]:
    try:
        "├└│µ".encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII
    return _UNICODE
