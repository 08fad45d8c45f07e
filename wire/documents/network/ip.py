"""A network's addresses, DHCP, DNS and routes: libvirt's `<ip>`, `<dns>` and `<route>`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At, Codec, Datatype, Lexical
from ..values import MAC, YES_NO


def _address(text: str) -> str:
    ipaddress.ip_address(text)
    return text


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_GROUP = "[0-9a-fA-F]{1,4}"


def _ipv6() -> str:
    """A pattern of IPv6 addresses, which may end as an IPv4 address and may say of which interface they are."""
    forms = []
    for end, taken in (("", 0), (_IPV4, 2)):
        groups = 8 - taken
        last = f":{end}" if end else ""
        forms.append(f"{_GROUP}(:{_GROUP}){{{groups - 1}}}{last}")
        # "::" stands for one group of zeros or more.
        for before in range(groups):
            head = f"{_GROUP}(:{_GROUP}){{{before - 1}}}" if before else ""
            tail = f"({_GROUP}:){{0,{groups - before - 1}}}{end}" if end else _tail(groups - before - 1)
            forms.append(f"{head}::{tail}")
    return f"({'|'.join(forms)})(%[^%/]+)?"


def _tail(most: int) -> str:
    return f"({_GROUP}(:{_GROUP}){{0,{most - 1}}})?" if most else ""


ADDRESS = Codec(
    _address,
    str,
    "an IP address",
    Datatype("ipAddress", forms=(Lexical(facets=(("pattern", _IPV4),)), Lexical(facets=(("pattern", _ipv6()),)))),
)
Family = Literal["ipv4", "ipv6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """How long a DHCP lease lasts; 0 is for ever. The unit is minutes where none is given."""

    expiry: Annotated[int, At("@expiry")]
    unit: Annotated[Literal["seconds", "minutes", "hours"] | None, At("@unit")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCPRange:
    """Addresses that are leased, from the first to the last."""

    start: Annotated[str | None, At("@start", ADDRESS)] = None
    end: Annotated[str | None, At("@end", ADDRESS)] = None
    lease: Annotated[Lease | None, At("lease")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCPHost:
    """A guest whose address is fixed. It is known by its MAC or name, on IPv6 by its DUID (`id`) or name."""

    id: Annotated[str | None, At("@id")] = None
    mac: Annotated[str | None, At("@mac", MAC)] = None
    name: Annotated[str | None, At("@name")] = None
    ip: Annotated[str | None, At("@ip", ADDRESS)] = None
    lease: Annotated[Lease | None, At("lease")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootp:
    """What guests boot from the network."""

    file: Annotated[str, At("@file")]
    server: Annotated[str | None, At("@server")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP:
    """What the network's DHCP server hands out."""

    ranges: Annotated[tuple[DHCPRange, ...], At("range")] = ()
    hosts: Annotated[tuple[DHCPHost, ...], At("host")] = ()
    bootp: Annotated[Bootp | None, At("bootp")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAddress:
    """One address of the host in the network; `netmask` or `prefix` (bits) give the network, no family is IPv4."""

    family: Annotated[Family | None, At("@family")] = None
    address: Annotated[str, At("@address", ADDRESS)]
    netmask: Annotated[str | None, At("@netmask", ADDRESS)] = None
    prefix: Annotated[int | None, At("@prefix")] = None
    local_ptr: Annotated[bool | None, At("@localPtr", YES_NO)] = None
    tftp_root: Annotated[str | None, At("tftp/@root")] = None
    dhcp: Annotated[DHCP | None, At("dhcp")] = None

    @property
    def ipv6(self) -> bool:
        return self.family == "ipv6"

    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network that it is in. Raises ValueError where mask or prefix do not fit."""
        return _network(self.address, self.netmask, self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route that the host gets for the network."""

    family: Annotated[Family | None, At("@family")] = None
    address: Annotated[str, At("@address", ADDRESS)]
    netmask: Annotated[str | None, At("@netmask", ADDRESS)] = None
    prefix: Annotated[int | None, At("@prefix")] = None
    gateway: Annotated[str | None, At("@gateway", ADDRESS)] = None
    metric: Annotated[int | None, At("@metric")] = None


def _network(address: str, netmask: str | None, prefix: int | None) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    found = ipaddress.ip_address(address)
    if netmask is not None:
        mask: str | int = netmask
    elif prefix is not None:
        mask = prefix
    else:
        mask = _class_prefix(found)
    return ipaddress.ip_network(f"{address}/{mask}", strict=False)


def _class_prefix(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """The prefix of an address that has none: that of the old classes, and 64 for IPv6."""
    if address.version == 6:
        return 64
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarder:
    """Another DNS server, for one domain or all."""

    domain: Annotated[str | None, At("@domain")] = None
    address: Annotated[str | None, At("@addr", ADDRESS)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DNSText:
    """A TXT record."""

    name: Annotated[str | None, At("@name")] = None
    value: Annotated[str | None, At("@value")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DNSService:
    """An SRV record."""

    service: Annotated[str | None, At("@service")] = None
    protocol: Annotated[str | None, At("@protocol")] = None
    domain: Annotated[str | None, At("@domain")] = None
    target: Annotated[str | None, At("@target")] = None
    port: Annotated[int | None, At("@port")] = None
    priority: Annotated[int | None, At("@priority")] = None
    weight: Annotated[int | None, At("@weight")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DNSHost:
    """Names of one address."""

    ip: Annotated[str | None, At("@ip", ADDRESS)] = None
    hostnames: Annotated[tuple[str, ...], At("hostname")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DNS:
    """The network's DNS server."""

    enable: Annotated[bool | None, At("@enable", YES_NO)] = None
    forward_plain_names: Annotated[bool | None, At("@forwardPlainNames", YES_NO)] = None
    forwarders: Annotated[tuple[Forwarder, ...], At("forwarder")] = ()
    texts: Annotated[tuple[DNSText, ...], At("txt")] = ()
    services: Annotated[tuple[DNSService, ...], At("srv")] = ()
    hosts: Annotated[tuple[DNSHost, ...], At("host")] = ()
