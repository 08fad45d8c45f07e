"""libvirt's error structure: the payload of a reply with status ERROR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import VirtError
from ..framing import STRING_MAX
from ..table.structs import STRUCTS
from ..table.types import parse_fields
from .codec import decoder, encoder

_FIELDS = parse_fields(
    "code: int, domain: int, message: string?, level: int, dom: domain?, str1: string?, str2: string?, str3: string?, "
    "int1: int, int2: int, net: network?",
    STRUCTS,
)
_encode = encoder("error", _FIELDS)
_decode = decoder("error", _FIELDS)


def encode_error(error: VirtError) -> bytes:
    """The payload for an error. It can always be sent: what is no text is shown escaped, what is too long is cut."""
    message = (
        error.message.encode(errors="backslashreplace").replace(b"\0", b"\\0")[:STRING_MAX].decode(errors="ignore")
    )
    return _encode(
        (int(error.code), int(error.domain), message, int(error.level), None, message, None, None, -1, -1, None)
    )


def decode_error(payload: bytes) -> Mapping[str, Any]:
    """The fields of an error, for errors.error_from_wire. Raises ProtocolError."""
    code, domain, message, level, *_ = _decode(payload)
    return {"code": code, "domain": domain, "message": message, "level": level}
