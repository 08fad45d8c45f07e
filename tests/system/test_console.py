"""The console of a real guest as a stream, and what happens when somebody floods it or does not read it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import guest
import pytest
from virtactor.client import (
    Console,
    Domain,
    Host,
    InvalidArgument,
    OperationAborted,
    OperationDenied,
    OperationFailed,
    UnsupportedConfig,
)

from .guests import AGENT, Shell, linux, plain
from .virtactord import PATIENCE, Virtactord, in_thread, wait_until

BULK = "<channel type='pty'><target type='virtio' name='bulk'/></channel>"
PORT = "/dev/virtio-ports/bulk"
MEBIBYTE = 1 << 20
BOUND = 8 * MEBIBYTE  # what one slow reader may cost the daemon


@pytest.fixture(scope="module")
def linux_host(shared: Virtactord) -> Iterator[Host]:
    with shared.connect() as host:
        yield host


@pytest.fixture(scope="module")
def booted(linux_host: Host, guest_image: guest.Guest) -> Iterator[Domain]:
    """One Linux guest for the whole module, with the AGENT channel and a fast one."""
    domain = linux_host.domains.create(linux(guest_image, "linux", BULK + AGENT))
    with Shell(domain) as shell:
        shell.boots()
    yield domain
    domain.destroy()


def test_a_command_that_is_typed_is_answered(shell: Shell) -> None:
    assert shell.run("echo $((6 * 7))") == "42\n"


def test_the_console_is_the_first_serial_port_unless_another_is_named(booted: Domain) -> None:
    with booted.open_console("serial0"), booted.open_console("channel0"):
        with pytest.raises(OperationFailed, match="in use"):
            booted.open_console()
        with pytest.raises(UnsupportedConfig, match="channel1 is not a pseudo-terminal"):
            booted.open_console("channel1")
        with pytest.raises(InvalidArgument, match="cannot find character device parallel0"):
            booted.open_console("parallel0")


def test_a_second_client_is_told_who_has_the_console(shared: Virtactord, booted: Domain, shell: Shell) -> None:
    with shared.connect() as other:
        with pytest.raises(OperationFailed, match="is in use by root") as caught:
            other.domains["linux"].open_console()
        assert caught.value.holder is not None
        assert "pid" in caught.value.holder
    assert shell.run("echo still mine") == "still mine\n"


def test_force_takes_the_console_over(shared: Virtactord, booted: Domain, shell: Shell) -> None:
    with shared.connect() as other:
        taken = other.domains["linux"].open_console(force=True)
        with pytest.raises(OperationAborted, match="took the console over"):
            shell.read_to_the_end()
        taken.write(b"echo mi''ne\n")
        said = b""
        while b"mine\r\n" not in said:
            said += taken.read(timeout=PATIENCE)
        taken.close()


def test_a_console_that_was_closed_can_be_opened_again_at_once(booted: Domain) -> None:
    for _ in range(20):
        booted.open_console().close()


def test_a_console_is_free_when_its_client_is_gone(shared: Virtactord, booted: Domain) -> None:
    other = shared.connect()
    other.domains["linux"].open_console()
    other.close()

    def opened() -> Console | None:
        try:
            return booted.open_console()
        except OperationFailed:
            return None

    wait_until(opened).close()


def test_a_read_only_client_gets_no_console(shared: Virtactord, booted: Domain) -> None:
    with shared.connect(readonly=True) as reader, pytest.raises(OperationDenied):
        reader.domains["linux"].open_console()


def test_the_end_of_the_guest_finishes_the_stream(host: Host) -> None:
    domain = host.domains.create(plain("g", "<serial type='pty'/>"), paused=True)
    console = domain.open_console()
    waiting = in_thread(console.read, timeout=PATIENCE)
    domain.destroy()
    assert waiting.result(PATIENCE) == b""
    assert not console.is_open
    console.close()


def test_a_guest_without_a_console_has_none(host: Host) -> None:
    domain = host.domains.create(plain("g"), paused=True)
    with pytest.raises(InvalidArgument, match="cannot find character device"):
        domain.open_console()


def memory(pid: int) -> int:
    """The bytes that a process has in memory."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def bytes_read(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


def wait_until_still(pid: int) -> None:
    """Wait until a process reads nothing any more."""
    before = -1
    while (now := bytes_read(pid)) != before:
        before = now
        time.sleep(0.3)


def test_a_slow_reader_holds_up_its_guest_and_nobody_else(
    shared: Virtactord, booted: Domain, shell: Shell, host: Host
) -> None:
    size = 2 * MEBIBYTE
    with shared.connect() as slow:
        console = slow.domains["linux"].open_console("channel0")
        before = memory(shared.pid)
        shell.type(f"yes 'this is a line of output' | head -c {size} > {PORT}; echo al''l")
        data = console.read(timeout=PATIENCE)
        # Nobody reads now: the daemon stops too, and so does the guest.
        wait_until_still(shared.pid)
        assert memory(shared.pid) - before < BOUND
        other = host.domains.create(plain("g"), paused=True)
        other.resume()
        assert len(host.domains) == 2
        other.destroy()
        while len(data) < size:
            data += console.read(timeout=PATIENCE)
        assert data == (b"this is a line of output\n" * (size // 25 + 1))[:size]
        console.close()
    shell.wait_for("all\r\n")
    assert memory(shared.pid) - before < BOUND


def test_a_big_paste_arrives_whole(shared: Virtactord, booted: Domain, shell: Shell, host: Host) -> None:
    paste = b"".join(b"%d pasted\n" % number for number in range(100_000))
    shell.type(f"head -c {len(paste)} {PORT} | md5sum")
    with booted.open_console("channel0") as console:
        before = memory(shared.pid)
        pasting = in_thread(console.write, paste, timeout=PATIENCE)
        assert shell.wait_for(hashlib.md5(paste).hexdigest())
        pasting.result(PATIENCE)
        assert memory(shared.pid) - before < BOUND


def test_a_paste_that_nobody_takes_is_held_up_at_the_client(shared: Virtactord, host: Host) -> None:
    domain = host.domains.create(plain("g", "<serial type='pty'/>"), paused=True)
    with shared.connect() as other:
        console = other.domains["g"].open_console()
        before = memory(shared.pid)
        pasting = in_thread(console.write, b"x" * (4 * MEBIBYTE), timeout=PATIENCE)
        wait_until_still(shared.pid)
        assert not pasting.done()
        assert memory(shared.pid) - before < BOUND
        assert domain.info().vcpus == 1
        domain.destroy()
        pasting.result(PATIENCE)  # What is still on its way goes nowhere.
        assert console.read(timeout=PATIENCE) == b""
