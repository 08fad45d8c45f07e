"""Actors on one loop: whose mail is handled when, and what becomes of it when things go wrong."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import Any

import pykka
import pytest
from pykka import messages
from virtactor.actors import runtime as runtime_module
from virtactor.actors.runtime import LoopActor, LoopFuture, Runtime, send
from virtactor.wire.errors import OperationInvalid, VirtError

from .loops import run, settle


class Notes(LoopActor):
    """Notes what it is told; what is callable it calls."""

    label = "notes"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.seen: list[Any] = []
        self.stopped = False

    def on_receive(self, message: Any) -> Any:
        self.seen.append(message)
        return message(self) if callable(message) else message

    def on_stop(self) -> None:
        self.stopped = True


class Request:
    """A message that can be failed, as calls are."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        self.error = error


def new_runtime() -> Runtime:
    return Runtime(asyncio.get_running_loop())


def actor_of(ref: pykka.ActorRef[Any]) -> Any:
    return ref._actor_weakref()


def started(runtime: Runtime) -> tuple[pykka.ActorRef[Notes], Notes]:
    ref = Notes.start(runtime)
    return ref, actor_of(ref)


def test_mail_is_handled_in_the_order_in_which_it_was_sent() -> None:
    async def work() -> None:
        ref, notes = started(new_runtime())
        for number in range(5000):
            ref.tell(number)
        await ref.ask("last", block=False)
        assert notes.seen == [*range(5000), "last"]
        ref.stop(block=False)
        await settle()

    run(work)


def test_mail_from_other_threads_keeps_the_order_of_each_sender() -> None:
    async def work() -> None:
        runtime = new_runtime()
        ref, notes = started(runtime)

        def sender(name: int) -> None:
            for number in range(2000):
                ref.tell((name, number))

        await asyncio.gather(*(runtime.in_thread(sender, name) for name in range(4)))
        await ref.ask("last", block=False)
        for name in range(4):
            assert [message[1] for message in notes.seen[:-1] if message[0] == name] == list(range(2000))
        assert len(notes.seen) == 8001
        ref.stop(block=False)
        await settle()

    run(work, asyncio.SelectorEventLoop)  # The senders' threads and the loop's compete for one interpreter.


def test_an_idle_loop_wakes_up_for_mail_from_another_thread() -> None:
    async def work() -> None:
        runtime = new_runtime()
        ref, _ = started(runtime)
        # Nothing but the answer can end this: the loop has no timer, and the asking thread waits.
        answer = await runtime.in_thread(lambda: ref.ask("hello", timeout=60))
        assert answer == "hello"
        ref.stop(block=False)
        await settle()

    run(work)


def test_an_answer_is_awaited_and_an_error_is_raised_where_it_was_asked() -> None:
    async def work() -> None:
        ref, _ = started(new_runtime())
        assert await ref.ask("word", block=False) == "word"

        def fail(_: Notes) -> None:
            raise OperationInvalid("not now")

        with pytest.raises(OperationInvalid, match="not now"):
            await ref.ask(fail, block=False)
        ref.stop(block=False)
        await settle()

    run(work)


def test_many_coroutines_can_await_one_future() -> None:
    async def work() -> None:
        future: LoopFuture[int] = LoopFuture()

        async def wait() -> int:
            return await future

        waiters = [asyncio.ensure_future(wait()) for _ in range(3)]
        await settle()
        threading.Thread(target=future.set, args=(7,)).start()
        assert await asyncio.gather(*waiters) == [7, 7, 7]
        assert await future == 7

    run(work)


def test_waiting_for_a_future_by_get_is_refused_on_the_loop() -> None:
    async def work() -> None:
        ref, _ = started(new_runtime())
        future = ref.ask("word", block=False)
        with pytest.raises(RuntimeError, match="would block the event loop"):
            future.get(timeout=60)
        await future
        assert future.get() == "word"
        ref.stop(block=False)
        await settle()

    run(work)


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), asyncio.CancelledError("oops")])
def test_an_unexpected_exception_is_logged_and_the_actor_lives_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        ref, notes = started(new_runtime())

        def fail(_: Notes) -> None:
            raise error

        ref.tell(fail)
        assert await ref.ask("still here", block=False) == "still here"
        assert notes.seen == [fail, "still here"]
        ref.stop(block=False)
        await settle()

    with caplog.at_level(logging.ERROR, "virtactor.runtime"):
        run(work)
    assert "notes: handling function failed" in caplog.text
    assert "oops" in caplog.text


def test_a_message_whose_handler_raised_is_failed_with_what_was_raised() -> None:
    async def work() -> None:
        class Stubborn(Notes):
            def on_receive(self, message: Any) -> Any:
                raise KeyError("unexpected")

        request = Request()
        ref = Stubborn.start(new_runtime())
        ref.tell(request)
        await settle()
        assert isinstance(request.error, KeyError)
        ref.stop(block=False)
        await settle()

    run(work)


def test_a_stop_handles_what_came_before_and_fails_what_came_after() -> None:
    async def work() -> None:
        runtime = new_runtime()
        ref, notes = started(runtime)
        ref.tell("before")
        ref.stop(block=False)
        request = Request()
        ref.tell(request)
        asked = ref.ask("after", block=False)
        with pytest.raises(pykka.ActorDeadError):
            await asked
        assert notes.seen == ["before"]
        assert notes.stopped
        assert isinstance(request.error, VirtError)
        assert str(request.error) == "Requested operation is not valid: notes is gone"
        assert runtime.actors == set()
        assert not send(ref, "too late")

    run(work)


def test_a_stop_that_is_awaited_has_happened() -> None:
    async def work() -> None:
        runtime = new_runtime()
        ref, notes = started(runtime)
        await ref.ask(messages._ActorStop(), block=False)
        assert notes.stopped
        assert runtime.actors == set()

    run(work)


def test_a_storm_of_messages_does_not_starve_timers() -> None:
    async def work() -> None:
        runtime = new_runtime()
        fired = asyncio.Event()

        def storm(notes: Notes) -> None:
            notes.seen.clear()
            if not fired.is_set():
                notes.actor_ref.tell(storm)

        ref, _ = started(runtime)
        ref.tell(storm)
        runtime.loop.call_later(0.01, fired.set)
        await fired.wait()
        ref.stop(block=False)
        await settle()

    run(work)


def test_one_drain_handles_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "DRAIN_MAX", 10)
    monkeypatch.setattr(runtime_module, "DRAIN_SECONDS", 1000.0)

    async def work() -> None:
        runtime = new_runtime()
        (one, one_notes), (two, two_notes) = started(runtime), started(runtime)
        for number in range(25):
            one.tell(number)
        two.tell("waits for its turn")
        runtime.run_ready()
        assert (len(one_notes.seen), len(two_notes.seen)) == (10, 0)
        assert not runtime.idle
        # What the bound left is handled in the loop's next turns without anybody asking.
        await settle()
        assert one_notes.seen == list(range(25))
        assert two_notes.seen == ["waits for its turn"]
        assert runtime.idle
        for ref in (one, two):
            ref.stop(block=False)
        await settle()

    run(work)


def test_messages_that_take_long_do_not_keep_the_loop_from_its_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "DRAIN_SECONDS", 0.0)

    async def work() -> None:
        runtime = new_runtime()
        ref, notes = started(runtime)
        for number in range(100):
            ref.tell(number)
        runtime.run_ready()
        assert 0 < len(notes.seen) <= 4
        await settle(40)
        assert notes.seen == list(range(100))
        ref.stop(block=False)
        await settle()

    run(work)


def test_work_that_an_actor_spawned_is_cancelled_when_it_stops() -> None:
    async def work() -> None:
        ends: list[str] = []

        async def forever(name: str) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ends.append(name)
                raise

        ref, notes = started(new_runtime())
        notes.spawn(forever("one"))
        notes.spawn(forever("two"))
        await settle()
        ref.stop(block=False)
        await settle()
        assert sorted(ends) == ["one", "two"]

    run(work)


def test_failed_work_of_an_actor_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async def fail() -> None:
            raise ValueError("in the background")

        ref, notes = started(new_runtime())
        notes.spawn(fail(), name="tidying")
        await settle()
        ref.stop(block=False)
        await settle()

    run(work)
    assert "notes: tidying failed" in caplog.text
    assert "in the background" in caplog.text


def test_an_actor_that_cannot_start_leaves_nothing_behind() -> None:
    class Unlucky(Notes):
        def on_start(self) -> None:
            raise OperationInvalid("not today")

    async def work() -> None:
        runtime = new_runtime()
        with pytest.raises(OperationInvalid, match="not today"):
            Unlucky.start(runtime)
        assert runtime.actors == set()
        assert pykka.ActorRegistry.get_by_class(Unlucky) == []

    run(work)


def test_output_is_flushed_once_when_all_mail_is_handled() -> None:
    async def work() -> None:
        runtime = new_runtime()
        (one, one_notes), (two, _) = started(runtime), started(runtime)

        def write(notes: Notes) -> None:
            runtime.when_drained(lambda: one_notes.seen.append("flushed"))
            two.tell(lambda _: one.tell("more"))

        one.tell(write)
        runtime.run_ready()
        assert one_notes.seen == [write, "more", "flushed"]
        await settle()
        assert one_notes.seen.count("flushed") == 1
        for ref in (one, two):
            ref.stop(block=False)
        await settle()

    run(work)


def test_a_flush_that_fails_keeps_nobody_elses_output(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        runtime = new_runtime()
        written: list[str] = []

        def fail() -> None:
            raise ValueError("no transport")

        runtime.when_drained(fail)
        runtime.when_drained(lambda: written.append("mine"))
        runtime.run_ready()
        assert written == ["mine"]

    run(work)
    assert "no transport" in caplog.text


def test_mail_delivered_by_a_callback_of_the_loop_is_handled_before_it_returns() -> None:
    async def work() -> None:
        runtime = new_runtime()
        (one, one_notes), (two, two_notes) = started(runtime), started(runtime)
        runtime.deliver(one, lambda _: two.tell("passed on"))
        assert two_notes.seen == ["passed on"]
        # Mail that stood in the queue before is not forgotten.
        one.tell("queued")
        runtime.deliver(two, "delivered")
        assert one_notes.seen[1:] == ["queued"]
        assert two_notes.seen == ["passed on", "delivered"]
        for ref in (one, two):
            ref.stop(block=False)
        await settle()
        assert not runtime.actors

    run(work)


def test_two_runtimes_in_one_process_work_side_by_side_and_talk_by_mail() -> None:
    ready: Future[tuple[pykka.ActorRef[Notes], asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def other() -> None:
        done = asyncio.Event()
        ref, _ = started(new_runtime())
        ready.set_result((ref, asyncio.get_running_loop(), done))
        await done.wait()
        ref.stop(block=False)
        await settle()

    thread = threading.Thread(target=run, args=(other,))
    thread.start()
    theirs, their_loop, done = ready.result(60)

    async def work() -> None:
        runtime = new_runtime()
        ours, our_notes = started(runtime)

        def ping(notes: Notes) -> tuple[int, Notes]:
            ours.tell("from the other side")
            return threading.get_ident(), notes

        their_thread, their_notes = await theirs.ask(ping, block=False)
        assert their_thread == thread.ident != threading.get_ident()
        await settle()
        await ours.ask("mine", block=False)
        assert our_notes.seen == ["from the other side", "mine"]
        assert runtime.actors == {our_notes}
        assert their_notes.runtime is not runtime
        ours.stop(block=False)
        await settle()

    try:
        run(work)
    finally:
        their_loop.call_soon_threadsafe(done.set)
        thread.join(60)


def test_every_kind_of_actor_can_be_stopped_with_mail_on_its_way() -> None:
    """What a stopped actor does with its mail must not be overridden by accident."""

    def kinds(of: type[LoopActor]) -> set[type[LoopActor]]:
        return {of}.union(*(kinds(kind) for kind in of.__subclasses__()))

    import virtactor.actors.daemon  # noqa: F401 - brings all actors there are

    for kind in kinds(LoopActor):
        assert kind._handle_no_more is LoopActor._handle_no_more, kind
