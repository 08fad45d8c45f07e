"""Keepalive: the one thread of a connection that is ours, asleep but for a moment every few seconds.

It reads what is there if nobody else does, so that the daemon's pings are answered while the program is busy elsewhere,
and asks a silent daemon whether it lives (virConnectSetKeepAlive).
"""

from __future__ import annotations

import threading
import weakref

from ..wire.framing import PacketType
from ..wire.table import KEEPALIVE_PROGRAM
from .connection import PING, Connection


class Keepalive:
    """Watches a connection until it breaks or is forgotten; ``stop`` ends it sooner.

    After ``interval`` seconds of silence a ping is sent, after ``count`` pings without any sign of life the connection
    is broken off.
    """

    def __init__(self, connection: Connection, interval: float, count: int) -> None:
        self._interval = interval
        self._count = count
        self._unanswered = 0
        self._stop = threading.Event()
        # Weak, so that a connection that its owner forgot is closed by its collection, and this thread ends too.
        self._connection = weakref.ref(connection, lambda _: self._stop.set())
        self._thread = threading.Thread(target=self._run, name="virtactor-keepalive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait until it has; not from itself."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            connection = self._connection()
            if connection is None or not connection.is_alive:
                return
            self._tick(connection)
            del connection

    def _tick(self, connection: Connection) -> None:
        connection.read_what_is_there()
        if connection.heard:
            connection.heard = False
            self._unanswered = 0
        elif self._unanswered >= self._count:
            silence = self._interval * (self._unanswered + 1)
            connection.break_off(f"no answer to {self._unanswered} keepalive messages in {silence:g} seconds")
            return
        else:
            self._unanswered += 1
        connection.send_soon(KEEPALIVE_PROGRAM, PING, PacketType.MESSAGE)
