"""The lifecycle table: what must hold for every row of it, and that the documentation shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from virtactor.actors.lifecycle import (
    ACTIVE,
    DEFINITION_EVENTS,
    TABLE,
    Happening,
    Transition,
    advance,
    diagram,
)
from virtactor.wire.enums import domain, domain_events
from virtactor.wire.enums.domain import DomainShutoffReason, DomainState
from virtactor.wire.enums.domain_events import DomainEventType

REASONS = {
    DomainState.RUNNING: domain.DomainRunningReason,
    DomainState.PAUSED: domain.DomainPausedReason,
    DomainState.SHUTDOWN: domain.DomainShutdownReason,
    DomainState.SHUTOFF: domain.DomainShutoffReason,
    DomainState.CRASHED: domain.DomainCrashedReason,
    DomainState.PMSUSPENDED: domain.DomainPMSuspendedReason,
}
DETAILS = {
    DomainEventType.DEFINED: domain_events.DomainEventDefinedDetailType,
    DomainEventType.UNDEFINED: domain_events.DomainEventUndefinedDetailType,
    DomainEventType.STARTED: domain_events.DomainEventStartedDetailType,
    DomainEventType.SUSPENDED: domain_events.DomainEventSuspendedDetailType,
    DomainEventType.RESUMED: domain_events.DomainEventResumedDetailType,
    DomainEventType.STOPPED: domain_events.DomainEventStoppedDetailType,
    DomainEventType.SHUTDOWN: domain_events.DomainEventShutdownDetailType,
    DomainEventType.PMSUSPENDED: domain_events.DomainEventPMSuspendedDetailType,
    DomainEventType.CRASHED: domain_events.DomainEventCrashedDetailType,
}
# What the last event of a way into a state may be.
FITTING = {
    DomainState.RUNNING: {DomainEventType.STARTED, DomainEventType.RESUMED},
    DomainState.PAUSED: {DomainEventType.SUSPENDED},
    DomainState.SHUTDOWN: {DomainEventType.SHUTDOWN},
    DomainState.SHUTOFF: {DomainEventType.STOPPED},
    DomainState.CRASHED: {DomainEventType.CRASHED},
    DomainState.PMSUSPENDED: {DomainEventType.PMSUSPENDED},
}
EVERY_ROW = pytest.mark.parametrize(
    ("state", "what", "to"),
    [(*key, to) for key, to in TABLE.items()],
    ids=[f"{state.name}-{what.name}" for state, what in TABLE],
)


@EVERY_ROW
def test_a_row_gives_a_reason_of_its_state_and_events_that_fit_it(
    state: DomainState, what: Happening, to: Transition
) -> None:
    assert type(to.reason) is REASONS[to.state]
    for event in to.events:
        assert type(event.detail) is DETAILS[event.type]
    if to.events:
        assert to.events[-1].type in FITTING[to.state]
    else:
        assert to.state is state, "a change of state is told"


@EVERY_ROW
def test_the_diagram_shows_every_row(state: DomainState, what: Happening, to: Transition) -> None:
    assert f"    {state.name} --> {to.state.name}: {what.value}" in diagram().splitlines()


@pytest.mark.parametrize("state", ACTIVE)
@pytest.mark.parametrize("what", [Happening.DESTROYED, Happening.SHUT_DOWN, Happening.CRASHED])
def test_whatever_is_active_can_end(state: DomainState, what: Happening) -> None:
    to = advance(state, what)
    assert to is not None
    assert to.state is DomainState.SHUTOFF
    assert [event.type for event in to.events] == [DomainEventType.STOPPED]


def test_nothing_leads_out_of_shutoff_but_a_boot() -> None:
    ways = {what: to.state for (state, what), to in TABLE.items() if state is DomainState.SHUTOFF}
    assert ways == {
        Happening.BOOTED: DomainState.RUNNING,
        Happening.BOOTED_PAUSED: DomainState.PAUSED,
        Happening.RESTORED: DomainState.RUNNING,
        Happening.RESTORED_PAUSED: DomainState.PAUSED,
        Happening.SNAPSHOT_START: DomainState.RUNNING,
        Happening.SNAPSHOT_START_PAUSED: DomainState.PAUSED,
        Happening.START_FAILED: DomainState.SHUTOFF,
    }


def test_a_boot_leads_out_of_nothing_but_shutoff() -> None:
    boots = {state for state, what in TABLE if what in (Happening.BOOTED, Happening.BOOTED_PAUSED)}
    assert boots == {DomainState.SHUTOFF}


def test_a_paused_start_tells_of_the_start_and_of_the_pause() -> None:
    to = advance(DomainState.SHUTOFF, Happening.BOOTED_PAUSED)
    assert to is not None
    assert [event.type for event in to.events] == [DomainEventType.STARTED, DomainEventType.SUSPENDED]


def test_a_start_that_failed_leaves_its_reason_and_no_event() -> None:
    assert advance(DomainState.SHUTOFF, Happening.START_FAILED) == Transition(
        DomainState.SHUTOFF, DomainShutoffReason.FAILED
    )


def test_every_state_of_the_table_can_be_reached() -> None:
    reached, new = set(), {DomainState.SHUTOFF}
    while new:
        reached |= new
        new = {to.state for (state, _), to in TABLE.items() if state in reached} - reached
    assert reached == {*ACTIVE, DomainState.SHUTOFF}


def test_everything_that_can_happen_is_in_the_table_or_concerns_the_definition() -> None:
    in_table = {what for _, what in TABLE}
    assert in_table | DEFINITION_EVENTS.keys() == set(Happening)
    assert not in_table & DEFINITION_EVENTS.keys()
    for event in DEFINITION_EVENTS.values():
        assert type(event.detail) is DETAILS[event.type]


def test_what_is_no_news_changes_nothing() -> None:
    assert advance(DomainState.PAUSED, Happening.PAUSED) is None
    assert advance(DomainState.RUNNING, Happening.UNPAUSED) is None
    assert advance(DomainState.SHUTOFF, Happening.DESTROYED) is None


def test_the_documentation_shows_the_diagram_as_the_table_has_it() -> None:
    page = Path(__file__).parents[2] / "docs" / "architecture.md"
    assert diagram() in page.read_text()


def test_the_module_prints_the_diagram() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "virtactor.actors.lifecycle"], capture_output=True, text=True, check=True
    )
    assert done.stdout == diagram() + "\n"
