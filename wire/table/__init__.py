"""THE catalogue of procedures, a module per family; rows.py says what a row is, types.py what its signatures mean.

``row_of(program, number)`` finds a row by its numbers, ``ROWS["domain_suspend"]`` by its name.
"""

from __future__ import annotations

from .connect import CONNECT_ROWS
from .domain_devices import DOMAIN_DEVICES_ROWS
from .domain_directory import DOMAIN_DIRECTORY_ROWS
from .domain_events import DOMAIN_EVENTS_ROWS
from .domain_guest import DOMAIN_GUEST_ROWS
from .domain_lifecycle import DOMAIN_LIFECYCLE_ROWS
from .domain_migration import DOMAIN_MIGRATION_ROWS
from .domain_moments import DOMAIN_MOMENTS_ROWS
from .domain_state import DOMAIN_STATE_ROWS
from .domain_tuning import DOMAIN_TUNING_ROWS
from .extension import EXTENSION_ROWS
from .host import HOST_ROWS
from .interface import INTERFACE_ROWS
from .network import NETWORK_ROWS
from .node_device import NODE_DEVICE_ROWS
from .nwfilter import NWFILTER_ROWS
from .qemu import QEMU_ROWS
from .rows import (
    EXTENSION_PROGRAM,
    KEEPALIVE_PROGRAM,
    MSGPACK_BIT,
    QEMU_PROGRAM,
    REMOTE_PROGRAM,
    Access,
    Kind,
    Part,
    Row,
    Target,
)
from .secret import SECRET_ROWS
from .storage import STORAGE_ROWS
from .structs import DomainRef

__all__ = [
    "EXTENSION_PROGRAM",
    "FAMILIES",
    "KEEPALIVE_PROGRAM",
    "MSGPACK_BIT",
    "PROGRAM_VERSION",
    "QEMU_PROGRAM",
    "REMOTE_PROGRAM",
    "ROWS",
    "Access",
    "DomainRef",
    "Kind",
    "Part",
    "Row",
    "Target",
    "row_of",
]

PROGRAM_VERSION = 1

# The rows by what they are about, as documentation shows them.
FAMILIES: dict[str, tuple[Row, ...]] = {
    "Connection": CONNECT_ROWS,
    "Host": HOST_ROWS,
    "Domains: finding and making": DOMAIN_DIRECTORY_ROWS,
    "Domains: life": DOMAIN_LIFECYCLE_ROWS,
    "Domains: state": DOMAIN_STATE_ROWS,
    "Domains: memory, processors, limits": DOMAIN_TUNING_ROWS,
    "Domains: devices": DOMAIN_DEVICES_ROWS,
    "Domains: guest agent": DOMAIN_GUEST_ROWS,
    "Domains: snapshots, checkpoints, backups": DOMAIN_MOMENTS_ROWS,
    "Domains: migration": DOMAIN_MIGRATION_ROWS,
    "Domains: events": DOMAIN_EVENTS_ROWS,
    "Networks": NETWORK_ROWS,
    "Storage": STORAGE_ROWS,
    "Interfaces": INTERFACE_ROWS,
    "Node devices": NODE_DEVICE_ROWS,
    "Secrets": SECRET_ROWS,
    "Network filters": NWFILTER_ROWS,
    "QEMU": QEMU_ROWS,
    "Our own": EXTENSION_ROWS,
}
ROWS: dict[str, Row] = {row.name: row for rows in FAMILIES.values() for row in rows}
_BY_NUMBER: dict[tuple[int, int], Row] = {(row.msgpack_program, row.number): row for row in ROWS.values()}


def row_of(program: int, number: int) -> Row | None:
    """The row of a program (in either codec's number) and procedure, None where there is none."""
    return _BY_NUMBER.get((program | MSGPACK_BIT, number))
