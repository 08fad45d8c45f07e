"""nodedev-*: the host's devices."""

from __future__ import annotations

import click

from ....wire.errors import InvalidArgument
from ...host import Host
from ...node_device import NodeDevice
from ..declaring import command, data
from ..render import Pairs, Text, show
from ..session import Shell
from ..trees import tree_lines
from .definitions import read
from .objects import (
    VALIDATE,
    Noun,
    acting,
    activity,
    autostarting,
    by_name,
    defining,
    dumping,
    finish,
    inactive,
    listing_options,
    one,
    show_words,
    standing,
    standing_pairs,
)


def _find(host: Host, name: str) -> NodeDevice:
    """By name, or by two world wide names with a comma between."""
    wwnn, comma, wwpn = name.partition(",")
    return host.node_devices.lookup_wwn(wwnn, wwpn) if comma else host.node_devices.lookup(name)


DEVICE = Noun(
    "device",
    "Its name, or its world wide names as WWNN,WWPN.",
    "devices",
    _find,
    lambda host: [device.name for device in host.node_devices],
)


@command("nodedev-list")
@listing_options
@click.option("--tree", is_flag=True, help="Below the devices that they are part of.")
@click.option("--cap", metavar="CAPABILITY[,CAPABILITY...]", help="With one of these capabilities only.")
@click.pass_obj
def nodedev_list(shell: Shell, everything: bool, inactive: bool, tree: bool, cap: str | None) -> None:
    if tree and (cap or inactive):
        raise click.UsageError("--tree shows all devices that are there")
    capabilities = cap.split(",") if cap else ()
    found = by_name(_listed(shell.host, capabilities, everything, inactive))
    if not tree:
        show_words(shell, DEVICE, found, lambda device: device.name)
        return
    parents = {device.name: device.parent() for device in found}
    data = [{"name": name, "parent": parent} for name, parent in parents.items()]
    show(shell.options, {"devices": data}, Text("\n".join(tree_lines(parents))))


def _listed(host: Host, capabilities: tuple[str, ...] | list[str], everything: bool, inactive: bool):
    try:
        return host.node_devices.list(capabilities=capabilities, **activity(everything, inactive))
    except InvalidArgument:
        # A driver without inactive devices knows no such flags: then all are active.
        if inactive:
            raise
        return host.node_devices.list(capabilities=capabilities)


@command("nodedev-info")
@one(DEVICE)
@click.pass_obj
def nodedev_info(shell: Shell, name: str) -> None:
    device = DEVICE.find(shell.host, name)
    parent, facts = device.parent(), standing(device)
    pairs = [("Name", device.name), ("Parent", parent or ""), *standing_pairs(facts)]
    show(shell.options, {**DEVICE.data(device), "parent": parent, **facts}, Pairs(pairs))


@command("nodedev-detach")
@one(DEVICE)
@click.option("--driver", metavar="DRIVER", help="The driver that it gets: vfio or another.")
@click.pass_obj
def nodedev_detach(shell: Shell, name: str, driver: str | None) -> None:
    device = DEVICE.find(shell.host, name)
    device.detach(driver)
    finish(shell, DEVICE, device, "detached")


@command("nodedev-update")
@one(DEVICE)
@data("file", click.Path(allow_dash=True), "The file with its XML.", needed=True, into="path")
@click.option("--config", is_flag=True, help="In its definition.")
@click.option("--live", is_flag=True, help="As it is now.")
@click.pass_obj
def nodedev_update(shell: Shell, name: str, path: str, config: bool, live: bool) -> None:
    device = DEVICE.find(shell.host, name)
    device.update(read(path), live=live, config=config)
    finish(shell, DEVICE, device, "updated")


COMMANDS = {
    one.name: one
    for one in (
        acting("nodedev-destroy", DEVICE, "destroyed", NodeDevice.destroy),
        acting("nodedev-reattach", DEVICE, "given back to the host", NodeDevice.reattach),
        acting("nodedev-reset", DEVICE, "reset", NodeDevice.reset),
        acting("nodedev-start", DEVICE, "started", NodeDevice.start),
        acting("nodedev-undefine", DEVICE, "undefined", NodeDevice.undefine),
        autostarting("nodedev-autostart", DEVICE),
        defining(
            "nodedev-create", DEVICE, "created", lambda host, xml, **how: host.node_devices.create(xml, **how), VALIDATE
        ),
        defining(
            "nodedev-define", DEVICE, "defined", lambda host, xml, **how: host.node_devices.define(xml, **how), VALIDATE
        ),
        dumping("nodedev-dumpxml", DEVICE, NodeDevice.xml, inactive("The definition of a mediated device.")),
        nodedev_detach,
        nodedev_info,
        nodedev_list,
        nodedev_update,
    )
}
