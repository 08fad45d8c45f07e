"""The drivers of the daemon: a new one is a folder, its classes and its scheme are named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pykka

from ...wire.errors import NoConnect
from ...wire.paths import Paths
from ...wire.table import Part
from ...wire.uri import ConnectURI
from ..config import Config
from ..objects import CallTarget
from ..router import DriverKind
from ..runtime import Runtime
from ..store import Store
from .handle import DriverHandle
from .qemu.domain import QemuDomain
from .qemu.driver import QemuDriver, open_qemu
from .test.domain import TestDomain
from .test.driver import TestDriver, test_kind
from .test.interface import TestInterfaceDriver
from .test.network import TestNetwork, TestNetworkDriver
from .test.nodedev import TestNodeDeviceDriver
from .test.storage import TestPool, TestPoolDriver

# Who answers for a part of a driver: the class of its driver actor, then those of its objects (the driver's again where
# it answers for its objects itself). The page of served APIs (actors/support.py) looks the rows up in them by name.
ANSWERERS: Mapping[str, Mapping[Part, tuple[type[CallTarget], ...]]] = {
    "test": {
        Part.DOMAIN: (TestDriver, TestDomain),
        Part.NETWORK: (TestNetworkDriver, TestNetwork),
        Part.STORAGE: (TestPoolDriver, TestPool),
        Part.INTERFACE: (TestInterfaceDriver, TestInterfaceDriver),
        Part.NODE_DEVICE: (TestNodeDeviceDriver,),
    },
    "qemu": {
        Part.DOMAIN: (QemuDriver, QemuDomain),
    },
}


@dataclass(frozen=True, slots=True)
class Services:
    """What drivers are started with; ``paths`` and ``store`` are None in a daemon that keeps nothing."""

    runtime: Runtime
    config: Config
    paths: Paths | None
    store: pykka.ActorRef[Store] | None


async def driver_kinds(services: Services) -> tuple[dict[str, DriverKind], list[DriverHandle]]:
    """How the URIs of each scheme are opened, and the instances that run as long as the daemon."""
    kinds = {"test": test_kind(services.runtime, services.config.limits.events)}
    lasting: list[DriverHandle] = []
    if services.paths is not None and services.store is not None:
        qemu = open_qemu(services.runtime, services.config, services.paths, services.store)
        kinds["qemu"] = DriverKind(key=_check_qemu_path, open=lambda _: qemu, lasting=True)
        lasting.append(qemu)
    return kinds, lasting


def _check_qemu_path(uri: ConnectURI) -> str:
    """All sessions share the one instance; the path only says which daemon was meant."""
    if uri.path not in ("/system", "/session", "/embed"):
        raise NoConnect(f"'{uri}': the path is not one of the qemu driver's", hint="qemu:///system or qemu:///session")
    return ""
