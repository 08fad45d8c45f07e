"""Virtual networks and their ports, as their caller sees them: libvirt's ``virNetworkPtr`` with Python's shapes."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..wire.enums.domain import DomainMetadataType
from ..wire.enums.network import (
    ConnectListAllNetworksFlags,
    IPAddrType,
    NetworkCreateFlags,
    NetworkDefineFlags,
    NetworkPortCreateFlags,
    NetworkUpdateCommand,
    NetworkUpdateSection,
    NetworkXMLFlags,
)
from ..wire.params import ParamType, ParamValue, param, values_of
from ..wire.table import ROWS
from .objects import HostObject, IdentifiedObject, IdentifiedObjects, LastingObject
from .values import bits, impact, member_or_number

if TYPE_CHECKING:
    from ..wire.enums.network import NetworkEventLifecycleType
    from .object_events import NetworkEvents

_NUM = ROWS["connect_num_of_networks"]
_NAMES = ROWS["connect_list_networks"]
_NUM_DEFINED = ROWS["connect_num_of_defined_networks"]
_DEFINED_NAMES = ROWS["connect_list_defined_networks"]
_CREATE_XML = ROWS["network_create_xml"]
_CREATE_XML_FLAGS = ROWS["network_create_xml_flags"]
_DEFINE_XML = ROWS["network_define_xml"]
_DEFINE_XML_FLAGS = ROWS["network_define_xml_flags"]
_START = ROWS["network_create"]
_DESTROY = ROWS["network_destroy"]
_UNDEFINE = ROWS["network_undefine"]
_UPDATE = ROWS["network_update"]
_XML = ROWS["network_get_xml_desc"]
_BRIDGE = ROWS["network_get_bridge_name"]
_LEASES = ROWS["network_get_dhcp_leases"]
_GET_METADATA = ROWS["network_get_metadata"]
_SET_METADATA = ROWS["network_set_metadata"]
_PORTS = ROWS["network_list_all_ports"]
_PORT_BY_UUID = ROWS["network_port_lookup_by_uuid"]
_CREATE_PORT = ROWS["network_port_create_xml"]
_PORT_XML = ROWS["network_port_get_xml_desc"]
_PORT_GET = ROWS["network_port_get_parameters"]
_PORT_SET = ROWS["network_port_set_parameters"]
_PORT_DELETE = ROWS["network_port_delete"]


@dataclass(frozen=True, slots=True)
class DHCPLease:
    """An address that a network's DHCP server has given away (virNetworkDHCPLease); ``expires`` is in UTC."""

    interface: str
    expires: datetime
    type: IPAddrType | int
    mac: str | None
    iaid: str | None
    address: str
    prefix: int
    hostname: str | None
    client_id: str | None


class Network(IdentifiedObject, LastingObject):
    """A virtual network of a host, found or made through ``host.networks``.

    It stands for the network by its UUID and stays usable over reconnects, stops and starts. A network that is gone
    raises NoNetwork. Safe to use from any number of threads.
    """

    __slots__ = ()

    row_is_active = ROWS["network_is_active"]
    row_is_persistent = ROWS["network_is_persistent"]
    row_get_autostart = ROWS["network_get_autostart"]
    row_set_autostart = ROWS["network_set_autostart"]

    def start(self, *, deadline: float | None = None) -> None:
        """Start the defined network (virNetworkCreate)."""
        self._call(_START, deadline=deadline)

    def destroy(self, *, deadline: float | None = None) -> None:
        """Stop it; a transient network is gone then (virNetworkDestroy)."""
        self._call(_DESTROY, deadline=deadline)

    def undefine(self, *, deadline: float | None = None) -> None:
        """Forget the definition; an active network goes on until it stops (virNetworkUndefine)."""
        self._call(_UNDEFINE, deadline=deadline)

    def update(
        self,
        command: NetworkUpdateCommand | int,
        section: NetworkUpdateSection | int,
        xml: str,
        *,
        parent_index: int = -1,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change one section of the definition (virNetworkUpdate).

        ``parent_index`` says in which of several parents, -1 in the one that fits. ``live`` changes the active
        network, ``config`` the definition; without either what is there.
        """
        self._call(_UPDATE, int(command), int(section), parent_index, xml, impact(live, config), deadline=deadline)

    def xml(self, *, inactive: bool = False, deadline: float | None = None) -> str:
        """The network's XML; ``inactive`` gives the definition that the next start uses (virNetworkGetXMLDesc)."""
        return self._call(_XML, int(NetworkXMLFlags.INACTIVE) if inactive else 0, deadline=deadline)[0]

    def bridge(self, *, deadline: float | None = None) -> str:
        """The name of the host's bridge (virNetworkGetBridgeName). Raises for a network without one."""
        return self._call(_BRIDGE, deadline=deadline)[0]

    def dhcp_leases(self, mac: str | None = None, *, deadline: float | None = None) -> list[DHCPLease]:
        """The addresses that are given away, those of ``mac`` only if it is said (virNetworkGetDHCPLeases)."""
        found, _ = self._call(_LEASES, mac, 1, 0, deadline=deadline)
        return [
            DHCPLease(
                lease.iface,
                datetime.fromtimestamp(lease.expirytime, UTC),
                member_or_number(IPAddrType, lease.type),
                lease.mac,
                lease.iaid,
                lease.ipaddr,
                lease.prefix,
                lease.hostname,
                lease.clientid,
            )
            for lease in found
        ]

    def metadata(
        self,
        kind: DomainMetadataType | int,
        uri: str | None = None,
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> str:
        """Its title, description, or the element of the namespace ``uri`` (virNetworkGetMetadata)."""
        return self._call(_GET_METADATA, int(kind), uri, impact(live, config), deadline=deadline)[0]

    def set_metadata(
        self,
        kind: DomainMetadataType | int,
        text: str | None,
        *,
        key: str | None = None,
        uri: str | None = None,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Set its title, description, or the element of the namespace ``uri`` with the prefix ``key``.

        None takes it away (virNetworkSetMetadata).
        """
        self._call(_SET_METADATA, int(kind), text, key, uri, impact(live, config), deadline=deadline)

    # Its ports.

    @property
    def ports(self) -> NetworkPorts:
        """The network's ports; each interface of a guest on it has one."""
        return NetworkPorts(self)


class NetworkPorts:
    """``network.ports``: iterable, ``len``, and by UUID: ``network.ports[uuid]``."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __iter__(self) -> Iterator[NetworkPort]:
        return iter(self.list())

    def __len__(self) -> int:
        return self._network._call(_PORTS, 0, 0)[1]

    def __getitem__(self, uuid: str | bytes | uuids.UUID) -> NetworkPort:
        return self.lookup(uuid)

    def list(self, *, deadline: float | None = None) -> list[NetworkPort]:
        """All of them (virNetworkListAllPorts)."""
        found, _ = self._network._call(_PORTS, 1, 0, deadline=deadline)
        return [NetworkPort(self._network._session, ref) for ref in found]

    def lookup(self, uuid: str | bytes | uuids.UUID, *, deadline: float | None = None) -> NetworkPort:
        """The port with that UUID (virNetworkPortLookupByUUID). Raises NoNetworkPort."""
        number = uuids.UUID(uuid) if isinstance(uuid, str) else uuid
        raw = number if isinstance(number, bytes) else number.bytes
        return NetworkPort(self._network._session, self._network._call(_PORT_BY_UUID, raw, deadline=deadline)[0])

    def create(
        self, xml: str, *, reclaim: bool = False, validate: bool = False, deadline: float | None = None
    ) -> NetworkPort:
        """Make a port (virNetworkPortCreateXML); ``reclaim`` takes over what exists on the host already."""
        flags = bits({NetworkPortCreateFlags.RECLAIM: reclaim, NetworkPortCreateFlags.VALIDATE: validate})
        return NetworkPort(self._network._session, self._network._call(_CREATE_PORT, xml, flags, deadline=deadline)[0])


class NetworkPort(HostObject):
    """One port of a network (virNetworkPortPtr)."""

    __slots__ = ()

    @property
    def uuid(self) -> uuids.UUID:
        return uuids.UUID(bytes=self._ref.uuid)

    @property
    def name(self) -> str:
        """Its UUID: a port has no other name."""
        return str(self.uuid)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self._ref.net.uuid, self._ref.uuid

    @property
    def network(self) -> Network:
        """The network that it belongs to (virNetworkPortGetNetwork)."""
        return Network(self._session, self._ref.net)

    def xml(self, *, deadline: float | None = None) -> str:
        """The port's XML (virNetworkPortGetXMLDesc)."""
        return self._call(_PORT_XML, 0, deadline=deadline)[0]

    def parameters(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """Its bandwidth by libvirt's names, ``inbound.average`` and others, in KiB/s (virNetworkPortGetParameters)."""
        _, number = self._call(_PORT_GET, 0, 0, deadline=deadline)
        found, _ = self._call(_PORT_GET, number, 0, deadline=deadline)
        return values_of(found)

    def set_parameters(self, parameters: Mapping[str, int], *, deadline: float | None = None) -> None:
        """Change its bandwidth; see :meth:`parameters` (virNetworkPortSetParameters)."""
        params = [param(name, value, ParamType.UINT) for name, value in parameters.items()]
        self._call(_PORT_SET, params, 0, deadline=deadline)

    def delete(self, *, deadline: float | None = None) -> None:
        """Remove the port (virNetworkPortDelete)."""
        self._call(_PORT_DELETE, 0, deadline=deadline)


class Networks(IdentifiedObjects[Network]):
    """``host.networks``: iterable (all of them), ``len``, ``in``, and ``host.networks[name]``."""

    thing = Network
    list_all = ROWS["connect_list_all_networks"]
    by_name = ROWS["network_lookup_by_name"]
    by_uuid = ROWS["network_lookup_by_uuid"]

    def list(
        self,
        flags: ConnectListAllNetworksFlags | int = 0,
        *,
        active: bool = False,
        inactive: bool = False,
        persistent: bool = False,
        transient: bool = False,
        autostart: bool = False,
        no_autostart: bool = False,
        deadline: float | None = None,
    ) -> list[Network]:
        """The networks that pass the filter, all without one (virConnectListAllNetworks).

        Wishes of one group (``active`` and ``inactive``) widen, those of different groups (``active`` and
        ``persistent``) narrow. ``flags`` are further ConnectListAllNetworksFlags.
        """
        wishes = {
            ConnectListAllNetworksFlags.ACTIVE: active,
            ConnectListAllNetworksFlags.INACTIVE: inactive,
            ConnectListAllNetworksFlags.PERSISTENT: persistent,
            ConnectListAllNetworksFlags.TRANSIENT: transient,
            ConnectListAllNetworksFlags.AUTOSTART: autostart,
            ConnectListAllNetworksFlags.NO_AUTOSTART: no_autostart,
        }
        return self._all(int(flags) | bits(wishes), deadline)

    def names(self, *, inactive: bool = False, deadline: float | None = None) -> list[str]:
        """The names of the active networks, or of the inactive ones (virConnectListNetworks, …DefinedNetworks)."""
        count, names = (_NUM_DEFINED, _DEFINED_NAMES) if inactive else (_NUM, _NAMES)
        return self._names(count, names, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Network:
        """Keep a definition, or replace the one with the same UUID and name (virNetworkDefineXMLFlags).

        Raises XMLError, UnsupportedConfig, AlreadyExists for a name or UUID that is another network's.
        """
        if validate:
            return self._one(_DEFINE_XML_FLAGS, xml, int(NetworkDefineFlags.VALIDATE), deadline=deadline)
        return self._one(_DEFINE_XML, xml, deadline=deadline)

    def create(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Network:
        """Start a transient network: it is gone when it stops (virNetworkCreateXMLFlags)."""
        if validate:
            return self._one(_CREATE_XML_FLAGS, xml, int(NetworkCreateFlags.VALIDATE), deadline=deadline)
        return self._one(_CREATE_XML, xml, deadline=deadline)

    def events(
        self,
        networks: Network | str | Iterable[Network | str] | None = None,
        kinds: NetworkEventLifecycleType | Collection[NetworkEventLifecycleType] | None = None,
        timeout: float | None = None,
        *,
        deadline: float | None = None,
    ) -> NetworkEvents:
        """Iterate what happens to networks from now on (virConnectNetworkEventRegisterAny); see ``host.events``."""
        from .object_events import NetworkEvents

        return NetworkEvents(self._session, networks, kinds, timeout, deadline)
