"""What tells a guest from its copies is no reason to refuse it, and kinds that passed are not looked at again."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu import checks as checks_module
from virtactor.actors.drivers.qemu.checks import KINDS, Checks, kind_of
from virtactor.actors.drivers.qemu.command_line import check_definition
from virtactor.wire.documents.domain import DomainDefinition
from virtactor.wire.documents.replacing import replace
from virtactor.wire.errors import UnsupportedConfig, VirtError

from .command_line.conftest import CAPABILITIES, live
from .command_line.test_drops_nothing import DOCUMENTS, randomly_changed

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)


def copied(definition: DomainDefinition, text: str) -> DomainDefinition:
    """A copy of a guest, with all of its own that a copy may have."""
    devices = replace(
        definition.devices,
        disks=tuple(
            each if not (each.source or "").startswith("/") else replace(each, source=f"/{text}/{number}")
            for number, each in enumerate(definition.devices.disks)
        ),
        interfaces=tuple(
            replace(each, mac=f"52:54:00:00:00:{number:02x}")
            for number, each in enumerate(definition.devices.interfaces)
        ),
    )
    return replace(
        definition,
        name=text,
        uuid="11111111-2222-3333-4444-555555555555",
        title=text,
        description=text,
        devices=devices,
    )


def refusal(definition: DomainDefinition) -> str | None:
    try:
        check_definition(definition, CAPABILITIES)
    except VirtError as error:
        return type(error).__name__
    return None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(DOCUMENTS), st.integers(0, 3), st.randoms(use_true_random=False), TEXTS)
def test_a_copy_of_a_guest_is_refused_where_the_guest_is(document, count, chance, text) -> None:
    definition = live(document)
    for _ in range(count):
        definition = randomly_changed(definition, chance, text)
    copy = copied(definition, text)
    if kind_of(definition) is not None:
        assert kind_of(copy) == kind_of(definition)
        assert refusal(copy) == refusal(definition)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the guests whose command line was made."""
    names: list[str] = []

    def noting(definition, capabilities) -> None:
        names.append(definition.name)
        check_definition(definition, capabilities)

    monkeypatch.setattr(checks_module, "check_definition", noting)
    return names


def guest(name: str, memory: int = 64, machine: str = "pc") -> DomainDefinition:
    return live(
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>{memory}</memory>"
        f"<os><type machine='{machine}'>hvm</type></os></domain>"
    )


def test_copies_are_looked_at_once(looked_at: list[str]) -> None:
    checks = Checks()
    for definition in (guest("one"), guest("two"), guest("other", memory=65), guest("three")):
        checks.check(definition, CAPABILITIES)
    assert looked_at == ["one", "other"]


def test_another_qemu_is_asked_again(looked_at: list[str]) -> None:
    checks = Checks()
    checks.check(guest("one"), CAPABILITIES)
    other = dataclasses.replace(CAPABILITIES, devices=frozenset())
    with pytest.raises(UnsupportedConfig):
        checks.check(guest("two"), other)
    assert looked_at == ["one", "two"]


def test_what_was_refused_is_looked_at_again(looked_at: list[str]) -> None:
    checks = Checks()
    refused = replace(guest("one"), on_reboot="preserve")
    for _ in range(2):
        with pytest.raises(UnsupportedConfig, match="on_reboot"):
            checks.check(refused, CAPABILITIES)
    assert looked_at == ["one", "one"]


def test_a_guest_whose_tables_tell_its_uuid_is_always_looked_at(looked_at: list[str]) -> None:
    checks = Checks()
    with_tables = live(
        "<domain type='qemu'><name>one</name><memory>65536</memory><sysinfo type='smbios'/>"
        "<os><type machine='pc'>hvm</type><smbios mode='sysinfo'/></os></domain>"
    )
    for _ in range(2):
        checks.check(with_tables, CAPABILITIES)
    assert looked_at == ["one", "one"]


def test_the_kinds_that_passed_last_are_remembered(looked_at: list[str]) -> None:
    checks = Checks()
    for size in range(KINDS + 1):
        checks.check(guest(f"of {64 + size}", memory=64 + size), CAPABILITIES)
    looked_at.clear()
    checks.check(guest("new", memory=64 + KINDS), CAPABILITIES)
    checks.check(guest("old", memory=64), CAPABILITIES)
    assert looked_at == ["old"]
