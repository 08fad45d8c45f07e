"""The words for what led to an event of a domain's life: virsh's. Apart from wording.py, as only `event` needs them."""

from __future__ import annotations

from enum import IntEnum

from ...wire.enums import domain_events as events
from ..values import words_of

_DETAILS: dict[type[IntEnum], dict[IntEnum, str]] = {
    events.DomainEventDefinedDetailType: {events.DomainEventDefinedDetailType.FROM_SNAPSHOT: "Snapshot"},
    events.DomainEventStartedDetailType: {
        events.DomainEventStartedDetailType.FROM_SNAPSHOT: "Snapshot",
        events.DomainEventStartedDetailType.WAKEUP: "Event wakeup",
    },
    events.DomainEventSuspendedDetailType: {
        events.DomainEventSuspendedDetailType.IOERROR: "I/O Error",
        events.DomainEventSuspendedDetailType.FROM_SNAPSHOT: "Snapshot",
        events.DomainEventSuspendedDetailType.API_ERROR: "API error",
        events.DomainEventSuspendedDetailType.POSTCOPY: "Post-copy",
        events.DomainEventSuspendedDetailType.POSTCOPY_FAILED: "Post-copy Error",
    },
    events.DomainEventResumedDetailType: {
        events.DomainEventResumedDetailType.FROM_SNAPSHOT: "Snapshot",
        events.DomainEventResumedDetailType.POSTCOPY: "Post-copy",
        events.DomainEventResumedDetailType.POSTCOPY_FAILED: "Post-copy Error",
    },
    events.DomainEventStoppedDetailType: {events.DomainEventStoppedDetailType.FROM_SNAPSHOT: "Snapshot"},
    events.DomainEventShutdownDetailType: {
        events.DomainEventShutdownDetailType.GUEST: "Finished after guest request",
        events.DomainEventShutdownDetailType.HOST: "Finished after host request",
    },
}


def detail_word(detail: IntEnum | int) -> str:
    """What led to an event, as `virsh event` has it."""
    return _DETAILS.get(type(detail), {}).get(detail) or words_of(detail).capitalize()  # type: ignore[call-overload]
