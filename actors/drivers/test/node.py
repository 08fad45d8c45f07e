"""What a test driver begins with."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....wire.documents.domain import (
    Clock,
    Devices,
    Disk,
    DomainDefinition,
    Interface,
    Memballoon,
    OperatingSystem,
    PciAddress,
)
from ....wire.documents.interface import InterfaceDefinition
from ....wire.documents.moment import SnapshotDefinition
from ....wire.documents.network import NetworkDefinition
from ....wire.documents.nodedev import NodeDeviceDefinition
from ....wire.documents.storage import PoolDefinition, PoolTarget
from ....wire.documents.testnode import InitialDomain, InitialPool, parse_test_node
from ....wire.enums.domain import DomainState
from ....wire.errors import InvalidArgument, SystemFailure, XMLError
from ....wire.uri import ConnectURI
from ...lifecycle import Happening
from ..network import identified
from . import default_node
from .domain import Load, complete_test_domain

DEFAULT = "/default"
_DEFAULT_DOMAIN = DomainDefinition(
    type="test",
    name="test",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    memory=8388608,
    current_memory=2097152,
    vcpus=2,
    os=OperatingSystem(type="hvm", arch="i686", boot=("hd",)),
    clock=Clock(offset="utc"),
    devices=Devices(
        disks=(Disk(source="/guest/diskimage1", target="vda", bus="virtio", address=PciAddress(bus=1)),),
        interfaces=(
            Interface(
                type="network",
                mac="aa:bb:cc:dd:ee:ff",
                network="default",
                target="testnet0",
                address=PciAddress(slot=1),
            ),
        ),
        memballoon=Memballoon(model="virtio", address=PciAddress(slot=2)),
    ),
)
_DEFAULT_POOL = InitialPool(
    PoolDefinition(
        type="dir",
        name="default-pool",
        uuid="dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566",
        target=PoolTarget(path="/default-pool"),
    )
)


# What a domain of a document has been through to be in its state.
_HAPPENED: dict[DomainState, tuple[Happening, ...]] = {
    DomainState.RUNNING: (Happening.BOOTED,),
    DomainState.PAUSED: (Happening.BOOTED_PAUSED,),
    DomainState.SHUTOFF: (),
    DomainState.CRASHED: (Happening.BOOTED, Happening.PANICKED),
}


@dataclass(frozen=True, slots=True)
class InitialNode:
    """What is there when a driver is opened."""

    domains: Sequence[Load] = ()
    pools: Sequence[InitialPool] = ()
    networks: Sequence[NetworkDefinition] = ()
    interfaces: Sequence[InterfaceDefinition] = ()
    devices: Sequence[NodeDeviceDefinition] = ()


def initial_node(uri: ConnectURI) -> InitialNode:
    """What `uri` stands for: `test:///default`, or the path of a `<node>` document.

    Raises InvalidArgument without a path, SystemFailure without the file, XMLError and UnsupportedConfig for what is
    in it.
    """
    if uri.path == DEFAULT:
        return InitialNode(
            [Load(complete_test_domain(_DEFAULT_DOMAIN), (Happening.BOOTED,))],
            [_DEFAULT_POOL],
            [default_node.NETWORK],
            [default_node.INTERFACE],
            default_node.DEVICES,
        )
    if not uri.path.strip("/"):
        raise InvalidArgument("supply a path or use test:///default")
    document = Path(uri.path)
    node = parse_test_node(_read(document), lambda name: _read(document.parent / name))
    return InitialNode(
        [_load(domain) for domain in node.domains],
        node.pools,
        [identified(network) for network in node.networks],
        node.interfaces,
        node.devices,
    )


def _load(domain: InitialDomain) -> Load:
    definition = dataclasses.replace(domain.definition, id=None, uuid=domain.definition.uuid or str(uuid.uuid4()))
    snapshots = tuple(_completed(snapshot, definition) for snapshot in domain.snapshots)
    completed = complete_test_domain(definition)
    return Load(completed, _HAPPENED[domain.state], domain.transient, domain.managed_save, snapshots)


def _completed(snapshot: SnapshotDefinition, of: DomainDefinition) -> SnapshotDefinition:
    """A snapshot whose domain is complete, and the one that it stands in."""
    assert snapshot.domain is not None
    return dataclasses.replace(
        snapshot, domain=complete_test_domain(dataclasses.replace(snapshot.domain, id=None, uuid=of.uuid))
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise XMLError(f"{path} is not UTF-8: {error}") from error
    except OSError as error:
        raise SystemFailure(f"cannot read {path}: {error.strerror}", errno=error.errno) from error
