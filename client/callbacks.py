"""Events by libvirt's own way, for a connection in its lane: callbacks that are registered one by one.

libvirtd numbers no events and keeps none: what happens while a connection is away is not told.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ..wire.callbacks import CALLBACK_OF_MESSAGE, CALLBACKS, Callback
from ..wire.errors import ConnectionLost, InvalidArgument, VirtError
from ..wire.framing import Packet, PacketType
from ..wire.lanes import XDR
from ..wire.table import REMOTE_PROGRAM, Row, row_of
from .connection import Connection


class Registrations:
    """The callbacks of one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ids: dict[Callback, int] = {}

    def add(self, procedures: Iterable[int], deadline: float | None) -> None:
        """Register for these messages, as drivers publish them.

        Raises what the daemon refuses with if it has none of them: an older one lacks what is newer than itself.
        """
        wanted = [_callback_of(procedure) for procedure in sorted(procedures)]
        refused: VirtError | None = None
        for callback in wanted:
            if callback in self._ids:
                continue
            try:
                (callback_id,) = self.connection.call(callback.register, (callback.event_id, None), deadline)
            except ConnectionLost:
                raise
            except VirtError as error:
                refused = error
            else:
                self._ids[callback] = callback_id
        if refused is not None and not any(callback in self._ids for callback in wanted):
            raise refused

    def drop(self, deadline: float | None) -> None:
        """Deregister all; never raises for a broken connection."""
        with suppress(ConnectionLost):
            for callback, callback_id in self._ids.items():
                self.connection.call(callback.deregister, (callback_id,), deadline)
        self._ids.clear()

    def drop_soon(self) -> None:
        """Deregister all without waiting for anything."""
        connection = self.connection
        for callback, callback_id in self._ids.items():
            codec = XDR.codec(callback.deregister)
            payload, serial = codec.encode_args((callback_id,), None), connection.next_serial()
            connection.send_soon(codec.program, callback.deregister.number, PacketType.CALL, payload, serial)
        self._ids.clear()


def event_in(packet: Packet) -> tuple[Row, tuple[Any, ...]] | None:
    """The row that was published and its fields, of a callback's message; None for others. Raises ProtocolError."""
    row = row_of(packet.program, packet.procedure)
    callback = CALLBACK_OF_MESSAGE.get(row) if row is not None else None
    if callback is None:
        return None
    return callback.published, callback.published_of(XDR.codec(callback.message).decode_args(packet.payload)[0])


def _callback_of(procedure: int) -> Callback:
    row = row_of(REMOTE_PROGRAM, procedure)
    if row is None or row not in CALLBACKS:
        raise InvalidArgument(f"procedure {procedure} is no event")
    return CALLBACKS[row]
