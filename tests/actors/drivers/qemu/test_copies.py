"""What completing makes of the first of a kind is right for its copies, with their own names and images put in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu import copies as copies_module
from virtactor.actors.drivers.qemu.checks import KINDS
from virtactor.actors.drivers.qemu.copies import Copies, Machine, complete_for
from virtactor.wire.documents.domain import DomainDefinition, parse_domain
from virtactor.wire.documents.replacing import replace
from virtactor.wire.errors import UnsupportedConfig, VirtError, XMLError

from .command_line.conftest import CAPABILITIES
from .command_line.test_drops_nothing import DOCUMENTS, randomly_changed
from .test_checks import TEXTS, copied

CORPUS = Path(__file__).parents[3] / "system/corpus"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def machine_of(definition: DomainDefinition) -> Machine:
    return Machine(CAPABILITIES.machine(definition.os.machine).name, CAPABILITIES.binary, CAPABILITIES.arch)


def parsed(document: str) -> DomainDefinition:
    definition = parse_domain(document, strict=False)
    return replace(definition, uuid=definition.uuid or UUID)


def outcome(complete, definition: DomainDefinition) -> object:
    """The completed definition, but for numbers that are drawn anew each time, or what it is refused with."""
    try:
        completed = complete(definition)
    except VirtError as error:
        return type(error).__name__
    genid = definition.genid
    return replace(completed, genid=None) if genid is not None and genid.value is None else completed


def check_copies(definition: DomainDefinition, text: str) -> bool:
    """That a guest and its copies are completed as if each were the first; whether one was taken for a copy."""
    try:
        machine, copies = machine_of(definition), Copies()
    except UnsupportedConfig:
        return False  # There is no such machine.
    own = copied(definition, text)
    cards = tuple(replace(each, mac=None) for each in definition.devices.interfaces)
    unnamed = replace(own, devices=replace(own.devices, interfaces=cards))
    for each in (definition, own, unnamed, definition):
        expected = outcome(lambda one: complete_for(machine, one), each)
        assert outcome(lambda one: copies.complete(one, machine), each) == expected
    return any(first is not None for first in copies._firsts.values())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(DOCUMENTS), st.integers(0, 3), st.randoms(use_true_random=False), TEXTS)
def test_a_copy_is_completed_as_if_it_were_the_first(document, count, chance, text) -> None:
    definition = parsed(document)
    for _ in range(count):
        definition = randomly_changed(definition, chance, text)
    check_copies(replace(definition, uuid=definition.uuid or UUID), text)


def test_copies_of_what_virt_install_makes_are_completed_as_if_each_were_the_first() -> None:
    _, *lines = (CORPUS / "documents.jsonl").read_text().splitlines()
    documents = [json.loads(line)["document"].replace("{images}", "/images") for line in lines]
    definitions = [parsed(document) for document in documents]
    known = [each for each in definitions if each.type == "qemu" and each.os.arch in (None, CAPABILITIES.arch)]
    taken = [check_copies(each, "copy") for each in known]
    assert len(taken) > 100
    assert sum(taken) > 0.8 * len(taken)


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the guests that were completed."""
    names: list[str] = []

    def noting(machine: Machine, definition: DomainDefinition) -> DomainDefinition:
        if definition.name != copies_module._NAME:
            names.append(definition.name)
        return complete_for(machine, definition)

    monkeypatch.setattr(copies_module, "complete_for", noting)
    return names


def guest(name: str, memory: int = 64, more: str = "") -> DomainDefinition:
    return parsed(
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>{memory}</memory>{more}"
        "<os><type machine='pc'>hvm</type></os></domain>"
    )


def test_copies_are_completed_once(completed: list[str]) -> None:
    copies = Copies()
    for definition in (guest("one"), guest("two"), guest("other", memory=65), guest("three")):
        assert copies.complete(definition, machine_of(definition)).name == definition.name
    assert completed == ["one", "other"]


def test_a_machine_of_another_name_is_another_kind(completed: list[str]) -> None:
    copies = Copies()
    for machine in ("pc-i440fx-7.2", "pc-i440fx-7.1"):
        definition = copies.complete(guest("one"), Machine(machine, CAPABILITIES.binary, CAPABILITIES.arch))
        assert definition.os.machine == machine
    assert completed == ["one", "one"]


def test_guests_that_are_given_a_random_number_are_each_completed(completed: list[str]) -> None:
    copies = Copies()
    definitions = [guest(name, more="<genid/>") for name in ("one", "two", "three")]
    numbers = {copies.complete(each, machine_of(each)).genid for each in definitions}
    assert len(numbers) == 3
    assert completed == ["one", "two", "three"]


def test_what_is_a_copys_own_is_still_looked_at() -> None:
    copies = Copies()
    copies.complete(guest("one"), machine_of(guest("one")))
    wrong = replace(guest("two"), title="two\nlines")
    with pytest.raises(XMLError, match="title"):
        copies.complete(wrong, machine_of(wrong))


def test_the_kinds_that_came_first_are_forgotten(completed: list[str]) -> None:
    copies = Copies()
    for size in range(KINDS + 1):
        definition = guest(f"of {64 + size}", memory=64 + size)
        copies.complete(definition, machine_of(definition))
    completed.clear()
    for definition in (guest("new", memory=64 + KINDS), guest("old", memory=64)):
        copies.complete(definition, machine_of(definition))
    assert completed == ["old"]
