"""`console` on a real guest: a boot sector that says hello on its serial port and echoes what it is sent."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.client import connect

from .conftest import PATIENCE, Shell

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs QEMU")

# 16-bit code at 0x7c00. `>` goes to COM1, then every byte that comes from it.
ECHO = bytes.fromhex(
    "ba f8 03"  # mov dx, 0x3f8
    "b0 3e"  # mov al, '>'
    "ee"  # out dx, al
    "ba fd 03"  # wait: mov dx, 0x3fd
    "ec"  # in al, dx
    "a8 01"  # test al, 1
    "74 fb"  # jz wait + 3
    "ba f8 03"  # mov dx, 0x3f8
    "ec"  # in al, dx
    "ee"  # out dx, al
    "eb f1"  # jmp wait
)
DEFINITION = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{disk}'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>"""


class Qemu(Shell):
    """The shell against the qemu driver of a daemon."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.uri = f"qemu:///system?root={root}"


class Keyboard:
    """A shell's command on a terminal: what it shows, and keys for it."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self._leader, follower = pty.openpty()
        self.before = termios.tcgetattr(follower)
        self._follower = follower
        self.shown = b""
        self.process = subprocess.Popen(
            [*shell.program, "-c", shell.uri, *arguments], stdin=follower, stdout=follower, stderr=follower
        )

    def wait_for(self, text: bytes) -> None:
        while text not in self.shown:
            self.shown += os.read(self._leader, 4096)

    def type(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def end(self) -> int:
        """The exit status; the terminal must be as it was."""
        status = self.process.wait(PATIENCE)
        assert termios.tcgetattr(self._follower) == self.before
        os.close(self._leader)
        os.close(self._follower)
        return status


@pytest.fixture
def echo(shell: Shell, tmp_path: Path) -> Iterator[Qemu]:
    """A paused guest `echo`."""
    disk, xml = tmp_path / "disk.img", tmp_path / "echo.xml"
    disk.write_bytes(ECHO.ljust(510, b"\0") + b"\x55\xaa" + bytes(512 * 127))
    xml.write_text(DEFINITION.format(name="echo", disk=disk))
    qemu = Qemu(shell.root)
    assert qemu.run("create", "--paused", str(xml)).stderr == ""
    yield qemu
    with connect(qemu.uri) as host:
        if "echo" in host.domains:
            host.domains["echo"].destroy()


def test_a_console_is_a_terminal_on_the_guest(echo: Qemu) -> None:
    keyboard = Keyboard(echo, "console", "echo", "--resume")
    keyboard.wait_for(b"echo: console open; ^] leaves it\r\n>")
    keyboard.type(b"hello\x03")
    keyboard.wait_for(b">hello\x03")
    keyboard.type(b"\x1d")
    assert keyboard.end() == 0
    assert echo.run("domstate", "echo").stdout == "running\n\n"


def test_a_console_ends_with_its_guest(echo: Qemu) -> None:
    keyboard = Keyboard(echo, "console", "echo", "--resume")
    keyboard.wait_for(b">")
    assert echo.run("destroy", "echo").stdout == "echo: destroyed\n"
    assert keyboard.end() == 0


def test_a_console_in_use_is_refused_unless_forced(echo: Qemu) -> None:
    keyboard = Keyboard(echo, "-e", "^a", "console", "echo", "--resume")
    keyboard.wait_for(b">")
    result = echo.run("console", "echo")
    assert result.returncode == 1
    assert "in use" in result.stderr
    second = Keyboard(echo, "console", "echo", "--force")
    second.type(b"mine")
    second.wait_for(b"mine")
    second.type(b"\x1d")
    assert second.end() == 0
    assert keyboard.end() == 1


def test_a_console_follows_a_guest_into_a_pipe(echo: Qemu) -> None:
    process = echo.start("console", "echo", "--resume")
    assert process.stdout is not None
    assert process.stdout.read(1) == ">"
    echo.run("destroy", "echo")
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 0


def test_the_monitor_answers(echo: Qemu) -> None:
    assert echo.run("qemu-monitor-command", "echo", "--hmp", "info", "status").stdout.startswith("VM status: paused")
    query = '{"execute": "query-status"}'
    assert '"status": "prelaunch"' in echo.run("qemu-monitor-command", "echo", query, "--pretty").stdout
    assert echo.run("qemu-monitor-command", "echo", query, "--return-value").stdout.startswith('{"status": "prelaunch"')


def test_a_trace_shows_the_commands_that_qemu_got(echo: Qemu) -> None:
    result = echo.run("--trace", "resume", "echo")
    assert "         └─ monitor echo: QMP cont " in result.stderr
