"""Commands about the host itself: hostname, uri, version, connect."""

from __future__ import annotations

import click

from ..declaring import command
from ..render import Text, show
from ..session import Shell


@command("hostname")
@click.pass_obj
def hostname(shell: Shell) -> None:
    name = shell.host.hostname()
    show(shell.options, {"hostname": name}, Text(name))


@command("uri")
@click.pass_obj
def uri(shell: Shell) -> None:
    found = shell.host.uri
    show(shell.options, {"uri": found}, Text(found))


@command("connect")
@click.argument("name", required=False, metavar="[URI]")
@click.option("--name", "as_option", metavar="URI", hidden=True)
@click.option("--readonly", is_flag=True, help="For looking only.")
@click.pass_obj
def connect(shell: Shell, name: str | None, as_option: str | None, readonly: bool) -> None:
    options = shell.options
    options.uri = name or as_option or options.uri
    options.readonly = readonly or options.readonly
    found = {"uri": shell.host.uri, "driver": shell.host.type, "readonly": shell.host.is_readonly}
    if options.json:
        show(options, found)
    else:
        shell.say(f"{found['uri']}: connected{' for looking only' if options.readonly else ''}")


@command("version")
@click.option("--daemon", is_flag=True, help="The daemon's version too.")
@click.pass_obj
def version(shell: Shell, daemon: bool) -> None:
    from ..program import own_version

    host = shell.host
    driver, hypervisor, api = host.type, str(host.version()), str(host.lib_version())
    data = {"client": own_version(), "driver": driver, "hypervisor": hypervisor, "daemon": api}
    lines = [
        f"Using library: virtactor {data['client']}",
        f"Using API: {driver} {api}",
        f"Running hypervisor: {driver} {hypervisor}",
        *([f"Running against daemon: {api}"] if daemon else []),
    ]
    show(shell.options, data, Text("\n".join(lines)))


COMMANDS = {one.name: one for one in (connect, hostname, uri, version)}
