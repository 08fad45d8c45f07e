"""How tests wait for what only another thread or process can bring about."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# How many times slower this machine is than others: a host that is emulated says so.
SLOWNESS = float(os.environ.get("VIRTACTOR_SLOWNESS", "1"))
PATIENCE = 60.0 * SLOWNESS  # seconds for what takes a moment on an idle machine


def wait_until(condition: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Wait until a condition holds; gives what it gave."""
    until = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.001)
    return found


def in_thread(function: Callable[..., T], *args: Any, **more: Any) -> Future[T]:
    """Run on a thread of its own; a daemon thread, so that one that hangs fails its test only."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args, **more))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name=f"in_thread {function}").start()
    return future
