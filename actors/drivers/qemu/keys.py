"""Key codes of the sets that callers may use, as QEMU's numbers: scan codes of the PC's keyboard, 0x80 for a prefix."""

from __future__ import annotations

from typing import Any

from ....wire.enums.domain_tuning import KeycodeSet
from ....wire.errors import InvalidArgument
from .key_sets import LINUX_OF

# Of Linux' codes the first are the keyboard's own.
_SAME_MAX = 88
_LINUX = {
    96: 0x9C, 97: 0x9D, 98: 0xB5, 99: 0x54, 100: 0xB8, 102: 0xC7, 103: 0xC8, 104: 0xC9, 105: 0xCB, 106: 0xCD,
    107: 0xCF, 108: 0xD0, 109: 0xD1, 110: 0xD2, 111: 0xD3, 113: 0xA0, 114: 0xAE, 115: 0xB0, 116: 0xDE, 117: 0x59,
    119: 0xC6, 121: 0x7E, 125: 0xDB, 126: 0xDC, 127: 0xDD, 142: 0xDF, 143: 0xE3,
}  # fmt: skip
_LETTERS = (30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44)
_DIGITS = range(2, 12)
_REST = (28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58, *range(59, 69), 87, 88)
_EDITING = (99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103, 69)
_MODIFIERS = (29, 42, 56, 125, 97, 54, 100, 126)
# The codes of USB keyboards, as Linux'.
_USB = dict(enumerate((*_LETTERS, *_DIGITS, *_REST, *_EDITING), 4)) | dict(enumerate(_MODIFIERS, 0xE0))
_MAX = 0xFF


def key_values(codeset: int, codes: list[int]) -> list[dict[str, Any]]:
    """The keys as `send-key` takes them. Raises InvalidArgument for a code or a set that is not known."""
    return [{"type": "number", "data": _number(codeset, code)} for code in codes]


def _number(codeset: int, code: int) -> int:
    if codeset in (KeycodeSet.XT, KeycodeSet.ATSET1, KeycodeSet.XT_KBD, KeycodeSet.QNUM):
        # A prefixed code of the first set is written with its prefix, 0xe0, or with the highest bit.
        found = code & 0x7F | 0x80 if code >> 8 == 0xE0 else code
        if 0 < found <= _MAX:
            return found
    others = _USB if codeset == KeycodeSet.USB else LINUX_OF.get(codeset, {})
    linux = code if codeset == KeycodeSet.LINUX else others.get(code)
    if linux is not None and 0 < linux <= _SAME_MAX:
        return linux
    if linux in _LINUX:
        return _LINUX[linux]
    raise InvalidArgument(f"cannot translate keycode {code} of {_name(codeset)} codeset to qnum keycode")


def _name(codeset: int) -> str:
    return KeycodeSet(codeset).name.lower() if codeset in list(KeycodeSet) else str(codeset)
