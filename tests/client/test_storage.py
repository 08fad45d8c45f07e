"""Storage pools and volumes through the client: the two test drivers alike, and real storage behind a libvirtd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from virtactor.client import Host, connect
from virtactor.client.object_events import PoolEvent, PoolRefreshed
from virtactor.client.storage import Pool, PoolInfo
from virtactor.client.streams import Hole
from virtactor.client.volume import Volume, VolumeInfo, sparse_pieces
from virtactor.wire.enums.storage import StoragePoolEventLifecycleType as Lifecycle
from virtactor.wire.enums.storage import StoragePoolState, StorageVolType, StorageVolWipeAlgorithm
from virtactor.wire.errors import (
    AlreadyExists,
    HostError,
    InvalidArgument,
    NoStoragePool,
    NoStorageVolume,
    NotSupported,
    OperationInvalid,
    VirtError,
    XMLError,
)

from ..libvirtd import Libvirtd
from .conftest import PATIENCE

CAPACITY = 100 << 30
MIB = 1 << 20


def pool_xml(name: str = "a", path: str = "/x") -> str:
    return f"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>"


def volume_xml(name: str = "v", capacity: int = 1000, allocation: int | None = None) -> str:
    taken = "" if allocation is None else f"<allocation>{allocation}</allocation>"
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity>{taken}</volume>"


class TestTestDrivers:
    @pytest.fixture
    def host(self, a_test_driver: Host) -> Host:
        return a_test_driver

    def test_the_default_pool_is_found_and_described(self, host: Host) -> None:
        (pool,) = host.pools
        assert pool == host.pools["default-pool"] == host.pools[pool.uuid] == host.pools[str(pool.uuid)]
        assert (len(host.pools), host.pools.names(), host.pools.names(inactive=True)) == (1, ["default-pool"], [])
        assert pool.info() == PoolInfo(StoragePoolState.RUNNING, CAPACITY, 0, CAPACITY)
        assert (pool.is_active(), pool.is_persistent(), pool.autostart()) == (True, True, False)
        assert "<path>/default-pool</path>" in pool.xml()
        assert pool in host.pools
        assert "other" not in host.pools
        assert "default-pool" in repr(pool)

    def test_a_pool_is_defined_started_stopped_and_undefined(self, host: Host) -> None:
        pool = host.pools.define(pool_xml())
        assert host.pools.names(inactive=True) == ["a"]
        pool.build()
        pool.start()
        pool.set_autostart(True)
        assert (pool.is_active(), pool.autostart()) == (True, True)
        pool.refresh()
        pool.destroy()
        pool.delete()
        pool.undefine()
        with pytest.raises(NoStoragePool):
            pool.info()
        assert [one.name for one in host.pools] == ["default-pool"]

    def test_a_transient_pool_is_gone_when_it_stops(self, host: Host) -> None:
        pool = host.pools.create(pool_xml())
        assert not pool.is_persistent()
        pool.destroy()
        with pytest.raises(NoStoragePool):
            host.pools["a"]

    def test_lists_are_filtered(self, host: Host) -> None:
        host.pools.define(pool_xml("defined", "/d"))
        host.pools.create(pool_xml("passing", "/p"))
        names = {
            "active": {"default-pool", "passing"},
            "inactive": {"defined"},
            "persistent": {"default-pool", "defined"},
            "transient": {"passing"},
            "no_autostart": {"default-pool", "defined", "passing"},
        }
        assert {wish: {one.name for one in host.pools.list(**{wish: True})} for wish in names} == names  # type: ignore[arg-type]
        assert {one.name for one in host.pools.list(types=["dir"], active=True)} == names["active"]
        assert host.pools.list(types=["logical", "iscsi-direct"]) == []
        with pytest.raises(InvalidArgument, match="'tape' is no type"):
            host.pools.list(types=["tape"])

    def test_volumes_are_made_found_and_removed(self, host: Host) -> None:
        pool = host.pools["default-pool"]
        volume = pool.volumes.create(volume_xml(allocation=5))
        assert (volume.name, volume.key, volume.pool_name) == ("v", "/default-pool/v", "default-pool")
        assert volume.path() == "/default-pool/v"
        assert volume.info() == VolumeInfo(StorageVolType.FILE, 1000, 5)
        assert "<capacity unit='bytes'>1000</capacity>" in volume.xml()
        assert volume.pool() == pool
        assert volume == pool.volumes["v"] == host.pools.volume_by_key(volume.key)
        assert volume == host.pools.volume_by_path("/default-pool/v")
        assert (list(pool.volumes), len(pool.volumes), pool.volumes.names()) == ([volume], 1, ["v"])
        assert volume in pool.volumes
        assert "w" not in pool.volumes
        copy = pool.volumes.create(volume_xml("copy", 7), clone=volume)
        assert copy.info().capacity == 7
        volume.delete()
        assert pool.volumes.names() == ["copy"]
        with pytest.raises(NoStorageVolume):
            volume.info()

    def test_what_goes_wrong_is_raised_by_its_kind(self, host: Host) -> None:
        pool = host.pools["default-pool"]
        pool.volumes.create(volume_xml())
        for kind, call in (
            (NoStoragePool, lambda: host.pools["none"]),
            (NoStorageVolume, lambda: pool.volumes["none"]),
            (NoStorageVolume, lambda: host.pools.volume_by_path("/none")),
            (OperationInvalid, pool.start),
            (AlreadyExists, lambda: host.pools.define(pool_xml("default-pool", "/other"))),
            (XMLError, lambda: host.pools.define("<pool/>")),
            (NotSupported, lambda: host.pools.lookup_target_path("/default-pool")),
            (NotSupported, host.pools.capabilities),
            (NotSupported, pool.volumes["v"].wipe),
            (NotSupported, lambda: pool.volumes["v"].wipe(StorageVolWipeAlgorithm.ZERO)),
            (NotSupported, lambda: pool.volumes["v"].resize(5)),
            (NotSupported, lambda: pool.volumes["v"].info(physical=True)),
            (NotSupported, lambda: pool.volumes["v"].upload(b"x")),
            (NotSupported, lambda: pool.volumes["v"].download(BytesIO())),
        ):
            with pytest.raises(VirtError) as caught:
                call()
            # libvirt has one code for what fails and for what exists.
            assert isinstance(caught.value, (kind, HostError) if kind is AlreadyExists else kind)

    def test_sources_are_found(self, host: Host) -> None:
        assert "testvg1" in host.pools.find_sources("logical")
        assert "/testshare" in host.pools.find_sources("netfs", "<source><host name='h'/></source>")

    def test_events_tell_the_life_of_pools(self, host: Host) -> None:
        with host.pools.events(timeout=PATIENCE) as events, host.pools.events("other", timeout=0) as others:
            pool = host.pools.define(pool_xml())
            pool.start()
            pool.refresh()
            pool.destroy()
            pool.undefine()
            seen = [next(events) for _ in range(5)]
        assert [one.type if isinstance(one, PoolEvent) else type(one) for one in seen] == [
            Lifecycle.DEFINED,
            Lifecycle.STARTED,
            PoolRefreshed,
            Lifecycle.STOPPED,
            Lifecycle.UNDEFINED,
        ]
        assert {one.subject for one in seen if isinstance(one, PoolEvent | PoolRefreshed)} == {pool}
        assert str(seen[0]) == "a: defined"
        assert list(others) == []

    def test_events_are_chosen_by_kind(self, host: Host) -> None:
        pool = host.pools["default-pool"]
        with host.pools.events(pool, Lifecycle.STARTED, timeout=PATIENCE) as events:
            pool.refresh()
            pool.destroy()
            pool.start()
            event = next(events)
        assert isinstance(event, PoolEvent)
        assert event.type is Lifecycle.STARTED


class TestStorage:
    """A directory behind a real libvirtd."""

    @pytest.fixture
    def pool(self, libvirtd: Libvirtd, tmp_path: Path) -> Iterator[Pool]:
        with connect(libvirtd.uri("storage"), keepalive_interval=0) as host:
            pool = host.pools.create(pool_xml("p", str(tmp_path / "pool")), build=True)
            try:
                yield pool
            finally:
                with suppress(NoStoragePool):
                    pool.destroy()

    @pytest.fixture
    def volume(self, pool: Pool) -> Volume:
        return pool.volumes.create(volume_xml("v", 3 * MIB, 0))

    def test_what_is_uploaded_is_in_the_volume_and_comes_back(self, volume: Volume) -> None:
        data = os.urandom(2 * MIB + 17)
        told: list[int] = []
        assert volume.upload(data, progress=told.append) == len(data)
        assert told[-1] == len(data)
        assert Path(volume.path()).read_bytes()[: len(data)] == data
        sink = BytesIO()
        assert volume.download(sink) == 3 * MIB
        assert sink.getvalue() == data + bytes(3 * MIB - len(data))

    def test_a_part_is_written_and_read(self, volume: Volume) -> None:
        assert volume.upload(b"0123456789", offset=MIB) == 10
        sink = BytesIO()
        assert volume.download(sink, offset=MIB + 2, length=5) == 5
        assert sink.getvalue() == b"23456"

    def test_holes_stay_holes_both_ways(self, volume: Volume, tmp_path: Path) -> None:
        sparse, back = tmp_path / "sparse", tmp_path / "back"
        with sparse.open("wb") as file:
            file.seek(MIB)
            file.write(b"data")
            file.truncate(3 * MIB)
        with sparse.open("rb") as file:
            assert volume.upload(file, sparse=True) == 3 * MIB
        assert Path(volume.path()).read_bytes() == sparse.read_bytes()
        assert Path(volume.path()).stat().st_blocks * 512 < MIB
        with back.open("wb") as file:
            assert volume.download(file, sparse=True) == 3 * MIB
        assert back.read_bytes() == sparse.read_bytes()
        assert back.stat().st_blocks * 512 < MIB

    def test_what_reads_bytes_gets_zeros_for_holes(self, volume: Volume) -> None:
        volume.upload(b"end", offset=2 * MIB)
        stream = volume.open_download(sparse=True)
        read = b""
        while piece := stream.read(timeout=PATIENCE):
            read += piece
        stream.finish()
        assert read == Path(volume.path()).read_bytes()

    def test_no_more_is_sent_than_was_asked_for(self, volume: Volume) -> None:
        assert volume.upload(b"0123456789", length=4) == 4
        assert Path(volume.path()).read_bytes()[:10] == b"0123" + bytes(6)

    def test_an_upload_that_fails_says_so_and_leaves_the_connection(self, volume: Volume) -> None:
        stream = volume.open_upload(length=4)
        stream.write(bytes(MIB))
        with pytest.raises(VirtError):
            stream.finish()
        assert volume.info().capacity == 3 * MIB

    def test_volumes_are_resized_and_wiped(self, volume: Volume) -> None:
        volume.upload(b"secret")
        volume.wipe()
        assert Path(volume.path()).read_bytes()[:6] == bytes(6)
        volume.resize(5 * MIB)
        assert volume.info().capacity == 5 * MIB
        volume.resize(MIB, delta=True)
        assert volume.info(physical=True).allocation == 6 * MIB

    def test_a_pool_is_found_by_its_path(self, pool: Pool, libvirtd: Libvirtd, tmp_path: Path) -> None:
        with connect(libvirtd.uri("storage"), keepalive_interval=0) as host:
            assert host.pools.lookup_target_path(str(tmp_path / "pool")) == pool
            assert "<pool type='dir' supported='yes'>" in host.pools.capabilities()


class TestPieces:
    def test_a_file_is_cut_at_its_holes(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse"
        with path.open("wb") as file:
            file.seek(MIB)
            file.write(b"x" * 4096)
            file.truncate(2 * MIB)
        with path.open("rb") as file:
            assert list(sparse_pieces(file)) == [Hole(MIB), b"x" * 4096, Hole(MIB - 4096)]

    def test_what_is_no_file_is_data(self) -> None:
        assert list(sparse_pieces(BytesIO(bytes(10)))) == [bytes(10)]

    def test_an_empty_file_has_no_pieces(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        with (tmp_path / "empty").open("rb") as file:
            assert list(sparse_pieces(file)) == []
