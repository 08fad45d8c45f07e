"""How single values are written in libvirt's documents: sizes, switches, hexadecimal numbers, UUIDs, MACs, names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from .binding import Codec, ElementCodec

_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", re.ASCII)
_UNIT = re.compile(r"(?i:b|bytes?|([kmgtpe])(b|ib)?)", re.ASCII)
_POWERS = {letter: power for power, letter in enumerate("kmgtpe", 1)}
_UNSIGNED_MAX = 2**64 - 1
_INT_MAX = 2**31 - 1
# libvirt counts bytes in 64 bits.
_KIB_MAX = _UNSIGNED_MAX // 1024


def _unsigned(text: str) -> int:
    text = text.strip()
    if not _DIGITS.fullmatch(text) or (number := int(text)) > _UNSIGNED_MAX:
        raise ValueError(text)
    return number


def _signed(text: str) -> int:
    text = text.strip()
    number = -_unsigned(text[1:]) if text.startswith("-") else _unsigned(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


UNSIGNED = Codec(_unsigned, str, "a whole number")
SIGNED = Codec(_signed, str, "a whole number, which may be negative")
TEXT = Codec(str, str, "text")


def _switch(on: str, off: str) -> Codec:
    values = {on: True, off: False}
    return Codec(
        lambda text: values[text] if text in values else _refuse(text),
        lambda value: on if value else off,
        f"'{on}' or '{off}'",
    )


def _refuse(text: str) -> bool:
    raise ValueError(text)


YES_NO = _switch("yes", "no")
ON_OFF = _switch("on", "off")


def _any_base(text: str, limit: int) -> int:
    text = text.strip()
    if not _HEX.fullmatch(text):
        raise ValueError(text)
    number = int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    if number > limit:
        raise ValueError(text)
    return number


def hexadecimal(width: int, limit: int) -> Codec:
    """A number written as 0x and at least `width` digits; read as that or decimal, at most `limit`."""
    return Codec(
        lambda text: _any_base(text, limit), lambda number: f"0x{number:0{width}x}", f"a number of at most {limit:#x}"
    )


HEX2 = hexadecimal(2, 0xFF)
HEX4 = hexadecimal(4, 0xFFFF)
HEX8 = hexadecimal(8, 0xFFFFFFFF)
DECIMAL_OR_HEX = Codec(lambda text: _any_base(text, _INT_MAX), str, "a number, decimal or 0x…")


def _canonical_uuid(text: str) -> str:
    digits = text.strip().replace("-", "").replace(" ", "")
    if len(digits) != 32:
        raise ValueError(text)
    return str(uuid.UUID(hex=digits))


UUID = Codec(_canonical_uuid, str, "a UUID of 32 hexadecimal digits")


def _canonical_mac(text: str) -> str:
    text = text.strip()
    if not _MAC.fullmatch(text):
        raise ValueError(text)
    octets = [int(octet, 16) for octet in text.split(":")]
    if octets[0] & 1:
        raise ValueError(text)
    return ":".join(f"{octet:02x}" for octet in octets)


MAC = Codec(_canonical_mac, str, "a unicast MAC address like 52:54:00:12:34:56")


def _name(text: str) -> str:
    if not text.strip() or "/" in text or "\n" in text or text in (".", ".."):
        raise ValueError(text)
    return text


NAME = Codec(_name, str, "a name that is not blank and has no '/' and no line break")


def _kibibytes(attributes: Mapping[str, str], text: str) -> int:
    unit = attributes.get("unit", "KiB")
    match = _UNIT.fullmatch(unit)
    if not match:
        raise ValueError(unit)
    letter, suffix = match.groups()
    base = 1000 if suffix and suffix.lower() == "b" else 1024
    factor = base ** _POWERS[letter.lower()] if letter else 1
    size = -(-_unsigned(text) * factor // 1024)
    if size > _KIB_MAX:
        raise ValueError(text)
    return size


SIZE_KIB = ElementCodec(
    _kibibytes,
    lambda size: ({"unit": "KiB"}, str(size)),
    "a size with a unit like KiB, MiB or GiB that fits 64 bits",
    frozenset({"unit"}),
)
