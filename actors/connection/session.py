"""Who is at the other end of a connection, and what it has open."""

from __future__ import annotations

import pwd
from dataclasses import dataclass, field
from typing import Any

import pykka

from ...wire.uri import ConnectURI
from ..drivers.handle import DriverHandle


@dataclass(frozen=True, slots=True)
class Identity:
    """The peer's credentials, taken from the kernel when it connected (SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int

    def __str__(self) -> str:
        try:
            user = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            user = str(self.uid)
        return f"{user} (pid {self.pid})"


@dataclass(slots=True)
class Session:
    """One client's session, as the router and the handlers see it; its connection alone changes it.

    ``readonly`` is set by the socket that was used or by the open call. ``driver`` is None until the session is open.
    """

    connection: pykka.ActorRef[Any] | None = None
    label: str = "virtactord"
    identity: Identity | None = None
    readonly: bool = False
    uri: ConnectURI | None = field(default=None)
    driver: DriverHandle | None = None
