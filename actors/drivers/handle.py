"""What the rest of the daemon knows of a driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pykka

from .directory import Directory


@dataclass(frozen=True, slots=True, eq=False)
class DriverHandle:
    """One instance of a driver: its actor, the directory that it publishes, and the log of its events."""

    name: str
    ref: pykka.ActorRef[Any]
    directory: Directory
    events: pykka.ActorRef[Any]
