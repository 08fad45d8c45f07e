"""How single values are written in libvirt's documents: sizes, switches, hexadecimal numbers, UUIDs, MACs, names.

Each codec says twice what it reads: as a function and, for the published schemas, as a `Datatype`. The tests hold the
two to each other.
"""

from __future__ import annotations

import re
import uuid

from .. import cpuset
from .binding import Codec, Datatype, ElementCodec, Lexical, ScaledCodec

# XML's white space, which stands around values.
BLANK = " \t\r\n"
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_OCTAL = re.compile(r"0*[0-7]{1,4}", re.ASCII)
_HEX = re.compile(r"0[xX]0*[0-9a-fA-F]{1,16}|[0-9]{1,20}", re.ASCII)
_UUID = re.compile(r"[- ]*([0-9a-fA-F][- ]*){32}", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]?[02468aAcCeE](:[0-9a-fA-F]{1,2}){5}", re.ASCII)
_UNIT = re.compile(r"(?i:b|bytes?|([kmgtpe])(b|ib)?)", re.ASCII)
_POWERS = {letter: power for power, letter in enumerate("kmgtpe", 1)}
_UNSIGNED_MAX = 2**64 - 1
_INT_MAX = 2**31 - 1


def matching(name: str, pattern: str, *, base: str = "string", **limits: str) -> Datatype:
    """The texts that match a pattern, with white space around them."""
    facets = (("pattern", rf"\s*({pattern})\s*"), *limits.items())
    return Datatype(name, forms=(Lexical(base, facets),))


def _unsigned(text: str) -> int:
    text = text.strip(BLANK)
    if not _DIGITS.fullmatch(text) or (number := int(text)) > _UNSIGNED_MAX:
        raise ValueError(text)
    return number


def _signed(text: str) -> int:
    text = text.strip(BLANK)
    digits = text.removeprefix("-")
    if not _DIGITS.fullmatch(digits) or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError(text)
    return number


UNSIGNED = Codec(_unsigned, str, "a whole number", matching("unsigned", "[0-9]{1,20}", base="unsignedLong"))
SIGNED = Codec(_signed, str, "a whole number, which may be negative", matching("signed", "-?[0-9]{1,20}", base="long"))
TEXT = Codec(str, str, "text", Datatype("text"))


_SIZE = matching("size", "[0-9]{1,20}", base="unsignedLong")


def _octal(text: str) -> int:
    text = text.strip(BLANK)
    if not _OCTAL.fullmatch(text):
        raise ValueError(text)
    return int(text, 8)


# A mode of files.
OCTAL = Codec(
    _octal, lambda number: f"{number:04o}", "an octal number of at most 7777", matching("fileMode", "0*[0-7]{1,4}")
)


def _switch(name: str, on: str, off: str) -> Codec:
    values = {on: True, off: False}
    return Codec(
        lambda text: values[text] if text in values else _refuse(text),
        lambda value: on if value else off,
        f"'{on}' or '{off}'",
        Datatype(name, tuple(values)),
    )


def _refuse(text: str) -> bool:
    raise ValueError(text)


YES_NO = _switch("yesNo", "yes", "no")
ON_OFF = _switch("onOff", "on", "off")


def _any_base(text: str, limit: int) -> int:
    text = text.strip(BLANK)
    if not _HEX.fullmatch(text):
        raise ValueError(text)
    number = int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    if number > limit:
        raise ValueError(text)
    return number


def _of_any_base(limit: int) -> Datatype:
    decimal = Lexical("unsignedLong", (("pattern", r"\s*[0-9]{1,20}\s*"), ("maxInclusive", str(limit))))
    sixteens = Lexical(facets=(("pattern", rf"\s*0[xX]0*({_hexadecimal_pattern(limit)})\s*"),))
    return Datatype(f"numberTo{limit:X}", forms=(decimal, sixteens))


def _hexadecimal_pattern(limit: int) -> str:
    """A pattern of the hexadecimal numbers of at most `limit`: the shorter ones, and digit by digit those as long."""
    digits = f"{limit:x}"
    if set(digits) == {"f"}:
        return f"{_up_to('f')}{{1,{len(digits)}}}"
    forms = [f"{_up_to('f')}{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    for at, digit in enumerate(digits):
        same = "".join(f"[{each}{each.upper()}]" for each in digits[:at])
        rest = f"{_up_to('f')}{{{more}}}" if (more := len(digits) - at - 1) else ""
        if set(digits[at + 1 :]) <= {"f"}:
            forms.append(same + _up_to(digit) + rest)
            break
        if digit > "0":
            forms.append(same + _up_to(f"{int(digit, 16) - 1:x}") + rest)
    return "|".join(forms)


def _up_to(digit: str) -> str:
    return f"[0-{digit}]" if digit <= "9" else f"[0-9a-{digit}A-{digit.upper()}]"


def hexadecimal(width: int, limit: int) -> Codec:
    """A number written as 0x and at least `width` digits; read as that or decimal, at most `limit`."""
    return Codec(
        lambda text: _any_base(text, limit),
        lambda number: f"0x{number:0{width}x}",
        f"a number of at most {limit:#x}",
        _of_any_base(limit),
    )


def _long(text: str) -> int:
    return _any_base(text, _UNSIGNED_MAX)


ANY_HEX = Codec(_long, lambda number: f"0x{number:04x}", "a number, decimal or 0x…", _of_any_base(_UNSIGNED_MAX))
LONG_HEX = Codec(_long, lambda number: f"0x{number:x}", ANY_HEX.expects, ANY_HEX.text)
HEX2 = hexadecimal(2, 0xFF)
SLOT = hexadecimal(2, 0x1F)
HEX4 = hexadecimal(4, 0xFFFF)
HEX4_CAPITALS = Codec(HEX4.read, lambda number: f"0x{number:04X}", HEX4.expects, HEX4.text)
HEX8 = hexadecimal(8, 0xFFFFFFFF)
DECIMAL_OR_HEX = Codec(lambda text: _any_base(text, _INT_MAX), str, "a number, decimal or 0x…", _of_any_base(_INT_MAX))


def _canonical_uuid(text: str) -> str:
    text = text.strip(BLANK)
    if not _UUID.fullmatch(text):
        raise ValueError(text)
    return str(uuid.UUID(hex=text.replace("-", "").replace(" ", "")))


UUID = Codec(_canonical_uuid, str, "a UUID of 32 hexadecimal digits", matching("uuid", _UUID.pattern))


def _canonical_mac(text: str) -> str:
    text = text.strip(BLANK)
    if not _MAC.fullmatch(text):
        raise ValueError(text)
    return ":".join(f"{int(octet, 16):02x}" for octet in text.split(":"))


MAC = Codec(_canonical_mac, str, "a unicast MAC address like 52:54:00:12:34:56", matching("unicastMac", _MAC.pattern))


def _name(text: str) -> str:
    if not text.strip() or "/" in text or "\n" in text or text in (".", ".."):
        raise ValueError(text)
    return text


# What Python takes for white space: XML's, Unicode's separators, and the next line of ISO 6429.
_NAME_PATTERN = "[^/\n]*[^/\\s\\p{Z}\x85][^/\n]*"
NAME = Codec(
    _name,
    str,
    "a name that is not blank and has no '/' and no line break",
    Datatype("name", forms=(Lexical(facets=(("pattern", _NAME_PATTERN),), excluded=(".", "..")),)),
)


# Units have no white space around them.
UNIT = Datatype(
    "unit",
    forms=(Lexical(facets=(("pattern", "[bB]|[bB][yY][tT][eE][sS]?|[kKmMgGtTpPeE]([iI]?[bB])?"),)),),
)


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
        _SIZE,
        (("unit", UNIT),),
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
    _SIZE,
    UNIT,
)


# The same for the size of a file system in memory, whose attribute is "units".
SCALED_USAGE = ScaledCodec(SCALED_KIB.read, SCALED_KIB.write, SCALED_KIB.expects, "units", _SIZE, UNIT)


def _rounded(size: int) -> tuple[dict[str, str], str]:
    """A size of KiB in the largest unit that it is a whole number of."""
    units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    at = 0
    while size and size % 1024 == 0 and at + 1 < len(units):
        size //= 1024
        at += 1
    return {"unit": units[at]}, str(size)


SIZE_ROUND = ElementCodec(SIZE_KIB.read, _rounded, SIZE_KIB.expects, _SIZE, SIZE_KIB.attributes)


def _canonical_cpuset(text: str) -> str:
    return cpuset.format_numbers(cpuset.parse_numbers(text))


_CPUSET_PART = r"\s*(\^[0-9]{1,6}|[0-9]{1,6}(-[0-9]{1,6})?)\s*"
CPUSET = Codec(
    _canonical_cpuset,
    str,
    "numbers like 0-3,5,^2",
    Datatype("numberSet", forms=(Lexical(facets=(("pattern", rf"\s*|{_CPUSET_PART}(,{_CPUSET_PART})*"),)),)),
)
