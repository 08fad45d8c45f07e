"""The small guest with QEMU's guest agent in it: a second archive behind the plain guest's initramfs.

Linux unpacks archives that stand one behind the other, so the plain guest stays what it is to the byte. The agent and
the libraries that it needs come out of Debian's packages, downloaded and unpacked but never installed. Which libraries
these are is told by the loader among them. A shell on the console reads the file that `ENV` names when it starts: that
is when the ports have their names, and when the agent is started (the file `agent`).
"""

import fcntl
import hashlib
import re
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from .build import CACHE, HERE, Archive, BuildFailed, Guest, fetch, load, run, write

PACKAGE = "qemu-guest-agent"
LOADER = "ld-linux-x86-64.so.2"
# The agent ends a guest by a program that busybox has under other names. The console tells that it was asked to.
SHUTDOWN = """\
#!/bin/sh
echo "shutdown $*" >/dev/console
case " $* " in
*" -r "*) exec reboot -f ;;
*" -H "*) exec halt -f ;;
*) exec poweroff -f ;;
esac
"""
# Debian's busybox has no chpasswd.
CHPASSWD = """\
#!/bin/sh
while IFS=: read -r user word; do
    grep -q "^$user:" /etc/passwd || { echo "user '$user' does not exist" >&2; exit 1; }
    [ "$1" = -e ] || word=$(mkpasswd -m sha512 "$word")
    sed -i "s|^$user:[^:]*:|$user:$word:|" /etc/shadow
done
"""
FILES = {
    "etc/agent": (0o644, (HERE / "agent").read_text()),
    "etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/sh\n"),
    "etc/shadow": (0o600, "root:*:20000:0:99999:7:::\n"),
    "etc/group": (0o644, "root:x:0:\n"),
    "etc/os-release": (0o644, 'NAME="small guest"\nID=small\nPRETTY_NAME="The small guest"\nVERSION_ID="1"\n'),
    "bin/shutdown": (0o755, SHUTDOWN),
    "bin/chpasswd": (0o755, CHPASSWD),
}
LINKS = {"lib64": "lib", "sbin": "bin"}


def load_with_agent(cache: Path = CACHE) -> Guest:
    """The small guest with an agent, built first when it is not in `cache` or was built from something else.

    Give it a channel `org.qemu.guest_agent.0`; without one it is the plain guest with more in its memory. Raises
    BuildFailed when a package is missing or cannot be downloaded.
    """
    plain = load(cache)
    guest = replace(plain, initrd=cache / "initrd-agent", cmdline=f"{plain.cmdline} ENV=/etc/agent")
    stamp = cache / "stamp-agent"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (guest.initrd.is_file() and stamp.is_file() and stamp.read_text() == _inputs(plain)):
            stamp.unlink(missing_ok=True)
            write(guest.initrd, plain.initrd.read_bytes() + _archive(cache))
            write(stamp, _inputs(plain).encode())
    return guest


def _inputs(plain: Guest) -> str:
    digest = hashlib.sha256((plain.initrd.parent / "stamp").read_bytes())
    for path in (HERE / "agent.py", HERE / "agent"):
        digest.update(path.read_bytes())
    return digest.hexdigest() + "\n"


def _archive(folder: Path) -> bytes:
    archive = Archive()
    for name in ("run", "var", "mnt"):
        archive.add(name, stat.S_IFDIR | 0o755)
    for name, target in LINKS.items():
        archive.add(name, stat.S_IFLNK | 0o777, target.encode())
    archive.add("var/run", stat.S_IFLNK | 0o777, b"../run")
    for name, (mode, text) in FILES.items():
        archive.add(name, stat.S_IFREG | mode, text.encode())
    with tempfile.TemporaryDirectory(dir=folder) as root:
        for name in (PACKAGE, *_libraries()):
            run("dpkg-deb", "-x", str(fetch(name, folder)), root)
        agent = _find(Path(root), "qemu-ga")
        archive.add("bin/qemu-ga", stat.S_IFREG | 0o755, agent.read_bytes())
        for path in _needed(Path(root), agent):
            archive.add(f"lib/{path.name}", stat.S_IFREG | 0o755, path.read_bytes())
    return archive.finish()


def _libraries() -> list[str]:
    """The packages of libraries that the agent depends on, directly or not."""
    left_out = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    told = run("apt-cache", "depends", "--recurse", *(f"--no-{each}" for each in left_out), PACKAGE)
    direct = re.search(r"^Depends: (.*)$", run("apt-cache", "show", "--no-all-versions", PACKAGE), re.MULTILINE)
    if direct is None:
        raise BuildFailed(f"apt knows no {PACKAGE}: Debian on x86-64 has it, after apt-get update")
    names = re.findall(r"(?:^|, )([a-z0-9.+-]+)", direct[1])
    return [name for name in told.split("\n") if name in names or name.startswith("libpcre")]


def _find(root: Path, name: str) -> Path:
    found = sorted(root.rglob(name))
    if not found:
        raise BuildFailed(f"{name} is in none of the packages that {PACKAGE} depends on")
    return found[0]


def _needed(root: Path, program: Path) -> list[Path]:
    """The loader and the libraries that it would load for a program, in an unpacked tree."""
    loader = _find(root, LOADER)
    folders = ":".join(sorted({str(path.parent) for path in root.rglob("*.so.*")}))
    told = run(str(loader.resolve()), "--library-path", folders, "--list", str(program))
    names = re.findall(r"^\s*(\S+\.so\S*) => (\S+)", told, re.MULTILINE)
    if missing := [name for name, where in names if not where.startswith(str(root))]:
        raise BuildFailed(f"{PACKAGE} needs {', '.join(missing)}, which no package has that it depends on")
    return [loader, *(Path(where) for _, where in names)]
