"""Definitions in an editor: edit, managedsave-edit, save-image-edit."""

from __future__ import annotations

import os.path

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ..declaring import command, data, domain
from ..revising import revise
from ..session import Shell
from .actions import finish
from .saving import restored_state


@command("edit")
@domain(applies=Flags.PERSISTENT)
@click.option("--skip-validate", is_flag=True, help="Do not check the XML against the schema.")
@click.pass_obj
def edit(shell: Shell, name: str, skip_validate: bool) -> None:
    chosen = shell.domain(name)
    document = chosen.xml(inactive=True, secure=not shell.options.readonly)

    def define(xml: str) -> None:
        shell.host.domains.define(xml, validate=not skip_validate)

    finish(shell, chosen, "definition changed" if revise(document, define) else "definition not changed")


@command("managedsave-edit")
@domain(applies=Flags.MANAGEDSAVE)
@restored_state
@click.pass_obj
def managedsave_edit(shell: Shell, name: str, running: bool, paused: bool) -> None:
    chosen = shell.domain(name)

    def define(xml: str) -> None:
        chosen.define_managed_save(xml, running=running, paused=paused)

    changed = revise(chosen.managed_save_xml(secure=True), define)
    if not changed and (running or paused):
        # What it is to be after its start can be changed without the rest.
        chosen.define_managed_save(None, running=running, paused=paused)
    finish(shell, chosen, f"definition of its saved state {'changed' if changed else 'not changed'}")


@command("save-image-edit")
@data("file", click.Path(), "The file, on the host.", needed=True)
@restored_state
@click.pass_obj
def save_image_edit(shell: Shell, file: str, running: bool, paused: bool) -> None:
    domains = shell.host.domains
    path = os.path.abspath(file)
    document = domains.save_image_xml(path, secure=True)

    def define(xml: str) -> None:
        domains.define_save_image(path, xml, running=running, paused=paused)

    changed = revise(document, define)
    if not changed and (running or paused):
        define(document)
    shell.say(f"definition in {file} {'changed' if changed else 'not changed'}")


COMMANDS = {one.name: one for one in (edit, managedsave_edit, save_image_edit)}
