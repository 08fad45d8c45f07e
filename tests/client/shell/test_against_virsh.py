"""Commands about domains print what virsh prints, both at one libvirtd: to the byte, but for figures that grow."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from virtactor.client import Host, connect
from virtactor.client.shell.program import program

from ...libvirtd import Libvirtd

pytestmark = pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")

PATIENCE = 20
GROWING = re.compile(r"\d+\.\d+s|\b\d{5,}\b|\d+\.\d{9} seconds")

# What is asked of the domain that libvirt's test driver begins with.
SHOWN = """
attach-disk test /dev/x vdb --type cdrom --mode readonly --driver qemu --subdriver raw --cache none --print-xml
attach-disk test pool/x vdb --source-protocol rbd --source-host-name h:1 --sourcetype network --print-xml
attach-disk test /x vdb --address pci:0000.00.05.0 --multifunction --serial 4 --alias ua-x --print-xml
attach-interface test bridge br0 --mac 52:54:00:00:00:01 --model virtio --target vn --script /x --print-xml
attach-interface test bridge br0 --alias ua-a --inbound 1,2,3 --outbound 5 --print-xml
attach-interface test hostdev 0000:01:00.0 --managed --print-xml
blkdeviotune test vda
blkiotune test
cpu-stats test
cpu-stats test --total
cpu-stats test --start 0 --count 1
desc test
desc test --title
domblkerror test
domblkinfo test --all
domblkinfo test --all --human
domblkinfo test vda
domblkinfo test vda --human
domblklist test
domblklist test --details
domblklist test --inactive
domblkstat test vda
domblkstat test vda --human
domcontrol test
domfsinfo test
domhostname test
domid test
domif-getlink test testnet0
domif-getlink test aa:bb:cc:dd:ee:ff
domifaddr test
domifaddr test --full
domiflist test
domiflist test --inactive
domifstat test testnet0
domiftune test testnet0
dominfo test
dommemstat test
domstate test --reason
domstats
domstats --raw test
domstats --state --list-active
domtime test
domtime test --pretty
domuuid test
dumpxml test
dumpxml test --inactive
dumpxml test --xpath //disk
dumpxml test --xpath //disk/target/@dev
dumpxml test --xpath //disk|//memory --wrap
dumpxml test --xpath name/text()
emulatorpin test
iothreadinfo test
list --all --managed-save
list --all --title
list --id
list --name --uuid
memtune test
numatune test
perf test
schedinfo test
vcpucount test
vcpucount test --live
vcpucount test --maximum --config
vcpuinfo test
vcpuinfo test --pretty
vcpupin test
vcpupin test 1
vcpupin --domain test --vcpu 1
-q domblklist test
-q vcpupin test
-q domifaddr test
""".strip().splitlines()

# What is asked of it once it is off.
OFF = """
domblklist test
domiflist test
dominfo test
domstats test
list --all --managed-save
vcpucount test
vcpuinfo test
vcpuinfo test --pretty
vcpupin test
""".strip().splitlines()


@pytest.fixture(scope="module")
def uri(libvirtd: Libvirtd) -> str:
    return libvirtd.uri("test")


@pytest.fixture
def host(uri: str) -> Iterator[Host]:
    """While it is open, all connections see one test driver."""
    with connect(uri, keepalive_interval=0) as host:
        yield host


def virsh(uri: str, line: str) -> tuple[int, str]:
    done = subprocess.run(["virsh", "-c", uri, *line.split()], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, GROWING.sub("N", done.stdout)


def ours(uri: str, line: str) -> tuple[int, str]:
    result = CliRunner().invoke(program, ["-c", uri, *line.split()])
    return result.exit_code, GROWING.sub("N", result.stdout)


@pytest.mark.parametrize("line", SHOWN)
def test_a_running_domain_is_shown_as_virsh_shows_it(uri: str, host: Host, line: str) -> None:
    assert ours(uri, line) == virsh(uri, line)


@pytest.mark.parametrize("line", OFF)
def test_a_domain_that_is_off_is_shown_as_virsh_shows_it(uri: str, host: Host, line: str) -> None:
    host.domains["test"].destroy()
    assert ours(uri, line) == virsh(uri, line)


@pytest.mark.parametrize(
    "line",
    [
        "blkdeviotune test vda --total-bytes-sec-max 2M",
        "desc test --live a b",
        "desc test --title --live one",
        "domiftune test testnet0 --inbound 10,20",
        "emulatorpin test 0-2",
        "memtune test --hard-limit 1G --soft-limit 500MB",
        "metadata test http://x --live --key k --set <a/>",
        "numatune test --mode preferred --nodeset 0 --config",
        "perf test --enable cmt,mbmt",
        "set-lifecycle-action test reboot destroy",
        "setmem test 1G",
        "vcpupin test 0 0-1",
        "vcpupin test --vcpu 1 --cpulist r",
    ],
)
def test_what_is_changed_is_changed_as_virsh_changes_it(uri: str, line: str) -> None:
    after = []
    for change in (virsh, ours):
        with connect(uri, keepalive_interval=0) as host:  # a test driver of its own
            status, _ = change(uri, line)
            guest = host.domains["test"]
            parameters = guest.tuning.perf_events(), guest.vcpus.pins(), guest.vcpus.emulator_pin()
            after.append((status, guest.xml(), guest.xml(inactive=True), parameters))
    assert after[0] == after[1]
    assert after[0][0] == 0


@pytest.mark.parametrize(
    "line",
    [
        "blkdeviotune test vdz",
        "dominfo nope",
        "domif-getlink test eth9",
        "iothreaddel test 9",
        "schedinfo test --set nope=1",
        "send-key test KEY_NOPE",
        "send-process-signal test 1 SIGNOPE",
        "setmaxmem test 9G",
        "setvcpu test 1",
        "ttyconsole test",
        "vncdisplay test",
    ],
)
def test_what_virsh_refuses_is_refused(uri: str, host: Host, line: str) -> None:
    status, shown = ours(uri, line)
    assert (status != 0, shown) == (virsh(uri, line)[0] != 0, "")
