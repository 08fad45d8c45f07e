"""What QEMU writes, on its way into a file: through a pipe of which the daemon holds the other end.

QEMU 7.2 cannot be told to give up a dump of memory that it has begun. It gives up by itself where nobody reads what it
writes.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

from ....wire.errors import SystemFailure
from .image_streams import copy_blocks

_MOST = 1024 * 1024  # bytes at a time


class Pump:
    """A pipe into a file: ``inlet`` is what is written to; ``run`` copies in a thread until all writers have closed.

    ``break_off`` ends that at once; whoever writes then fails.
    """

    def __init__(self, target: int, name: str, *, direct: bool = False) -> None:
        """``target`` is the file's descriptor, which stays the caller's; ``direct`` goes past the host's cache.

        Raises SystemFailure.
        """
        self._target, self._name, self._direct = target, name, direct
        self._opened: list[int] = []
        try:
            for _ in range(2):
                self._opened += os.pipe()
        except OSError as error:
            self._close(*self._opened)
            raise SystemFailure(f"no pipe for '{name}': {error.strerror}", errno=error.errno) from error
        self._outlet, self.inlet, self._told, self._tell = self._opened

    def close_inlet(self) -> None:
        """Leave writing to those who have the inlet by now."""
        self._close(self.inlet)

    def break_off(self) -> None:
        """End it, with what has been copied by now."""
        self._close(self.inlet, self._tell)

    def run(self) -> None:
        """Copy until the end. Raises SystemFailure where the file cannot take it."""
        try:
            if self._direct:
                self._copy_blocks()
            else:
                self._copy()
        except OSError as error:
            raise SystemFailure(f"failed to write '{self._name}': {error.strerror}", errno=error.errno) from error
        finally:
            self._close(self._outlet, self._told)

    def _copy(self) -> None:
        ready = [self._poll(self._outlet, select.POLLIN), self._poll(self._target, select.POLLOUT)]
        while not any(self._told in dict(each.poll()) for each in ready):
            with suppress(BlockingIOError):
                if not os.splice(self._outlet, self._target, _MOST, flags=os.SPLICE_F_NONBLOCK):
                    return

    def _copy_blocks(self) -> None:
        ready = self._poll(self._outlet, select.POLLIN)

        def read(free: memoryview) -> int:
            return 0 if self._told in dict(ready.poll()) else os.readv(self._outlet, [free])

        copy_blocks(read, self._target)

    def _poll(self, descriptor: int, what: int) -> select.poll:
        """What waits for a descriptor, or until it is to end: the other end of ``_told`` is closed then."""
        poll = select.poll()
        poll.register(descriptor, what)
        poll.register(self._told, 0)
        return poll

    def _close(self, *descriptors: int) -> None:
        for each in descriptors:
            if each in self._opened:
                self._opened.remove(each)
                os.close(each)
