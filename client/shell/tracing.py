"""`--trace`: the way of each call as a tree, with the time at each stop.

``at`` is when a stop began, counted from the call's arrival at the daemon, ``took`` how long it lasted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..trace import CallTrace, TraceEntry


class Signs(NamedTuple):
    """What a tree and its times are drawn with."""

    tee: str = "├─ "
    corner: str = "└─ "
    bar: str = "│  "
    blank: str = "   "
    micro: str = "µs"


UNICODE = Signs()
ASCII = Signs("|- ", "`- ", "|  ", "   ", "us")


def print_traces(traces: Sequence[CallTrace], as_json: bool) -> None:
    """Print the calls of one command to stderr."""
    if as_json:
        import json

        text = json.dumps({"calls": [as_data(trace) for trace in traces]}, indent=2)
    else:
        text = "\n\n".join("\n".join(lines_of(trace, _signs())) for trace in traces)
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


def lines_of(trace: CallTrace, signs: Signs = UNICODE) -> Iterator[str]:
    """A call and the tree of its stops, in aligned columns."""
    subject = subject_of(trace)
    title = f"{trace.row.name}{f' of {subject}' if subject else ''}"
    stops = [
        (f"{trunk}{entry.actor}: {entry.what}", _time(entry.at, signs), _time(entry.took, signs))
        for trunk, entry in zip(_trunks(trace.entries, signs), trace.entries, strict=True)
    ]
    rows = [(title, "at", "took"), *stops]
    widths = [max(len(row[number]) for row in rows) for number in range(3)]
    failure = f"  failed: {trace.error.message.splitlines()[0]}" if trace.error else ""
    yield f"{title}: {_time(trace.took, signs)}{failure}"
    if stops:
        yield f"{'':<{widths[0]}}  {'at':>{widths[1]}}  {'took':>{widths[2]}}"
    for stop, at, took in stops:
        yield f"{stop:<{widths[0]}}  {at:>{widths[1]}}  {took:>{widths[2]}}"


def _trunks(entries: Sequence[TraceEntry], signs: Signs) -> Iterator[str]:
    """What is drawn before each stop, so that its depth makes a tree."""
    for number, entry in enumerate(entries):
        trunk = "".join(signs.bar if _goes_on(entries, number, depth) else signs.blank for depth in range(entry.depth))
        yield trunk + (signs.tee if _goes_on(entries, number, entry.depth) else signs.corner)


def _goes_on(entries: Sequence[TraceEntry], number: int, depth: int) -> bool:
    """Whether a stop of just that depth follows before its parent has ended."""
    for later in entries[number + 1 :]:
        if later.depth <= depth:
            return later.depth == depth
    return False


def _time(seconds: float, signs: Signs) -> str:
    return f"{seconds * 1e6:.1f} {signs.micro}" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def _signs() -> Signs:
    try:
        "".join(UNICODE).encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII
    return UNICODE
