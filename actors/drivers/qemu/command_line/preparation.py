"""What a definition says and the command line cannot: monitor commands for a guest that has started and not yet run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .....wire.documents.domain import DomainDefinition
from .....wire.errors import XMLError
from .board import alias
from .disk import backend_of, throttle

BYTES_PER_KIB = 1024


@dataclass(frozen=True, slots=True)
class MonitorCommand:
    """One QMP command."""

    name: str
    arguments: dict[str, Any]


def preparation(definition: DomainDefinition) -> list[MonitorCommand]:
    """The commands to run, in order, between a guest's start (it waits, -S) and its first `cont`.

    They set VNC passwords, links that are down, limits on disks, trays that are open, the balloon's size and how often
    it tells statistics.
    """
    return [*_passwords(definition), *_links(definition), *_drives(definition), *_balloon(definition)]


def _drives(definition: DomainDefinition) -> Iterator[MonitorCommand]:
    for disk in definition.devices.disks:
        if (limits := throttle(disk)) is not None:
            yield MonitorCommand("block_set_io_throttle", limits)
        if disk.tray == "open":
            yield MonitorCommand("blockdev-open-tray", {"id": backend_of(disk), "force": True})


def _passwords(definition: DomainDefinition) -> list[MonitorCommand]:
    commands: list[MonitorCommand] = []
    for display in definition.devices.graphics:
        if display.password is None:
            continue
        said = {"protocol": display.type, "password": display.password, "connected": display.connected}
        commands.append(MonitorCommand("set_password", {name: value for name, value in said.items() if value}))
        if display.password_valid_to is not None:
            until = {"protocol": display.type, "time": str(_seconds(display.password_valid_to))}
            commands.append(MonitorCommand("expire_password", until))
    return commands


def _seconds(text: str) -> int:
    """Seconds since 1970 of a time as documents write it, in UTC."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise XMLError(f"graphics: passwdValidTo is {text!r}, expected a time as 2026-01-31T12:00:00") from None


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
