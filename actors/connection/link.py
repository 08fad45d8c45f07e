"""What all parts of a connection stand on: its transport, what goes out, and whether the client is read from.

What goes out is collected and written when all mail is handled, so a client that pipelines its calls gets its answers
in few writes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import Any

import pykka

from ...wire.framing import encode_packet
from ...wire.table import PROGRAM_VERSION
from ..call import Call
from ..config import Config
from ..objects import CallTarget
from ..runtime import Runtime
from .descriptors import DescriptorTransport
from .edge import Edge
from .session import Session

logger = logging.getLogger("virtactor.connection")

# How many calls beyond the limit of those under way wait here before the client is not read from any more.
WAITING_MAX = 4096


class Link(CallTarget):
    """A connection as its parts see it: a mixin per kind of traffic is built on this."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        listener: pykka.ActorRef[Any],
        router: pykka.ActorRef[Any],
        config: Config,
        readonly: bool,
    ) -> None:
        super().__init__(runtime)
        self._number = number
        self._listener = listener
        self.label = f"client {number}"
        self.session = Session(self.actor_ref, self.label, readonly=readonly)
        self._router = router
        self._config = config
        self._transport: asyncio.Transport | DescriptorTransport | None = None
        self._edge: Edge | None = None
        self._switching: asyncio.Future[None] | None = None
        self._out: list[bytes] = []
        self._under_way = 0
        self._waiting: deque[Call] = deque()
        self._full_streams: set[int] = set()
        self._closing = False
        self._writable = True
        self._reading = True
        self._opening: asyncio.TimerHandle | None = None

    def send_packet(self, program: int, number: int, type: int, serial: int, status: int, payload: bytes) -> None:
        """Write a packet. Raises ProtocolError for one that is too large."""
        self._write(encode_packet(program, PROGRAM_VERSION, number, type, serial, status, payload))

    def _write(self, packet: bytes) -> None:
        if not self._out:
            self.runtime.when_drained(self._flush)
        self._out.append(packet)

    def _flush(self) -> None:
        if self._switching is not None:
            return
        out, self._out = self._out, []
        if self._transport is None or self._transport.is_closing():
            return
        if len(out) == 1:
            self._transport.write(out[0])
        elif out:
            self._transport.write(b"".join(out))
        if self._closing and not self._under_way:
            self._transport.close()

    async def _take_over(self) -> bool:
        """Take over from the loop's transport, with one that carries descriptors too; whether there is one now."""
        transport, edge = self._transport, self._edge
        if isinstance(transport, DescriptorTransport):
            return True
        if transport is None or edge is None or self._switching is not None or not is_local(transport):
            return False
        if transport.get_write_buffer_size():
            self._switching = self.runtime.loop.create_future()
            transport.set_write_buffer_limits(high=0)
            try:
                await self._switching
            finally:
                self._switching = None
        self._transport = DescriptorTransport(self.runtime.loop, transport, edge, self._reading)
        self._flush()
        return True

    def _pace(self) -> None:
        """Read from the client, or do not, by what it has under way and what it takes."""
        too_much = len(self._waiting) >= WAITING_MAX or self._full_streams
        wanted = self._writable and not too_much and not self._closing
        if wanted == self._reading or self._transport is None or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()


def is_local(transport: asyncio.Transport) -> bool:
    """Whether the peer is on this host, at the other end of a unix socket."""
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX
