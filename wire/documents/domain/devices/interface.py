"""Network cards: libvirt's `<interface>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import MAC, ON_OFF, UUID, YES_NO
from ..address import Address, Device

InterfaceType = Literal[
    "user", "network", "bridge", "direct", "ethernet", "vhostuser", "server", "client", "mcast", "udp", "internal",
    "hostdev", "vdpa", "null", "vds",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPort:
    """What the switch that a card is on is told of it."""

    type: Annotated[Literal["none", "802.1Qbg", "802.1Qbh", "openvswitch", "midonet"] | None, At("@type")] = None
    managerid: Annotated[int | None, At("parameters/@managerid")] = None
    typeid: Annotated[int | None, At("parameters/@typeid")] = None
    typeidversion: Annotated[int | None, At("parameters/@typeidversion")] = None
    instanceid: Annotated[str | None, At("parameters/@instanceid", UUID)] = None
    interfaceid: Annotated[str | None, At("parameters/@interfaceid", UUID)] = None
    profileid: Annotated[str | None, At("parameters/@profileid")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanTag:
    """A VLAN that a card is in."""

    id: Annotated[int, At("@id")]
    native: Annotated[Literal["tagged", "untagged"] | None, At("@nativeMode")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Limits in one direction: `average`, `peak` and `floor` are KiB/s, `burst` is KiB."""

    average: Annotated[int | None, At("@average")] = None
    peak: Annotated[int | None, At("@peak")] = None
    floor: Annotated[int | None, At("@floor")] = None
    burst: Annotated[int | None, At("@burst")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceBandwidth:
    """Limits of a card, as the guest sees it."""

    inbound: Annotated[Traffic | None, At("inbound")] = None
    outbound: Annotated[Traffic | None, At("outbound")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offloads:
    """What a virtio card may leave to its other end."""

    csum: Annotated[bool | None, At("@csum", ON_OFF)] = None
    gso: Annotated[bool | None, At("@gso", ON_OFF)] = None
    tso4: Annotated[bool | None, At("@tso4", ON_OFF)] = None
    tso6: Annotated[bool | None, At("@tso6", ON_OFF)] = None
    ecn: Annotated[bool | None, At("@ecn", ON_OFF)] = None
    ufo: Annotated[bool | None, At("@ufo", ON_OFF)] = None
    mrg_rxbuf: Annotated[bool | None, At("@mrg_rxbuf", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceDriver:
    """How the hypervisor drives a virtio card."""

    name: Annotated[Literal["qemu", "vhost", "vfio", "kvm", "xen"] | None, At("@name")] = None
    txmode: Annotated[Literal["iothread", "timer"] | None, At("@txmode")] = None
    ioeventfd: Annotated[bool | None, At("@ioeventfd", ON_OFF)] = None
    event_idx: Annotated[bool | None, At("@event_idx", ON_OFF)] = None
    queues: Annotated[int | None, At("@queues")] = None
    rx_queue_size: Annotated[int | None, At("@rx_queue_size")] = None
    tx_queue_size: Annotated[int | None, At("@tx_queue_size")] = None
    rss: Annotated[bool | None, At("@rss", ON_OFF)] = None
    rss_hash_report: Annotated[bool | None, At("@rss_hash_report", ON_OFF)] = None
    iommu: Annotated[bool | None, At("@iommu", ON_OFF)] = None
    ats: Annotated[bool | None, At("@ats", ON_OFF)] = None
    packed: Annotated[bool | None, At("@packed", ON_OFF)] = None
    page_per_vq: Annotated[bool | None, At("@page_per_vq", ON_OFF)] = None
    host: Annotated[Offloads | None, At("host")] = None
    guest: Annotated[Offloads | None, At("guest")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterParameter:
    """A value for a variable of a filter."""

    name: Annotated[str, At("@name")]
    value: Annotated[str, At("@value")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterReference:
    """The network filter that a card's traffic passes."""

    filter: Annotated[str, At("@filter")]
    parameters: Annotated[tuple[FilterParameter, ...], At("parameter")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceAddress:
    """An address of a card's."""

    address: Annotated[str, At("@address")]
    family: Annotated[Literal["ipv4", "ipv6"] | None, At("@family")] = None
    prefix: Annotated[int | None, At("@prefix")] = None
    peer: Annotated[str | None, At("@peer")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route through a card."""

    family: Annotated[Literal["ipv4", "ipv6"] | None, At("@family")] = None
    address: Annotated[str, At("@address")]
    netmask: Annotated[str | None, At("@netmask")] = None
    prefix: Annotated[int | None, At("@prefix")] = None
    gateway: Annotated[str | None, At("@gateway")] = None
    metric: Annotated[int | None, At("@metric")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRange:
    """Ports of the host's, from `start` to `end`, and the guest's first (`to`), or ports that are left out."""

    start: Annotated[int, At("@start")]
    end: Annotated[int | None, At("@end")] = None
    to: Annotated[int | None, At("@to")] = None
    exclude: Annotated[bool | None, At("@exclude", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortForward:
    """Ports of the host's (of one address or device) that lead to the guest, where passt is the card's backend."""

    proto: Annotated[Literal["tcp", "udp"], At("@proto")]
    address: Annotated[str | None, At("@address")] = None
    dev: Annotated[str | None, At("@dev")] = None
    ranges: Annotated[tuple[PortRange, ...], At("range")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface(Device):
    """One card. `mac` is lower-case with colons, None until one is assigned; `target` is the name of its host's end.

    Of the fields for what it is connected to those that go with its `type` count: `network`, `bridge`, `source_dev`
    (direct, vdpa), `source_name` (internal), `source_address` and `source_port` (sockets), `socket…` (vhostuser) and
    `source_pci` (hostdev).
    """

    type: Annotated[InterfaceType, At("@type")] = "user"
    managed: Annotated[bool | None, At("@managed", YES_NO)] = None
    trust_guest_filters: Annotated[bool | None, At("@trustGuestRxFilters", YES_NO)] = None
    mac: Annotated[str | None, At("mac/@address", MAC)] = None
    mac_type: Annotated[Literal["generated", "static"] | None, At("mac/@type")] = None
    mac_check: Annotated[bool | None, At("mac/@check", YES_NO)] = None
    network: Annotated[str | None, At("source/@network")] = None
    portgroup: Annotated[str | None, At("source/@portgroup")] = None
    portid: Annotated[str | None, At("source/@portid", UUID)] = None
    bridge: Annotated[str | None, At("source/@bridge")] = None
    source_name: Annotated[str | None, At("source/@name")] = None
    source_dev: Annotated[str | None, At("source/@dev")] = None
    source_type: Annotated[Literal["unix"] | None, At("source/@type")] = None
    source_address: Annotated[str | None, At("source/@address")] = None
    source_port: Annotated[int | None, At("source/@port")] = None
    socket: Annotated[str | None, At("source/@path")] = None
    source_mode: Annotated[
        Literal["vepa", "private", "bridge", "passthrough", "server", "client"] | None, At("source/@mode")
    ] = None
    local_address: Annotated[str | None, At("source/local/@address")] = None
    local_port: Annotated[int | None, At("source/local/@port")] = None
    source_pci: Annotated[Address | None, At("source/address", by="type")] = None
    host_side: Annotated[tuple[InterfaceAddress, ...], At("source/ip")] = ()
    host_routes: Annotated[tuple[Route, ...], At("source/route")] = ()
    reconnect: Annotated[bool | None, At("source/reconnect/@enabled", YES_NO)] = None
    reconnect_timeout: Annotated[int | None, At("source/reconnect/@timeout")] = None
    vlan_trunk: Annotated[bool | None, At("vlan/@trunk", YES_NO)] = None
    vlan_tags: Annotated[tuple[VlanTag, ...], At("vlan/tag")] = ()
    virtualport: Annotated[VirtualPort | None, At("virtualport")] = None
    bandwidth: Annotated[InterfaceBandwidth | None, At("bandwidth")] = None
    addresses: Annotated[tuple[InterfaceAddress, ...], At("ip")] = ()
    routes: Annotated[tuple[Route, ...], At("route")] = ()
    port_forwards: Annotated[tuple[PortForward, ...], At("portForward")] = ()
    script: Annotated[str | None, At("script/@path")] = None
    downscript: Annotated[str | None, At("downscript/@path")] = None
    backend_domain: Annotated[str | None, At("backenddomain/@name")] = None
    isolated: Annotated[bool | None, At("port/@isolated", YES_NO)] = None
    target: Annotated[str | None, At("target/@dev")] = None
    target_managed: Annotated[bool | None, At("target/@managed", YES_NO)] = None
    guest_name: Annotated[str | None, At("guest/@dev")] = None
    guest_actual: Annotated[str | None, At("guest/@actual")] = None
    model: Annotated[str | None, At("model/@type")] = None
    driver: Annotated[InterfaceDriver | None, At("driver")] = None
    backend: Annotated[Literal["default", "passt"] | None, At("backend/@type")] = None
    tap: Annotated[str | None, At("backend/@tap")] = None
    vhost: Annotated[str | None, At("backend/@vhost")] = None
    log_file: Annotated[str | None, At("backend/@logFile")] = None
    filter: Annotated[FilterReference | None, At("filterref")] = None
    sndbuf: Annotated[int | None, At("tune/sndbuf")] = None
    teaming: Annotated[Literal["persistent", "transient"] | None, At("teaming/@type")] = None
    teaming_persistent: Annotated[str | None, At("teaming/@persistent")] = None
    link: Annotated[Literal["up", "down"] | None, At("link/@state")] = None
    mtu: Annotated[int | None, At("mtu/@size")] = None
    coalesce_frames: Annotated[int | None, At("coalesce/rx/frames/@max")] = None
