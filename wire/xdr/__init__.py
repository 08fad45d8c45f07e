"""libvirt's encoding (XDR, RFC 4506), compiled from the table.

``codec(row)`` gives both directions of a row's arguments and result. ``encode_error`` and ``decode_error`` are the
payload of a reply with status ERROR, libvirt's error structure.

Every type compiles to a writer and a reader (types.py). Neighbouring fields of a fixed size are read and written in one
go: the 13 numbers of a domain's job information cost one call of the struct module.
"""

from __future__ import annotations

from .codec import XDRCodec, codec
from .error import decode_error, encode_error

__all__ = ["XDRCodec", "codec", "decode_error", "encode_error"]
