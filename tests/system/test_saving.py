"""Guests saved to files and started from them: QEMU's own streams, behind a document of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.client import Host, OperationFailed, OperationInvalid, SystemFailure, UnsupportedConfig

from .guests import AGENT, PTY, plain
from .virtactord import Story, Virtactord, state


def byte_at(domain, address: int) -> bytes:
    return domain.memory.peek(address, 1, physical=True)


def test_a_guest_is_saved_and_goes_on_from_the_file(host: Host, story: Story, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    domain = host.domains.define(plain("g", PTY + AGENT))
    domain.start()
    domain.save(str(path))
    assert state(domain) == "SHUTOFF SAVED"
    assert list(tmp_path.iterdir()) == [path]
    host.domains.restore(str(path))
    assert state(domain) == "RUNNING RESTORED"
    domain.destroy()
    host.domains.restore(str(path), paused=True)
    assert state(domain).startswith("PAUSED")
    assert domain.monitor_command({"execute": "query-status"})["return"]["status"] == "paused"
    told = story.told("g")
    assert [each for each in told if each.startswith("STO")] == ["STOPPED SAVED", "STOPPED DESTROYED"]
    assert "STARTED RESTORED" in told


def test_the_next_start_takes_up_what_was_saved(host: Host, shared: Virtactord) -> None:
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.managed_save()
    assert domain.has_managed_save()
    assert "<name>g</name>" in domain.managed_save_xml()
    with pytest.raises(OperationInvalid, match="managed save"):
        domain.undefine()
    domain.start()
    assert state(domain).startswith("PAUSED"), "it was paused when it was saved"
    assert not domain.has_managed_save()
    assert list((shared.paths.state / "qemu" / "save").iterdir()) == []


def test_a_saved_guest_gets_another_document(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "saved")
    domain = host.domains.create(plain("g"), paused=True)
    domain.save(path)
    xml = host.domains.save_image_xml(path)
    host.domains.define_save_image(path, xml.replace("</name>", "</name><title>changed</title>"), running=True)
    assert "<title>changed</title>" in host.domains.save_image_xml(path)
    with pytest.raises(UnsupportedConfig, match="name: 'other' does not match 'g'"):
        host.domains.define_save_image(path, xml.replace("<name>g<", "<name>other<"))
    host.domains.restore(path)
    again = host.domains["g"]
    assert state(again) == "RUNNING RESTORED"
    assert "<title>changed</title>" in again.xml()
    again.destroy()
    assert "g" not in host.domains


def test_a_guest_runs_on_that_cannot_be_saved(host: Host, tmp_path: Path) -> None:
    domain = host.domains.create(plain("g"))
    with pytest.raises(SystemFailure):
        domain.save(str(tmp_path / "missing" / "saved"))
    assert state(domain).startswith("RUNNING")
    with pytest.raises(SystemFailure, match="No space left"):
        domain.save("/dev/full")
    assert state(domain).startswith("RUNNING")
    assert domain.monitor_command({"execute": "query-status"})["return"]["running"]


def test_what_is_no_saved_guest_is_not_restored(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no guest")
    with pytest.raises(OperationFailed, match="not a saved guest"):
        host.domains.restore(str(path))
    domain = host.domains.create(plain("g"), paused=True)
    whole = tmp_path / "whole"
    domain.save(str(whole))
    half = tmp_path / "half"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(OperationFailed):
        host.domains.restore(str(half))
    assert "g" not in host.domains


def test_memory_is_written_for_debuggers(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "core"
    domain = host.domains.define(plain("g"))
    domain.start(paused=True)
    domain.core_dump(str(path), memory_only=True)
    assert path.read_bytes()[:4] == b"\x7fELF"
    assert state(domain).startswith("PAUSED")
    domain.core_dump(str(path), crash=True)
    assert state(domain) == "SHUTOFF CRASHED"
    assert list(tmp_path.iterdir()) == [path]
