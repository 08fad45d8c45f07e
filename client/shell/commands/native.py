"""Hypervisors' own forms of a configuration: domxml-from-native, domxml-to-native; and qemu-attach."""

from __future__ import annotations

import click

from ..declaring import DomainType, command, data
from ..render import Text, show
from ..session import Shell
from .actions import finish
from .definitions import read

FILE = click.Path(allow_dash=True)


@command("domxml-from-native")
@data("format", help="What the file is in, such as qemu-argv.", needed=True)
@data("config", FILE, "The file.", needed=True)
@click.pass_obj
def domxml_from_native(shell: Shell, format: str, config: str) -> None:
    xml = shell.host.domains.from_native(format, read(config))
    show(shell.options, {"xml": xml}, Text(xml))


@command("domxml-to-native")
@data("format", help="What it is to be in, such as qemu-argv.", needed=True)
@click.option("--domain", "name", type=DomainType(), metavar="DOMAIN", help="A domain's definition.")
@data("xml", FILE, "A file with a definition.")
@click.pass_obj
def domxml_to_native(shell: Shell, format: str, name: str | None, xml: str | None) -> None:
    if (name is None) == (xml is None):
        raise click.UsageError("either --domain or --xml")
    document = shell.domain(name).xml(secure=not shell.options.readonly) if name is not None else read(xml or "")
    config = shell.host.domains.to_native(format, document)
    show(shell.options, {"format": format, "config": config}, Text(config))


@command("qemu-attach")
@data("pid", click.IntRange(1), "The process of QEMU.", needed=True)
@click.pass_obj
def qemu_attach(shell: Shell, pid: int) -> None:
    finish(shell, shell.host.domains.attach(pid), f"attached to process {pid}")


COMMANDS = {one.name: one for one in (domxml_from_native, domxml_to_native, qemu_attach)}
