"""An object against its model: whatever comes in whatever order, each call is answered once, and as promised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from virtactor.wire.errors import InternalError, OperationAborted, OperationTimeout

from .fake_object import LOOK, NOBODY, STEP, STOP, WORK, Stage
from .loops import VirtualLoop, settle

PATIENCE = st.sampled_from([1.0, 3.0, 10.0])


@dataclass
class Work:
    """A job as the model knows it."""

    tag: int
    interrupt: bool
    deadline: float
    patience: float
    heard: float = 0.0
    ending: Any = None  # The error with which it will have ended, once it is cancelled.
    dirty: bool = False  # Its clean-up waits for the test.


class Objects(RuleBasedStateMachine):
    """The model: who holds the object, who waits in which order, until when, and what each call was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.stage = self.loop.run_until_complete(self._make_stage())
        self.now = self.loop.time()
        self.tag = 0
        self.held: Work | None = None
        self.waiting: list[Work] = []
        self.expected: dict[int, Any] = {}

    async def _make_stage(self) -> Stage:
        return Stage()

    def do(self, action: Callable[[], Any] = lambda: None, seconds: float = 0.0) -> None:
        """Act, and let the loop and the time go on."""

        async def whole() -> None:
            action()
            await settle()
            if seconds:
                await asyncio.sleep(seconds)
            await settle(30)

        self.loop.run_until_complete(whole())

    def send(self, row: Any, patience: float) -> Work:
        self.tag += 1
        self.stage.call(row, self.tag, patience)
        return Work(self.tag, row is STOP, self.now + patience, patience)

    # -- the model -----------------------------------------------------------------------------------------------------

    def begin_next(self) -> None:
        self.held = self.waiting.pop(0) if self.waiting else None
        if self.held is not None:
            self.held.heard = self.now

    def end_held(self, outcome: Any) -> None:
        assert self.held is not None
        self.expected[self.held.tag] = outcome
        self.begin_next()

    def cancel_held(self, error: type[Exception]) -> None:
        assert self.held is not None
        self.held.ending = error
        if not self.held.dirty:
            self.end_held(error)

    def pass_time(self, until: float) -> None:
        """What the deadlines up to then do, in their order."""
        while True:
            due = [(work.deadline, work) for work in self.waiting]
            if self.held is not None and self.held.ending is None:
                due.append((self.held.heard + self.held.patience, self.held))
            at, work = min(due, key=lambda one: one[0], default=(until + 1, None))
            if work is None or at > until:
                return
            if work is self.held:
                self.now = at
                self.cancel_held(OperationTimeout)
            else:
                self.waiting.remove(work)
                self.expected[work.tag] = OperationTimeout

    # -- what can happen -----------------------------------------------------------------------------------------------

    @rule(patience=PATIENCE, dirty=st.booleans())
    def a_change_comes(self, patience: float, dirty: bool) -> None:
        if dirty:
            self.stage.object.clean_ups[self.tag + 1] = self.loop.create_future()
        work = self.send(WORK, patience)
        work.dirty = dirty
        self.waiting.append(work)
        if self.held is None:
            self.begin_next()
        self.do()

    @rule(patience=PATIENCE, dirty=st.booleans())
    def an_interrupt_comes(self, patience: float, dirty: bool) -> None:
        if dirty:
            self.stage.object.clean_ups[self.tag + 1] = self.loop.create_future()
        work = self.send(STOP, patience)
        work.dirty = dirty
        self.waiting.insert(sum(other.interrupt for other in self.waiting), work)
        if self.held is None:
            self.begin_next()
        elif not self.held.interrupt and self.held.ending is None:
            self.cancel_held(OperationAborted)
        self.do()

    @rule()
    def a_query_comes(self) -> None:
        self.send(LOOK, 1.0)
        self.expected[self.tag] = (self.tag,)
        self.do()

    @rule(row=st.sampled_from([STEP, NOBODY]))
    def a_change_that_takes_no_time_comes(self, row: Any) -> None:
        if self.held is not None:
            return  # Where it waits it is as any other; test_objects has that.
        self.send(row, 1.0)
        self.do()
        answer = self.stage.answers[self.tag]
        assert answer == (self.tag,) if row is STEP else isinstance(answer, Exception)
        self.expected[self.tag] = answer

    @precondition(lambda self: self.held is not None and self.held.ending is None)
    @rule(fails=st.booleans())
    def the_job_ends(self, fails: bool) -> None:
        assert self.held is not None
        tag = self.held.tag
        self.end_held(InternalError if fails else (tag,))
        self.do(lambda: self.stage.let_go(tag, ZeroDivisionError() if fails else None))

    @precondition(lambda self: self.held is not None and self.held.ending is not None)
    @rule()
    def the_clean_up_ends(self) -> None:
        assert self.held is not None
        gate = self.stage.object.clean_ups[self.held.tag]
        self.end_held(self.held.ending)
        self.do(lambda: gate.set_result(None))

    @precondition(lambda self: self.held is not None and self.held.ending is None)
    @rule()
    def the_job_gets_on(self) -> None:
        assert self.held is not None
        assert self.stage.object.job is not None
        self.held.heard = self.now
        self.do(self.stage.object.job.progress)

    @rule(seconds=st.sampled_from([0.4, 2.3, 7.1]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(self.now + seconds)
        self.do(seconds=seconds)
        self.now = self.loop.time()

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def all_is_answered_as_the_model_says(self) -> None:
        answers = self.stage.answers
        assert answers.keys() == self.expected.keys()
        for tag, expected in self.expected.items():
            answer = answers[tag]
            assert type(answer) is expected if isinstance(expected, type) else answer == expected, (tag, answer)

    @invariant()
    def the_same_job_holds_the_object(self) -> None:
        job = self.stage.object.job
        assert (job and job.call.serial) == (self.held and self.held.tag)
        assert [work.call.serial for work in self.stage.object._waiting] == [work.tag for work in self.waiting]

    def teardown(self) -> None:
        for gate in self.stage.object.clean_ups.values():
            if not gate.done():
                gate.set_result(None)
        self.loop.run_until_complete(self.stage.close())
        self.loop.close()


TestObjects = Objects.TestCase
TestObjects.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
