"""`replace` for documents gives what the standard library's does."""

import dataclasses

import pytest
from hypothesis import given
from virtactor.wire.documents.domain import Controller, PciAddress
from virtactor.wire.documents.replacing import replace

from .instances import DEFINITIONS
from .test_round_trip import QUICK

BUS = Controller(type="pci", index=1, model="pci-bridge", address=PciAddress(slot=3))


@QUICK
@given(DEFINITIONS, DEFINITIONS)
def test_replaces_as_the_standard_library_does(one, other):
    for field in dataclasses.fields(one):
        change = {field.name: getattr(other, field.name)}
        assert replace(one, **change) == dataclasses.replace(one, **change)
    everything = {field.name: getattr(other, field.name) for field in dataclasses.fields(other)}
    assert replace(one, **everything) == other


def test_changes_fields_of_base_classes():
    assert replace(BUS, alias="ua-bus", model=None) == dataclasses.replace(BUS, alias="ua-bus", model=None)
    assert BUS.model == "pci-bridge"


def test_gives_the_value_itself_when_nothing_changes():
    assert replace(BUS) is BUS
    assert replace(BUS, index=1, model="-".join(["pci", "bridge"]), address=BUS.address) is BUS


def test_takes_no_value_of_another_type_for_the_same():
    assert replace(BUS, index=True).index is True


def test_refuses_what_is_no_field():
    with pytest.raises(AttributeError, match="colour"):
        replace(BUS, colour="red")
