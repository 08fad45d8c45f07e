"""Transient disks: what a guest writes to them is gone with it, however it and its daemon end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host, VirtError
from virtactor.wire.documents.domain import Disk, parse_domain
from virtactor.wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags as Flags

from .guests import Shell, linux, plain
from .virtactord import Virtactord, wait_until

SIZE = 1024 * 1024
BEFORE = b"as it was".ljust(SIZE, b"\0")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(BEFORE)
    return path


@pytest.fixture
def overlay(image: Path) -> Path:
    """What belongs to the image when a guest of the name g runs."""
    return image.with_name(f"{image.name}.TRANSIENT-g")


def disk(path: Path, format: str = "raw", transient: str = "<transient/>") -> str:
    return (
        f"<disk type='file'><driver name='qemu' type='{format}'/><source file='{path}'/>"
        f"<target dev='vda' bus='virtio'/>{transient}</disk>"
    )


def disk_of(domain: Domain, *, inactive: bool = False) -> Disk:
    (found,) = parse_domain(domain.xml(inactive=inactive)).devices.disks
    return found


def test_what_a_guest_writes_to_a_transient_disk_is_gone_with_it(
    host: Host, guest_image: guest.Guest, image: Path, overlay: Path
) -> None:
    domain = host.domains.define(linux(guest_image, "g", disk(image)))
    domain.start()
    with Shell(domain) as shell:
        shell.boots()
        assert shell.run("head -c 9 /dev/vda; echo") == "as it was\n"
        shell.run("echo of the guest >/dev/vda; sync")
        assert shell.run("head -n 1 /dev/vda") == "of the guest\n"
    assert overlay.stat().st_mode & 0o777 == 0o600
    domain.destroy()
    assert not overlay.exists()
    assert image.read_bytes() == BEFORE
    domain.start(paused=True)
    assert overlay.exists()
    domain.destroy()


def test_the_document_says_what_is_written_to_and_what_was_said(host: Host, image: Path, overlay: Path) -> None:
    domain = host.domains.define(plain("g", disk(image)))
    defined = disk_of(domain)
    domain.start(paused=True)
    live = disk_of(domain)
    assert (live.source, live.driver and live.driver.type) == (str(overlay), "qcow2")
    assert live.backing is not None
    assert f"<source file='{image}'/>" in domain.xml()
    assert disk_of(domain, inactive=True) == defined
    # Also of a guest that has no other document, and of its document when that is defined.
    text = domain.xml()
    domain.destroy()
    domain.undefine()
    domain = host.domains.create(plain("g", disk(image)), paused=True)
    assert disk_of(domain, inactive=True).source == str(image)
    domain.destroy()
    assert disk_of(host.domains.define(text)) == defined


def test_the_images_beneath_count(host: Host, tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower.qcow2", tmp_path / "upper.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", lower, str(SIZE)], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", lower, upper], check=True)
    domain = host.domains.define(plain("g", disk(upper, "qcow2", "<transient shareBacking='yes'/>")))
    domain.start(paused=True)
    ((_, figures),) = host.domains.stats([domain], flags=Flags.BACKING)
    paths = [value for name, value in figures.items() if name.startswith("block.") and name.endswith(".path")]
    assert paths == [f"{upper}.TRANSIENT-g", str(upper), str(lower)]
    domain.destroy()
    assert sorted(tmp_path.iterdir()) == [lower, upper]


def test_a_guest_with_a_transient_disk_is_not_saved(host: Host, image: Path, tmp_path: Path) -> None:
    domain = host.domains.define(plain("g", disk(image)))
    domain.start(paused=True)
    for save in (domain.managed_save, lambda: domain.save(str(tmp_path / "saved"))):
        with pytest.raises(VirtError, match="migration with transient disk is not supported"):
            save()
    assert not (tmp_path / "saved").exists()


def test_what_has_the_overlays_name_is_not_touched(host: Host, image: Path, overlay: Path) -> None:
    domain = host.domains.define(plain("g", disk(image)))
    overlay.write_text("somebody's own")
    with pytest.raises(VirtError, match="already exists"):
        domain.start(paused=True)
    assert overlay.read_text() == "somebody's own"


def test_what_a_host_left_that_went_down_is_made_anew(host: Host, image: Path, overlay: Path) -> None:
    domain = host.domains.define(plain("g", disk(image)))
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, overlay]
    subprocess.run(argv, check=True)
    subprocess.run(["qemu-io", "-c", "write -P 1 0 4096", overlay], check=True, capture_output=True)
    left = overlay.read_bytes()
    domain.start(paused=True)
    assert overlay.read_bytes() != left
    domain.destroy()
    assert not overlay.exists()


def test_what_another_guest_has_open_is_not_touched(host: Host, image: Path, overlay: Path, daemon: Virtactord) -> None:
    with daemon.connect() as others:
        other = others.domains.create(plain("g", disk(image)), paused=True)
        domain = host.domains.define(plain("g", disk(image)))
        with pytest.raises(VirtError, match="already exists"):
            domain.start(paused=True)
        assert overlay.exists()
        other.destroy()
    domain.start(paused=True)
    domain.destroy()


def test_an_overlay_goes_when_the_guest_has_ended_without_a_daemon(
    daemon: Virtactord, image: Path, overlay: Path
) -> None:
    with daemon.connect() as host:
        domain = host.domains.define(plain("g", disk(image)))
        domain.start(paused=True)
        pid = daemon.qemu_of(domain.uuid)
        assert pid is not None
    daemon.kill()
    assert overlay.exists()
    subprocess.run(["kill", "-9", str(pid)], check=True)
    wait_until(lambda: daemon.qemu_of(domain.uuid) is None)
    daemon.start()
    assert not overlay.exists()
    assert image.read_bytes() == BEFORE


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("<disk type='block'><source dev='/dev/x'/><target dev='vda'/><transient/></disk>", "only with 'file' type"),
        ("<disk device='floppy'><source file='/x'/><target dev='fda'/><transient/></disk>", "only with 'disk' device"),
        ("<disk><source file='/x'/><target dev='vda'/><readonly/><transient/></disk>", "must not be read-only"),
        ("<disk><source file='/x'/><target dev='hda'/><transient shareBacking='yes'/></disk>", "bus 'ide'"),
    ],
)
def test_disks_that_cannot_be_transient_are_refused(host: Host, said: str, error: str) -> None:
    with pytest.raises(VirtError, match=error):
        host.domains.define(plain("g", said))
