"""Confidential guests: domlaunchsecinfo, domsetlaunchsecstate."""

from __future__ import annotations

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ..declaring import command, domain
from ..session import Shell
from .actions import finish, tell_values
from .definitions import read

FILE = click.Path(allow_dash=True)


@command("domlaunchsecinfo")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def domlaunchsecinfo(shell: Shell, name: str) -> None:
    chosen = shell.domain(name)
    tell_values(shell, chosen, chosen.security.launch_info())


@command("domsetlaunchsecstate")
@domain(applies=Flags.ACTIVE)
@click.option("--secrethdr", type=FILE, metavar="FILE", help="A file with the secret's header.")
@click.option("--secret", type=FILE, metavar="FILE", help="A file with the secret.")
@click.option("--set-address", type=click.IntRange(0), metavar="ADDRESS", help="Where in its memory to put it.")
@click.pass_obj
def domsetlaunchsecstate(
    shell: Shell, name: str, secrethdr: str | None, secret: str | None, set_address: int | None
) -> None:
    if secrethdr is None or secret is None:
        raise click.UsageError("both --secrethdr and --secret")
    values: dict[str, str | int] = {"sev-secret-header": read(secrethdr).strip(), "sev-secret": read(secret).strip()}
    if set_address is not None:
        values["sev-secret-set-address"] = set_address
    chosen = shell.domain(name)
    chosen.security.set_launch_state(values)
    finish(shell, chosen, "launch secret set")


COMMANDS = {one.name: one for one in (domlaunchsecinfo, domsetlaunchsecstate)}
