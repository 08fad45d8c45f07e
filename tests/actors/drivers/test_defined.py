"""What objects that are defined and started have in common, on networks whose start waits for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pykka
from pykka import messages
from virtactor.actors.call import Call
from virtactor.actors.connection.session import Session
from virtactor.actors.drivers.network import NetworkDirectory
from virtactor.actors.drivers.test.network import TestNetwork, TestNetworkDriver
from virtactor.actors.events import EventLog
from virtactor.actors.runtime import Runtime
from virtactor.wire.documents.network import NetworkDefinition
from virtactor.wire.errors import AlreadyExists, OperationFailed
from virtactor.wire.table import ROWS
from virtactor.wire.table.structs import NetworkRef

from ..fake_object import Callers
from ..loops import run, settle

UUID = "11111111-2222-3333-4444-{:012d}"


class SlowNetwork(TestNetwork):
    """Its start goes on when ``gate`` is set, and fails with what that was set to."""

    async def bring_up(self, call: Call, definition: NetworkDefinition) -> NetworkDefinition:
        gate: asyncio.Future[None] = self.runtime.loop.create_future()
        self.gate = gate
        await gate
        return definition


class SlowNetworks(TestNetworkDriver):
    def make_object(self, name: str, key: bytes) -> pykka.ActorRef[Any]:
        return SlowNetwork.start(self.runtime, self.upward(), name, key)


class Stage:
    """The network part of a driver, and its callers."""

    def __init__(self) -> None:
        self.runtime = Runtime(asyncio.get_running_loop())
        callers: pykka.ActorRef[Callers] = Callers.start(self.runtime)
        self.callers: Callers = callers._actor_weakref()  # type: ignore[assignment]
        self.directory = NetworkDirectory()
        self.events: pykka.ActorRef[EventLog] = EventLog.start(self.runtime, 100)
        self.ref = SlowNetworks.start(self.runtime, self.directory, self.events, ())
        self.session = Session(callers, "caller")
        self._serial = 0

    async def call(self, name: str, *args: Any) -> int:
        """Send a call to the driver, or to the network that it names, and let it come as far as it does."""
        self._serial += 1
        call = Call(ROWS[name], args, self.session, self._serial)
        call.patience, call.deadline = 30.0, self.runtime.loop.time() + 30.0
        target = self.directory.ref_of(args[0]) if isinstance(args[0], NetworkRef) else self.ref
        target.tell(call)
        await settle()
        return self._serial

    def network(self, name: str) -> SlowNetwork:
        return self.directory.by_name(name).ref._actor_weakref()  # type: ignore[return-value]

    async def go_on(self, name: str, error: Exception | None = None) -> None:
        gate = self.network(name).gate
        if error is None:
            gate.set_result(None)
        else:
            gate.set_exception(error)
        await settle()

    @property
    def answers(self) -> dict[int, Any]:
        return self.callers.answers

    def events_told(self) -> int:
        log: Any = self.events._actor_weakref()
        return log.sequence

    async def close(self) -> None:
        for ref in (self.ref, self.events, self.callers.actor_ref):
            await ref.ask(messages._ActorStop(), block=False)
            await settle()
        assert not self.runtime.actors


def on_stage(work: Callable[[Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        stage = Stage()
        await work(stage)
        await stage.close()

    run(whole)


def xml(name: str, number: int = 1) -> str:
    return f"<network><name>{name}</name><uuid>{UUID.format(number)}</uuid><bridge name='b'/></network>"


def test_a_transient_network_that_does_not_start_leaves_nothing_and_frees_its_name() -> None:
    async def work(stage: Stage) -> None:
        serial = await stage.call("network_create_xml", xml("a"))
        assert serial not in stage.answers
        await stage.go_on("a", OperationFailed("no bridge"))
        assert isinstance(stage.answers[serial], OperationFailed)
        assert len(stage.directory) == stage.events_told() == 0
        again = await stage.call("network_define_xml", xml("a", 2))
        assert stage.answers[again][0].name == "a"

    on_stage(work)


def test_a_definition_that_comes_while_a_start_fails_makes_the_network_stay() -> None:
    async def work(stage: Stage) -> None:
        await stage.call("network_create_xml", xml("a"))
        defined = await stage.call("network_define_xml", xml("a"))
        assert defined not in stage.answers
        await stage.go_on("a", OperationFailed("no bridge"))
        assert stage.answers[defined] == (stage.directory.by_name("a").wire_ref,)
        assert not stage.network("a").active

    on_stage(work)


def test_a_name_is_taken_from_the_moment_that_its_definition_is_handed_over() -> None:
    async def work(stage: Stage) -> None:
        await stage.call("network_create_xml", xml("a"))
        other = await stage.call("network_create_xml", xml("a", 2))
        assert isinstance(stage.answers[other], AlreadyExists)
        await stage.go_on("a")
        assert stage.network("a").active

    on_stage(work)


def test_changes_of_one_network_wait_for_each_other_and_those_of_another_do_not() -> None:
    async def work(stage: Stage) -> None:
        await stage.call("network_create_xml", xml("a"))
        net = stage.directory.by_name("a").wire_ref
        stopping = await stage.call("network_destroy", net)
        other = await stage.call("network_define_xml", xml("b", 2))
        assert stopping not in stage.answers
        assert stage.answers[other][0].name == "b"
        await stage.go_on("a")
        assert stage.answers[stopping] == ()
        assert [entry.name for entry in stage.directory] == ["b"]

    on_stage(work)


def test_questions_are_answered_while_a_network_starts() -> None:
    async def work(stage: Stage) -> None:
        await stage.call("network_define_xml", xml("a"))
        net = stage.directory.by_name("a").wire_ref
        await stage.call("network_create", net)
        asked = await stage.call("network_is_active", net)
        assert stage.answers[asked] == (0,)
        await stage.go_on("a")
        asked = await stage.call("network_is_active", net)
        assert stage.answers[asked] == (1,)

    on_stage(work)
