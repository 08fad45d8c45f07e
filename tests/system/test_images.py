"""Images of saved guests: how they are packed, past which cache they go, and which document one may be given."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host, OperationFailed, UnsupportedConfig, VirtError
from virtactor.wire.enums.domain import DomainCreateFlags

from .guests import PTY, Shell, linux, plain
from .virtactord import Virtactord, state, wait_until

FORMATS = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ", "lzop": b"\x89LZO", "zstd": b"\x28\xb5\x2f\xfd"}
OFFSET = slice(28, 36)  # where an image says where its stream begins
STREAM = b"QEVM"


def stream_of(path: Path) -> bytes:
    """The beginning of an image's stream."""
    data = path.read_bytes()
    at = int.from_bytes(data[OFFSET], "little")
    assert at % 4096 == 0
    return data[at:]


@pytest.mark.parametrize("format", list(FORMATS))
def test_images_are_packed_as_configured_and_unpacked_whatever_is_configured_then(
    root: Path, probed: Path, format: str
) -> None:
    if shutil.which(format) is None:
        pytest.skip(f"there is no {format}")
    daemon = Virtactord(root, probed)
    daemon.configure(save_image_format=format)
    try:
        daemon.start()
        with daemon.connect() as host:
            domain = host.domains.define(plain("g"))
            domain.start()
            domain.managed_save()
            image = daemon.paths.state / "qemu/save/g.save"
            assert stream_of(image).startswith(FORMATS[format])
            xml = domain.managed_save_xml()
            domain.define_managed_save(xml.replace("</name>", "</name><title>changed</title>"))
            assert stream_of(image).startswith(FORMATS[format])
            daemon.reconfigure(save_image_format="raw")
            domain.start()
            assert state(domain) == "RUNNING RESTORED"
            assert "<title>changed</title>" in domain.xml()
            domain.managed_save()
            assert stream_of(image).startswith(STREAM)
            domain.start()
            assert domain.monitor_command({"execute": "query-status"})["return"]["running"]
    finally:
        daemon.stop()


def test_a_format_without_its_program_is_refused_and_the_guest_runs_on(
    root: Path, probed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needed = ["qemu-system-x86_64", "setpriv"]
    for name in needed:
        if (found := shutil.which(name)) is not None:
            (tmp_path / name).symlink_to(found)
    daemon = Virtactord(root, probed)
    daemon.configure(save_image_format="bzip2")
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        daemon.start()
        with daemon.connect() as host:
            domain = host.domains.create(plain("g"))
            with pytest.raises(OperationFailed, match="images of format bzip2 is not available"):
                domain.save(str(root / "saved"))
            assert not list(root.glob("saved*"))
            wait_until(lambda: domain.monitor_command({"execute": "query-status"})["return"]["running"])
    finally:
        daemon.stop()


def test_a_guest_is_saved_and_restored_past_the_cache(host: Host, guest_image: guest.Guest, tmp_path: Path) -> None:
    domain = host.domains.define(linux(guest_image, "g"))
    domain.start()
    with Shell(domain) as shell:
        shell.boots()
        shell.run("kept=all")
    path = tmp_path / "saved"
    domain.save(str(path), bypass_cache=True)
    assert stream_of(path).startswith(STREAM)
    host.domains.restore(str(path), bypass_cache=True)
    with Shell(domain) as shell:
        shell.answers()
        assert shell.run("echo $kept") == "all\n"
    domain.managed_save(bypass_cache=True)
    domain.start(flags=int(DomainCreateFlags.BYPASS_CACHE))
    assert state(domain) == "RUNNING RESTORED"


DISK = (
    "<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/><target dev='vda' bus='virtio'/></disk>"
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
    "<graphics type='vnc' port='-1'/><video><model type='vga'/></video>"
)
# What a document may say otherwise than the saved guest, and what it may not.
FREE = (
    ("</uuid>", "</uuid>\n  <title>other</title>"),
    ("disk.raw", "other.raw"),
    ("type='raw'/>", "type='raw' cache='none' discard='unmap'/>"),
    ("<on_poweroff>destroy", "<on_poweroff>restart"),
    ("<graphics.*</graphics>", ""),
    ("<clock offset='utc'/>", "<clock offset='localtime'/>"),
    ("<boot dev='hd'/>", "<boot dev='cdrom'/>"),
)
FIXED = (
    ("<name>g<", "<name>h<", "name: 'h' does not match 'g'"),
    (">16384</memory>", ">32768</memory>", "memory: '32768' does not match '16384'"),
    (">1</vcpu>", ">2</vcpu>", "vcpus"),
    ("<acpi/>", "", "features"),
    ("type='vga'", "type='cirrus'", "videos"),
    ("52:54:00:00:00:01", "52:54:00:00:00:02", "interfaces.0./mac"),
    ("<disk.*</disk>", "", "how many devices/disks"),
    ("dev='vda' bus='virtio'", "dev='vdb' bus='virtio'", "disks.0./target"),
    ("<target dev='vda'", "<serial>other</serial><target dev='vda'", "disks.0./serial"),
    ("</devices>", "<rng model='virtio'><backend model='random'>/dev/random</backend></rng></devices>", "rngs"),
    ("<memballoon model='virtio'>.*</memballoon>", "<memballoon model='none'/>", "memballoon"),
)


@pytest.fixture(scope="module")
def saved(shared: Virtactord, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Path, str]]:
    """An image and its document."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("disk.raw", "other.raw"):
        (folder / name).write_bytes(bytes(4096))
    with shared.connect() as host:
        domain = host.domains.create(plain("g", PTY + DISK.format(path=folder / "disk.raw")), paused=True)
        domain.save(str(folder / "saved"))
        yield host, folder / "saved", host.domains.save_image_xml(str(folder / "saved"))


def changed(xml: str, old: str, new: str) -> str:
    found = re.sub(old, new, xml, count=1, flags=re.DOTALL)
    assert found != xml, old
    return found


@pytest.mark.parametrize(("old", "new"), FREE)
def test_what_a_guest_does_not_see_may_change(saved: tuple[Host, Path, str], old: str, new: str) -> None:
    host, path, xml = saved
    domain: Domain | None = None
    host.domains.restore(str(path), xml=changed(xml, old, new), paused=True)
    try:
        domain = host.domains["g"]
        assert new in domain.xml(inactive=True)
    finally:
        if domain is not None:
            domain.destroy()


@pytest.mark.parametrize(("old", "new", "words"), FIXED)
def test_what_a_guest_has_seen_may_not_change(saved: tuple[Host, Path, str], old: str, new: str, words: str) -> None:
    host, path, xml = saved
    with pytest.raises(UnsupportedConfig, match=words):
        host.domains.restore(str(path), xml=changed(xml, old, new))
    with pytest.raises(UnsupportedConfig, match=words):
        host.domains.define_save_image(str(path), changed(xml, old, new))
    assert "g" not in host.domains


def test_a_running_guest_is_saved_with_a_document_that_fits_it(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "saved")
    domain = host.domains.define(plain("g"))
    domain.start()
    xml = domain.xml()
    with pytest.raises(UnsupportedConfig, match="vcpus"):
        domain.save(path, xml=changed(xml, ">1</vcpu>", ">2</vcpu>"))
    assert state(domain).startswith("RUNNING")
    domain.save(path, xml=changed(xml, "<uuid>", "<title>saved</title><uuid>"))
    host.domains.restore(path)
    assert "<title>saved</title>" in domain.xml()
    assert "<title>saved</title>" not in domain.xml(inactive=True)


def test_a_managed_save_is_restored_for_as_long_as_its_starter_is_there(shared: Virtactord, host: Host) -> None:
    with shared.connect() as other:
        domain = other.domains.define(plain("g"))
        domain.start()
        domain.managed_save()
        domain.start(autodestroy=True)
        assert state(domain) == "RUNNING RESTORED"
    wait_until(lambda: state(host.domains["g"]) == "SHUTOFF DESTROYED")


def test_a_saved_guest_cannot_be_restored_twice(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "saved")
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.save(path)
    host.domains.restore(path)
    with pytest.raises(VirtError, match="already active"):
        host.domains.restore(path)
    assert state(domain).startswith("PAUSED")
