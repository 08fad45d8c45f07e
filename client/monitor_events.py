"""QEMU's own events, as they come over guests' monitors.

They are registered for by a callback on one connection, and end with it: nothing is kept for a client that is away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..wire.enums.domain_tuning import ConnectDomainQemuMonitorEventRegisterFlags as Flags
from ..wire.errors import VirtError
from ..wire.framing import Packet
from ..wire.lanes import lane_of
from ..wire.table import ROWS, row_of
from .closing import Closing
from .domain import Domain
from .values import bits
from .waiting import Inbox

if TYPE_CHECKING:
    from .reconnect import Session

_REGISTER = ROWS["connect_domain_monitor_event_register"]
_DEREGISTER = ROWS["connect_domain_monitor_event_deregister"]
_EVENT = ROWS["domain_monitor_event"]
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """One of QEMU's events (virConnectDomainQemuMonitorEventCallback): its name, and its data as JSON, or None.

    ``when`` is QEMU's own time of it, in UTC.
    """

    domain: Domain
    event: str
    when: datetime
    details: str | None


class MonitorEvents(Closing):
    """An iterator over QEMU's events; a context manager. Made by ``host.monitor_events``; see there."""

    def __init__(
        self,
        session: Session,
        domain: Domain | None = None,
        event: str | None = None,
        *,
        regex: bool = False,
        ignore_case: bool = False,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> None:
        self._session = session
        self._timeout = timeout
        self._inbox: Inbox[tuple[int, MonitorEvent]] = Inbox()
        self._closed = False
        flags = bits({Flags.REGEX: regex, Flags.NOCASE: ignore_case})
        session.listeners.append(self.deliver)
        try:
            # What holds for the connection that is there now holds for no other.
            self._connection = session.connection
            ref = None if domain is None else domain.ref
            (self._id,) = self._connection.call(_REGISTER, (ref, event, flags), deadline or session.deadline)
        except BaseException:
            session.listeners.remove(self.deliver)
            raise

    def __iter__(self) -> Iterator[MonitorEvent]:
        return self

    def __next__(self) -> MonitorEvent:
        found = self.get(self._timeout)
        if found is None:
            raise StopIteration
        return found

    def get(self, timeout: float | None = None) -> MonitorEvent | None:
        """The next event; None when there was none for ``timeout`` seconds or it is closed. Raises ConnectionLost."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._closed:
            found = self._inbox.take(self._connection, until)
            if found is None:
                return None
            callback_id, event = found
            if callback_id == self._id:
                return event
        return None

    def close(self) -> None:
        """End the registration. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self._inbox.close()
        self._session.listeners.remove(self.deliver)
        try:
            self._connection.call(_DEREGISTER, (self._id,), CLOSE_SECONDS)
        except VirtError:
            # A connection that is gone has no registrations either.
            return

    def deliver(self, packet: Packet) -> None:
        """Take a message that the connection's reader has read, if it is one of ours. Raises ProtocolError."""
        if row_of(packet.program, packet.procedure) is not _EVENT:
            return
        fields: tuple[Any, ...] = lane_of(packet.program).codec(_EVENT).decode_args(packet.payload)[0]
        callback_id, ref, event, seconds, micros, details = fields
        when = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)
        self._inbox.put((callback_id, MonitorEvent(Domain(self._session, ref), event, when, details)))
