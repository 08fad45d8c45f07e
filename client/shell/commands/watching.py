"""net-event, pool-event, nodedev-event, secret-event: what happens to a host's objects, as it happens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ....wire.errors import OperationTimeout
from ...events import EventsMissed
from ...values import words_of
from ..declaring import SECONDS, command
from ..render import Text, print_json_line, show
from ..session import Shell
from .networks import NETWORK
from .node_devices import DEVICE
from .objects import Noun, NounType
from .pools import POOL
from .secrets import SECRET

if TYPE_CHECKING:
    from ...host import Host

LIFECYCLE = "lifecycle"


class Watched(NamedTuple):
    """A kind of objects whose events can be followed: virsh's words for the kind, and for events by their class."""

    noun: Noun
    words: str
    collection: Callable[[Host], Any]
    types: Mapping[str, str]


WATCHED = {
    "net-event": Watched(
        NETWORK,
        "network",
        lambda host: host.networks,
        {"NetworkEvent": LIFECYCLE, "NetworkMetadataChanged": "metadata-change"},
    ),
    "pool-event": Watched(
        POOL, "storage pool", lambda host: host.pools, {"PoolEvent": LIFECYCLE, "PoolRefreshed": "refresh"}
    ),
    "nodedev-event": Watched(
        DEVICE,
        "node device",
        lambda host: host.node_devices,
        {"NodeDeviceEvent": LIFECYCLE, "NodeDeviceUpdated": "update"},
    ),
    "secret-event": Watched(
        SECRET,
        "secret",
        lambda host: host.secrets,
        {"SecretEvent": LIFECYCLE, "SecretValueChanged": "value-changed"},
    ),
}


def watching(name: str, watched: Watched) -> click.Command:
    """The command that prints what happens to one kind of objects."""
    types = list(watched.types.values())

    @command(name)
    @click.option("--list", "list_types", is_flag=True, help="Print the types of events.")
    @click.option(
        "--event", "chosen", multiple=True, type=click.Choice(types), metavar="TYPE", help="Events of this type."
    )
    @click.option("--all", "everything", is_flag=True, help="Events of all types; the default.")
    @click.option(f"--{watched.noun.option}", "names", multiple=True, type=NounType(watched.noun),
                  metavar=watched.noun.option.upper(), help="Events of this one.")  # fmt: skip
    @click.option("--loop", is_flag=True, help="Go on after the first one.")
    @click.option("--timeout", type=SECONDS, metavar="SECONDS", help="How long to wait in all.")
    @click.option("--timestamp", is_flag=True, help="Print when each happened.")
    @click.pass_obj
    def watch(
        shell: Shell,
        list_types: bool,
        chosen: Sequence[str],
        everything: bool,
        names: Sequence[str],
        loop: bool,
        timeout: float | None,
        timestamp: bool,
    ) -> None:
        if list_types:
            show(shell.options, {"events": types}, Text("\n".join(types)))
            return
        if everything and chosen:
            raise click.UsageError("either --all or --event, not both")
        seen = _follow(shell, watched, chosen or types, names, loop, timeout, timestamp)
        shell.say(f"events received: {seen}")
        if not seen:
            shell.fail(OperationTimeout(f"nothing happened in {timeout:g} s"))

    return watch


def _follow(
    shell: Shell,
    watched: Watched,
    types: Sequence[str],
    names: Sequence[str],
    loop: bool,
    timeout: float | None,
    timestamp: bool,
) -> int:
    """Print events until there was one, with ``loop`` until time is up; gives how many there were."""
    until = None if timeout is None else time.monotonic() + timeout
    things = [watched.noun.find(shell.host, name) for name in names] or None
    seen = 0
    with watched.collection(shell.host).events(things) as events:
        while True:
            happened = events.get(None if until is None else max(0.0, until - time.monotonic()))
            if happened is None:
                return seen
            data = _as_data(watched, happened)
            if data["event"] not in (*types, "missed"):
                continue
            seen += 1
            _tell(shell, watched, data, timestamp)
            if not loop:
                return seen


def _tell(shell: Shell, watched: Watched, data: dict[str, Any], timestamp: bool) -> None:
    if shell.options.json:
        print_json_line(data)
        return
    if data["event"] == "missed":
        click.echo(f"events after number {data['after']} were missed")
        return
    when = f"{re.sub('T', ' ', data['when'])}: " if timestamp else ""
    what = f": {data['type'].capitalize()}" if "type" in data else ""
    click.echo(f"{when}event '{data['event']}' for {watched.words} {data['name']}{what}")


def _as_data(watched: Watched, happened: Any) -> dict[str, Any]:
    if isinstance(happened, EventsMissed):
        return {"event": "missed", "after": happened.after, "daemon_restarted": happened.daemon_restarted}
    thing = happened.subject
    data = {
        "event": watched.types[type(happened).__name__],
        "name": thing.name,
        **watched.noun.data(thing),
        "sequence": happened.sequence,
        "when": happened.when.isoformat(timespec="milliseconds"),
    }
    kind = getattr(happened, "type", None)
    return data if kind is None else {**data, "type": words_of(kind)}


COMMANDS = {name: watching(name, watched) for name, watched in WATCHED.items()}
