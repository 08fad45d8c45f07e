"""`make demo` with two guests: that it does what it says, that it notices when something goes wrong, what it leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from ..processes import processes

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"
SECONDS = re.compile(r" +\d+\.\d\d s")
STAGES = [
    "start the daemon",
    "define and start all, paused",
    "boot Linux in all",
    "pause all",
    "resume all",
    "kill the daemon, start another",
    "find all guests adopted",
    "shut down all by ACPI",
    "undefine all, stop the daemon",
]
Act = Callable[[subprocess.Popen[str], str], None]


def start_demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The demo, with its daemon's directory in `folder`."""
    return subprocess.Popen(
        [sys.executable, str(DEMO), "--guests", "2", *options],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_interrupts,
    )


def listen_to_interrupts() -> None:
    """A shell that runs the tests in the background lets them ignore SIGINT, and so what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_demo(folder: Path, *options: str, when: str = "", act: Act | None = None) -> tuple[int, list[str], list[str]]:
    """Its exit status and what it printed; `act` is called at the first line that begins with `when`."""
    with start_demo(folder, *options) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        printed = []
        for line in demo.stdout:
            printed.append(line.rstrip("\n"))
            if act is not None and line.startswith(when):
                act(demo, "\n".join(printed))
                act = None
        complaints = demo.stderr.read().splitlines()
    return demo.returncode, printed, complaints


def assert_nothing_is_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert [process for process in processes() if process.belongs_to(folder)] == []


def test_it_does_every_step_and_leaves_nothing(root: Path) -> None:
    status, printed, complaints = run_demo(root)
    assert (status, complaints) == (0, [])
    assert [line.removesuffix(" ...") for line in printed if line.endswith(" ...")] == STAGES
    assert printed[-1] == "All 2 guests did what they should."
    times = printed[printed.index("") + 1 : -1]
    assert [SECONDS.sub("", line) for line in times] == [*STAGES, "all together"]
    for name in ("demo-1", "demo-2"):
        assert f"    {name}: says 'virtactor-guest: up name={name}'" in printed
        states = [line.split()[1] for line in printed if line.startswith(f"    {name}: ") and " QEMU" not in line]
        told = ["paused", "running", "says", "paused", "running", "?", "running", "shutoff", "gone"]
        assert [state for state in states if state in told][-len(told) :] == told
    assert not any(character in line for line in printed for character in "\x1b\r\b")
    assert_nothing_is_left(root)


def test_it_draws_on_a_terminal_and_ends_with_the_times(root: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, str(DEMO), "--guests", "1"],
        env=os.environ | {"TMPDIR": str(root), "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    ) as demo:
        os.close(theirs)
        drawn = read_all(ours)
    assert demo.returncode == 0, drawn
    assert "\x1b[" in drawn
    for word in ("guest", "paused", "running", "virtactor-guest: up name=demo-1", "━"):
        assert word in drawn
    last = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", drawn).rstrip().split("\r\n")[-len(STAGES) - 2 :]
    assert [SECONDS.sub("", line).rstrip() for line in last[:-1]] == [*STAGES, "all together"]
    assert last[-1] == "All 1 guests did what they should."
    assert_nothing_is_left(root)


def read_all(terminal: int) -> str:
    """What is written to the terminal until nobody has its other side open any more."""
    data = b""
    try:
        while piece := os.read(terminal, 65536):
            data += piece
    except OSError:  # how a pty says that
        pass
    finally:
        os.close(terminal)
    return data.decode()


def test_guests_that_do_not_start_fail_it(root: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_text("no kernel at all")
    status, printed, complaints = run_demo(root, "--kernel", str(kernel))
    assert status == 1
    assert complaints[0].startswith("demo: failed: operation failed: 2 of 2 guests: ")
    assert "QEMU of demo-1 exited with status 1: qemu: linux kernel too old" in complaints[0]
    assert complaints[1] == "The daemon's log ends with:"
    assert complaints[2].endswith("daemon: ready")
    assert [line.endswith("FAILED") for line in printed[-3:]] == [False, True, False]
    assert_nothing_is_left(root)


def kill_a_guest(demo: subprocess.Popen[str], printed: str) -> None:
    found = re.search(r"demo-2: QEMU (\d+)", printed)
    assert found is not None
    os.kill(int(found[1]), signal.SIGKILL)


def test_a_guest_that_dies_fails_it(root: Path) -> None:
    status, printed, complaints = run_demo(root, when="boot Linux in all ...", act=kill_a_guest)
    assert status == 1
    assert re.match(r"demo: failed: .*\bdemo-2\b", complaints[0])
    # The guest may have booted by the time that it dies.
    assert any(re.fullmatch(r"(boot Linux in|pause) all: FAILED after .*", line) for line in printed)
    assert any("domain demo-2: QEMU killed by SIGKILL" in line for line in complaints)
    assert_nothing_is_left(root)


@pytest.mark.parametrize("when", ["start the daemon ...", "define and start all, paused ...", "boot Linux in all ..."])
def test_an_interrupt_ends_it_cleanly(root: Path, when: str) -> None:
    status, _, complaints = run_demo(root, when=when, act=lambda demo, _: demo.send_signal(signal.SIGINT))
    assert (status, complaints) == (130, ["demo: interrupted"])
    assert_nothing_is_left(root)
