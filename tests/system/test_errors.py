"""What cannot be done is refused with its reason, and nothing half-done remains."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from virtactor.client import (
    AlreadyExists,
    Host,
    InvalidArgument,
    NoDomain,
    OperationInvalid,
    ProcessFailure,
    SystemFailure,
    UnsupportedConfig,
    VirtError,
    XMLError,
)

from .guests import AGENT, PTY, plain
from .virtactord import Story, Virtactord, state

OTHER = str(uuid.UUID(int=0x1234 << 64))


def disk(path: Path) -> str:
    return f"<disk type='file'><source file='{path}'/><target dev='vda' bus='virtio'/></disk>"


def test_a_missing_disk_fails_the_start_with_what_qemu_says(
    shared: Virtactord, host: Host, story: Story, tmp_path: Path
) -> None:
    domain = host.domains.define(plain("g", disk(tmp_path / "no such disk") + PTY + AGENT))
    for _ in range(2):
        with pytest.raises(ProcessFailure, match=r"exited with status 1: .*No such file or directory") as caught:
            domain.start()
        assert "no such disk" in (caught.value.stderr or "")
        assert caught.value.object == "g"
        assert state(domain) == "SHUTOFF FAILED"
        assert domain.refresh().id is None
        assert shared.qemu_of(domain.uuid) is None
        assert shared.files_of(domain.uuid) == []
    (tmp_path / "no such disk").write_bytes(bytes(1 << 20))
    domain.start(paused=True)
    assert state(domain) == "PAUSED USER"
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED", "SUSPENDED PAUSED"]


def test_a_transient_guest_that_does_not_start_leaves_no_domain(shared: Virtactord, host: Host, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"this is no kernel")
    xml = plain("g").replace("</os>", f"<kernel>{kernel}</kernel></os>")
    with pytest.raises(ProcessFailure, match="invalid kernel header") as caught:
        host.domains.create(xml)
    assert caught.value.stderr == "qemu: invalid kernel header"
    assert "g" not in host.domains
    assert shared.qemus() == []
    assert [path.name for path in shared.run.iterdir()] == ["autostarted"]


def test_an_emulator_that_is_not_there_is_refused(host: Host, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedConfig, match="emulator '/no/such/qemu' is not an executable file"):
        host.domains.define(plain("g", "<emulator>/no/such/qemu</emulator>"))
    nonsense = tmp_path / "qemu"
    nonsense.write_text("this is no program")
    nonsense.chmod(0o755)
    with pytest.raises((SystemFailure, ProcessFailure), match=str(nonsense)):
        host.domains.define(plain("g", f"<emulator>{nonsense}</emulator>"))
    assert "g" not in host.domains


def test_an_emulator_that_went_away_fails_the_start(shared: Virtactord, host: Host, tmp_path: Path) -> None:
    copy = tmp_path / "qemu"
    copy.symlink_to("/usr/bin/qemu-system-x86_64")
    domain = host.domains.define(plain("g", f"<emulator>{copy}</emulator>{AGENT}"))
    copy.unlink()
    with pytest.raises(UnsupportedConfig, match=str(copy)):
        domain.start()
    assert shared.files_of(domain.uuid) == []
    assert state(domain) == "SHUTOFF FAILED"


def test_a_configured_emulator_is_the_one_that_is_used(root: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    daemon = Virtactord(root)
    daemon.configure(emulator=str(chosen))
    try:
        daemon.start()
        with daemon.connect() as host:
            for ask in (host.capabilities, host.version, lambda: host.domains.define(plain("g"))):
                with pytest.raises(UnsupportedConfig, match=f"the configured emulator '{chosen}'"):
                    ask()
            chosen.symlink_to("/usr/bin/qemu-system-x86_64")
            assert f"<emulator>{chosen}</emulator>" in host.domains.define(plain("g")).xml()
            assert f"<emulator>{chosen}</emulator>" in host.capabilities()
    finally:
        daemon.stop()


def test_kvm_is_refused_where_it_runs_no_guests(host: Host) -> None:
    if "<domain type='kvm'" in host.capabilities():
        domain = host.domains.create(plain("g", type="kvm"), paused=True)
        assert state(domain) == "PAUSED USER"
    else:
        with pytest.raises(UnsupportedConfig, match="KVM does not run guests on this host") as caught:
            host.domains.define(plain("g", type="kvm"))
        assert caught.value.hint is not None


def test_names_and_uuids_belong_to_one_domain(host: Host) -> None:
    domain = host.domains.define(plain("g"))
    with pytest.raises(AlreadyExists, match=f"domain 'g' already exists with uuid {domain.uuid}"):
        host.domains.define(plain("g").replace("</name>", f"</name><uuid>{OTHER}</uuid>"))
    with pytest.raises(AlreadyExists, match=f"domain 'g' already exists with uuid {domain.uuid}"):
        host.domains.create(plain("g").replace("</name>", f"</name><uuid>{OTHER}</uuid>"))
    with pytest.raises(AlreadyExists, match="domain 'g' is already defined"):
        host.domains.define(plain("h").replace("</name>", f"</name><uuid>{domain.uuid}</uuid>"))
    assert [domain.name for domain in host.domains] == ["g"]
    host.domains.define(plain("g").replace("</name>", f"</name><uuid>{domain.uuid}</uuid><title>two</title>"))
    assert "<title>two</title>" in domain.xml()


@pytest.mark.parametrize(
    ("xml", "line", "says"),
    [
        ("", 1, ""),
        ("<domain type='qemu'>\n<name>g</name>\n<memory>1</domain>", 3, "memory"),
        ("<domain type='qemu'>\n<name>g</name>\n<memory>much</memory><os><type>hvm</type></os></domain>", 3, "memory"),
        ("<domain type='qemu'><memory>1024</memory><os><type>hvm</type></os></domain>", 1, "name"),
        ("<network/>", 1, "expected <domain>"),
        ("<!DOCTYPE domain [<!ENTITY x 'y'>]>\n<domain/>", 1, "document type"),
    ],
    ids=["nothing", "unclosed", "no number", "no name", "no domain", "entities"],
)
def test_malformed_xml_is_refused_by_line(host: Host, xml: str, line: int, says: str) -> None:
    for take in (host.domains.define, host.domains.create):
        with pytest.raises(XMLError) as caught:
            take(xml)
        assert says in caught.value.message
        assert caught.value.line == line
    assert len(host.domains) == 0


def test_all_that_is_not_supported_is_named(host: Host) -> None:
    device = (
        "<hostdev mode='subsystem' type='pci'><source>"
        "<address domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></source></hostdev>"
    )
    more = (
        "<launchSecurity type='sev'><policy>3</policy></launchSecurity>"
        "<keywrap><cipher name='aes' state='on'/></keywrap>"
    )
    xml = plain("g", device, more=more)
    with pytest.raises(UnsupportedConfig) as caught:
        host.domains.define(xml)
    for name in ("hostdev", "launchSecurity", "keywrap"):
        assert name in caught.value.message
    with pytest.raises(UnsupportedConfig, match="domain type 'xen'"):
        host.domains.define(plain("g", type="xen"))
    assert len(host.domains) == 0


@pytest.mark.parametrize("name", ["a/b", "../g", "", ".", "..", "new\nline"])
def test_names_that_would_be_other_files_are_refused(shared: Virtactord, host: Host, name: str) -> None:
    with pytest.raises(VirtError):
        host.domains.define(plain(name))
    assert list(host.domains) == []
    assert list(shared.root.rglob("g.xml")) == []


@pytest.mark.parametrize(
    "name", ["with blank", "q\"uote's", "a,b=c", "-S", "ünï", "$(touch x)", "%s%n", ".hidden", "a.xml"]
)
def test_any_other_name_is_kept_started_and_found_again(daemon: Virtactord, name: str) -> None:
    escaped = name.replace("'", "&apos;").replace('"', "&quot;")
    with daemon.connect() as host:
        domain = host.domains.define(plain(escaped, PTY))
        domain.start(paused=True)
        domain.set_autostart(True)
        daemon.kill()
        daemon.start()
        assert host.domains[name] == domain
        assert state(domain) == "PAUSED USER"
        assert domain.autostart()
        domain.destroy()
        domain.undefine()
        assert not list((daemon.paths.config / "qemu").rglob("*.xml"))


def test_a_name_that_no_file_can_have_is_refused_and_forgotten(host: Host) -> None:
    with pytest.raises(SystemFailure, match="File name too long"):
        host.domains.define(plain("x" * 300))
    assert len(host.domains) == 0
    with pytest.raises(NoDomain):
        host.domains["x" * 300]


def test_what_cannot_be_kept_is_not_done(shared: Virtactord, host: Host, story: Story) -> None:
    """Directories stand where files are to be."""
    definition = shared.paths.config / "qemu" / "kept.xml"
    definition.mkdir()
    with pytest.raises(SystemFailure, match=str(definition)):
        host.domains.define(plain("kept"))
    assert len(host.domains) == 0
    definition.rmdir()

    domain = host.domains.define(plain("g", PTY))
    for blocked in (shared.run / f"{domain.uuid}.status", shared.paths.log / "qemu" / "g.log"):
        blocked.unlink(missing_ok=True)
        blocked.mkdir()
        with pytest.raises(SystemFailure, match=str(blocked)):
            domain.start()
        assert state(domain) == "SHUTOFF FAILED"
        assert shared.qemus() == []
        blocked.rmdir()
    assert shared.files_of(domain.uuid) == []
    domain.start(paused=True)
    assert story.told("g") == ["DEFINED ADDED", "STARTED BOOTED", "SUSPENDED PAUSED"]


def test_unknown_flags_are_refused_and_start_nothing(shared: Virtactord, host: Host) -> None:
    domain = host.domains.define(plain("g"))
    for call in (
        lambda: domain.start(flags=1 << 20),
        lambda: host.domains.create(plain("h"), flags=1 << 20),
        lambda: domain.destroy(flags=1 << 20),
    ):
        with pytest.raises((InvalidArgument, OperationInvalid)):
            call()
    assert state(domain).startswith("SHUTOFF")
    assert shared.qemus() == []
