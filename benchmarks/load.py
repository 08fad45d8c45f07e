"""Load generators as their user sees them: processes that take orders (clients/serving.py says which)."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).parents[1]
PATIENCE = 120.0
START_AHEAD = 0.3  # seconds from the order to a common start, for all processes to have it


class LoadFailed(Exception):
    """An operation failed, or its generator ended."""


class NoAnswer(LoadFailed):
    """An operation did not end within the time that it was given."""


class Load:
    """One load generator; a context manager that ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._rest = b""
        try:
            self.receive()
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask(self, operation: str, patience: float = PATIENCE, **fields: Any) -> Any:
        """Have an operation done. Raises LoadFailed, NoAnswer after ``patience`` seconds."""
        self.send(operation, **fields)
        return self.receive(patience)

    def repeat(self, method: str, *args: Any, count: int, patience: float = PATIENCE) -> list[float]:
        """Call a method ``count`` times; the seconds that each call took."""
        return self.ask("turns", patience, calls=[(method, args)], count=count)[0]

    def send(self, operation: str, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"operation": operation, **fields}).encode() + b"\n")

    def receive(self, patience: float = PATIENCE) -> Any:
        answer = json.loads(self._line(time.monotonic() + patience))
        if "error" in answer:
            raise LoadFailed(answer["error"])
        return answer["result"]

    def _line(self, until: float) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise NoAnswer("no answer in time")
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            if not data:
                raise LoadFailed("the load generator ended")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def loads(command: Sequence[str], count: int) -> Iterator[list[Load]]:
    """That many generators at once."""
    started: list[Load] = []
    try:
        for _ in range(count):
            started.append(Load(command))
        yield started
    finally:
        for load in started:
            load.end()


def together(generators: Sequence[Load], method: str, seconds: float) -> float:
    """Calls per second of all generators, which begin at the same time."""
    start = time.monotonic() + START_AHEAD
    for load in generators:
        load.send("during", method=method, args=[], start=start, seconds=seconds)
    return sum(load.receive() for load in generators)
