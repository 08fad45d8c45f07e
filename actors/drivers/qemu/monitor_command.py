"""Monitor commands that a caller sends itself (virDomainQemuMonitorCommand): QMP as JSON text, or a line of HMP."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ....wire.errors import InvalidArgument, MonitorFailure

Execute = Callable[[str, dict[str, Any] | None], Awaitable[Any]]


async def run_monitor_command(name: str, text: str, hmp: bool, execute: Execute) -> str:
    """What the QEMU of ``name`` answers, in the form in which it was asked; ``execute`` runs a QMP command.

    A refusal of QEMU's is an answer too, as with libvirt: the caller speaks QMP. Raises InvalidArgument for text that
    is no command, and what ``execute`` raises otherwise.
    """
    if hmp:
        return await execute("human-monitor-command", {"command-line": text})
    command, arguments = _parsed(text)
    try:
        result = await execute(command, arguments)
    except MonitorFailure as error:
        description = error.message.partition(f"command '{command}' of {name}: ")[2]
        return json.dumps({"error": {"class": error.qmp_class, "desc": description}})
    return json.dumps({"return": result})


def _parsed(text: str) -> tuple[str, dict[str, Any] | None]:
    try:
        message = json.loads(text)
        command, arguments = message["execute"], message.get("arguments")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidArgument('a monitor command is a JSON object such as {"execute": "query-status"}') from None
    if not isinstance(command, str) or not isinstance(arguments, dict | None):
        raise InvalidArgument("a monitor command's execute is a string, its arguments are an object")
    return command, arguments
