"""What all parts of a connection stand on: its transport, what goes out, and whether the client is read from.

What goes out is collected and written when all mail is handled, so a client that pipelines its calls gets its answers
in few writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

import pykka

from ...wire.framing import encode_packet
from ...wire.table import PROGRAM_VERSION
from ..call import Call
from ..config import Config
from ..objects import CallTarget
from ..runtime import Runtime
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
        self._transport: asyncio.Transport | None = None
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
        out, self._out = self._out, []
        if self._transport is None or self._transport.is_closing():
            return
        if len(out) == 1:
            self._transport.write(out[0])
        elif out:
            self._transport.write(b"".join(out))
        if self._closing and not self._under_way:
            self._transport.close()

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
