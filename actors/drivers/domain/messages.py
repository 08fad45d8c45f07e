"""What domains, their driver and the connections tell each other, and what a driver gives its domains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pykka

from ....wire.params import TypedParam


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver gives its domains: whom to tell, and the running numbers of started domains."""

    driver: pykka.ActorRef[Any]
    events: pykka.ActorRef[Any]
    ids: Iterator[int]


@dataclass(frozen=True, slots=True)
class Gone:
    """A domain to its driver: I am neither defined nor running any more, after so many definitions from you."""

    uuid: bytes
    handed_over: int


@dataclass(frozen=True, slots=True)
class Rename:
    """A domain to its driver: I want to be called so. ``done`` is resolved, or has the reason why not."""

    uuid: bytes
    name: str
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class TellFigures:
    """A driver to its domain: what are your figures of these kinds (virDomainStatsTypes)? ``told`` gets them."""

    kinds: int
    told: asyncio.Future[list[TypedParam]]


@dataclass(frozen=True, slots=True)
class FollowSession:
    """A domain to a connection: tell me when you close (or, with ``wanted`` False: no more)."""

    domain: pykka.ActorRef[Any]
    wanted: bool


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """A connection to a domain that asked for it."""

    session: str
