"""Storage pools and volumes of the test driver: what libvirt's test driver does, ours does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from virtactor.wire.documents.storage import parse_pool, parse_sources, parse_volume
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.enums.storage import ConnectListAllStoragePoolsFlags as Flags
from virtactor.wire.enums.storage import StoragePoolEventLifecycleType as Lifecycle
from virtactor.wire.enums.storage import StoragePoolState
from virtactor.wire.errors import VirtError
from virtactor.wire.pack import codec
from virtactor.wire.table import ROWS
from virtactor.wire.table.structs import StoragePoolRef, StorageVolRef

from ....raw_client import RawClient
from ...served import Served

DEFAULT_UUID = UUID("dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566").bytes
CAPACITY = 100 << 30


def pool_xml(name: str = "a", path: str = "/x", uuid: str = "") -> str:
    identity = f"<uuid>{uuid}</uuid>" if uuid else ""
    return f"<pool type='dir'><name>{name}</name>{identity}<target><path>{path}</path></target></pool>"


def volume_xml(name: str = "v", capacity: int = 1000, more: str = "") -> str:
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity>{more}</volume>"


class Storage:
    """The storage calls of one client, by short names."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.call = client.call

    def pool(self, name: str = "default-pool") -> StoragePoolRef:
        return self.call("storage_pool_lookup_by_name", name)

    def define(self, *args: str) -> StoragePoolRef:
        return self.call("storage_pool_define_xml", pool_xml(*args), 0)

    def create(self, *args: str) -> StoragePoolRef:
        return self.call("storage_pool_create_xml", pool_xml(*args), 0)

    def volume(self, pool: StoragePoolRef, name: str = "v", **more: Any) -> StorageVolRef:
        return self.call("storage_vol_create_xml", pool, volume_xml(name, **more), 0)

    def names(self, flags: int = 0) -> set[str]:
        found, count = self.call("connect_list_all_storage_pools", 1, flags)
        assert len(found) == count
        return {ref.name for ref in found}

    def xml(self, pool: StoragePoolRef) -> Any:
        return parse_pool(self.call("storage_pool_get_xml_desc", pool, 0))


@pytest.fixture
def storage(served: Served) -> Iterator[Storage]:
    with served.opened() as client:
        yield Storage(client)


def refusal(call: Callable[[], object]) -> tuple[int, int, str]:
    with pytest.raises(VirtError) as caught:
        call()
    return caught.value.code, caught.value.domain, caught.value.message


class TestTheDefaultPool:
    def test_it_is_libvirts(self, storage: Storage) -> None:
        pool = storage.pool()
        assert pool == StoragePoolRef("default-pool", DEFAULT_UUID)
        assert storage.call("storage_pool_lookup_by_uuid", DEFAULT_UUID) == pool
        assert storage.call("storage_pool_get_info", pool) == (StoragePoolState.RUNNING, CAPACITY, 0, CAPACITY)
        assert storage.call("storage_pool_is_active", pool) == 1
        assert storage.call("storage_pool_is_persistent", pool) == 1
        assert storage.call("storage_pool_get_autostart", pool) == 0
        described = storage.xml(pool)
        assert (described.type, described.target.path, described.available) == ("dir", "/default-pool", CAPACITY)

    def test_it_is_listed_by_every_call_that_lists(self, storage: Storage) -> None:
        assert storage.call("connect_num_of_storage_pools") == 1
        assert storage.call("connect_num_of_defined_storage_pools") == 0
        assert storage.call("connect_list_storage_pools", 10) == ["default-pool"]
        assert storage.call("connect_list_storage_pools", 0) == []
        assert storage.call("connect_list_defined_storage_pools", 10) == []
        assert storage.call("connect_list_all_storage_pools", 0, 0) == ([], 1)

    def test_wrong_times_are_refused_in_libvirts_words(self, storage: Storage) -> None:
        pool = storage.pool()
        active = (ErrorNumber.OPERATION_INVALID, ErrorDomain.TEST)
        for row, args in (
            ("storage_pool_create", (0,)),
            ("storage_pool_build", (0,)),
            ("storage_pool_delete", (0,)),
            ("storage_pool_undefine", ()),
        ):
            code, domain, message = refusal(lambda row=row, args=args: storage.call(row, pool, *args))
            assert (code, domain) == active
            assert message == "Requested operation is not valid: storage pool 'default-pool' is active"
        storage.call("storage_pool_destroy", pool)
        for row, args in (
            ("storage_pool_destroy", ()),
            ("storage_pool_refresh", (0,)),
            ("storage_pool_num_of_volumes", ()),
            ("storage_vol_create_xml", (volume_xml(), 0)),
            ("storage_vol_lookup_by_name", ("v",)),
        ):
            code, domain, message = refusal(lambda row=row, args=args: storage.call(row, pool, *args))
            assert (code, domain) == active
            assert message == "Requested operation is not valid: storage pool 'default-pool' is not active"


class TestPools:
    def test_a_defined_pool_is_inactive_and_persistent(self, storage: Storage) -> None:
        pool = storage.define("a", "/x/")
        assert storage.call("storage_pool_get_info", pool) == (StoragePoolState.INACTIVE, CAPACITY, 0, CAPACITY)
        assert storage.xml(pool).target.path == "/x"
        assert storage.call("connect_list_defined_storage_pools", 10) == ["a"]
        storage.call("storage_pool_create", pool, 0)
        assert storage.call("storage_pool_is_active", pool) == 1

    def test_a_created_pool_is_transient_and_gone_when_it_stops(self, storage: Storage) -> None:
        pool = storage.create()
        assert storage.call("storage_pool_is_persistent", pool) == 0
        code, _, message = refusal(lambda: storage.call("storage_pool_set_autostart", pool, 1))
        assert (code, message) == (ErrorNumber.INVALID_ARG, "invalid argument: pool has no config file")
        storage.call("storage_pool_destroy", pool)
        assert storage.names() == {"default-pool"}
        code, domain, message = refusal(lambda: storage.call("storage_pool_get_info", pool))
        assert (code, domain) == (ErrorNumber.NO_STORAGE_POOL, ErrorDomain.TEST)
        assert message == "Storage pool not found: no storage pool with matching name 'a'"

    def test_an_undefined_pool_is_gone(self, storage: Storage) -> None:
        pool = storage.define()
        storage.call("storage_pool_undefine", pool)
        assert storage.names() == {"default-pool"}
        assert storage.define() != pool

    def test_a_transient_pool_that_is_defined_stays(self, storage: Storage) -> None:
        pool = storage.create()
        storage.define("a", "/x", str(UUID(bytes=pool.uuid)))
        assert storage.call("storage_pool_is_persistent", pool) == 1
        storage.call("storage_pool_destroy", pool)
        assert storage.names(Flags.INACTIVE) == {"a"}

    def test_a_defined_pool_that_is_created_from_xml_is_defined_no_more(self, storage: Storage) -> None:
        pool = storage.define()
        assert storage.create("a", "/x", str(UUID(bytes=pool.uuid))) == pool
        assert storage.call("storage_pool_is_persistent", pool) == 0
        assert storage.names(Flags.TRANSIENT) == {"a"}

    def test_autostart_is_kept(self, storage: Storage) -> None:
        pool = storage.define()
        storage.call("storage_pool_set_autostart", pool, 1)
        assert storage.call("storage_pool_get_autostart", pool) == 1
        assert storage.names(Flags.AUTOSTART) == {"a"}

    def test_filters_choose(self, storage: Storage) -> None:
        storage.define("d", "/d")
        storage.create("t", "/t")
        group = "<pool type='logical'><name>g</name><source><device path='/dev/vdz'/></source></pool>"
        storage.call("storage_pool_create_xml", group, 0)
        assert storage.names(Flags.ACTIVE) == {"default-pool", "t", "g"}
        assert storage.names(Flags.INACTIVE) == {"d"}
        assert storage.names(Flags.PERSISTENT | Flags.ACTIVE) == {"default-pool"}
        assert storage.names(Flags.TRANSIENT) == {"t", "g"}
        assert storage.names(Flags.DIR) == {"default-pool", "d", "t"}
        assert storage.names(Flags.LOGICAL) == {"g"}
        assert storage.names(Flags.LOGICAL | Flags.DIR | Flags.INACTIVE) == {"d"}
        assert refusal(lambda: storage.names(1 << 21))[0] == ErrorNumber.INVALID_ARG

    @pytest.mark.parametrize(
        ("name", "path", "uuid", "message"),
        [
            ("a", "/other", "", "pool 'a' already exists with uuid "),
            ("b", "/x", "", "Storage source conflict with pool: 'a'"),
            ("b", "/default-pool/", "", "Storage source conflict with pool: 'default-pool'"),
            ("b", "/other", "same", "pool 'a' is already defined with uuid "),
        ],
    )
    def test_names_uuids_and_places_are_not_shared(
        self, name: str, path: str, uuid: str, message: str, storage: Storage
    ) -> None:
        pool = storage.define()
        xml = pool_xml(name, path, str(UUID(bytes=pool.uuid)) if uuid else "")
        code, _, said = refusal(lambda: storage.call("storage_pool_define_xml", xml, 0))
        assert code == ErrorNumber.OPERATION_FAILED
        assert message in said

    def test_what_is_active_is_not_created_again(self, storage: Storage) -> None:
        pool = storage.create()
        again = pool_xml("a", "/x", str(UUID(bytes=pool.uuid)))
        code, _, message = refusal(lambda: storage.call("storage_pool_create_xml", again, 0))
        assert code == ErrorNumber.OPERATION_INVALID
        assert message.endswith("pool is already active as 'a'")

    @pytest.mark.parametrize(
        ("row", "args"),
        [
            ("storage_pool_create", (1,)),
            ("storage_pool_build", (2,)),
            ("storage_pool_delete", (1,)),
            ("storage_pool_refresh", (1,)),
            ("storage_pool_get_xml_desc", (1,)),
            ("storage_pool_list_all_volumes", (1, 1)),
            ("storage_vol_create_xml", (volume_xml(), 1)),
        ],
    )
    def test_flags_are_refused(self, row: str, args: tuple[Any, ...], storage: Storage) -> None:
        pool = storage.define()
        code, _, message = refusal(lambda: storage.call(row, pool, *args))
        assert code == ErrorNumber.INVALID_ARG
        assert "unsupported flags (0x" in message

    @pytest.mark.parametrize(
        ("row", "args"),
        [
            ("storage_pool_lookup_by_target_path", ("/x",)),
            ("connect_get_storage_pool_capabilities", (0,)),
        ],
    )
    def test_what_libvirts_test_driver_lacks_ours_lacks(
        self, row: str, args: tuple[Any, ...], storage: Storage
    ) -> None:
        code, domain, message = refusal(lambda: storage.call(row, *args))
        assert (code, domain) == (ErrorNumber.NO_SUPPORT, ErrorDomain.STORAGE)
        assert ROWS[row].api in message


class TestVolumes:
    def test_a_volume_is_where_its_pool_is(self, storage: Storage) -> None:
        pool = storage.pool()
        volume = storage.volume(pool, more="<allocation>5</allocation>")
        assert volume == StorageVolRef("default-pool", "v", "/default-pool/v")
        assert storage.call("storage_vol_get_path", volume) == "/default-pool/v"
        assert storage.call("storage_vol_get_info", volume) == (0, 1000, 5)
        assert storage.call("storage_pool_lookup_by_volume", volume) == pool
        assert storage.call("storage_pool_get_info", pool) == (StoragePoolState.RUNNING, CAPACITY, 5, CAPACITY - 5)
        described = parse_volume(storage.call("storage_vol_get_xml_desc", volume, 0))
        assert (described.type, described.key, described.target.format) == ("file", "/default-pool/v", "raw")

    def test_it_is_found_by_name_key_and_path(self, storage: Storage) -> None:
        pool = storage.pool()
        volume = storage.volume(pool)
        assert storage.call("storage_vol_lookup_by_name", pool, "v") == volume
        assert storage.call("storage_vol_lookup_by_key", "/default-pool/v") == volume
        assert storage.call("storage_vol_lookup_by_path", "/default-pool/v") == volume
        assert storage.call("storage_pool_num_of_volumes", pool) == 1
        assert storage.call("storage_pool_list_volumes", pool, 10) == ["v"]
        assert storage.call("storage_pool_list_all_volumes", pool, 1, 0) == ([volume], 1)
        assert storage.call("storage_pool_list_all_volumes", pool, 0, 0) == ([], 1)

    def test_a_deleted_volume_is_gone(self, storage: Storage) -> None:
        pool = storage.pool()
        volume = storage.volume(pool)
        storage.call("storage_vol_delete", volume, 0)
        not_found = (ErrorNumber.NO_STORAGE_VOL, ErrorDomain.TEST, "Storage volume not found: no storage vol with ")
        for row, args, matching in (
            ("storage_vol_get_info", (volume,), "matching name 'v'"),
            ("storage_vol_delete", (volume, 0), "matching name 'v'"),
            ("storage_vol_lookup_by_key", (volume.key,), "matching key '/default-pool/v'"),
            ("storage_vol_lookup_by_path", (volume.key,), "matching path '/default-pool/v'"),
        ):
            found = refusal(lambda row=row, args=args: storage.call(row, *args))
            assert found == (*not_found[:2], not_found[2] + matching)
        assert storage.call("storage_pool_get_info", pool)[2] == 0

    def test_volumes_of_an_inactive_pool_are_not_found_and_come_back_with_it(self, storage: Storage) -> None:
        pool = storage.pool()
        volume = storage.volume(pool)
        storage.call("storage_pool_destroy", pool)
        assert refusal(lambda: storage.call("storage_vol_lookup_by_key", volume.key))[0] == ErrorNumber.NO_STORAGE_VOL
        assert refusal(lambda: storage.call("storage_vol_get_path", volume))[0] == ErrorNumber.OPERATION_INVALID
        code, _, message = refusal(lambda: storage.call("storage_pool_list_all_volumes", pool, 1, 0))
        assert (code, message) == (
            ErrorNumber.OPERATION_INVALID,
            "Requested operation is not valid: storage pool is not active",
        )
        storage.call("storage_pool_create", pool, 0)
        assert storage.call("storage_vol_lookup_by_key", volume.key) == volume

    def test_volumes_of_a_transient_pool_go_with_it(self, storage: Storage) -> None:
        pool = storage.create()
        volume = storage.volume(pool)
        storage.call("storage_pool_destroy", pool)
        assert refusal(lambda: storage.call("storage_vol_get_info", volume))[0] == ErrorNumber.NO_STORAGE_POOL
        assert refusal(lambda: storage.call("storage_vol_lookup_by_path", "/x/v"))[0] == ErrorNumber.NO_STORAGE_VOL

    def test_a_name_is_used_once(self, storage: Storage) -> None:
        pool = storage.pool()
        storage.volume(pool)
        code, domain, message = refusal(lambda: storage.volume(pool))
        assert (code, domain) == (ErrorNumber.OPERATION_FAILED, ErrorDomain.TEST)
        assert message == "operation failed: storage vol already exists"

    def test_what_does_not_fit_is_refused(self, storage: Storage) -> None:
        code, _, message = refusal(lambda: storage.volume(storage.pool(), capacity=CAPACITY + 1))
        assert (code, message) == (
            ErrorNumber.INTERNAL_ERROR,
            "internal error: Not enough free space in pool for volume 'v'",
        )

    def test_a_volume_is_made_from_one_of_the_same_pool(self, storage: Storage) -> None:
        pool, other = storage.pool(), storage.create()
        volume = storage.volume(pool)
        copy = storage.call("storage_vol_create_xml_from", pool, volume_xml("copy", 5), volume, 0)
        assert storage.call("storage_vol_get_info", copy) == (0, 5, 5)
        code, _, _ = refusal(lambda: storage.call("storage_vol_create_xml_from", other, volume_xml("w"), volume, 0))
        assert code == ErrorNumber.NO_STORAGE_VOL

    @pytest.mark.parametrize(
        ("row", "args"),
        [
            ("storage_vol_wipe", (0,)),
            ("storage_vol_wipe_pattern", (0, 0)),
            ("storage_vol_resize", (5, 0)),
            ("storage_vol_get_info_flags", (0,)),
            ("storage_vol_upload", (0, 0, 0)),
            ("storage_vol_download", (0, 0, 0)),
        ],
    )
    def test_what_has_no_storage_is_not_written_to(self, row: str, args: tuple[Any, ...], storage: Storage) -> None:
        volume = storage.volume(storage.pool())
        code, domain, message = refusal(lambda: storage.call(row, volume, *args))
        assert (code, domain) == (ErrorNumber.NO_SUPPORT, ErrorDomain.STORAGE)
        assert ROWS[row].api in message


class TestSources:
    def test_volume_groups_are_found(self, storage: Storage) -> None:
        found = parse_sources(storage.call("connect_find_storage_pool_sources", "logical", None, 0))
        assert [(one.name, one.devices[0].path) for one in found] == [
            ("testvg1", "/dev/sda20"),
            ("testvg2", "/dev/sda21"),
        ]

    def test_a_server_is_asked_what_it_exports(self, storage: Storage) -> None:
        spec = "<source><host name='h'/></source>"
        (found,) = parse_sources(storage.call("connect_find_storage_pool_sources", "netfs", spec, 0))
        assert (found.hosts[0].name, found.dir, found.format) == ("h", "/testshare", "nfs")

    @pytest.mark.parametrize(
        ("type", "spec", "expected"),
        [
            ("netfs", None, (8, "invalid argument: hostname must be specified for netfs sources")),
            ("netfs", "<source/>", (8, "invalid argument: hostname must be specified for netfs sources")),
            ("dir", None, (1, "internal error: unknown storage pool type dir")),
        ],
    )
    def test_what_cannot_be_looked_for_is_refused(
        self, type: str, spec: str | None, expected: tuple[int, str], storage: Storage
    ) -> None:
        code, domain, message = refusal(lambda: storage.call("connect_find_storage_pool_sources", type, spec, 0))
        assert ((code, message), domain) == (expected, ErrorDomain.TEST)

    def test_a_type_that_is_none_is_not_supported(self, storage: Storage) -> None:
        code, _, message = refusal(lambda: storage.call("connect_find_storage_pool_sources", "bad", None, 0))
        assert code == ErrorNumber.NO_SUPPORT
        assert "pool type 'bad' does not support source discovery" in message


def test_the_life_of_a_pool_is_told(storage: Storage) -> None:
    lifecycle, refreshed = ROWS["storage_pool_event_lifecycle"], ROWS["storage_pool_event_refresh"]
    storage.client.subscribe([lifecycle.number, refreshed.number])
    pool = storage.define()
    for row, args in (
        ("storage_pool_build", (0,)),
        ("storage_pool_create", (0,)),
        ("storage_pool_refresh", (0,)),
        ("storage_pool_destroy", ()),
        ("storage_pool_delete", (0,)),
        ("storage_pool_undefine", ()),
    ):
        storage.call(row, pool, *args)
    storage.call("connect_get_uri")
    told = []
    for packet in storage.client.messages:
        (_, _, procedure, payload), _ = codec(ROWS["event"]).decode_args(packet.payload)
        row = lifecycle if procedure == lifecycle.number else refreshed
        (_, ref, *rest), _ = codec(row).decode_args(payload)
        assert ref == pool
        told.append(tuple(rest) if row is lifecycle else "refreshed")
    assert told == [
        (Lifecycle.DEFINED, 0),
        (Lifecycle.CREATED, 0),
        (Lifecycle.STARTED, 0),
        "refreshed",
        (Lifecycle.STOPPED, 0),
        (Lifecycle.DELETED, 0),
        (Lifecycle.UNDEFINED, 0),
    ]


def test_a_document_has_pools_with_volumes(served: Served, tmp_path: Path) -> None:
    (tmp_path / "disk.xml").write_text(volume_xml("in-file"))
    kept = "<key>kk</key><target><path>/zz/q</path></target>"
    (tmp_path / "node.xml").write_text(
        f"<node><pool type='dir'><name>P</name><target><path>/pp</path></target>{volume_xml('plain')}"
        f"{volume_xml('placed', 5, kept)}<volume file='disk.xml'/></pool></node>"
    )
    with served.opened(f"test://{tmp_path}/node.xml") as client:
        storage = Storage(client)
        assert storage.names(Flags.ACTIVE | Flags.PERSISTENT) == {"P"}
        pool = storage.pool("P")
        assert storage.call("storage_pool_list_volumes", pool, 9) == ["plain", "placed", "in-file"]
        assert storage.call("storage_vol_lookup_by_key", "kk") == StorageVolRef("P", "placed", "kk")
        assert storage.call("storage_vol_lookup_by_path", "/zz/q").name == "placed"
        assert storage.call("storage_pool_get_info", pool)[2] == 2005
