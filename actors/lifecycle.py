"""The life of a domain, as a table: (state, what happened) -> (state, reason, events).

Every driver moves its domains through ``advance`` alone, the stateful tests check drivers against ``TABLE``, and
``python -m virtactor.actors.lifecycle`` prints the diagram that stands in docs/architecture.md. What is not in the
table does not change anything: QEMU repeating that it stopped, say, is no news.

States and reasons are libvirt's (virDomainState and its reasons), events its lifecycle events with their details. A
domain that is not running is SHUTOFF whether it was ever started or not; what is gone (transient and stopped, or
undefined) has no state.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

from ..wire.enums.domain import (
    DomainCrashedReason,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainShutoffReason,
    DomainState,
)
from ..wire.enums.domain_events import (
    DomainEventCrashedDetailType,
    DomainEventDefinedDetailType,
    DomainEventPMSuspendedDetailType,
    DomainEventResumedDetailType,
    DomainEventShutdownDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainEventUndefinedDetailType,
)


class Happening(Enum):
    """What can happen to a domain."""

    DEFINED = "a definition was added"
    REDEFINED = "the definition was replaced"
    UNDEFINED = "the definition was removed"
    BOOTED = "started, running"
    BOOTED_PAUSED = "started, paused"
    START_FAILED = "did not start"
    PAUSED = "suspended by its user"
    UNPAUSED = "resumed by its user"
    IO_ERROR = "paused by a failed disk"
    WATCHDOG_PAUSE = "paused by its watchdog"
    STOPPED_UNASKED = "paused, not by its user"
    SHUTTING_DOWN = "the guest powers off"
    HOST_SHUTS_DOWN = "its QEMU is told to end"
    REBOOTED = "boots again after it powered off or panicked"
    SHUT_DOWN = "powered off"
    DESTROYED = "destroyed"
    CRASHED = "its QEMU died"
    PANICKED = "the guest's kernel panicked"
    PANIC_RESET = "reset after a panic"
    SAVED = "saved to a file"
    RESTORED = "restored from a file"
    RESTORED_PAUSED = "restored from a file, paused"
    DUMPED = "ended after its memory was written for a look"
    RENAMED_FROM = "the name that it had is free"
    RENAMED_TO = "it has a new name"
    GUEST_SUSPENDED = "the guest suspended to memory"
    GUEST_SUSPENDED_TO_DISK = "the guest suspended to disk"
    WOKE_UP = "the guest woke up"
    SNAPSHOT_STOP = "stopped by a snapshot"
    SNAPSHOT_START = "started from a snapshot, running"
    SNAPSHOT_START_PAUSED = "started from a snapshot, paused"


class Event(NamedTuple):
    """A lifecycle event: virDomainEventType and the detail of that type."""

    type: DomainEventType
    detail: IntEnum


class Transition(NamedTuple):
    """Where a happening leads, and what is told of it."""

    state: DomainState
    reason: IntEnum
    events: tuple[Event, ...] = ()


_RUNNING, _PAUSED = DomainState.RUNNING, DomainState.PAUSED
_SHUTDOWN, _SHUTOFF = DomainState.SHUTDOWN, DomainState.SHUTOFF
_CRASHED, _PMSUSPENDED = DomainState.CRASHED, DomainState.PMSUSPENDED
ACTIVE = (_RUNNING, _PAUSED, _SHUTDOWN, _CRASHED, _PMSUSPENDED)

_BOOTED = Event(DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED)
_FROM_SNAPSHOT = Event(DomainEventType.STARTED, DomainEventStartedDetailType.FROM_SNAPSHOT)
_RESTORED = Event(DomainEventType.STARTED, DomainEventStartedDetailType.RESTORED)
_SUSPENDED = Event(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED)


def _stopped(detail: DomainEventStoppedDetailType) -> tuple[Event, ...]:
    return (Event(DomainEventType.STOPPED, detail),)


def _suspended(detail: DomainEventSuspendedDetailType) -> tuple[Event, ...]:
    return (Event(DomainEventType.SUSPENDED, detail),)


# The same from every state in which the domain is active.
_FROM_ACTIVE: dict[Happening, Transition] = {
    Happening.SHUT_DOWN: Transition(
        _SHUTOFF, DomainShutoffReason.SHUTDOWN, _stopped(DomainEventStoppedDetailType.SHUTDOWN)
    ),
    Happening.DESTROYED: Transition(
        _SHUTOFF, DomainShutoffReason.DESTROYED, _stopped(DomainEventStoppedDetailType.DESTROYED)
    ),
    Happening.SNAPSHOT_STOP: Transition(
        _SHUTOFF, DomainShutoffReason.FROM_SNAPSHOT, _stopped(DomainEventStoppedDetailType.FROM_SNAPSHOT)
    ),
    Happening.CRASHED: Transition(_SHUTOFF, DomainShutoffReason.CRASHED, _stopped(DomainEventStoppedDetailType.FAILED)),
    Happening.START_FAILED: Transition(
        _SHUTOFF, DomainShutoffReason.FAILED, _stopped(DomainEventStoppedDetailType.FAILED)
    ),
    Happening.SAVED: Transition(_SHUTOFF, DomainShutoffReason.SAVED, _stopped(DomainEventStoppedDetailType.SAVED)),
    Happening.DUMPED: Transition(_SHUTOFF, DomainShutoffReason.CRASHED, _stopped(DomainEventStoppedDetailType.CRASHED)),
}

# Where the guest, or the host, has an end come: the same from every state in which it has not come.
_TO_AN_END: dict[Happening, Transition] = {
    Happening.PANICKED: Transition(
        _CRASHED,
        DomainCrashedReason.PANICKED,
        (Event(DomainEventType.CRASHED, DomainEventCrashedDetailType.PANICKED),),
    ),
    Happening.SHUTTING_DOWN: Transition(
        _SHUTDOWN,
        DomainShutdownReason.UNKNOWN,
        (Event(DomainEventType.SHUTDOWN, DomainEventShutdownDetailType.GUEST),),
    ),
    Happening.HOST_SHUTS_DOWN: Transition(
        _SHUTDOWN,
        DomainShutdownReason.UNKNOWN,
        (Event(DomainEventType.SHUTDOWN, DomainEventShutdownDetailType.HOST),),
    ),
}

_FROM_OFF: dict[Happening, Transition] = {
    Happening.BOOTED: Transition(_RUNNING, DomainRunningReason.BOOTED, (_BOOTED,)),
    Happening.BOOTED_PAUSED: Transition(_PAUSED, DomainPausedReason.USER, (_BOOTED, _SUSPENDED)),
    Happening.SNAPSHOT_START: Transition(_RUNNING, DomainRunningReason.FROM_SNAPSHOT, (_FROM_SNAPSHOT,)),
    Happening.SNAPSHOT_START_PAUSED: Transition(
        _PAUSED,
        DomainPausedReason.FROM_SNAPSHOT,
        (_FROM_SNAPSHOT, Event(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.FROM_SNAPSHOT)),
    ),
    Happening.START_FAILED: Transition(_SHUTOFF, DomainShutoffReason.FAILED),
    Happening.RESTORED: Transition(_RUNNING, DomainRunningReason.RESTORED, (_RESTORED,)),
    Happening.RESTORED_PAUSED: Transition(
        _PAUSED,
        DomainPausedReason.USER,
        (_RESTORED, Event(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.RESTORED)),
    ),
}

_FROM_RUNNING: dict[Happening, Transition] = {
    Happening.PAUSED: Transition(_PAUSED, DomainPausedReason.USER, (_SUSPENDED,)),
    Happening.IO_ERROR: Transition(
        _PAUSED, DomainPausedReason.IOERROR, _suspended(DomainEventSuspendedDetailType.IOERROR)
    ),
    Happening.WATCHDOG_PAUSE: Transition(
        _PAUSED, DomainPausedReason.WATCHDOG, _suspended(DomainEventSuspendedDetailType.WATCHDOG)
    ),
    Happening.STOPPED_UNASKED: Transition(_PAUSED, DomainPausedReason.UNKNOWN, (_SUSPENDED,)),
    # A reboot is no news: whoever watches the domain sees it run on.
    Happening.REBOOTED: Transition(_RUNNING, DomainRunningReason.BOOTED),
    Happening.GUEST_SUSPENDED: Transition(
        _PMSUSPENDED,
        DomainPMSuspendedReason.UNKNOWN,
        (Event(DomainEventType.PMSUSPENDED, DomainEventPMSuspendedDetailType.MEMORY),),
    ),
    Happening.GUEST_SUSPENDED_TO_DISK: Transition(
        _PMSUSPENDED,
        DomainPMSuspendedReason.UNKNOWN,
        (Event(DomainEventType.PMSUSPENDED, DomainEventPMSuspendedDetailType.DISK),),
    ),
}

_UNPAUSED = Transition(
    _RUNNING,
    DomainRunningReason.UNPAUSED,
    (Event(DomainEventType.RESUMED, DomainEventResumedDetailType.UNPAUSED),),
)

_REBOOTED = Transition(_RUNNING, DomainRunningReason.BOOTED, _UNPAUSED.events)

TABLE: dict[tuple[DomainState, Happening], Transition] = {
    **{(state, what): to for state in ACTIVE for what, to in _FROM_ACTIVE.items()},
    # libvirt tells of a QEMU that died as failed, and as crashed only when its guest had panicked before.
    (_CRASHED, Happening.CRASHED): Transition(
        _SHUTOFF, DomainShutoffReason.CRASHED, _stopped(DomainEventStoppedDetailType.CRASHED)
    ),
    **{(_SHUTOFF, what): to for what, to in _FROM_OFF.items()},
    **{(state, what): to for state in (_RUNNING, _PAUSED, _PMSUSPENDED) for what, to in _TO_AN_END.items()},
    (_CRASHED, Happening.HOST_SHUTS_DOWN): _TO_AN_END[Happening.HOST_SHUTS_DOWN],
    # A crashed guest waits, stopped, for who wants a look at it.
    (_CRASHED, Happening.PANIC_RESET): Transition(_PAUSED, DomainPausedReason.CRASHED, (_SUSPENDED,)),
    **{(_RUNNING, what): to for what, to in _FROM_RUNNING.items()},
    **{(state, Happening.UNPAUSED): _UNPAUSED for state in (_PAUSED, _CRASHED)},
    **{(state, Happening.REBOOTED): _REBOOTED for state in (_PAUSED, _SHUTDOWN, _CRASHED, _PMSUSPENDED)},
    (_PMSUSPENDED, Happening.WOKE_UP): Transition(
        _RUNNING,
        DomainRunningReason.WAKEUP,
        (Event(DomainEventType.STARTED, DomainEventStartedDetailType.WAKEUP),),
    ),
}

# Happenings that concern the definition: they are told in every state and change none.
DEFINITION_EVENTS: dict[Happening, Event] = {
    Happening.DEFINED: Event(DomainEventType.DEFINED, DomainEventDefinedDetailType.ADDED),
    Happening.REDEFINED: Event(DomainEventType.DEFINED, DomainEventDefinedDetailType.UPDATED),
    Happening.UNDEFINED: Event(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.REMOVED),
    Happening.RENAMED_FROM: Event(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.RENAMED),
    Happening.RENAMED_TO: Event(DomainEventType.DEFINED, DomainEventDefinedDetailType.RENAMED),
}


def advance(state: DomainState, what: Happening) -> Transition | None:
    """Where ``what`` leads from ``state``; None where it changes nothing."""
    return TABLE.get((state, what))


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    rows = [f"    {state.name} --> {to.state.name}: {what.value}" for (state, what), to in TABLE.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> SHUTOFF", *rows])


if __name__ == "__main__":
    print(diagram())
