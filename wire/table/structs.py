"""The structures that rows share: how objects are named on the wire.

A reference to an object is enough to find it (by UUID); name and id are what the sender last knew and serve messages.
"""

from __future__ import annotations

from typing import NamedTuple

from .types import Struct, parse_fields


class DomainRef(NamedTuple):
    """A domain: ``id`` is -1 while it is not running."""

    name: str
    uuid: bytes
    id: int


STRUCTS: dict[str, Struct] = {}
STRUCTS["domain"] = Struct(DomainRef, parse_fields("name: string, uuid: uuid, id: int", STRUCTS))
