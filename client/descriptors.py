"""Open files that pass between us and a daemon, beside a call or its reply.

They are passed over unix sockets only, and by daemons that say so (``Connection.carry_descriptors``).
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from ..wire.errors import InvalidArgument


class HasDescriptor(Protocol):
    """A file, a socket, or whatever else is open."""

    def fileno(self) -> int: ...


# What a caller hands over: he keeps his own and may close it when the call has returned.
File = int | HasDescriptor


class Descriptors:
    """Descriptors that are ours; those that nobody took are closed with it."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = deque(numbers)

    @classmethod
    def copies(cls, files: Iterable[File]) -> Descriptors:
        """Copies of what a caller hands over. Raises InvalidArgument for what is not open."""
        copies = cls()
        for file in files:
            try:
                number = file if isinstance(file, int) else file.fileno()
                copies.add((fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 0),))
            except (OSError, ValueError) as error:
                raise InvalidArgument(f"{file!r} is not an open file: {error}") from error
        return copies

    def __len__(self) -> int:
        return len(self._numbers)

    def __del__(self) -> None:
        self.close()

    @property
    def first(self) -> int:
        return self._numbers[0]

    def add(self, numbers: Iterable[int]) -> None:
        """Take some over."""
        self._numbers.extend(numbers)

    def take(self) -> int:
        """The first one, the caller's from now on. Raises IndexError where there is none."""
        return self._numbers.popleft()

    def close_first(self) -> None:
        """Close the first one: it has been passed on."""
        with suppress(OSError):
            os.close(self._numbers.popleft())

    def close(self) -> None:
        """Close all that are left."""
        while self._numbers:
            self.close_first()
