"""Where a daemon listens: the sockets that its configuration asks for, or that its starter passed to it."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..wire.errors import SystemFailure, UnsupportedConfig
from ..wire.paths import Paths
from . import sockets
from .config import Config
from .connection.session import AuthMethod
from .connection.tls import server_context

logger = logging.getLogger("virtactor.daemon")

READONLY_SUFFIXES = ("-ro.sock", "-sock-ro")


@dataclass(frozen=True, slots=True)
class Listening:
    """One listening socket, and how its clients are served. ``made`` is the path that goes with it when it closes."""

    socket: socket.socket
    readonly: bool = False
    auth: AuthMethod = AuthMethod.NONE
    tls: ssl.SSLContext | None = None
    made: Path | None = None

    def close(self) -> None:
        self.socket.close()
        if self.made is not None:
            self.made.unlink(missing_ok=True)


def listen(config: Config, paths: Paths, passed: Sequence[socket.socket] = ()) -> list[Listening]:
    """All listening sockets; those that were passed take the place of the unix sockets.

    Raises ResourceBusy where somebody answers already, SystemFailure, and UnsupportedConfig for TCP that would ask
    clients to say who they are. None is left then.
    """
    _check(config)
    tls = server_context(config.tls) if config.tls.listen else None
    made: list[Listening] = []
    try:
        if passed:
            made += [_passed(sock, config, tls) for sock in passed]
        else:
            for path, mode, readonly in _places(config, paths):
                made.append(_listen_at(path, mode, readonly, config))
        served = {(_port(one.socket), one.tls is not None) for one in made}
        if config.tcp.listen and (config.tcp.port, False) not in served:
            made.append(Listening(sockets.listen_tcp(config.tcp.address, config.tcp.port)))
        if tls is not None and (config.tls.port, True) not in served:
            made.append(Listening(sockets.listen_tcp(config.tls.address, config.tls.port), tls=tls))
    except BaseException:
        for one in made:
            one.close()
        raise
    for one in made:
        # Its unix sockets are where they always are.
        logger.log(
            logging.DEBUG if one.socket.family == socket.AF_UNIX else logging.INFO, "listening at %s", describe(one)
        )
    return made


def describe(one: Listening) -> str:
    """Where it is, in words: a path, or ``tls port 16514 of ::``."""
    if one.socket.family == socket.AF_UNIX:
        return one.socket.getsockname() or "a socket without a name"
    address, port, *_ = one.socket.getsockname()
    return f"{'tcp' if one.tls is None else 'tls'} port {port} of {address}"


def _check(config: Config) -> None:
    if config.tcp.listen and config.tcp.auth != "none":
        raise UnsupportedConfig(
            f"tcp.listen = true with tcp.auth = '{config.tcp.auth}': there is no SASL here",
            hint="tcp.auth = 'none' serves everybody who reaches the port; [tls] asks for certificates",
        )


def _places(config: Config, paths: Paths) -> list[tuple[Path, int, bool]]:
    """The unix sockets: path, mode, and whether it is for reading only."""
    listen = config.listen
    full, readonly = [paths.socket], [paths.readonly_socket] if listen.readonly else []
    if listen.libvirt_sockets:
        try:
            paths.libvirts.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise SystemFailure(f"cannot use {paths.libvirts}: {error.strerror}", errno=error.errno) from error
        full.append(paths.libvirts / "libvirt-sock")
        readonly += [paths.libvirts / "libvirt-sock-ro"] if listen.readonly else []
    return [(path, listen.mode, False) for path in full] + [(path, listen.readonly_mode, True) for path in readonly]


def _listen_at(path: Path, mode: int, readonly: bool, config: Config) -> Listening:
    return Listening(
        sockets.listen_at(path, mode, config.listen.group), readonly, _unix_auth(config, readonly), made=path
    )


def _passed(sock: socket.socket, config: Config, tls: ssl.SSLContext | None) -> Listening:
    """A socket of our starter's: a unix socket is known by its name, a TCP one by its port."""
    if sock.family == socket.AF_UNIX:
        readonly = str(sock.getsockname()).endswith(READONLY_SUFFIXES)
        return Listening(sock, readonly, _unix_auth(config, readonly))
    port = _port(sock)
    if tls is not None and port == config.tls.port:
        return Listening(sock, tls=tls)
    if config.tcp.listen and port == config.tcp.port:
        return Listening(sock)
    raise UnsupportedConfig(
        f"a socket of port {port} was passed, and the configuration listens neither for TCP nor for TLS there"
    )


def _unix_auth(config: Config, readonly: bool) -> AuthMethod:
    # Whoever may open the socket may read; only who may also write is asked who he is.
    return AuthMethod.NONE if readonly else AuthMethod[config.listen.auth_unix_rw.upper()]


def _port(sock: socket.socket) -> int:
    with suppress(OSError, TypeError, IndexError, ValueError):
        return int(sock.getsockname()[1]) if sock.family != socket.AF_UNIX else -1
    return -1
