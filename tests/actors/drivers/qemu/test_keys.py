"""Key codes of all sets, as QEMU's numbers."""

from __future__ import annotations

import pytest
from virtactor.actors.drivers.qemu.key_sets import LINUX_OF
from virtactor.actors.drivers.qemu.keys import key_values
from virtactor.wire.enums.domain_tuning import KeycodeSet
from virtactor.wire.errors import InvalidArgument

# The same keys in every set: the letter a, Enter, the left arrow, the right Alt.
KEYS = {
    KeycodeSet.LINUX: (30, 28, 105, 100),
    KeycodeSet.XT: (0x1E, 0x1C, 0xE04B, 0xE038),
    KeycodeSet.ATSET1: (0x1E, 0x1C, 0xE04B, 0xE038),
    KeycodeSet.ATSET2: (28, 90, 0xE06B, 0xE011),
    KeycodeSet.ATSET3: (28, 90, 97, 57),
    KeycodeSet.OSX: (0, 36, 123, 61),
    KeycodeSet.XT_KBD: (0x1E, 0x1C, 0xCB, 0xB8),
    KeycodeSet.USB: (4, 40, 80, 230),
    KeycodeSet.WIN32: (65, 13, 37, 165),
    KeycodeSet.QNUM: (0x1E, 0x1C, 0xCB, 0xB8),
}


def test_every_set_has_its_test() -> None:
    assert set(KEYS) == set(KeycodeSet)


@pytest.mark.parametrize("codeset", list(KEYS))
def test_a_key_is_the_same_in_every_set(codeset: KeycodeSet) -> None:
    assert [each["data"] for each in key_values(codeset, list(KEYS[codeset]))] == [0x1E, 0x1C, 0xCB, 0xB8]


@pytest.mark.parametrize("codeset", list(LINUX_OF))
def test_every_code_of_a_table_can_be_pressed(codeset: KeycodeSet) -> None:
    values = [each["data"] for each in key_values(codeset, list(LINUX_OF[codeset]))]
    assert all(0 < value < 0x100 for value in values)


@pytest.mark.parametrize("codeset", list(KEYS))
def test_a_code_that_is_in_no_set_is_refused(codeset: KeycodeSet) -> None:
    with pytest.raises(InvalidArgument, match="cannot translate keycode 99999"):
        key_values(codeset, [99999])
