"""What the storage pools of every driver have in common: their life, their volumes, and the calls that follow.

A pool's volumes belong to it: a call about one comes to the pool, which knows it by name. They outlive the pool's stop
where the driver can still find them. The driver's directory is told where the volumes of active pools are, before the
call that made or removed one is answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import pykka

from ...wire.documents.schemas import POOL, VOLUME
from ...wire.documents.storage import (
    PoolDefinition,
    VolumeDefinition,
    complete_pool,
    complete_volume,
    format_pool,
    format_volume,
    parse_pool,
    parse_volume,
)
from ...wire.enums.error import ErrorDomain
from ...wire.enums.storage import ConnectListAllStoragePoolsFlags as ListFlags
from ...wire.enums.storage import (
    StoragePoolDefineFlags,
    StoragePoolEventLifecycleType,
    StoragePoolState,
    StorageVolCreateFlags,
    StorageVolType,
)
from ...wire.errors import AlreadyExists, InvalidArgument, NoStorageVolume, OperationInvalid, VirtError
from ...wire.table import ROWS
from ...wire.table.structs import StoragePoolRef, StorageVolRef
from ..call import Call
from ..events import Publish
from ..runtime import Runtime, send
from .defined import DefinedDriver, DefinedObject, Load, Upward
from .domain import check_flags
from .pool_directory import POOLS, PoolDirectory, VolumeNews, VolumePlace
from .validation import check_document, checked

_REFRESHED = ROWS["storage_pool_event_refresh"]


class Usage(NamedTuple):
    """What a pool can hold, what of that is taken and what is left, in bytes."""

    capacity: int
    allocation: int
    available: int


@contextmanager
def _about_storage() -> Iterator[None]:
    """Say of errors that say nothing of it that they are about storage: documents are not the driver's own area."""
    try:
        yield
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.STORAGE
        raise


class Pool(DefinedObject[PoolDefinition]):
    """A storage pool of any driver."""

    kind = "storage pool"
    event_row = ROWS["storage_pool_event_lifecycle"]
    # Whether documents may say nothing that the model has no place for; libvirt passes over it.
    strict: ClassVar[bool] = True
    # The flags that a driver's pools take, beyond none.
    build_flags: ClassVar[int] = 0
    start_flags: ClassVar[int] = 0
    delete_flags: ClassVar[int] = 0
    xml_flags: ClassVar[int] = 0
    volume_create_flags: ClassVar[int] = StorageVolCreateFlags.VALIDATE
    volume_delete_flags: ClassVar[int] = 0

    def __init__(self, runtime: Runtime, upward: Upward, name: str, uuid: bytes) -> None:
        super().__init__(runtime, upward, name, uuid)
        self.volumes: dict[str, VolumeDefinition] = {}

    # -- what a driver provides ----------------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """What is taken of the pool."""
        raise NotImplementedError

    async def find_volumes(self, call: Call) -> dict[str, VolumeDefinition]:
        """The volumes that there are now, by name."""
        return self.volumes

    async def build(self, call: Call, flags: int) -> None:
        """Make the place that the pool's storage is in."""

    async def delete(self, call: Call, flags: int) -> None:
        """Remove the place that the pool's storage is in."""

    async def make_volume(
        self, call: Call, volume: VolumeDefinition, clone: VolumeDefinition | None, flags: int
    ) -> VolumeDefinition:
        """Make a new volume, with what ``clone`` holds; gives what it came to be."""
        return volume

    async def remove_volume(self, call: Call, volume: VolumeDefinition, flags: int) -> None:
        """Remove a volume and what it holds."""

    # -- state ---------------------------------------------------------------------------------------------------------

    def wire_ref(self) -> StoragePoolRef:
        return StoragePoolRef(self.name, self.uuid)

    def traits(self) -> int:
        return super().traits() | type_flag(self.definition)

    def volume_ref(self, volume: VolumeDefinition) -> StorageVolRef:
        return StorageVolRef(self.name, volume.name or "", volume.key or "")

    def volume(self, name: str) -> VolumeDefinition:
        """The volume of that name. Raises OperationInvalid while the pool is inactive, NoStorageVolume."""
        self.require_active()
        if (found := self.volumes.get(name)) is None:
            raise NoStorageVolume(f"no storage vol with matching name '{name}'")
        return found

    def on_message(self, message: Any) -> Any:
        super().on_message(message)
        if isinstance(message, Load) and self.active:
            self._announce(gained=self.volumes)

    def tell(self, what: int, detail: int = 0) -> None:
        super().tell(what, detail)
        if what == StoragePoolEventLifecycleType.STARTED:
            self._announce(gained=self.volumes)
        elif what == StoragePoolEventLifecycleType.STOPPED:
            self._announce(lost=self.volumes)

    def tell_summary(self) -> None:
        # One that is neither defined nor active any more has nothing to tell: it goes.
        if self.live is not None or self.persistent is not None:
            super().tell_summary()

    def _announce(
        self, gained: dict[str, VolumeDefinition] | None = None, lost: dict[str, VolumeDefinition] | None = None
    ) -> None:
        news = VolumeNews(self._places(gained or {}), self._places(lost or {}))
        if news.gained or news.lost:
            send(self.upward.driver, news)

    def _places(self, volumes: dict[str, VolumeDefinition]) -> tuple[VolumePlace, ...]:
        return tuple(VolumePlace(self.volume_ref(volume), volume.target.path or "") for volume in volumes.values())

    # -- calls: the pool -----------------------------------------------------------------------------------------------

    async def storage_pool_create(self, call: Call, pool: StoragePoolRef, flags: int) -> None:
        check_flags(call, flags, self.start_flags)
        await self.start_defined(call)

    async def storage_pool_destroy(self, call: Call, pool: StoragePoolRef) -> None:
        await self.stop_active(call)

    async def storage_pool_undefine(self, call: Call, pool: StoragePoolRef) -> None:
        self.require_inactive()
        await self.drop_definition()

    async def storage_pool_build(self, call: Call, pool: StoragePoolRef, flags: int) -> None:
        check_flags(call, flags, self.build_flags)
        self.require_inactive()
        await self.build(call, flags)
        self.tell(StoragePoolEventLifecycleType.CREATED)

    async def storage_pool_delete(self, call: Call, pool: StoragePoolRef, flags: int) -> None:
        check_flags(call, flags, self.delete_flags)
        self.require_inactive()
        await self.delete(call, flags)
        self.tell(StoragePoolEventLifecycleType.DELETED)

    async def storage_pool_refresh(self, call: Call, pool: StoragePoolRef, flags: int) -> None:
        check_flags(call, flags, 0)
        self.require_active()
        before, self.volumes = self.volumes, await self.find_volumes(call)
        if before is not self.volumes:
            self._announce(gained=self.volumes, lost=before)
        send(self.upward.events, Publish(_REFRESHED, (self.wire_ref(),)))

    def storage_pool_lookup_by_volume(self, call: Call, vol: StorageVolRef) -> tuple[StoragePoolRef]:
        return (self.wire_ref(),)

    def storage_pool_get_info(self, call: Call, pool: StoragePoolRef) -> tuple[int, int, int, int]:
        usage = self.usage()
        return (self.pool_state(), usage.capacity, usage.allocation, usage.available)

    def pool_state(self) -> StoragePoolState:
        return StoragePoolState.RUNNING if self.active else StoragePoolState.INACTIVE

    def storage_pool_get_xml_desc(self, call: Call, pool: StoragePoolRef, flags: int) -> tuple[str]:
        check_flags(call, flags, self.xml_flags)
        definition = self.inactive_definition() if flags & 1 else self.definition
        return (format_pool(replace(definition, **self.usage()._asdict())),)

    def storage_pool_get_autostart(self, call: Call, pool: StoragePoolRef) -> tuple[int]:
        return (int(self.autostart),)

    async def storage_pool_set_autostart(self, call: Call, pool: StoragePoolRef, autostart: int) -> None:
        if self.persistent is None:
            raise InvalidArgument("pool has no config file", object=self.name)
        await self.mark_autostart(autostart != 0)

    def storage_pool_is_active(self, call: Call, pool: StoragePoolRef) -> tuple[int]:
        return (int(self.active),)

    def storage_pool_is_persistent(self, call: Call, pool: StoragePoolRef) -> tuple[int]:
        return (int(self.persistent is not None),)

    # -- calls: the volumes --------------------------------------------------------------------------------------------

    def storage_pool_num_of_volumes(self, call: Call, pool: StoragePoolRef) -> tuple[int]:
        self.require_active()
        return (len(self.volumes),)

    def storage_pool_list_volumes(self, call: Call, pool: StoragePoolRef, maxnames: int) -> tuple[list[str]]:
        self.require_active()
        if maxnames < 0:
            raise InvalidArgument(f"maxnames is {maxnames}, expected 0 or more")
        return (list(self.volumes)[:maxnames],)

    def storage_pool_list_all_volumes(
        self, call: Call, pool: StoragePoolRef, need_results: int, flags: int
    ) -> tuple[list[StorageVolRef], int]:
        check_flags(call, flags, 0)
        if not self.active:
            raise OperationInvalid("storage pool is not active", object=self.name)
        found = [self.volume_ref(volume) for volume in self.volumes.values()]
        return found if need_results else [], len(found)

    def storage_vol_lookup_by_name(self, call: Call, pool: StoragePoolRef, name: str) -> tuple[StorageVolRef]:
        return (self.volume_ref(self.volume(name)),)

    async def storage_vol_create_xml(
        self, call: Call, pool: StoragePoolRef, xml: str, flags: int
    ) -> tuple[StorageVolRef]:
        check_flags(call, flags, self.volume_create_flags)
        self.require_active()
        await self._check_volume(xml, flags)
        return await self._add_volume(call, self.new_volume(xml), None, flags)

    async def storage_vol_create_xml_from(
        self, call: Call, pool: StoragePoolRef, xml: str, clonevol: StorageVolRef, flags: int
    ) -> tuple[StorageVolRef]:
        check_flags(call, flags, self.volume_create_flags)
        self.require_active()
        await self._check_volume(xml, flags)
        return await self._add_volume(call, self.new_volume(xml), self.volume(clonevol.name), flags)

    async def _check_volume(self, xml: str, flags: int) -> None:
        if flags & StorageVolCreateFlags.VALIDATE:
            await check_document(self.runtime, xml, VOLUME)

    def new_volume(self, xml: str) -> VolumeDefinition:
        """What a caller's XML makes in this pool. Raises XMLError, UnsupportedConfig, AlreadyExists."""
        with _about_storage():
            volume = complete_volume(parse_volume(xml, strict=self.strict), self.definition.type)
        if volume.name in self.volumes:
            raise AlreadyExists("storage vol already exists", object=volume.name)
        return placed(volume, self.definition)

    async def _add_volume(
        self, call: Call, volume: VolumeDefinition, clone: VolumeDefinition | None, flags: int
    ) -> tuple[StorageVolRef]:
        made = await self.make_volume(call, volume, clone, flags)
        assert made.name is not None
        self.volumes[made.name] = made
        self._announce(gained={made.name: made})
        return (self.volume_ref(made),)

    async def storage_vol_delete(self, call: Call, vol: StorageVolRef, flags: int) -> None:
        check_flags(call, flags, self.volume_delete_flags)
        volume = self.volume(vol.name)
        await self.remove_volume(call, volume, flags)
        del self.volumes[vol.name]
        self._announce(lost={vol.name: volume})

    def storage_vol_get_info(self, call: Call, vol: StorageVolRef) -> tuple[int, int, int]:
        volume = self.volume(vol.name)
        kind = StorageVolType[(volume.type or "file").upper()]
        return (int(kind), volume.capacity or 0, volume.allocation or 0)

    def storage_vol_get_xml_desc(self, call: Call, vol: StorageVolRef, flags: int) -> tuple[str]:
        check_flags(call, flags, 0)
        return (format_volume(self.volume(vol.name)),)

    def storage_vol_get_path(self, call: Call, vol: StorageVolRef) -> tuple[str]:
        return (self.volume(vol.name).target.path or "",)


class PoolDriver(DefinedDriver):
    """The storage part of a driver; subclasses say which pools they make."""

    strict: ClassVar[bool] = True
    directory: PoolDirectory

    def __init__(self, runtime: Runtime, directory: PoolDirectory, events: pykka.ActorRef[Any]) -> None:
        super().__init__(runtime, directory, events)

    def make_ref(self, name: str, key: bytes) -> StoragePoolRef:
        return StoragePoolRef(name, key)

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, VolumeNews):
            return self.directory.take_news(message)
        return super().on_receive(message)

    def read_definition(self, xml: str) -> PoolDefinition:
        """What a caller's XML says, with a UUID. Raises XMLError and UnsupportedConfig."""
        with _about_storage():
            return identified(complete_pool(parse_pool(xml, strict=self.strict)))

    # -- calls ---------------------------------------------------------------------------------------------------------

    def storage_pool_define_xml(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, StoragePoolDefineFlags.VALIDATE)
        asked = flags & StoragePoolDefineFlags.VALIDATE
        return checked(self.runtime, xml, POOL, asked, lambda: self._define(call, xml))

    def _define(self, call: Call, xml: str) -> object:
        definition = self.read_definition(xml)
        name, key = name_and_key(definition)
        self.directory.take_source(definition)
        return self.hand_define(call, name, key, definition)

    def storage_pool_create_xml(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, 0)
        definition = self.read_definition(xml)
        name, key = name_and_key(definition)
        self.directory.take_source(definition)
        return self.hand_create(call, name, key, definition)

    def storage_pool_lookup_by_name(self, call: Call, name: str) -> tuple[StoragePoolRef]:
        return (self.directory.by_name(name).wire_ref,)

    def storage_pool_lookup_by_uuid(self, call: Call, uuid: bytes) -> tuple[StoragePoolRef]:
        return (self.directory.by_uuid(uuid).wire_ref,)

    def storage_vol_lookup_by_key(self, call: Call, key: str) -> tuple[StorageVolRef]:
        return (self.directory.by_volume_key(key),)

    def storage_vol_lookup_by_path(self, call: Call, path: str) -> tuple[StorageVolRef]:
        return (self.directory.by_volume_path(path),)

    def connect_num_of_storage_pools(self, call: Call) -> tuple[int]:
        return self.count(POOLS.active)

    def connect_num_of_defined_storage_pools(self, call: Call) -> tuple[int]:
        return self.count(POOLS.inactive)

    def connect_list_storage_pools(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self.names(maxnames, POOLS.active)

    def connect_list_defined_storage_pools(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self.names(maxnames, POOLS.inactive)

    def connect_list_all_storage_pools(
        self, call: Call, need_results: int, flags: int
    ) -> tuple[list[StoragePoolRef], int]:
        check_flags(call, flags, POOLS.filters)
        return self.references(need_results, flags)


def type_flag(definition: PoolDefinition) -> int:
    """The filter flag of a pool's type."""
    return int(ListFlags[definition.type.upper().replace("-", "_")])


def placed(volume: VolumeDefinition, pool: PoolDefinition) -> VolumeDefinition:
    """The volume where its pool keeps it; its path is its key."""
    folder = pool.target.path if pool.target is not None and pool.target.path else ""
    path = f"{folder}/{volume.name}"
    return replace(volume, key=path, target=replace(volume.target, path=path))


def identified(definition: PoolDefinition) -> PoolDefinition:
    """The definition with a UUID."""
    return definition if definition.uuid is not None else replace(definition, uuid=str(uuid.uuid4()))


def name_and_key(definition: PoolDefinition) -> tuple[str, bytes]:
    assert definition.name is not None
    return definition.name, uuid.UUID(definition.uuid).bytes
