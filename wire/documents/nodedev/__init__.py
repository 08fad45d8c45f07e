"""Devices of the host as values: libvirt's `<device>` document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ...enums.error import ErrorDomain
from ...errors import InternalError, VirtError
from ..binding import At
from ..reader import read_document
from ..writer import write_document
from .capabilities import Capability, FcHost, ScsiHostCapability, SystemCapability, VportOps

# What has another name in calls than in documents.
_LISTED_AS = {"vport_ops": "vports"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNode:
    """A file of the device below /dev, or a link to it."""

    type: Annotated[Literal["dev", "link"], At("@type")]
    path: Annotated[str, At(".")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceParent:
    """The device that this one hangs on, by name or, for a virtual adapter, by the names of its fabric."""

    wwnn: Annotated[str | None, At("@wwnn")] = None
    wwpn: Annotated[str | None, At("@wwpn")] = None
    fabric_wwn: Annotated[str | None, At("@fabric_wwn")] = None
    name: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDeviceDefinition:
    """A device of the host. `path` is its place in /sys, `driver` the kernel's for it."""

    name: Annotated[str | None, At("name")] = None
    path: Annotated[str | None, At("path")] = None
    nodes: Annotated[tuple[DeviceNode, ...], At("devnode")] = ()
    parent: Annotated[DeviceParent | None, At("parent")] = None
    driver: Annotated[str | None, At("driver/name")] = None
    capabilities: Annotated[tuple[Capability, ...], At("capability", by="type")] = ()

    @property
    def capability_names(self) -> list[str]:
        """The types of the capabilities, as virNodeDeviceListCaps gives them."""
        return [capability.TAG for capability in self.capabilities]

    def all_capability_names(self) -> set[str]:
        """The types of the capabilities and of those within them, by the names that lists filter by."""
        inner = (each for capability in self.capabilities for each in getattr(capability, "capabilities", ()))
        return {_LISTED_AS.get(each.TAG, each.TAG) for each in (*self.capabilities, *inner)}

    @property
    def parent_name(self) -> str | None:
        return self.parent.name if self.parent is not None else None


def parse_node_device(text: str, *, strict: bool = True) -> NodeDeviceDefinition:
    """The device that a `<device>` document describes. Answers to virNodeDeviceCreateXML's argument.

    Raises XMLError (malformed, incomplete or impossible; `line` is set), where ``strict`` UnsupportedConfig (what
    virtactor does not do, named with its place), and InternalError, as libvirt, for a device without capabilities.
    """
    try:
        definition = read_document(text, "device", NodeDeviceDefinition, strict=strict)
        if not definition.capabilities:
            raise InternalError(f"no device capabilities for '{definition.name or 'new device'}'")
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.NODEDEV
        raise
    return definition


def format_node_device(definition: NodeDeviceDefinition) -> str:
    """The `<device>` document. Answers to virNodeDeviceGetXMLDesc."""
    return write_document(definition, "device")


__all__ = [
    "Capability",
    "DeviceNode",
    "DeviceParent",
    "FcHost",
    "NodeDeviceDefinition",
    "ScsiHostCapability",
    "SystemCapability",
    "VportOps",
    "format_node_device",
    "parse_node_device",
]
