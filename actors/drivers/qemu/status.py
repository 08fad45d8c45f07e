"""What a later daemon has to know of a running guest, as a file: `<domstatus>` around its live `<domain>`.

It is written when the guest starts and whenever its state changes, without a flush: it has to survive the daemon, and
the guest does not survive the host either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from ....wire.documents.binding import At, Codec
from ....wire.documents.domain import DomainDefinition
from ....wire.documents.reader import read_document
from ....wire.documents.values import SIGNED, YES_NO
from ....wire.documents.writer import write_document
from ....wire.enums.domain import (
    DomainCrashedReason,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainState,
)
from ....wire.errors import XMLError
from ...lifecycle import Happening
from .process import Identity
from .unfinished_dumps import UnfinishedDump
from .unfinished_saves import UnfinishedSave

REASONS: dict[DomainState, type[IntEnum]] = {
    DomainState.RUNNING: DomainRunningReason,
    DomainState.PAUSED: DomainPausedReason,
    DomainState.SHUTDOWN: DomainShutdownReason,
    DomainState.CRASHED: DomainCrashedReason,
    DomainState.PMSUSPENDED: DomainPMSuspendedReason,
}
# What has happened to a guest of which `query-status` tells this, as far as its definition has no say in it.
HAPPENED_BY_RUN_STATE = {
    "running": Happening.UNPAUSED,
    "paused": Happening.STOPPED_UNASKED,
    "debug": Happening.STOPPED_UNASKED,
    "internal-error": Happening.STOPPED_UNASKED,
    "io-error": Happening.IO_ERROR,
    "watchdog": Happening.WATCHDOG_PAUSE,
    "suspended": Happening.GUEST_SUSPENDED,
}
_STATES = {state.name.lower(): state for state in REASONS}


def _read_state(text: str) -> DomainState:
    if text not in _STATES:
        raise ValueError(text)
    return _STATES[text]


_STATE = Codec(_read_state, lambda state: state.name.lower(), "a state of a running domain")
_IDENTITY = Codec(Identity.parse, str, "a process: pid, start time, boot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done to the running guest and taints it, by its name (`notes.TAINTS`)."""

    name: Annotated[str, At("@flag")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``reason`` is one of the reasons of ``state``; ``memory`` is what the balloon leaves the guest, in KiB;
    ``reboot`` says that the guest starts again when it powers off, because a reboot was asked for; ``autodestroy`` that
    it was to end with its starter's connection; ``agent_patience`` is how many seconds the guest's agent has for any
    command; ``save`` says that the guest is being saved, ``dump`` that its memory is being dumped.
    """

    state: Annotated[DomainState, At("@state", _STATE)]
    reason: Annotated[int, At("@reason")]
    memory: Annotated[int | None, At("@memory")] = None
    reboot: Annotated[bool, At("@reboot", YES_NO)] = False
    autodestroy: Annotated[bool, At("@autodestroy", YES_NO)] = False
    # Seconds that the guest's clock was off UTC when it started.
    clock_base: Annotated[int, At("@clock-base", SIGNED)] = 0
    agent_patience: Annotated[int | None, At("agent/@timeout")] = None
    deeds: Annotated[tuple[Deed, ...], At("taint")] = ()
    save: Annotated[UnfinishedSave | None, At("save")] = None
    dump: Annotated[UnfinishedDump | None, At("dump")] = None
    process: Annotated[Identity, At("process/@identity", _IDENTITY)]
    domain: Annotated[DomainDefinition, At("domain")]


def format_status(status: Status) -> bytes:
    """The file's content; secrets that the live definition has are in it, so it is its owner's alone to read."""
    return write_document(status, "domstatus", secure=True).encode()


def parse_status(data: bytes) -> Status:
    """What a status file says. Raises XMLError, UnsupportedConfig."""
    status = read_document(data.decode(errors="replace"), "domstatus", Status)
    if status.reason not in {int(reason) for reason in REASONS[status.state]}:
        raise XMLError(f"{status.reason} is no reason of the state {status.state.name.lower()}")
    if status.domain.uuid is None or status.domain.id is None:
        raise XMLError("the domain of a status has an id and a UUID")
    return status
