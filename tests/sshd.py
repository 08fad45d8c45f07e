"""An sshd of the test's own: on loopback, with keys of its own, known to nobody else.

root's own ~/.ssh is neither read nor written: the client is told of its key and of the known hosts, and the daemon of
the authorized keys, by files below the test's folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = "/usr/sbin/sshd"
START_SECONDS = 60.0
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv PATH={path}
"""


class SSHD:
    """It logs in who runs the test, by ``key``; ``known_hosts`` knows it. Commands find programs in ``path`` alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("host_key", "key", "other_key"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        self.key, self.other_key = folder / "key", folder / "other_key"
        shutil.copy(folder / "key.pub", folder / "authorized_keys")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.known_hosts = folder / "known_hosts"
        kind, data, *_ = (folder / "host_key.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {data}\n")
        # What every command of the other end needs: its shell's tools, and the programs that a test puts there.
        config = folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=folder, path=f"{self.programs}:{folder}/tools"))
        self._bring_tools(folder / "tools")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", str(config)], stdout=self._log, stderr=self._log)
        self._wait()

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def options(self) -> str:
        """The URI parameters by which our client and libvirt's come in."""
        return f"keyfile={self.key}&known_hosts={self.known_hosts}&no_tty=1"

    def provide(self, name: str, program: str | Path) -> None:
        """Let commands of the other end find a program by that name."""
        (self.programs / name).symlink_to(program)

    def script(self, name: str, text: str) -> None:
        """Let commands of the other end find a shell script by that name."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(START_SECONDS)
        self._log.close()

    def _bring_tools(self, folder: Path) -> None:
        folder.mkdir()
        for name in ("sh", "test", "id", "grep"):
            (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), START_SECONDS).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.stop()
                    raise RuntimeError(f"sshd did not start: {(self.folder / 'log').read_text()}") from None
                time.sleep(0.02)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SSHD]:
    """Skips where there is no OpenSSH."""
    missing = [name for name in (PROGRAM, "ssh", "ssh-keygen") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    if os.geteuid() != 0:
        pytest.skip("only root's sshd starts here")
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    daemon = SSHD(folder)
    yield daemon
    daemon.stop()
