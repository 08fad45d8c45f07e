"""`completion`: the script by which a shell learns to complete our commands."""

from __future__ import annotations

import click

from ..declaring import command

SHELLS = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell_name", type=click.Choice(SHELLS), metavar=f"[{'|'.join(SHELLS)}]")
def completion(shell_name: str) -> None:
    from ..completing import script

    click.echo(script(shell_name), nl=False)


COMMANDS = {"completion": completion}
