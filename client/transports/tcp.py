"""TCP: a link like any other socket's, over a network that may lose its other end without a word."""

from __future__ import annotations

import socket

from ...wire.errors import NoConnect
from . import CONNECT_SECONDS
from .local import SocketLink

TCP_PORT = 16509


class TCPDialer:
    """Dials a host's daemon over plain TCP, trying each of the host's addresses. Nothing is ciphered."""

    keepalive = True
    lane = None

    def __init__(self, host: str, port: int | None = None) -> None:
        self.host = host
        self.port = TCP_PORT if port is None else port

    def dial(self) -> SocketLink:
        return SocketLink(connect_tcp(self.host, self.port))

    def release(self) -> None:
        """An address needs no giving back."""


def connect_tcp(host: str, port: int) -> socket.socket:
    """A connected socket, told to send small packets at once. Raises NoConnect."""
    where = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    try:
        sock = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except socket.gaierror as error:
        raise NoConnect(f"{where}: {error.strerror}", object=where) from error
    except TimeoutError as error:
        raise NoConnect(f"{where} does not answer within {CONNECT_SECONDS:g} s", object=where) from error
    except OSError as error:
        raise NoConnect(f"{where}: {error.strerror or error}", errno=error.errno, object=where) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock
