"""A call under way: the wait for its reply, what the reply brings, and what it means where none comes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..wire.errors import ConnectionLost, OperationTimeout, VirtError, error_from_wire
from ..wire.framing import Packet, Status
from ..wire.lanes import Codec, lane_of
from ..wire.table import Row
from .descriptors import Descriptors
from .waiting import Inbox, Waiter

if TYPE_CHECKING:
    from .connection import Connection

_OK = int(Status.OK)


class NotSent(ConnectionLost):
    """The connection was gone before the call went out: it had no effect and may be repeated."""


class Pending(Waiter):
    """A call under way, for one thread at a time to wait for.

    ``descriptors`` has those that came with the reply, where they are wanted, else it is None.
    """

    __slots__ = ("codec", "connection", "descriptors", "packet", "row", "serial", "sink", "until")

    def __init__(
        self,
        connection: Connection,
        row: Row,
        codec: Codec,
        serial: int,
        until: float | None = None,
        sink: Inbox[Pending] | None = None,
    ) -> None:
        self.ready = False
        self.lock = None
        self.connection = connection
        self.row = row
        self.codec = codec
        self.serial = serial
        self.until = until
        self.sink = sink
        self.packet: Packet | None = None
        self.descriptors: Descriptors | None = None

    def result(self, deadline: float | None = None) -> tuple[Any, ...]:
        """The call's result fields; waits for at most ``deadline`` seconds, by default what the call was given.

        Raises what the call failed with, OperationTimeout, ConnectionLost.
        """
        return self.outcome(self.until if deadline is None else time.monotonic() + deadline)[0]

    def outcome(self, until: float | None) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The result fields and what the reply says beside them (``trace``)."""
        if not self.ready and not self.connection.wait(self, until):
            self.connection.forget_call(self.serial)
            raise OperationTimeout(f"no reply to {self.row.name} in time")
        packet = self.packet
        assert packet is not None
        if packet.status == _OK:
            return self.codec.decode_result(packet.payload)
        raise failure_of(packet)

    def forget(self) -> None:
        """Drop the reply when it comes."""
        self.connection.forget_call(self.serial)

    def extras_of_failure(self) -> Mapping[str, Any]:
        """What an error reply says beside the error; nothing where no reply came."""
        if self.packet is None or self.packet.status == _OK:
            return {}
        return lane_of(self.packet.program).decode_error(self.packet.payload)

    def deliver(self, packet: Packet) -> None:
        """Take the reply; called by the reader."""
        self.packet = packet
        self.ready = True
        if self.lock is not None:
            self.wake()
        if self.sink is not None:
            self.sink.put(self)


def failure_of(packet: Packet) -> VirtError:
    """The exception that an error reply stands for."""
    return error_from_wire(lane_of(packet.program).decode_error(packet.payload))


def unknown_effect(loss: ConnectionLost, row: Row) -> ConnectionLost:
    """The error for a change that was under way when the connection was lost."""
    return ConnectionLost(f"{why(loss)}; whether {row.name} took effect is unknown")


def why(error: VirtError) -> str:
    """What a connection is broken by; that of a loss without saying once more that it is one."""
    return error.message.removeprefix(f"{ConnectionLost.summary}: ")
