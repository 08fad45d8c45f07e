"""The drivers of the daemon: a new one is a folder, and a line here."""

from __future__ import annotations

from dataclasses import dataclass

import pykka

from ...wire.paths import Paths
from ..config import Config
from ..router import DriverKind
from ..runtime import Runtime
from ..store import Store
from .handle import DriverHandle
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
    return kinds, lasting
