"""virsh against our daemon: with the test driver what it prints with libvirt's, with QEMU what the guest is."""

from __future__ import annotations

import os
import re
import select
import subprocess
from pathlib import Path

import guest
import pytest

from ..system.guests import linux, plain
from ..system.virtactord import PATIENCE
from .conftest import Run, need

# Sessions with a fresh test driver each; what is printed must be what it is with libvirt's own. Nothing is saved or
# dumped in them: virsh 9.0 waits for the end of that on a loop that its other thread may end before it begins, and then
# hangs for good (26 times of 60 with one processor).
SESSIONS = {
    "looking at a domain": """
list; list --all; list --title; list --name; list --uuid; list --inactive; list --state-running; list --persistent
dominfo test; domstate test --reason; domid test; domuuid test; domname 1
domname 6695eb01-f6a4-8304-79aa-97f2502e193f; dumpxml test; dumpxml test --inactive; dumpxml nobody; domcontrol test
vcpucount test; vcpuinfo test; vcpupin test; emulatorpin test; schedinfo test; memtune test; blkiotune test
numatune test; iothreadinfo test; domblklist test; domiflist test; domblkerror test; domhostname test; domtime test
domfsinfo test; guestvcpus test; desc test; metadata test http://nobody; domdisplay test; vncdisplay test
ttyconsole test; domlaunchsecinfo test; domjobinfo test; dommemstat test; domifstat test vnet0
perf test; domifaddr test; dompmwakeup test
""",
    "a domain's life": """
suspend test; domstate test --reason; suspend test; resume test; resume test; reboot test; reset test; shutdown test
domstate test --reason; shutdown test; suspend test; start test; start test; destroy test; destroy test; list --all
list --all --managed-save --with-managed-save; managedsave-remove test; start test; autostart test
autostart test --disable; undefine test; list; destroy test; list --all; dominfo test
""",
    "changing a domain": """
setmem test 1024000; dominfo test; setmaxmem test 4000000; setmem test 0; setvcpus test 1; vcpucount test
setvcpus test 9; setvcpus test 1 --config; vcpucount test --config --current; vcpupin test 0 1; vcpuinfo test
emulatorpin test 0-1; memtune test --hard-limit 2000000; memtune test; schedinfo test --set weight=77
schedinfo test --weight 77; blkiotune test --weight 500; blkiotune test; numatune test --nodeset 0
desc test --title a title; desc test --title; desc test some words; desc test; desc test --config other words
desc test --config; metadata test http://x --set <a/> --key k; metadata test http://x; metadata test http://x --remove
metadata test http://x; domfsfreeze test
domfsthaw test; domtime test --now; domrename test other; destroy test; domrename test other; list --all
set-user-password other root secret; domfsinfo other; set-lifecycle-action other poweroff restart
set-lifecycle-action other poweroff bogus
""",
    "snapshots and checkpoints": """
snapshot-list test; snapshot-create-as test one words; snapshot-create-as test two; snapshot-list test
snapshot-list test --tree; snapshot-list test --name; snapshot-list test --roots --name; snapshot-info test two
snapshot-current test --name; snapshot-parent test two; snapshot-create-as test one; snapshot-revert test one
snapshot-current test --name; snapshot-delete test one --children-only; snapshot-list test --name
snapshot-delete test one; snapshot-list test; snapshot-delete test none; snapshot-current test; undefine test
checkpoint-create-as test c1; checkpoint-list test --name; checkpoint-create-as test c2; checkpoint-list test --tree
checkpoint-parent test c2; checkpoint-info test c2; checkpoint-delete test c1; checkpoint-list test --name
checkpoint-delete test nothing
""",
    "networks": """
net-list; net-list --all; net-info default; net-dumpxml default; net-uuid default; net-name default
net-autostart default; net-autostart default --disable; net-destroy default; net-destroy default; net-info default
net-start default; net-start default; net-list --persistent --name; net-info nobody; net-dhcp-leases default
net-update default add ip-dhcp-host <host/> --live; net-destroy default; net-undefine default; net-list --all
net-undefine default; net-event --list
""",
    "storage": """
pool-list; pool-list --all --details; pool-info default-pool; pool-dumpxml default-pool; pool-uuid default-pool
pool-autostart default-pool; pool-refresh default-pool; vol-list default-pool; vol-create-as default-pool v 10M
vol-create-as default-pool v 10M; vol-list default-pool --details; vol-info v default-pool; vol-dumpxml v default-pool
vol-path v default-pool; vol-key v default-pool; vol-name /default-pool/v; vol-pool /default-pool/v
vol-clone v w default-pool; vol-list default-pool; vol-resize v 20M default-pool; vol-delete v default-pool
vol-delete v default-pool; pool-define-as other dir --target /other; pool-list --all; pool-build other
pool-start other; pool-info other; pool-destroy other; pool-delete other; pool-undefine other; pool-list --all
pool-destroy default-pool; pool-undefine default-pool; pool-list --all; pool-info nobody
find-storage-pool-sources-as dir; pool-event --list; vol-create-as default-pool v 1M
""",
    "the host": """
nodeinfo; nodecpumap; nodecpustats; nodememstats; freecell; freecell --all; freepages --all; maxvcpus; maxvcpus test
iface-list; iface-list --all; iface-dumpxml eth1; iface-mac eth1; iface-name aa:bb:cc:dd:ee:ff; iface-destroy eth1
iface-list --all; iface-start eth1; iface-begin; iface-undefine eth1; iface-list --all; iface-rollback
iface-list --all; iface-rollback; iface-commit; nodedev-list; nodedev-list --tree; nodedev-list --cap system
nodedev-dumpxml computer; nodedev-destroy computer; nodedev-dumpxml nothing; secret-list; nwfilter-list
nwfilter-binding-list; capabilities; node-memory-tune; domxml-to-native qemu-argv --domain test; sysinfo
nodedev-event --list; secret-event --list
""",
}

# What differs from run to run.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+|1[67]\d{8}|(?<=CPU time:)\s+\S+"
    # An element with nothing in it, which we leave out of documents.
    r"|\n\s*<doi/>"
)


def transcript(program: str, uri: str, commands: str, environment: dict[str, str]) -> list[str]:
    """Each command with what it printed."""
    lines = [part.strip() for line in commands.strip().splitlines() for part in line.split(";")]
    done = subprocess.run(
        [program, "--connect", uri],
        input="\n".join(f"echo --- {command!r}\n{command}" for command in lines if command),
        env={**environment, "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return _sections(done.stdout)


def _sections(text: str) -> list[str]:
    text = re.sub(r"(?m)^virsh [#>] ", "", text)
    # An element without content, and an empty line in a document, can be written in two ways.
    text = re.sub(r"<([\w:]+)([^<>/]*)>\s*</\1>", r"<\1\2/>", re.sub(r"(?m)(?<=>)\n\s*\n(?=\s*<)", "\n", text))
    return [_VOLATILE.sub(_shown, section.strip()) for section in text.split("--- ")[1:]]


def _shown(found: re.Match[str]) -> str:
    return "" if found[0].endswith("<doi/>") else "?"


@pytest.mark.parametrize("session", SESSIONS)
def test_virsh_prints_what_it_prints_with_libvirts_driver(
    session: str, test_uri: str, environment: dict[str, str]
) -> None:
    program = need("virsh", "libvirt-clients")
    theirs = transcript(program, "test:///default", SESSIONS[session], environment)
    ours = transcript(program, test_uri, SESSIONS[session], environment)
    assert ours == theirs


def test_a_guest_is_defined_started_looked_at_and_gone(qemu_uri: str, virsh: Run, tmp_path: Path) -> None:
    document = tmp_path / "one.xml"
    document.write_text(plain("one"))
    virsh(qemu_uri, "define", document)
    assert "shut off" in virsh(qemu_uri, "list", "--all")
    virsh(qemu_uri, "start", "one", "--paused")
    assert virsh(qemu_uri, "domstate", "one", "--reason").startswith("paused (user)")
    assert "Max memory:     16384 KiB" in virsh(qemu_uri, "dominfo", "one")
    assert int(virsh(qemu_uri, "domid", "one")) > 0
    virsh(qemu_uri, "resume", "one")
    assert virsh(qemu_uri, "domstate", "one") == "running"
    assert '"running": true' in virsh(qemu_uri, "qemu-monitor-command", "one", "--pretty", '{"execute":"query-status"}')
    assert "VM status: running" in virsh(qemu_uri, "qemu-monitor-command", "one", "--hmp", "info status")
    virsh(qemu_uri, "autostart", "one")
    assert "Autostart:      enable" in virsh(qemu_uri, "dominfo", "one")
    virsh(qemu_uri, "destroy", "one")
    virsh(qemu_uri, "undefine", "one")
    assert virsh(qemu_uri, "list", "--all", "--name") == ""


def test_a_linux_guest_boots_and_powers_off(
    qemu_uri: str, virsh: Run, guest_image: guest.Guest, environment: dict[str, str], tmp_path: Path
) -> None:
    document = tmp_path / "linux.xml"
    document.write_text(linux(guest_image, "linux"))
    virsh(qemu_uri, "define", document)
    # A console wants a terminal, which script gives it.
    command = f"{need('virsh', 'libvirt-clients')} --connect '{qemu_uri}' start linux --console"
    console = subprocess.Popen(
        [need("script", "bsdutils"), "-qec", command, "/dev/null"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert console.stdout is not None
        heard = b""
        while guest.boot_line("linux").encode() not in heard:
            assert select.select([console.stdout], [], [], PATIENCE)[0], heard
            data = os.read(console.stdout.fileno(), 4096)
            assert data, heard
            heard += data
        virsh(qemu_uri, "shutdown", "linux", "--mode", "acpi")
        console.communicate(timeout=PATIENCE)  # virsh leaves when the guest does.
    finally:
        console.kill()
        console.communicate()
    assert virsh(qemu_uri, "domstate", "linux", "--reason").startswith("shut off (shutdown)")


def test_a_readonly_connection_is_refused_what_writes(qemu_uri: str, environment: dict[str, str]) -> None:
    program = [need("virsh", "libvirt-clients"), "--readonly", "--connect", qemu_uri]
    done = subprocess.run(
        [*program, "start", "nobody"], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    listed = subprocess.run(
        [*program, "list"], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "Name" in listed.stdout
