"""Listening sockets: accepts clients and gives each a connection actor.

A TLS client is given one after its handshake, for which it has a limited time; until then it counts among those that
have not said who they are, of whom there may be a limited number.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import pykka

from ..config import Config
from ..listening import Listening
from ..runtime import LoopActor, Runtime
from ..sockets import BACKLOG
from .connection import Connection
from .edge import Authenticated, Disconnected, Edge, TLSEdge
from .session import AuthMethod

logger = logging.getLogger("virtactor.connection")

# Seconds until accepting is tried again where the system could not, and for the last words of a TLS channel.
ACCEPT_PAUSE = 0.2
SHUTDOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Adopt:
    """To the listener: serve the client at the other end of this connected socket."""

    socket: socket.socket


class Listener(LoopActor):
    """All clients of one daemon: accepts them, counts them, and closes them when the daemon stops.

    It is told Listening to serve the clients of one more socket.
    """

    label = "listener"

    def __init__(self, runtime: Runtime, router: pykka.ActorRef[Any], config: Config) -> None:
        super().__init__(runtime)
        self._router = router
        self._config = config
        self._servers: list[asyncio.Server] = []
        self._clients: dict[int, pykka.ActorRef[Connection]] = {}
        self._anonymous: set[int] = set()
        self._shaking_hands = 0
        self._number = 0

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Listening):
            return self.spawn(self._listen(message) if message.tls is None else self._listen_tls(message))
        if isinstance(message, Adopt):
            return self.spawn(self._adopt(message))
        if isinstance(message, Authenticated):
            return self._anonymous.discard(message.number)
        if isinstance(message, Disconnected):
            self._anonymous.discard(message.number)
            return self._clients.pop(message.number, None)
        return super().on_receive(message)

    async def _listen(self, listening: Listening) -> None:
        def edge() -> asyncio.BaseProtocol:
            return self._make_edge(listening.readonly, listening.auth)

        loop, sock = self.runtime.loop, listening.socket
        if sock.family == socket.AF_UNIX:
            server = await loop.create_unix_server(edge, sock=sock, backlog=BACKLOG)
        else:
            server = await loop.create_server(edge, sock=sock, backlog=BACKLOG)
        self._servers.append(server)

    async def _listen_tls(self, listening: Listening) -> None:
        assert listening.tls is not None
        loop = self.runtime.loop
        while True:
            try:
                sock, _ = await loop.sock_accept(listening.socket)
            except OSError as error:  # Too many open files, or a client that has gone already.
                logger.warning("cannot accept a TLS client: %s", error.strerror)
                await asyncio.sleep(ACCEPT_PAUSE)
                continue
            if self._is_full():
                sock.close()
            else:
                self._shaking_hands += 1
                self.spawn(self._shake_hands(sock, listening.tls), "a TLS handshake")

    async def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        edge = TLSEdge(self.runtime, self._config.tls, lambda: self._start_connection(False, AuthMethod.NONE))
        peer = _name_of(sock)
        try:
            await self.runtime.loop.connect_accepted_socket(
                lambda: edge,
                sock,
                ssl=context,
                ssl_handshake_timeout=self._config.tls.handshake_seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:  # ssl.SSLError and a handshake that takes too long are such too.
            logger.warning("%s: no TLS handshake: %s", peer, getattr(error, "reason", None) or error)
        else:
            # The end of TLS takes a packet there and back: the daemon's stop waits for it.
            self.runtime.spawn(edge.wait_closed(), "a TLS client")
        finally:
            self._shaking_hands -= 1

    async def _adopt(self, message: Adopt) -> None:
        await self.runtime.loop.connect_accepted_socket(lambda: self._make_edge(False), message.socket)

    def _make_edge(self, readonly: bool, auth: AuthMethod = AuthMethod.NONE) -> asyncio.BaseProtocol:
        if self._is_full():
            return _Refuse()
        return Edge(self.runtime, self._start_connection(readonly, auth))

    def _is_full(self) -> bool:
        """Whether there are so many clients, or so many unknown ones, that no more are taken."""
        limits = self._config.limits
        if len(self._clients) >= limits.clients:
            logger.warning("refusing a client: there are %d already", len(self._clients))
            return True
        unknown = len(self._anonymous) + self._shaking_hands
        if unknown >= limits.anonymous_clients:
            logger.warning("refusing a client: %d have not said yet who they are", unknown)
            return True
        return False

    def _start_connection(self, readonly: bool, auth: AuthMethod) -> pykka.ActorRef[Connection]:
        self._number += 1
        connection = Connection.start(
            self.runtime, self._number, self.actor_ref, self._router, self._config, readonly, auth
        )
        self._clients[self._number] = connection
        if auth is not AuthMethod.NONE:
            self._anonymous.add(self._number)
        return connection

    def on_stop(self) -> None:
        for server in self._servers:
            server.close()
        for client in self._clients.values():
            if client.is_alive():
                client.stop(block=False)


def _name_of(sock: socket.socket) -> str:
    try:
        return str(sock.getpeername()[0])
    except OSError:  # It has gone already.
        return "a client"


class _Refuse(asyncio.Protocol):
    """The edge of a client that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
