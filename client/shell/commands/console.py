"""`console`: a terminal on a guest's console or serial device."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ..declaring import command, data, domain
from ..session import Shell

if TYPE_CHECKING:
    from ...domain import Domain


@command("console")
@domain(applies=Flags.ACTIVE)
@data("devname", help="The device; the first console by default.", metavar="ALIAS")
@click.option("--force", is_flag=True, help="Take it from whoever has it open.")
@click.option("--safe", is_flag=True, help="Only where nobody else can have it open.")
@click.option("--resume", is_flag=True, help="Let a paused guest run once the console is open.")
@click.pass_obj
def console(shell: Shell, name: str, devname: str | None, force: bool, safe: bool, resume: bool) -> None:
    talk(shell, shell.domain(name), devname, force=force, safe=safe, resume=resume)


def talk(
    shell: Shell,
    domain: Domain,
    devname: str | None = None,
    *,
    force: bool = False,
    safe: bool = False,
    resume: bool = False,
) -> None:
    """Join our terminal to a domain's console until the escape character is typed or the guest is gone."""
    from .. import terminal

    escape = terminal.escape_byte(shell.options.escape)
    opened = domain.open_console(devname, force=force, safe=safe)
    if resume:
        domain.resume()
    if sys.stdin.isatty() and not shell.options.quiet:
        click.echo(f"{domain.name}: console open; {shell.options.escape} leaves it", err=True)
    sys.stdout.flush()
    try:
        terminal.join(opened, escape, sys.stdin.fileno(), sys.stdout.fileno())
    except terminal.Terminated as end:
        raise click.exceptions.Exit(end.status) from end


COMMANDS = {"console": console}
