"""Suspending and resuming, as a caller sees it. docs/adding-an-api.md walks through what is tested here."""

from collections.abc import Iterator

import pytest
from virtactor.client import DomainEventType, DomainState, Event, Host, OperationInvalid, connect
from virtactor.wire.enums.domain import DomainPausedReason


@pytest.fixture
def host() -> Iterator[Host]:
    with connect("test:///default") as host:
        yield host


def test_a_suspended_domain_is_paused_by_its_user_and_says_so(host: Host) -> None:
    guest = host.domains["test"]
    with host.events(domains=guest, timeout=5) as events:
        guest.suspend()
        event = next(events)
    assert guest.state() == (DomainState.PAUSED, DomainPausedReason.USER)
    assert isinstance(event, Event)
    assert event.type is DomainEventType.SUSPENDED


def test_suspending_twice_is_refused_as_by_libvirts_test_driver(host: Host) -> None:
    guest = host.domains["test"]
    guest.suspend()
    with pytest.raises(OperationInvalid, match="domain 'test' not running"):
        guest.suspend()
    assert guest.state() == (DomainState.PAUSED, DomainPausedReason.USER)


def test_a_domain_that_is_off_is_not_suspended(host: Host) -> None:
    guest = host.domains["test"]
    guest.destroy()
    with pytest.raises(OperationInvalid, match="domain 'test' not running"):
        guest.suspend()
