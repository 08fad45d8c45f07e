"""A terminal joined to a console: bytes both ways, and the terminal as it was whatever happened."""

from __future__ import annotations

import os
import pty
import queue
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from virtactor.client import ConnectionLost, InvalidArgument
from virtactor.client.shell import terminal

from ..conftest import in_thread, wait_until

ESCAPE = b"\x1d"
GONE = b""


class FakeConsole:
    """A guest that says what is put into ``says`` (an exception is raised) and notes what is ``typed``."""

    def __init__(self) -> None:
        self.says: queue.Queue[bytes | Exception] = queue.Queue()
        self.typed = b""
        self.on_write: Callable[[bytes], None] = lambda data: None

    def read(self) -> bytes:
        said = self.says.get()
        if isinstance(said, Exception):
            raise said
        return said

    def write(self, data: bytes) -> None:
        self.typed += data
        self.on_write(data)


class Ends:
    """A terminal with somebody at its keyboard, and a pipe in place of its screen."""

    def __init__(self) -> None:
        self.keyboard, self.stdin = pty.openpty()
        self.screen, self.stdout = os.pipe()
        self.before = self.mode()

    def mode(self) -> list:
        return termios.tcgetattr(self.stdin)

    def type(self, keys: bytes) -> None:
        """Type as soon as the terminal is raw; until then keys would be edited and echoed."""

        def type_now() -> None:
            wait_until(lambda: not self.mode()[3] & termios.ICANON)
            os.write(self.keyboard, keys)

        in_thread(type_now)

    def shown(self) -> bytes:
        return os.read(self.screen, 65536)

    def close(self) -> None:
        for descriptor in (self.keyboard, self.stdin, self.screen, self.stdout):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    console = FakeConsole()
    yield console
    console.says.put(GONE)  # For the thread that still waits after an escape.


def join(console: FakeConsole, ends: Ends, escape: bytes | None = ESCAPE) -> None:
    terminal.join(console, escape, ends.stdin, ends.stdout)


def test_what_is_typed_goes_to_the_guest_until_the_escape_character(console: FakeConsole, ends: Ends) -> None:
    ends.type(b"ls\r\x03" + ESCAPE + b"not any more")
    join(console, ends)
    assert console.typed == b"ls\r\x03"
    assert ends.mode() == ends.before


def test_what_the_guest_says_is_shown_until_it_is_gone(console: FakeConsole, ends: Ends) -> None:
    for said in (b"login: \xff", b"bye\r\n", GONE):
        console.says.put(said)
    join(console, ends)
    assert ends.shown() == b"login: \xffbye\r\n"
    assert ends.mode() == ends.before


def test_the_terminal_is_raw_meanwhile(console: FakeConsole, ends: Ends) -> None:
    modes = []

    def note(data: bytes) -> None:
        modes.append(ends.mode())
        console.says.put(GONE)

    console.on_write = note
    ends.type(b"x")
    join(console, ends)
    (mode,) = modes
    assert ends.before[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert not mode[3] & (termios.ECHO | termios.ICANON | termios.ISIG)


def test_the_terminal_is_restored_when_the_connection_breaks(console: FakeConsole, ends: Ends) -> None:
    console.says.put(ConnectionLost("gone"))
    with pytest.raises(ConnectionLost):
        join(console, ends)
    assert ends.mode() == ends.before


def test_the_terminal_is_restored_when_typing_fails(console: FakeConsole, ends: Ends) -> None:
    def fail(data: bytes) -> None:
        raise ConnectionLost("gone")

    console.on_write = fail
    ends.type(b"x")
    with pytest.raises(ConnectionLost):
        join(console, ends)
    assert ends.mode() == ends.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_restored_when_we_are_ended(console: FakeConsole, ends: Ends, number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    console.on_write = lambda data: os.kill(os.getpid(), number)
    ends.type(b"x")
    with pytest.raises(terminal.Terminated) as raised:
        join(console, ends)
    assert raised.value.status == 128 + number
    assert ends.mode() == ends.before
    assert signal.getsignal(number) == handler


def test_without_an_escape_character_all_is_typed(console: FakeConsole, ends: Ends) -> None:
    console.on_write = lambda data: console.says.put(GONE)
    ends.type(b"a" + ESCAPE)
    join(console, ends, None)
    assert console.typed == b"a" + ESCAPE


def test_the_end_of_a_pipe_ends_nothing(console: FakeConsole, ends: Ends) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"halt\n")
    os.close(writer)

    def halt(data: bytes) -> None:
        console.says.put(b"halting")
        console.says.put(GONE)

    console.on_write = halt
    terminal.join(console, ESCAPE, reader, ends.stdout)
    os.close(reader)
    assert (console.typed, ends.shown()) == (b"halt\n", b"halting")


def test_a_reader_of_our_output_that_left_ends_it(console: FakeConsole, ends: Ends) -> None:
    os.close(ends.screen)
    console.says.put(b"anything")
    with pytest.raises(BrokenPipeError):
        join(console, ends)


@pytest.mark.parametrize(
    ("text", "byte"), [("^]", b"\x1d"), ("^c", b"\x03"), ("^?", b"\x7f"), ("~", b"~"), ("^", b"^"), ("none", None)]
)
def test_an_escape_character_is_written_as_virsh_has_it(text: str, byte: bytes | None) -> None:
    assert terminal.escape_byte(text) == byte


@pytest.mark.parametrize("text", ["", "ab", "ü", "^ü"])
def test_what_is_no_escape_character_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        terminal.escape_byte(text)
