"""Commands that turn one of a domain's names into another: domid, domname, domuuid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ..declaring import command, domains
from ..render import Text, show
from ..selection import Selection
from ..session import Shell
from .actions import as_data

if TYPE_CHECKING:
    from ...domain import Domain


def _identify(shell: Shell, selection: Selection, part: Callable[[Domain], str]) -> None:
    chosen = shell.choose(selection)
    if chosen or shell.options.json:
        lines = "\n".join(map(part, chosen))
        show(shell.options, {"domains": [as_data(domain.ref) for domain in chosen]}, Text(lines))


@command("domid")
@domains()
@click.pass_obj
def domid(shell: Shell, selection: Selection) -> None:
    _identify(shell, selection, lambda domain: "-" if domain.id is None else str(domain.id))


@command("domname")
@domains()
@click.pass_obj
def domname(shell: Shell, selection: Selection) -> None:
    _identify(shell, selection, lambda domain: domain.name)


@command("domuuid")
@domains()
@click.pass_obj
def domuuid(shell: Shell, selection: Selection) -> None:
    _identify(shell, selection, lambda domain: str(domain.uuid))


COMMANDS = {one.name: one for one in (domid, domname, domuuid)}
