"""Changes of what is kept for a domain's next start, by every driver: its definition, its name, its devices."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from virtactor.wire.enums.domain import DomainMetadataType
from virtactor.wire.errors import (
    InvalidArgument,
    NoDomain,
    NoDomainMetadata,
    NotSupported,
    OperationFailed,
    OperationInvalid,
    UnsupportedConfig,
    XMLError,
)
from virtactor.wire.table import DomainRef

from ..raw_client import RawClient
from .conftest import Driver

LIVE, CONFIG, BOTH = 1, 2, 3
DISK = "<disk type='file'><source file='/tmp/{name}.img'/><target dev='{name}' bus='virtio'/></disk>"


@pytest.fixture
def guest(driver: Driver, client: RawClient) -> DomainRef:
    return client.call("domain_define_xml_flags", driver.xml("guest"), 0)


@pytest.fixture
def xml(client: RawClient, guest: DomainRef) -> Callable[[], str]:
    return lambda: client.call("domain_get_xml_desc", guest, 0)


@pytest.fixture
def with_devices(driver: Driver) -> None:
    if driver.kind.type == "test":
        pytest.skip("libvirt's test driver attaches no devices")


def test_memory_and_processors_for_the_next_start(client: RawClient, guest: DomainRef) -> None:
    client.call("domain_set_memory_flags", guest, 16384, CONFIG | 4)
    client.call("domain_set_memory_flags", guest, 4096, CONFIG)
    client.call("domain_set_vcpus_flags", guest, 4, CONFIG | 4)
    client.call("domain_set_vcpus_flags", guest, 2, CONFIG)
    assert client.call("domain_get_info", guest)[1:4] == (16384, 4096, 2)
    assert client.call("domain_get_max_memory", guest) == 16384
    assert client.call("domain_get_vcpus_flags", guest, CONFIG | 4) == 4
    for call, arguments, complaint in (
        ("domain_set_memory_flags", (99999, CONFIG), "higher than max memory"),
        ("domain_set_vcpus_flags", (9, CONFIG), r"exceeds maximum \(9 > 4\)"),
        ("domain_set_vcpus_flags", (0, CONFIG), "must not be zero"),
        ("domain_get_vcpus_flags", (BOTH,), "mutually exclusive"),
    ):
        with pytest.raises(InvalidArgument, match=complaint):
            client.call(call, guest, *arguments)
    with pytest.raises(OperationInvalid, match="domain is not running"):
        client.call("domain_set_memory_flags", guest, 4096, LIVE)


def test_notes_are_kept_and_found(client: RawClient, guest: DomainRef, xml: Callable[[], str]) -> None:
    title, description, element = DomainMetadataType.TITLE, DomainMetadataType.DESCRIPTION, DomainMetadataType.ELEMENT
    client.call("domain_set_metadata", guest, title, "a title", None, None, CONFIG)
    client.call("domain_set_metadata", guest, description, "words", None, None, 0)
    client.call("domain_set_metadata", guest, element, "<a>t</a>", "app", "urn:app", 0)
    assert client.call("domain_get_metadata", guest, title, None, 0) == "a title"
    assert client.call("domain_get_metadata", guest, description, None, CONFIG) == "words"
    assert client.call("domain_get_metadata", guest, element, "urn:app", 0) == "<a>t</a>"
    assert '<app:a xmlns:app="urn:app">t</app:a>' in xml()
    client.call("domain_set_metadata", guest, element, None, None, "urn:app", 0)
    with pytest.raises(NoDomainMetadata):
        client.call("domain_get_metadata", guest, element, "urn:app", 0)


def test_what_becomes_of_the_guest_at_its_ends(client: RawClient, guest: DomainRef, xml: Callable[[], str]) -> None:
    client.call("domain_set_lifecycle_action", guest, 0, 1, CONFIG)
    assert "<on_poweroff>restart</on_poweroff>" in xml()
    with pytest.raises(UnsupportedConfig, match="doesn't support 'coredump-destroy'"):
        client.call("domain_set_lifecycle_action", guest, 0, 4, CONFIG)
    with pytest.raises(InvalidArgument, match="invalid lifecycle action '9'"):
        client.call("domain_set_lifecycle_action", guest, 0, 9, CONFIG)


def test_a_domain_gets_another_name_and_keeps_the_rest(client: RawClient, guest: DomainRef) -> None:
    client.call("domain_set_autostart", guest, 1)
    client.call("domain_define_xml_flags", client.call("domain_get_xml_desc", guest, 0), 0)
    client.subscribe()
    try:
        assert client.call("domain_rename", guest, "other", 0) == 0
        assert [(event.name, event.event, event.detail) for event in client.events_of()] == [
            ("guest", 1, 1),
            ("other", 0, 2),
        ]
        renamed = client.lookup("other")
        assert renamed.uuid == guest.uuid
        assert "<name>other</name>" in client.call("domain_get_xml_desc", renamed, 0)
        assert client.call("domain_get_autostart", renamed) == 1
        with pytest.raises(NoDomain):
            client.lookup("guest")
    finally:
        client.call("domain_undefine_flags", guest, 0)


def test_names_that_cannot_be_are_refused(driver: Driver, client: RawClient, guest: DomainRef) -> None:
    client.call("domain_define_xml_flags", driver.xml("taken"), 0)
    for name, kind, complaint in (
        ("", InvalidArgument, "must not be empty"),
        ("guest", OperationInvalid, "to itself"),
        ("taken", OperationInvalid, "'taken' already exists"),
        ("a/b", XMLError, "cannot contain '/'"),
    ):
        with pytest.raises(kind, match=complaint):
            client.call("domain_rename", guest, name, 0)
    client.call("domain_create_with_flags", guest, 1)
    with pytest.raises(OperationInvalid, match="cannot rename active domain"):
        client.call("domain_rename", guest, "free", 0)
    assert {"guest", "taken"} <= client.names()


def test_old_calls_do_what_the_new_ones_do(client: RawClient, guest: DomainRef) -> None:
    assert client.call("connect_num_of_defined_domains") == 1
    assert client.call("connect_list_defined_domains", 10) == ["guest"]
    active = client.call("connect_num_of_domains")
    client.call("domain_create", guest)
    assert client.call("connect_num_of_domains") == active + 1
    assert client.lookup("guest").id in client.call("connect_list_domains", 10)
    client.call("domain_destroy", guest)
    client.call("domain_undefine", guest)
    assert "guest" not in client.names()


def test_figures_of_all_domains_or_of_some(client: RawClient, guest: DomainRef) -> None:
    for doms in ([], [guest]):
        (records,) = (client.call("connect_get_all_domain_stats", doms, 1, 0),)
        figures = {record.dom.name: {each.field: each.value for each in record.params} for record in records}
        assert figures["guest"] == {"state.state": 5, "state.reason": 0}
        assert doms == [] or figures.keys() == {"guest"}
    with pytest.raises(NoDomain):
        client.call("connect_get_all_domain_stats", [DomainRef("no", uuid.uuid4().bytes, -1)], 1, 0)
    with pytest.raises(InvalidArgument, match="bits 0x10000 are not supported by this daemon"):
        client.call("connect_get_all_domain_stats", [], 1 << 16, 1 << 31)


@pytest.mark.usefixtures("with_devices")
def test_devices_come_change_and_go(client: RawClient, guest: DomainRef, xml: Callable[[], str]) -> None:
    disk = DISK.format(name="vdb")
    client.call("domain_attach_device_flags", guest, disk, CONFIG)
    assert "<source file='/tmp/vdb.img'/>" in xml()
    with pytest.raises(OperationInvalid, match="disk vdb already exists"):
        client.call("domain_attach_device_flags", guest, disk, CONFIG)
    client.call("domain_update_device_flags", guest, disk.replace("vdb.img", "new.img"), CONFIG)
    assert "/tmp/new.img" in xml()
    assert "/tmp/vdb.img" not in xml()
    with pytest.raises(OperationFailed, match="no matching disk"):
        client.call("domain_detach_device_flags", guest, DISK.format(name="vdc"), CONFIG)
    client.call("domain_detach_device_flags", guest, disk, CONFIG)
    assert "vdb" not in xml()


@pytest.mark.usefixtures("with_devices")
def test_a_device_is_found_by_its_alias(client: RawClient, guest: DomainRef, xml: Callable[[], str]) -> None:
    client.call("domain_attach_device_flags", guest, DISK.format(name="vdb").replace("<t", "<alias name='ua-d'/><t"), 2)
    assert "<alias name='ua-d'/>" in xml()
    client.call("domain_detach_device_alias", guest, "ua-d", CONFIG)
    assert "ua-d" not in xml()
    with pytest.raises(OperationFailed, match="no device found with alias ua-d"):
        client.call("domain_detach_device_alias", guest, "ua-d", CONFIG)


@pytest.mark.usefixtures("with_devices")
def test_what_is_no_device_is_refused(client: RawClient, guest: DomainRef, xml: Callable[[], str]) -> None:
    before = xml()
    for device, kind in (("<disk", XMLError), ("<teapot/>", XMLError), ("<disk/>", XMLError)):
        with pytest.raises(kind):
            client.call("domain_attach_device_flags", guest, device, CONFIG)
    with pytest.raises(OperationInvalid, match="domain is not running"):
        client.call("domain_attach_device", guest, DISK.format(name="vdb"))
    assert xml() == before


def test_a_saved_guest_is_not_lost_by_mistake(driver: Driver, client: RawClient, guest: DomainRef) -> None:
    client.call("domain_create_with_flags", guest, 0)
    try:
        client.call("domain_managed_save", guest, 0)
    except NotSupported:
        pytest.skip("the driver does not save yet")
    assert client.call("domain_has_managed_save_image", guest, 0) == 1
    assert "guest" in client.names(1 << 6)
    with pytest.raises(OperationInvalid, match="managed save image exists"):
        client.call("domain_undefine_flags", guest, 0)
    client.call("domain_managed_save_remove", guest, 0)
    assert client.call("domain_has_managed_save_image", guest, 0) == 0
