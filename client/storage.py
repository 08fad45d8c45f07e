"""Storage pools, as their caller sees them: libvirt's ``virStoragePoolPtr`` with Python's shapes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire.enums.storage import (
    ConnectListAllStoragePoolsFlags,
    StoragePoolBuildFlags,
    StoragePoolCreateFlags,
    StoragePoolDefineFlags,
    StoragePoolDeleteFlags,
    StoragePoolState,
    StorageXMLFlags,
)
from ..wire.errors import InvalidArgument
from ..wire.table import ROWS
from .objects import IdentifiedObject, IdentifiedObjects, LastingObject
from .values import bits, member_or_number

if TYPE_CHECKING:
    from ..wire.enums.storage import StoragePoolEventLifecycleType
    from .object_events import PoolEvents
    from .volume import Volume, Volumes

_NUM = ROWS["connect_num_of_storage_pools"]
_NAMES = ROWS["connect_list_storage_pools"]
_NUM_DEFINED = ROWS["connect_num_of_defined_storage_pools"]
_DEFINED_NAMES = ROWS["connect_list_defined_storage_pools"]
_FIND_SOURCES = ROWS["connect_find_storage_pool_sources"]
_CAPABILITIES = ROWS["connect_get_storage_pool_capabilities"]
_BY_TARGET_PATH = ROWS["storage_pool_lookup_by_target_path"]
_VOLUME_BY_KEY = ROWS["storage_vol_lookup_by_key"]
_VOLUME_BY_PATH = ROWS["storage_vol_lookup_by_path"]
_CREATE_XML = ROWS["storage_pool_create_xml"]
_DEFINE_XML = ROWS["storage_pool_define_xml"]
_BUILD = ROWS["storage_pool_build"]
_START = ROWS["storage_pool_create"]
_DESTROY = ROWS["storage_pool_destroy"]
_DELETE = ROWS["storage_pool_delete"]
_UNDEFINE = ROWS["storage_pool_undefine"]
_REFRESH = ROWS["storage_pool_refresh"]
_INFO = ROWS["storage_pool_get_info"]
_XML = ROWS["storage_pool_get_xml_desc"]

# The filter flag of each type of pool, by the name that XML has for it.
TYPES: dict[str, ConnectListAllStoragePoolsFlags] = {
    (flag.name or "").lower().replace("_", "-"): flag
    for flag in ConnectListAllStoragePoolsFlags
    if flag >= ConnectListAllStoragePoolsFlags.DIR
}


@dataclass(frozen=True, slots=True)
class PoolInfo:
    """A pool's state and size (virStoragePoolGetInfo): what it holds, what of that is taken and what left, in bytes."""

    state: StoragePoolState | int
    capacity: int
    allocation: int
    available: int


class Pool(IdentifiedObject, LastingObject):
    """A storage pool of a host, found or made through ``host.pools``.

    It stands for the pool by its UUID and stays usable over reconnects, stops and starts. A pool that is gone raises
    NoStoragePool. Safe to use from any number of threads.
    """

    __slots__ = ()

    row_is_active = ROWS["storage_pool_is_active"]
    row_is_persistent = ROWS["storage_pool_is_persistent"]
    row_get_autostart = ROWS["storage_pool_get_autostart"]
    row_set_autostart = ROWS["storage_pool_set_autostart"]

    @property
    def volumes(self) -> Volumes:
        """The pool's volumes, by name: ``pool.volumes["disk.qcow2"]``."""
        from .volume import Volumes

        return Volumes(self)

    def start(
        self,
        *,
        build: bool = False,
        overwrite: bool = False,
        no_overwrite: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Start the defined pool (virStoragePoolCreate).

        ``build`` makes its storage first: with ``overwrite`` also over what is there, with ``no_overwrite`` not.
        """
        self._call(_START, start_flags(build, overwrite, no_overwrite), deadline=deadline)

    def build(
        self,
        *,
        overwrite: bool = False,
        no_overwrite: bool = False,
        flags: StoragePoolBuildFlags | int = 0,
        deadline: float | None = None,
    ) -> None:
        """Make the storage of an inactive pool: its directory, file system, volume group (virStoragePoolBuild)."""
        wishes = {StoragePoolBuildFlags.OVERWRITE: overwrite, StoragePoolBuildFlags.NO_OVERWRITE: no_overwrite}
        self._call(_BUILD, int(flags) | bits(wishes), deadline=deadline)

    def destroy(self, *, deadline: float | None = None) -> None:
        """Stop it; what it holds stays. A transient pool is gone then (virStoragePoolDestroy)."""
        self._call(_DESTROY, deadline=deadline)

    def delete(self, *, zeroed: bool = False, deadline: float | None = None) -> None:
        """Remove the storage of an inactive pool, with all that it holds (virStoragePoolDelete)."""
        self._call(_DELETE, int(StoragePoolDeleteFlags.ZEROED) if zeroed else 0, deadline=deadline)

    def undefine(self, *, deadline: float | None = None) -> None:
        """Forget the definition of an inactive pool (virStoragePoolUndefine)."""
        self._call(_UNDEFINE, deadline=deadline)

    def refresh(self, *, deadline: float | None = None) -> None:
        """Look for its volumes anew (virStoragePoolRefresh)."""
        self._call(_REFRESH, 0, deadline=deadline)

    def info(self, *, deadline: float | None = None) -> PoolInfo:
        """State and size (virStoragePoolGetInfo)."""
        state, *sizes = self._call(_INFO, deadline=deadline)
        return PoolInfo(member_or_number(StoragePoolState, state), *sizes)

    def xml(self, *, inactive: bool = False, deadline: float | None = None) -> str:
        """The pool's XML; ``inactive`` gives the definition that the next start uses (virStoragePoolGetXMLDesc)."""
        return self._call(_XML, int(StorageXMLFlags.INACTIVE) if inactive else 0, deadline=deadline)[0]


class Pools(IdentifiedObjects[Pool]):
    """``host.pools``: iterable (all of them, in the daemon's order), ``len``, ``in``, and ``host.pools[name]``."""

    thing = Pool
    list_all = ROWS["connect_list_all_storage_pools"]
    by_name = ROWS["storage_pool_lookup_by_name"]
    by_uuid = ROWS["storage_pool_lookup_by_uuid"]

    def list(
        self,
        flags: ConnectListAllStoragePoolsFlags | int = 0,
        *,
        types: Iterable[str] = (),
        active: bool = False,
        inactive: bool = False,
        persistent: bool = False,
        transient: bool = False,
        autostart: bool = False,
        no_autostart: bool = False,
        deadline: float | None = None,
    ) -> list[Pool]:
        """The pools that pass the filter, all without one (virConnectListAllStoragePools).

        ``types`` are names as in XML (``dir``, ``logical``). Wishes of one group (``active`` and ``inactive``) widen,
        those of different groups narrow. ``flags`` are further ConnectListAllStoragePoolsFlags. Raises InvalidArgument
        for a type that is none.
        """
        wishes = {
            ConnectListAllStoragePoolsFlags.ACTIVE: active,
            ConnectListAllStoragePoolsFlags.INACTIVE: inactive,
            ConnectListAllStoragePoolsFlags.PERSISTENT: persistent,
            ConnectListAllStoragePoolsFlags.TRANSIENT: transient,
            ConnectListAllStoragePoolsFlags.AUTOSTART: autostart,
            ConnectListAllStoragePoolsFlags.NO_AUTOSTART: no_autostart,
        }
        return self._all(int(flags) | bits(wishes) | type_flags(types), deadline)

    def names(self, *, inactive: bool = False, deadline: float | None = None) -> list[str]:
        """The names of the active pools, or of the inactive ones (virConnectListStoragePools, …Defined…)."""
        count, names = (_NUM_DEFINED, _DEFINED_NAMES) if inactive else (_NUM, _NAMES)
        return self._names(count, names, deadline=deadline)

    def lookup_target_path(self, path: str, *, deadline: float | None = None) -> Pool:
        """The pool that the host sees at that path (virStoragePoolLookupByTargetPath). Raises NoStoragePool."""
        return self._one(_BY_TARGET_PATH, path, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Pool:
        """Keep a definition, or replace the one with the same UUID and name (virStoragePoolDefineXML).

        Raises XMLError, UnsupportedConfig, AlreadyExists for a name, UUID or storage that is another pool's.
        """
        return self._one(_DEFINE_XML, xml, int(StoragePoolDefineFlags.VALIDATE) if validate else 0, deadline=deadline)

    def create(
        self,
        xml: str,
        *,
        build: bool = False,
        overwrite: bool = False,
        no_overwrite: bool = False,
        deadline: float | None = None,
    ) -> Pool:
        """Start a transient pool: it is gone when it stops (virStoragePoolCreateXML); see :meth:`Pool.start`."""
        return self._one(_CREATE_XML, xml, start_flags(build, overwrite, no_overwrite), deadline=deadline)

    def volume_by_key(self, key: str, *, deadline: float | None = None) -> Volume:
        """The volume with that key, in whatever pool (virStorageVolLookupByKey). Raises NoStorageVolume."""
        from .volume import Volume

        return Volume(self._session, self._session.call(_VOLUME_BY_KEY, key, deadline=deadline)[0])

    def volume_by_path(self, path: str, *, deadline: float | None = None) -> Volume:
        """The volume at that path, in whatever pool (virStorageVolLookupByPath). Raises NoStorageVolume."""
        from .volume import Volume

        return Volume(self._session, self._session.call(_VOLUME_BY_PATH, path, deadline=deadline)[0])

    def find_sources(self, type: str, spec: str | None = None, *, deadline: float | None = None) -> str:
        """What pools of a type could be made of, as XML (virConnectFindStoragePoolSources).

        ``spec`` is a ``<source>`` that says where to look: on which host.
        """
        return self._session.call(_FIND_SOURCES, type, spec, 0, deadline=deadline)[0]

    def capabilities(self, *, deadline: float | None = None) -> str:
        """Which types of pools the driver has, as XML (virConnectGetStoragePoolCapabilities)."""
        return self._session.call(_CAPABILITIES, 0, deadline=deadline)[0]

    def events(
        self,
        pools: Pool | str | Iterable[Pool | str] | None = None,
        kinds: StoragePoolEventLifecycleType | Collection[StoragePoolEventLifecycleType] | None = None,
        timeout: float | None = None,
        *,
        deadline: float | None = None,
    ) -> PoolEvents:
        """Iterate what happens to pools from now on (virConnectStoragePoolEventRegisterAny); see ``host.events``."""
        from .object_events import PoolEvents

        return PoolEvents(self._session, pools, kinds, timeout, deadline)


def start_flags(build: bool, overwrite: bool, no_overwrite: bool) -> int:
    """The virStoragePoolCreateFlags that the named wishes make."""
    return bits(
        {
            StoragePoolCreateFlags.WITH_BUILD: build,
            StoragePoolCreateFlags.WITH_BUILD_OVERWRITE: overwrite,
            StoragePoolCreateFlags.WITH_BUILD_NO_OVERWRITE: no_overwrite,
        }
    )


def type_flags(types: Iterable[str]) -> int:
    """The filter flags of types of pools by name. Raises InvalidArgument for one that is none."""
    chosen = 0
    for name in types:
        if name not in TYPES:
            raise InvalidArgument(f"'{name}' is no type of storage pool; those are {', '.join(TYPES)}")
        chosen |= TYPES[name]
    return int(chosen)
