"""How an object takes calls: queries, changes, interrupts, and their deadlines. Time is the test's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pykka import messages
from virtactor.wire.errors import (
    InternalError,
    NotSupported,
    OperationAborted,
    OperationInvalid,
    OperationTimeout,
)

from .fake_object import LOOK, LOOK_FAR, NOBODY, REFUSE, STEP, STOP, WORK, Stage
from .loops import VirtualLoop, run, settle


def on_stage(work: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a test with an object that must be usable at its end."""

    async def whole() -> None:
        stage = Stage()
        await work(stage)
        stage.call(STEP, 99)
        await settle()
        assert stage.answers[99] == (99,)
        await stage.close()

    run(whole, VirtualLoop)


async def later(seconds: float) -> None:
    """Let time pass, and all that was due in it happen."""
    await asyncio.sleep(seconds)
    await settle()


def error_of(stage: Stage, tag: int) -> Any:
    error = stage.answers[tag]
    assert isinstance(error, Exception), f"call {tag} was answered with {error}"
    return error


def test_changes_run_one_at_a_time_in_the_order_of_their_coming() -> None:
    async def work(stage: Stage) -> None:
        for tag in (1, 2, 3):
            stage.call(WORK, tag)
        await settle()
        assert stage.object.seen == [("begins", 1)]
        for tag in (3, 2, 1):  # Being ready to end does not bring forward who waits for his turn.
            stage.let_go(tag)
        await settle(30)
        assert stage.object.seen == [(what, tag) for tag in (1, 2, 3) for what in ("begins", "is done")]
        assert stage.callers.order == [1, 2, 3]

    on_stage(work)


def test_queries_are_answered_during_a_job() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1)
        stage.call(LOOK, 2)
        stage.call(LOOK_FAR, 3)
        await settle()
        stage.let_go(3)
        await settle()
        assert stage.callers.order == [2, 3]
        assert stage.object.holder() == ("work", 0.0)
        stage.let_go(1)
        await settle()

    on_stage(work)


def test_an_interrupt_cancels_the_job_and_runs_before_the_changes_that_wait() -> None:
    async def work(stage: Stage) -> None:
        for tag in (1, 2):
            stage.call(WORK, tag)
        await settle()
        interrupt = stage.call(STOP, 3)
        await settle()
        assert stage.object.seen == [("begins", 1), ("cleans up", 1), ("begins", 3)]
        assert interrupt.interrupted == "work"
        error = error_of(stage, 1)
        assert isinstance(error, OperationAborted)
        assert (error.object, error.holder) == ("one", "stop_it")
        assert str(error) == "operation aborted: work of thing one was ended by stop_it"
        stage.let_go(3)
        stage.let_go(2)
        await settle(30)
        assert stage.callers.order == [1, 3, 2]

    on_stage(work)


def test_an_interrupt_ends_a_job_that_has_not_run_one_step() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1)
        stage.call(STOP, 2)
        stage.let_go(2)
        await settle()
        assert isinstance(error_of(stage, 1), OperationAborted)
        assert stage.answers[2] == (2,)
        assert stage.object.seen == [("begins", 2), ("is done", 2)]

    on_stage(work)


def test_an_interrupt_waits_until_what_it_cancelled_has_cleaned_up() -> None:
    async def work(stage: Stage) -> None:
        stage.object.clean_ups[1] = asyncio.get_running_loop().create_future()
        stage.call(WORK, 1)
        await settle()
        stage.call(STOP, 2)
        stage.let_go(2)
        await later(5)
        assert stage.object.seen == [("begins", 1), ("cleans up", 1)]
        stage.object.clean_ups[1].set_result(None)
        await settle()
        assert stage.object.seen[2:] == [("is clean", 1), ("begins", 2), ("is done", 2)]

    on_stage(work)


def test_nothing_disturbs_the_clean_up_of_a_cancelled_job() -> None:
    async def work(stage: Stage) -> None:
        stage.object.clean_ups[1] = asyncio.get_running_loop().create_future()
        stage.call(WORK, 1, patience=10)
        await settle()
        stage.call(STOP, 2)
        await settle()
        stage.call(STOP, 3)
        await later(15)  # Also the job's own deadline passes.
        assert stage.object.seen == [("begins", 1), ("cleans up", 1)]
        stage.object.clean_ups[1].set_result(None)
        for tag in (2, 3):
            stage.let_go(tag)
        await settle(30)
        assert stage.object.seen[2:5] == [("is clean", 1), ("begins", 2), ("is done", 2)]
        assert stage.callers.order == [1, 2, 3]

    on_stage(work)


def test_an_interrupt_never_cancels_an_interrupt() -> None:
    async def work(stage: Stage) -> None:
        for tag in (1, 2, 3):
            stage.call(STOP, tag)
        await settle()
        assert stage.object.seen == [("begins", 1)]
        for tag in (1, 2, 3):
            stage.let_go(tag)
        await settle(30)
        assert stage.callers.order == [1, 2, 3]
        assert stage.answers == {1: (1,), 2: (2,), 3: (3,)}

    on_stage(work)


def test_interrupts_keep_their_order_before_the_changes() -> None:
    async def work(stage: Stage) -> None:
        stage.call(STOP, 1)
        stage.call(STEP, 2)
        stage.call(STOP, 3)
        stage.call(STEP, 4)
        stage.call(STOP, 5)
        for tag in (1, 3, 5):
            stage.let_go(tag)
        await settle(30)
        assert stage.callers.order == [1, 3, 5, 2, 4]

    on_stage(work)


def test_a_change_that_waits_past_its_deadline_is_told_who_holds_the_object_and_for_how_long() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1, patience=60)
        await later(5)
        stage.call(STEP, 2, patience=2)
        stage.call(STEP, 3, patience=60)
        await later(2.5)
        error = error_of(stage, 2)
        assert isinstance(error, OperationTimeout)
        assert (error.object, error.holder, error.held_for) == ("one", "work", pytest.approx(7.0))
        assert str(error) == "operation timed out: step of thing one waited 2 s; work has held it for 7.0 s"
        stage.let_go(1)
        await settle()
        assert stage.callers.order == [2, 1, 3]
        assert ("is done", 2) not in stage.object.seen

    on_stage(work)


def test_an_interrupt_that_waits_past_its_deadline_is_told_so_too() -> None:
    async def work(stage: Stage) -> None:
        stage.object.clean_ups[1] = asyncio.get_running_loop().create_future()
        stage.call(WORK, 1)
        await settle()
        stage.call(STOP, 2, patience=3)
        await later(4)
        assert isinstance(error_of(stage, 2), OperationTimeout)
        stage.object.clean_ups[1].set_result(None)
        await settle()
        assert isinstance(error_of(stage, 1), OperationAborted)
        assert stage.object.job is None

    on_stage(work)


def test_a_silent_job_is_cancelled_when_its_callers_patience_is_over() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1, patience=10)
        stage.call(STEP, 2)
        await later(9.9)
        assert stage.answers == {}
        await later(0.2)
        error = error_of(stage, 1)
        assert isinstance(error, OperationTimeout)
        assert (error.holder, error.held_for) == ("work", pytest.approx(10.0))
        assert str(error) == "operation timed out: work of thing one made no progress for 10 s"
        assert stage.answers[2] == (2,)

    on_stage(work)


def test_a_job_that_reports_progress_outlives_its_deadline() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1, patience=10)
        await settle()
        for _ in range(5):
            await later(9)
            assert stage.object.job is not None
            stage.object.job.progress()
        stage.let_go(1)
        await settle()
        assert stage.answers == {1: (1,)}

    on_stage(work)


def test_a_job_that_falls_silent_after_progress_is_cancelled() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1, patience=10)
        await later(8)
        assert stage.object.job is not None
        stage.object.job.progress()
        await later(9.9)
        assert stage.answers == {}
        await later(0.2)
        assert isinstance(error_of(stage, 1), OperationTimeout)

    on_stage(work)


def test_time_spent_waiting_is_not_silence() -> None:
    async def work(stage: Stage) -> None:
        stage.call(WORK, 1, patience=60)
        stage.call(WORK, 2, patience=10)
        await later(9)
        stage.let_go(1)
        await later(9)
        assert stage.answers == {1: (1,)}
        stage.let_go(2)
        await settle()
        assert stage.answers[2] == (2,)

    on_stage(work)


def test_a_query_that_waits_for_somebody_ends_with_its_deadline() -> None:
    async def work(stage: Stage) -> None:
        stage.call(LOOK_FAR, 1, patience=4)
        await later(4.1)
        error = error_of(stage, 1)
        assert isinstance(error, OperationTimeout)
        assert str(error) == "operation timed out: thing one did not answer look_far within 4 s"

    on_stage(work)


@pytest.mark.parametrize("row", [WORK, STOP])
def test_a_job_that_fails_leaves_the_object_to_the_next(row: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def work(stage: Stage) -> None:
        stage.call(row, 1)
        stage.call(STEP, 2)
        await settle()
        stage.let_go(1, ValueError("a defect"))
        await settle()
        assert isinstance(error_of(stage, 1), InternalError)
        assert stage.answers[2] == (2,)

    on_stage(work)
    assert "a defect" in caplog.text


def test_what_the_object_cannot_do_is_not_supported() -> None:
    async def work(stage: Stage) -> None:
        stage.call(NOBODY, 1)
        await settle()
        error = error_of(stage, 1)
        assert isinstance(error, NotSupported)
        assert str(error) == "this function is not supported by the connection driver: virNobody"

    on_stage(work)


def test_a_thousand_changes_that_fail_at_once_are_answered_in_their_order(caplog: pytest.LogCaptureFixture) -> None:
    async def work(stage: Stage) -> None:
        rows = (STEP, NOBODY, REFUSE)
        stage.call(WORK, 10_000)
        for tag in range(1000):
            stage.call(rows[tag % 3], tag + 100)
        stage.let_go(10_000)
        await settle(30)
        assert stage.callers.order == [10_000, *range(100, 1100)]
        assert stage.object.job is None

    with caplog.at_level(logging.CRITICAL):
        on_stage(work)


def test_a_stop_answers_all_who_wait() -> None:
    async def whole() -> None:
        stage = Stage()
        stage.call(WORK, 1)
        stage.call(STEP, 2)
        stage.call(LOOK_FAR, 3)
        await settle()
        stage.call(LOOK_FAR, 4)  # Its coroutine will not have run a step.
        stage.ref.stop(block=False)
        stage.call(STEP, 5)
        await settle()
        assert sorted(stage.answers) == [1, 2, 3, 4, 5]
        assert isinstance(error_of(stage, 1), OperationAborted)
        for tag in (2, 3, 4, 5):
            assert isinstance(error_of(stage, tag), OperationInvalid)
            assert "thing one is gone" in str(error_of(stage, tag))
        await later(100)  # No timer of theirs is left to fire.
        await stage.callers.actor_ref.ask(messages._ActorStop(), block=False)

    run(whole, VirtualLoop)
