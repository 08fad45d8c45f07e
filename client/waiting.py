"""How threads wait for what a link's reader brings.

A Waiter is one thread's wait for one thing; an Inbox is a queue that the reader fills and any thread empties. Neither
knows how to read: ``SharedLink.wait`` does, and makes the waiting thread the reader where nobody is.

Rejected: ``threading.Event`` and ``queue.Queue``. Both cost a condition variable (two locks and a deque) for each wait;
here a call that nobody else reads for needs no lock of its own at all.
"""

from __future__ import annotations

import time
from _thread import LockType, allocate_lock
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .shared_link import SharedLink

Item = TypeVar("Item")


class Waiter:
    """One wait. ``ready`` is set before ``wake`` is called, so whoever registers and then looks misses nothing."""

    __slots__ = ("lock", "ready")

    def __init__(self) -> None:
        self.ready = False
        self.lock: LockType | None = None

    def sleep_on(self) -> None:
        """Make the lock, held: the waiting thread acquires it once more and so sleeps until :meth:`wake`."""
        lock = allocate_lock()
        lock.acquire()
        self.lock = lock

    def wake(self) -> None:
        """End the sleep. Waking twice, or one who does not sleep, does nothing."""
        lock = self.lock
        if lock is not None:
            with suppress(RuntimeError):
                lock.release()


class Inbox(Generic[Item]):
    """A queue without a bound: what was put stays until it is taken, over reconnects as well."""

    __slots__ = ("_closed", "_items", "_waiting")

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._waiting: deque[tuple[Waiter, SharedLink]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add an item and let everyone who waits look."""
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """Give no more: takers get None at once, those who wait now as well. Callable from any thread."""
        self._closed = True
        self._items.clear()
        for link in self._wake():
            link.interrupt()

    def take(self, link: SharedLink, until: float | None) -> Item | None:
        """The oldest item; None when ``until`` (monotonic time) passed or the inbox is closed.

        Raises ConnectionLost when the link breaks and nothing is left to take.
        """
        while True:
            if self._items:
                with suppress(IndexError):  # another thread was quicker
                    return self._items.popleft()
            if self._closed or not self._wait(link, until):
                return None

    def _wait(self, link: SharedLink, until: float | None) -> bool:
        waiter = Waiter()
        self._waiting.append((waiter, link))
        try:
            if self._items or self._closed:
                return True
            return link.wait(waiter, until, interruptible=True)
        finally:
            self._waiting.remove((waiter, link))

    def _wake(self) -> list[SharedLink]:
        woken = list(self._waiting)
        for waiter, _ in woken:
            waiter.ready = True
            waiter.wake()
        return [link for _, link in woken]


def remaining(until: float | None) -> float | None:
    """How many seconds are left, not below 0; None for no limit."""
    return None if until is None else max(0.0, until - time.monotonic())
