"""Our client and shell drive guests of a real libvirtd: QEMU's, without KVM, that run their firmware only."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from virtactor.client import Domain, DomainState, Host, connect
from virtactor.client.domain import events as kinds
from virtactor.client.shell.program import program
from virtactor.wire.enums.domain_events import ConnectDomainEventBlockJobStatus

from ..libvirtd import Libvirtd
from .conftest import PATIENCE

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None or shutil.which("qemu-img") is None, reason="needs QEMU"
)

SECONDS = 60.0
PORTS = "".join(f"<controller type='pci' index='{number}' model='pcie-root-port'/>" for number in range(1, 7))
XML = """<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>64</memory>
  <vcpu current='1'>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>{ports}
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
    <memballoon model='virtio'/>
  </devices>
</domain>"""


def image(path: Path, *options: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), "16M"], check=True)
    return path


@pytest.fixture
def host(libvirtd: Libvirtd) -> Iterator[Host]:
    with connect(libvirtd.uri("qemu"), keepalive_interval=0) as host:
        yield host


@pytest.fixture
def guest(host: Host, tmp_path: Path) -> Iterator[Domain]:
    """A running guest whose disk has a backing file."""
    base = image(tmp_path / "base.qcow2")
    disk = image(tmp_path / "disk.qcow2", "-b", str(base), "-F", "qcow2")
    guest = host.domains.create(XML.format(ports=PORTS, disk=disk))
    yield guest
    if "guest" in host.domains:
        guest.destroy()


@pytest.fixture
def shell(libvirtd: Libvirtd) -> Callable[..., str]:
    """Runs a command of ours, which has to succeed; gives what it printed."""

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(program, ["-c", libvirtd.uri("qemu"), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_disk_is_filled_from_its_backing_file_and_events_tell(host: Host, guest: Domain) -> None:
    disk = guest.disks["vda"]
    with host.events(guest, types=[kinds.BlockJob], timeout=SECONDS) as events:
        disk.pull()
        event = next(events)
    assert isinstance(event, kinds.BlockJob)
    assert (event.disk, event.status) == ("vda", ConnectDomainEventBlockJobStatus.COMPLETED)
    assert disk.job() is None
    assert "<backingStore/>" in guest.xml()


def test_a_disk_is_plugged_in_and_out(host: Host, guest: Domain, tmp_path: Path, shell: Callable[..., str]) -> None:
    more = image(tmp_path / "more.qcow2")
    with host.events(guest, types=[kinds.DeviceAdded], timeout=SECONDS) as events:
        shell("attach-disk", "guest", str(more), "vdb", "--subdriver", "qcow2")
        assert isinstance(next(events), kinds.DeviceAdded)
    assert [disk.name for disk in guest.disks] == ["vda", "vdb", "sda"]
    guest.disks["vdb"].resize(32 << 20)
    assert guest.disks["vdb"].info().capacity == 32 << 20
    shell("detach-disk", "guest", "vdb")


def test_a_copy_is_waited_for_and_pivoted_to(guest: Domain, tmp_path: Path, shell: Callable[..., str]) -> None:
    copy = tmp_path / "copy.qcow2"
    said = shell("blockcopy", "guest", "vda", "--dest", str(copy), "--format", "qcow2", "--wait", "--pivot")
    assert said == "guest: successfully pivoted\n"
    assert str(copy) in shell("domblklist", "guest")


def test_memory_processors_and_limits_change_while_it_runs(guest: Domain) -> None:
    guest.vcpus.set_count(2, live=True)
    assert guest.vcpus.count(live=True) == 2
    guest.iothreads.add(3, live=True)
    assert [thread.id for thread in guest.iothreads.list(live=True)] == [3]
    guest.disks["vda"].set_io_tune({"total_iops_sec": 100})
    assert guest.disks["vda"].io_tune()["total_iops_sec"] == 100
    assert guest.memory.stats()
    guest.vcpus.pin(0, {0})
    assert guest.vcpus.info()[0].affinity == {0}


def test_it_is_saved_looked_at_and_restored(host: Host, guest: Domain, tmp_path: Path) -> None:
    path = str(tmp_path / "saved")
    guest.save(path, paused=True)
    assert "guest" not in host.domains
    assert "<name>guest</name>" in host.domains.save_image_xml(path)
    host.domains.restore(path)
    assert host.domains["guest"].state()[0] is DomainState.PAUSED


def test_qemus_own_events_come_through(host: Host, guest: Domain) -> None:
    with host.monitor_events(guest, "(STOP|RESUME)", regex=True, timeout=PATIENCE) as events:
        guest.suspend()
        guest.resume()
        assert [next(events).event, next(events).event] == ["STOP", "RESUME"]


def test_its_monitor_is_asked_by_words(guest: Domain, shell: Callable[..., str]) -> None:
    assert '"status":"running"' in shell("qemu-monitor-command", "guest", "query-status")
    assert '"name":"type"' in shell("qemu-monitor-command", "guest", "qom-list", '"path":"/"')
    assert guest.monitor_command("info status", hmp=True).startswith("VM status: running")


def test_its_screen_is_shot_and_its_display_found(guest: Domain, tmp_path: Path, shell: Callable[..., str]) -> None:
    assert re.fullmatch(r"vnc://127\.0\.0\.1:\d+\n", shell("domdisplay", "guest"))
    assert re.fullmatch(r"127\.0\.0\.1:\d+\n\n", shell("vncdisplay", "guest"))
    shell("screenshot", "guest", str(tmp_path / "shot"))
    assert (tmp_path / "shot").read_bytes()[:4] in (b"\x89PNG", b"P6\n7")


def test_its_memory_is_dumped(guest: Domain, tmp_path: Path) -> None:
    guest.core_dump(str(tmp_path / "core"), memory_only=True)
    assert (tmp_path / "core").read_bytes()[:4] == b"\x7fELF"


def test_a_job_that_was_is_told_of(host: Host, guest: Domain, shell: Callable[..., str]) -> None:
    assert shell("domjobinfo", "guest") == "Job type:         None        \n\n"
    definition = guest.xml(inactive=True)
    guest.destroy()
    kept = host.domains.define(definition)
    kept.start()
    kept.managed_save()
    kept.start()
    assert shell("domjobinfo", "guest", "--completed").splitlines()[0].startswith("Job type:")
    kept.destroy()
    kept.undefine()
