"""What a definition says and the command line cannot: monitor commands for a guest that has started and not yet run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .....wire.documents.domain import DomainDefinition
from .board import alias

BYTES_PER_KIB = 1024


@dataclass(frozen=True, slots=True)
class MonitorCommand:
    """One QMP command."""

    name: str
    arguments: dict[str, Any]


def preparation(definition: DomainDefinition) -> list[MonitorCommand]:
    """The commands to run, in order, between a guest's start (it waits, -S) and its first `cont`.

    They set VNC passwords, links that are down, the balloon's size and how often it tells statistics.
    """
    return [*_passwords(definition), *_links(definition), *_balloon(definition)]


def _passwords(definition: DomainDefinition) -> list[MonitorCommand]:
    return [
        MonitorCommand("set_password", {"protocol": "vnc", "password": display.password})
        for display in definition.devices.graphics
        if display.password is not None
    ]


def _links(definition: DomainDefinition) -> list[MonitorCommand]:
    return [
        MonitorCommand("set_link", {"name": alias(interface), "up": False})
        for interface in definition.devices.interfaces
        if interface.link == "down"
    ]


def _balloon(definition: DomainDefinition) -> list[MonitorCommand]:
    """Without a balloon a guest has all its memory."""
    balloon = definition.devices.memballoon
    if balloon is None or balloon.model == "none":
        return []
    commands: list[MonitorCommand] = []
    if balloon.stats_period:
        path = f"/machine/peripheral/{alias(balloon)}"
        interval = {"path": path, "property": "guest-stats-polling-interval", "value": balloon.stats_period}
        commands.append(MonitorCommand("qom-set", interval))
    current = definition.current_memory
    if current is not None and current < definition.memory:
        commands.append(MonitorCommand("balloon", {"value": current * BYTES_PER_KIB}))
    return commands
