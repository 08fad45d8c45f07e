"""A terminal joined to a guest's console: bytes both ways, raw, until an escape character or the guest's end.

Rules
- The terminal is restored whatever happens: on return, on any exception, on SIGTERM and SIGHUP.
- A thread copies what the guest prints; the calling thread copies what is typed. Leaving does not close the stream
  under that thread: the connection ends with the command and takes the stream along.
- Input that is no terminal is copied too, and its end ends nothing: `virtactor console web </dev/null` follows a guest.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ...wire.errors import InvalidArgument

CHUNK = 4096


class ConsoleLike(Protocol):
    """What of ``client.streams.Console`` is needed here."""

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...


class Terminated(Exception):
    """SIGTERM or SIGHUP came while the terminal was raw; ``status`` is the exit status that says so."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


def escape_byte(text: str) -> bytes | None:
    """The byte that ``^]`` or a single character stands for; None, which never comes, for ``none``.

    Raises InvalidArgument for what is no character.
    """
    if text == "none":
        return None
    if len(text) == 2 and text[0] == "^" and 0x3F <= ord(text[1].upper()) <= 0x5F:
        return bytes([ord(text[1].upper()) ^ 0x40])
    if len(text) == 1 and text.isascii():
        return text.encode()
    raise InvalidArgument(f"'{text}' is no escape character", hint="write it as ^] or as itself, or say none")


def join(console: ConsoleLike, escape: bytes | None, stdin: int = 0, stdout: int = 1) -> None:
    """Copy between the descriptors and ``console`` until ``escape`` is typed or the guest is gone.

    Raises what the console raised, BrokenPipeError when nobody reads our output any more, Terminated.
    """
    printer = _Printer(console, stdout)
    try:
        with raw(stdin):
            printer.start()
            _type(console, escape, stdin, printer.ended)
    finally:
        os.close(printer.ended)
    if printer.failure is not None:
        raise printer.failure


@contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """The terminal in raw mode, and as it was afterwards. Does nothing to what is no terminal."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    with _terminating():
        try:
            # What was typed ahead is kept, as a shell keeps it.
            tty.setraw(descriptor, termios.TCSANOW)
            yield
        finally:
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


@contextmanager
def _terminating() -> Iterator[None]:
    """Let signals that would end us unwind first."""

    def terminate(number: int, _frame: object) -> None:
        raise Terminated(number)

    before = {number: signal.signal(number, terminate) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Printer:
    """The thread that copies what the guest prints. ``ended`` is readable once it has ended, ``failure`` says why."""

    def __init__(self, console: ConsoleLike, stdout: int) -> None:
        self._console = console
        self._stdout = stdout
        self.ended, self._end = os.pipe()
        self.failure: Exception | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="console", daemon=True).start()

    def _run(self) -> None:
        try:
            while data := self._console.read():
                _write_all(self._stdout, data)
        except Exception as error:
            self.failure = error
        os.close(self._end)


def _type(console: ConsoleLike, escape: bytes | None, stdin: int, ended: int) -> None:
    watched = [stdin, ended]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if ended in ready:
            return
        typed = os.read(stdin, CHUNK)
        if not typed:
            watched.remove(stdin)
            continue
        before, found, _ = typed.partition(escape) if escape else (typed, b"", b"")
        if before:
            console.write(before)
        if found:
            return


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
