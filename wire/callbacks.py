"""How libvirt's clients ask for events: by an event's number, once for each, getting the id of a callback.

What they are then sent carries that id in front. Drivers do not know of callbacks: they publish an event as the oldest
message that libvirt has for it (``domain_event_lifecycle``), or as the message with a callback less that id. A
:class:`Callback` is one kind of event with all of that; ``CALLBACKS`` finds it by the published row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .table import ROWS
from .table.rows import Row
from .table.types import Field

CALLBACK_ID = "callback_id"


@dataclass(frozen=True)
class Callback:
    """One kind of event.

    ``register`` takes ``event_id`` and an object or None, and gives the callback's id; ``deregister`` takes that.
    ``message`` is what comes then, ``published`` what a driver publishes: ``published_fields`` says of which fields.
    """

    register: Row
    deregister: Row
    event_id: int
    message: Row
    published: Row

    @cached_property
    def published_fields(self) -> tuple[Field, ...]:
        """The fields that a driver publishes: those of ``published`` but for a callback's id."""
        return tuple(field for field in self.published.args if field.name != CALLBACK_ID)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        names = [field.name for field in self.message.args]
        return tuple(names.index(field.name) for field in self.published_fields)

    def published_of(self, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        """A message's fields as they were published."""
        return tuple([fields[place] for place in self._places])

    def message_of(self, callback_id: int, published: tuple[Any, ...]) -> tuple[Any, ...]:
        """The message's fields for one callback; what was not published of them is 0."""
        given = dict(zip(self._places, published, strict=True))
        return (callback_id, *[given.get(place, 0) for place in range(1, len(self.message.args))])


# The published rows of each family in the order of their numbers (virDomainEventID, …). Events that are younger than
# callbacks have one message only, with the id.
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "connect_domain_event_callback": (
        "domain_event_lifecycle",
        "domain_event_reboot",
        "domain_event_rtc_change",
        "domain_event_watchdog",
        "domain_event_io_error",
        "domain_event_graphics",
        "domain_event_io_error_reason",
        "domain_event_control_error",
        "domain_event_block_job",
        "domain_event_disk_change",
        "domain_event_tray_change",
        "domain_event_pmwakeup",
        "domain_event_pmsuspend",
        "domain_event_balloon_change",
        "domain_event_pmsuspend_disk",
        "domain_event_device_removed",
        "domain_event_block_job_2",
        "domain_event_callback_tunable",
        "domain_event_callback_agent_lifecycle",
        "domain_event_callback_device_added",
        "domain_event_callback_migration_iteration",
        "domain_event_callback_job_completed",
        "domain_event_callback_device_removal_failed",
        "domain_event_callback_metadata_change",
        "domain_event_block_threshold",
        "domain_event_memory_failure",
        "domain_event_memory_device_size_change",
        "domain_event_nic_mac_change",
    ),
    "connect_network_event": ("network_event_lifecycle", "network_event_callback_metadata_change"),
    "connect_storage_pool_event": ("storage_pool_event_lifecycle", "storage_pool_event_refresh"),
    "connect_node_device_event": ("node_device_event_lifecycle", "node_device_event_update"),
    "connect_secret_event": ("secret_event_lifecycle", "secret_event_value_changed"),
}


def _callbacks() -> Iterator[Callback]:
    for family, names in _EVENTS.items():
        register, deregister = ROWS[f"{family}_register_any"], ROWS[f"{family}_deregister_any"]
        for event_id, name in enumerate(names):
            message = ROWS.get(name.replace("domain_event_", "domain_event_callback_"), ROWS[name])
            yield Callback(register, deregister, event_id, message, ROWS[name])


# By the row that drivers publish, by the message with a callback's id, and by what registers and the event's number.
CALLBACKS: Mapping[Row, Callback] = {callback.published: callback for callback in _callbacks()}
CALLBACK_OF_MESSAGE: Mapping[Row, Callback] = {callback.message: callback for callback in CALLBACKS.values()}
CALLBACK_OF_NUMBER: Mapping[tuple[Row, int], Callback] = {
    (callback.register, callback.event_id): callback for callback in CALLBACKS.values()
}
