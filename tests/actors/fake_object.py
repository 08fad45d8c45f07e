"""A managed object whose jobs a test holds in its hand, and the callers who wait for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pykka
from pykka import messages
from virtactor.actors.call import Call, Failure, Reply
from virtactor.actors.connection.session import Session
from virtactor.actors.objects import ManagedObject
from virtactor.actors.runtime import LoopActor, Runtime
from virtactor.wire.table.rows import REMOTE_PROGRAM, Family, Target

_rows = Family(REMOTE_PROGRAM, Target.OBJECT)
WORK = _rows.change(9001, "work", "tag: int", "tag: int", permission="", help="")
STEP = _rows.change(9002, "step", "tag: int", "tag: int", permission="", help="")
REFUSE = _rows.change(9003, "refuse", "tag: int", permission="", help="")
NOBODY = _rows.change(9004, "nobody_does_this", "tag: int", permission="", help="", api="virNobody")
STOP = _rows.interrupt(9005, "stop_it", "tag: int", "tag: int", permission="", help="")
LOOK = _rows.query(9006, "look", "tag: int", "tag: int", permission="", help="")
LOOK_FAR = _rows.query(9007, "look_far", "tag: int", "tag: int", permission="", help="")


class Callers(LoopActor):
    """The connection of all who call: keeps the answers, in their order."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.answers: dict[int, Any] = {}
        self.order: list[int] = []

    def on_receive(self, message: Any) -> Any:
        if not isinstance(message, Reply | Failure):
            return super().on_receive(message)
        serial = message.call.serial
        assert serial not in self.answers, f"{message.call} is answered twice"
        self.answers[serial] = message.fields if isinstance(message, Reply) else message.error
        self.order.append(serial)
        return None


class FakeObject(ManagedObject):
    """Its jobs wait until the test lets them go on; ``seen`` tells what they did."""

    kind = "thing"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "one", b"\0" * 16)
        self.seen: list[tuple[str, int]] = []
        self.gates: dict[int, asyncio.Future[None]] = {}
        self.clean_ups: dict[int, asyncio.Future[None]] = {}

    async def work(self, call: Call, tag: int) -> tuple[int]:
        self.seen.append(("begins", tag))
        try:
            await self.gate(tag)
        except asyncio.CancelledError:
            self.seen.append(("cleans up", tag))
            if tag in self.clean_ups:
                await self.clean_ups[tag]
                self.seen.append(("is clean", tag))
            raise
        self.seen.append(("is done", tag))
        return (tag,)

    stop_it = work

    def step(self, call: Call, tag: int) -> tuple[int]:
        self.seen.append(("is done", tag))
        return (tag,)

    def refuse(self, call: Call, tag: int) -> None:
        raise KeyError(tag)

    def look(self, call: Call, tag: int) -> tuple[int]:
        return (tag,)

    async def look_far(self, call: Call, tag: int) -> tuple[int]:
        await self.gate(tag)
        return (tag,)

    def gate(self, tag: int) -> asyncio.Future[None]:
        """What the job ``tag`` waits for."""
        return self.gates.setdefault(tag, self.runtime.loop.create_future())


class Stage:
    """One object and its callers, on the running loop."""

    def __init__(self) -> None:
        self.runtime = Runtime(asyncio.get_running_loop())
        callers: pykka.ActorRef[Callers] = Callers.start(self.runtime)
        self.ref: pykka.ActorRef[FakeObject] = FakeObject.start(self.runtime)
        self.callers: Callers = callers._actor_weakref()  # type: ignore[assignment]
        self.object: FakeObject = self.ref._actor_weakref()  # type: ignore[assignment]
        self.session = Session(callers, "caller")

    def call(self, row: Any, tag: int, patience: float = 30.0) -> Call:
        """Send a call; its tag is its serial."""
        call = Call(row, (tag,), self.session, tag)
        call.patience = patience
        call.deadline = self.runtime.loop.time() + patience
        self.ref.tell(call)
        return call

    @property
    def answers(self) -> dict[int, Any]:
        return self.callers.answers

    def let_go(self, tag: int, error: Exception | None = None) -> None:
        """Let a job go on to its end."""
        gate = self.object.gate(tag)
        if error is not None:
            gate.set_exception(error)
        else:
            gate.set_result(None)

    async def close(self) -> None:
        await self.ref.ask(messages._ActorStop(), block=False)
        for _ in range(5):
            await asyncio.sleep(0)
        await self.callers.actor_ref.ask(messages._ActorStop(), block=False)
        assert not self.runtime.actors
