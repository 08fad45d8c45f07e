"""A running Linux guest reached from outside: its channels, its display, its keyboard, its interrupt."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host, OperationFailed, Stream, VirtError

from .guests import Shell, linux
from .virtactord import PATIENCE, Virtactord, wait_until

CHANNEL = "<channel type='unix'><target type='virtio' name='org.example.talk'/></channel>"
PIPE = "<channel type='pty'><target type='virtio' name='org.example.terminal'/></channel>"
SCREEN = "<video><model type='vga'/></video><graphics type='vnc' port='-1' passwd='secret'/>"
PORT = "/dev/virtio-ports/org.example.talk"
KEYS = (35, 23, 28)  # Linux's numbers of h, i and Enter


@pytest.fixture(scope="module")
def booted(shared: Virtactord, guest_image: guest.Guest) -> Iterator[Domain]:
    with shared.connect() as host:
        domain = host.domains.create(linux(guest_image, "g", CHANNEL + PIPE + SCREEN))
        with Shell(domain) as shell:
            shell.boots()
        yield domain
        domain.destroy()


@contextmanager
def opened(domain: Domain, name: str = "org.example.talk") -> Iterator[Stream]:
    """A channel until the end of a block; that it is free is told a moment later."""

    def free() -> Stream | None:
        try:
            return domain.open_channel(name)
        except OperationFailed:
            return None

    stream = wait_until(free)
    try:
        yield stream
    finally:
        stream.abort()


def line_of(stream: Stream) -> bytes:
    said = b""
    while not said.endswith(b"\n"):
        data = stream.read(timeout=PATIENCE)
        assert data, said
        said += data
    return said


# -- channels ----------------------------------------------------------------------------------------------------------


def test_a_channel_carries_words_both_ways(booted: Domain, shell: Shell) -> None:
    shell.run(f"exec 5<>{PORT}")
    with opened(booted) as stream:
        shell.run("echo from the guest >&5")
        assert line_of(stream) == b"from the guest\n"
        stream.write(b"from the host\n")
        assert shell.run("read -r line <&5; echo $line") == "from the host\n"
        shell.run(
            "dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr '\\0' x >&5; echo >&5",
        )
        assert line_of(stream) == b"x" * 1024 * 1024 + b"\n"
    shell.run("exec 5>&-")


def test_a_channel_has_one_user_who_may_be_put_out(shared: Virtactord, booted: Domain) -> None:
    with opened(booted, "channel0"), shared.connect() as other:
        with pytest.raises(OperationFailed, match="in use"):
            other.domains["g"].open_channel("org.example.talk")
        other.domains["g"].open_channel("org.example.talk", force=True).abort()


def test_a_channel_that_is_no_socket_or_not_there_is_not_opened(booted: Domain) -> None:
    with pytest.raises(VirtError, match="not using a UNIX socket"):
        booted.open_channel("org.example.terminal")
    with pytest.raises(VirtError, match="cannot find channel nowhere"):
        booted.open_channel("nowhere")


# -- the display -------------------------------------------------------------------------------------------------------


def test_a_display_is_served_to_whoever_brings_a_socket(booted: Domain) -> None:
    for skip, kinds in ((False, b"\x01\x02"), (True, b"\x01\x01")):
        with booted.open_graphics(skip_auth=skip) as display:
            display.settimeout(PATIENCE)
            assert display.recv(12) == b"RFB 003.008\n"
            display.sendall(b"RFB 003.008\n")
            # How it may be opened: with a password (2), or without (1) where that is not asked for.
            assert display.recv(2) == kinds
    with pytest.raises(VirtError, match="No graphics backend with index 1"):
        booted.open_graphics(display=1)


def pixels_of_png(data: bytes) -> tuple[int, int, bytes]:
    """Width, height, and three bytes for each pixel, of a PNG of 8 bits for each colour that is not interlaced."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + size)[0]
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", body)
            assert rest == [8, 2, 0, 0, 0]
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    lines, before, stride = bytearray(), bytearray(width * 3), width * 3
    raw = zlib.decompress(packed)
    for row in range(height):
        start = row * (stride + 1)
        before = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before)
        lines += before
    return width, height, bytes(lines)


def unfiltered(kind: int, line: bytearray, above: bytearray) -> bytearray:
    for at in range(len(line)):
        left, up, corner = (line[at - 3], above[at], above[at - 3]) if at >= 3 else (0, above[at], 0)
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda each: abs(guess - each))
        line[at] = (line[at] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    return line


def pixels_of_ppm(data: bytes) -> tuple[int, int, bytes]:
    kind, size, most, rest = data.split(b"\n", 3)
    assert (kind, most) == (b"P6", b"255")
    width, height = size.split()
    return int(width), int(height), rest


def test_a_screenshot_is_what_is_on_the_screen(booted: Domain, shell: Shell, tmp_path: Path) -> None:
    shell.run("echo hello >/dev/tty1")
    booted.suspend()
    try:
        shot = booted.screenshot()
        path = tmp_path / "screen.ppm"
        booted.monitor_command({"execute": "screendump", "arguments": {"filename": str(path)}})
        assert shot.mime == "image/png"
        width, height, pixels = pixels_of_png(shot.data)
        assert (width, height) == (720, 400)
        assert (width, height, pixels) == pixels_of_ppm(path.read_bytes())
        assert len(set(pixels)) > 1, "there are letters on it"
    finally:
        booted.resume()


# -- keys and interrupts -----------------------------------------------------------------------------------------------


def test_the_guest_reads_what_is_typed_from_outside(booted: Domain, shell: Shell) -> None:
    shell.run("rm -f /tmp/typed; (read -r line </dev/tty1; echo got $line >/tmp/typed) & true")
    for key in KEYS:
        booted.send_keys([key])
    shell.run("until [ -s /tmp/typed ]; do sleep 0.1; done")
    assert shell.run("cat /tmp/typed") == "got hi\n"


def test_the_guests_kernel_tells_of_an_interrupt_that_was_injected(booted: Domain, shell: Shell) -> None:
    assert shell.run("dmesg | grep -c 'NMI received'") == "0\n"
    booted.inject_nmi()
    shell.run("until dmesg | grep -q 'NMI received'; do sleep 0.1; done")
    assert "NMI received for unknown reason" in shell.run("dmesg | grep 'NMI received'")


def test_a_guest_goes_on_with_its_channel_after_its_user_has_gone(host: Host, booted: Domain, shell: Shell) -> None:
    shell.run(f"exec 6<>{PORT}")
    with opened(host.domains["g"]):
        pass
    wait_until(lambda: "state='connected'" in booted.xml())
    with opened(booted) as stream:
        shell.run("echo again >&6")
        assert line_of(stream) == b"again\n"
    shell.run("exec 6>&-")
