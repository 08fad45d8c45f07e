"""Who may use a file on the host, sizes in bytes, and the keys of encrypted images: what pools and volumes share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At, Codec, Datatype, ElementCodec, Lexical
from ..values import SIGNED, SIZE_KIB, UNSIGNED, UUID

_UNIT = re.compile(r"(?i:b|bytes?|([kmgtpe])(b|ib)?)", re.ASCII)
_POWERS = {letter: power for power, letter in enumerate("kmgtpe", 1)}
_OCTAL = re.compile(r"0*[0-7]{1,4}", re.ASCII)
BYTES_MAX = 2**64 - 1


def _bytes(attributes: Mapping[str, str], text: str) -> int:
    unit = attributes.get("unit", "bytes")
    match = _UNIT.fullmatch(unit)
    if not match:
        raise ValueError(unit)
    letter, suffix = match.groups()
    base = 1000 if suffix and suffix.lower() == "b" else 1024
    size = UNSIGNED.read(text) * (base ** _POWERS[letter.lower()] if letter else 1)
    if size > BYTES_MAX:
        raise ValueError(text)
    return size


def _sized(unit: str) -> ElementCodec:
    return ElementCodec(
        _bytes,
        lambda size: ({"unit": unit}, str(size)),
        "a size with a unit like bytes, MiB or GiB that fits 64 bits",
        SIZE_KIB.text,
        SIZE_KIB.attributes,
    )


SIZE_BYTES = _sized("bytes")
CLUSTER_BYTES = _sized("B")


def _octal(text: str) -> int:
    if not _OCTAL.fullmatch(text):
        raise ValueError(text)
    return int(text, 8)


OCTAL = Codec(
    _octal,
    lambda mode: f"{mode:04o}",
    "a mode of octal digits like 0755",
    Datatype("mode", forms=(Lexical(facets=(("pattern", _OCTAL.pattern),)),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """Mode, owner and group of a file, by number, and its security label."""

    mode: Annotated[int | None, At("mode", OCTAL)] = None
    owner: Annotated[int | None, At("owner", SIGNED)] = None
    group: Annotated[int | None, At("group", SIGNED)] = None
    label: Annotated[str | None, At("label")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionSecret:
    """A secret that opens an image, by UUID or usage."""

    type: Annotated[Literal["passphrase"], At("@type")] = "passphrase"
    uuid: Annotated[str | None, At("@uuid", UUID)] = None
    usage: Annotated[str | None, At("@usage")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cipher:
    """How an image is encrypted; ``size`` in bits."""

    name: Annotated[str, At("@name")]
    size: Annotated[int, At("@size")]
    mode: Annotated[str | None, At("@mode")] = None
    hash: Annotated[str | None, At("@hash")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializationVector:
    """How a cipher's initialization vectors are made."""

    name: Annotated[str, At("@name")]
    hash: Annotated[str | None, At("@hash")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """The encryption of an image, and the secrets that open it."""

    format: Annotated[Literal["default", "qcow", "luks", "luks2"], At("@format")]
    secrets: Annotated[tuple[EncryptionSecret, ...], At("secret")] = ()
    cipher: Annotated[Cipher | None, At("cipher")] = None
    ivgen: Annotated[InitializationVector | None, At("ivgen")] = None
