"""What a network's definition must be beyond its elements, and what it says without being told."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...enums.error import ErrorNumber
from ...errors import InternalError, UnsupportedConfig, XMLError
from .definition import OWN_BRIDGE, Bridge, Forward, ForwardInterface, NetworkDefinition, PortGroup
from .ip import DNS, DHCPHost, DHCPRange, DNSHost, DNSService, DNSText, NetworkAddress, Route

# What a mode needs or refuses, as libvirt has it.
_NEEDS_ADDRESS = ("nat", "route", "open")
_ONE_INTERFACE = ("nat", "route")
_BRIDGED = (*OWN_BRIDGE, "bridge")


def complete_network(definition: NetworkDefinition) -> NetworkDefinition:
    """A definition with what it says without being told: the bridge's spanning tree, the forward's device.

    Raises XMLError and UnsupportedConfig for one that cannot be.
    """
    validate_network(definition)
    if definition.mode in OWN_BRIDGE:
        bridge = definition.bridge or Bridge()
        stp = True if bridge.stp is None else bridge.stp
        definition = replace(definition, bridge=replace(bridge, stp=stp, delay=bridge.delay or 0))
    if definition.forward is not None:
        definition = replace(definition, forward=_complete_forward(definition.forward))
    return definition


def _complete_forward(forward: Forward) -> Forward:
    if forward.interfaces:
        forward = replace(forward, dev=forward.interfaces[0].dev)
    elif forward.dev is not None:
        forward = replace(forward, interfaces=(ForwardInterface(dev=forward.dev),))
    if forward.mode == "hostdev" and forward.managed is None:
        forward = replace(forward, managed=False)
    return forward


def validate_network(definition: NetworkDefinition) -> None:
    """Raises XMLError, UnsupportedConfig and InternalError (as libvirt does for DHCP ranges) for what cannot be."""
    _check_forward(definition)
    _check_bridge(definition)
    for address in definition.addresses:
        _check_address(definition.name, address, address.address, address.netmask, address.prefix)
        _check_dhcp(definition.name, address)
    for route in definition.routes:
        _check_route(definition, route)
    if definition.dns is not None:
        _check_dns(definition.name, definition.dns)
    for group in definition.port_groups:
        check_group(group)
    for vlan in filter(None, (definition.vlan, *(group.vlan for group in definition.port_groups))):
        if not vlan.tags:
            raise XMLError("missing tag id - each <vlan> must have at least one <tag id='n'/> subelement")


def check_group(group: PortGroup) -> None:
    if not group.name:
        raise XMLError("Missing required name attribute in portgroup")


def check_interface(interface: ForwardInterface) -> None:
    if not interface.dev:
        raise XMLError("missing dev attribute in <interface> element")


def _check_forward(definition: NetworkDefinition) -> None:
    forward, name = definition.forward, definition.name
    if forward is None:
        return
    for interface in forward.interfaces:
        check_interface(interface)
    if forward.mode in _NEEDS_ADDRESS and not definition.addresses:
        raise XMLError(f"{forward.mode} forwarding requested, but no IP address provided for network '{name}'")
    if forward.mode in _ONE_INTERFACE and len(forward.interfaces) > 1:
        raise XMLError(f"multiple forwarding interfaces specified for network '{name}', only one is supported")


def _check_bridge(definition: NetworkDefinition) -> None:
    bridge, mode, name = definition.bridge, definition.mode, definition.name
    if bridge is None:
        return
    if mode not in _BRIDGED and bridge.name is not None:
        raise XMLError(f"bridge name not allowed in {mode} mode (network '{name}')")
    if mode not in OWN_BRIDGE and (bridge.stp, bridge.delay, bridge.zone) != (None, None, None):
        raise XMLError(
            "bridge delay/stp/zone options only allowed in route, nat, and isolated mode, "
            f"not in {mode} (network '{name}')"
        )
    forward = definition.forward
    if mode == "bridge" and bridge.name and forward is not None and (forward.dev or forward.interfaces):
        raise XMLError(
            "A network with forward mode='bridge' can specify a bridge name or a forward dev, "
            f"but not both (network '{name}')"
        )


def _check_address(
    name: str, holder: NetworkAddress | Route, address: str, netmask: str | None, prefix: int | None
) -> None:
    version = ipaddress.ip_address(address).version
    if holder.family is None and version != 4:
        raise UnsupportedConfig(f"no family specified for non-IPv4 address '{address}' in network '{name}'")
    if holder.family == "ipv4" and version != 4:
        raise UnsupportedConfig(f"Family 'ipv4' specified for non-IPv4 address '{address}' in network '{name}'")
    if holder.family == "ipv6" and version != 6:
        raise UnsupportedConfig(f"Family 'ipv6' specified for non-IPv6 address '{address}' in network '{name}'")
    if netmask is not None and version == 6:
        raise UnsupportedConfig(f"netmask not allowed for IPv6 address '{address}' in network '{name}'")
    if netmask is not None and prefix is not None:
        raise UnsupportedConfig(f"Network '{name}' IP address cannot have both a prefix and a netmask")
    if prefix is not None and prefix > (32 if version == 4 else 128):
        raise UnsupportedConfig(f"Invalid IPv{version} prefix '{prefix}' in network '{name}'")
    if netmask is not None:
        try:
            ipaddress.ip_network(f"{address}/{netmask}", strict=False)
        except ValueError:
            raise UnsupportedConfig(
                f"network '{name}' has invalid netmask '{netmask}' for address '{address}'"
            ) from None


def _check_route(definition: NetworkDefinition, route: Route) -> None:
    name = definition.name
    _check_address(name, route, route.address, route.netmask, route.prefix)
    if route.gateway is None:
        raise XMLError(f"{name}: Missing required gateway attribute in route definition")
    gateway = ipaddress.ip_address(route.gateway)
    if not any(gateway in address.network() for address in definition.addresses):
        raise UnsupportedConfig(f"unreachable static route gateway '{route.gateway}' specified for network '{name}'")


def _check_dhcp(name: str, address: NetworkAddress) -> None:
    if address.dhcp is None:
        return
    for each in address.dhcp.ranges:
        _check_range(name, address, each)
    for host in address.dhcp.hosts:
        check_host(name, address, host)


def _check_range(name: str, address: NetworkAddress, each: DHCPRange) -> None:
    if each.start is None or each.end is None:
        missing = "start" if each.start is None else "end"
        raise XMLError(f"Missing '{missing}' attribute in dhcp range for network '{name}'")
    start, end = ipaddress.ip_address(each.start), ipaddress.ip_address(each.end)
    network = address.network()
    shown = f"range {each.start} - {each.end}"
    # libvirt reports these two as internal errors.
    if not (start in network and end in network):
        raise InternalError(f"{shown} is not entirely within network {address.address}/{network.prefixlen}")
    if int(end) < int(start):
        raise InternalError(f"{shown} is reversed ")


def check_host(name: str, address: NetworkAddress, host: DHCPHost, *, partial: bool = False) -> None:
    """Refuse a fixed address that names no guest; ``partial`` lets one be without an address, to be deleted."""
    if address.ipv6:
        if host.mac is not None:
            raise XMLError(
                f"Invalid to specify MAC address '{host.mac}' in network '{name}' IPv6 static host definition"
            )
    elif host.id is not None:
        raise XMLError(f"Invalid to specify id '{host.id}' in network '{name}' IPv4 static host definition")
    if partial:
        return
    if not (host.mac or host.name or host.id):
        known_by = "name or id" if address.ipv6 else "mac or name"
        kind = "IPv6" if address.ipv6 else "IPv4"
        raise XMLError(f"Static host definition in {kind} network '{name}' must have {known_by} attribute")
    if host.ip is None:
        raise XMLError(f"Missing IP address in static host definition for network '{name}'")


def _check_dns(name: str, dns: DNS) -> None:
    if any(not (each.address or each.domain) for each in dns.forwarders):
        raise XMLError("Invalid forwarder element, must contain at least one of addr or domain")
    for entry in (*dns.texts, *dns.services, *dns.hosts):
        check_record(name, entry)


def check_record(name: str, entry: DNSText | DNSService | DNSHost) -> None:
    """Refuse a DNS record that lacks something."""
    complaint = _COMPLAINTS[type(entry)](entry, name)
    if complaint is not None:
        raise XMLError(complaint, code=ErrorNumber.XML_DETAIL)


def _of_text(text: DNSText, network: str) -> str | None:
    if not text.name:
        return f"missing required name attribute in DNS TXT record of network {network}"
    if " " in text.name or "," in text.name:
        return f"prohibited character in DNS TXT record name '{text.name}' of network {network}"
    if not text.value:
        return f"missing required value attribute in DNS TXT record named '{text.name}' of network {network}"
    return None


def _of_service(service: DNSService, network: str) -> str | None:
    if not service.service:
        return f"missing required service attribute in DNS SRV record of network '{network}'"
    if not service.protocol:
        return f"missing required protocol attribute in DNS SRV record '{service.service}' of network '{network}'"
    return None


def _of_host(host: DNSHost, network: str) -> str | None:
    if host.ip is None:
        return f"Missing IP address in network '{network}' DNS HOST record"
    if not host.hostnames:
        return f"Missing hostname in network '{network}' DNS HOST record"
    return None


_COMPLAINTS: dict[type, Callable[[Any, str], str | None]] = {
    DNSText: _of_text,
    DNSService: _of_service,
    DNSHost: _of_host,
}
