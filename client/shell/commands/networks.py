"""net-*: virtual networks and their ports."""

from __future__ import annotations

from typing import Any

import click

from ....wire.enums.domain import DomainMetadataType
from ....wire.enums.network import IPAddrType, NetworkUpdateCommand, NetworkUpdateSection
from ....wire.errors import HostError, NotFound
from ...network import DHCPLease, Network
from ..declaring import command, data
from ..render import Pairs, Table, Text, show
from ..session import Shell
from ..values import Impact, affecting
from .definitions import read
from .documents import show_xml, xml_options
from .objects import (
    LASTING_FILTERS,
    VALIDATE,
    Noun,
    acting,
    activity,
    autostarting,
    by_name,
    defining,
    dumping,
    editing,
    filter_options,
    finish,
    inactive,
    listing_options,
    named,
    naming,
    next_xml,
    one,
    show_table,
    show_words,
    standing,
    standing_pairs,
    yes_no,
)

NETWORK = named("network", "networks", lambda host: host.networks)
PORT = Noun(
    "port",
    "Its UUID.",
    "ports",
    lambda host, name: None,
    lambda host: (),
    lambda port: {"uuid": port.name, "network": port.network.name},
)
_COMMANDS = {
    "add": NetworkUpdateCommand.ADD_LAST,
    **{one.name.lower().replace("_", "-"): one for one in NetworkUpdateCommand if one},
}
_SECTIONS = {one.name.lower().replace("_", "-"): one for one in NetworkUpdateSection if one}


class Bandwidth(click.ParamType):
    """Limits of bandwidth, in KiB/s and KiB, as their names' values; those left empty stay as they are."""

    name = "bandwidth"
    parts = ("average", "peak", "burst", "floor")
    shape = "AVERAGE[,PEAK[,BURST[,FLOOR]]]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        given = str(value).split(",")
        if len(given) > len(self.parts) or not all(one.isdecimal() or not one for one in given):
            self.fail(f"'{value}' is not like {self.shape}", param, ctx)
        return {part: int(one) for part, one in zip(self.parts, given, strict=False) if one}


# What has no answer here is shown as such.
_NONE = "-"


@command("net-list")
@listing_options
@filter_options(LASTING_FILTERS)
@click.option("--name", "names", is_flag=True, help="Names only.")
@click.option("--uuid", "uuids", is_flag=True, help="UUIDs only.")
@click.option("--table", is_flag=True, help="A table; the default.")
@click.pass_obj
def net_list(
    shell: Shell, everything: bool, inactive: bool, filters: dict[str, bool], names: bool, uuids: bool, table: bool
) -> None:
    if names + uuids + table > 1:
        raise click.UsageError("one of --name, --uuid and --table")
    found = by_name(shell.host.networks.list(**activity(everything, inactive), **filters))
    if names or uuids:
        show_words(shell, NETWORK, found, lambda network: network.name if names else str(network.uuid))
        return
    rows = [
        (
            network.name,
            "active" if network.is_active() else "inactive",
            yes_no(network.autostart()),
            yes_no(network.is_persistent()),
        )
        for network in found
    ]
    show_table(shell, NETWORK, ("Name", "State", "Autostart", "Persistent"), found, rows, states=1)


@command("net-info")
@one(NETWORK)
@click.pass_obj
def net_info(shell: Shell, name: str) -> None:
    network = NETWORK.find(shell.host, name)
    facts, bridge = standing(network), _bridge(network)
    pairs = [("Name", network.name), ("UUID", str(network.uuid)), *standing_pairs(facts)]
    if bridge is not None:
        pairs.append(("Bridge", bridge))
    show(shell.options, {**NETWORK.data(network), **facts, "bridge": bridge}, Pairs(pairs))


def _bridge(network: Network) -> str | None:
    try:
        return network.bridge()
    except HostError:
        return None  # It has none.


@command("net-dhcp-leases")
@one(NETWORK)
@click.option("--mac", metavar="MAC", help="Of this address only.")
@click.pass_obj
def net_dhcp_leases(shell: Shell, name: str, mac: str | None) -> None:
    network = NETWORK.find(shell.host, name)
    leases = network.dhcp_leases(mac)
    rows = [
        (
            lease.expires.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            lease.mac or _NONE,
            _protocol(lease),
            f"{lease.address}/{lease.prefix}",
            lease.hostname or _NONE,
            lease.client_id or lease.iaid or _NONE,
        )
        for lease in leases
    ]
    titles = ("Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID")
    show(shell.options, {**NETWORK.data(network), "leases": [_lease_data(one) for one in leases]}, Table(titles, rows))


def _protocol(lease: DHCPLease) -> str:
    return {IPAddrType.IPV4: "ipv4", IPAddrType.IPV6: "ipv6"}.get(lease.type, _NONE)  # type: ignore[call-overload]


def _lease_data(lease: DHCPLease) -> dict[str, object]:
    return {
        "interface": lease.interface,
        "expires": lease.expires.isoformat(),
        "mac": lease.mac,
        "address": lease.address,
        "prefix": lease.prefix,
        "hostname": lease.hostname,
        "client_id": lease.client_id,
        "iaid": lease.iaid,
    }


@command("net-update")
@one(NETWORK)
@data("command", click.Choice(list(_COMMANDS)), "What is done.", needed=True, into="what", metavar="COMMAND")
@data("section", click.Choice(list(_SECTIONS)), "To which part.", needed=True, metavar="SECTION")
@data("xml", help="The element, or the file that it is in.", needed=True)
@click.option("--parent-index", type=int, default=-1, metavar="NUMBER", help="In which of several parents.")
@affecting()
@click.pass_obj
def net_update(shell: Shell, name: str, what: str, section: str, xml: str, parent_index: int, impact: Impact) -> None:
    network = NETWORK.find(shell.host, name)
    text = xml if xml.lstrip().startswith("<") else read(xml)
    network.update(_COMMANDS[what], _SECTIONS[section], text, parent_index=parent_index, **impact)
    where = " and ".join(part for part, is_meant in impact.items() if is_meant) or "current state"
    finish(shell, NETWORK, network, f"updated ({where})")


@command("net-desc")
@one(NETWORK)
@affecting()
@click.option("--title", "of_title", is_flag=True, help="The title instead of the description.")
@data("new-desc", many=True, help="What it is to be from now on.", into="words")
@click.pass_obj
def net_desc(shell: Shell, name: str, impact: Impact, of_title: bool, words: tuple[str, ...]) -> None:
    network = NETWORK.find(shell.host, name)
    kind = DomainMetadataType.TITLE if of_title else DomainMetadataType.DESCRIPTION
    if words:
        network.set_metadata(kind, " ".join(words) or None, **impact)
        finish(shell, NETWORK, network, f"{kind.name.lower()} changed")
        return
    try:
        text = network.metadata(kind, **impact)
    except NotFound:
        text = f"No {kind.name.lower()} for network: {network.name}"
    show(shell.options, {**NETWORK.data(network), kind.name.lower(): text}, Text(text))


@command("net-metadata")
@one(NETWORK)
@data("uri", help="The namespace of the element.", needed=True)
@affecting()
@click.option("--key", metavar="PREFIX", help="The prefix that the element gets.")
@click.option("--set", "text", metavar="XML", help="The element as it is to be.")
@click.option("--remove", is_flag=True, help="Take the element away.")
@click.pass_obj
def net_metadata(
    shell: Shell, name: str, uri: str, impact: Impact, key: str | None, text: str | None, remove: bool
) -> None:
    if text is not None and (remove or key is None):
        raise click.UsageError("--set wants --key, and no --remove")
    network = NETWORK.find(shell.host, name)
    if text is not None or remove:
        network.set_metadata(DomainMetadataType.ELEMENT, text, key=key, uri=uri, **impact)
        finish(shell, NETWORK, network, "metadata removed" if remove else "metadata changed")
        return
    xml = network.metadata(DomainMetadataType.ELEMENT, uri, **impact)
    show(shell.options, {**NETWORK.data(network), "metadata": xml}, Text(xml))


# Ports.


@command("net-port-list")
@one(NETWORK)
@click.option("--uuid", "uuids", is_flag=True, help="UUIDs only.")
@click.option("--table", is_flag=True, help="A table; the default.")
@click.pass_obj
def net_port_list(shell: Shell, name: str, uuids: bool, table: bool) -> None:
    if uuids and table:
        raise click.UsageError("either --uuid or --table")
    ports = by_name(NETWORK.find(shell.host, name).ports)
    if uuids:
        show_words(shell, PORT, ports, lambda port: port.name)
    else:
        show_table(shell, PORT, ("UUID",), ports, [(port.name,) for port in ports])


@command("net-port-create")
@one(NETWORK)
@data("file", click.Path(allow_dash=True), "The file with its XML.", needed=True, into="path")
@VALIDATE
@click.pass_obj
def net_port_create(shell: Shell, name: str, path: str, validate: bool) -> None:
    network = NETWORK.find(shell.host, name)
    finish(shell, PORT, network.ports.create(read(path), validate=validate), "created")


@command("net-port-dumpxml")
@one(NETWORK)
@data("port", help="Its UUID.", needed=True)
@xml_options
@click.pass_obj
def net_port_dumpxml(shell: Shell, name: str, port: str, xpath: str | None, wrap: bool) -> None:
    found = NETWORK.find(shell.host, name).ports.lookup(port)
    show_xml(shell, PORT.data(found), found.xml(), xpath, wrap)


@command("net-port-delete")
@one(NETWORK)
@data("port", help="Its UUID.", needed=True)
@click.pass_obj
def net_port_delete(shell: Shell, name: str, port: str) -> None:
    found = NETWORK.find(shell.host, name).ports.lookup(port)
    found.delete()
    finish(shell, PORT, found, "deleted")


@command("net-port-tune")
@one(NETWORK)
@data("port", help="Its UUID.", needed=True)
@click.option("--inbound", type=Bandwidth(), metavar=Bandwidth.shape, help="What comes to the guest.")
@click.option("--outbound", type=Bandwidth(), metavar=Bandwidth.shape, help="What the guest sends.")
@click.pass_obj
def net_port_tune(
    shell: Shell, name: str, port: str, inbound: dict[str, int] | None, outbound: dict[str, int] | None
) -> None:
    found = NETWORK.find(shell.host, name).ports.lookup(port)
    wanted = {
        f"{direction}.{part}": value
        for direction, parts in (("inbound", inbound), ("outbound", outbound))
        for part, value in (parts or {}).items()
    }
    if wanted:
        found.set_parameters(wanted)
        finish(shell, PORT, found, "limits changed")
        return
    values = found.parameters()
    lines = [f"{part:<17}: {value}" for part, value in values.items()]
    show(shell.options, {**PORT.data(found), "values": values}, Text("\n".join(lines)))


COMMANDS = {
    one.name: one
    for one in (
        acting("net-destroy", NETWORK, "destroyed", Network.destroy),
        acting("net-start", NETWORK, "started", Network.start),
        acting("net-undefine", NETWORK, "undefined", Network.undefine),
        autostarting("net-autostart", NETWORK),
        defining("net-create", NETWORK, "started", lambda host, xml, **how: host.networks.create(xml, **how), VALIDATE),
        defining("net-define", NETWORK, "defined", lambda host, xml, **how: host.networks.define(xml, **how), VALIDATE),
        dumping("net-dumpxml", NETWORK, Network.xml, inactive()),
        editing(
            "net-edit",
            NETWORK,
            next_xml,
            lambda host, xml: host.networks.define(xml),
        ),
        naming("net-name", NETWORK, lambda network: network.name),
        naming("net-uuid", NETWORK, lambda network: str(network.uuid)),
        net_desc,
        net_dhcp_leases,
        net_info,
        net_list,
        net_metadata,
        net_port_create,
        net_port_delete,
        net_port_dumpxml,
        net_port_list,
        net_port_tune,
        net_update,
    )
}
