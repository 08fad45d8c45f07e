"""How a domain shares the host: schedinfo, blkiotune, perf."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ....wire.errors import InvalidArgument
from ..declaring import command, data, domain
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell_values

DEVICE_LIMITS = {
    "device_weights": "device_weight",
    "device_read_iops_sec": "device_read_iops_sec",
    "device_write_iops_sec": "device_write_iops_sec",
    "device_read_bytes_sec": "device_read_bytes_sec",
    "device_write_bytes_sec": "device_write_bytes_sec",
}


@command("schedinfo")
@domain()
@click.option("--weight", type=int, metavar="NUMBER", help="The parameter of that name.")
@click.option("--cap", type=int, metavar="NUMBER", help="The parameter of that name.")
@affecting()
@data("set", help="Parameters to change, as NAME=VALUE.", many=True, into="changes", metavar="NAME=VALUE")
@click.pass_obj
def schedinfo(
    shell: Shell, name: str, weight: int | None, cap: int | None, impact: Impact, changes: Sequence[str]
) -> None:
    wanted = {"weight": weight, "cap": cap, **_changes(changes)}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    chosen = shell.domain(name)
    tuning = chosen.tuning
    kind = tuning.scheduler_type()
    if wanted:
        unknown = sorted(wanted.keys() - tuning.scheduler(**impact).keys())
        if unknown:
            raise InvalidArgument(f"scheduler '{kind}' has no parameter '{unknown[0]}'")
        tuning.set_scheduler(wanted, **impact)
    values = {"Scheduler": kind if kind else "Unknown", **tuning.scheduler(**impact)}
    tell_values(shell, chosen, values)


def _changes(texts: Sequence[str]) -> dict[str, int]:
    changes: dict[str, int] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value.removeprefix("-").isdecimal():
            raise click.UsageError(f"'{text}' is not NAME=NUMBER")
        changes[name] = int(value)
    return changes


@command("blkiotune")
@domain()
@data("weight", click.IntRange(0), "Its weight among all.")
@data("device-weights", help="Weights on devices: /dev/sda,500,…")
@data("device-read-iops-sec", help="Reads per second from devices: /dev/sda,1000,…")
@data("device-write-iops-sec", help="Writes per second to devices.")
@data("device-read-bytes-sec", help="Bytes per second from devices.")
@data("device-write-bytes-sec", help="Bytes per second to devices.")
@affecting()
@click.pass_obj
def blkiotune(shell: Shell, name: str, weight: int | None, impact: Impact, **devices: str | None) -> None:
    wanted: dict[str, int | str] = {} if weight is None else {"weight": weight}
    wanted.update({DEVICE_LIMITS[key]: value for key, value in devices.items() if value is not None})
    chosen = shell.domain(name)
    if wanted:
        chosen.tuning.set_block(wanted, **impact)
        finish(shell, chosen, "block parameters set")
    else:
        tell_values(shell, chosen, chosen.tuning.block(**impact))


@command("perf")
@domain()
@data("enable", help="Events to count, with commas between them.")
@data("disable", help="Events to count no more.")
@affecting()
@click.pass_obj
def perf(shell: Shell, name: str, enable: str | None, disable: str | None, impact: Impact) -> None:
    wanted = dict.fromkeys(_events(enable), True) | dict.fromkeys(_events(disable), False)
    chosen = shell.domain(name)
    if wanted:
        chosen.tuning.set_perf_events(wanted, **impact)
    else:
        wanted = chosen.tuning.perf_events(**impact)
    lines = [f"{event:<15}: {'enabled' if on else 'disabled'}" for event, on in wanted.items()]
    tell_values(shell, chosen, wanted, lines)


def _events(text: str | None) -> list[str]:
    return [event for event in (text or "").split(",") if event]


COMMANDS = {one.name: one for one in (blkiotune, perf, schedinfo)}
