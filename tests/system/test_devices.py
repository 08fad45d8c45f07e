"""Devices that need more than QEMU: programs beside it, sockets and ports that are chosen at the start, media that may
be absent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from lxml import etree
from virtactor.client import Domain, Host, OperationFailed, ProcessFailure, UnsupportedConfig
from virtactor.wire.enums.domain import DomainUndefineFlagsValues

from .guests import plain
from .virtactord import PATIENCE, Virtactord, wait_until

SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
needs_swtpm = pytest.mark.skipif(shutil.which("swtpm") is None, reason="there is no swtpm")
needs_virtiofsd = pytest.mark.skipif(
    not any(Path(path, "virtiofsd").exists() for path in ("/usr/lib/qemu", "/usr/libexec", "/usr/bin")),
    reason="there is no virtiofsd",
)


def share(path: Path) -> str:
    return f"<filesystem type='mount'><driver type='virtiofs'/><source dir='{path}'/><target dir='s'/></filesystem>"


def companions(daemon: Virtactord, uuid: object) -> list[str]:
    """The names of the programs that run beside a guest's QEMU."""
    mark = f"VIRTACTOR_COMPANION={daemon.run / str(uuid)}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return sorted(set(found))


def graphics(domain: Domain) -> etree._Element:
    found = etree.fromstring(domain.xml()).find("devices/graphics")
    assert found is not None
    return found


@needs_swtpm
@needs_virtiofsd
def test_programs_run_beside_qemu_and_end_with_it(shared: Virtactord, host: Host, tmp_path: Path) -> None:
    domain = host.domains.create(plain("served", TPM + share(tmp_path), SHARED), paused=True)
    assert companions(shared, domain.uuid) == ["swtpm", "virtiofsd"]
    tpm = domain.monitor_command({"execute": "query-tpm"})["return"]
    assert [each["model"] for each in tpm] == ["tpm-crb"]

    uuid = domain.uuid
    domain.destroy()
    wait_until(lambda: not companions(shared, uuid))
    assert shared.files_of(uuid) == []


@needs_swtpm
def test_programs_outlive_the_daemon_with_their_guest(root: Path, probed: Path) -> None:
    daemon = Virtactord(root, probed)
    try:
        daemon.start()
        with daemon.connect() as host:
            uuid = host.domains.create(plain("kept", TPM), paused=True).uuid
        daemon.kill()
        assert companions(daemon, uuid) == ["swtpm"]
        daemon.start()
        with daemon.connect() as host:
            assert companions(daemon, uuid) == ["swtpm"]
            host.domains["kept"].destroy()
        wait_until(lambda: not companions(daemon, uuid))
    finally:
        daemon.stop()


def tpm_of(daemon: Virtactord, uuid: object) -> Path:
    return daemon.paths.state / "qemu" / "tpm" / str(uuid)


@needs_swtpm
@pytest.mark.parametrize(
    ("more", "flags", "kept"),
    [
        ("", 0, False),
        (" persistent_state='yes'", 0, True),
        (" persistent_state='yes'", DomainUndefineFlagsValues.TPM, False),
        ("", DomainUndefineFlagsValues.KEEP_TPM, True),
    ],
)
def test_a_tpm_is_forgotten_with_its_domain(shared: Virtactord, host: Host, more: str, flags: int, kept: bool) -> None:
    domain = host.domains.define(plain("forgotten", TPM.replace(" version", f"{more} version")))
    uuid = domain.uuid
    domain.start(paused=True)
    domain.destroy()
    assert tpm_of(shared, uuid).is_dir()
    domain.undefine(flags)
    if not kept:
        wait_until(lambda: not tpm_of(shared, uuid).exists())
    assert tpm_of(shared, uuid).exists() == kept


@needs_swtpm
def test_a_tpm_goes_with_a_guest_that_is_no_more_than_it_runs(shared: Virtactord, host: Host) -> None:
    domain = host.domains.create(plain("passing", TPM), paused=True)
    uuid = domain.uuid
    assert tpm_of(shared, uuid).is_dir()
    domain.destroy()
    wait_until(lambda: not tpm_of(shared, uuid).exists())


@needs_swtpm
def test_a_program_whose_guest_never_came_is_ended(root: Path, probed: Path) -> None:
    daemon = Virtactord(root, probed)
    daemon.run.mkdir(parents=True)
    uuid = "0d9f9bd1-3f56-4bb8-8a2d-6a8f7d2f4c11"
    environ = {**os.environ, "VIRTACTOR_COMPANION": str(daemon.run / uuid)}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(daemon.run / f"{uuid}.companion-tpm0"))
        listener.listen()
        orphan = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--ctrl", f"type=unixio,fd={listener.fileno()}", "--tpmstate", f"dir={root}"],
            env=environ,
            pass_fds=[listener.fileno()],
            cwd=daemon.run,
        )
    try:
        wait_until(lambda: companions(daemon, uuid))
        daemon.start()
        assert orphan.wait(PATIENCE) < 0
        assert daemon.files_of(uuid) == []
        assert daemon.says("it serves nobody")
    finally:
        orphan.kill()
        orphan.wait()
        daemon.stop()


def test_nothing_is_left_of_programs_whose_qemu_does_not_start(shared: Virtactord, host: Host) -> None:
    broken = "<disk type='file'><source file='/nowhere/a.img'/><target dev='vda'/></disk>"
    domain = host.domains.define(plain("broken", TPM + broken))
    with pytest.raises(ProcessFailure, match="/nowhere/a"):
        domain.start()
    assert companions(shared, domain.uuid) == []
    assert shared.files_of(domain.uuid) == []


def test_spice_gets_a_port_that_is_free(host: Host) -> None:
    ports = set()
    for name in ("one", "two"):
        domain = host.domains.create(plain(name, "<graphics type='spice' autoport='yes'/>"), paused=True)
        told = domain.monitor_command({"execute": "query-spice"})["return"]
        assert graphics(domain).get("port") == str(told["port"])
        ports.add(told["port"])
    assert len(ports) == 2


def test_vnc_tells_the_port_that_it_has_for_browsers(host: Host) -> None:
    domain = host.domains.define(plain("browsed", "<graphics type='vnc' websocket='-1'/>"))
    domain.start(paused=True)
    with socket.create_connection(("127.0.0.1", int(graphics(domain).get("websocket", "0")))):
        pass
    assert graphics(domain).get("websocketGenerated") == "yes"
    domain.destroy()
    assert graphics(domain).get("websocket") == "-1"


def test_a_display_listens_on_a_socket_in_the_run_directory(shared: Virtactord, host: Host) -> None:
    domain = host.domains.create(plain("s", "<graphics type='vnc'><listen type='socket'/></graphics>"), paused=True)
    path = graphics(domain).get("socket")
    assert path is not None
    assert path == str(shared.run / f"{domain.uuid}.display")
    assert Path(path).is_socket()


CDROM = """<disk type='file' device='cdrom'><source file='{0}/a.iso' startupPolicy='{1}'/>
<target dev='sda' bus='sata'/></disk>"""
DISK = "<disk type='file'><source file='{0}/a.img' startupPolicy='optional'/><target dev='vdb'/></disk>"


def test_media_that_need_not_be_there_are_left_out(host: Host, tmp_path: Path) -> None:
    devices = (CDROM + DISK).format(tmp_path, "optional")
    domain = host.domains.create(plain("optional", devices), paused=True)
    disks = etree.fromstring(domain.xml()).findall("devices/disk")
    assert [(disk.get("device"), disk.find("source")) for disk in disks] == [("cdrom", None)]


def test_media_that_must_be_there_are_named(host: Host, tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=r"disk 'sda': .*/a\.iso is not there"):
        host.domains.create(plain("mandatory", CDROM.format(tmp_path, "mandatory")), paused=True)


def test_limits_are_set_before_the_guest_runs(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(1 << 20))
    tune = "<iotune><total_bytes_sec>5000</total_bytes_sec><write_iops_sec>7</write_iops_sec></iotune>"
    disk = f"<disk type='file'><source file='{tmp_path}/a.img'/><target dev='vda'/>{tune}</disk>"
    domain = host.domains.create(plain("limited", disk), paused=True)
    (told,) = domain.monitor_command({"execute": "query-block"})["return"]
    assert (told["inserted"]["bps"], told["inserted"]["iops_wr"]) == (5000, 7)


@pytest.mark.skipif(Path("/dev/vhost-vsock").exists(), reason="this kernel has vhost_vsock")
def test_sockets_to_the_host_are_refused_where_the_kernel_has_none(host: Host) -> None:
    with pytest.raises(UnsupportedConfig, match="vsock: /dev/vhost-vsock"):
        host.domains.create(plain("vsock", "<vsock><cid auto='yes'/></vsock>"), paused=True)
