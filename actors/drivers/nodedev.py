"""What the node device parts of drivers have in common: look-ups, lists and documents of the host's devices.

One actor owns all devices of a host: calls name a device and come to it (libvirt's rows do not address a device but
the driver), and nothing that is done with one takes long here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pykka

from ...wire.documents.nodedev import FcHost, NodeDeviceDefinition, ScsiHostCapability, format_node_device
from ...wire.enums.host import ConnectListAllNodeDeviceFlags as ListFlags
from ...wire.enums.host import NodeDeviceEventLifecycleType
from ...wire.errors import InvalidArgument, NoNodeDevice
from ...wire.table import ROWS
from ...wire.table.structs import NodeDeviceRef
from ..call import Call
from ..events import Publish
from ..objects import CallTarget
from ..runtime import Runtime, send
from .domain import check_flags

_LIFECYCLE = ROWS["node_device_event_lifecycle"]
_UPDATE = ROWS["node_device_event_update"]
_ACTIVITY = ListFlags.ACTIVE | ListFlags.INACTIVE

# The filter flag of each type of capability.
CAPABILITY_FLAGS: dict[str, int] = {
    "system": ListFlags.CAP_SYSTEM,
    "pci": ListFlags.CAP_PCI_DEV,
    "usb_device": ListFlags.CAP_USB_DEV,
    "usb": ListFlags.CAP_USB_INTERFACE,
    "net": ListFlags.CAP_NET,
    "scsi_host": ListFlags.CAP_SCSI_HOST,
    "scsi_target": ListFlags.CAP_SCSI_TARGET,
    "scsi": ListFlags.CAP_SCSI,
    "storage": ListFlags.CAP_STORAGE,
    "fc_host": ListFlags.CAP_FC_HOST,
    "vports": ListFlags.CAP_VPORTS,
    "scsi_generic": ListFlags.CAP_SCSI_GENERIC,
    "drm": ListFlags.CAP_DRM,
    "mdev_types": ListFlags.CAP_MDEV_TYPES,
    "mdev": ListFlags.CAP_MDEV,
    "ccw": ListFlags.CAP_CCW_DEV,
    "css": ListFlags.CAP_CSS_DEV,
    "vdpa": ListFlags.CAP_VDPA,
    "ap_card": ListFlags.CAP_AP_CARD,
    "ap_queue": ListFlags.CAP_AP_QUEUE,
    "ap_matrix": ListFlags.CAP_AP_MATRIX,
    "vpd": ListFlags.CAP_VPD,
}
CAPABILITIES = sum(CAPABILITY_FLAGS.values())


class NoObjects:
    """The directory of a part whose calls address no object."""

    def ref_of(self, reference: Any) -> pykka.ActorRef[Any]:
        raise self.gone(reference)

    def gone(self, reference: Any) -> NoNodeDevice:
        return missing(getattr(reference, "name", str(reference)))


class NodeDeviceDriver(CallTarget):
    """The node device part of a driver; subclasses say which devices there are and what can be done with them."""

    label = "node device driver"
    # The flags that lists and documents take besides the capabilities.
    list_flags: int = _ACTIVITY
    xml_flags: int = 0

    def __init__(self, runtime: Runtime, events: pykka.ActorRef[Any]) -> None:
        super().__init__(runtime)
        self.events = events
        self.devices: dict[str, NodeDeviceDefinition] = {}

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Call):
            return self.answer(message)
        return super().on_receive(message)

    # -- devices -------------------------------------------------------------------------------------------------------

    def find(self, name: str) -> NodeDeviceDefinition:
        """The device of that name. Raises NoNodeDevice."""
        if (found := self.devices.get(name)) is None:
            raise missing(name)
        return found

    def add(self, device: NodeDeviceDefinition) -> NodeDeviceRef:
        """A device has appeared; it has a name."""
        assert device.name is not None
        self.devices[device.name] = device
        return self._tell(device.name, NodeDeviceEventLifecycleType.CREATED)

    def change(self, device: NodeDeviceDefinition) -> None:
        """A device says something else of itself than before."""
        assert device.name is not None
        self.devices[device.name] = device
        send(self.events, Publish(_UPDATE, (NodeDeviceRef(device.name),)))

    def remove(self, name: str) -> None:
        """A device is gone."""
        if self.devices.pop(name, None) is not None:
            self._tell(name, NodeDeviceEventLifecycleType.DELETED)

    def _tell(self, name: str, what: IntEnum) -> NodeDeviceRef:
        ref = NodeDeviceRef(name)
        send(self.events, Publish(_LIFECYCLE, (ref, int(what), 0)))
        return ref

    def select(self, flags: int) -> list[str]:
        """The names of the devices that have one of the capabilities given (all where none is)."""
        if not flags & CAPABILITIES:
            return list(self.devices)
        return [name for name, device in self.devices.items() if _flags_of(device) & flags]

    def with_capability(self, cap: str | None) -> list[str]:
        """The names of the devices that have the capability (all for None)."""
        if cap is None:
            return list(self.devices)
        return [name for name, device in self.devices.items() if cap in device.all_capability_names()]

    # -- calls ---------------------------------------------------------------------------------------------------------

    def node_num_of_devices(self, call: Call, cap: str | None, flags: int) -> tuple[int]:
        check_flags(call, flags, 0)
        return (len(self.with_capability(cap)),)

    def node_list_devices(self, call: Call, cap: str | None, maxnames: int, flags: int) -> tuple[list[str]]:
        check_flags(call, flags, 0)
        return (self.with_capability(cap)[: _count(maxnames)],)

    def connect_list_all_node_devices(
        self, call: Call, need_results: int, flags: int
    ) -> tuple[list[NodeDeviceRef], int]:
        check_flags(call, flags, CAPABILITIES | self.list_flags)
        found = self.select(flags)
        return [NodeDeviceRef(name) for name in found] if need_results else [], len(found)

    def node_device_lookup_by_name(self, call: Call, name: str) -> tuple[NodeDeviceRef]:
        self.find(name)
        return (NodeDeviceRef(name),)

    def node_device_get_xml_desc(self, call: Call, name: str, flags: int) -> tuple[str]:
        check_flags(call, flags, self.xml_flags)
        return (format_node_device(self.find(name)),)

    def node_device_get_parent(self, call: Call, name: str) -> tuple[str | None]:
        return (self.find(name).parent_name,)

    def node_device_num_of_caps(self, call: Call, name: str) -> tuple[int]:
        return (len(self.find(name).capability_names),)

    def node_device_list_caps(self, call: Call, name: str, maxnames: int) -> tuple[list[str]]:
        return (self.find(name).capability_names[: _count(maxnames)],)


def missing(name: str) -> NoNodeDevice:
    return NoNodeDevice(f"no node device with matching name '{name}'")


def fc_host(device: NodeDeviceDefinition) -> FcHost | None:
    """A device's Fibre Channel names, None where it is no such adapter."""
    for capability in device.capabilities:
        if isinstance(capability, ScsiHostCapability):
            return next((each for each in capability.capabilities if isinstance(each, FcHost)), None)
    return None


def _flags_of(device: NodeDeviceDefinition) -> int:
    return sum(CAPABILITY_FLAGS.get(name, 0) for name in device.all_capability_names())


def _count(maxnames: int) -> int:
    if maxnames < 0:
        raise InvalidArgument(f"maxnames is {maxnames}, expected 0 or more")
    return maxnames
