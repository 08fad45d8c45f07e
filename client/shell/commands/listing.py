"""`list`: the domains of a host, as a table or by one of their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.errors import NoDomain
from ....wire.table import ROWS, DomainRef
from ..declaring import command
from ..flags import Flag, flag_options
from ..render import Table, Text, show
from ..selection import by_activity
from ..session import Shell
from .actions import as_data
from .states import ask_state

if TYPE_CHECKING:
    from ...bulk import Errand
    from ...domain import Domain

_XML = ROWS["domain_get_xml_desc"]
_MANAGED_SAVE = ROWS["domain_has_managed_save_image"]

FILTERS: dict[str, Flag] = {
    "persistent": (Flags.PERSISTENT, "With a definition that outlives their stop."),
    "transient": (Flags.TRANSIENT, "Gone when they stop."),
    "state-running": (Flags.RUNNING, "Running."),
    "state-paused": (Flags.PAUSED, "Paused."),
    "state-shutoff": (Flags.SHUTOFF, "Shut off."),
    "state-other": (Flags.OTHER, "In another state."),
    "autostart": (Flags.AUTOSTART, "Started with the daemon."),
    "no-autostart": (Flags.NO_AUTOSTART, "Not started with the daemon."),
    "with-snapshot": (Flags.HAS_SNAPSHOT, "With snapshots."),
    "without-snapshot": (Flags.NO_SNAPSHOT, "Without snapshots."),
    "with-checkpoint": (Flags.HAS_CHECKPOINT, "With checkpoints."),
    "without-checkpoint": (Flags.NO_CHECKPOINT, "Without checkpoints."),
    "with-managed-save": (Flags.MANAGEDSAVE, "With saved memory."),
    "without-managed-save": (Flags.NO_MANAGEDSAVE, "Without saved memory."),
}
_STATES = Flags.RUNNING | Flags.PAUSED | Flags.SHUTOFF | Flags.OTHER


@command("list")
@click.option("--all", "everything", is_flag=True, help="Active and inactive ones.")
@click.option("--inactive", is_flag=True, help="Inactive ones.")
@flag_options(FILTERS)
@click.option("--name", "by_name", is_flag=True, help="Names only.")
@click.option("--uuid", "by_uuid", is_flag=True, help="UUIDs only.")
@click.option("--id", "by_id", is_flag=True, help="Ids only.")
@click.option("--managed-save", is_flag=True, help="Tell which of those that are off have saved memory.")
@click.option("--title", is_flag=True, help="Titles too.")
@click.option("--table", is_flag=True, help="A table; the default.")
@click.pass_obj
def list_(
    shell: Shell,
    everything: bool,
    inactive: bool,
    flags: int,
    by_name: bool,
    by_uuid: bool,
    by_id: bool,
    managed_save: bool,
    title: bool,
    table: bool,
) -> None:
    parts = _parts(by_uuid, by_id, by_name)
    if table and parts:
        raise click.UsageError("--table shows all that --name, --uuid and --id would")
    found = sorted(shell.host.domains.list(flags | _activity(everything, inactive, flags)), key=by_activity)
    if parts and not shell.options.json:
        _show_parts(shell, found, parts)
    else:
        _show_table(shell, found, title, managed_save)


def _activity(everything: bool, inactive: bool, flags: int) -> int:
    """Which flag of activity stands beside the filters: active ones, unless states that are not were asked for."""
    if everything:
        return 0
    wanted = flags & _STATES
    if inactive or wanted == Flags.SHUTOFF:
        return int(Flags.INACTIVE)
    return 0 if wanted & Flags.SHUTOFF else int(Flags.ACTIVE)


def _parts(by_uuid: bool, by_id: bool, by_name: bool) -> list[Callable[[Domain], str]]:
    """What each line is made of, in virsh's order."""
    known: tuple[tuple[bool, Callable[[Domain], str]], ...] = (
        (by_uuid, lambda domain: str(domain.uuid)),
        (by_id, lambda domain: "-" if domain.id is None else str(domain.id)),
        (by_name, lambda domain: domain.name),
    )
    return [part for wanted, part in known if wanted]


def _show_parts(shell: Shell, domains: list[Domain], parts: list[Callable[[Domain], str]]) -> None:
    lines = [" ".join(part(domain) for part in parts) for domain in domains]
    show(shell.options, None, Text("\n".join(line for line in lines if line != "-")))


def _show_table(shell: Shell, domains: list[Domain], title: bool, managed_save: bool) -> None:
    def ask(ref: DomainRef) -> Errand[tuple[str, str, str]]:
        state, reason = yield from ask_state(ref)
        if managed_save and ref.id < 0 and (yield _MANAGED_SAVE, (ref, 0))[0] > 0:
            state = "saved"
        return state, reason, (yield from _ask_title(ref)) if title else ""

    # A domain that is gone when its turn comes is none any more: it is left out.
    described = shell.ask(domains, ask, but=NoDomain)
    data = [
        {**as_data(domain.ref), "state": state, "reason": reason, **({"title": name} if title else {})}
        for domain, (state, reason, name) in described
    ]
    rows = [
        ("-" if domain.id is None else str(domain.id), domain.name, state, *([name] if title else []))
        for domain, (state, _, name) in described
    ]
    titles = ("Id", "Name", "State", *(["Title"] if title else []))
    show(shell.options, {"domains": data}, Table(titles, rows, states=2))


def _ask_title(ref: DomainRef) -> Errand[str]:
    from xml.etree import ElementTree

    (xml,) = yield _XML, (ref, 0)
    return ElementTree.fromstring(xml).findtext("title") or ""


COMMANDS = {"list": list_}
