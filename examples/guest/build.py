"""Builds the small guest into `.cache/guest` of the repository: `kernel`, `initrd`, and the stamp of what went in.

Kernel and busybox come out of Debian's packages, downloaded and unpacked but never installed. The kernel's image is
unwrapped to the ELF file inside where it is LZ4 (as in Debian 12), because QEMU then starts it directly: decompressing
in the guest costs half a second under TCG. The initramfs is written here, so nothing needs cpio or root.

Rejected: building a kernel (minutes, and a compiler), an installed kernel (Debian's is 0600 and would be the host's
business), a distribution image (hundreds of MB and 20 s to boot).
"""

import fcntl
import hashlib
import lzma
import os
import re
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KERNEL_PACKAGE = "linux-image-cloud-amd64"  # depends on the package of the newest kernel
BUSYBOX_PACKAGE = "busybox-static"
HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "guest"

PROBED = [
    "button",
    "evdev",
    "virtio_pci",
    "virtio_mmio",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "virtio_rng",
    "virtio_balloon",
    "virtio_scsi",
    "virtio_mem",
    "pvpanic_mmio",
]
"""Modules that are loaded when their device is there."""
ON_REQUEST = ["ata_piix", "sd_mod", "sr_mod", "isofs"]
"""Modules that only `modules=` on the command line loads: probing IDE takes half a second, with or without a disk."""

CMDLINE = " ".join(
    [
        "console=ttyS0",
        "quiet",
        "panic=-1",  # a guest that panics resets at once, where a test or a user sees it
        # The rest is self-tests, patching, instruments and calibration loops that a guest which lives for seconds has
        # no use for. Without KVM each costs 0.05 to 0.4 s of CPU; together they are half of the boot.
        "cryptomgr.notests",
        "noreplace-smp",
        "initcall_blacklist=init_kprobe_trace",
        "lsm=",
        "nolapic_timer",
        "no_timer_check",
    ]
)

FSTAB = """\
dev /dev devtmpfs rw 0 0
proc /proc proc rw 0 0
sys /sys sysfs rw 0 0
"""


class BuildFailed(Exception):
    """The guest could not be built; the text says what is missing."""


@dataclass(frozen=True)
class Guest:
    """Paths and kernel command line of the small guest."""

    kernel: Path
    initrd: Path
    cmdline: str

    def cmdline_for(self, name: str) -> str:
        """The kernel's command line for a guest that calls itself `name` in its boot line."""
        return f"{self.cmdline} vname={name}"


def boot_line(name: str) -> str:
    """The line that a guest started with `cmdline_for(name)` prints on its console once it is up."""
    return f"virtactor-guest: up name={name}"


def load(cache: Path = CACHE) -> Guest:
    """The small guest, built first when it is not in `cache` or was built from something else.

    Raises BuildFailed when a package is missing or cannot be downloaded.
    """
    guest = Guest(cache / "kernel", cache / "initrd", CMDLINE)
    if not _is_current(guest):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_current(guest):
                _build(guest)
    return guest


def _inputs() -> str:
    """A digest of everything a build depends on but the packages: a newer kernel is no reason to rebuild."""
    digest = hashlib.sha256()
    for path in (HERE / "build.py", HERE / "init", HERE / "hotplug"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_current(guest: Guest) -> bool:
    stamp = guest.kernel.parent / "stamp"
    return (
        guest.kernel.is_file() and guest.initrd.is_file() and stamp.is_file() and stamp.read_text() == _inputs() + "\n"
    )


def _build(guest: Guest) -> None:
    folder = guest.kernel.parent
    (folder / "stamp").unlink(missing_ok=True)
    image, modules = _kernel_and_modules(fetch(_newest_kernel(), folder))
    write(guest.kernel, unwrap(image))
    write(guest.initrd, initramfs(_busybox(fetch(BUSYBOX_PACKAGE, folder)), modules))
    write(folder / "stamp", (_inputs() + "\n").encode())


def write(path: Path, data: bytes) -> None:
    """Replaces the file as a whole, so guests that run from the old one keep it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


# The packages


def fetch(name: str, folder: Path) -> Path:
    """A package's file in `folder`, downloaded when it is not there."""
    if not (found := sorted(folder.glob(f"{name}_*.deb"))):
        run("apt-get", "download", "-qq", name, cwd=folder)
        found = sorted(folder.glob(f"{name}_*.deb"))
    if not found:
        raise BuildFailed(f"apt-get download {name} left no package in {folder}")
    return found[-1]


def _newest_kernel() -> str:
    """The package that the meta-package depends on today."""
    text = run("apt-cache", "show", "--no-all-versions", KERNEL_PACKAGE)
    if not (match := re.search(r"^Depends:.*?(linux-image-[^\s,|]+)", text, re.MULTILINE)):
        raise BuildFailed(f"apt knows no {KERNEL_PACKAGE}: Debian on x86-64 has it, after apt-get update")
    return match[1]


def run(*argv: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=os.environ | {"LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise BuildFailed(f"{argv[0]} is missing: the small guest is built from Debian's packages") from error
    if done.returncode:
        raise BuildFailed(f"{' '.join(argv)}: {done.stderr.strip()} (is apt-get update needed?)")
    return done.stdout


def _kernel_and_modules(package: Path) -> tuple[bytes, dict[str, bytes]]:
    """The kernel image and all its modules by name."""
    image, modules = b"", {}
    for path, data in _files(package):
        if path.name.startswith("vmlinuz-"):
            image = data
        elif ".ko" in path.suffixes:
            modules[_module_name(path)] = _module(path, data)
    if not image:
        raise BuildFailed(f"{package} holds no kernel image")
    return image, modules


def _busybox(package: Path) -> bytes:
    for path, data in _files(package):
        if path.name == "busybox" and path.parent.name == "bin":
            return data
    raise BuildFailed(f"{package} holds no busybox")


def _files(package: Path) -> Iterator[tuple[Path, bytes]]:
    """Every regular file of a package, its path and content. A package that cannot be read is thrown away."""
    try:
        with (
            subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as dpkg,
            tarfile.open(fileobj=dpkg.stdout, mode="r|") as tar,
        ):
            for member in tar:
                if member.isfile() and (file := tar.extractfile(member)):
                    yield Path(member.name), file.read()
    except (FileNotFoundError, tarfile.TarError) as error:
        package.unlink(missing_ok=True)
        raise BuildFailed(f"{package.name} cannot be unpacked: {error}") from error


def _module_name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _module(path: Path, data: bytes) -> bytes:
    return lzma.decompress(data) if path.suffix == ".xz" else data


# The kernel image

SETUP_SECTORS = 0x1F1
PAYLOAD = 0x248
LZ4_LEGACY = b"\x02\x21\x4c\x18"


def unwrap(image: bytes) -> bytes:
    """The ELF file inside a bzImage compressed with LZ4; any other image as it is.

    The layout is the one of Linux's Documentation/x86/boot.rst, fields setup_sects, payload_offset, payload_length.
    """
    start = (image[SETUP_SECTORS] + 1) * 512 + int.from_bytes(image[PAYLOAD : PAYLOAD + 4], "little")
    payload = image[start : start + int.from_bytes(image[PAYLOAD + 4 : PAYLOAD + 8], "little")]
    if not payload.startswith(LZ4_LEGACY):
        return image
    return b"".join(map(lz4_block, _lz4_blocks(payload[len(LZ4_LEGACY) : -4])))


def _lz4_blocks(data: bytes) -> Iterator[bytes]:
    """The blocks of a legacy frame: a length of four bytes and so many bytes."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def lz4_block(data: bytes) -> bytes:
    """Decompresses one LZ4 block.

    A block is a row of sequences: a token (two nibbles, the lengths), literals, and a match that is copied from
    `distance` bytes back and may overlap what it writes. The last sequence has literals only.
    """
    out, at = bytearray(), 0
    while True:
        token = data[at]
        literals, at = _lz4_length(data, at + 1, token >> 4)
        out += data[at : at + literals]
        at += literals
        if at >= len(data):
            return bytes(out)
        distance = data[at] | data[at + 1] << 8
        match, at = _lz4_length(data, at + 2, token & 15)
        match += 4
        start = len(out) - distance
        if distance >= match:
            out += out[start : start + match]
        else:
            out += (bytes(out[start:]) * (match // distance + 1))[:match]


def _lz4_length(data: bytes, at: int, nibble: int) -> tuple[int, int]:
    """A length that goes on in further bytes while they are 255, and where it ends."""
    if nibble < 15:
        return nibble, at
    length = nibble
    while (byte := data[at]) == 255:
        length, at = length + 255, at + 1
    return length + byte, at + 1


# The initramfs


def initramfs(busybox: bytes, modules: dict[str, bytes]) -> bytes:
    """An uncompressed initramfs with busybox, our init and the modules of PROBED and ON_REQUEST that exist."""
    wanted = _with_dependencies([*PROBED, *ON_REQUEST], modules)
    archive = Archive()
    for folder in ("bin", "dev", "etc", "lib", "lib/modules", "proc", "root", "sys", "tmp"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, busybox)
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    archive.add("bin/hotplug", stat.S_IFREG | 0o755, (HERE / "hotplug").read_bytes())
    archive.add("etc/fstab", stat.S_IFREG | 0o644, FSTAB.encode())
    release = _release(modules)
    archive.add(f"lib/modules/{release}", stat.S_IFDIR | 0o755)
    for name in wanted:
        archive.add(f"lib/modules/{release}/{name}.ko", stat.S_IFREG | 0o644, modules[name])
    archive.add(f"lib/modules/{release}/modules.dep", stat.S_IFREG | 0o644, _dependency_lines(wanted, modules))
    archive.add(f"lib/modules/{release}/modules.alias", stat.S_IFREG | 0o644, _alias_lines(modules))
    archive.add("init", stat.S_IFREG | 0o755, (HERE / "init").read_bytes())
    return archive.finish()


class Archive:
    """A cpio archive of the newc kind, as Linux's Documentation/driver-api/early-userspace/buffer-format.rst has it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        """Adds one file; `data` is a link's target for a symbolic link. Times and owners are 0: builds repeat."""
        path = name.encode() + b"\0"
        fields = (len(self._parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts.append(_padded(header + path) + _padded(data))

    def finish(self) -> bytes:
        """The whole archive, with its end marker."""
        self.add("TRAILER!!!", 0)
        return b"".join(self._parts)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


# What depmod would have found out


def _info(module: bytes, key: bytes) -> list[str]:
    """The values of `key` in a module's .modinfo section: NUL-terminated key=value strings."""
    return [value.decode() for value in re.findall(rb"\0" + key + rb"=([^\0]*)(?=\0)", module)]


def _dependencies(module: bytes) -> list[str]:
    return [name.replace("-", "_") for value in _info(module, b"depends") for name in value.split(",") if name]


def _with_dependencies(names: Iterable[str], modules: dict[str, bytes]) -> list[str]:
    """The names that exist, each after what it depends on."""
    order: dict[str, None] = {}
    for name in names:
        if name in modules and name not in order:
            order |= dict.fromkeys(_with_dependencies(_dependencies(modules[name]), modules))
            order[name] = None
    return list(order)


def _release(modules: dict[str, bytes]) -> str:
    return _info(modules["virtio"], b"vermagic")[0].split()[0]


def _dependency_lines(names: Iterable[str], modules: dict[str, bytes]) -> bytes:
    """modules.dep: a module's file, a colon, and all that must be loaded before it, the last needed first."""
    lines = []
    for name in names:
        needed = [f"{other}.ko" for other in reversed(_with_dependencies([name], modules)) if other != name]
        lines.append(f"{name}.ko: {' '.join(needed)}".rstrip() + "\n")
    return "".join(lines).encode()


def _alias_lines(modules: dict[str, bytes]) -> bytes:
    """modules.alias: which device a module of PROBED drives."""
    return "".join(
        f"alias {alias} {name}\n" for name in PROBED if name in modules for alias in _info(modules[name], b"alias")
    ).encode()
