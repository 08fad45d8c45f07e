"""Storage pools of the test driver: there is no storage, so a pool of any type has 100 GiB, and volumes are entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pykka

from ....wire.documents.storage import (
    KINDS,
    PoolDefinition,
    PoolSource,
    SourceDevice,
    SourceHost,
    VolumeDefinition,
    complete_pool,
    complete_volume,
    format_sources,
    parse_source,
)
from ....wire.documents.testnode import InitialPool
from ....wire.enums.error import ErrorDomain
from ....wire.errors import InternalError, InvalidArgument, NotSupported
from ...call import Call
from ...events import EventLog
from ...runtime import Runtime
from ..defined import Upward
from ..domain import check_flags
from ..handle import PartHandle
from ..pool_directory import PoolDirectory
from ..storage import Pool, PoolDriver, Usage, identified, name_and_key, placed

CAPACITY = 100 << 30
_LOGICAL = tuple(
    PoolSource(devices=(SourceDevice(path=f"/dev/sda2{number}"),), name=f"testvg{number + 1}", format="lvm2")
    for number in range(2)
)


class TestPool(Pool):
    """A pool in memory."""

    __test__ = False
    strict = False

    def __init__(
        self, runtime: Runtime, upward: Upward, name: str, uuid: bytes, volumes: Mapping[str, VolumeDefinition]
    ) -> None:
        super().__init__(runtime, upward, name, uuid)
        self.volumes = dict(volumes)

    def usage(self) -> Usage:
        allocation = sum(volume.allocation or 0 for volume in self.volumes.values())
        return Usage(CAPACITY, allocation, max(0, CAPACITY - allocation))

    async def create(self, call: Call, definition: PoolDefinition) -> tuple[Any]:
        ref = await super().create(call, definition)
        # As libvirt's test driver does: what is started from XML is defined no more, even if it was.
        self.persistent = None
        self.tell_summary()
        return ref

    async def make_volume(
        self, call: Call, volume: VolumeDefinition, clone: VolumeDefinition | None, flags: int
    ) -> VolumeDefinition:
        if (volume.allocation or 0) > self.usage().available:
            raise InternalError(f"Not enough free space in pool for volume '{volume.name}'", object=volume.name)
        return volume


class TestPoolDriver(PoolDriver):
    """Pools in memory."""

    __test__ = False
    strict = False

    def __init__(
        self,
        runtime: Runtime,
        directory: PoolDirectory,
        events: pykka.ActorRef[EventLog],
        initial: Sequence[InitialPool],
    ) -> None:
        super().__init__(runtime, directory, events)
        self._initial = initial
        self._volumes: dict[str, dict[str, VolumeDefinition]] = {}

    def on_start(self) -> None:
        for pool in self._initial:
            definition = identified(complete_pool(pool.definition))
            name, key = name_and_key(definition)
            self.directory.take_source(definition)
            volumes = [_in_document(volume, definition) for volume in pool.volumes]
            self._volumes[name] = {volume.name or "": volume for volume in volumes}
            self.load(name, key, definition, definition)
        self._volumes.clear()

    def make_object(self, name: str, key: bytes) -> pykka.ActorRef[TestPool]:
        return TestPool.start(self.runtime, self.upward(), name, key, self._volumes.get(name, {}))

    def connect_find_storage_pool_sources(self, call: Call, type: str, src_spec: str | None, flags: int) -> tuple[str]:
        check_flags(call, flags, 0)
        if type == "logical":
            return (format_sources(_LOGICAL),)
        if type == "netfs":
            return (format_sources(_exports(src_spec)),)
        if type in KINDS:
            raise InternalError(f"unknown storage pool type {type}")
        raise NotSupported(f"pool type '{type}' does not support source discovery")


def _exports(spec: str | None) -> tuple[PoolSource, ...]:
    """What a server exports: it must be named, and then it has this."""
    source = parse_source(spec) if spec is not None else PoolSource()
    if not source.hosts:
        raise InvalidArgument("hostname must be specified for netfs sources")
    host = SourceHost(name=source.hosts[0].name)
    return (PoolSource(hosts=(host,), dir="/testshare", format="nfs"),)


def _in_document(volume: VolumeDefinition, pool: PoolDefinition) -> VolumeDefinition:
    """A document's volume, completed: it may say where it is and what its key is."""
    completed = placed(complete_volume(volume, pool.type), pool)
    path = volume.target.path or completed.target.path
    return replace(completed, key=volume.key or path, target=replace(completed.target, path=path))


def open_pools(runtime: Runtime, events: pykka.ActorRef[EventLog], initial: Sequence[InitialPool]) -> PartHandle:
    """Start the storage part of a test driver."""
    directory = PoolDirectory()
    driver = TestPoolDriver.start(runtime, directory, events, initial)
    return PartHandle(driver, directory, ErrorDomain.TEST)
