"""The consoles of one domain that clients have open: one client at a time for each terminal.

A stream ends by itself when QEMU closes its side of the terminal, after the guest's last words have been read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pykka

from ....wire.documents.domain import Devices
from ....wire.errors import InvalidArgument, OperationFailed, SystemFailure, UnsupportedConfig
from ...connection.session import Session
from ...connection.streams import Break, DescriptorStream, StreamClosed
from ...runtime import Runtime, send
from ...unix_sockets import connect_unix


@dataclass(frozen=True, slots=True)
class _User:
    stream: pykka.ActorRef[DescriptorStream]
    who: str


class Consoles:
    """Who has which terminal open; ``owner`` is the domain's actor, which is told StreamClosed."""

    def __init__(self, runtime: Runtime, owner: pykka.ActorRef[Any], domain: str) -> None:
        self._runtime = runtime
        self._owner = owner
        self._domain = domain
        self._users: dict[str, _User] = {}

    def open(
        self, path: str, session: Session, *, force: bool, is_socket: bool = False
    ) -> pykka.ActorRef[DescriptorStream]:
        """A stream on the terminal (or socket) at ``path``; with ``force`` it is taken from who has it.

        Raises OperationFailed that names the holder, SystemFailure when the terminal cannot be opened.
        """
        user = self._users.get(path)
        if user is not None and user.stream.is_alive():
            if not force:
                raise OperationFailed(
                    f"the console of domain {self._domain} is in use by {user.who}",
                    object=self._domain,
                    holder=user.who,
                    hint="force takes it over",
                )
            send(user.stream, Break("another client took the console over"))
        fd = connect_unix(path).detach() if is_socket else self._open(path)
        stream = DescriptorStream.start(self._runtime, fd, self._owner, f"console of {self._domain}")
        self._users[path] = _User(stream, str(session.identity or session.label))
        return stream

    def closed(self, message: StreamClosed) -> None:
        """Take note of the end of a stream."""
        self._users = {path: user for path, user in self._users.items() if user.stream is not message.stream}

    def break_off(self, reason: str) -> None:
        """End all streams, telling the clients why."""
        for user in self._users.values():
            send(user.stream, Break(reason))

    def _open(self, path: str) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            why = f"cannot open the console of domain {self._domain}, {path}: {error.strerror}"
            raise SystemFailure(why, object=self._domain, errno=error.errno) from error


def find_terminal(devices: Devices, alias: str | None) -> str:
    """The path of the terminal of the device with that alias, of the first console when it is None.

    Raises InvalidArgument where there is no such device, UnsupportedConfig for one that is no terminal.
    """
    for device in (*devices.consoles, *devices.serials, *devices.channels):
        if alias is None or device.alias == alias:
            if device.type != "pty" or not device.source_path:
                raise UnsupportedConfig(f"character device {device.alias} is not a pseudo-terminal")
            return device.source_path
    raise InvalidArgument(f"cannot find character device {alias or '(none at all)'}")
