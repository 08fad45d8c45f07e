"""Sets of numbers as text and as bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire.cpuset import LIMIT, bits_of, format_numbers, numbers_of, parse_numbers

NUMBERS = st.frozensets(st.integers(0, 200))


@given(NUMBERS)
def test_text_and_bits_say_the_same(numbers: frozenset[int]) -> None:
    assert parse_numbers(format_numbers(numbers)) == numbers
    assert numbers_of(bits_of(numbers, 26)) == numbers


@pytest.mark.parametrize(
    ("text", "numbers", "written"),
    [
        ("", set(), ""),
        ("3", {3}, "3"),
        ("0-3,5,^2", {0, 1, 3, 5}, "0-1,3,5"),
        (" 1 , 2 ", {1, 2}, "1-2"),
        ("7,1-2", {1, 2, 7}, "1-2,7"),
    ],
)
def test_ranges_and_exceptions(text: str, numbers: set[int], written: str) -> None:
    assert parse_numbers(text) == numbers
    assert format_numbers(numbers) == written


@pytest.mark.parametrize("text", ["x", "1-", "-1", "3-1", "1,,2", "^1-2", f"0-{LIMIT}", "1;2"])
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_numbers(text)


def test_what_does_not_fit_is_left_out() -> None:
    assert bits_of({0, 9}, 1) == b"\x01"
