"""Listening sockets: accepts clients and gives each a connection actor."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from typing import Any

import pykka

from ..config import Config
from ..runtime import LoopActor, Runtime
from ..sockets import BACKLOG
from .connection import Connection
from .edge import Authenticated, Disconnected, Edge
from .session import AuthMethod

logger = logging.getLogger("virtactor.connection")


@dataclass(frozen=True, slots=True)
class Listen:
    """To the listener: serve clients of this listening socket too."""

    socket: socket.socket
    readonly: bool


@dataclass(frozen=True, slots=True)
class Adopt:
    """To the listener: serve the client at the other end of this connected socket."""

    socket: socket.socket


class Listener(LoopActor):
    """All clients of one daemon: accepts them, counts them, and closes them when the daemon stops."""

    label = "listener"

    def __init__(self, runtime: Runtime, router: pykka.ActorRef[Any], config: Config) -> None:
        super().__init__(runtime)
        self._router = router
        self._config = config
        self._servers: list[asyncio.Server] = []
        self._clients: dict[int, pykka.ActorRef[Connection]] = {}
        self._anonymous: set[int] = set()
        self._number = 0

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Listen):
            return self.spawn(self._listen(message))
        if isinstance(message, Adopt):
            return self.spawn(self._adopt(message))
        if isinstance(message, Authenticated):
            return self._anonymous.discard(message.number)
        if isinstance(message, Disconnected):
            self._anonymous.discard(message.number)
            return self._clients.pop(message.number, None)
        return super().on_receive(message)

    async def _listen(self, message: Listen) -> None:
        # Whoever may open the socket may read; only who may also write is asked who he is.
        auth = AuthMethod.NONE if message.readonly else AuthMethod[self._config.listen.auth_unix_rw.upper()]

        def edge() -> asyncio.BaseProtocol:
            return self._make_edge(message.readonly, auth)

        server = await self.runtime.loop.create_unix_server(edge, sock=message.socket, backlog=BACKLOG)
        self._servers.append(server)

    async def _adopt(self, message: Adopt) -> None:
        await self.runtime.loop.connect_accepted_socket(lambda: self._make_edge(False), message.socket)

    def _make_edge(self, readonly: bool, auth: AuthMethod = AuthMethod.NONE) -> asyncio.BaseProtocol:
        limits = self._config.limits
        if len(self._clients) >= limits.clients:
            logger.warning("refusing a client: there are %d already", len(self._clients))
            return _Refuse()
        if len(self._anonymous) >= limits.anonymous_clients:
            logger.warning("refusing a client: %d have not said yet who they are", len(self._anonymous))
            return _Refuse()
        self._number += 1
        connection = Connection.start(
            self.runtime, self._number, self.actor_ref, self._router, self._config, readonly, auth
        )
        self._clients[self._number] = connection
        if auth is not AuthMethod.NONE:
            self._anonymous.add(self._number)
        return Edge(self.runtime, connection)

    def on_stop(self) -> None:
        for server in self._servers:
            server.close()
        for client in self._clients.values():
            if client.is_alive():
                client.stop(block=False)


class _Refuse(asyncio.Protocol):
    """The edge of a client that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
