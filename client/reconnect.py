"""A session: what outlives a connection. Host, domains and events call through it.

When a connection breaks, the next call, or a thread that waits for events, dials anew, with growing pauses, opens the
same URI and resumes the subscription to events; the others find the new connection there. What happens to a call that
was under way depends on what it could have done: one that never left is sent again, and so is, once, a query that only
reads. A change gets ConnectionLost, which says that nobody knows whether it took effect. Guests started with
autodestroy are gone with their connection: that is their purpose.

Rejected: sending changes again when they look harmless (a second start of a guest that has meanwhile been stopped by
someone else is not), and reconnecting in the background (a program that calls nothing needs no connection).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ..wire.errors import ConnectionLost, NoConnect, VirtError
from ..wire.table import ROWS, Access, Kind, Row, row_of
from .address import Address
from .connection import Connection
from .descriptors import Descriptors, File
from .keepalive import Keepalive
from .opening import open_connection
from .pending import NotSent, Pending, unknown_effect
from .streams import Stream
from .waiting import Inbox, remaining

if TYPE_CHECKING:
    from ..wire.framing import Packet
    from .events import Subscription
    from .trace import CallTrace

Result = TypeVar("Result")
OnTrace = Callable[["CallTrace"], None]

_CLOSE = ROWS["connect_close"]
_CONNECTION_CLOSED = ROWS["connect_event_connection_closed"]
CLOSED_HERE = "it was closed on this side"
CLOSE_SECONDS = 5.0
RECONNECT_SECONDS = 30.0
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0


class Session:
    """An address, the present connection to it, and the subscription to its events. Safe for any number of threads."""

    def __init__(
        self,
        address: Address,
        *,
        deadline: float | None = None,
        reconnect: bool = True,
        keepalive_interval: float = 0,
        keepalive_count: int = 5,
        on_trace: OnTrace | None = None,
    ) -> None:
        self._address = address
        self.deadline = deadline
        self._reconnect = reconnect
        self._keepalive_interval = keepalive_interval if address.dialer.keepalive else 0
        self._keepalive_count = keepalive_count
        self._on_trace = on_trace
        self._reconnecting = threading.Lock()
        self._closed = threading.Event()
        self._keepalive: Keepalive | None = None
        self._subscription: Subscription | None = None
        # Who takes messages that no subscription is about; called by whoever reads, and must not wait.
        self.listeners: list[Callable[[Packet], None]] = []
        try:
            self.connection = self._open(deadline)
        except BaseException:
            address.dialer.release()
            raise

    @property
    def subscription(self) -> Subscription:
        """The subscription to events; there is none before somebody wants one."""
        if self._subscription is None:
            # Here, as few programs follow events and their enumerations take a while to import.
            from .events import Subscription

            with self._reconnecting:
                self._subscription = self._subscription or Subscription(self)
        return self._subscription

    @property
    def is_alive(self) -> bool:
        """Whether the connection is up, as far as is known."""
        return self.connection.is_alive and not self._closed.is_set()

    def call(
        self, row: Row, *args: Any, deadline: float | None = None, trace: OnTrace | None = None
    ) -> tuple[Any, ...]:
        """Call a row; see :meth:`Connection.call`. A lost connection is treated as the module says."""
        if deadline is None:
            deadline = self.deadline
        if trace is not None or self._on_trace is not None:
            return self._traced(row, args, deadline, trace)
        connection = self.connection
        try:
            return connection.call(row, args, deadline)
        except ConnectionLost as loss:
            connection = self._after_loss(connection, row, loss, deadline)
        return connection.call(row, args, deadline)

    def call_with_files(
        self, row: Row, *args: Any, files: Sequence[File] = (), deadline: float | None = None
    ) -> tuple[tuple[Any, ...], Descriptors]:
        """Call a row with open files; gives its result fields and the descriptors that came with them.

        The files stay the caller's. Raises NotSupported where they cannot pass: over other than unix sockets.
        """
        if deadline is None:
            deadline = self.deadline
        traced = self._on_trace is not None
        began = time.monotonic()
        pending = self.on_connection(
            lambda connection: connection.submit_with_files(row, args, files, deadline, traced), deadline
        )
        try:
            fields = self.outcome_of(pending, args, began)
        except ConnectionLost as loss:
            raise loss if pending.connection.is_alive else unknown_effect(loss, row) from loss
        finally:
            if not pending.ready:
                pending.forget()
        assert pending.descriptors is not None
        return fields, pending.descriptors

    def submit(self, row: Row, args: tuple[Any, ...], deadline: float | None, sink: Inbox[Pending]) -> Pending:
        """Send a call whose reply comes to ``sink``; reconnects when it could not be sent."""
        if deadline is None:
            deadline = self.deadline
        traced = self._on_trace is not None
        return self.on_connection(lambda connection: connection.submit(row, args, deadline, traced, sink), deadline)

    def open_stream(self, row: Row, *args: Any, deadline: float | None = None) -> Stream:
        """Call a row that opens a stream. Raises what the call raises; a stream ends with its connection."""
        if deadline is None:
            deadline = self.deadline
        traced = self._on_trace is not None
        began = time.monotonic()
        stream, pending = self.on_connection(
            lambda connection: connection.open_stream(row, args, deadline, traced), deadline
        )
        try:
            stream.result = self.outcome_of(pending, args, began)
        except BaseException:
            pending.connection.forget_stream(pending.serial)
            raise
        return stream

    def take(self, inbox: Inbox[Result], until: float | None) -> Result | None:
        """The inbox's next item over whatever connection there is; None when ``until`` passed or it was closed.

        Raises ConnectionLost when the connection broke and could not be made anew until then.
        """
        while True:
            try:
                return inbox.take(self.connection, until)
            except ConnectionLost as loss:
                self.replace(loss, remaining(until))

    def on_connection(self, use: Callable[[Connection], Result], deadline: float | None = None) -> Result:
        """Do something with the present connection, and again with a new one when that was gone before it began.

        ``deadline`` is for making a new one.
        """
        while True:
            try:
                return use(self.connection)
            except NotSent as loss:
                self.replace(loss, deadline)

    def outcome_of(
        self, pending: Pending, args: tuple[Any, ...], began: float, trace: OnTrace | None = None
    ) -> tuple[Any, ...]:
        """The result of a call under way; who asked for traces is told of it, also when it fails."""
        listeners = [listener for listener in (self._on_trace, trace) if listener is not None]
        if not listeners:
            return pending.outcome(pending.until)[0]
        error: VirtError | None = None
        extras: Mapping[str, Any] = {}
        try:
            fields, extras = pending.outcome(pending.until)
        except VirtError as failure:
            error, extras = failure, pending.extras_of_failure()
            raise
        finally:
            _tell(listeners, pending.row, args, time.monotonic() - began, extras, error)
        return fields

    def replace(self, loss: ConnectionLost, deadline: float | None = None) -> Connection:
        """The connection that follows a broken one; dials until ``deadline`` (seconds) passed.

        Raises ``loss`` when that is not wanted or the session is closed, ConnectionLost when nobody answers.
        """
        if not self._reconnect or self._closed.is_set():
            raise loss
        until = time.monotonic() + (RECONNECT_SECONDS if deadline is None else deadline)
        if not self._reconnecting.acquire(timeout=remaining(until) or 0):
            raise loss
        try:
            if not self.connection.is_alive:
                self.connection = self._dial_until(until, loss)
            return self.connection
        finally:
            self._reconnecting.release()

    def close(self) -> None:
        """End the session; everyone who waits gets ConnectionLost."""
        if self._closed.is_set():
            return
        self._closed.set()
        connection = self.connection
        connection.expect_end(CLOSED_HERE)
        with suppress(VirtError):
            connection.call(_CLOSE, (), CLOSE_SECONDS)
        with self._reconnecting:
            self._drop_connection(CLOSED_HERE)
        self._address.dialer.release()

    def _traced(self, row: Row, args: tuple, deadline: float | None, trace: OnTrace | None) -> tuple[Any, ...]:
        began = time.monotonic()
        connection = self.connection
        try:
            pending = connection.submit(row, args, deadline, trace=True)
            return self.outcome_of(pending, args, began, trace)
        except ConnectionLost as loss:
            connection = self._after_loss(connection, row, loss, deadline)
        return self.outcome_of(connection.submit(row, args, deadline, trace=True), args, began, trace)

    def _after_loss(self, connection: Connection, row: Row, loss: ConnectionLost, deadline: float | None) -> Connection:
        """A new connection to repeat the call on; raises where it must not be repeated."""
        if connection.is_alive:
            raise loss  # It is the daemon that lost one, and says so.
        if isinstance(loss, NotSent) or (row.kind is Kind.QUERY and row.access is not Access.WRITE):
            return self.replace(loss, deadline)
        raise unknown_effect(loss, row) from loss

    def _dial_until(self, until: float, loss: ConnectionLost) -> Connection:
        self._drop_connection("it is replaced")
        pause = FIRST_PAUSE
        while True:
            try:
                return self._open(remaining(until))
            except (NoConnect, ConnectionLost) as refusal:
                if time.monotonic() + pause >= until:
                    raise ConnectionLost(f"and could not be made anew: {refusal.message}") from refusal
            if self._closed.wait(pause):
                raise loss
            pause = min(2 * pause, LONGEST_PAUSE)

    def _open(self, deadline: float | None) -> Connection:
        until = None if deadline is None else time.monotonic() + deadline
        connection = open_connection(self._address, self._deliver, deadline, self._keepalive_interval > 0)
        try:
            if self._subscription is not None:
                self._subscription.resume(connection, remaining(until))
        except BaseException:
            connection.break_off("it could not be opened")
            raise
        if self._keepalive_interval > 0:
            self._keepalive = Keepalive(connection, self._keepalive_interval, self._keepalive_count)
        return connection

    def _deliver(self, packet: Packet) -> None:
        """A message has come; called by whoever reads. What it raises ends the connection."""
        if packet.procedure == _CONNECTION_CLOSED.number and row_of(packet.program, packet.procedure):
            raise ConnectionLost("the daemon's driver lost its own connection")
        if self._subscription is not None:
            self._subscription.deliver(packet)
        for listener in tuple(self.listeners):
            listener(packet)

    def _drop_connection(self, why: str) -> None:
        self.connection.break_off(why)
        if self._keepalive is not None:
            self._keepalive.stop()
            self._keepalive = None


def _tell(
    listeners: list[OnTrace],
    row: Row,
    args: tuple[Any, ...],
    took: float,
    extras: Mapping[str, Any],
    error: VirtError | None,
) -> None:
    from .trace import CallTrace, entries_from_wire

    call = CallTrace(row, args, took, entries_from_wire(extras.get("trace") or ()), error)
    for listener in listeners:
        listener(call)
