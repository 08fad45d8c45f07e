"""A domain's network interfaces: domiflist, domifstat, domifaddr, domif-getlink, domif-setlink, domiftune."""

from __future__ import annotations

from dataclasses import asdict

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_tuning import DomainInterfaceAddressesSource as Source
from ....wire.errors import InvalidArgument
from ....wire.table.structs import GuestInterface
from ..declaring import command, data, domain
from ..render import Table, Text
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell, tell_values
from .devices_of import attribute, nic_of, nics_in, parsed, xml_of

_FIGURES = {
    "rx_bytes": "received_bytes",
    "rx_packets": "received_packets",
    "rx_errs": "receive_errors",
    "rx_drop": "receive_drops",
    "tx_bytes": "sent_bytes",
    "tx_packets": "sent_packets",
    "tx_errs": "send_errors",
    "tx_drop": "send_drops",
}
_FAMILIES = {0: "ipv4", 1: "ipv6"}


@command("domiflist")
@domain()
@click.option("--inactive", is_flag=True, help="Those of the next start.")
@click.pass_obj
def domiflist(shell: Shell, name: str, inactive: bool) -> None:
    chosen = shell.domain(name)
    nics = nics_in(parsed(chosen, inactive))
    rows = [(nic.target or "-", nic.type, nic.source or "-", nic.model or "-", nic.mac or "-") for nic in nics]
    as_data = [
        {"interface": nic.target, "type": nic.type, "source": nic.source, "model": nic.model, "mac": nic.mac}
        for nic in nics
    ]
    view = Table(("Interface", "Type", "Source", "Model", "MAC"), rows)
    tell(shell, chosen, {"interfaces": as_data}, view)


@command("domifstat")
@domain(applies=Flags.ACTIVE)
@data("interface", help="Its target or MAC address.", needed=True)
@click.pass_obj
def domifstat(shell: Shell, name: str, interface: str) -> None:
    chosen = shell.domain(name)
    stats = asdict(chosen.nics[interface].stats())
    values = {word: stats[key] for word, key in _FIGURES.items() if stats[key] >= 0}
    tell_values(shell, chosen, values, [f"{interface} {word} {value}" for word, value in values.items()])


@command("domifaddr")
@domain(applies=Flags.ACTIVE)
@data("interface", help="Of that one only.")
@click.option("--full", is_flag=True, help="Name and MAC address on each line.")
@data("source", click.Choice([source.name.lower() for source in Source]), "Who is asked; lease by default.",
      metavar="SOURCE")  # fmt: skip
@click.pass_obj
def domifaddr(shell: Shell, name: str, interface: str | None, full: bool, source: str | None) -> None:
    chosen = shell.domain(name)
    found = chosen.nics.addresses(Source[(source or "lease").upper()])
    fitting = [nic for nic in found if interface in (None, nic.name)]
    header = f" {'Name':<10} {'MAC address':<20} {'Protocol':<12} Address"
    rule = "-" * 79
    lines = [line for nic in fitting for line in _address_lines(nic, full)]
    as_data = [
        {
            "name": nic.name,
            "mac": nic.hwaddr,
            "addresses": [
                {"family": _FAMILIES.get(one.type, ""), "address": one.addr, "prefix": one.prefix} for one in nic.addrs
            ],
        }
        for nic in fitting
    ]
    tell(
        shell,
        chosen,
        {"interfaces": as_data},
        Text("\n".join(lines if shell.options.quiet else [header, rule, *lines])),
    )


def _address_lines(nic: GuestInterface, full: bool) -> list[str]:
    """A line for each address; after the first, dashes stand for name and MAC address."""
    who = f" {nic.name:<10} {nic.hwaddr or 'N/A':<17}"
    if not nic.addrs:
        return [f"{who}    {'N/A':<12} N/A"]
    again = who if full else f" {'-':<10} {'-':<17}"
    return [
        f"{who if number == 0 else again}    {_FAMILIES.get(one.type, ''):<12} {one.addr}/{one.prefix}"
        for number, one in enumerate(nic.addrs)
    ]


@command("domif-getlink")
@domain()
@data("interface", help="Its target or MAC address.", needed=True)
@click.option("--config", is_flag=True, help="In what the next start uses.")
@click.pass_obj
def domif_getlink(shell: Shell, name: str, interface: str, config: bool) -> None:
    chosen = shell.domain(name)
    nic = nic_of(parsed(chosen, config), interface)
    state = attribute(nic.element, "link", "state") or "up"
    tell(shell, chosen, {"interface": interface, "link": state}, Text(f"{interface} {state}", spaced=False))


@command("domif-setlink")
@domain()
@data("interface", help="Its target or MAC address.", needed=True)
@data("state", click.Choice(["up", "down"]), "Up or down.", needed=True, metavar="STATE")
@click.option("--config", is_flag=True, help="In what the next start uses.")
@click.option("--print-xml", is_flag=True, help="Print the interface's XML, change nothing.")
@click.pass_obj
def domif_setlink(shell: Shell, name: str, interface: str, state: str, config: bool, print_xml: bool) -> None:
    from xml.etree.ElementTree import SubElement

    chosen = shell.domain(name)
    # What is not running has nothing but what its next start uses.
    config = config or not chosen.is_active()
    element = nic_of(parsed(chosen, config), interface).element
    link = element.find("link")
    (SubElement(element, "link") if link is None else link).set("state", state)
    xml = xml_of(element)
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml, spaced=False))
        return
    chosen.devices.update(xml, live=not config, config=config)
    finish(shell, chosen, f"link of {interface} is {state}")


@command("domiftune")
@domain()
@data("interface", help="Its target or MAC address.", needed=True)
@data("inbound", help="AVERAGE[,PEAK[,BURST[,FLOOR]]] in KiB/s and KiB.")
@data("outbound", help="AVERAGE[,PEAK[,BURST]].")
@affecting()
@click.pass_obj
def domiftune(
    shell: Shell, name: str, interface: str, inbound: str | None, outbound: str | None, impact: Impact
) -> None:
    chosen = shell.domain(name)
    nic = chosen.nics[interface]
    wanted = {**bandwidth("inbound", inbound), **bandwidth("outbound", outbound)}
    if wanted:
        nic.set_parameters(wanted, **impact)
        finish(shell, chosen, f"limits of {interface} set")
    else:
        tell_values(shell, chosen, nic.parameters(**impact))


def bandwidth(way: str, text: str | None) -> dict[str, int]:
    """The parameters that ``AVERAGE,PEAK,BURST,FLOOR`` stands for; what is left empty is not among them."""
    if text is None:
        return {}
    parts = text.split(",")
    names = ("average", "peak", "burst", "floor") if way == "inbound" else ("average", "peak", "burst")
    if len(parts) > len(names) or not all(part.isdecimal() for part in parts if part) or not parts[0]:
        raise InvalidArgument(f"'{text}' is no {way} bandwidth", hint=f"write it as {','.join(names).upper()}")
    return {f"{way}.{name}": int(part) for name, part in zip(names, parts, strict=False) if part}


COMMANDS = {one.name: one for one in (domif_getlink, domif_setlink, domifaddr, domiflist, domifstat, domiftune)}
