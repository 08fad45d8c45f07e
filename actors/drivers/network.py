"""What the virtual networks of every driver have in common: their life, their definitions, and the calls on them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from ...wire.documents.network import (
    NetworkDefinition,
    complete_network,
    format_network,
    parse_network,
    update_network,
)
from ...wire.documents.schemas import NETWORK
from ...wire.enums.error import ErrorDomain
from ...wire.enums.network import (
    ConnectListAllNetworksFlags as ListFlags,
)
from ...wire.enums.network import (
    NetworkCreateFlags,
    NetworkDefineFlags,
    NetworkUpdateFlags,
    NetworkXMLFlags,
)
from ...wire.errors import InternalError, NoNetwork, NotFound, OperationInvalid, VirtError
from ...wire.table import ROWS
from ...wire.table.structs import NetworkPortRef, NetworkRef
from ..call import Call
from ..events import Publish
from ..runtime import send
from .defined import DefinedDriver, DefinedObject
from .domain import check_flags
from .notes import check_note, check_type, check_uri, note_of, with_note
from .object_directory import ObjectDirectory, ObjectEntry, ObjectKind
from .refusals import refusal
from .validation import checked

NETWORKS = ObjectKind(
    noun="network",
    short="network",
    missing=NoNetwork,
    errors=ErrorDomain.NETWORK,
    groups=(
        ListFlags.ACTIVE | ListFlags.INACTIVE,
        ListFlags.PERSISTENT | ListFlags.TRANSIENT,
        ListFlags.AUTOSTART | ListFlags.NO_AUTOSTART,
    ),
)

_IMPACTS = int(NetworkUpdateFlags.LIVE | NetworkUpdateFlags.CONFIG)
_METADATA_CHANGE = ROWS["network_event_callback_metadata_change"]
# VIR_ERR_NO_NETWORK_METADATA, which came with libvirt 9.7.
NO_NETWORK_METADATA = 111


class NetworkDirectory(ObjectDirectory):
    """The networks of one driver."""

    def __init__(self) -> None:
        super().__init__(NETWORKS)

    def entry_of(self, reference: NetworkRef | NetworkPortRef) -> ObjectEntry:
        """The network that a call names, or whose port it names."""
        network = reference.net if isinstance(reference, NetworkPortRef) else reference
        return self.by_uuid(network.uuid)


class Network(DefinedObject[NetworkDefinition]):
    """A virtual network of any driver."""

    kind = "network"
    event_row = ROWS["network_event_lifecycle"]
    is_active_text = "network is already active"
    is_inactive_text = "network is not active"
    is_transient_text = "can't do this to a transient network"
    xml_flags: int = NetworkXMLFlags.INACTIVE
    # Whether what no driver does is refused, by name, or passed over as libvirt does.
    strict: ClassVar[bool] = True

    def wire_ref(self) -> NetworkRef:
        return NetworkRef(self.name, self.uuid)

    def gone(self) -> VirtError:
        return NoNetwork(f"no network with matching uuid '{uuid.UUID(bytes=self.uuid)}'")

    async def complete(self, definition: NetworkDefinition) -> NetworkDefinition:
        return complete_network(definition)

    # -- life ----------------------------------------------------------------------------------------------------------

    async def network_create(self, call: Call, net: NetworkRef) -> None:
        await self.start_defined(call)

    async def network_destroy(self, call: Call, net: NetworkRef) -> None:
        await self.stop_active(call)

    async def network_undefine(self, call: Call, net: NetworkRef) -> None:
        await self.drop_definition()

    async def network_set_autostart(self, call: Call, net: NetworkRef, autostart: int) -> None:
        await self.mark_autostart(autostart != 0)

    # -- definition ----------------------------------------------------------------------------------------------------

    async def network_update(
        self, call: Call, net: NetworkRef, command: int, section: int, parent_index: int, xml: str, flags: int
    ) -> None:
        """Change an entry of the live definition, the persistent one, or both."""
        check_flags(call, flags, _IMPACTS)
        await self._change(
            call,
            flags,
            lambda definition: update_network(definition, command, section, parent_index, xml, strict=self.strict),
        )

    async def _change(self, call: Call, flags: int, change: Callable[[NetworkDefinition], NetworkDefinition]) -> None:
        """Change what the flags name of the two definitions; none of them if one cannot be."""
        if not flags:
            flags = NetworkUpdateFlags.LIVE if self.active else NetworkUpdateFlags.CONFIG
        self._check_reach(flags)
        persistent, live = self.persistent, self.live
        if flags & NetworkUpdateFlags.CONFIG and persistent is not None:
            persistent = change(persistent)
        if flags & NetworkUpdateFlags.LIVE and live is not None:
            live = change(live)
        if live is not None and live is not self.live:
            await self.apply(call, live)
            self.live = live
        if persistent is not None and persistent is not self.persistent:
            await self.save_definition(persistent)
            self.persistent = persistent

    def _check_reach(self, flags: int) -> None:
        if flags & NetworkUpdateFlags.LIVE and not self.active:
            raise OperationInvalid("network is not running", domain=ErrorDomain.NETWORK, object=self.name)
        if flags & NetworkUpdateFlags.CONFIG and self.persistent is None:
            raise OperationInvalid(
                "cannot change persistent config of a transient network", domain=ErrorDomain.NETWORK, object=self.name
            )

    async def apply(self, call: Call, live: NetworkDefinition) -> None:
        """Make the running network what its new live definition says (what a driver provides)."""

    # -- notes ---------------------------------------------------------------------------------------------------------

    async def network_set_metadata(
        self,
        call: Call,
        net: NetworkRef,
        type: int,
        metadata: str | None,
        key: str | None,
        uri: str | None,
        flags: int,
    ) -> None:
        check_note(call, type, metadata, key, uri, ErrorDomain.NETWORK)
        check_flags(call, flags, _IMPACTS)
        check_type(type, ErrorDomain.NETWORK)
        await self._change(call, flags, lambda definition: with_note(definition, type, metadata, key, uri))
        send(self.upward.events, Publish(_METADATA_CHANGE, (self.wire_ref(), type, uri)))

    def network_get_metadata(self, call: Call, net: NetworkRef, type: int, uri: str | None, flags: int) -> tuple[str]:
        check_uri(call, type, uri, ErrorDomain.NETWORK)
        check_flags(call, flags, _IMPACTS)
        check_type(type, ErrorDomain.NETWORK)
        if flags & _IMPACTS == _IMPACTS:
            names = "'VIR_NETWORK_UPDATE_AFFECT_LIVE' and 'VIR_NETWORK_UPDATE_AFFECT_CONFIG'"
            raise refusal(f"Flags {names} are mutually exclusive", ErrorDomain.NETWORK)
        self._check_reach(flags)
        definition = self.inactive_definition() if flags & NetworkUpdateFlags.CONFIG else self.definition
        found = note_of(definition, type, uri)
        if found is None:
            raise NotFound(
                "Requested metadata element is not present", code=NO_NETWORK_METADATA, domain=ErrorDomain.NETWORK
            )
        return (found,)

    # -- queries -------------------------------------------------------------------------------------------------------

    def network_get_xml_desc(self, call: Call, net: NetworkRef, flags: int) -> tuple[str]:
        check_flags(call, flags, self.xml_flags)
        inactive = flags & NetworkXMLFlags.INACTIVE
        return (format_network(self.inactive_definition() if inactive else self.definition),)

    def network_get_bridge_name(self, call: Call, net: NetworkRef) -> tuple[str]:
        bridge = self.definition.bridge
        if bridge is None or bridge.name is None:
            raise InternalError(f"network '{self.name}' does not have a bridge name.")
        return (bridge.name,)

    def network_get_autostart(self, call: Call, net: NetworkRef) -> tuple[int]:
        return (int(self.autostart),)

    def network_is_active(self, call: Call, net: NetworkRef) -> tuple[int]:
        return (int(self.active),)

    def network_is_persistent(self, call: Call, net: NetworkRef) -> tuple[int]:
        return (int(self.persistent is not None),)


class NetworkDriver(DefinedDriver):
    """The network part of a driver; subclasses say which networks they make."""

    strict: ClassVar[bool] = True

    def make_ref(self, name: str, key: bytes) -> NetworkRef:
        return NetworkRef(name, key)

    def read_definition(self, xml: str) -> NetworkDefinition:
        """What a caller's XML says, complete and with a UUID. Raises XMLError and UnsupportedConfig."""
        try:
            return identified(complete_network(parse_network(xml, strict=self.strict)))
        except VirtError as error:
            error.domain = error.domain or ErrorDomain.NETWORK
            raise

    # -- calls ---------------------------------------------------------------------------------------------------------

    def network_define_xml(self, call: Call, xml: str) -> object:
        return self.network_define_xml_flags(call, xml, 0)

    def network_define_xml_flags(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, NetworkDefineFlags.VALIDATE)
        asked = flags & NetworkDefineFlags.VALIDATE
        return checked(self.runtime, xml, NETWORK, asked, lambda: self._define(call, xml))

    def _define(self, call: Call, xml: str) -> object:
        definition = self.read_definition(xml)
        return self.hand_define(call, definition.name, key_of(definition), definition)

    def network_create_xml(self, call: Call, xml: str) -> object:
        return self.network_create_xml_flags(call, xml, 0)

    def network_create_xml_flags(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, NetworkCreateFlags.VALIDATE)
        asked = flags & NetworkCreateFlags.VALIDATE
        return checked(self.runtime, xml, NETWORK, asked, lambda: self._create(call, xml))

    def _create(self, call: Call, xml: str) -> object:
        definition = self.read_definition(xml)
        return self.hand_create(call, definition.name, key_of(definition), definition)

    def network_lookup_by_name(self, call: Call, name: str) -> tuple[NetworkRef]:
        return (self.directory.by_name(name).wire_ref,)

    def network_lookup_by_uuid(self, call: Call, uuid: bytes) -> tuple[NetworkRef]:
        return (self.directory.by_uuid(uuid).wire_ref,)

    def connect_num_of_networks(self, call: Call) -> tuple[int]:
        return self.count(NETWORKS.active)

    def connect_num_of_defined_networks(self, call: Call) -> tuple[int]:
        return self.count(NETWORKS.inactive)

    def connect_list_networks(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self.names(maxnames, NETWORKS.active)

    def connect_list_defined_networks(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self.names(maxnames, NETWORKS.inactive)

    def connect_list_all_networks(self, call: Call, need_results: int, flags: int) -> tuple[list[NetworkRef], int]:
        check_flags(call, flags, NETWORKS.filters)
        return self.references(need_results, flags)


def identified(definition: NetworkDefinition) -> NetworkDefinition:
    """The definition with a UUID."""
    return definition if definition.uuid is not None else replace(definition, uuid=str(uuid.uuid4()))


def key_of(definition: NetworkDefinition) -> bytes:
    """The UUID of a definition that has one, as the wire carries it."""
    return uuid.UUID(definition.uuid).bytes
