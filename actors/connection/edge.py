"""Where the event loop ends and the actors begin: a transport's callbacks become messages to its connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pykka

from ...wire.errors import ProtocolError
from ...wire.framing import DESCRIPTORS_MAX, Packet, PacketReader
from ..config import TLSConfig
from ..descriptors import close_all
from ..runtime import Runtime, send
from .tls import ACCEPTED, distinguished_name, is_allowed

logger = logging.getLogger("virtactor.connection")


class Opened:
    """The edge told the connection: here is your transport, and I am its protocol."""

    __slots__ = ("edge", "transport")

    def __init__(self, transport: asyncio.Transport, edge: Edge) -> None:
        self.transport = transport
        self.edge = edge


class Closed:
    """The edge told the connection: the transport is gone."""

    __slots__ = ()


class Writable:
    """The edge told the connection: the transport's buffer is (not) full."""

    __slots__ = ("now",)

    def __init__(self, now: bool) -> None:
        self.now = now


class Packets:
    """Packets that came in one read; ``error`` when nothing sensible can follow them."""

    __slots__ = ("error", "packets")

    def __init__(self, packets: list[Packet], error: ProtocolError | None) -> None:
        self.packets = packets
        self.error = error

    def fail(self, error: BaseException) -> None:
        """The connection stopped with this in its mailbox."""
        for packet in self.packets:
            close_all(packet.descriptors)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A connection to its listener: I know who is at the other end."""

    number: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection to its listener: I am gone."""

    number: int


class Edge(asyncio.Protocol):
    """The protocol of one client's transport."""

    def __init__(self, runtime: Runtime, connection: pykka.ActorRef[Any]) -> None:
        self._runtime = runtime
        self._connection = connection
        self._reader = PacketReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        connected = cast("asyncio.Transport", transport)
        if not send(self._connection, Opened(connected, self)):
            connected.close()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        packets = reader.feed(data)
        if packets or reader.error is not None:
            self._runtime.deliver(self._connection, Packets(packets, reader.error))

    def received(self, data: bytes, descriptors: list[int]) -> None:
        """What DescriptorTransport says in place of ``data_received``."""
        reader = self._reader
        reader.descriptors.extend(descriptors)
        self.data_received(data)
        if reader.descriptors and (not reader.pending or len(reader.descriptors) > DESCRIPTORS_MAX):
            self._drop_descriptors()

    def _drop_descriptors(self) -> None:
        close_all(self._reader.descriptors)
        self._reader.descriptors.clear()

    def pause_writing(self) -> None:
        send(self._connection, Writable(False))

    def resume_writing(self) -> None:
        send(self._connection, Writable(True))

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_descriptors()
        send(self._connection, Closed())


class TLSEdge(Edge):
    """The protocol of a TLS client, which has a connection once its certificate is accepted."""

    def __init__(
        self, runtime: Runtime, config: TLSConfig, start_connection: Callable[[], pykka.ActorRef[Any]]
    ) -> None:
        self._runtime = runtime
        self._config = config
        self._start_connection = start_connection
        self._reader = PacketReader()
        self._accepted = False
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connected = cast("asyncio.Transport", transport)
        name = distinguished_name(transport.get_extra_info("peercert"))
        if not self._config.no_verify and not is_allowed(name, self._config.allowed_names):
            logger.warning("refusing a TLS client: tls.allowed_names has none for '%s'", name)
            connected.close()
            return
        self._accepted = True
        self._connection = self._start_connection()
        connected.write(ACCEPTED)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._accepted:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._accepted:
            super().connection_lost(exc)
        self._closed.set()

    async def wait_closed(self) -> None:
        """Wait until the transport is gone."""
        await self._closed.wait()
