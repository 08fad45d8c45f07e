"""A network interface of the host: libvirt's `<interface>`, as netcf configures it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from ..enums.error import ErrorDomain
from ..errors import VirtError, XMLError
from .binding import At, Codec, Datatype, Lexical
from .reader import read_document
from .values import ON_OFF, YES_NO
from .writer import write_document

InterfaceType = Literal["ethernet", "bridge", "bond", "vlan"]
BondMode = Literal[
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"
]  # fmt: skip
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", re.ASCII)


def _hardware_address(text: str) -> str:
    if not _MAC.fullmatch(text):
        raise ValueError(text)
    return text


# The host's own, which libvirt keeps as it is written.
HARDWARE_ADDRESS = Codec(
    _hardware_address,
    str,
    "a MAC address like 52:54:00:12:34:56",
    Datatype("mac", forms=(Lexical(facets=(("pattern", _MAC.pattern),)),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the cable does; `speed` in Mbit/s."""

    speed: Annotated[int | None, At("@speed")] = None
    state: Annotated[
        Literal["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] | None, At("@state")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceAddress:
    """One address; `prefix` in bits."""

    address: Annotated[str, At("@address")]
    prefix: Annotated[int | None, At("@prefix")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dhcp:
    """The address is asked for."""

    peerdns: Annotated[bool | None, At("@peerdns", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How the interface gets its addresses of one family."""

    family: Annotated[Literal["ipv4", "ipv6"], At("@family")]
    autoconf: Annotated[bool, At("autoconf")] = False
    dhcp: Annotated[Dhcp | None, At("dhcp")] = None
    addresses: Annotated[tuple[InterfaceAddress, ...], At("ip")] = ()
    gateway: Annotated[str | None, At("route/@gateway")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceVlan:
    """A VLAN on another interface, which it names."""

    tag: Annotated[str, At("@tag")]
    interface: Annotated[str | None, At("interface/@name")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BondMember:
    """An interface that a bond is made of."""

    type: Annotated[Literal["ethernet"], At("@type")] = "ethernet"
    name: Annotated[str, At("@name")]
    link: Annotated[Link | None, At("link")] = None
    mac: Annotated[str | None, At("mac/@address", HARDWARE_ADDRESS)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MiiMonitor:
    """The members' links are watched; times in milliseconds."""

    frequency: Annotated[int, At("@freq")]
    downdelay: Annotated[int | None, At("@downdelay")] = None
    updelay: Annotated[int | None, At("@updelay")] = None
    carrier: Annotated[Literal["ioctl", "netif"] | None, At("@carrier")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpMonitor:
    """The members' peers are asked; `interval` in milliseconds."""

    interval: Annotated[int, At("@interval")]
    target: Annotated[str, At("@target")]
    validate: Annotated[Literal["none", "active", "backup", "all"] | None, At("@validate")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """Interfaces that act as one."""

    mode: Annotated[BondMode | None, At("@mode")] = None
    miimon: Annotated[MiiMonitor | None, At("miimon")] = None
    arpmon: Annotated[ArpMonitor | None, At("arpmon")] = None
    interfaces: Annotated[tuple[BondMember, ...], At("interface")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeMember:
    """An interface that is attached to a bridge."""

    type: Annotated[Literal["ethernet", "bond", "vlan"], At("@type")] = "ethernet"
    name: Annotated[str, At("@name")]
    link: Annotated[Link | None, At("link")] = None
    mac: Annotated[str | None, At("mac/@address", HARDWARE_ADDRESS)] = None
    bond: Annotated[Bond | None, At("bond")] = None
    vlan: Annotated[InterfaceVlan | None, At("vlan")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceBridge:
    """A bridge and what is attached to it; `delay` is seconds as they were written (`0.01`)."""

    stp: Annotated[bool | None, At("@stp", ON_OFF)] = None
    delay: Annotated[str | None, At("@delay")] = None
    interfaces: Annotated[tuple[BridgeMember, ...], At("interface")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceDefinition:
    """A network interface of the host; which of `bridge`, `bond` and `vlan` it has follows from its type."""

    type: Annotated[InterfaceType, At("@type")]
    name: Annotated[str | None, At("@name")] = None
    start: Annotated[Literal["none", "onboot", "hotplug"] | None, At("start/@mode")] = None
    mtu: Annotated[int | None, At("mtu/@size")] = None
    protocols: Annotated[tuple[Protocol, ...], At("protocol")] = ()
    bridge: Annotated[InterfaceBridge | None, At("bridge")] = None
    bond: Annotated[Bond | None, At("bond")] = None
    vlan: Annotated[InterfaceVlan | None, At("vlan")] = None
    link: Annotated[Link | None, At("link")] = None
    mac: Annotated[str | None, At("mac/@address", HARDWARE_ADDRESS)] = None


def parse_interface(text: str, *, strict: bool = True) -> InterfaceDefinition:
    """The definition that an `<interface>` document gives. Answers to virInterfaceDefineXML's argument.

    Raises XMLError (malformed, incomplete or impossible; `line` is set) and, where ``strict``, UnsupportedConfig (what
    virtactor does not do, named with its place).
    """
    try:
        definition = read_document(text, "interface", InterfaceDefinition, strict=strict)
        _check(definition)
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.INTERFACE
        raise
    return definition


def format_interface(definition: InterfaceDefinition) -> str:
    """The `<interface>` document of a definition. Answers to virInterfaceGetXMLDesc."""
    return write_document(definition, "interface")


def _check(definition: InterfaceDefinition) -> None:
    if not definition.name:
        raise XMLError("interface has no name")
    _check_kind(definition)
    for member in definition.bridge.interfaces if definition.bridge is not None else ():
        _check_kind(member)


def _check_kind(interface: InterfaceDefinition | BridgeMember) -> None:
    if interface.type != "ethernet" and getattr(interface, interface.type) is None:
        raise XMLError(f"{interface.type} interface misses the {interface.type} element")
    if interface.vlan is not None and interface.vlan.interface is None:
        raise XMLError("vlan interface misses name attribute")
