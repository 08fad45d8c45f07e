"""Event loops for tests: one that reports slow callbacks, one whose clock is the test's."""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
SLOW = 0.05  # seconds that no callback may take


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop in debug mode, where asyncio warns of callbacks that take longer than ``SLOW``.

    Its clock does not count the time in which another process had our processor: a busy machine makes nobody slow.
    """

    def __init__(self) -> None:
        self._schedule = -1
        super().__init__()
        self._schedule = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self.set_debug(True)
        self.slow_callback_duration = SLOW

    def time(self) -> float:
        waited = 0 if self._schedule < 0 else int(os.pread(self._schedule, 100, 0).split()[1])
        return time.monotonic() - waited / 1e9

    def close(self) -> None:
        super().close()
        if self._schedule >= 0:
            os.close(self._schedule)
            self._schedule = -1


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
    try:
        yield complaints
    finally:
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
