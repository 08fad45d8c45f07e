"""Virtual networks of the test driver: they are started by being said to be."""

from __future__ import annotations

from collections.abc import Sequence

import pykka

from ....wire.documents.network import NetworkDefinition
from ....wire.enums.error import ErrorDomain
from ....wire.table.structs import NetworkRef
from ...call import Call
from ...events import EventLog
from ...runtime import Runtime
from ..defined import Lifecycle
from ..handle import PartHandle
from ..network import Network, NetworkDirectory, NetworkDriver, key_of


class TestNetwork(Network):
    """A network in memory. As libvirt's, it may be stopped while it is not active and is not undefined while it is."""

    __test__ = False
    is_active_text = "Network '{name}' is already running"
    xml_flags = 0
    strict = False

    async def network_destroy(self, call: Call, net: NetworkRef) -> None:
        if self.active:
            await self.stop_active(call)
        else:
            self.tell(Lifecycle.STOPPED)

    async def network_undefine(self, call: Call, net: NetworkRef) -> None:
        if self.active:
            raise self.refusal("Network '{name}' is still running")
        await self.drop_definition()

    async def network_set_autostart(self, call: Call, net: NetworkRef, autostart: int) -> None:
        self.autostart = autostart != 0
        self.tell_summary()


class TestNetworkDriver(NetworkDriver):
    """Networks in memory."""

    __test__ = False
    strict = False

    def __init__(
        self,
        runtime: Runtime,
        directory: NetworkDirectory,
        events: pykka.ActorRef[EventLog],
        initial: Sequence[NetworkDefinition],
    ) -> None:
        super().__init__(runtime, directory, events)
        self._initial = initial

    def on_start(self) -> None:
        for definition in self._initial:
            self.load(definition.name, key_of(definition), definition, definition)

    def make_object(self, name: str, key: bytes) -> pykka.ActorRef[TestNetwork]:
        return TestNetwork.start(self.runtime, self.upward(), name, key)


def open_networks(
    runtime: Runtime, events: pykka.ActorRef[EventLog], initial: Sequence[NetworkDefinition]
) -> PartHandle:
    """Start the network part of a test driver; the initial networks are complete and have UUIDs."""
    directory = NetworkDirectory()
    driver = TestNetworkDriver.start(runtime, directory, events, initial)
    return PartHandle(driver, directory, ErrorDomain.TEST)
