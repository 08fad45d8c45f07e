"""A real libvirtd for tests, private in every way that matters.

It runs in a mount and a network namespace of its own. Its directories in /etc, /run and /var are folders of its root,
so it sees and leaves nothing of the machine's; in its network there is a loopback and nothing else; /sys is read-only,
so that no device of the machine's can be detached or reset; /dev/kvm is there and cannot be opened, as libvirtd's first
probe of QEMU takes minutes where KVM opens but does not work. Its sockets are reached from outside by their paths, its
TCP ports from a thread that entered its network (:func:`in_network`). Whatever it started (QEMU, dnsmasq) is found by
that network and ends with it.

    def test_it_is_there(libvirtd: Libvirtd) -> None:
        with connect(libvirtd.uri("test")) as host: ...
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

START_SECONDS = 60.0
STOP_SECONDS = 60.0
CLONE_NEWNET = 0x40000000
DIRECTORIES: Mapping[str, Path] = {
    "etc": Path("/etc/libvirt"),
    "lib": Path("/var/lib/libvirt"),
    "cache": Path("/var/cache/libvirt"),
    "log": Path("/var/log/libvirt"),
    "run": Path("/run/libvirt"),
}
LIBVIRTD_CONF = """
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
# As virtactord: QEMU runs as who runs the daemon, confined by nothing else, and writes its log itself.
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""
# For sh in a mount namespace of its own, with the variables that ``lay_out`` gives.
COVER = """
mount --make-rprivate /
for each in $DIRECTORIES; do mount --bind "${each%:*}" "${each#*:}"; done
if [ -e /dev/kvm ]; then
    mount --bind "$ROOT/kvm" /dev/kvm
    mount -o remount,bind,ro /dev/kvm
fi
"""
BECOME_LIBVIRTD = 'exec libvirtd --pid-file "$ROOT/libvirtd.pid" "$@"\n'
ENTER = COVER + "mount -t sysfs -o ro sysfs /sys\nip link set lo up\n" + BECOME_LIBVIRTD


def lay_out(root: Path, settings: str = "") -> dict[str, str]:
    """Make a libvirtd's directories below ``root``, with its configuration; gives the variables that COVER wants."""
    for name, path in DIRECTORIES.items():
        (root / name).mkdir(exist_ok=True, parents=True)
        path.mkdir(exist_ok=True, parents=True)  # Something must be there to be covered.
    (root / "etc/libvirt.conf").write_text("")
    (root / "etc/libvirtd.conf").write_text(LIBVIRTD_CONF + settings)
    (root / "etc/qemu.conf").write_text(QEMU_CONF)
    (root / "kvm").write_text("")
    directories = " ".join(f"{root / name}:{path}" for name, path in DIRECTORIES.items())
    return {"ROOT": str(root), "DIRECTORIES": directories}


class Libvirtd:
    """libvirtd below ``root``, which should be short. ``stop`` ends it and all that it started; ``start`` begins anew.

    ``settings`` are lines for libvirtd.conf after the usual ones, ``arguments`` its command line's (``--listen``).
    """

    def __init__(self, root: Path, settings: str = "", arguments: Sequence[str] = ()) -> None:
        self.root = root
        self._arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None
        self._variables = lay_out(root, settings)

    @property
    def socket(self) -> Path:
        return self.root / "run/libvirt-sock"

    @property
    def readonly_socket(self) -> Path:
        return self.root / "run/libvirt-sock-ro"

    @property
    def log(self) -> str:
        """What it wrote about warnings and errors."""
        path = self.root / "log/libvirtd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def uri(self, driver: str = "test", path: str = "", *, readonly: bool = False) -> str:
        """A URI over its socket, for our client and for libvirt's: ``test:///default``, ``qemu:///system``, …"""
        path = path or {"test": "/default"}.get(driver, "/system")
        return f"{driver}+unix://{path}?socket={self.readonly_socket if readonly else self.socket}"

    def start(self) -> None:
        """Start it; returns when its socket is there."""
        environment = {**os.environ, **self._variables}
        command = ["unshare", "--mount", "--net", "sh", "-euc", ENTER, "libvirtd", *self._arguments]
        with (self.root / "said").open("wb") as said:
            # unshare becomes the shell and that becomes libvirtd, all with one pid.
            self.process = subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=self.root)
        until = time.monotonic() + START_SECONDS
        while not (self.socket.is_socket() and self.readonly_socket.is_socket()):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"libvirtd did not start: {(self.root / 'said').read_text()}\n{self.log}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and what it started. It leaves its sockets as it likes; those of the dead are removed."""
        process, self.process = self.process, None
        if process is None:
            return
        network = _network_of(process.pid)
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _end_all_in(network)
        for path in (self.socket, self.readonly_socket):
            path.unlink(missing_ok=True)

    def in_network(self, function: Callable[[], T]) -> T:
        """Call something on a thread that is in its network, where its TCP ports are. Sockets stay there for good."""
        assert self.process is not None
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(_enter_and_call, f"/proc/{self.process.pid}/ns/net", function).result()

    def command_in_network(self, *command: str) -> list[str]:
        """The command line that runs a command in its network."""
        assert self.process is not None
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *command]


def _enter_and_call(namespace: str, function: Callable[[], T]) -> T:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)
    return function()


def _network_of(pid: int) -> str:
    """The network namespace's name; empty when the process is gone or has only ours."""
    try:
        found = os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""
    return "" if found == os.readlink("/proc/self/ns/net") else found


def _end_all_in(network: str) -> None:
    """Kill every process of a network namespace that is not ours."""
    while network and (left := [pid for pid in _pids() if _network_of(pid) == network and not _is_zombie(pid)]):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def why_not() -> str:
    """Why libvirtd cannot be run here; empty when it can."""
    if os.geteuid() != 0:
        return "only root can give libvirtd namespaces of its own"
    missing = [name for name in ("libvirtd", "unshare", "ip") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    tried = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


@pytest.fixture(scope="session")
def libvirtd() -> Iterator[Libvirtd]:
    """One for all tests of the session, who clean up after themselves. Skips where there can be none."""
    with own_libvirtd() as daemon:
        yield daemon


@contextmanager
def own_libvirtd() -> Iterator[Libvirtd]:
    """One that whoever asks may kill. Skips where there can be none."""
    if reason := why_not():
        pytest.skip(reason)
    root = Path(tempfile.mkdtemp(prefix="vl", dir="/tmp"))
    daemon = Libvirtd(root)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
        shutil.rmtree(root)
