"""Test domains saved to files, and pictures of them: libvirt's test driver reads our files, and we its."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from virtactor.wire.errors import NotSupported, OperationFailed, OperationInvalid, SystemFailure, UnsupportedConfig

from ....libvirt_python import import_libvirt
from ....raw_client import RawClient
from ...served import Served


@pytest.fixture
def client(served: Served) -> Iterator[RawClient]:
    with served.opened() as client:
        client.subscribe()
        yield client


@pytest.fixture
def libvirts() -> Iterator[Any]:
    with closing(import_libvirt().open("test:///default")) as connection:
        yield connection


def story(client: RawClient) -> list[tuple[int, int]]:
    return [(event.event, event.detail) for event in client.events_of()]


def test_a_saved_guest_is_off_until_it_is_restored(client: RawClient, tmp_path: Path) -> None:
    ref, file = client.lookup("test"), str(tmp_path / "saved")
    client.call("domain_save", ref, file)
    assert client.state("test") == (5, 5)
    with pytest.raises(OperationInvalid, match="domain is not running"):
        client.call("domain_save", ref, file)
    client.call("domain_restore", file)
    assert client.state("test") == (1, 3)
    assert story(client) == [(5, 4), (2, 2)]
    with pytest.raises(OperationInvalid, match="domain 'test' is already active"):
        client.call("domain_restore", file)


def test_a_transient_guest_is_in_its_file_only(client: RawClient, tmp_path: Path) -> None:
    ref, file = client.create("brief"), str(tmp_path / "saved")
    client.call("domain_save", ref, file)
    assert "brief" not in client.names()
    client.call("domain_restore", file)
    assert client.call("domain_is_persistent", client.lookup("brief")) == 0


def test_the_saved_document_is_shown_and_replaced(client: RawClient, tmp_path: Path) -> None:
    ref, file = client.lookup("test"), str(tmp_path / "saved")
    client.call("domain_save", ref, file)
    xml = client.call("domain_save_image_get_xml_desc", file, 0)
    assert "<name>test</name>" in xml
    assert " id=" not in xml.splitlines()[0]
    client.call("domain_save_image_define_xml", file, xml.replace("2097152", "1097152"), 0)
    client.call("domain_restore", file)
    assert client.call("domain_get_info", ref)[2] == 1097152


def test_libvirt_reads_our_files_and_we_its(client: RawClient, libvirts: Any, tmp_path: Path) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    client.call("domain_save", client.lookup("test"), ours)
    libvirts.lookupByName("test").save(theirs)
    libvirts.restore(ours)
    client.call("domain_restore", theirs)
    assert libvirts.lookupByName("test").state() == [1, 3] == list(client.state("test"))


def test_what_cannot_be_saved_or_restored_says_why(client: RawClient, tmp_path: Path) -> None:
    ref, nonsense = client.lookup("test"), tmp_path / "nonsense"
    nonsense.write_text("no saved guest at all")
    for call, arguments, kind, complaint in (
        ("domain_save", (ref, "/no/where"), SystemFailure, "saving domain 'test' to '/no/where': open failed: No such"),
        ("domain_save_flags", (ref, "/no/where", "<domain/>", 0), UnsupportedConfig, "xml modification unsupported"),
        ("domain_restore", ("/no/where",), SystemFailure, "cannot read domain image '/no/where': No such file"),
        ("domain_restore", (str(nonsense),), OperationFailed, "mismatched header magic"),
        ("domain_save_image_get_xml_desc", (str(nonsense), 0), OperationFailed, "mismatched header magic"),
        ("domain_core_dump", (ref, "/no/where", 0), SystemFailure, "failed to open /no/where: No such file"),
        ("domain_core_dump_with_format", (ref, str(nonsense), 2, 0), NotSupported, "kdump-compressed format"),
    ):
        with pytest.raises(kind, match=complaint):
            client.call(call, *arguments)
    assert client.state("test")[0] == 1
    assert story(client) == []


def test_a_dump_may_end_the_guest(client: RawClient, tmp_path: Path) -> None:
    ref, file = client.lookup("test"), tmp_path / "dump"
    client.call("domain_core_dump", ref, str(file), 0)
    assert file.read_bytes() == b"TestGuestMagic\0"
    client.call("domain_core_dump", ref, str(file), 1)
    assert client.state("test") == (5, 3)
    assert story(client) == [(5, 2)]


def test_a_managed_save_is_gone_with_the_next_start(client: RawClient) -> None:
    ref = client.lookup("test")
    client.call("domain_managed_save", ref, 0)
    assert client.state("test") == (5, 5)
    assert client.call("domain_has_managed_save_image", ref, 0) == 1
    client.call("domain_create", ref)
    assert client.call("domain_has_managed_save_image", ref, 0) == 0
    assert client.state("test") == (1, 1)
    with pytest.raises(OperationInvalid, match="cannot do managed save for transient domain"):
        client.call("domain_managed_save", client.create("brief"), 0)
