"""The catalogue of events: what clients register for by id, and which messages then come.

libvirt has two generations of domain events: a client of the first asks for all events of an id and gets messages
that say nothing of who asked; one of the second gets a callback id from its registration, and messages that begin
with it. All other families have callback ids only.

Drivers publish each event once, as its ``published`` row: the message of the first generation where there is one, else
the other one, always *without* callback id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import ROWS
from .rows import Row

Fields = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class EventKind:
    """One event of a family.

    ``legacy`` is the message without callback id, None where there is none, and ``row`` the one with it. ``between``
    are values of fields that only the latter has, between callback id and what is published.
    """

    family: str
    id: int
    legacy: Row | None
    row: Row
    between: Fields = ()

    @property
    def published(self) -> Row:
        """The row that drivers publish."""
        return self.legacy or self.row

    def fields(self, callback_id: int, published: Fields) -> Fields:
        """The fields of the message with a callback id, from those that were published."""
        return (callback_id, *self.between, *published)


# By id: the message without callback id, the one with it, and what that has in between.
_DOMAIN: Mapping[int, tuple[str, str] | tuple[str, str, Fields]] = {
    0: ("domain_event_lifecycle", "domain_event_callback_lifecycle"),
    1: ("domain_event_reboot", "domain_event_callback_reboot"),
    2: ("domain_event_rtc_change", "domain_event_callback_rtc_change"),
    3: ("domain_event_watchdog", "domain_event_callback_watchdog"),
    4: ("domain_event_io_error", "domain_event_callback_io_error"),
    5: ("domain_event_graphics", "domain_event_callback_graphics"),
    6: ("domain_event_io_error_reason", "domain_event_callback_io_error_reason"),
    7: ("domain_event_control_error", "domain_event_callback_control_error"),
    8: ("domain_event_block_job", "domain_event_callback_block_job"),
    9: ("domain_event_disk_change", "domain_event_callback_disk_change"),
    10: ("domain_event_tray_change", "domain_event_callback_tray_change"),
    # The reason of these three has never had any value but 0.
    11: ("domain_event_pmwakeup", "domain_event_callback_pmwakeup", (0,)),
    12: ("domain_event_pmsuspend", "domain_event_callback_pmsuspend", (0,)),
    13: ("domain_event_balloon_change", "domain_event_callback_balloon_change"),
    14: ("domain_event_pmsuspend_disk", "domain_event_callback_pmsuspend_disk", (0,)),
    15: ("domain_event_device_removed", "domain_event_callback_device_removed"),
    16: ("", "domain_event_block_job_2"),
    17: ("", "domain_event_callback_tunable"),
    18: ("", "domain_event_callback_agent_lifecycle"),
    19: ("", "domain_event_callback_device_added"),
    20: ("", "domain_event_callback_migration_iteration"),
    21: ("", "domain_event_callback_job_completed"),
    22: ("", "domain_event_callback_device_removal_failed"),
    23: ("", "domain_event_callback_metadata_change"),
    24: ("", "domain_event_block_threshold"),
    25: ("", "domain_event_memory_failure"),
    26: ("", "domain_event_memory_device_size_change"),
    27: ("", "domain_event_nic_mac_change"),
}
_FAMILIES: Mapping[str, Mapping[int, tuple[str, str] | tuple[str, str, Fields]]] = {
    "domain": _DOMAIN,
    "network": {0: ("", "network_event_lifecycle"), 1: ("", "network_event_callback_metadata_change")},
    "storage pool": {0: ("", "storage_pool_event_lifecycle"), 1: ("", "storage_pool_event_refresh")},
    "node device": {0: ("", "node_device_event_lifecycle"), 1: ("", "node_device_event_update")},
    "secret": {0: ("", "secret_event_lifecycle"), 1: ("", "secret_event_value_changed")},
    # Told by name, not by id.
    "qemu monitor": {0: ("", "domain_monitor_event")},
}

# By family and id.
EVENTS: Mapping[tuple[str, int], EventKind] = {
    (family, number): EventKind(family, number, ROWS.get(legacy), ROWS[row], *between)
    for family, kinds in _FAMILIES.items()
    for number, (legacy, row, *between) in kinds.items()
}
_BY_ROW: Mapping[Row, EventKind] = {kind.published: kind for kind in EVENTS.values()}


def kind_of(published: Row) -> EventKind | None:
    """The event that drivers publish as this row, None for rows that are no event's."""
    return _BY_ROW.get(published)


def whole_fields(published: Row, fields: Fields) -> Fields:
    """All fields of an event's row, for those who are told by row and not by registration: the callback id is 0."""
    kind = _BY_ROW.get(published)
    return fields if kind is None or kind.legacy is not None else kind.fields(0, fields)
