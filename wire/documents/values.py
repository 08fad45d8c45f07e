"""How single values are written in libvirt's documents: sizes, switches, hexadecimal numbers, UUIDs, MACs, names."""

from __future__ import annotations

import re
import uuid

from .. import cpuset
from .binding import Codec, ElementCodec, ScaledCodec

_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", re.ASCII)
_UNIT = re.compile(r"(?i:b|bytes?|([kmgtpe])(b|ib)?)", re.ASCII)
_POWERS = {letter: power for power, letter in enumerate("kmgtpe", 1)}
_UNSIGNED_MAX = 2**64 - 1
_INT_MAX = 2**31 - 1


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


def _octal(text: str) -> int:
    number = int(text.strip(), 8)
    if not 0 <= number <= 0o7777:
        raise ValueError(text)
    return number


# A mode of files.
OCTAL = Codec(_octal, lambda number: f"{number:04o}", "an octal number of at most 7777")


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


def _hexadecimal_of_any_size(text: str) -> int:
    number = int(text, 0)
    if not 0 <= number <= _UNSIGNED_MAX:
        raise ValueError(text)
    return number


ANY_HEX = Codec(_hexadecimal_of_any_size, lambda number: f"0x{number:04x}", "a number, decimal or 0x…")
LONG_HEX = Codec(_hexadecimal_of_any_size, lambda number: f"0x{number:x}", "a number, decimal or 0x…")
HEX2 = hexadecimal(2, 0xFF)
HEX4 = hexadecimal(4, 0xFFFF)
HEX4_CAPITALS = Codec(HEX4.read, lambda number: f"0x{number:04X}", HEX4.expects)
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


def _bytes(unit: str, text: str) -> int:
    match = _UNIT.fullmatch(unit)
    if not match:
        raise ValueError(unit)
    letter, suffix = match.groups()
    base = 1000 if suffix and suffix.lower() == "b" else 1024
    return _unsigned(text) * (base ** _POWERS[letter.lower()] if letter else 1)


def _scaled(text: str, unit: str, kept: int) -> int:
    """A size in units of ``kept`` bytes, rounded up."""
    size = -(-_bytes(unit, text) // kept)
    if size > _UNSIGNED_MAX // kept:
        raise ValueError(text)
    return size


def _size(kept: int, unit: str, default: str) -> ElementCodec:
    """An element that is a size, kept and written in ``unit``; ``default`` is meant where none is said."""
    return ElementCodec(
        lambda attributes, text: _scaled(text, attributes.get("unit", default), kept),
        lambda size: ({"unit": unit}, str(size)),
        "a size with a unit like KiB, MiB or GiB that fits 64 bits",
        frozenset({"unit"}),
    )


SIZE_KIB = _size(1024, "KiB", "KiB")
SIZE_BYTES = _size(1, "bytes", "bytes")
SIZE_MIB = _size(1024**2, "M", "M")
# An attribute that is a size; its unit is the attribute beside it.
SCALED_KIB = ScaledCodec(
    lambda text, unit: _scaled(text, unit or "KiB", 1024),
    lambda size: (str(size), "KiB"),
    "a size that fits 64 bits, with a unit like KiB, MiB or GiB beside it",
    "unit",
)


# The same for the size of a file system in memory, whose attribute is "units".
SCALED_USAGE = ScaledCodec(SCALED_KIB.read, SCALED_KIB.write, SCALED_KIB.expects, "units")


def _rounded(size: int) -> tuple[dict[str, str], str]:
    """A size of KiB in the largest unit that it is a whole number of."""
    units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    at = 0
    while size and size % 1024 == 0 and at + 1 < len(units):
        size //= 1024
        at += 1
    return {"unit": units[at]}, str(size)


SIZE_ROUND = ElementCodec(SIZE_KIB.read, _rounded, SIZE_KIB.expects, SIZE_KIB.attributes)


def _canonical_cpuset(text: str) -> str:
    return cpuset.format_numbers(cpuset.parse_numbers(text))


CPUSET = Codec(_canonical_cpuset, str, "numbers like 0-3,5,^2")
