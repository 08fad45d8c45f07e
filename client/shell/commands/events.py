"""`event`: what happens to domains, as it happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ....wire.errors import OperationTimeout
from ....wire.table import ROWS
from ....wire.table.rows import Kind
from ...values import words_of
from ..declaring import SECONDS, DomainType, command
from ..render import Text, print_json_line, show
from ..session import Shell
from .actions import as_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...events import Event, EventsMissed

_PREFIX = "domain_event_"
# Every message about domains that the table has is an event that can be followed.
TYPES = tuple(
    row.name.removeprefix(_PREFIX).replace("_", "-")
    for row in ROWS.values()
    if row.kind is Kind.MESSAGE and row.name.startswith(_PREFIX)
)


@command("event")
@click.option("--list", "list_types", is_flag=True, help="Print the types of events.")
@click.option("--event", "types", multiple=True, type=click.Choice(TYPES), help="Events of this type.")
@click.option("--all", "everything", is_flag=True, help="Events of all types; the default.")
@click.option("--domain", "names", multiple=True, type=DomainType(), metavar="DOMAIN", help="Events of this domain.")
@click.option("--loop", is_flag=True, help="Go on after the first one.")
@click.option("--timeout", type=SECONDS, metavar="SECONDS", help="How long to wait in all.")
@click.option("--timestamp", is_flag=True, help="Print when each happened.")
@click.pass_obj
def event(
    shell: Shell,
    list_types: bool,
    types: Sequence[str],
    everything: bool,
    names: Sequence[str],
    loop: bool,
    timeout: float | None,
    timestamp: bool,
) -> None:
    if list_types:
        show(shell.options, {"events": list(TYPES)}, Text("\n".join(TYPES)))
        return
    if everything and types:
        raise click.UsageError("either --all or --event, not both")
    seen = _follow(shell, names, loop, timeout, timestamp)
    shell.say(f"events received: {seen}")
    if not seen:
        shell.fail(OperationTimeout(f"nothing happened in {timeout:g} s"))


def _follow(shell: Shell, names: Sequence[str], loop: bool, timeout: float | None, timestamp: bool) -> int:
    """Print events until there was one, with ``loop`` until time is up; gives how many there were."""
    until = None if timeout is None else time.monotonic() + timeout
    domains = [shell.domain(name) for name in names] or None
    seen = 0
    with shell.host.events(domains) as events:
        while True:
            happened = events.get(None if until is None else max(0.0, until - time.monotonic()))
            if happened is None:
                return seen
            seen += 1
            _tell(shell, happened, timestamp)
            if not loop:
                return seen


def _tell(shell: Shell, happened: Event | EventsMissed, timestamp: bool) -> None:
    data = _as_data(happened)
    if shell.options.json:
        print_json_line(data)
        return
    when = f"{data['when']}: " if timestamp and "when" in data else ""
    click.echo(f"{when}{_line(data)}")


def _line(data: dict[str, Any]) -> str:
    if data["event"] == "missed":
        return f"events after number {data['after']} were missed"
    what = f"{data['type'].capitalize()} {data['detail'].capitalize()}"
    return f"event '{data['event']}' for domain '{data['name']}': {what}"


def _as_data(happened: Event | EventsMissed) -> dict[str, Any]:
    from ...events import EventsMissed

    if isinstance(happened, EventsMissed):
        return {"event": "missed", "after": happened.after, "daemon_restarted": happened.daemon_restarted}
    return {
        "event": TYPES[0],
        **as_data(happened.domain.ref),
        "type": words_of(happened.type),
        "detail": words_of(happened.detail),
        "sequence": happened.sequence,
        "when": happened.when.isoformat(timespec="milliseconds"),
    }


COMMANDS = {"event": event}
