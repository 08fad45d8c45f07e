"""Words for states: virsh's."""

from __future__ import annotations

import pytest
from virtactor.client.shell.wording import control_word, reason_word, state_of_word, state_word
from virtactor.wire.enums.domain import (
    DomainControlErrorReason,
    DomainControlState,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)


def test_every_state_has_virshs_word_and_is_found_by_it() -> None:
    assert [state_word(state) for state in DomainState] == [
        "no state",
        "running",
        "idle",
        "paused",
        "in shutdown",
        "shut off",
        "crashed",
        "pmsuspended",
    ]
    assert [state_of_word(state_word(state)) for state in DomainState] == list(DomainState)
    assert [state_of_word(state.name) for state in DomainState] == list(DomainState)
    assert state_of_word("Shut-Off") is DomainState.SHUTOFF
    assert state_of_word("happy") is None


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (DomainRunningReason.FROM_SNAPSHOT, "from snapshot"),
        (DomainRunningReason.WAKEUP, "event wakeup"),
        (DomainPausedReason.IOERROR, "I/O error"),
        (DomainPausedReason.MIGRATION, "migrating"),
        (DomainShutoffReason.DAEMON, "daemon"),
        (99, "unknown (99)"),
    ],
)
def test_reasons_are_virshs_words(reason: int, word: str) -> None:
    assert reason_word(reason) == word


def test_a_number_of_a_newer_daemon_is_told_as_it_is() -> None:
    assert state_word(42) == "unknown (42)"


def test_a_domain_that_takes_no_orders_says_since_when() -> None:
    none, monitor = DomainControlErrorReason.NONE, DomainControlErrorReason.MONITOR
    assert control_word(DomainControlState.JOB, none, 12345) == "job (12.345s)"
    assert control_word(DomainControlState.ERROR, monitor, 0) == "error: monitor"
    assert control_word(DomainControlState.OK, none, 0) == "ok"
