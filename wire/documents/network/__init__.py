"""Virtual networks as values: libvirt's `<network>` document, and the changing of its entries."""

from .definition import (
    OWN_BRIDGE,
    Bandwidth,
    Bridge,
    DNSDomain,
    Forward,
    ForwardInterface,
    Nat,
    NetworkDefinition,
    PortGroup,
    VirtualPort,
    Vlan,
)
from .document import format_network, parse_network
from .ip import DHCP, DNS, DHCPHost, DHCPRange, DNSHost, DNSService, DNSText, NetworkAddress, Route
from .update import update_network
from .validate import complete_network, validate_network

__all__ = [
    "DHCP",
    "DNS",
    "OWN_BRIDGE",
    "Bandwidth",
    "Bridge",
    "DHCPHost",
    "DHCPRange",
    "DNSDomain",
    "DNSHost",
    "DNSService",
    "DNSText",
    "Forward",
    "ForwardInterface",
    "Nat",
    "NetworkAddress",
    "NetworkDefinition",
    "PortGroup",
    "Route",
    "VirtualPort",
    "Vlan",
    "complete_network",
    "format_network",
    "parse_network",
    "update_network",
    "validate_network",
]
