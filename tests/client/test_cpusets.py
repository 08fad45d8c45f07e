"""Sets of processors: as text, as bits, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.client import InvalidArgument
from virtactor.client.domain.cpusets import from_bits, from_text, split_bits, to_bits, to_text

SETS = st.frozensets(st.integers(0, 300))


@given(SETS.filter(bool))
def test_text_and_back(cpus: frozenset[int]) -> None:
    assert from_text(to_text(cpus)) == cpus


@given(SETS)
def test_bits_and_back(cpus: frozenset[int]) -> None:
    assert from_bits(to_bits(cpus)) == cpus
    assert len(to_bits(cpus)) == (max(cpus, default=-1) + 8) // 8


@given(st.lists(st.frozensets(st.integers(0, 15))))
def test_several_sets_stand_behind_each_other(sets: list[frozenset[int]]) -> None:
    assert split_bits(b"".join(to_bits(cpus).ljust(2, b"\0") for cpus in sets), 2) == sets


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0", {0}), ("0-3", {0, 1, 2, 3}), ("0-3,^2", {0, 1, 3}), ("5,1", {1, 5}), ("0-3,^1-2", {0, 3})],
)
def test_what_a_text_means(text: str, cpus: set[int]) -> None:
    assert from_text(text) == cpus


def test_r_stands_for_all_there_are() -> None:
    assert from_text("r", 3) == {0, 1, 2}


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1--2", "r"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        from_text(text)


def test_no_processor_has_a_negative_number() -> None:
    with pytest.raises(InvalidArgument):
        to_bits({-1})
