"""The structures that rows share: how objects are named on the wire, and the records that lists are made of.

A reference to an object is enough to find it (by UUID, name or key); what else is in it is what the sender last knew
and serves messages.
"""

from __future__ import annotations

from typing import NamedTuple

from ..params import TypedParam
from .types import Struct, parse_fields


class DomainRef(NamedTuple):
    """A domain: ``id`` is -1 while it is not running."""

    name: str
    uuid: bytes
    id: int


class NetworkRef(NamedTuple):
    name: str
    uuid: bytes


class NetworkPortRef(NamedTuple):
    net: NetworkRef
    uuid: bytes


class NWFilterRef(NamedTuple):
    name: str
    uuid: bytes


class NWFilterBindingRef(NamedTuple):
    portdev: str
    filtername: str


class InterfaceRef(NamedTuple):
    name: str
    mac: str


class StoragePoolRef(NamedTuple):
    name: str
    uuid: bytes


class StorageVolRef(NamedTuple):
    """A volume: ``pool`` is the pool's name, ``key`` unique on the host (usually the path)."""

    pool: str
    name: str
    key: str


class NodeDeviceRef(NamedTuple):
    name: str


class SecretRef(NamedTuple):
    uuid: bytes
    usage_type: int
    usage_id: str


class SnapshotRef(NamedTuple):
    name: str
    dom: DomainRef


class CheckpointRef(NamedTuple):
    name: str
    dom: DomainRef


class VcpuInfo(NamedTuple):
    """One virtual processor: ``cpu_time`` in ns, ``cpu`` is the host's processor, -1 when none."""

    number: int
    state: int
    cpu_time: int
    cpu: int


class HostStat(NamedTuple):
    """One figure of the host's processors (ns) or memory (KiB)."""

    field: str
    value: int


class DiskError(NamedTuple):
    disk: str
    remote_error: int


class MemoryStat(NamedTuple):
    """``tag`` is one of virDomainMemoryStatTags; ``val`` in KiB, or a count of faults."""

    tag: int
    val: int


class IOThreadInfo(NamedTuple):
    """``cpumap`` has a bit for each of the host's processors, the lowest first."""

    iothread_id: int
    cpumap: bytes


class SecurityLabel(NamedTuple):
    label: str
    enforcing: int


class GraphicsAddress(NamedTuple):
    family: int
    node: str
    service: str


class GraphicsIdentity(NamedTuple):
    type: str
    name: str


class DHCPLease(NamedTuple):
    """``expirytime`` in seconds since 1970; ``type`` one of virIPAddrType."""

    iface: str
    expirytime: int
    type: int
    mac: str | None
    iaid: str | None
    ipaddr: str
    prefix: int
    hostname: str | None
    clientid: str | None


class StatsRecord(NamedTuple):
    dom: DomainRef
    params: list[TypedParam]


class FilesystemInfo(NamedTuple):
    mountpoint: str
    name: str
    fstype: str
    dev_aliases: list[str]


class IPAddress(NamedTuple):
    type: int
    addr: str
    prefix: int


class GuestInterface(NamedTuple):
    name: str
    hwaddr: str | None
    addrs: list[IPAddress]


_SIGNATURES: tuple[tuple[str, type, str], ...] = (
    ("domain", DomainRef, "name: string, uuid: uuid, id: int"),
    ("network", NetworkRef, "name: string, uuid: uuid"),
    ("network_port", NetworkPortRef, "net: network, uuid: uuid"),
    ("nwfilter", NWFilterRef, "name: string, uuid: uuid"),
    ("nwfilter_binding", NWFilterBindingRef, "portdev: string, filtername: string"),
    ("interface", InterfaceRef, "name: string, mac: string"),
    ("storage_pool", StoragePoolRef, "name: string, uuid: uuid"),
    ("storage_vol", StorageVolRef, "pool: string, name: string, key: string"),
    ("node_device", NodeDeviceRef, "name: string"),
    ("secret", SecretRef, "uuid: uuid, usage_type: int, usage_id: string"),
    ("snapshot", SnapshotRef, "name: string, dom: domain"),
    ("checkpoint", CheckpointRef, "name: string, dom: domain"),
    ("vcpu_info", VcpuInfo, "number: uint, state: int, cpu_time: uhyper, cpu: int"),
    ("cpu_stats", HostStat, "field: string, value: uhyper"),
    ("memory_stats", HostStat, "field: string, value: uhyper"),
    ("domain_disk_error", DiskError, "disk: string, remote_error: int"),
    ("domain_memory_stat", MemoryStat, "tag: int, val: uhyper"),
    ("domain_iothread_info", IOThreadInfo, "iothread_id: uint, cpumap: opaque[2048]"),
    ("security_label", SecurityLabel, "label: chars[4097], enforcing: int"),
    ("domain_event_graphics_address", GraphicsAddress, "family: int, node: string, service: string"),
    ("domain_event_graphics_identity", GraphicsIdentity, "type: string, name: string"),
    (
        "network_dhcp_lease",
        DHCPLease,
        "iface: string, expirytime: hyper, type: int, mac: string?, iaid: string?, ipaddr: string, prefix: uint, "
        "hostname: string?, clientid: string?",
    ),
    ("domain_stats_record", StatsRecord, "dom: domain, params: param[262144]"),
    ("domain_fsinfo", FilesystemInfo, "mountpoint: string, name: string, fstype: string, dev_aliases: string[256]"),
    ("domain_ip_addr", IPAddress, "type: int, addr: string, prefix: uint"),
    ("domain_interface", GuestInterface, "name: string, hwaddr: string?, addrs: domain_ip_addr[2048]"),
)


class _Structs(dict[str, Struct]):
    """The structures by name; a signature is read when its structure is first asked for."""

    def __missing__(self, name: str) -> Struct:
        for known, make, signature in _SIGNATURES:
            if known == name:
                self[name] = Struct(make, parse_fields(signature, self))
                return self[name]
        raise KeyError(name)


STRUCTS = _Structs()
