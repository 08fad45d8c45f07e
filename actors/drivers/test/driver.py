"""The test driver. `test:///default` begins with one running domain, `test:///PATH` with those of a document.

A driver of `test:///default` is shared by its sessions and is gone, with all that was defined, when the last one
closes; one that was opened from a document is its session's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, get_args

import pykka

from ....wire.documents.domain.definition import DomainType
from ....wire.enums.error import ErrorDomain
from ....wire.table import Part
from ....wire.uri import ConnectURI
from ...call import Call
from ...events import EventLog
from ...router import DriverKind
from ...runtime import Runtime
from ..directory import Directory
from ..handle import DriverHandle, PartHandle
from .domain import TestDomain
from .host import TestHostQueries
from .interface import open_interfaces
from .network import open_networks
from .node import DEFAULT, InitialNode, initial_node
from .nodedev import open_devices
from .restoring import Restoring
from .storage import open_pools

VERSION = 2


class TestDriver(TestHostQueries, Restoring):
    """Domains in memory."""

    __test__ = False
    name = "test"
    errors = ErrorDomain.TEST
    # Those of any hypervisor: it has none.
    domain_types = frozenset(get_args(DomainType))
    strict = False

    def __init__(
        self,
        runtime: Runtime,
        directory: Directory,
        events: pykka.ActorRef[EventLog],
        initial: InitialNode,
    ) -> None:
        super().__init__(runtime, directory, events)
        self._initial = initial.domains

    @classmethod
    def open_parts(cls, runtime: Runtime, events: pykka.ActorRef[EventLog], *args: Any) -> Mapping[Part, PartHandle]:
        initial: InitialNode
        (initial,) = args
        openings = {
            Part.NETWORK: lambda: open_networks(runtime, events, initial.networks),
            Part.INTERFACE: lambda: open_interfaces(runtime, initial.interfaces),
            Part.NODE_DEVICE: lambda: open_devices(runtime, events, initial.devices),
            Part.STORAGE: lambda: open_pools(runtime, events, initial.pools),
        }
        parts: dict[Part, PartHandle] = {}
        try:
            for part, opening in openings.items():
                parts[part] = opening()
        except BaseException:
            for handle in parts.values():
                handle.ref.stop(block=False)
            raise
        return parts

    def on_start(self) -> None:
        for load in self._initial:
            self.check_definition(load.definition)
            self.admit(load.definition).ref.tell(load)

    def make_domain(self, name: str, uuid: bytes) -> pykka.ActorRef[TestDomain]:
        return TestDomain.start(self.runtime, self.surroundings(), name, uuid)

    def connect_get_version(self, call: Call) -> tuple[int]:
        return (VERSION,)


def test_kind(runtime: Runtime, window: int) -> DriverKind:
    """How `test:` URIs are opened; ``window`` is the number of events that an instance keeps."""
    private = itertools.count(1)

    def key(uri: ConnectURI) -> str:
        return DEFAULT if uri.path == DEFAULT else f"{uri.path}#{next(private)}"

    def open(uri: ConnectURI) -> DriverHandle:
        return TestDriver.open(runtime, window, initial_node(uri))

    return DriverKind(key, open, lasting=False)
