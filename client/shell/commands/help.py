"""`help`: what --help prints, asked for as virsh has it."""

from __future__ import annotations

import click

from ..declaring import command


@command("help")
@click.argument("name", required=False, metavar="[COMMAND]")
@click.pass_context
def help_(context: click.Context, name: str | None) -> None:
    from ..program import program

    root = context.find_root()
    if name is None:
        click.echo(root.get_help())
        return
    found = program.get_command(root, name)
    if found is None:
        raise click.UsageError(f"No such command '{name}'.", context)
    click.echo(found.get_help(click.Context(found, parent=root, info_name=name)))


COMMANDS = {"help": help_}
