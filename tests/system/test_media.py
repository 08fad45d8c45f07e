"""Media that come into a running guest's drives and go out of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.client import Domain, Host, VirtError
from virtactor.client.domain import events as kinds
from virtactor.wire.documents.domain import Disk, parse_domain
from virtactor.wire.enums.domain_events import DomainEventTrayChangeReason

from .guests import plain
from .told import Told, qmp

OPEN, CLOSE = DomainEventTrayChangeReason.OPEN, DomainEventTrayChangeReason.CLOSE
DRIVES = {"cdrom": ("hda", "ide"), "floppy": ("fda", "fdc")}


def drive(device: str, path: Path | None = None, more: str = "") -> str:
    target, bus = DRIVES[device]
    source = "" if path is None else f"<source file='{path}'/>"
    return f"<disk type='file' device='{device}'>{more}{source}<target dev='{target}' bus='{bus}'/></disk>"


def medium(path: Path) -> Path:
    path.write_bytes(bytes(1 << 20))
    return path


def only_drive(domain: Domain) -> Disk:
    (disk,) = parse_domain(domain.xml()).devices.disks
    return disk


def inserted(domain: Domain) -> str | None:
    """The file that QEMU has in the drive."""
    (block,) = [each for each in qmp(domain, "query-block") if "cdrom" in str(each) or each.get("qdev")]
    return block["inserted"]["file"] if "inserted" in block else None


def nodes(domain: Domain) -> list[str]:
    return sorted(node["node-name"] for node in qmp(domain, "query-named-block-nodes") if node["node-name"][0] != "#")


def test_a_disc_is_put_in_replaced_and_taken_out(host: Host, told: Told, tmp_path: Path) -> None:
    domain = host.domains.create(plain("g", drive("cdrom")), paused=True)
    for path in (medium(tmp_path / "one.iso"), medium(tmp_path / "two.iso"), None):
        domain.devices.update(drive("cdrom", path), live=True)
        assert [told.next(kinds.TrayChange).reason for _ in range(2)] == [OPEN, CLOSE]
        assert inserted(domain) == (None if path is None else str(path))
        assert only_drive(domain).source == (None if path is None else str(path))
        assert only_drive(domain).tray is None
        assert nodes(domain) == ([] if path is None else ["hda-format", "hda-storage"])


def test_a_floppy_is_put_in(host: Host, tmp_path: Path) -> None:
    domain = host.domains.create(plain("g", drive("floppy")), paused=True)
    path = medium(tmp_path / "floppy.img")
    domain.devices.update(drive("floppy", path), live=True)
    assert inserted(domain) == str(path)
    assert only_drive(domain).source == str(path)


def test_what_is_not_there_leaves_what_is(host: Host, told: Told, tmp_path: Path) -> None:
    path = medium(tmp_path / "one.iso")
    domain = host.domains.create(plain("g", drive("cdrom", path)), paused=True)
    with pytest.raises(VirtError, match="missing"):
        domain.devices.update(drive("cdrom", tmp_path / "missing.iso"), live=True)
    assert inserted(domain) == only_drive(domain).source == str(path)


def test_an_image_that_qemu_cannot_read_leaves_the_drive_empty_and_closed(host: Host, tmp_path: Path) -> None:
    path, broken = medium(tmp_path / "one.iso"), medium(tmp_path / "broken.qcow2")
    domain = host.domains.create(plain("g", drive("cdrom", path)), paused=True)
    with pytest.raises(VirtError):
        domain.devices.update(drive("cdrom", broken, "<driver name='qemu' type='qcow2'/>"), live=True)
    assert inserted(domain) is only_drive(domain).source is None
    assert nodes(domain) == []
    domain.devices.update(drive("cdrom", path), live=True)
    assert inserted(domain) == str(path)


def test_nothing_but_the_medium_of_a_drive_changes_while_the_guest_runs(host: Host, tmp_path: Path) -> None:
    domain = host.domains.create(plain("g", drive("cdrom")), paused=True)
    with pytest.raises(VirtError, match="cannot modify field 'serial'"):
        domain.devices.update(drive("cdrom", None, "<serial>other</serial>"), live=True)


def test_a_saved_guest_does_without_the_disc_that_it_needed_to_boot(host: Host, told: Told, tmp_path: Path) -> None:
    path, image = medium(tmp_path / "one.iso"), str(tmp_path / "saved")
    needed = drive("cdrom", path).replace("'/><target", "' startupPolicy='requisite'/><target")
    host.domains.create(plain("g", needed), paused=True).save(image)
    path.unlink()
    host.domains.restore(image)
    change = told.fields(kinds.DiskChange)
    assert (change["old_source"], change["new_source"], change["alias"]) == (str(path), None, "ide0-0-0")
    assert only_drive(host.domains["g"]).source is None
    with pytest.raises(VirtError, match="is not there"):
        host.domains.create(plain("other", needed), paused=True)
