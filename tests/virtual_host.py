"""A host of its own for a test: Linux under TCG, as root, that sees the files of this machine and changes none.

What is mounted where, which control groups there are, what is loaded: all that is its own. Its root is this machine's,
by virtiofs and read-only, so Python and the tests are there too, wherever they are. Else /tmp and /run are empty and
may be written to. It boots in five seconds, and a program takes ten times as long as here.

    output = VirtualHost(tmp_path).run("uname -r; exit 3")
    output.status, output.text
"""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import guest
from guest.build import Archive

VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
MODULES = ("fuse", "virtiofs")
# Python's and the project's directories; they may be below those that are empty there.
NEEDED = (Path(__file__).parents[1], Path(sys.prefix), Path(sys.base_prefix))
INIT = """#!/bin/sh
busybox mount -a
busybox modprobe -a virtio_pci virtio_blk
for each in fuse virtiofs; do busybox insmod /$each.ko; done
busybox mkdir /host
busybox mount -t virtiofs -o ro host /host
for each in dev proc sys; do busybox mount --bind /$each /host/$each; done
busybox mkdir /files
busybox mount --bind /host /files
for each in tmp run; do busybox mount -t tmpfs $each /host/$each; done
for each in $(busybox cat /needed); do
    [ -d "/host$each" ] || { busybox mkdir -p "/host$each"; busybox mount --bind "/files$each" "/host$each"; }
done
busybox mount -t cgroup2 none /host/sys/fs/cgroup
busybox ip link set lo up
echo 1 >/proc/sys/kernel/printk
echo BEGIN
busybox cp /script /host/tmp/script
busybox chroot /host /bin/sh /tmp/script
echo "END $?"
busybox poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Output:
    """What the script printed, and its status."""

    text: str
    status: int


class VirtualHost:
    """Its files are in ``folder``; ``memory`` is in MiB."""

    def __init__(self, folder: Path, processors: int = 2, memory: int = 768) -> None:
        self._folder = folder
        self._processors = processors
        self._memory = f"{memory}M"
        self._image = guest.load()

    def run(self, script: str, seconds: float = 1800.0) -> Output:
        """Boot, run a shell script, power off. It has a disk /dev/vda of 64 MiB, and version 2 of control groups."""
        disk, socket = self._folder / "disk", self._folder / "socket"
        with disk.open("wb") as file:
            file.truncate(64 << 20)
        server = subprocess.Popen(
            [VIRTIOFSD, f"--socket-path={socket}", "-o", "source=/", "-o", "cache=always", "-o", "sandbox=chroot"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            # It says so when it listens, before that there is no socket.
            assert server.stderr is not None
            for line in server.stderr:
                if b"Waiting for vhost-user" in line:
                    break
            return self._boot(self._initrd(script), disk, socket, seconds)
        finally:
            server.kill()
            server.communicate()

    def _initrd(self, script: str) -> Path:
        """The small guest's, and after it an archive with what makes a host of it."""
        archive = Archive()
        archive.add("host-init", stat.S_IFREG | 0o755, INIT.encode())
        archive.add("needed", stat.S_IFREG | 0o644, "\n".join(map(str, NEEDED)).encode())
        archive.add("script", stat.S_IFREG | 0o755, script.encode())
        for name, data in _modules().items():
            archive.add(f"{name}.ko", stat.S_IFREG | 0o644, data)
        path = self._folder / "initrd"
        path.write_bytes(self._image.initrd.read_bytes() + archive.finish())
        return path

    def _boot(self, initrd: Path, disk: Path, socket: Path, seconds: float) -> Output:
        argv = [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-no-reboot",
            "-smp", str(self._processors), "-m", self._memory, "-numa", "node,memdev=memory",
            "-object",
            f"memory-backend-memfd,id=memory,size={self._memory},share=on", "-display", "none", "-serial", "stdio",
            "-kernel", str(self._image.kernel), "-initrd", str(initrd),
            "-append", f"{self._image.cmdline} rdinit=/host-init",
            "-chardev", f"socket,id=files,path={socket}", "-device", "vhost-user-fs-pci,chardev=files,tag=host",
            "-drive", f"if=virtio,format=raw,file={disk}",
        ]  # fmt: skip
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        said = done.stdout.decode(errors="replace").replace("\r\n", "\n")
        _, begun, rest = said.partition("BEGIN\n")
        text, ended, status = rest.rpartition("\nEND ")
        assert begun, f"it did not boot: {said[-4000:]} {done.stderr.decode()}"
        assert ended, f"it did not come to its end: {said[-4000:]}"
        return Output(text, int(status.split()[0]))


def why_not() -> str:
    """Why there can be none here; empty when there can."""
    missing = [each for each in ("qemu-system-x86_64", VIRTIOFSD, "dpkg-deb") if shutil.which(each) is None]
    return f"{', '.join(missing)} not installed" if missing else ""


def _modules() -> dict[str, bytes]:
    """The modules of the small guest's kernel that it does not have itself."""
    folder = guest.load().kernel.parent
    package = max(folder.glob("linux-image-*.deb"), key=lambda path: path.stat().st_mtime)
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    found: dict[str, bytes] = {}
    for name in MODULES:
        command = ["tar", "-xO", "--wildcards", f"*/{name}.ko"]
        found[name] = subprocess.run(command, input=unpacked, capture_output=True, check=True).stdout
    return found
