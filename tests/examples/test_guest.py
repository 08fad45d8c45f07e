"""The small guest itself, under a QEMU started by hand: it must be sound before anything is tested with it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import guest
import pytest
from guest.build import Archive, lz4_block

DEADLINE = 180.0  # seconds for a boot; 2 to 3 on an idle machine


class Machine:
    """A QEMU that runs the guest, with its serial console and its monitor as sockets."""

    def __init__(self, folder: Path, image: guest.Guest, machine: str, *devices: str) -> None:
        self.output = b""
        with ExitStack() as stack:
            listeners = [stack.enter_context(listen(folder / name)) for name in ("console", "monitor")]
            argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-m", "96"]
            argv += ["-machine", f"{machine},accel=tcg", "-kernel", str(image.kernel), "-initrd", str(image.initrd)]
            argv += ["-append", image.cmdline_for("small"), "-serial", "unix:console", "-qmp", "unix:monitor"]
            self.process = subprocess.Popen([*argv, *devices], cwd=folder, stdin=subprocess.DEVNULL)
            self.console, self.monitor = (listener.accept()[0] for listener in listeners)

    def wait_for(self, text: str) -> None:
        """Reads the console until `text` came."""
        end = time.monotonic() + DEADLINE
        while text.encode() not in self.output:
            self.console.settimeout(max(0.1, end - time.monotonic()))
            data = self.console.recv(65536)
            assert data, f"QEMU ended, its console said: {self.output!r}"
            self.output += data

    def type(self, line: str) -> None:
        self.console.sendall(line.encode() + b"\n")

    def qmp(self, command: str) -> None:
        """Sends one command and waits for its reply."""
        with self.monitor.makefile("rw") as file:
            for line in ("qmp_capabilities", command):
                file.write(json.dumps({"execute": line}) + "\n")
                file.flush()
                while "return" not in json.loads(file.readline()):
                    pass

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.console.close()
        self.monitor.close()


def listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(30)
    return listener


@pytest.fixture
def boot(root: Path, guest_image: guest.Guest) -> Iterator[Callable[..., Machine]]:
    """Starts a machine, of a type and with devices, that ends with the test."""
    with ExitStack() as stack:

        def start(machine: str, *devices: str) -> Machine:
            started = Machine(root, guest_image, machine, *devices)
            stack.callback(started.close)
            return started

        yield start


def test_it_says_that_it_is_up_and_answers_its_power_button(boot: Callable[..., Machine]) -> None:
    machine = boot("pc")
    machine.wait_for(guest.boot_line("small") + "\r\n")
    machine.qmp("system_powerdown")
    assert machine.process.wait(DEADLINE) == 0
    assert machine.output.count(b"virtactor-guest:") == 1


def test_it_finds_its_devices_and_obeys_its_shell(boot: Callable[..., Machine], root: Path) -> None:
    (root / "disk").write_bytes(b"written by the host".ljust(1 << 20, b"\0"))
    devices = ["-drive", "file=disk,format=raw,if=virtio", "-netdev", "user,id=n", "-device", "virtio-net,netdev=n"]
    devices += ["-device", "virtio-serial", "-chardev", "null,id=c"]
    devices += ["-device", "virtserialport,chardev=c,name=org.qemu.guest_agent.0"]
    machine = boot("q35", *devices)
    machine.wait_for(guest.boot_line("small"))
    machine.type("head -c 19 /dev/vda; ls /dev/virtio-ports /sys/class/net; echo do''ne")
    machine.wait_for("done")
    said = machine.output.decode()
    assert "written by the host" in said
    assert "org.qemu.guest_agent.0" in said
    assert "eth0" in said
    machine.type("poweroff -f")
    assert machine.process.wait(DEADLINE) == 0


def test_a_second_load_builds_nothing(guest_image: guest.Guest) -> None:
    built = guest_image.initrd.stat().st_mtime_ns
    assert guest.load() == guest_image
    assert guest_image.initrd.stat().st_mtime_ns == built


@pytest.mark.parametrize(
    ("block", "plain"),
    [
        (b"\x30abc", b"abc"),
        (b"\xf0\x00" + b"x" * 15, b"x" * 15),
        (b"\xf0\xff\x01" + b"y" * 271, b"y" * 271),
        (b"\x40abcd\x04\x00\x10e", b"abcdabcde"),
        (b"\x1fa\x01\x00\x02\x10b", b"a" * 22 + b"b"),
        (b"\x28ab\x02\x00\x10c", b"ab" * 7 + b"c"),
    ],
    ids=["literals", "15 literals", "271 literals", "a match", "a run", "an overlapping match"],
)
def test_an_lz4_block_is_decompressed(block: bytes, plain: bytes) -> None:
    assert lz4_block(block) == plain


def test_an_archive_is_cpio_of_the_newc_kind() -> None:
    archive = Archive()
    archive.add("a", 0o100644, b"hello")
    assert archive.finish() == (
        b"070701" + b"00000001000081A400000000000000000000000100000000"
        b"00000005" + b"00000000" * 4 + b"00000002" + b"00000000" + b"a\0" + b"hello\0\0\0"
        b"070701" + b"0000000200000000000000000000000000000001" + b"00000000" * 6 + b"0000000B" + b"00000000"
        b"TRAILER!!!\0\0\0\0"
    )
