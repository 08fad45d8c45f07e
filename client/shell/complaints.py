"""Errors as one line on stderr, and as JSON."""

from __future__ import annotations

from typing import Any

from ...wire.errors import ConnectionLost, NoConnect, VirtError

_HINTS: dict[type[VirtError], str] = {
    ConnectionLost: "see whether virtactord still runs; start virtactord if not",
    NoConnect: "start virtactord there, or name another host with -c",
}


def line_of(error: VirtError, subject: str | None = None) -> str:
    """The whole of an error in one line: ``error: [subject: ]message (hint: …)``."""
    message = _in_one_line(error.message)
    if error.holder and error.holder not in message:
        message += f"; held by {error.holder}" + (f" for {error.held_for:.1f} s" if error.held_for else "")
    last_words = _in_one_line(error.stderr or "")
    if last_words and last_words not in message:
        message += f": {last_words}"
    hint = hint_of(error)
    return f"error: {f'{subject}: ' if subject else ''}{message}{f' (hint: {hint})' if hint else ''}"


def hint_of(error: VirtError) -> str | None:
    """What to try: the error's own hint, else what its kind suggests."""
    if error.hint:
        return error.hint
    for kind, hint in _HINTS.items():
        if isinstance(error, kind):
            return hint
    if error.holder and error.object and error.held_for is not None:
        return f"`virtactor domjobabort {error.object}` ends what holds it"
    return None


def as_data(error: VirtError, subject: str | None = None) -> dict[str, Any]:
    """An error for JSON: kind, libvirt's code, message, and the facts that came with it."""
    named = {"name": subject} if subject is not None else {}
    return {**named, "kind": type(error).__name__, "code": int(error.code), "message": error.message, **error.data}


def _in_one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
