"""The blocking client: ``connect`` to a host, drive its domains, follow its events.

    from virtactor.client import connect

    with connect("qemu:///system") as host:
        guests = host.domains.start_all(definitions).raise_for_failures()
        for event in host.events(domains=guests):
            print(event.domain.name, event.type.name)

Every failure is a VirtError of ``virtactor.wire.errors``, whose tree says whose fault it was.
"""

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
    NoConnect,
    NoDomain,
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
from .host import Host, Version, connect
from .results import Results
from .streams import Console, Stream
from .trace import CallTrace, TraceEntry

__all__ = [
    "AlreadyExists",
    "AuthFailed",
    "CallTrace",
    "CallerError",
    "ConnectionLost",
    "Console",
    "Domain",
    "DomainControlInfo",
    "DomainEventType",
    "DomainInfo",
    "DomainState",
    "Domains",
    "Event",
    "Events",
    "EventsMissed",
    "Host",
    "HostError",
    "InternalError",
    "InvalidArgument",
    "MonitorFailure",
    "NoConnect",
    "NoDomain",
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
    "Results",
    "StateError",
    "Stream",
    "SystemFailure",
    "TraceEntry",
    "UnsupportedConfig",
    "Version",
    "VirtError",
    "XMLError",
    "connect",
]
