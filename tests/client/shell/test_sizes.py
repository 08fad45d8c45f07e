"""Sizes and XML as virsh writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from virtactor.client.shell.sizes import pretty
from virtactor.client.shell.xmltext import element


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0.00 B"),
        (1023, "1023.00 B"),
        (1024, "1.00 KiB"),
        (1 << 20, "1.00 MiB"),
        (3 << 29, "1.50 GiB"),
        (1 << 40, "1.00 TiB"),
        (2**64 - 1, "16.00 EiB"),
    ],
)
def test_a_size_has_the_largest_unit_of_which_there_is_one(size: int, shown: str) -> None:
    assert pretty(size) == shown


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


@given(TEXT, TEXT)
def test_whatever_is_said_comes_back_from_the_xml(attribute: str, text: str) -> None:
    parsed = etree.fromstring(element("a", {"b": attribute, "c": None}, [element("d", None, text), element("e")]))
    assert dict(parsed.items()) == {"b": attribute}
    assert [(child.tag, child.text) for child in parsed] == [("d", text), ("e", None)]
