"""Asks libvirtd by virsh what it says of a guest's share of the host, and writes that down: virsh_on_tuning.json.

    python -m tests.clients.data.ask_about_tuning

It needs root and control groups of version 1. libvirtd is that of tests/libvirtd.py, and sees groups too: those of a
group that is made for it, which is the root of the cgroup namespace in which it runs, so it can touch no others.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ... import libvirtd
from ...libvirtd import Libvirtd

HERE = Path(__file__).parent
ANSWERS = HERE / "virsh_on_tuning.json"
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "blkio")
OURS = "virtactor-test-asking"
GROUPS = Path("/sys/fs/cgroup")
# A guest without a kernel that stays paused.
XML = """<domain type='qemu'><name>g</name><memory unit='MiB'>16</memory><vcpu>2</vcpu><iothreads>1</iothreads>
<os><type arch='x86_64' machine='pc'>hvm</type></os>{more}</domain>"""
COMMANDS = """
schedinfo g; schedinfo g --config; memtune g; memtune g --config; blkiotune g; blkiotune g --config
numatune g; numatune g --config; perf g; perf g --enable page_faults,cpu_clock; perf g --enable cmt; perf g
perf g --enable cpu_cycles --config; perf g --config; perf g --disable page_faults,cpu_clock
schedinfo g cpu_shares=512 vcpu_quota=20000 --live; schedinfo g --live; schedinfo g vcpu_quota=-1 --live
schedinfo g vcpu_period=5; schedinfo g global_quota=30000; schedinfo g --config; schedinfo g
memtune g --hard-limit 500000 --live; memtune g --live; memtune g --hard-limit -1 --live; memtune g
memtune g --soft-limit 300000 --swap-hard-limit 900000; memtune g --hard-limit 700000 --config; memtune g --config
blkiotune g --weight 300; blkiotune g; blkiotune g --device-read-iops-sec DISK,500; blkiotune g
blkiotune g --device-read-iops-sec DISK,0; blkiotune g
numatune g --nodeset 0 --live; numatune g; numatune g --nodeset 1 --live; numatune g --mode interleave --live
numatune g --mode strict --nodeset 0 --config; numatune g --config
vcpupin g 0 0 --live; emulatorpin g 0 --live; iothreadpin g 1 0 --live; vcpupin g; emulatorpin g
dumpxml g --xpath /domain/cputune; dumpxml g --xpath /domain/blkiotune; dumpxml g --xpath /domain/memtune
dumpxml g --inactive --xpath /domain/memtune; dumpxml g --inactive --xpath /domain/perf
"""


def commands() -> list[str]:
    """The commands of COMMANDS, one by one."""
    return [each.strip() for line in COMMANDS.splitlines() for each in line.split(";") if each.strip()]


def disk() -> str | None:
    """A disk of this host's."""
    return next((each for each in ("/dev/vda", "/dev/sda", "/dev/nvme0n1") if Path(each).exists()), None)


def answer(uri: str, command: str) -> str:
    """What virsh prints, also when it fails; the host's disk is DISK in it."""
    path = disk() or ""
    argv = ["virsh", "--connect", uri, *shlex.split(command.replace("DISK", path))]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    return (done.stdout + done.stderr).strip().replace(path, "DISK")


def main() -> None:
    libvirtd.QEMU_CONF = libvirtd.QEMU_CONF.replace(
        "cgroup_controllers = []", f"cgroup_controllers = {json.dumps(CONTROLLERS)}"
    )
    mounts = "".join(
        f"\nmkdir {GROUPS}/{each}; mount -t cgroup -o {each} cgroup {GROUPS}/{each}" for each in CONTROLLERS
    )
    inner = libvirtd.ENTER.replace(" /sys\n", f" /sys\nmount -t tmpfs tmpfs {GROUPS}{mounts}\n", 1)
    joining = "".join(f"echo $$ >{GROUPS}/{each}/{OURS}/cgroup.procs; " for each in CONTROLLERS)
    libvirtd.ENTER = f'{joining} exec unshare --cgroup --mount sh -euc {shlex.quote(inner)} "$0" "$@"'
    for each in CONTROLLERS:
        (GROUPS / each / OURS).mkdir()
    for file in ("cpuset.cpus", "cpuset.mems"):
        (GROUPS / "cpuset" / OURS / file).write_text((GROUPS / "cpuset" / file).read_text())
    root = Path(tempfile.mkdtemp(prefix="vt", dir="/tmp"))
    daemon = Libvirtd(root)
    try:
        daemon.start()
        (root / "g.xml").write_text(XML.format(more=""))
        for command in (f"define {root}/g.xml", "start g --paused"):
            answer(daemon.uri("qemu"), command)
        told = [[command, answer(daemon.uri("qemu"), command)] for command in commands()]
    finally:
        daemon.stop()
        remove_groups()
        shutil.rmtree(root)
    ANSWERS.write_text(json.dumps(told, indent=1) + "\n")


def remove_groups() -> None:
    """Remove what libvirtd has made, and what was made for it."""
    for each in CONTROLLERS:
        for folder in sorted((Path(found) for found, _, _ in os.walk(GROUPS / each / OURS)), reverse=True):
            for _ in range(100):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.02)  # Its last process is ending.


if __name__ == "__main__":
    main()
