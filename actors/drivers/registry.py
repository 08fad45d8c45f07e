"""The drivers of the daemon: a new one is a folder, and a line here."""

from __future__ import annotations

from dataclasses import dataclass

import pykka

from ...wire.errors import NoConnect
from ...wire.paths import Paths
from ...wire.uri import ConnectURI
from ..config import Config
from ..router import DriverKind
from ..runtime import Runtime
from ..store import Store
from .handle import DriverHandle
from .qemu.driver import open_qemu
from .test.driver import test_kind


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
