"""Keepalive of one connection: pings are answered at once; a peer that pings is known to answer, and is pinged in turn.

One timer per connection, and only once the peer has shown that it speaks keepalive, by a ping or by asking whether the
daemon does: a client that does not costs no wake-up. The timer is set anew only when it fires; a busy connection does
not touch it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..config import KeepaliveConfig

PING, PONG = 1, 2


class Keepalive:
    """Sends with ``send(PING | PONG)``, and calls ``silent`` after ``config.count`` unanswered pings.

    While ``deaf()`` holds, the connection does not read what the peer says, for reasons of its own: the peer is still
    pinged, so that it hears of us, but its silence does not count.
    """

    __slots__ = ("_count", "_deaf", "_heard", "_interval", "_loop", "_send", "_silent", "_timer", "_unanswered")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        config: KeepaliveConfig,
        send: Callable[[int], None],
        silent: Callable[[], None],
        deaf: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._interval = config.interval
        self._count = config.count
        self._send = send
        self._silent = silent
        self._deaf = deaf
        self._timer: asyncio.TimerHandle | None = None
        self._heard = False
        self._unanswered = 0

    def heard(self) -> None:
        """The peer sent something, anything."""
        self._heard = True

    def received(self, procedure: int) -> None:
        """The peer sent a keepalive message."""
        if procedure == PING:
            self._send(PONG)
            self.begin()

    def begin(self) -> None:
        """The peer is known to answer pings."""
        if self._timer is None and self._interval > 0:
            self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._interval = 0

    def _arm(self) -> None:
        self._timer = self._loop.call_later(self._interval, self._tick)

    def _tick(self) -> None:
        if self._heard:
            self._heard = False
            self._unanswered = 0
        elif self._deaf():
            self._send(PING)
        elif self._unanswered >= self._count:
            self._timer = None
            self._silent()
            return
        else:
            self._unanswered += 1
            self._send(PING)
        self._arm()
