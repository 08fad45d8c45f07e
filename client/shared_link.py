"""One link that any number of threads use at once, from open until broken: who reads, who sends, who closes it.

Rules
- No thread of ours reads. A thread that waits for something becomes the reader if nobody is, and reads until it has
  what it waits for; other threads' replies that come meanwhile it hands to them. When it is done it passes the role on
  to one who still waits. A lone caller thus costs two system calls and no thread switch.
- What the reader brings is handed over undecoded; everyone decodes his own.
- Only the reader hands over, so a thing is handed over once. It runs ``on_message`` and must never wait: what it has
  to send goes into ``_urgent``, which whoever holds the send lock sends before he goes home.
- Sends never block in the kernel. Who finds the socket full keeps the send lock and, while he waits for room, reads if
  nobody does: the peer may take nothing from us before it is rid of what it has for us.
- A packet that was begun is sent to its end, by its caller or by whoever comes next (``_backlog``).
- Breaking is final and wakes everybody. The descriptor is closed by the last one who uses it, never under a reader.

Rejected: a reader thread for each connection (two thread switches for each call, which was most of the time of a
round trip); a selector and a wake-up pipe for every call (a third system call); asyncio inside (a loop for each
thread, or the thread switches again). A leader's call without deadline sits in recv itself: shutdown ends it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress

from ..wire.errors import ConnectionLost, OperationTimeout
from .descriptors import Descriptors
from .pending import NotSent
from .transports.local import RECEIVE_SIZE, SocketLink
from .waiting import Waiter, remaining

# How long a sender who finds the socket full leaves the reading to another thread before he looks again whether
# anybody still reads. Nothing is lost by looking late, the other end merely waits.
READER_CHECK_SECONDS = 0.02
_SIZES = (RECEIVE_SIZE,)


class SharedLink:
    """What is sent and received over one link. Safe for any number of threads; a subclass takes what comes."""

    def __init__(self, link: SocketLink) -> None:
        self._link = link
        self._link_send = link.send
        self._link_receive = link.receive
        self._linger = link.linger
        self._received: list[bytes] = []
        self._mutex = threading.Lock()
        self._reader: Waiter | None = None
        self._followers: dict[Waiter, None] = {}
        self._send_lock = threading.Lock()
        self._backlog: deque[memoryview | Descriptors] = deque()
        self._urgent: deque[bytes] = deque()
        self._broken: str | None = None
        self._expected: str | None = None
        self._link_closed = False

    @property
    def is_alive(self) -> bool:
        """Whether nothing broke it yet."""
        return self._broken is None

    @property
    def has_reader(self) -> bool:
        """Whether some thread reads at the moment."""
        return self._reader is not None

    def hand_over(self, data: bytes) -> None:
        """Take what came. The reader runs it, so it must never wait."""
        raise NotImplementedError

    def let_go(self) -> None:
        """The link is closed: nothing comes any more."""

    # Reading.

    def wait(self, waiter: Waiter, until: float | None = None, *, interruptible: bool = False) -> bool:
        """Wait until ``waiter`` is ready; False when ``until`` (monotonic time) passed before. Raises ConnectionLost.

        ``interruptible`` is for waiters that others than the reader make ready: they call :meth:`interrupt` then.
        """
        try:
            with self._mutex:
                if waiter.ready:
                    return True
                if self._broken is not None:
                    raise self._loss()
                if interruptible:
                    self._link.make_interruptible()
                if self._reader is None:
                    self._reader = waiter
                else:
                    waiter.sleep_on()
                    self._followers[waiter] = None
            if self._reader is not waiter:
                self._sleep(waiter, until)
            while not waiter.ready:
                if self._broken is not None:
                    raise self._loss()
                if self._reader is not waiter or not self._read(until, interruptible):
                    return waiter.ready
            return True
        finally:
            try:
                self._leave(waiter)
            except BaseException:  # a signal's: others must not wait forever for a reader that has gone
                self._leave(waiter)
                self._wake_reader()
                raise

    def interrupt(self) -> None:
        """Let an interruptible waiter that is the reader look at its waiter again."""
        with self._mutex:
            if not self._link_closed:
                self._link.interrupt()

    def read_what_is_there(self) -> None:
        """Read without waiting, unless somebody reads anyway; for the keepalive's ticker."""
        reader = Waiter()
        if not self._take_role(reader):
            return
        try:
            while self._read(0.0, False):
                pass
        except ConnectionLost:
            return
        finally:
            self._leave(reader)

    def expect_end(self, why: str) -> None:
        """Whatever ends the connection from now on, ``why`` is the reason."""
        self._expected = why

    def break_off(self, why: str) -> None:
        """End the connection for good: everyone who waits, and every later call, gets ConnectionLost."""
        with self._mutex:
            if self._broken is None:
                self._broken = self._expected or why
                self._link.shutdown()
            sleeping = tuple(self._followers)
        for waiter in sleeping:
            waiter.wake()
        self._close_link()

    def _sleep(self, waiter: Waiter, until: float | None) -> None:
        """Sleep until we are ready, or the reader, or the connection is broken, or ``until`` passed."""
        lock = waiter.lock
        if lock is not None:
            seconds = remaining(until)
            lock.acquire(timeout=-1 if seconds is None else seconds)

    def _take_role(self, reader: Waiter) -> bool:
        with self._mutex:
            if self._reader is not None or self._broken is not None:
                return False
            self._reader = reader
            return True

    def _pass_role_on(self, reader: Waiter) -> None:
        """Make the oldest follower the reader, or nobody, if it is ``reader`` that is it; the mutex is held."""
        if self._reader is reader:
            self._reader = successor = self._successor() if self._followers else None
            if successor is not None:
                successor.wake()

    def _successor(self) -> Waiter | None:
        if self._broken is None:
            for follower in self._followers:
                if not follower.ready:
                    return follower
        return None

    def _leave(self, waiter: Waiter) -> None:
        """The waiter waits no more, as a follower or as the reader."""
        with self._mutex:
            if waiter.lock is not None:
                waiter.lock = None
                self._followers.pop(waiter, None)
            self._pass_role_on(waiter)
        if self._broken is not None:
            self._close_link()

    def _wake_reader(self) -> None:
        with self._mutex:
            if self._reader is not None:
                self._reader.wake()

    def _read(self, until: float | None, interruptible: bool) -> bool:
        """Read once and hand over what came; False when ``until`` passed before anything did."""
        received = self._received
        try:
            at_once = until is None and not (interruptible or self._backlog or self._urgent)
            if at_once:
                if not self._followers:
                    self._linger()
            elif not self._wait_readable(until, interruptible):
                return until is None or time.monotonic() < until
            # In one step of C code, so that no signal's exception can come between the bytes and their place.
            received.extend(map(self._link_receive, _SIZES))
            if received[0]:
                self.hand_over(received[0])
            else:
                self.break_off(self._link.why_ended())
            received.clear()
        except OSError as error:
            self.break_off(self._link.why_ended(error))
            raise self._loss() from error
        except BaseException:
            if received:
                self.break_off("its reader was interrupted with a packet in hand")
            raise
        return True

    def _wait_readable(self, until: float | None, interruptible: bool) -> bool:
        self._flush_urgent()
        write = bool(self._backlog) and not self._send_lock.locked()
        readable, writable = self._link.wait(until, write=write, interruptible=interruptible)
        if writable:
            self._flush_backlog()
        return readable

    # Sending.

    def transmit(self, data: bytes, until: float | None, descriptors: Descriptors | None = None) -> None:
        """Send a packet, and its descriptors behind it; when the socket is full, wait for room until ``until``.

        Raises NotSent, ConnectionLost where some of it may have gone, OperationTimeout.
        """
        if self._send_lock.locked():
            self._await_turn(until)
        failure = None
        try:
            # Not acquire and release: a signal's exception could come between the lock and a try.
            with self._send_lock:
                if self._broken is not None:
                    raise NotSent(self._broken)
                try:
                    sent = 0 if self._backlog else self._link_send(data)
                    if sent != len(data):
                        self._backlog.append(memoryview(data)[sent:])
                    if descriptors:
                        self._backlog.append(descriptors)
                    if self._backlog:
                        self._drain(until)
                except OSError as error:
                    failure = error
        finally:
            if self._urgent or self._broken is not None:
                self._after_send()
        if failure is not None:
            unsent = not self._backlog
            self.break_off(self._link.why_ended(failure))
            raise (NotSent if unsent else ConnectionLost)(self._broken or "") from failure

    def send_at_once(self, data: bytes) -> None:
        """Send a small packet without ever waiting, now or with what is sent next; the reader may call it."""
        self._urgent.append(data)
        self._flush_urgent()

    def _await_turn(self, until: float | None) -> None:
        """Wait until nobody sends; who comes in between is quick, unless the socket is full again."""
        seconds = remaining(until)
        if not self._send_lock.acquire(timeout=-1 if seconds is None else seconds):
            raise OperationTimeout("the daemon takes nothing")
        self._send_lock.release()

    def _drain(self, until: float | None) -> None:
        while not self._drain_now():
            if not self._make_room(until):
                raise OperationTimeout("the daemon takes nothing")

    def _drain_now(self) -> bool:
        """Send of the backlog what the kernel takes; tells whether that was all. The send lock is held."""
        backlog = self._backlog
        while backlog:
            piece = backlog[0]
            if isinstance(piece, Descriptors):
                if not self._link.send_descriptors(piece):
                    return False
                backlog.popleft()
                continue
            sent = self._link_send(piece)
            if sent == len(piece):
                backlog.popleft()
            elif sent:
                backlog[0] = piece[sent:]
            else:
                return False
        return True

    def _make_room(self, until: float | None) -> bool:
        """Wait until the socket takes more, reading meanwhile if nobody does; False when ``until`` passed."""
        reader = Waiter()
        if not self._take_role(reader):
            check = time.monotonic() + READER_CHECK_SECONDS
            self._link.wait(check if until is None else min(check, until), read=False, write=True)
            return until is None or time.monotonic() < until
        try:
            readable, writable = self._link.wait(until, write=True)
            if readable:
                self._read(0.0, False)
            return readable or writable
        finally:
            # Not _leave: the link can be closed only when the send lock is free.
            with self._mutex:
                self._pass_role_on(reader)

    def _flush_urgent(self) -> None:
        while self._urgent and self._send_lock.acquire(False):
            with suppress(OSError):
                try:
                    while self._urgent:
                        self._backlog.append(memoryview(self._urgent.popleft()))
                    self._drain_now()
                finally:
                    self._send_lock.release()

    def _flush_backlog(self) -> None:
        if self._send_lock.acquire(False):
            with suppress(OSError):
                try:
                    self._drain_now()
                finally:
                    self._send_lock.release()

    def _after_send(self) -> None:
        self._flush_urgent()
        if self._broken is not None:
            self._close_link()

    # Ending.

    def _loss(self) -> ConnectionLost:
        return ConnectionLost(self._broken or "")

    def _close_link(self) -> None:
        """Close the descriptor unless somebody uses it: that one comes here when he is done."""
        while not self._link_closed and self._reader is None and self._send_lock.acquire(False):
            try:
                with self._mutex:
                    free = self._reader is None
                    self._link_closed = self._link_closed or free
                if free:
                    self._link.close()
                    self._backlog.clear()
                    self.let_go()
            finally:
                self._send_lock.release()
