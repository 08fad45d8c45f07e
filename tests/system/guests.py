"""Definitions of guests for the tests, and the small Linux guest with its console."""

from __future__ import annotations

import itertools
import time
from types import TracebackType
from typing import Self

import guest
from virtactor.client import Console, Domain

from .virtactord import PATIENCE

PTY = "<serial type='pty'/>"
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


def plain(name: str, devices: str = "", more: str = "", type: str = "qemu") -> str:
    """A guest without a kernel: its firmware finds nothing to boot. Quick to start, of use while it is paused."""
    return (
        f"<domain type='{type}'><name>{name}</name><memory unit='MiB'>16</memory>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>{more}"
        f"<devices>{devices}</devices></domain>"
    )


def linux(image: guest.Guest, name: str, devices: str = "", more: str = "") -> str:
    """The small Linux guest with a serial console."""
    return (
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>96</memory>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{image.kernel}</kernel>"
        f"<initrd>{image.initrd}</initrd><cmdline>{image.cmdline_for(name)}</cmdline></os>"
        f"<features><acpi/></features>{more}<devices>{PTY}{devices}</devices></domain>"
    )


class Shell:
    """The console of a running Linux guest: waits for what it prints, types commands and reads their output."""

    _numbers = itertools.count(1)

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.console: Console = domain.open_console()
        self.output = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.console.close()

    def wait_for(self, text: str) -> str:
        """Read until ``text`` came; everything since the last wait, up to and with it."""
        until = time.monotonic() + PATIENCE
        while text.encode() not in self.output:
            data = self.console.read(timeout=max(0.1, until - time.monotonic()))
            assert data, f"the console ended, it said {self.output!r}"
            self.output += data
        before, found, self.output = self.output.partition(text.encode())
        return (before + found).decode(errors="replace")

    def boots(self) -> None:
        """Wait for the boot line and for the shell behind it."""
        self.wait_for(guest.boot_line(self.domain.name))
        self.wait_for("# ")

    def answers(self) -> None:
        """Wait for the shell of a guest that has booted before."""
        self.type("")
        self.wait_for("# ")

    def type(self, line: str) -> None:
        self.console.write(line.encode() + b"\n")

    def run(self, command: str) -> str:
        """What a command prints."""
        number = next(self._numbers)
        # The words of neither mark stand in what is typed, which the shell shows in lines of 80 characters.
        self.type(f"echo be''gin-{number}; {command}; echo do''ne-{number}")
        self.wait_for(f"begin-{number}\r\n")
        said = self.wait_for(f"done-{number}\r\n").removesuffix(f"done-{number}\r\n").replace("\r\n", "\n")
        # What is typed before the shell reads a line again is echoed twice, by the terminal and by the shell.
        self.wait_for("# ")
        return said

    def read_to_the_end(self) -> str:
        """Everything until the guest's side finishes the stream."""
        while data := self.console.read(timeout=PATIENCE):
            self.output += data
        return self.output.decode(errors="replace")
