"""A virtual network's definition: libvirt's `<network>`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At, Codec, Datatype, Lexical, Verbatim
from ..values import HEX2, HEX4, MAC, NAME, ON_OFF, SLOT, UUID, YES_NO, hexadecimal
from .ip import ADDRESS, DNS, NetworkAddress, Route

ForwardMode = Literal["nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"]
# Modes in which libvirt's bridge is the network's own.
OWN_BRIDGE = (None, "nat", "route", "open")
VLAN_MAX = 4095
_DIGITS = re.compile("[0-9]{1,20}", re.ASCII)


def _vlan(text: str) -> int:
    if not _DIGITS.fullmatch(text) or (number := int(text)) > VLAN_MAX:
        raise ValueError(text)
    return number


VLAN_ID = Codec(
    _vlan,
    str,
    f"a number of at most {VLAN_MAX}",
    Datatype("vlan", forms=(Lexical("unsignedLong", (("pattern", "[0-9]{1,20}"), ("maxInclusive", str(VLAN_MAX)))),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPool:
    """The addresses that guests' packets leave the host with."""

    start: Annotated[str, At("@start", ADDRESS)]
    end: Annotated[str, At("@end", ADDRESS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortPool:
    """The ports that guests' packets leave the host with."""

    start: Annotated[int, At("@start")]
    end: Annotated[int, At("@end")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nat:
    """How addresses are translated."""

    ipv6: Annotated[bool | None, At("@ipv6", YES_NO)] = None
    address: Annotated[AddressPool | None, At("address")] = None
    port: Annotated[PortPool | None, At("port")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardInterface:
    """A device of the host that packets leave by; `connections` counts the guests that use it."""

    dev: Annotated[str | None, At("@dev")] = None
    connections: Annotated[int | None, At("@connections")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardAddress:
    """A PCI device that is given to a guest."""

    type: Annotated[Literal["pci"], At("@type")] = "pci"
    domain: Annotated[int, At("@domain", HEX4)] = 0
    bus: Annotated[int, At("@bus", HEX2)] = 0
    slot: Annotated[int, At("@slot", SLOT)] = 0
    function: Annotated[int, At("@function", hexadecimal(1, 7))] = 0
    connections: Annotated[int | None, At("@connections")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """How packets leave the network. `dev` is the first of the interfaces."""

    dev: Annotated[str | None, At("@dev")] = None
    mode: Annotated[ForwardMode, At("@mode")] = "nat"
    managed: Annotated[bool | None, At("@managed", YES_NO)] = None
    driver: Annotated[Literal["kvm", "vfio", "xen"] | None, At("driver/@name")] = None
    nat: Annotated[Nat | None, At("nat")] = None
    pf: Annotated[str | None, At("pf/@dev")] = None
    interfaces: Annotated[tuple[ForwardInterface, ...], At("interface")] = ()
    addresses: Annotated[tuple[ForwardAddress, ...], At("address")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The host's bridge; `delay` in seconds."""

    name: Annotated[str | None, At("@name")] = None
    zone: Annotated[str | None, At("@zone")] = None
    stp: Annotated[bool | None, At("@stp", ON_OFF)] = None
    delay: Annotated[int | None, At("@delay")] = None
    mac_table_manager: Annotated[Literal["kernel", "libvirt"] | None, At("@macTableManager")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DNSDomain:
    """The domain of the network's DNS names."""

    name: Annotated[str | None, At("@name")] = None
    local_only: Annotated[bool | None, At("@localOnly", YES_NO)] = None
    register: Annotated[bool | None, At("@register", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanTag:
    id: Annotated[int, At("@id", VLAN_ID)]
    native_mode: Annotated[Literal["tagged", "untagged"] | None, At("@nativeMode")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """The VLANs of guests' packets."""

    trunk: Annotated[bool | None, At("@trunk", YES_NO)] = None
    tags: Annotated[tuple[VlanTag, ...], At("tag")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPortParameters:
    managerid: Annotated[int | None, At("@managerid")] = None
    typeid: Annotated[int | None, At("@typeid")] = None
    typeidversion: Annotated[int | None, At("@typeidversion")] = None
    instanceid: Annotated[str | None, At("@instanceid", UUID)] = None
    interfaceid: Annotated[str | None, At("@interfaceid", UUID)] = None
    profileid: Annotated[str | None, At("@profileid")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPort:
    """What the switch beyond the host is told."""

    type: Annotated[Literal["openvswitch", "802.1Qbg", "802.1Qbh", "midonet"] | None, At("@type")] = None
    parameters: Annotated[VirtualPortParameters | None, At("parameters")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Limits of one direction: `average`, `peak` and `floor` in KiB/s, `burst` in KiB."""

    average: Annotated[int | None, At("@average")] = None
    peak: Annotated[int | None, At("@peak")] = None
    floor: Annotated[int | None, At("@floor")] = None
    burst: Annotated[int | None, At("@burst")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    inbound: Annotated[Rate | None, At("inbound")] = None
    outbound: Annotated[Rate | None, At("outbound")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortGroup:
    """Settings that a guest's interface asks for by name."""

    name: Annotated[str | None, At("@name")] = None
    default: Annotated[bool | None, At("@default", YES_NO)] = None
    trust_guest_rx_filters: Annotated[bool | None, At("@trustGuestRxFilters", YES_NO)] = None
    vlan: Annotated[Vlan | None, At("vlan")] = None
    virtual_port: Annotated[VirtualPort | None, At("virtualport")] = None
    bandwidth: Annotated[Bandwidth | None, At("bandwidth")] = None
    isolated: Annotated[bool | None, At("port/@isolated", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDefinition:
    """A virtual network. Without `forward` it is isolated. `connections` counts the guests of an active one."""

    connections: Annotated[int | None, At("@connections")] = None
    ipv6: Annotated[bool | None, At("@ipv6", YES_NO)] = None
    trust_guest_rx_filters: Annotated[bool | None, At("@trustGuestRxFilters", YES_NO)] = None
    name: Annotated[str, At("name", NAME)]
    uuid: Annotated[str | None, At("uuid", UUID)] = None
    title: Annotated[str | None, At("title")] = None
    description: Annotated[str | None, At("description")] = None
    metadata: Annotated[tuple[Verbatim, ...], At("metadata")] = ()
    forward: Annotated[Forward | None, At("forward")] = None
    bridge: Annotated[Bridge | None, At("bridge")] = None
    mtu: Annotated[int | None, At("mtu/@size")] = None
    mac: Annotated[str | None, At("mac/@address", MAC)] = None
    domain: Annotated[DNSDomain | None, At("domain")] = None
    dns: Annotated[DNS | None, At("dns")] = None
    vlan: Annotated[Vlan | None, At("vlan")] = None
    bandwidth: Annotated[Bandwidth | None, At("bandwidth")] = None
    isolated: Annotated[bool | None, At("port/@isolated", YES_NO)] = None
    addresses: Annotated[tuple[NetworkAddress, ...], At("ip")] = ()
    routes: Annotated[tuple[Route, ...], At("route")] = ()
    virtual_port: Annotated[VirtualPort | None, At("virtualport")] = None
    port_groups: Annotated[tuple[PortGroup, ...], At("portgroup")] = ()

    @property
    def mode(self) -> ForwardMode | None:
        """How packets leave the network; None for an isolated one."""
        return self.forward.mode if self.forward is not None else None
