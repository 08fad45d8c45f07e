"""The words for states and reasons: virsh's, because scripts compare them.

Most are the members' names; the tables here have the others.
"""

from __future__ import annotations

from enum import IntEnum

from ...wire.enums.domain import (
    DomainControlErrorReason,
    DomainControlState,
    DomainPausedReason,
    DomainRunningReason,
    DomainState,
)
from ..values import words_of

_STATES = {
    DomainState.NOSTATE: "no state",
    DomainState.BLOCKED: "idle",
    DomainState.SHUTDOWN: "in shutdown",
    DomainState.SHUTOFF: "shut off",
}
_REASONS: dict[type[IntEnum], dict[IntEnum, str]] = {
    DomainRunningReason: {
        DomainRunningReason.WAKEUP: "event wakeup",
        DomainRunningReason.POSTCOPY: "post-copy",
        DomainRunningReason.POSTCOPY_FAILED: "post-copy failed",
    },
    DomainPausedReason: {
        DomainPausedReason.MIGRATION: "migrating",
        DomainPausedReason.SAVE: "saving",
        DomainPausedReason.DUMP: "dumping",
        DomainPausedReason.IOERROR: "I/O error",
        DomainPausedReason.SNAPSHOT: "creating snapshot",
        DomainPausedReason.POSTCOPY: "post-copy",
        DomainPausedReason.POSTCOPY_FAILED: "post-copy failed",
    },
}


def state_word(state: DomainState | int) -> str:
    """``running``, ``shut off``, … as `virsh list` has them."""
    return _STATES.get(state) or words_of(state)  # type: ignore[call-overload]


def reason_word(reason: IntEnum | int) -> str:
    """How a state came about, as `virsh domstate --reason` has it."""
    return _REASONS.get(type(reason), {}).get(reason) or words_of(reason)  # type: ignore[call-overload]


def control_word(state: DomainControlState | int, details: DomainControlErrorReason | int, milliseconds: int) -> str:
    """Whether a domain takes orders, as `virsh domcontrol` has it."""
    text = words_of(state)
    if state == DomainControlState.ERROR:
        text += f": {words_of(details)}"
    return f"{text} ({milliseconds / 1000:.3f}s)" if milliseconds else text


def state_of_word(word: str) -> DomainState | None:
    """The state that somebody means: virsh's word or libvirt's name, with any of blank, ``-`` and ``_`` in it."""
    plain = _plain(word)
    return next((state for state in DomainState if plain in (_plain(state.name), _plain(state_word(state)))), None)


def _plain(word: str) -> str:
    return word.lower().replace(" ", "").replace("-", "").replace("_", "")
