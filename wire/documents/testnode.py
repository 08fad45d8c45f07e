"""The document behind `test:///path/to/definitions.xml`: the domains that a test driver begins with.

It is the `<node>` of libvirt's test driver, of which these are done:

    <node>
      <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
        …
        <test:runstate>5</test:runstate>
        <test:transient/> <test:hasmanagedsave/>
        <test:domainsnapshot>… <active>0</active> …</test:domainsnapshot> <test:domainsnapshot file='snapshot.xml'/>
      </domain>
      <domain file='other.xml'/>
      <pool type='dir'>… <volume>…</volume> <volume file='disk.xml'/> </pool>
      <network>…</network> <interface>…</interface> <device>…</device>
    </node>

A domain without a `runstate` (a number of virDomainState: 1 running, 3 paused, 5 shut off, 6 crashed) runs. Pools
are active, and have the volumes that are in them; networks and interfaces are active too. Whatever else libvirt
allows in a node (cpu, auth) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ..enums.domain import DomainState
from ..enums.error import ErrorDomain
from ..errors import InternalError, UnsupportedConfig, XMLError
from .domain import DomainDefinition
from .interface import InterfaceDefinition
from .moment import SnapshotDefinition, read_snapshot
from .network import NetworkDefinition, complete_network
from .nodedev import NodeDeviceDefinition
from .reader import parse, path_of, read_element
from .storage import PoolDefinition, VolumeDefinition

NAMESPACE = "http://libvirt.org/schemas/domain/test/1.0"
STATES = (DomainState.RUNNING, DomainState.PAUSED, DomainState.SHUTOFF, DomainState.CRASHED)


@dataclass(frozen=True, slots=True)
class InitialDomain:
    """One domain as the document has it, not completed. A transient one has no persistent definition."""

    definition: DomainDefinition
    state: DomainState = DomainState.RUNNING
    transient: bool = False
    managed_save: bool = False
    snapshots: tuple[SnapshotDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class InitialPool:
    """One storage pool as the document has it, not completed, and its volumes."""

    definition: PoolDefinition
    volumes: tuple[VolumeDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class TestNode:
    """What a document has, each kind in its order."""

    __test__ = False

    domains: tuple[InitialDomain, ...] = ()
    pools: tuple[InitialPool, ...] = ()
    networks: tuple[NetworkDefinition, ...] = ()
    interfaces: tuple[InterfaceDefinition, ...] = ()
    devices: tuple[NodeDeviceDefinition, ...] = ()


def parse_test_node(text: str, read: Callable[[str], str]) -> TestNode:
    """What a `<node>` document has.

    `read` gives the text of a file that `<domain file='…'/>` names, relative to the document. Raises XMLError and
    UnsupportedConfig, and what `read` raises.
    """
    node = parse(text, "node")
    foreign = [child for child in node.iterchildren(etree.Element) if child.tag not in _KINDS]
    if foreign:
        named = ", ".join(f"element {path_of(child)} (line {child.sourceline})" for child in foreign)
        raise UnsupportedConfig(named, line=foreign[0].sourceline)
    for name in node.keys():  # noqa: SIM118 - an lxml element is a sequence of its children
        raise UnsupportedConfig(f"attribute {name!r} of /node", line=node.sourceline)
    return TestNode(
        **{
            field: tuple(make(_here(child, tag, read), read) for child in node.iterchildren(tag))
            for tag, (field, make) in _KINDS.items()
        }
    )


def _here(element: etree._Element, tag: str, read: Callable[[str], str]) -> etree._Element:
    """The element itself, or that of the file which it names."""
    file = element.get("file")
    if file is None:
        return element
    if len(element.keys()) > 1 or len(element):
        raise XMLError(f"line {element.sourceline}: a {tag} is either in file {file!r} or here, expected one")
    return parse(read(file), tag)


def _pool(element: etree._Element, read: Callable[[str], str]) -> InitialPool:
    volumes = list(element.iterchildren("volume"))
    found = tuple(read_element(_here(each, "volume", read), VolumeDefinition) for each in volumes)
    for volume in volumes:
        element.remove(volume)
    return InitialPool(read_element(element, PoolDefinition), found)


def _domain(element: etree._Element, read: Callable[[str], str]) -> InitialDomain:
    state = DomainState.RUNNING
    if (runstate := _taken(element, "runstate")) is not None:
        state = _state(runstate)
    transient = _taken(element, "transient") is not None
    if transient and state is DomainState.SHUTOFF:
        raise XMLError(f"line {element.sourceline}: a transient domain cannot be shut off")
    managed_save = _taken(element, "hasmanagedsave") is not None
    if managed_save and state is not DomainState.SHUTOFF:
        raise XMLError(f"line {element.sourceline}: only a domain that is shut off has a managed save")
    snapshots = _snapshots(element, read)
    definition = read_element(element, DomainDefinition, strict=False)
    return InitialDomain(definition, state, transient, managed_save, snapshots)


def _snapshots(element: etree._Element, read: Callable[[str], str]) -> tuple[SnapshotDefinition, ...]:
    """Take a domain's snapshots out of it. Raises InternalError, as libvirt does, where they do not fit together."""
    children = list(element.iterchildren(f"{{{NAMESPACE}}}domainsnapshot"))
    found = tuple(read_snapshot(_here(child, "domainsnapshot", read)) for child in children)
    for child in children:
        element.remove(child)
    if sum(bool(snapshot.active) for snapshot in found) > 1:
        raise InternalError("more than one snapshot claims to be active", domain=ErrorDomain.TEST)
    if not _are_related({snapshot.name: snapshot.parent for snapshot in found}, len(found)):
        name = element.findtext("name")
        raise InternalError(f"Snapshots have inconsistent relations for domain {name}", domain=ErrorDomain.TEST)
    return found


def _are_related(parents: Mapping[str | None, str | None], count: int) -> bool:
    """Whether each name comes once, and each snapshot follows from one that follows none."""
    for name in parents:
        seen: set[str | None] = set()
        while (parent := parents[name]) is not None:
            if parent not in parents or parent in seen:
                return False
            seen.add(parent)
            name = parent
    return len(parents) == count


def _taken(element: etree._Element, name: str) -> etree._Element | None:
    """Take a child of the test namespace out of its domain."""
    child = element.find(f"{{{NAMESPACE}}}{name}")
    if child is not None:
        if child.keys() or len(child):
            raise UnsupportedConfig(f"attributes or elements of {path_of(child)}", line=child.sourceline)
        # A removed child takes the text behind it along.
        if child.tail and not child.tail.isspace():
            raise XMLError(f"line {child.sourceline}: there is text behind {path_of(child)}, expected none")
        element.remove(child)
    return child


def _state(element: etree._Element) -> DomainState:
    text = (element.text or "").strip()
    for state in STATES:
        if text == str(int(state)):
            return state
    expected = ", ".join(f"{int(state)} ({state.name.lower()})" for state in STATES)
    raise XMLError(
        f"line {element.sourceline}: runstate is {text[:40]!r}, expected one of {expected}", line=element.sourceline
    )


# What may stand in a node: the field of TestNode that it goes to, and how it is read.
_KINDS: dict[str, tuple[str, Callable[[etree._Element, Callable[[str], str]], Any]]] = {
    "domain": ("domains", _domain),
    "pool": ("pools", _pool),
    "network": (
        "networks",
        lambda element, _: complete_network(read_element(element, NetworkDefinition, strict=False)),
    ),
    "interface": ("interfaces", lambda element, _: read_element(element, InterfaceDefinition, strict=False)),
    "device": ("devices", lambda element, _: read_element(element, NodeDeviceDefinition, strict=False)),
}
