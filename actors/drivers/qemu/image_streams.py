"""How a guest's stream gets into a file and out again: as it is, through a program that packs it, past the cache.

QEMU writes to a descriptor and reads from one. That is the file's own where nothing is to be done on the way, else a
pipe's: to a program (``FORMATS``), to a thread that reads and writes the file in whole blocks (O_DIRECT), or to both.
All of them end when QEMU closes its end.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ....wire.errors import OperationFailed, SystemFailure, VirtError
from ...commands import run
from ...runtime import Runtime

BLOCK = 4096
_CHUNK = 256 * BLOCK
_FOR_EVER = float("inf")
_MOMENT = 5.0  # seconds in which a stage says why it failed


@dataclass(frozen=True, slots=True)
class Format:
    """A way to pack a stream: its number in a file's header, and the programs."""

    number: int
    pack: tuple[str, ...] = ()
    unpack: tuple[str, ...] = ()


FORMATS = {
    "raw": Format(0),
    **{
        name: Format(number, (name, "-c"), (name, "-dc"))
        for number, name in enumerate(("gzip", "bzip2", "xz", "lzop", "zstd"), 1)
    },
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a stream is written or read: in which of FORMATS, and whether past the host's cache."""

    format: str = "raw"
    direct: bool = False


class Stream:
    """What QEMU is given; ``given`` leaves it to QEMU alone, so that each end notices when the other has ended."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._pipes = ExitStack()
        self._stages: list[asyncio.Future[Any]] = []

    def add(self, stage: Awaitable[Any]) -> None:
        self._stages.append(asyncio.ensure_future(stage))

    def pipe(self) -> tuple[int, int]:
        outlet, inlet = os.pipe()
        self._pipes.callback(os.close, outlet)
        self._pipes.callback(os.close, inlet)
        return outlet, inlet

    def given(self) -> None:
        self._pipes.close()

    async def finish(self) -> None:
        """Wait until all that QEMU has written is where it belongs. Raises SystemFailure, ProcessFailure."""
        await asyncio.gather(*self._stages)

    async def explain(self) -> None:
        """Raise what has failed on the way, if anything has: what failed in QEMU is what came of that."""
        self.given()
        if self._stages:
            await asyncio.wait(self._stages, timeout=_MOMENT)
        for each in self._stages:
            if each.done() and not each.cancelled():
                each.result()

    def end(self) -> None:
        self.given()
        for each in self._stages:
            each.cancel()


@asynccontextmanager
async def into_file(runtime: Runtime, fd: int, way: Way) -> AsyncIterator[Stream]:
    """What QEMU is to write to. Left without an error, all of it is in the file, from where ``fd`` stood.

    Raises SystemFailure, ProcessFailure.
    """
    stream = Stream(fd)
    async with _ended(stream):
        if way.direct:
            source, stream.fd = stream.pipe()
            stream.add(runtime.in_thread(_write_direct, os.dup(source), os.dup(fd)))
        if way.format != "raw":
            target = stream.fd
            source, stream.fd = stream.pipe()
            stream.add(_through(FORMATS[way.format].pack, source, target))
        yield stream
        stream.given()
        await stream.finish()


@asynccontextmanager
async def out_of_file(runtime: Runtime, fd: int, way: Way) -> AsyncIterator[Stream]:
    """What QEMU is to read from, beginning where ``fd`` stands. Raises SystemFailure, ProcessFailure."""
    stream = Stream(fd)
    async with _ended(stream):
        if way.direct:
            stream.fd, target = stream.pipe()
            stream.add(runtime.in_thread(_read_direct, os.dup(fd), os.dup(target)))
        if way.format != "raw":
            source = stream.fd
            stream.fd, target = stream.pipe()
            stream.add(_through(FORMATS[way.format].unpack, source, target))
        yield stream


@asynccontextmanager
async def _ended(stream: Stream) -> AsyncIterator[None]:
    try:
        yield
    except VirtError:
        await stream.explain()
        raise
    finally:
        stream.end()


def _through(argv: tuple[str, ...], source: int, target: int) -> asyncio.Task[Any]:
    """Have a program read from one descriptor and write to the other; it gets its own of both."""
    fds = [os.dup(source), os.dup(target)]
    running = asyncio.ensure_future(_run(argv, *fds))
    running.add_done_callback(lambda _: [os.close(each) for each in fds])
    return running


async def _run(argv: tuple[str, ...], source: int, target: int) -> None:
    try:
        await run(argv, stdin=source, stdout=target, deadline=_FOR_EVER)
    except SystemFailure as error:
        words = f"the program for images of format {argv[0]} is not available: {error.message}"
        raise OperationFailed(words) from error


def _write_direct(source: int, target: int) -> None:
    with ExitStack() as opened:
        opened.callback(os.close, source)
        opened.callback(os.close, target)
        copy_blocks(lambda free: os.readv(source, [free]), target)


def copy_blocks(read: Callable[[memoryview], int], target: int) -> None:
    """Copy in whole blocks past the host's cache; the last piece of a block goes through it. Blocks.

    ``read`` puts bytes at the start of what it is given and tells how many, 0 at the end. Raises OSError,
    SystemFailure.
    """
    with ExitStack() as opened:
        buffer = opened.enter_context(mmap.mmap(-1, _CHUNK))
        view = opened.enter_context(memoryview(buffer))
        bypass_cache(target, True)
        opened.callback(bypass_cache, target, False)
        while filled := _fill(read, view):
            if filled % BLOCK:
                bypass_cache(target, False)
            write_all(lambda at, end=filled: os.write(target, view[at:end]), filled)


def _read_direct(source: int, target: int) -> None:
    with ExitStack() as opened:
        opened.callback(os.close, source)
        opened.callback(os.close, target)
        buffer = opened.enter_context(mmap.mmap(-1, _CHUNK))
        view = opened.enter_context(memoryview(buffer))
        bypass_cache(source, True)
        with suppress(BrokenPipeError):  # QEMU has read what it wants.
            while filled := os.readv(source, [view]):
                write_all(lambda at, end=filled: os.write(target, view[at:end]), filled)


def bypass_cache(fd: int, wanted: bool) -> None:
    """Whether a file is written and read in whole blocks, past the host's cache. Raises SystemFailure."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT)
    except OSError as error:
        raise SystemFailure(f"this file's cache cannot be bypassed: {error.strerror}", errno=error.errno) from error


def _fill(read: Callable[[memoryview], int], view: memoryview) -> int:
    """Read until the buffer is full or there is no more; how much there is."""
    at = 0
    while at < len(view) and (count := read(view[at:])):
        at += count
    return at


def write_all(write: Callable[[int], int], size: int) -> None:
    """Write all of a buffer; ``write`` is told from where. Raises SystemFailure, BrokenPipeError."""
    at = 0
    while at < size:
        try:
            at += write(at)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SystemFailure(f"failed to write: {error.strerror}", errno=error.errno) from error
