"""The directory of a driver's storage pools: what they take their storage from, and where the volumes of active ones
are, so that a volume is found by its key or path without asking each pool."""

from __future__ import annotations

from typing import NamedTuple

from ...wire.documents.storage import PoolDefinition
from ...wire.enums.error import ErrorDomain
from ...wire.enums.storage import ConnectListAllStoragePoolsFlags as Flags
from ...wire.errors import AlreadyExists, NoStoragePool, NoStorageVolume
from ...wire.table.structs import StoragePoolRef, StorageVolRef
from .object_directory import ObjectDirectory, ObjectEntry, ObjectKind

_ACTIVITY = Flags.ACTIVE | Flags.INACTIVE
_PERSISTENCE = Flags.PERSISTENT | Flags.TRANSIENT
_AUTOSTART = Flags.AUTOSTART | Flags.NO_AUTOSTART
_TYPES = ~(_ACTIVITY | _PERSISTENCE | _AUTOSTART)
POOLS = ObjectKind(
    noun="storage pool",
    short="pool",
    missing=NoStoragePool,
    errors=ErrorDomain.STORAGE,
    groups=tuple(int(group) for group in (_ACTIVITY, _PERSISTENCE, _AUTOSTART, _TYPES)),
)


class VolumePlace(NamedTuple):
    """Where a volume of an active pool is."""

    ref: StorageVolRef
    path: str


class VolumeNews(NamedTuple):
    """A pool to its driver: these volumes can be found from now on, and those no more."""

    gained: tuple[VolumePlace, ...] = ()
    lost: tuple[VolumePlace, ...] = ()


class PoolDirectory(ObjectDirectory):
    """The pools of one driver, and the volumes of those that are active."""

    def __init__(self) -> None:
        super().__init__(POOLS)
        self._by_volume_key: dict[str, StorageVolRef] = {}
        self._by_path: dict[str, StorageVolRef] = {}
        self._taken: dict[str, frozenset[tuple[str, ...]]] = {}

    def entry_of(self, reference: StoragePoolRef | StorageVolRef) -> ObjectEntry:
        """The pool that a call names, or whose volume it names."""
        if isinstance(reference, StorageVolRef):
            return self.by_name(reference.pool)
        if (entry := self.find(reference.uuid)) is None:
            raise self.missing("name", reference.name)
        return entry

    def by_volume_key(self, key: str) -> StorageVolRef:
        if (found := self._by_volume_key.get(key)) is None:
            raise NoStorageVolume(f"no storage vol with matching key '{key}'")
        return found

    def by_volume_path(self, path: str) -> StorageVolRef:
        if (found := self._by_path.get(path)) is None:
            raise NoStorageVolume(f"no storage vol with matching path '{path}'")
        return found

    # -- changes, by the driver alone ----------------------------------------------------------------------------------

    def take_news(self, news: VolumeNews) -> None:
        """Note where volumes are now. What another pool has taken over since is left to it."""
        for place in news.lost:
            for index, value in ((self._by_volume_key, place.ref.key), (self._by_path, place.path)):
                if index.get(value) == place.ref:
                    del index[value]
        for place in news.gained:
            self._by_volume_key[place.ref.key] = place.ref
            self._by_path[place.path] = place.ref

    def take_source(self, definition: PoolDefinition) -> None:
        """Note what a pool takes its storage from. Raises AlreadyExists when another pool has it."""
        assert definition.name is not None
        wanted = sources_of(definition)
        for name, taken in self._taken.items():
            if name != definition.name and taken & wanted:
                raise AlreadyExists(f"Storage source conflict with pool: '{name}'", domain=POOLS.errors, object=name)
        # An active pool that is redefined keeps what it has, too.
        self._taken[definition.name] = wanted | self._taken.get(definition.name, frozenset())

    def remove(self, key: bytes) -> ObjectEntry | None:
        entry = super().remove(key)
        if entry is not None:
            self._taken.pop(entry.name, None)
        return entry


def sources_of(definition: PoolDefinition) -> frozenset[tuple[str, ...]]:
    """What no two pools may share: a folder, devices, a server's export."""
    source, target = definition.source, definition.target
    host = source.hosts[0].name if source.hosts else ""
    devices = [device.path for device in source.devices]
    match definition.type:
        case "dir":
            return frozenset({("dir", target.path if target is not None and target.path else "")})
        case "fs" | "logical" | "disk" | "zfs":
            return frozenset(("device", path) for path in devices)
        case "netfs" | "gluster":
            return frozenset({(definition.type, host, source.name or "", source.dir or "")})
        case "iscsi" | "iscsi-direct":
            return frozenset((definition.type, host, path, source.initiator or "") for path in devices)
        case "scsi":
            return frozenset({("scsi", str(source.adapter))})
        case "sheepdog":
            return frozenset({("sheepdog", host)})
    return frozenset()
