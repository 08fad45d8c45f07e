"""The host's devices, as their caller sees them: libvirt's ``virNodeDevicePtr`` with Python's shapes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ..wire.enums.host import ConnectListAllNodeDeviceFlags, NodeDeviceCreateXMLFlags, NodeDeviceDefineXMLFlags
from ..wire.errors import InvalidArgument
from ..wire.table import ROWS, Row
from .objects import HostObjects, LastingObject
from .values import bits, impact

if TYPE_CHECKING:
    from ..wire.enums.host import NodeDeviceEventLifecycleType
    from .object_events import NodeDeviceEvents

_NUM = ROWS["node_num_of_devices"]
_NAMES = ROWS["node_list_devices"]
_BY_NAME = ROWS["node_device_lookup_by_name"]
_BY_WWN = ROWS["node_device_lookup_scsi_host_by_wwn"]
_CREATE_XML = ROWS["node_device_create_xml"]
_DEFINE_XML = ROWS["node_device_define_xml"]
_XML = ROWS["node_device_get_xml_desc"]
_PARENT = ROWS["node_device_get_parent"]
_NUM_OF_CAPS = ROWS["node_device_num_of_caps"]
_CAPS = ROWS["node_device_list_caps"]
_DETACH = ROWS["node_device_dettach"]
_DETACH_FLAGS = ROWS["node_device_detach_flags"]
_REATTACH = ROWS["node_device_re_attach"]
_RESET = ROWS["node_device_reset"]
_START = ROWS["node_device_create"]
_DESTROY = ROWS["node_device_destroy"]
_UNDEFINE = ROWS["node_device_undefine"]
_UPDATE = ROWS["node_device_update"]

# The flag of each capability that a list can ask for, by the name that XML and virsh have for it.
CAPABILITIES: dict[str, ConnectListAllNodeDeviceFlags] = {
    "system": ConnectListAllNodeDeviceFlags.CAP_SYSTEM,
    "pci": ConnectListAllNodeDeviceFlags.CAP_PCI_DEV,
    "usb_device": ConnectListAllNodeDeviceFlags.CAP_USB_DEV,
    "usb": ConnectListAllNodeDeviceFlags.CAP_USB_INTERFACE,
    "net": ConnectListAllNodeDeviceFlags.CAP_NET,
    "scsi_host": ConnectListAllNodeDeviceFlags.CAP_SCSI_HOST,
    "scsi_target": ConnectListAllNodeDeviceFlags.CAP_SCSI_TARGET,
    "scsi": ConnectListAllNodeDeviceFlags.CAP_SCSI,
    "storage": ConnectListAllNodeDeviceFlags.CAP_STORAGE,
    "fc_host": ConnectListAllNodeDeviceFlags.CAP_FC_HOST,
    "vports": ConnectListAllNodeDeviceFlags.CAP_VPORTS,
    "scsi_generic": ConnectListAllNodeDeviceFlags.CAP_SCSI_GENERIC,
    "drm": ConnectListAllNodeDeviceFlags.CAP_DRM,
    "mdev_types": ConnectListAllNodeDeviceFlags.CAP_MDEV_TYPES,
    "mdev": ConnectListAllNodeDeviceFlags.CAP_MDEV,
    "ccw": ConnectListAllNodeDeviceFlags.CAP_CCW_DEV,
    "css": ConnectListAllNodeDeviceFlags.CAP_CSS_DEV,
    "vdpa": ConnectListAllNodeDeviceFlags.CAP_VDPA,
    "ap_card": ConnectListAllNodeDeviceFlags.CAP_AP_CARD,
    "ap_queue": ConnectListAllNodeDeviceFlags.CAP_AP_QUEUE,
    "ap_matrix": ConnectListAllNodeDeviceFlags.CAP_AP_MATRIX,
    "vpd": ConnectListAllNodeDeviceFlags.CAP_VPD,
}


class NodeDevice(LastingObject):
    """A device of the host, found or made through ``host.node_devices``; it stands for the device by its name.

    A device that is gone raises NoNodeDevice.
    """

    __slots__ = ()

    row_is_active = ROWS["node_device_is_active"]
    row_is_persistent = ROWS["node_device_is_persistent"]
    row_get_autostart = ROWS["node_device_get_autostart"]
    row_set_autostart = ROWS["node_device_set_autostart"]

    @property
    def key(self) -> str:
        return self._ref.name

    def _call(self, row: Row, *args: Any, deadline: float | None = None) -> tuple[Any, ...]:
        # Rows about devices take the name alone.
        return self._session.call(row, self._ref.name, *args, deadline=deadline)

    def xml(self, *, inactive: bool = False, deadline: float | None = None) -> str:
        """What is known of it (virNodeDeviceGetXMLDesc); ``inactive`` gives the definition of a mediated device."""
        return self._call(_XML, 1 if inactive else 0, deadline=deadline)[0]

    def parent(self, *, deadline: float | None = None) -> str | None:
        """The name of the device that it is part of, None for the host itself (virNodeDeviceGetParent)."""
        return self._call(_PARENT, deadline=deadline)[0]

    def capabilities(self, *, deadline: float | None = None) -> list[str]:
        """What kinds of device it is: ``pci``, ``net``, … (virNodeDeviceListCaps)."""
        (number,) = self._call(_NUM_OF_CAPS, deadline=deadline)
        return self._call(_CAPS, number, deadline=deadline)[0]

    def detach(self, driver: str | None = None, *, deadline: float | None = None) -> None:
        """Take it from the host, for a guest to have (virNodeDeviceDetachFlags); ``driver`` is ``vfio`` or another."""
        if driver is None:
            self._call(_DETACH, deadline=deadline)
        else:
            self._call(_DETACH_FLAGS, driver, 0, deadline=deadline)

    def reattach(self, *, deadline: float | None = None) -> None:
        """Give it back to the host (virNodeDeviceReAttach)."""
        self._call(_REATTACH, deadline=deadline)

    def reset(self, *, deadline: float | None = None) -> None:
        """Reset it; it must be detached (virNodeDeviceReset)."""
        self._call(_RESET, deadline=deadline)

    def start(self, *, deadline: float | None = None) -> None:
        """Start a defined device (virNodeDeviceCreate)."""
        self._call(_START, 0, deadline=deadline)

    def destroy(self, *, deadline: float | None = None) -> None:
        """Remove a virtual device (virNodeDeviceDestroy)."""
        self._call(_DESTROY, deadline=deadline)

    def undefine(self, *, deadline: float | None = None) -> None:
        """Forget the definition of a device (virNodeDeviceUndefine)."""
        self._call(_UNDEFINE, 0, deadline=deadline)

    def update(self, xml: str, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """Change a device by its XML, as it is, in its definition, or both (virNodeDeviceUpdate)."""
        self._call(_UPDATE, xml, impact(live, config), deadline=deadline)


class NodeDevices(HostObjects[NodeDevice]):
    """``host.node_devices``: iterable, ``len``, ``in``, and ``host.node_devices[name]``."""

    thing = NodeDevice
    list_all = ROWS["connect_list_all_node_devices"]

    def list(
        self,
        flags: ConnectListAllNodeDeviceFlags | int = 0,
        *,
        capabilities: Iterable[str] = (),
        active: bool = False,
        inactive: bool = False,
        deadline: float | None = None,
    ) -> list[NodeDevice]:
        """The devices that pass the filter (virConnectListAllNodeDevices): of one of ``capabilities`` (``pci``, …).

        Without a filter all active ones. Raises InvalidArgument for a capability that is none.
        """
        wishes = {ConnectListAllNodeDeviceFlags.ACTIVE: active, ConnectListAllNodeDeviceFlags.INACTIVE: inactive}
        return self._all(int(flags) | bits(wishes) | capability_flags(capabilities), deadline)

    def names(self, capability: str | None = None, *, deadline: float | None = None) -> list[str]:
        """The names of all devices, or of those with a capability (virNodeListDevices)."""
        (number,) = self._session.call(_NUM, capability, 0, deadline=deadline)
        return self._session.call(_NAMES, capability, number, 0, deadline=deadline)[0]

    def lookup(self, key: str, *, deadline: float | None = None) -> NodeDevice:
        """The device with that name (virNodeDeviceLookupByName). Raises NoNodeDevice."""
        if not isinstance(key, str):
            raise TypeError(f"{key!r} is no name")
        return self._one(_BY_NAME, key, deadline=deadline)

    def lookup_wwn(self, wwnn: str, wwpn: str, *, deadline: float | None = None) -> NodeDevice:
        """The SCSI host with those world wide names (virNodeDeviceLookupSCSIHostByWWN). Raises NoNodeDevice."""
        return self._one(_BY_WWN, wwnn, wwpn, 0, deadline=deadline)

    def create(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> NodeDevice:
        """Make a virtual device (virNodeDeviceCreateXML)."""
        flags = int(NodeDeviceCreateXMLFlags.VALIDATE) if validate else 0
        return self._one(_CREATE_XML, xml, flags, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> NodeDevice:
        """Keep the definition of a virtual device (virNodeDeviceDefineXML)."""
        flags = int(NodeDeviceDefineXMLFlags.VALIDATE) if validate else 0
        return self._one(_DEFINE_XML, xml, flags, deadline=deadline)

    def events(
        self,
        devices: NodeDevice | str | Iterable[NodeDevice | str] | None = None,
        kinds: NodeDeviceEventLifecycleType | Collection[NodeDeviceEventLifecycleType] | None = None,
        timeout: float | None = None,
        *,
        deadline: float | None = None,
    ) -> NodeDeviceEvents:
        """Iterate what happens to devices from now on (virConnectNodeDeviceEventRegisterAny); see ``host.events``."""
        from .object_events import NodeDeviceEvents

        return NodeDeviceEvents(self._session, devices, kinds, timeout, deadline)


def capability_flags(capabilities: Iterable[str]) -> int:
    """The filter flags of capabilities by name. Raises InvalidArgument for one that is none."""
    chosen = 0
    for name in capabilities:
        if name not in CAPABILITIES:
            raise InvalidArgument(f"'{name}' is no capability of devices; those are {', '.join(CAPABILITIES)}")
        chosen |= CAPABILITIES[name]
    return int(chosen)
