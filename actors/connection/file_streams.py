"""Streams from and to files: a region that a client downloads or uploads, with holes where it asked for them.

Whoever opens the file (a storage volume, a domain that makes a screenshot) starts the actor with the descriptor, which
it takes over and closes, and answers the call with it; ``owner`` is told StreamClosed when it is over. The file is read
and written in threads, some pieces at a time, and no faster than the other end keeps up.

Rejected: a thread for each stream that lasts as long as it (clients that pause would hold all threads there are), and
the loop's own writes (a slow disk would hold up everybody).
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
from collections import deque
from math import inf
from typing import Any

import pykka

from ...wire.errors import OperationAborted, OperationInvalid, SystemFailure, VirtError
from ...wire.framing import STREAM_DATA_MAX
from ..foreign import translate
from ..runtime import LoopActor, Runtime, send
from .streams import BACKLOG_MAX, Attach, Data, End, Finish, Finished, Flow, Hole, StreamClosed

# How many pieces one trip to a thread reads.
_PIECES = 4
_ZEROS = bytes(1024 * 1024)
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


class _FileStream(LoopActor):
    """What both directions have in common: one coroutine that does the work and closes the descriptor after it.

    It is about ``length`` bytes (0: all that follow) from ``offset`` on; ``sparse``: also about holes.
    """

    def __init__(
        self,
        runtime: Runtime,
        fd: int,
        name: str,
        *,
        offset: int = 0,
        length: int = 0,
        sparse: bool = False,
        owner: pykka.ActorRef[Any] | None = None,
    ) -> None:
        super().__init__(runtime)
        self.label = f"stream {name}"
        self._at = offset
        self._until = offset + length if length else inf
        self._sparse = sparse
        self._fd = fd
        self._owner = owner
        self._connection: pykka.ActorRef[Any] | None = None
        self._serial = 0
        self._over = False
        self._told = False
        self._begun = False
        self._wake = asyncio.Event()

    def on_receive(self, message: Any) -> Any:
        return self._HANDLERS[message.__class__](self, message)

    def on_stop(self) -> None:
        if not self._told:
            send(self._connection, End(self._serial, OperationAborted(f"{self.label} was ended")))
        self._over = True
        self._wake.set()
        if not self._begun:
            self._close()

    def _attach(self, message: Attach) -> None:
        self._connection, self._serial = message.connection, message.serial
        self._begun = True
        # Not the actor's own task: a thread that is at work on the descriptor has to be waited for.
        self.runtime.spawn(self._work(), self.label)

    async def _work(self) -> None:
        error: VirtError | None = None
        try:
            await self._transfer()
        except Exception as failure:
            error = translate(failure)
        finally:
            self._close()
        if not self._over:
            self._end_with(End(self._serial, error) if error is not None else self._last_word())

    async def _transfer(self) -> None:
        raise NotImplementedError

    def _last_word(self) -> End | Finished:
        """What the connection is told when all is transferred."""
        return End(self._serial)

    def _end_with(self, word: End | Finished | None) -> None:
        self._told = True
        if word is not None:
            send(self._connection, word)
        self.stop()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            send(self._owner, StreamClosed(self.actor_ref))

    def _end(self, message: End) -> None:
        self._end_with(None)

    _HANDLERS: dict[type, Any] = {Attach: _attach, End: _end}


class Download(_FileStream):
    """``length`` bytes of a file from ``offset`` (0: all that follow) to a client; ``sparse``: its holes as holes."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._wake.set()

    async def _transfer(self) -> None:
        while not self._over:
            pieces = await self.runtime.in_thread(self._read)
            await self._wake.wait()
            if not pieces or self._over:
                return
            for piece in pieces:
                send(self._connection, piece)

    def _read(self) -> list[Data | Hole]:
        """The next pieces, none at the end; runs in a thread."""
        pieces: list[Data | Hole] = []
        while len(pieces) < _PIECES and self._at < self._until:
            piece = self._read_piece()
            if piece is None:
                break
            pieces.append(piece)
        return pieces

    def _read_piece(self) -> Data | Hole | None:
        end = self._until
        if self._sparse:
            hole, end = self._look()
            if hole:
                self._at += hole
                return Hole(self._serial, hole)
        data = os.pread(self._fd, int(min(STREAM_DATA_MAX, end - self._at)), self._at)
        self._at += len(data)
        return Data(self._serial, data) if data else None

    def _look(self) -> tuple[int, float]:
        """The length of the hole that begins here, 0 where there is data; and the end of that data."""
        try:
            data = os.lseek(self._fd, self._at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            data = max(self._at, os.lseek(self._fd, 0, os.SEEK_END))  # There is no data any more.
        if data > self._at:
            return int(min(data, self._until)) - self._at, 0
        try:
            return 0, min(self._until, os.lseek(self._fd, self._at, os.SEEK_HOLE))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return 0, self._at  # This is the end of the file.

    def _flow(self, message: Flow) -> None:
        if message.go:
            self._wake.set()
        else:
            self._wake.clear()

    def _refuse(self, message: Data | Hole) -> None:
        if getattr(message, "data", True):
            error = OperationInvalid("nothing can be sent to a stream that is for reading")
            self._end_with(End(self._serial, error))

    def _finish(self, message: Finish) -> None:
        self._end_with(Finished(self._serial))

    _HANDLERS = {**_FileStream._HANDLERS, Data: _refuse, Hole: _refuse, Flow: _flow, Finish: _finish}


class Upload(_FileStream):
    """What a client sends, to a file from ``offset`` on, at most ``length`` bytes (0: any); ``sparse``: also holes."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._backlog: deque[bytes | int] = deque()
        self._waiting = 0
        self._held = False
        self._finishing = False

    async def _transfer(self) -> None:
        while not self._over:
            await self._wake.wait()
            self._wake.clear()
            while self._backlog and not self._over:
                pieces, self._backlog = self._backlog, deque()
                await self.runtime.in_thread(self._write, pieces)
                self._waiting -= sum(len(piece) for piece in pieces if isinstance(piece, bytes))
                self._pace()
            if self._finishing:
                return

    def _last_word(self) -> End | Finished:
        return Finished(self._serial)

    def _write(self, pieces: deque[bytes | int]) -> None:
        """Write bytes, and holes given by their lengths; runs in a thread."""
        for piece in pieces:
            size = piece if isinstance(piece, int) else len(piece)
            if self._at + size > self._until:
                raise SystemFailure("cannot write to stream: No space left on device", errno=errno.ENOSPC)
            if isinstance(piece, int):
                _make_hole(self._fd, self._at, piece)
            else:
                _write_all(self._fd, piece, self._at)
            self._at += size

    def _take(self, message: Data) -> None:
        if message.data and not self._finishing:
            self._backlog.append(message.data)
            self._waiting += len(message.data)
            self._pace()
            self._wake.set()

    def _take_hole(self, message: Hole) -> None:
        if not self._sparse or message.flags:
            self._end_with(End(self._serial, OperationInvalid("this stream has no holes")))
        elif message.length and not self._finishing:
            self._backlog.append(message.length)
            self._wake.set()

    def _pace(self) -> None:
        if self._held != (self._waiting > BACKLOG_MAX):
            self._held = not self._held
            send(self._connection, Flow(self._serial, go=not self._held))

    def _flow(self, message: Flow) -> None:
        """Nothing is sent to the client: it may be as slow as it likes."""

    def _finish(self, message: Finish) -> None:
        self._finishing = True
        self._wake.set()

    _HANDLERS = {**_FileStream._HANDLERS, Data: _take, Hole: _take_hole, Flow: _flow, Finish: _finish}


def _write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def _make_hole(fd: int, at: int, length: int) -> None:
    """Have zeros there that take no space where the file system can do that; the file is at least as long after it."""
    size = os.lseek(fd, 0, os.SEEK_END)
    within = min(length, max(0, size - at))
    if within and not _punch_hole(fd, at, within):
        for start in range(at, at + within, len(_ZEROS)):
            _write_all(fd, _ZEROS[: at + within - start], start)
    if at + length > size:
        os.ftruncate(fd, at + length)


def _punch_hole(fd: int, at: int, length: int) -> bool:
    fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
    return fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, at, length) == 0
