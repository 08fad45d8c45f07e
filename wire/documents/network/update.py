"""Changing one entry of a network's definition, as virNetworkUpdate does.

A section of the definition is a list of entries, and a command adds one to it, deletes or replaces one. What differs by
section stands in ``SECTIONS``: where the list is, which entries clash with a new one, which one is meant by a partial
one, and libvirt's words for what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ...enums.error import ErrorDomain, ErrorNumber
from ...enums.network import NetworkUpdateCommand as Command
from ...enums.network import NetworkUpdateSection
from ...errors import NotSupported, OperationInvalid, VirtError
from ..reader import read_document
from .definition import Forward, ForwardInterface, NetworkDefinition, PortGroup
from .ip import DHCP, DNS, DHCPHost, DHCPRange, DNSHost, DNSService, DNSText, NetworkAddress
from .validate import check_group, check_host, check_interface, check_record, complete_network

# Sections that libvirt names but does not change.
_FIXED = {
    NetworkUpdateSection.BRIDGE: "bridge",
    NetworkUpdateSection.DOMAIN: "domain",
    NetworkUpdateSection.IP: "ip",
    NetworkUpdateSection.FORWARD: "forward",
    NetworkUpdateSection.FORWARD_PF: "forward pf",
}
_COMMANDS = (Command.MODIFY, Command.DELETE, Command.ADD_LAST, Command.ADD_FIRST)


@dataclass(frozen=True, slots=True)
class Place:
    """A list of entries in a definition, and how a definition with another list is made."""

    entries: tuple[Any, ...]
    put: Callable[[tuple[Any, ...]], NetworkDefinition]
    address: NetworkAddress | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The rules of one section.

    ``clashes(old, new)``: an entry in the way of a new one. ``meant(old, given)``: the entry that a deletion is about.
    ``replaces``: the entry that a modification is about, None where there is no modifying (``fixed`` says so). The
    texts are formatted with ``entry``, its fields, and ``network``.
    """

    tag: str
    cls: type
    find: Callable[[NetworkDefinition, int, Any], Place]
    clashes: Callable[[Any, Any], bool]
    meant: Callable[[Any, Any], bool]
    exists: str
    absent: str
    fixed: str = ""
    replaces: Callable[[Any, Any], bool] | None = None
    no_such: str = ""
    several: str = ""


def update_network(
    definition: NetworkDefinition, command: int, section: int, parent_index: int, xml: str, *, strict: bool = True
) -> NetworkDefinition:
    """The definition after one command (virNetworkUpdateCommand) on a section (virNetworkUpdateSection).

    ``parent_index`` is the number of the `<ip>` that a DHCP entry is about, -1 for the first that fits. Raises XMLError
    for an entry that cannot be, OperationInvalid for one that is there already or is not there, NotSupported for
    commands and sections that are not updated.
    """
    try:
        return _update(definition, command, section, parent_index, xml, strict=strict)
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.NETWORK
        raise


def _update(
    definition: NetworkDefinition, command: int, number: int, parent_index: int, xml: str, *, strict: bool
) -> NetworkDefinition:
    section = SECTIONS.get(number)
    if section is None:
        raise _unsupported(_cannot_update(definition, number))
    entry = read_document(xml, section.tag, section.cls, strict=strict)
    place = section.find(definition, parent_index, entry)
    if command == Command.MODIFY and section.replaces is None:
        raise _unsupported(section.fixed)
    _check_entry(definition.name, entry, place, partial=command == Command.DELETE)
    if command not in _COMMANDS:
        raise _unsupported(f"unrecognized network update command code {command}")
    words = _Words(section, entry, definition.name)
    if command == Command.MODIFY:
        entries = _modified(section, place.entries, entry, words)
    elif command == Command.DELETE:
        entries = _without(section, place.entries, entry, words)
    else:
        entries = _with(section, place.entries, entry, words, first=command == Command.ADD_FIRST)
    return complete_network(place.put(entries))


def _check_entry(network: str, entry: Any, place: Place, *, partial: bool) -> None:
    """Refuse an entry that lacks something; one that is to be deleted need not be whole."""
    match entry:
        case DHCPHost() if place.address is not None:
            check_host(network, place.address, entry, partial=partial)
        case PortGroup():
            check_group(entry)
        case ForwardInterface():
            check_interface(entry)
        case DNSText() | DNSService() | DNSHost() if not partial:
            check_record(network, entry)


@dataclass(frozen=True, slots=True)
class _Words:
    """The errors of one update."""

    section: Section
    entry: Any
    network: str

    def refuse(self, text: str) -> OperationInvalid:
        given = {each.name: getattr(self.entry, each.name) for each in fields(self.entry)}
        return OperationInvalid(text.format(network=self.network, **given), object=self.network)


def _modified(section: Section, entries: tuple[Any, ...], entry: Any, words: _Words) -> tuple[Any, ...]:
    assert section.replaces is not None, "what cannot be modified was refused before"
    for at, old in enumerate(entries):
        if section.replaces(old, entry):
            return (*entries[:at], entry, *entries[at + 1 :])
    raise words.refuse(section.no_such)


def _without(section: Section, entries: tuple[Any, ...], entry: Any, words: _Words) -> tuple[Any, ...]:
    found = [at for at, old in enumerate(entries) if section.meant(old, entry)]
    if not found:
        raise words.refuse(section.absent)
    if len(found) > 1 and section.several:
        raise words.refuse(section.several)
    return (*entries[: found[0]], *entries[found[0] + 1 :])


def _with(section: Section, entries: tuple[Any, ...], entry: Any, words: _Words, *, first: bool) -> tuple[Any, ...]:
    if any(section.clashes(old, entry) for old in entries):
        raise words.refuse(section.exists)
    if isinstance(entry, PortGroup):
        _check_default(entries, entry, words)
    return (entry, *entries) if first else (*entries, entry)


def _check_default(entries: Sequence[PortGroup], entry: PortGroup, words: _Words) -> None:
    if entry.default and any(old.default for old in entries):
        raise words.refuse(
            "a different portgroup entry in network '{network}' is already set as the default. "
            "Only one default is allowed."
        )


def _unsupported(text: str) -> NotSupported:
    return NotSupported(text, code=ErrorNumber.OPERATION_UNSUPPORTED)


def _cannot_update(definition: NetworkDefinition, number: int) -> str:
    name = _FIXED.get(number)  # type: ignore[arg-type]
    if name is None:
        return "can't update unrecognized section of network"
    return f"can't update '{name}' section of network '{definition.name}'"


# -- where the lists are -----------------------------------------------------------------------------------------------


def _dhcp_place(field: str) -> Callable[[NetworkDefinition, int, Any], Place]:
    def find(definition: NetworkDefinition, index: int, entry: Any) -> Place:
        at = _address_at(definition, index)
        address = definition.addresses[at]
        dhcp = address.dhcp or DHCP()

        def put(entries: tuple[Any, ...]) -> NetworkDefinition:
            new = replace(address, dhcp=_or_none(replace(dhcp, **{field: entries}), DHCP()))
            addresses = (*definition.addresses[:at], new, *definition.addresses[at + 1 :])
            return replace(definition, addresses=addresses)

        return Place(getattr(dhcp, field), put, address)

    return find


def _address_at(definition: NetworkDefinition, index: int) -> int:
    """Which address an entry is about: the one that is named, else the first with DHCP, else the first of IPv4."""
    addresses = definition.addresses
    cannot = "couldn't update dhcp host entry - no <ip> element found"
    if index >= 0:
        if index >= len(addresses):
            raise OperationInvalid(f"{cannot} at index {index} in network '{definition.name}'")
        _check_only_dhcp(definition, index)
        return index
    with_dhcp = [at for at, address in enumerate(addresses) if address.dhcp is not None]
    of_ipv4 = [at for at, address in enumerate(addresses) if not address.ipv6]
    for found in (*with_dhcp, *of_ipv4, *range(len(addresses))):
        return found
    raise OperationInvalid(f"{cannot} in network '{definition.name}'")


def _check_only_dhcp(definition: NetworkDefinition, index: int) -> None:
    family = definition.addresses[index].ipv6
    for at, address in enumerate(definition.addresses):
        if at != index and address.ipv6 == family and address.dhcp is not None:
            kind = "IPv6" if family else "IPv4"
            raise OperationInvalid(f"dhcp is supported only for a single {kind} address on each network")


def _dns_place(field: str) -> Callable[[NetworkDefinition, int, Any], Place]:
    def find(definition: NetworkDefinition, index: int, entry: Any) -> Place:
        dns = definition.dns or DNS()

        def put(entries: tuple[Any, ...]) -> NetworkDefinition:
            return replace(definition, dns=_or_none(replace(dns, **{field: entries}), DNS()))

        return Place(getattr(dns, field), put)

    return find


def _or_none(value: Any, empty: Any) -> Any:
    return None if value == empty else value


def _interfaces(definition: NetworkDefinition, index: int, entry: Any) -> Place:
    forward = definition.forward

    def put(entries: tuple[Any, ...]) -> NetworkDefinition:
        # An isolated network has nowhere to forward to, and libvirt keeps no interface for it.
        if forward is None:
            return definition
        return replace(definition, forward=replace(forward, dev=None, interfaces=entries))

    return Place((forward or Forward()).interfaces, put)


def _port_groups(definition: NetworkDefinition, index: int, entry: Any) -> Place:
    return Place(definition.port_groups, lambda entries: replace(definition, port_groups=entries))


# -- which entries are meant -------------------------------------------------------------------------------------------


def _any_same(*names: str) -> Callable[[Any, Any], bool]:
    """Whether two entries share one of these fields."""
    return lambda old, new: any((value := getattr(new, name)) and getattr(old, name) == value for name in names)


def _all_given(*names: str) -> Callable[[Any, Any], bool]:
    """Whether an entry has all that is given of these fields."""
    return lambda old, given: all(
        (value := getattr(given, name)) is None or getattr(old, name) == value for name in names
    )


def _dns_host_meant(old: DNSHost, given: DNSHost) -> bool:
    return (given.ip is not None and old.ip == given.ip) or bool({*old.hostnames} & {*given.hostnames})


_HOST = ("id", "mac", "name", "ip")
_SERVICE = tuple(each.name for each in fields(DNSService))
_EXISTING = "there is an existing {} entry in network '{{network}}' that matches \"<{}>\""

SECTIONS: dict[int, Section] = {
    NetworkUpdateSection.IP_DHCP_HOST: Section(
        "host",
        DHCPHost,
        _dhcp_place("hosts"),
        clashes=_any_same(*_HOST),
        meant=_all_given(*_HOST),
        replaces=_any_same(*_HOST),
        exists=_EXISTING.format("dhcp host", "host mac='{mac}' name='{name}' ip='{ip}'/"),
        absent="couldn't locate a matching dhcp host entry in network '{network}'",
        no_such=(
            "couldn't locate an existing dhcp host entry with \"mac='{mac}'\" \"name='{name}'\" \"ip='{ip}'\" "
            "in network '{network}'"
        ),
    ),
    NetworkUpdateSection.IP_DHCP_RANGE: Section(
        "range",
        DHCPRange,
        _dhcp_place("ranges"),
        clashes=_all_given("start", "end"),
        meant=_all_given("start", "end"),
        exists=_EXISTING.format("dhcp range", "range start='{start}' end='{end}'/"),
        absent="couldn't locate a matching dhcp range entry in network '{network}'",
        fixed="dhcp ranges cannot be modified, only added or deleted",
    ),
    NetworkUpdateSection.FORWARD_INTERFACE: Section(
        "interface",
        ForwardInterface,
        _interfaces,
        clashes=_any_same("dev"),
        meant=_all_given("dev"),
        exists=_EXISTING.format("interface", "interface dev='{dev}'"),
        absent="couldn't find an interface entry in network '{network}' matching <interface dev='{dev}'>",
        fixed="forward interface entries cannot be modified, only added or deleted",
    ),
    NetworkUpdateSection.PORTGROUP: Section(
        "portgroup",
        PortGroup,
        _port_groups,
        clashes=_any_same("name"),
        meant=_any_same("name"),
        replaces=_any_same("name"),
        exists=_EXISTING.format("portgroup", "portgroup name='{name}'"),
        absent="couldn't find a portgroup entry in network '{network}' matching <portgroup name='{name}'>",
        no_such="couldn't find a portgroup entry in network '{network}' matching <portgroup name='{name}'>",
    ),
    NetworkUpdateSection.DNS_HOST: Section(
        "host",
        DNSHost,
        _dns_place("hosts"),
        # Several addresses may have one name.
        clashes=_any_same("ip"),
        meant=_dns_host_meant,
        exists="there is already at least one DNS HOST record with a matching field in network {network}",
        absent="couldn't locate a matching DNS HOST record in network {network}",
        several="multiple matching DNS HOST records were found in network {network}",
        fixed="DNS HOST records cannot be modified, only added or deleted",
    ),
    NetworkUpdateSection.DNS_TXT: Section(
        "txt",
        DNSText,
        _dns_place("texts"),
        clashes=_any_same("name"),
        meant=_any_same("name"),
        exists="there is already a DNS TXT record with name '{name}' in network {network}",
        absent="couldn't locate a matching DNS TXT record in network {network}",
        fixed="DNS TXT records cannot be modified, only added or deleted",
    ),
    NetworkUpdateSection.DNS_SRV: Section(
        "srv",
        DNSService,
        _dns_place("services"),
        clashes=_all_given(*_SERVICE),
        meant=_all_given(*_SERVICE),
        exists="there is already at least one DNS SRV record matching all specified fields in network {network}",
        absent="couldn't locate a matching DNS SRV record in network {network}",
        several="multiple DNS SRV records matching all specified fields were found in network {network}",
        fixed="DNS SRV records cannot be modified, only added or deleted",
    ),
}
