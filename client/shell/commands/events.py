"""`event`: what happens to domains, as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ....wire.errors import OperationTimeout
from ...domain.events import ALL, DomainEvent
from ...events import Event, EventsMissed
from ...values import words_of
from ..declaring import SECONDS, DomainType, command
from ..event_words import detail_word
from ..render import Text, print_json_line, show
from ..session import Shell
from .actions import as_data

if TYPE_CHECKING:
    from collections.abc import Sequence

Found = TypeVar("Found")

LIFECYCLE = "lifecycle"
TYPES: dict[str, type[Event | DomainEvent]] = {LIFECYCLE: Event, **{event.name: event for event in ALL}}
# What every event has, and is told of it otherwise.
_COMMON = frozenset(("sequence", "when", "domain"))


@command("event")
@click.option("--list", "list_types", is_flag=True, help="Print the types of events.")
@click.option("--event", "types", multiple=True, type=click.Choice(list(TYPES)), metavar="TYPE",
              help="Events of this type.")  # fmt: skip
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
    domains = [shell.domain(name) for name in names] or None
    with shell.host.events(domains, types=[TYPES[type] for type in types or TYPES]) as events:
        follow(shell, events.get, lambda happened: _tell(shell, happened, timestamp), loop, timeout)


def follow(
    shell: Shell,
    get: Callable[[float | None], Found | None],
    tell: Callable[[Found], None],
    loop: bool,
    timeout: float | None,
) -> None:
    """Tell of events until there was one, with ``loop`` until time is up or ^C; then tell how many there were."""
    until = None if timeout is None else time.monotonic() + timeout
    seen = 0
    try:
        while loop or not seen:
            happened = get(None if until is None else max(0.0, until - time.monotonic()))
            if happened is None:
                break
            seen += 1
            tell(happened)
    finally:
        shell.say(f"events received: {seen}")
    if not seen:
        shell.fail(OperationTimeout(f"nothing happened in {timeout:g} s"))


def _tell(shell: Shell, happened: Event | DomainEvent | EventsMissed, timestamp: bool) -> None:
    if shell.options.json:
        print_json_line(_as_data(happened))
        return
    when = (
        ""
        if isinstance(happened, EventsMissed) or not timestamp
        else f"{happened.when.isoformat(' ', 'milliseconds')}: "
    )
    click.echo(f"{when}{_line(happened)}")


def _line(happened: Event | DomainEvent | EventsMissed) -> str:
    if isinstance(happened, EventsMissed):
        return f"events after number {happened.after} were missed"
    if isinstance(happened, Event):
        what = f": {words_of(happened.type).capitalize()} {detail_word(happened.detail)}"
        return f"event '{LIFECYCLE}' for domain '{happened.domain.name}'{what}"
    what = f"{happened.joint}{happened.words}" if happened.words else ""
    return f"event '{happened.name}' for domain '{happened.domain.name}'{what}"


def _as_data(happened: Event | DomainEvent | EventsMissed) -> dict[str, Any]:
    if isinstance(happened, EventsMissed):
        return {"event": "missed", "after": happened.after, "daemon_restarted": happened.daemon_restarted}
    return {
        "event": LIFECYCLE if isinstance(happened, Event) else happened.name,
        **as_data(happened.domain.ref),
        **{
            field.name: _plain(getattr(happened, field.name)) for field in fields(happened) if field.name not in _COMMON
        },
        "sequence": happened.sequence,
        "when": happened.when.isoformat(timespec="milliseconds"),
    }


def _plain(value: Any) -> Any:
    """A field as JSON has it: members in words, structures as mappings."""
    if isinstance(value, IntEnum):
        return words_of(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    return [_plain(one) for one in value] if isinstance(value, list) else value


COMMANDS = {"event": event}
