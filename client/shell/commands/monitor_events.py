"""`qemu-monitor-event`: QEMU's own events, as they come over guests' monitors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ..declaring import SECONDS, DomainType, command
from ..render import print_json_line
from ..session import Shell
from .actions import as_data
from .events import follow

if TYPE_CHECKING:
    from ...monitor_events import MonitorEvent


@command("qemu-monitor-event")
@click.option("--domain", "name", type=DomainType(), metavar="DOMAIN", help="Events of this domain.")
@click.option("--event", metavar="NAME", help="Events of this name.")
@click.option("--pretty", is_flag=True, help="Indent their data.")
@click.option("--loop", is_flag=True, help="Go on after the first one.")
@click.option("--timeout", type=SECONDS, metavar="SECONDS", help="How long to wait in all.")
@click.option("--regex", is_flag=True, help="The name is a regular expression.")
@click.option("--no-case", is_flag=True, help="Small and capital letters are the same.")
@click.option("--timestamp", is_flag=True, help="Print when each happened.")
@click.pass_obj
def qemu_monitor_event(
    shell: Shell,
    name: str | None,
    event: str | None,
    pretty: bool,
    loop: bool,
    timeout: float | None,
    regex: bool,
    no_case: bool,
    timestamp: bool,
) -> None:
    domain = None if name is None else shell.domain(name)
    with shell.host.monitor_events(domain, event, regex=regex, ignore_case=no_case) as events:
        follow(shell, events.get, lambda happened: _tell(shell, happened, pretty, timestamp), loop, timeout)


def _tell(shell: Shell, happened: MonitorEvent, pretty: bool, timestamp: bool) -> None:
    details = None if happened.details is None else json.loads(happened.details)
    if shell.options.json:
        when = happened.when.isoformat(timespec="milliseconds")
        print_json_line({"event": happened.event, **as_data(happened.domain.ref), "when": when, "data": details})
        return
    text = "<null>" if details is None else json.dumps(details, indent=2) if pretty else happened.details
    if timestamp:
        line = f"{happened.when.isoformat(' ', 'milliseconds')}: event {happened.event}"
    else:
        # Without a time of ours QEMU's own stands there.
        line = f"event {happened.event} at {happened.when.timestamp():.6f}"
    click.echo(f"{line} for domain '{happened.domain.name}': {text}")


COMMANDS = {"qemu-monitor-event": qemu_monitor_event}
