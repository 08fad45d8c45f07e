"""Commands about domains print what virsh prints: to the byte, but for figures that grow.

virsh is at a libvirtd, our shell at the same one and at our own test driver.
"""

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
from .conftest import URI

pytestmark = pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")

PATIENCE = 60
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


class Side:
    """Where virsh is, and where our shell is."""

    def __init__(self, theirs: str, ours: str) -> None:
        self.theirs = theirs
        self.uri = ours

    def virsh(self, line: str) -> tuple[int, str]:
        command = ["virsh", "-c", self.theirs, *line.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, GROWING.sub("N", done.stdout)

    def ours(self, line: str) -> tuple[int, str]:
        result = CliRunner().invoke(program, ["-c", self.uri, *line.split()])
        return result.exit_code, GROWING.sub("N", result.stdout)


@pytest.fixture(params=["ours", "libvirtd"])
def side(request: pytest.FixtureRequest, libvirtd: Libvirtd) -> Side:
    return Side(libvirtd.uri("test"), URI if request.param == "ours" else libvirtd.uri("test"))


@pytest.fixture
def hosts(side: Side) -> Iterator[list[Host]]:
    """While they are open, what is done to a test driver stays done."""
    with connect(side.theirs, keepalive_interval=0) as theirs, connect(side.uri, keepalive_interval=0) as ours:
        yield [theirs] if side.uri == side.theirs else [theirs, ours]


@pytest.mark.parametrize("line", SHOWN)
def test_a_running_domain_is_shown_as_virsh_shows_it(side: Side, hosts: list[Host], line: str) -> None:
    assert side.ours(line) == side.virsh(line)


@pytest.mark.parametrize("line", OFF)
def test_a_domain_that_is_off_is_shown_as_virsh_shows_it(side: Side, hosts: list[Host], line: str) -> None:
    for host in hosts:
        host.domains["test"].destroy()
    assert side.ours(line) == side.virsh(line)


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
def test_what_is_changed_is_changed_as_virsh_changes_it(side: Side, line: str) -> None:
    after = []
    for uri, change in ((side.theirs, side.virsh), (side.uri, side.ours)):
        with connect(uri, keepalive_interval=0) as host:  # a test driver of its own
            status, _ = change(line)
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
def test_what_virsh_refuses_is_refused(side: Side, hosts: list[Host], line: str) -> None:
    status, shown = side.ours(line)
    assert (status != 0, shown) == (side.virsh(line)[0] != 0, "")
