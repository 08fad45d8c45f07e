"""Waiting for domains to be in a state: by events, never by polling.

Events are subscribed to first, then the states are asked once, then events are followed. Most events tell the state
they lead to; after the others (and after events were missed) the daemon is asked.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from ..wire.enums.domain import DomainState
from ..wire.enums.domain_events import DomainEventType
from ..wire.errors import NoDomain, OperationTimeout, VirtError
from ..wire.table import ROWS
from .bulk import Errand, Pipeline
from .events import Event, Events, EventsMissed
from .results import Progress, Results
from .waiting import remaining

if TYPE_CHECKING:
    from .domain import Domain
    from .reconnect import Session

_STATE = ROWS["domain_get_state"]

# A start is left out: it may lead to a paused guest. So is a crash, after which the guest may be restarted.
LEADS_TO: dict[int, DomainState] = {
    DomainEventType.SUSPENDED: DomainState.PAUSED,
    DomainEventType.RESUMED: DomainState.RUNNING,
    DomainEventType.STOPPED: DomainState.SHUTOFF,
    DomainEventType.SHUTDOWN: DomainState.SHUTDOWN,
    DomainEventType.PMSUSPENDED: DomainState.PMSUSPENDED,
}


def wait_for_states(
    session: Session,
    domains: Iterable[Domain],
    state: DomainState | Collection[DomainState],
    deadline: float | None,
    progress: Progress | None = None,
) -> Results:
    """Wait for all; see ``Domains.wait``."""
    results = Results()
    for domain, outcome in _settled(session, list(domains), state, deadline):
        found = outcome if isinstance(outcome, VirtError) else domain
        name = results.record(domain.name, found)
        if progress is not None:
            progress(name, found)
    return results


def wait_for_state(
    session: Session, domain: Domain, state: DomainState | Collection[DomainState], deadline: float | None
) -> DomainState:
    """Wait for one and give the state that it is in; see ``Domain.wait``."""
    ((_, outcome),) = _settled(session, [domain], state, deadline)
    if isinstance(outcome, VirtError):
        raise outcome
    return outcome


def _settled(
    session: Session,
    domains: list[Domain],
    state: DomainState | Collection[DomainState],
    deadline: float | None,
) -> Iterator[tuple[Domain, DomainState | VirtError]]:
    """Each domain with the wanted state that it reached, or the error that it got instead, as they come."""
    wanted = frozenset([state]) if isinstance(state, DomainState) else frozenset(state)
    until = None if deadline is None else time.monotonic() + deadline
    waiting = {domain.ref.uuid: domain for domain in domains}
    with Events(session, domains, deadline=deadline) as events:
        yield from _ask(session, waiting, list(waiting), wanted, until)
        while waiting:
            event = events.get(remaining(until))
            if event is None:
                yield from _timed_out(waiting, wanted, deadline)
                return
            if isinstance(event, EventsMissed):
                yield from _ask(session, waiting, list(waiting), wanted, until)
            elif event.domain.ref.uuid in waiting:
                yield from _follow(session, waiting, event, wanted, until)


def _follow(
    session: Session, waiting: dict[bytes, Domain], event: Event, wanted: frozenset[DomainState], until: float | None
) -> Iterator[tuple[Domain, DomainState | VirtError]]:
    uuid = event.domain.ref.uuid
    reached = LEADS_TO.get(event.type)
    if reached is not None and reached in wanted:
        yield waiting.pop(uuid), reached
    else:
        yield from _ask(session, waiting, [uuid], wanted, until)


def _ask(
    session: Session,
    waiting: dict[bytes, Domain],
    uuids: list[bytes],
    wanted: frozenset[DomainState],
    until: float | None,
) -> Iterator[tuple[Domain, DomainState | VirtError]]:
    pipeline: Pipeline[bytes, DomainState | None] = Pipeline(session, remaining(until))
    for uuid, found in pipeline.run((uuid, _state_if_wanted(waiting[uuid], wanted)) for uuid in uuids):
        outcome = _or_gone(found, wanted)
        if outcome is not None:
            yield waiting.pop(uuid), outcome


def _state_if_wanted(domain: Domain, wanted: frozenset[DomainState]) -> Errand[DomainState | None]:
    state, _ = yield _STATE, (domain.ref, 0)
    return next((one for one in wanted if one == state), None)


def _or_gone(found: DomainState | VirtError | None, wanted: frozenset[DomainState]) -> DomainState | VirtError | None:
    """A transient guest is gone when it is off, which is what somebody may be waiting for."""
    if isinstance(found, NoDomain) and DomainState.SHUTOFF in wanted:
        return DomainState.SHUTOFF
    return found


def _timed_out(
    waiting: dict[bytes, Domain], wanted: frozenset[DomainState], deadline: float | None
) -> Iterator[tuple[Domain, VirtError]]:
    states = " or ".join(sorted(state.name.lower() for state in wanted))
    for domain in waiting.values():
        yield domain, OperationTimeout(f"domain '{domain.name}' was not {states} in {deadline:g} s", object=domain.name)
