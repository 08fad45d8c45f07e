"""What happens to networks, storage pools, node devices and secrets, as typed events and iterators over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ..wire.enums.domain import DomainMetadataType
from ..wire.enums.host import NodeDeviceEventLifecycleType, SecretEventLifecycleType
from ..wire.enums.network import NetworkEventLifecycleType
from ..wire.enums.storage import StoragePoolEventLifecycleType
from ..wire.errors import InvalidArgument
from ..wire.table import ROWS, Row
from .events import Build, Feed, Found
from .network import Network
from .node_device import NodeDevice
from .objects import HostObject
from .secret import Secret
from .storage import Pool
from .values import member_or_number, words_of

if TYPE_CHECKING:
    from .reconnect import Session

Thing = TypeVar("Thing", bound=HostObject)
Type = TypeVar("Type", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class ObjectEvent(Generic[Thing]):
    """Something happened to ``subject``, which ``words`` say.

    ``sequence`` grows with each event of one daemon's life, ``when`` is in UTC.
    """

    said: ClassVar[str] = ""
    sequence: int
    when: datetime
    subject: Thing

    @property
    def words(self) -> str:
        return self.said

    def __str__(self) -> str:
        return f"{self.subject.name}: {self.words}"


@dataclass(frozen=True, slots=True)
class LifecycleEvent(ObjectEvent[Thing], Generic[Thing, Type]):
    """It came, went, or began or stopped to work."""

    type: Type | int
    detail: int

    @property
    def words(self) -> str:
        return words_of(self.type)


class NetworkEvent(LifecycleEvent[Network, NetworkEventLifecycleType]):
    """A network was defined, undefined, started or stopped (virConnectNetworkEventLifecycleCallback)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class NetworkMetadataChanged(ObjectEvent[Network]):
    """A network has other metadata (virConnectNetworkEventMetadataChangeCallback); ``uri`` is a namespace."""

    kind: DomainMetadataType | int
    uri: str | None

    @property
    def words(self) -> str:
        return f"metadata changed ({words_of(self.kind)})"


class PoolEvent(LifecycleEvent[Pool, StoragePoolEventLifecycleType]):
    """A storage pool was defined, started, built, … (virConnectStoragePoolEventLifecycleCallback)."""

    __slots__ = ()


class PoolRefreshed(ObjectEvent[Pool]):
    """A storage pool was looked through anew (virConnectStoragePoolEventGenericCallback)."""

    __slots__ = ()

    said = "refreshed"


class NodeDeviceEvent(LifecycleEvent[NodeDevice, NodeDeviceEventLifecycleType]):
    """A device of the host came or went (virConnectNodeDeviceEventLifecycleCallback)."""

    __slots__ = ()


class NodeDeviceUpdated(ObjectEvent[NodeDevice]):
    """What a device of the host tells of itself changed (virConnectNodeDeviceEventGenericCallback)."""

    __slots__ = ()

    said = "updated"


class SecretEvent(LifecycleEvent[Secret, SecretEventLifecycleType]):
    """A secret was defined or undefined (virConnectSecretEventLifecycleCallback)."""

    __slots__ = ()


class SecretValueChanged(ObjectEvent[Secret]):
    """A secret has another value (virConnectSecretEventGenericCallback)."""

    __slots__ = ()

    said = "value changed"


def _lifecycle(event: Callable[..., Any], thing: type[HostObject], types: type[IntEnum]) -> Build:
    """What makes the events of a lifecycle row."""

    def build(session: Session, sequence: int, when: datetime, fields: tuple[Any, ...]) -> Any:
        ref, type_, detail = fields
        return event(sequence, when, thing(session, ref), member_or_number(types, type_), detail)

    return build


def _plain(event: Callable[..., Any], thing: type[HostObject]) -> Build:
    """What makes the events of a row that has nothing but the object."""
    return lambda session, sequence, when, fields: event(sequence, when, thing(session, fields[0]))


def _metadata(session: Session, sequence: int, when: datetime, fields: tuple[Any, ...]) -> NetworkMetadataChanged:
    ref, kind, uri = fields
    return NetworkMetadataChanged(
        sequence, when, Network(session, ref), member_or_number(DomainMetadataType, kind), uri
    )


class ObjectEvents(Feed[Found]):
    """An iterator over events of objects of one kind; a context manager.

    ``things`` (values or names) and ``kinds`` (of the lifecycle) choose, by default everything; events that are none
    of the lifecycle come when no ``kinds`` are named.
    """

    thing: ClassVar[type[HostObject]]
    lifecycle: ClassVar[Row]

    def __init__(
        self,
        session: Session,
        things: Any | Iterable[Any] | None = None,
        kinds: int | Collection[int] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> None:
        self._things = None if things is None else self._chosen(things)
        self._kinds = None if kinds is None else frozenset([kinds] if isinstance(kinds, int) else kinds)
        super().__init__(session, timeout, deadline)

    def wants(self, row: Row, fields: tuple[Any, ...]) -> bool:
        if self._kinds is not None and (row is not self.lifecycle or fields[1] not in self._kinds):
            return False
        if self._things is None:
            return True
        thing = self.thing(self._session, fields[0])
        return thing in self._things or thing.name in self._things

    def _chosen(self, things: Any) -> frozenset[Any]:
        chosen = [things] if isinstance(things, HostObject | str) else list(things)
        for one in chosen:
            if not isinstance(one, str | self.thing):
                raise InvalidArgument(f"events of {one!r}: not a {self.thing.__name__.lower()} or a name")
        return frozenset(chosen)


class NetworkEvents(ObjectEvents[NetworkEvent | NetworkMetadataChanged]):
    """Made by ``host.networks.events``; see there."""

    thing = Network
    lifecycle = ROWS["network_event_lifecycle"]
    builders = {
        lifecycle: _lifecycle(NetworkEvent, Network, NetworkEventLifecycleType),
        ROWS["network_event_callback_metadata_change"]: _metadata,
    }


class PoolEvents(ObjectEvents[PoolEvent | PoolRefreshed]):
    """Made by ``host.pools.events``; see there."""

    thing = Pool
    lifecycle = ROWS["storage_pool_event_lifecycle"]
    builders = {
        lifecycle: _lifecycle(PoolEvent, Pool, StoragePoolEventLifecycleType),
        ROWS["storage_pool_event_refresh"]: _plain(PoolRefreshed, Pool),
    }


class NodeDeviceEvents(ObjectEvents[NodeDeviceEvent | NodeDeviceUpdated]):
    """Made by ``host.node_devices.events``; see there."""

    thing = NodeDevice
    lifecycle = ROWS["node_device_event_lifecycle"]
    builders = {
        lifecycle: _lifecycle(NodeDeviceEvent, NodeDevice, NodeDeviceEventLifecycleType),
        ROWS["node_device_event_update"]: _plain(NodeDeviceUpdated, NodeDevice),
    }


class SecretEvents(ObjectEvents[SecretEvent | SecretValueChanged]):
    """Made by ``host.secrets.events``; see there."""

    thing = Secret
    lifecycle = ROWS["secret_event_lifecycle"]
    builders = {
        lifecycle: _lifecycle(SecretEvent, Secret, SecretEventLifecycleType),
        ROWS["secret_event_value_changed"]: _plain(SecretValueChanged, Secret),
    }
