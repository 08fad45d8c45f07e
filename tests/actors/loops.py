"""Event loops for tests: one that reports slow callbacks, one whose clock is the test's."""

from __future__ import annotations

import asyncio
import gc
import logging
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
SLOW = 0.05  # seconds of work that no callback may do
BLOCKED = 3.0  # seconds that none may wait for anything; a busy machine keeps a thread waiting for a second


class _WatchingSelector(selectors.DefaultSelector):
    """Tells the time to its loop: what the thread itself has used since it last waited here, and gross delays."""

    def __init__(self) -> None:
        super().__init__()
        self._woken()

    def _woken(self) -> None:
        self._at, self._cpu = time.monotonic(), time.thread_time()

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(timeout)
        self._woken()
        return ready

    def time(self) -> float:
        waited = time.monotonic() - self._at
        return self._at + max(time.thread_time() - self._cpu, waited - BLOCKED)


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop in debug mode, where asyncio warns of callbacks that take longer than ``SLOW``.

    Its clock counts the processor time of its thread while callbacks run, so that nobody looks slow who only waits for
    a processor or for the interpreter; who waits for longer than ``BLOCKED`` is slow whatever he waits for.
    """

    def __init__(self) -> None:
        self._watch = _WatchingSelector()
        super().__init__(self._watch)
        self.set_debug(True)
        self.slow_callback_duration = SLOW

    def time(self) -> float:
        return self._watch.time()


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would wait for a timer, the time is simply later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout is None or timeout > 0 else timeout)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        assert ready or timeout is not None, "nothing will ever happen any more"
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on which time passes only by waiting, and waiting takes none."""

    def __init__(self) -> None:
        self.selector = _JumpingSelector()
        super().__init__(self.selector)
        # Timers that are due within the clock's resolution fire together; this clock is exact.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.selector.now


class Complaints(logging.Handler):
    """Collects what asyncio complains of: slow callbacks, exceptions that nobody took, tasks that nobody awaited."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@contextmanager
def no_complaints() -> Iterator[Complaints]:
    """Fail when asyncio complained of anything within the block."""
    complaints, logger = Complaints(), logging.getLogger("asyncio")
    logger.addHandler(complaints)
    # A collection of all that the tests before have left would be charged to the callback in which it happens.
    gc.freeze()
    try:
        yield complaints
    finally:
        gc.unfreeze()
        logger.removeHandler(complaints)
    assert not complaints.seen, "\n".join(complaints.seen)


def run(
    work: Callable[[], Coroutine[Any, Any, T]], new_loop: Callable[[], asyncio.AbstractEventLoop] = WatchedLoop
) -> T:
    """Run a coroutine function on a new loop; what asyncio complains of fails the test."""
    with no_complaints(), asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work())


async def settle(turns: int = 10) -> None:
    """Let the loop do all that is ready to be done."""
    for _ in range(turns):
        await asyncio.sleep(0)
