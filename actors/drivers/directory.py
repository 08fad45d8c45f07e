"""A driver's directory of its domains: names, UUIDs and ids stay unique because one actor decides.

The driver alone writes it. The router reads it, to find where a call goes; both run on the same loop, so a reader
never sees half a change. An entry also holds what lists filter by, as the object last told it (``Summary``), so that
a list asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import pykka

from ...wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ...wire.enums.domain import DomainState
from ...wire.enums.error import ErrorDomain
from ...wire.errors import AlreadyExists, NoDomain, OperationInvalid
from ...wire.table import DomainRef
from ...wire.table.structs import CheckpointRef, SnapshotRef

OFF = (DomainState.SHUTOFF, DomainState.NOSTATE)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a domain tells its driver of itself whenever some of it changes; ``id`` is -1 while it is not running."""

    uuid: bytes
    id: int = -1
    state: DomainState = DomainState.SHUTOFF
    persistent: bool = False
    autostart: bool = False
    managed_save: bool = False
    snapshots: bool = False
    checkpoints: bool = False


@dataclass(slots=True)
class Entry:
    """One domain in its driver's directory; ``handed_over`` counts the definitions that its driver has sent it."""

    name: str
    uuid: bytes
    ref: pykka.ActorRef[Any]
    summary: Summary
    traits: int = 0
    handed_over: int = 0

    def __post_init__(self) -> None:
        self.traits = _traits(self.summary)

    def domain_ref(self) -> DomainRef:
        return DomainRef(self.name, self.uuid, self.summary.id)


class Directory:
    """The domains of one driver, by UUID, name and id."""

    def __init__(self) -> None:
        self._by_uuid: dict[bytes, Entry] = {}
        self._by_name: dict[str, Entry] = {}
        self._by_id: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._by_uuid)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._by_uuid.values()))

    def find(self, uuid: bytes) -> Entry | None:
        return self._by_uuid.get(uuid)

    def ref_of(self, reference: DomainRef | SnapshotRef | CheckpointRef) -> pykka.ActorRef[Any]:
        """The actor of the domain that a call names, or whose snapshot or checkpoint it names. Raises NoDomain."""
        domain = reference if isinstance(reference, DomainRef) else reference.dom
        entry = self._by_uuid.get(domain.uuid)
        if entry is None:
            raise NoDomain(f"no domain with matching uuid '{UUID(bytes=domain.uuid)}' ({domain.name})")
        return entry.ref

    def gone(self, reference: DomainRef | SnapshotRef | CheckpointRef) -> NoDomain:
        """The error for a domain that ended while a call was on its way to it."""
        domain = reference if isinstance(reference, DomainRef) else reference.dom
        return NoDomain(f"domain '{domain.name}' is gone")

    def by_uuid(self, uuid: bytes) -> Entry:
        if (entry := self._by_uuid.get(uuid)) is None:
            raise NoDomain(f"no domain with matching uuid '{UUID(bytes=uuid)}'")
        return entry

    def by_name(self, name: str) -> Entry:
        if (entry := self._by_name.get(name)) is None:
            raise NoDomain(f"no domain with matching name '{name}'")
        return entry

    def by_id(self, id: int) -> Entry:
        if (entry := self._by_id.get(id)) is None:
            raise NoDomain(f"no domain with matching id {id}")
        return entry

    def claim(self, name: str, uuid: bytes) -> Entry | None:
        """The entry that has both, None when neither is taken. Raises AlreadyExists when only one of them is."""
        same_uuid, same_name = self._by_uuid.get(uuid), self._by_name.get(name)
        if same_uuid is same_name:
            return same_uuid
        taken = same_uuid or same_name
        assert taken is not None
        clash = "is already defined" if same_uuid is not None else "already exists"
        raise AlreadyExists(
            f"domain '{taken.name}' {clash} with uuid {UUID(bytes=taken.uuid)}",
            domain=ErrorDomain.DOMAIN,
            object=taken.name,
        )

    def add(self, entry: Entry) -> None:
        self._by_uuid[entry.uuid] = entry
        self._by_name[entry.name] = entry
        if entry.summary.id >= 0:
            self._by_id[entry.summary.id] = entry

    def update(self, summary: Summary) -> None:
        """Take what a domain told of itself. A domain that is gone by now is passed over."""
        entry = self._by_uuid.get(summary.uuid)
        if entry is None:
            return
        self._by_id.pop(entry.summary.id, None)
        entry.summary = summary
        entry.traits = _traits(summary)
        if summary.id >= 0:
            self._by_id[summary.id] = entry

    def rename(self, uuid: bytes, name: str) -> None:
        """Have a domain found by another name. Raises OperationInvalid when it is taken, or its own."""
        entry = self.by_uuid(uuid)
        if name == entry.name:
            raise OperationInvalid("Can't rename domain to itself", domain=ErrorDomain.DOMAIN, object=name)
        if name in self._by_name:
            raise OperationInvalid(f"domain with name '{name}' already exists", domain=ErrorDomain.DOMAIN, object=name)
        del self._by_name[entry.name]
        entry.name = name
        self._by_name[name] = entry

    def remove(self, uuid: bytes) -> Entry | None:
        entry = self._by_uuid.pop(uuid, None)
        if entry is not None:
            del self._by_name[entry.name]
            self._by_id.pop(entry.summary.id, None)
        return entry

    def select(self, flags: int) -> list[Entry]:
        """The entries that pass virConnectListAllDomains' filters: of each group, one of the flags given must hold."""
        groups = [group & flags for group in _GROUPS if group & flags]
        if not groups:
            return list(self._by_uuid.values())
        return [entry for entry in self._by_uuid.values() if all(entry.traits & group for group in groups)]


_GROUPS: tuple[int, ...] = (
    Flags.ACTIVE | Flags.INACTIVE,
    Flags.PERSISTENT | Flags.TRANSIENT,
    Flags.RUNNING | Flags.PAUSED | Flags.SHUTOFF | Flags.OTHER,
    Flags.MANAGEDSAVE | Flags.NO_MANAGEDSAVE,
    Flags.AUTOSTART | Flags.NO_AUTOSTART,
    Flags.HAS_SNAPSHOT | Flags.NO_SNAPSHOT,
    Flags.HAS_CHECKPOINT | Flags.NO_CHECKPOINT,
)
FILTERS = sum(_GROUPS)
_STATE_FLAG = {
    DomainState.RUNNING: Flags.RUNNING,
    DomainState.PAUSED: Flags.PAUSED,
    DomainState.SHUTOFF: Flags.SHUTOFF,
}


def _traits(summary: Summary) -> int:
    """The filter flags that a domain meets, as a plain int: lists test it for each of a thousand entries."""
    return _traits_of(*_what_counts(summary))


_what_counts = attrgetter("state", "persistent", "autostart", "managed_save", "snapshots", "checkpoints")


@cache
def _traits_of(
    state: DomainState, persistent: bool, autostart: bool, managed_save: bool, snapshots: bool, checkpoints: bool
) -> int:
    # Worked out once for each of the few cases: Python's flags take long to be put together.
    return int(
        (Flags.INACTIVE if state in OFF else Flags.ACTIVE)
        | (Flags.PERSISTENT if persistent else Flags.TRANSIENT)
        | (Flags.AUTOSTART if autostart else Flags.NO_AUTOSTART)
        | _STATE_FLAG.get(state, Flags.OTHER)
        | (Flags.MANAGEDSAVE if managed_save else Flags.NO_MANAGEDSAVE)
        | (Flags.HAS_SNAPSHOT if snapshots else Flags.NO_SNAPSHOT)
        | (Flags.HAS_CHECKPOINT if checkpoints else Flags.NO_CHECKPOINT)
    )
