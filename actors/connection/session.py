"""Who is at the other end of a connection, and what it has open."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import pykka

from ...wire.uri import ConnectURI
from ..drivers.handle import DriverHandle


class AuthMethod(IntEnum):
    """How a client may say who it is (libvirt's remote_auth_type)."""

    NONE = 0
    SASL = 1
    POLKIT = 2


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


def is_admitted(identity: Identity, users: Sequence[str], groups: Sequence[str]) -> bool:
    """Whether a peer is root, one of these users, or a member of one of these groups. Asks the system, may block."""
    if identity.uid == 0:
        return True
    try:
        user = pwd.getpwuid(identity.uid).pw_name
    except KeyError:
        return False
    return user in users or not set(groups).isdisjoint(_groups_of(user, identity.gid))


def _groups_of(user: str, gid: int) -> list[str]:
    names = []
    for number in {gid, *os.getgrouplist(user, gid)}:
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue  # A number that no group has any more.
    return names


@dataclass(slots=True)
class Session:
    """One client's session, as the router and the handlers see it; its connection alone changes it.

    ``readonly`` is set by the socket that was used or by the open call. ``driver`` is None until the session is open,
    and that is not before the client is ``authenticated``. ``secure`` tells that nobody can listen to what is said.
    """

    connection: pykka.ActorRef[Any] | None = None
    label: str = "virtactord"
    identity: Identity | None = None
    readonly: bool = False
    authenticated: bool = False
    secure: bool = False
    uri: ConnectURI | None = field(default=None)
    driver: DriverHandle | None = None
