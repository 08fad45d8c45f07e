"""`qemu-monitor-command`: a command for a guest's QEMU, and what QEMU answers."""

from __future__ import annotations

import json
from typing import Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.errors import InvalidArgument
from ..declaring import command, data, domain
from ..render import Text, show
from ..session import Shell
from ..values import pass_fds


@command("qemu-monitor-command")
@domain(applies=Flags.ACTIVE)
@click.option("--hmp", is_flag=True, help="A line of the human monitor, instead of QMP.")
@click.option("--pretty", is_flag=True, help="Indent a QMP answer.")
@click.option("--return-value", is_flag=True, help="Only what stands behind 'return'.")
@pass_fds("one at most, for a command that takes one")
@data("cmd", help="The command.", needed=True, many=True, metavar="COMMAND")
@click.pass_obj
def qemu_monitor_command(
    shell: Shell,
    name: str,
    cmd: tuple[str, ...],
    hmp: bool,
    pretty: bool,
    return_value: bool,
    pass_fds: tuple[int, ...],
) -> None:
    if hmp and (pretty or return_value):
        raise click.UsageError("--pretty and --return-value are for QMP, not for --hmp")
    asked = shell.domain(name)
    answer = asked.monitor_command(" ".join(cmd) if hmp else _qmp(cmd), hmp=hmp, files=pass_fds)
    if hmp:
        show(shell.options, {"name": asked.name, "answer": answer}, Text(answer))
        return
    value = _parsed(answer)
    if return_value and isinstance(value, dict) and "return" in value:
        value = value["return"]
        answer = json.dumps(value)
    text = json.dumps(value, indent=2) if pretty and value is not None else answer
    show(shell.options, {"name": asked.name, "answer": answer if value is None else value}, Text(text))


def _qmp(words: tuple[str, ...]) -> str:
    """The command that words stand for: JSON, or a command's name and its arguments as ``"name": value``.

    Raises InvalidArgument for arguments that are not.
    """
    text = " ".join(words)
    if _parsed(text) is not None:
        return text
    name, *members = words
    arguments = _parsed("{" + ", ".join(members) + "}")
    if arguments is None:
        raise InvalidArgument(f"'{text}' is neither JSON nor a command with arguments", hint='write them as "name": 1')
    return json.dumps({"execute": name, **({"arguments": arguments} if arguments else {})})


def _parsed(answer: str) -> Any:
    """QEMU's answer as data; None where it is no JSON."""
    try:
        return json.loads(answer)
    except ValueError:
        return None


COMMANDS = {"qemu-monitor-command": qemu_monitor_command}
