"""Devices as commands find them in a domain's XML: disks, interfaces, displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ....wire.errors import NotFound
from ..xmltext import element as written

if TYPE_CHECKING:
    from ...domain import Domain

# Which attribute of <source> says where a disk's or interface's other end is, by the device's type.
_DISK_SOURCES = {"file": "file", "block": "dev", "dir": "dir", "network": "name", "volume": "volume"}
_NIC_SOURCES = {"network": "network", "bridge": "bridge", "direct": "dev", "vhostuser": "path", "vdpa": "dev"}


class DiskElement(NamedTuple):
    """A disk as its XML has it; ``element`` is all of it."""

    type: str
    device: str
    target: str
    source: str | None
    element: Element


class NicElement(NamedTuple):
    """An interface as its XML has it."""

    type: str
    target: str | None
    source: str | None
    model: str | None
    mac: str
    element: Element


def parsed(domain: Domain, inactive: bool = False, *, secure: bool = False) -> Element:
    """A domain's XML."""
    return ElementTree.fromstring(domain.xml(inactive=inactive, secure=secure))


def xml_of(element: Element) -> str:
    """An element's own XML, laid out as libvirt does."""
    return written(element.tag, element.attrib, [xml_of(child) for child in element] or (element.text or "").strip())


def attribute(element: Element, path: str, key: str) -> str | None:
    """The attribute of the first element below with that path; None where either is not there."""
    found = element.find(path)
    return None if found is None else found.get(key)


def disks_in(tree: Element) -> list[DiskElement]:
    """The disks of a domain's XML."""
    return [_disk(element) for element in tree.iterfind("devices/disk")]


def _disk(element: Element) -> DiskElement:
    type = element.get("type", "file")
    source = attribute(element, "source", _DISK_SOURCES.get(type, "file"))
    pool = attribute(element, "source", "pool")
    return DiskElement(
        type,
        element.get("device", "disk"),
        attribute(element, "target", "dev") or "",
        f"{pool}/{source}" if type == "volume" and pool else source,
        element,
    )


def disk_of(tree: Element, name: str) -> DiskElement:
    """The disk with that target or source. Raises NotFound."""
    for disk in disks_in(tree):
        if name in (disk.target, disk.source):
            return disk
    raise NotFound(f"no disk found whose source path or target is {name}")


def nics_in(tree: Element) -> list[NicElement]:
    """The interfaces of a domain's XML."""
    return [_nic(element) for element in tree.iterfind("devices/interface")]


def _nic(element: Element) -> NicElement:
    type = element.get("type", "user")
    return NicElement(
        type,
        attribute(element, "target", "dev"),
        attribute(element, "source", _NIC_SOURCES.get(type, "")),
        attribute(element, "model", "type"),
        attribute(element, "mac", "address") or "",
        element,
    )


def nic_of(tree: Element, name: str) -> NicElement:
    """The interface with that target or MAC address. Raises NotFound."""
    for nic in nics_in(tree):
        if name == nic.target or name.lower() == nic.mac.lower():
            return nic
    raise NotFound(f"no interface found whose target or MAC address is {name}")
