"""The small examples, run as their readers would run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import guest
import pytest
from private_daemon import PrivateDaemon
from virtactor.client import connect

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
GUEST = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>96</memory>
  <os>
    <type machine='pc'>hvm</type>
    <kernel>{image.kernel}</kernel>
    <initrd>{image.initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <devices><serial type='pty'/></devices>
</domain>
"""


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon() as daemon:
        daemon.start(30)
        yield daemon


def test_drive_guests_boots_them_and_shuts_them_down(root: Path, guest_image: guest.Guest) -> None:
    files = [root / "web.xml", root / "db.xml"]
    for file in files:
        file.write_text(GUEST.format(name=file.stem, image=guest_image, cmdline=guest_image.cmdline_for(file.stem)))
    done = subprocess.run(
        [sys.executable, EXAMPLES / "drive_guests.py", "virtactor-guest: up", *files],
        env=os.environ | {"VIRTACTOR_DEFAULT_URI": f"qemu:///embed?root={root}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["db is up", "web is up"]


def test_the_readmes_script_is_drive_guests() -> None:
    _, _, code = (EXAMPLES / "drive_guests.py").read_text().split('"""', 2)
    assert f"```python\n{code.strip()}\n```" in (REPOSITORY / "README.md").read_text()


def listen_to_interrupts() -> None:
    """A shell that runs the tests in the background lets them ignore SIGINT, and so what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_watch_events_tells_what_happens_until_it_is_interrupted(daemon: PrivateDaemon) -> None:
    uri = f"test:///default?root={daemon.root}"
    command = [sys.executable, EXAMPLES / "watch_events.py", uri]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=listen_to_interrupts) as watching,
        connect(uri) as host,
    ):
        assert watching.stdout is not None
        assert watching.stdout.readline() == "watching test:///default\n"
        host.domains["test"].suspend()
        host.domains["test"].resume()
        told = [watching.stdout.readline().split(" ", 1)[1] for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        assert watching.stdout.read() == ""
    assert told == ["test: suspended (paused)\n", "test: resumed (unpaused)\n"]
    assert watching.returncode == 0
