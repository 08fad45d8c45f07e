"""What a load generator does: takes orders as lines of JSON on stdin, answers them on stdout.

An order names an operation (below) and a method of the Client protocol; the loops and clocks are here, so both sides
are timed by the same code.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol


class Client(Protocol):
    """One connection to a daemon. Domains are named; a lookup is part of a method only where it says so."""

    def hostname(self) -> Any: ...

    def list(self) -> Any:
        """All domains with their names and ids."""

    def lookup(self, name: str) -> Any:
        """Find a domain by its name."""

    def state(self, name: str) -> Any: ...

    def info(self, name: str) -> Any: ...

    def statistics(self) -> Any:
        """All figures of all domains."""

    def xml(self, name: str) -> Any: ...

    def suspend(self, name: str) -> Any: ...

    def resume(self, name: str) -> Any: ...

    def define(self, xml: str) -> Any: ...

    def undefine(self, name: str) -> Any: ...

    def create(self, xml: str) -> Any:
        """Start a transient domain, paused."""

    def destroy(self, name: str) -> Any:
        """Look up and destroy."""

    def poke(self, name: str) -> Any:
        """Want something of a guest that may be frozen; errors are raised."""

    def close(self) -> Any: ...


class Generator:
    """The operations. ``connect`` makes a Client."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client = connect()

    def turns(self, calls: Sequence[tuple[str, Sequence[Any]]], count: int) -> list[list[float]]:
        """Make these calls (method, arguments) in turn, ``count`` times; for each the seconds that it took."""
        bound = [(getattr(self._client, method), args, []) for method, args in calls]
        for _ in range(count):
            for call, args, took in bound:
                began = time.perf_counter()
                call(*args)
                took.append(time.perf_counter() - began)
        return [took for _, _, took in bound]

    def names(self) -> list[str]:
        """The names of all domains."""
        return [name for name, _ in self._client.list()]

    def during(self, method: str, args: Sequence[Any], start: float, seconds: float) -> float:
        """Call again and again for so many seconds from ``start`` (CLOCK_MONOTONIC) on; calls per second."""
        call, count = getattr(self._client, method), 0
        time.sleep(max(0.0, start - time.monotonic()))
        began, end = time.perf_counter(), time.perf_counter() + seconds
        while time.perf_counter() < end:
            call(*args)
            count += 1
        return count / (time.perf_counter() - began)

    def spread(self, method: str, args: Sequence[Sequence[Any]], threads: int) -> float:
        """Call once with each of ``args`` from that many threads with a connection each; the seconds for all."""
        clients = [self._connect() for _ in range(threads)]
        waiting, failed = list(reversed(args)), []

        def work(client: Client) -> None:
            with suppress(IndexError):
                while True:
                    one = waiting.pop()
                    try:
                        getattr(client, method)(*one)
                    except Exception as error:
                        failed.append(error)

        workers = [threading.Thread(target=work, args=(client,)) for client in clients]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        took = time.perf_counter() - began
        for client in clients:
            client.close()
        if failed:
            raise failed[0]
        return took

    def connections(self, count: int) -> list[float]:
        """Open that many connections, one after the other, each closed again; the seconds that each opening took."""
        took = []
        for _ in range(count):
            began = time.perf_counter()
            client = self._connect()
            took.append(time.perf_counter() - began)
            client.close()
        return took

    def poke(self, names: Sequence[str]) -> None:
        """From now on until this process ends, poke each of these guests from a connection of its own."""
        for name in names:
            threading.Thread(target=_poke, args=(self._connect(), name), daemon=True).start()


def _poke(client: Client, name: str) -> None:
    while True:
        with suppress(Exception):
            client.poke(name)
        time.sleep(0.01)


def serve(connect: Callable[[], Client]) -> None:
    """Connect, say so, and obey until stdin ends."""
    try:
        generator = Generator(connect)
    except Exception as error:
        _say({"error": f"{type(error).__name__}: {error}"})
        return
    _say({"result": None})
    for line in sys.stdin:
        order = json.loads(line)
        try:
            _say({"result": getattr(generator, order.pop("operation"))(**order)})
        except Exception as error:
            _say({"error": f"{type(error).__name__}: {error}"})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
