"""Events beside the lifecycle, each caused by something that happens to a real guest."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from virtactor.client import Host, VirtError
from virtactor.client.domain import events as kinds
from virtactor.client.events import Event
from virtactor.wire.enums.domain import DomainPausedReason, DomainState
from virtactor.wire.enums.domain_events import (
    ConnectDomainEventBlockJobStatus,
    DomainEventGraphicsPhase,
    DomainEventIOErrorAction,
    DomainEventTrayChangeReason,
)
from virtactor.wire.enums.domain_jobs import DomainBlockJobType

from .guests import plain
from .told import Told, qmp
from .virtactord import PATIENCE


def image(path: Path, format: str = "qcow2") -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", format, path, "1M"], check=True)
    return path


def disk(path: Path, more: str = "") -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='qcow2' {more}/><source file='{path}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


def test_a_reset_is_told_as_a_reboot(host: Host, told: Told) -> None:
    guest = host.domains.create(plain("g"))
    guest.reset()
    assert told.next(kinds.Reboot).domain == guest


def test_a_tray_that_opens_and_closes_is_told_and_stands_in_the_document(
    host: Host, told: Told, tmp_path: Path
) -> None:
    medium = image(tmp_path / "cd.img", "raw")
    cdrom = f"<disk type='file' device='cdrom'><source file='{medium}'/><target dev='hda' bus='ide'/><readonly/></disk>"
    guest = host.domains.create(plain("g", cdrom), paused=True)
    qmp(guest, "blockdev-open-tray", id="ide0-0-0")
    assert told.fields(kinds.TrayChange) == {"alias": "ide0-0-0", "reason": DomainEventTrayChangeReason.OPEN}
    assert "tray='open'" in guest.xml().replace('"', "'")
    qmp(guest, "blockdev-close-tray", id="ide0-0-0")
    assert told.next(kinds.TrayChange).reason == DomainEventTrayChangeReason.CLOSE
    assert "tray=" not in guest.xml()


def test_who_comes_to_the_screen_is_told(host: Host, told: Told) -> None:
    guest = host.domains.create(plain("g", "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>"))
    port = int(qmp(guest, "query-vnc")["service"])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        assert client.recv(12).startswith(b"RFB ")
        came = told.next(kinds.Graphics)
        assert (came.phase, came.local.service) == (DomainEventGraphicsPhase.CONNECT, str(port))
        assert (came.remote.node, came.remote.service) == ("127.0.0.1", str(client.getsockname()[1]))
        for answer in (b"RFB 003.008\n", b"\x01", b"\x01"):
            client.sendall(answer)
            client.recv(64)
        assert told.next(kinds.Graphics).phase == DomainEventGraphicsPhase.INITIALIZE
    assert told.next(kinds.Graphics).phase == DomainEventGraphicsPhase.DISCONNECT


def test_a_disk_that_fails_pauses_the_guest_and_is_told_of(host: Host, told: Told, tmp_path: Path) -> None:
    plain_image, path = tmp_path / "data.raw", tmp_path / "broken.qcow2"
    plain_image.write_bytes(b"data" * 65536)
    subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", plain_image, path], check=True)
    with path.open("r+b") as file:
        # Behind the five clusters of tables there is the compressed data, which can not be read then.
        file.seek(5 << 16)
        file.write(b"\xff" * 65536)
    failing = disk(path, "error_policy='stop' rerror_policy='stop'").replace("vda", "hda").replace("virtio", "ide")
    guest = host.domains.create(plain("g", failing))
    failed = told.fields(kinds.IOError)
    assert failed == {"source": str(path), "alias": "ide0-0-0", "action": DomainEventIOErrorAction.PAUSE}
    assert told.fields(kinds.IOErrorReason) == {**failed, "reason": ""}
    while told.next(Event).type.name != "SUSPENDED":
        continue
    assert guest.state() == (DomainState.PAUSED, DomainPausedReason.IOERROR)


def test_a_write_beyond_the_threshold_is_told(host: Host, told: Told, tmp_path: Path) -> None:
    path = image(tmp_path / "disk.qcow2")
    guest = host.domains.create(plain("g", disk(path)), paused=True)
    qmp(guest, "block-set-write-threshold", **{"node-name": "vda-storage", "write-threshold": 4096})
    guest.monitor_command('qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write 0 64k"', hmp=True)
    found = told.fields(kinds.BlockThreshold)
    assert (found["disk"], found["path"], found["threshold"]) == ("vda", str(path), 4096)
    assert found["excess"] > 0


def test_the_end_of_a_job_on_a_disk_is_told(host: Host, told: Told, tmp_path: Path) -> None:
    base = image(tmp_path / "base.qcow2")
    path = tmp_path / "top.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", path], check=True)
    guest = host.domains.create(plain("g", disk(path)), paused=True)
    qmp(guest, "block-stream", **{"job-id": "pull-vda", "device": "vda-format"})
    found = told.next(kinds.BlockJob)
    assert (found.disk, found.type) == ("vda", DomainBlockJobType.PULL)
    assert found.status == ConnectDomainEventBlockJobStatus.COMPLETED


def test_a_device_that_goes_by_itself_is_told_and_leaves_the_document(host: Host, told: Told) -> None:
    usb = "<controller type='usb' model='piix3-uhci'/><input type='tablet' bus='usb'/>"
    guest = host.domains.create(plain("g", usb), paused=True)
    assert "<alias name='input0'/>" in guest.xml().replace('"', "'")
    qmp(guest, "device_del", id="input0")
    assert told.fields(kinds.DeviceRemoved) == {"alias": "input0"}
    assert "input0" not in guest.xml()


def test_qemus_own_events_are_told_by_name(host: Host) -> None:
    guest = host.domains.create(plain("g"), paused=True)
    with host.monitor_events(guest, "RESUME", timeout=PATIENCE) as events:
        guest.resume()
        event = next(events)
    assert (event.domain.name, event.event) == ("g", "RESUME")


def test_shares_of_a_running_guest_are_told(host: Host, told: Told) -> None:
    guest = host.domains.create(plain("g"), paused=True)
    try:
        guest.tuning.set_scheduler({"cpu_shares": 512}, live=True)
    except VirtError as error:
        pytest.skip(f"no control groups here: {error}")
    assert told.fields(kinds.Tunable) == {"values": {"cputune.cpu_shares": 512}}
