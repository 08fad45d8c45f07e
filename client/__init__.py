"""The blocking client: ``connect`` to a host, drive its domains, follow its events.

    from virtactor.client import connect

    with connect("qemu:///system") as host:
        guests = host.domains.start_all(definitions).raise_for_failures()
        for event in host.events(domains=guests):
            print(event.domain.name, event.type.name)

Every failure is a VirtError of ``virtactor.wire.errors``, whose tree says whose fault it was.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .host import Host, Version, connect

if TYPE_CHECKING:
    from ..wire.enums.domain import DomainState
    from ..wire.enums.domain_events import DomainEventType
    from ..wire.errors import (
        AlreadyExists,
        AuthFailed,
        CallerError,
        ConnectionLost,
        HostError,
        InternalError,
        InvalidArgument,
        MonitorFailure,
        NoBackup,
        NoCheckpoint,
        NoConnect,
        NoDomain,
        NoInterface,
        NoNetwork,
        NoNetworkPort,
        NoNodeDevice,
        NoNWFilter,
        NoNWFilterBinding,
        NoSecret,
        NoSnapshot,
        NoStoragePool,
        NoStorageVolume,
        NotFound,
        NotSupported,
        OperationAborted,
        OperationDenied,
        OperationFailed,
        OperationInvalid,
        OperationTimeout,
        PeerError,
        ProcessFailure,
        ProtocolError,
        ResourceBusy,
        StateError,
        SystemFailure,
        UnsupportedConfig,
        VirtError,
        XMLError,
    )
    from .domain import Domain, DomainControlInfo, DomainInfo
    from .domains import Domains
    from .events import Event, Events, EventsMissed
    from .interface import Interface
    from .network import DHCPLease, Network, NetworkPort
    from .node_device import NodeDevice
    from .nwfilter import NWFilter, NWFilterBinding
    from .object_events import (
        NetworkEvent,
        NetworkMetadataChanged,
        NodeDeviceEvent,
        NodeDeviceUpdated,
        PoolEvent,
        PoolRefreshed,
        SecretEvent,
        SecretValueChanged,
    )
    from .results import Results
    from .secret import Secret
    from .snapshots import Checkpoint, Snapshot
    from .storage import Pool, PoolInfo
    from .streams import Console, Hole, Stream
    from .trace import CallTrace, TraceEntry
    from .volume import Volume, VolumeInfo

# Names that not every program uses are imported at their first use: all of them together take a command line longer
# than what it was called for.
_LATER = {
    "..wire.enums.domain": ("DomainState",),
    "..wire.enums.domain_events": ("DomainEventType",),
    "..wire.errors": (
        "AlreadyExists",
        "AuthFailed",
        "CallerError",
        "ConnectionLost",
        "HostError",
        "InternalError",
        "InvalidArgument",
        "MonitorFailure",
        "NoBackup",
        "NoCheckpoint",
        "NoConnect",
        "NoDomain",
        "NoInterface",
        "NoNWFilter",
        "NoNWFilterBinding",
        "NoNetwork",
        "NoNetworkPort",
        "NoNodeDevice",
        "NoSecret",
        "NoSnapshot",
        "NoStoragePool",
        "NoStorageVolume",
        "NotFound",
        "NotSupported",
        "OperationAborted",
        "OperationDenied",
        "OperationFailed",
        "OperationInvalid",
        "OperationTimeout",
        "PeerError",
        "ProcessFailure",
        "ProtocolError",
        "ResourceBusy",
        "StateError",
        "SystemFailure",
        "UnsupportedConfig",
        "VirtError",
        "XMLError",
    ),
    ".domain": ("Domain", "DomainControlInfo", "DomainInfo"),
    ".domains": ("Domains",),
    ".events": ("Event", "Events", "EventsMissed"),
    ".interface": ("Interface",),
    ".network": ("DHCPLease", "Network", "NetworkPort"),
    ".node_device": ("NodeDevice",),
    ".nwfilter": ("NWFilter", "NWFilterBinding"),
    ".object_events": (
        "NetworkEvent",
        "NetworkMetadataChanged",
        "NodeDeviceEvent",
        "NodeDeviceUpdated",
        "PoolEvent",
        "PoolRefreshed",
        "SecretEvent",
        "SecretValueChanged",
    ),
    ".results": ("Results",),
    ".secret": ("Secret",),
    ".snapshots": ("Checkpoint", "Snapshot"),
    ".storage": ("Pool", "PoolInfo"),
    ".streams": ("Console", "Hole", "Stream"),
    ".trace": ("CallTrace", "TraceEntry"),
    ".volume": ("Volume", "VolumeInfo"),
}
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "AlreadyExists",
    "AuthFailed",
    "CallTrace",
    "CallerError",
    "Checkpoint",
    "ConnectionLost",
    "Console",
    "DHCPLease",
    "Domain",
    "DomainControlInfo",
    "DomainEventType",
    "DomainInfo",
    "DomainState",
    "Domains",
    "Event",
    "Events",
    "EventsMissed",
    "Hole",
    "Host",
    "HostError",
    "Interface",
    "InternalError",
    "InvalidArgument",
    "MonitorFailure",
    "NWFilter",
    "NWFilterBinding",
    "Network",
    "NetworkEvent",
    "NetworkMetadataChanged",
    "NetworkPort",
    "NoBackup",
    "NoCheckpoint",
    "NoConnect",
    "NoDomain",
    "NoInterface",
    "NoNWFilter",
    "NoNWFilterBinding",
    "NoNetwork",
    "NoNetworkPort",
    "NoNodeDevice",
    "NoSecret",
    "NoSnapshot",
    "NoStoragePool",
    "NoStorageVolume",
    "NodeDevice",
    "NodeDeviceEvent",
    "NodeDeviceUpdated",
    "NotFound",
    "NotSupported",
    "OperationAborted",
    "OperationDenied",
    "OperationFailed",
    "OperationInvalid",
    "OperationTimeout",
    "PeerError",
    "Pool",
    "PoolEvent",
    "PoolInfo",
    "PoolRefreshed",
    "ProcessFailure",
    "ProtocolError",
    "ResourceBusy",
    "Results",
    "Secret",
    "SecretEvent",
    "SecretValueChanged",
    "Snapshot",
    "StateError",
    "Stream",
    "SystemFailure",
    "TraceEntry",
    "UnsupportedConfig",
    "Version",
    "VirtError",
    "Volume",
    "VolumeInfo",
    "XMLError",
    "connect",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module, __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
