"""THE catalogue of procedures, a module per family; rows.py says what a row is, types.py what its signatures mean.

``row_of(program, number)`` finds a row by its numbers, ``ROWS["domain_suspend"]`` by its name.
"""

from __future__ import annotations

from .connect import CONNECT_ROWS
from .domain import DOMAIN_ROWS
from .extension import EXTENSION_ROWS
from .qemu import QEMU_ROWS
from .rows import (
    EXTENSION_PROGRAM,
    KEEPALIVE_PROGRAM,
    MSGPACK_BIT,
    QEMU_PROGRAM,
    REMOTE_PROGRAM,
    Access,
    Kind,
    Row,
    Target,
)
from .structs import DomainRef

__all__ = [
    "EXTENSION_PROGRAM",
    "KEEPALIVE_PROGRAM",
    "MSGPACK_BIT",
    "PROGRAM_VERSION",
    "QEMU_PROGRAM",
    "REMOTE_PROGRAM",
    "ROWS",
    "Access",
    "DomainRef",
    "Kind",
    "Row",
    "Target",
    "row_of",
]

PROGRAM_VERSION = 1

_ALL = (*CONNECT_ROWS, *DOMAIN_ROWS, *QEMU_ROWS, *EXTENSION_ROWS)
ROWS: dict[str, Row] = {row.name: row for row in _ALL}
_BY_NUMBER: dict[tuple[int, int], Row] = {(row.msgpack_program, row.number): row for row in _ALL}


def row_of(program: int, number: int) -> Row | None:
    """The row of a program (in either codec's number) and procedure, None where there is none."""
    return _BY_NUMBER.get((program | MSGPACK_BIT, number))
