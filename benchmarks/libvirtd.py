"""A libvirtd of its own for one run, whatever else the machine has.

It runs in a mount namespace where its directories are private ones of ours, so it neither sees nor leaves anything in
the system's; its sockets are reached through those directories from outside. /dev/kvm is covered there by a file that
cannot be opened for writing: libvirtd probes QEMU with KVM first, and where KVM opens but does not work (nested
machines) that probe takes minutes. Our guests here are emulated on both sides.

Not covered by a device like /dev/null: libvirtd then holds KVM for usable, finds no KVM in what QEMU says, and probes
again before every start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.libvirtd import BECOME_LIBVIRTD, COVER, DIRECTORIES, lay_out

from .daemons import SYSTEM_PYTHON, Unavailable, end, libvirts_library, unix_uri, wait_for_socket


class Libvirtd:
    """libvirtd with the drivers that the machine's has. Raises Unavailable where it cannot be run or asked."""

    name = "libvirtd"

    def __init__(self) -> None:
        _check()
        self.root = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self.socket = self.root / "run/libvirt-sock"
        self._made = [path for path in DIRECTORIES.values() if not path.exists()]
        self._variables = lay_out(self.root)
        self._said = (self.root / "said").open("w+b")
        self._process = self._start()
        self.pid = self._process.pid
        try:
            wait_for_socket(self.socket, self._process)
        except Unavailable as error:
            raise Unavailable(f"{error}: {self._last_words()}") from None

    def _start(self) -> subprocess.Popen[bytes]:
        # unshare becomes the shell and that becomes libvirtd, all with one pid.
        command = ["unshare", "--mount", "sh", "-euc", COVER + BECOME_LIBVIRTD]
        environment = {**os.environ, **self._variables}
        return subprocess.Popen(command, env=environment, stdout=self._said, stderr=self._said)

    def _last_words(self) -> str:
        words = (self.root / "said").read_text(errors="replace").strip().splitlines()
        self.stop()
        return words[-1] if words else "it said nothing"

    def uri(self, driver: str) -> str:
        return unix_uri(driver, self.socket)

    def generator(self, driver: str) -> list[str]:
        return libvirts_library(self.uri(driver))

    def raw_generator(self) -> list[str]:
        return [SYSTEM_PYTHON, "-m", "benchmarks.clients.raw", str(self.socket), "xdr"]

    def lister(self) -> list[str]:
        return ["virsh", "--connect", self.uri("qemu"), "list"]

    def stop(self) -> None:
        end(self._process)
        self._said.close()
        shutil.rmtree(self.root)
        for path in reversed(self._made):
            with suppress(OSError):
                path.rmdir()


def _check() -> None:
    for program in ("libvirtd", "unshare", "virsh", SYSTEM_PYTHON):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    if subprocess.run([SYSTEM_PYTHON, "-c", "import libvirt"], capture_output=True).returncode != 0:
        raise Unavailable(f"{SYSTEM_PYTHON} has no libvirt module (Debian: python3-libvirt)")
    if os.geteuid() != 0:
        raise Unavailable("only root can give it directories of its own")
