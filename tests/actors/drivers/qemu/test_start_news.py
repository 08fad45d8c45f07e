"""What a start makes of a definition's clock, memory and agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from virtactor.actors.drivers.qemu.start_news import agent_state, with_modules_apart, with_utc_basis
from virtactor.wire.documents.domain import DomainDefinition, parse_domain
from virtactor.wire.enums.domain_events import ConnectDomainEventAgentLifecycleState as States

NOW = datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=-5)))


def domain(more: str, devices: str = "") -> DomainDefinition:
    return parse_domain(
        "<domain type='qemu'><name>g</name><memory unit='KiB'>1024</memory><os><type>hvm</type></os>"
        f"{more}<devices>{devices}</devices></domain>"
    )


def module(current: int) -> str:
    return (
        f"<memory model='virtio-mem'><target><size unit='KiB'>256</size><current unit='KiB'>{current}</current>"
        "</target></memory>"
    )


@pytest.mark.parametrize(
    ("clock", "now", "expected"),
    [
        ("<clock offset='variable' adjustment='-50' basis='localtime'/>", NOW, ("utc", -50 - 5 * 3600)),
        ("<clock offset='variable' basis='localtime'/>", NOW.astimezone(UTC), ("utc", 0)),
        ("<clock offset='variable' adjustment='7' basis='utc'/>", NOW, ("utc", 7)),
        ("<clock offset='localtime'/>", NOW, (None, None)),
    ],
)
def test_a_clock_of_local_time_becomes_one_of_utc(
    clock: str, now: datetime, expected: tuple[str | None, int | None]
) -> None:
    found = with_utc_basis(domain(clock), now).clock
    assert found is not None
    assert (found.basis, found.adjustment) == expected


@pytest.mark.parametrize("current", [0, 64])
def test_a_module_counts_as_far_as_the_guest_has_taken_it(current: int) -> None:
    assert with_modules_apart(domain("", module(current))).current_memory == 768 + current


def test_a_guest_without_modules_has_the_memory_that_it_is_said_to_have() -> None:
    definition = domain("<currentMemory unit='KiB'>512</currentMemory>")
    assert with_modules_apart(definition) is definition


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("name='org.qemu.guest_agent.0' state='connected'", States.CONNECTED),
        ("name='org.qemu.guest_agent.0' state='disconnected'", States.DISCONNECTED),
        ("name='org.qemu.guest_agent.0'", States.DISCONNECTED),
        ("name='com.example' state='connected'", None),
    ],
)
def test_only_the_agents_channel_is_the_agents(target: str, expected: States | None) -> None:
    channel = f"<channel type='unix'><target type='virtio' {target}/></channel>"
    assert agent_state(domain("", channel)) == expected
