"""iface-*: the host's network interfaces."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import click

from ....wire.errors import InvalidArgument
from ...host import Host
from ...interface import Interface
from ..declaring import command, data
from ..render import Text, show
from ..session import Shell
from .objects import (
    VALIDATE,
    Noun,
    acting,
    activity,
    by_name,
    defining,
    dumping,
    editing,
    finish,
    inactive,
    listing_options,
    next_xml,
    one,
    show_table,
)

_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")


def _find(host: Host, name: str) -> Interface:
    """By name or, for what is a MAC address, by that."""
    return host.interfaces.lookup_mac(name) if _MAC.fullmatch(name) else host.interfaces.lookup(name)


INTERFACE = Noun(
    "interface",
    "Its name or MAC address.",
    "interfaces",
    _find,
    lambda host: [interface.name for interface in host.interfaces],
    lambda interface: {"name": interface.name, "mac": interface.mac},
)


@command("iface-list")
@listing_options
@click.pass_obj
def iface_list(shell: Shell, everything: bool, inactive: bool) -> None:
    found = by_name(shell.host.interfaces.list(**activity(everything, inactive)))
    rows = [(one.name, "active" if one.is_active() else "inactive", one.mac) for one in found]
    show_table(shell, INTERFACE, ("Name", "State", "MAC Address"), found, rows, states=1)


@command("iface-mac")
@one(INTERFACE)
@click.pass_obj
def iface_mac(shell: Shell, name: str) -> None:
    found = shell.host.interfaces.lookup(name)
    show(shell.options, INTERFACE.data(found), Text(found.mac))


@command("iface-name")
@one(INTERFACE)
@click.pass_obj
def iface_name(shell: Shell, name: str) -> None:
    found = shell.host.interfaces.lookup_mac(name)
    show(shell.options, INTERFACE.data(found), Text(found.name))


# Changes that are taken back unless they are confirmed.


def _stepping(name: str, step, done: str) -> click.Command:
    def run(shell: Shell) -> None:
        step(shell.host.interfaces)
        shell.say(done)

    return command(name)(click.pass_obj(run))


# Bridges.


@command("iface-bridge")
@one(INTERFACE)
@data("bridge", help="The name of the new bridge.", needed=True)
@click.option("--no-stp", is_flag=True, help="Without the spanning tree protocol.")
@click.option("--delay", type=click.IntRange(min=0), default=0, metavar="SECONDS", help="How long new ports are quiet.")
@click.option("--no-start", is_flag=True, help="Do not start it.")
@click.pass_obj
def iface_bridge(shell: Shell, name: str, bridge: str, no_stp: bool, delay: int, no_start: bool) -> None:
    interfaces = shell.host.interfaces
    found = _find(shell.host, name)
    made = interfaces.define(bridge_xml(next_xml(found), bridge, not no_stp, delay))
    if not no_start:
        made.start()
    finish(shell, INTERFACE, made, f"has {found.name} as its port{'' if no_start else ', and started'}")


@command("iface-unbridge")
@one(INTERFACE, option="bridge")
@click.option("--no-start", is_flag=True, help="Do not start the interface that was its port.")
@click.pass_obj
def iface_unbridge(shell: Shell, name: str, no_start: bool) -> None:
    interfaces = shell.host.interfaces
    bridge = _find(shell.host, name)
    xml = unbridged_xml(next_xml(bridge))
    if bridge.is_active():
        bridge.destroy()
    bridge.undefine()
    made = interfaces.define(xml)
    if not no_start:
        made.start()
    finish(shell, INTERFACE, made, f"is a port of {bridge.name} no more{'' if no_start else ', and started'}")


# What belongs to the device itself; the rest is said of the bridge that it becomes a port of.
_OF_THE_DEVICE = ("mac", "link", "bond", "vlan")


def bridge_xml(xml: str, name: str, stp: bool, delay: int) -> str:
    """The definition of a bridge that takes over an interface's. Raises InvalidArgument for what is a bridge."""
    root = ElementTree.fromstring(xml)
    kind = root.get("type") or ""
    if kind == "bridge":
        raise InvalidArgument(f"'{root.get('name')}' is a bridge already")
    bridge = ElementTree.Element("interface", {"type": "bridge", "name": name})
    bridge.extend(child for child in root if child.tag not in _OF_THE_DEVICE)
    ports = ElementTree.SubElement(bridge, "bridge", {"stp": "on" if stp else "off", "delay": str(delay)})
    port = ElementTree.SubElement(ports, "interface", {"type": kind, "name": root.get("name") or ""})
    port.extend(child for child in root if child.tag in _OF_THE_DEVICE)
    return ElementTree.tostring(bridge, encoding="unicode")


def unbridged_xml(xml: str) -> str:
    """The definition of the only port of a bridge, with what was said of the bridge.

    Raises InvalidArgument for what is no bridge, or one with other than one port.
    """
    root = ElementTree.fromstring(xml)
    ports = root.findall("bridge/interface")
    if root.get("type") != "bridge":
        raise InvalidArgument(f"'{root.get('name')}' is no bridge")
    if len(ports) != 1:
        raise InvalidArgument(f"'{root.get('name')}' has {len(ports)} ports, expected one")
    port = ports[0]
    kept = [child for child in root if child.tag != "bridge"]
    for place, child in enumerate(kept):
        port.insert(place, child)
    return ElementTree.tostring(port, encoding="unicode")


COMMANDS = {
    one.name: one
    for one in (
        _stepping(
            "iface-begin", lambda interfaces: interfaces.begin_changes(), "changes can be taken back from now on"
        ),
        _stepping("iface-commit", lambda interfaces: interfaces.commit_changes(), "changes stay"),
        _stepping("iface-rollback", lambda interfaces: interfaces.rollback_changes(), "changes are taken back"),
        acting("iface-destroy", INTERFACE, "destroyed", Interface.destroy),
        acting("iface-start", INTERFACE, "started", Interface.start),
        acting("iface-undefine", INTERFACE, "undefined", Interface.undefine),
        defining(
            "iface-define", INTERFACE, "defined", lambda host, xml, **how: host.interfaces.define(xml, **how), VALIDATE
        ),
        dumping("iface-dumpxml", INTERFACE, Interface.xml, inactive("Its configuration.")),
        editing(
            "iface-edit",
            INTERFACE,
            next_xml,
            lambda host, xml: host.interfaces.define(xml),
        ),
        iface_bridge,
        iface_list,
        iface_mac,
        iface_name,
        iface_unbridge,
    )
}
