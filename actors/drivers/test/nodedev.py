"""The host's devices as the test driver makes them up, with Fibre Channel adapters that can make virtual ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pykka

from ....wire.documents.nodedev import (
    DeviceParent,
    FcHost,
    NodeDeviceDefinition,
    ScsiHostCapability,
    parse_node_device,
)
from ....wire.documents.schemas import NODE_DEVICE
from ....wire.enums.error import ErrorDomain
from ....wire.enums.host import NodeDeviceCreateXMLFlags
from ....wire.errors import InternalError
from ....wire.table.structs import NodeDeviceRef
from ...call import Call
from ...events import EventLog
from ...runtime import Runtime
from ..domain import check_flags
from ..handle import PartHandle
from ..nodedev import NodeDeviceDriver, NoObjects, fc_host
from ..validation import check_document

# What a virtual adapter is here, but for its names.
_ADAPTER = ScsiHostCapability(host=11, unique_id=10)
_FABRIC = "2000000043214321"
_NUMBERED = re.compile(r"scsi_host([0-9]+)")


class TestNodeDeviceDriver(NodeDeviceDriver):
    """Devices in memory."""

    __test__ = False
    list_flags = 0

    def __init__(
        self, runtime: Runtime, events: pykka.ActorRef[EventLog], initial: Sequence[NodeDeviceDefinition]
    ) -> None:
        super().__init__(runtime, events)
        self.devices = {device.name: device for device in initial if device.name is not None}

    async def node_device_create_xml(self, call: Call, xml_desc: str, flags: int) -> tuple[NodeDeviceRef]:
        """Make a virtual Fibre Channel adapter: the only device that the test driver makes."""
        check_flags(call, flags, NodeDeviceCreateXMLFlags.VALIDATE)
        if flags & NodeDeviceCreateXMLFlags.VALIDATE:
            await check_document(self.runtime, xml_desc, NODE_DEVICE)
        wanted = parse_node_device(xml_desc, strict=False)
        names = fc_host(wanted)
        if names is None:
            raise InternalError("Device is not a fibre channel HBA", domain=ErrorDomain.NODEDEV)
        for what, value in (("WWNN", names.wwnn), ("WWPN", names.wwpn)):
            if not value:
                raise InternalError(
                    f"no {what} supplied for 'new device', and auto-generation failed", domain=ErrorDomain.NODEDEV
                )
        adapter = replace(_ADAPTER, capabilities=(FcHost(wwnn=names.wwnn, wwpn=names.wwpn, fabric_wwn=_FABRIC),))
        parent = DeviceParent(name=self._parent_of(wanted))
        return (self.add(NodeDeviceDefinition(name=self._next_name(), parent=parent, capabilities=(adapter,))),)

    def _parent_of(self, wanted: NodeDeviceDefinition) -> str:
        """The adapter that a virtual one is to be made by: the one that it names, or the first that can."""
        able = self.with_capability("vports")
        parent = wanted.parent
        if parent is None:
            found = able[0] if able else None
        elif parent.name:
            found = parent.name if parent.name in self.devices else None
        else:
            found = next((name for name, device in self.devices.items() if _is_meant(device, parent)), None)
        if found is None:
            raise InternalError("Could not find parent device for 'new device'", domain=ErrorDomain.NODEDEV)
        if found not in able:
            raise InternalError(f"Parent device {found} is not capable of vport operations", domain=ErrorDomain.NODEDEV)
        return found

    def _next_name(self) -> str:
        numbers = [int(match[1]) for name in self.devices if (match := _NUMBERED.fullmatch(name))]
        return f"scsi_host{max(numbers, default=0) + 1}"

    def node_device_destroy(self, call: Call, name: str) -> None:
        # As with libvirt's: what is no Fibre Channel port stays, and the caller is told that all went well.
        if fc_host(self.find(name)) is not None:
            self.remove(name)


def _is_meant(device: NodeDeviceDefinition, parent: DeviceParent) -> bool:
    """Whether a device has the names by which a parent is known."""
    names = fc_host(device)
    if names is None:
        return False
    if parent.wwnn or parent.wwpn:
        return (names.wwnn, names.wwpn) == (parent.wwnn, parent.wwpn)
    return names.fabric_wwn == parent.fabric_wwn


def open_devices(
    runtime: Runtime, events: pykka.ActorRef[EventLog], initial: Sequence[NodeDeviceDefinition]
) -> PartHandle:
    """Start the node device part of a test driver."""
    return PartHandle(TestNodeDeviceDriver.start(runtime, events, initial), NoObjects(), ErrorDomain.TEST)
