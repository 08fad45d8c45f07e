"""backup-*: copying a domain's disks while it runs."""

from __future__ import annotations

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ..declaring import command, data, domain
from ..session import Shell
from .actions import as_data, finish
from .definitions import read
from .documents import show_xml, xml_options


@command("backup-begin")
@domain(applies=Flags.ACTIVE)
@data("backupxml", click.Path(allow_dash=True), "The file that says what is copied where.")
@data("checkpointxml", click.Path(allow_dash=True), "The file with a checkpoint that is made with it.")
@click.option("--reuse-external", is_flag=True, help="The files that it goes to are there.")
@click.pass_obj
def backup_begin(
    shell: Shell, name: str, backupxml: str | None, checkpointxml: str | None, reuse_external: bool
) -> None:
    xml = "<domainbackup/>" if backupxml is None else read(backupxml)
    checkpoint = None if checkpointxml is None else read(checkpointxml)
    chosen = shell.domain(name)
    chosen.backup.begin(xml, checkpoint=checkpoint, reuse_external=reuse_external)
    finish(shell, chosen, "backup begun")


@command("backup-dumpxml")
@domain(applies=Flags.ACTIVE)
@xml_options
@click.pass_obj
def backup_dumpxml(shell: Shell, name: str, xpath: str | None, wrap: bool) -> None:
    chosen = shell.domain(name)
    show_xml(shell, as_data(chosen.ref), chosen.backup.xml(), xpath, wrap)


COMMANDS = {one.name: one for one in (backup_begin, backup_dumpxml)}
