"""A host that virtual machines run on: what ``connect`` gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wire.errors import InvalidArgument
from ..wire.table import ROWS, Kind, Row
from .address import Address, resolve
from .closing import Closing
from .domains import Domains
from .inventory import Inventory
from .node import Node
from .reconnect import Session

if TYPE_CHECKING:
    from ..wire.enums.domain_events import DomainEventType
    from .domain import Domain
    from .domain.events import DomainEvent
    from .events import Event, Events
    from .monitor_events import MonitorEvents
    from .trace import CallTrace

_IS_SECURE = ROWS["connect_is_secure"]
_HOSTNAME = ROWS["connect_get_hostname"]
_TYPE = ROWS["connect_get_type"]
_VERSION = ROWS["connect_get_version"]
_LIB_VERSION = ROWS["connect_get_lib_version"]
_URI = ROWS["connect_get_uri"]


class Version(NamedTuple):
    """A version, comparable; ``str`` gives ``9.0.0``."""

    major: int
    minor: int
    micro: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"

    @classmethod
    def of_number(cls, number: int) -> Version:
        """From libvirt's form, major * 1000000 + minor * 1000 + micro."""
        return cls(number // 1_000_000, number // 1000 % 1000, number % 1000)


def connect(
    uri: str | None = None,
    *,
    readonly: bool = False,
    deadline: float | None = None,
    reconnect: bool = True,
    keepalive_interval: float = 5,
    keepalive_count: int = 5,
    root: str | Path | None = None,
    lane: str | None = None,
    on_trace: Callable[[CallTrace], None] | None = None,
) -> Host:
    """Connect to a host (virConnectOpen, virConnectOpenReadOnly).

    ``uri`` is libvirt's, by default ``$VIRTACTOR_DEFAULT_URI``, else ``qemu:///system`` for root and
    ``qemu:///session`` for others; docs/transports.md tells of all transports and parameters. On this machine the
    daemon is virtactord or, where that does not run, libvirtd, at its usual socket; virtactord's may be below ``root``
    (also ``?root=DIR``), either's at ``?socket=PATH``. ``test:///default`` and ``test:///path/to/definitions.xml``
    without any of these, and ``qemu:///embed?root=DIR``, run the daemon's actors inside this process.

    ``deadline`` is the default for all calls, in seconds; without one the daemon's own limits hold. Every
    ``keepalive_interval`` seconds (0: never) a silent peer is asked whether it lives; after ``keepalive_count``
    intervals without an answer the connection counts as lost. With ``reconnect`` a lost connection is made anew by the
    next call and by event iterators. ``lane`` (also ``?lane=``) forces how calls are encoded, ``msgpack`` or ``xdr``,
    where that is not to be found out. ``on_trace`` is called with the way of every call through the daemon.

    Raises NoConnect when nobody is there or nobody there has such a driver, AuthFailed when the socket is not for us,
    InvalidArgument for a malformed URI.
    """
    address = resolve(uri, readonly=readonly, root=Path(root) if root is not None else None, lane=lane)
    session = Session(
        address,
        deadline=deadline,
        reconnect=reconnect,
        keepalive_interval=keepalive_interval,
        keepalive_count=keepalive_count,
        on_trace=on_trace,
    )
    return Host(session, address)


class Host(Node, Inventory, Closing):
    """An open connection to a host; a context manager that closes it. Any number of threads may share one."""

    def __init__(self, session: Session, address: Address) -> None:
        self._session = session
        self._address = address
        self._uri: str | None = None
        self._type: str | None = None
        self.domains = Domains(session)

    def __repr__(self) -> str:
        return f"<Host {self._address.uri}{'' if self.is_alive else ' (not connected)'}>"

    def close(self) -> None:
        """End the connection; what it asked to be destroyed with it is destroyed (virConnectClose).

        Every thread that still waits for something gets ConnectionLost. Closing twice does nothing.
        """
        self._session.close()

    @property
    def is_alive(self) -> bool:
        """Whether the connection is up, as far as is known without asking (virConnectIsAlive)."""
        return self._session.is_alive

    def is_secure(self, *, deadline: float | None = None) -> bool:
        """Whether nobody else can read or change what passes: not by plain TCP, and by the daemon's word its own ways
        to the hypervisor are safe too (virConnectIsSecure)."""
        return self._address.uri.carrier != "tcp" and bool(self._session.call(_IS_SECURE, deadline=deadline)[0])

    @property
    def is_encrypted(self) -> bool:
        """Whether what passes is encrypted (virConnectIsEncrypted); a socket of this machine needs not be."""
        return self._address.uri.carrier in ("tls", "ssh")

    @property
    def is_readonly(self) -> bool:
        return self._address.readonly

    @property
    def uri(self) -> str:
        """What the session is open to, by the daemon's word (virConnectGetURI)."""
        if self._uri is None:
            self._uri = str(self._session.call(_URI)[0])
        return self._uri

    @property
    def type(self) -> str:
        """The name of the driver, ``QEMU`` or ``TEST`` (virConnectGetType)."""
        if self._type is None:
            self._type = str(self._session.call(_TYPE)[0])
        return self._type

    def hostname(self, *, deadline: float | None = None) -> str:
        """The host's name (virConnectGetHostname)."""
        return self._session.call(_HOSTNAME, deadline=deadline)[0]

    def version(self, *, deadline: float | None = None) -> Version:
        """The hypervisor's version (virConnectGetVersion)."""
        return Version.of_number(self._session.call(_VERSION, deadline=deadline)[0])

    def lib_version(self, *, deadline: float | None = None) -> Version:
        """The version of libvirt's API that the daemon serves (virConnectGetLibVersion)."""
        return Version.of_number(self._session.call(_LIB_VERSION, deadline=deadline)[0])

    def events(
        self,
        domains: Domain | str | Iterable[Domain | str] | None = None,
        kinds: DomainEventType | Collection[DomainEventType] | None = None,
        timeout: float | None = None,
        *,
        types: Iterable[type[Event | DomainEvent]] | None = None,
        deadline: float | None = None,
    ) -> Events:
        """Iterate what happens to domains from now on (virConnectDomainEventRegisterAny).

        That is their life: events of type Event, of which ``kinds`` chooses some. ``types`` are other classes of
        ``client.domain.events`` to follow instead (its ALL, for all but that). ``domains`` (values or names) chooses
        whose events, by default those of all. Iteration ends when nothing came for ``timeout`` seconds (None: never),
        or when the iterator is closed; it is a context manager. Nothing is dropped: where the daemon itself had to
        forget events while we were away, an EventsMissed stands in their place.
        """
        from .events import Events

        return Events(self._session, domains, kinds, timeout, deadline, types)

    def monitor_events(
        self,
        domain: Domain | None = None,
        event: str | None = None,
        *,
        regex: bool = False,
        ignore_case: bool = False,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> MonitorEvents:
        """Iterate QEMU's own events from now on (virConnectDomainQemuMonitorEventRegister).

        Of one domain or all, of one name or all; with ``regex`` of all names that an expression fits. Ends as
        :meth:`events` does, and with the connection: what happens while that is away is not told.
        """
        from .monitor_events import MonitorEvents

        return MonitorEvents(
            self._session, domain, event, regex=regex, ignore_case=ignore_case, timeout=timeout, deadline=deadline
        )

    def call(
        self,
        row: Row | str,
        *args: Any,
        deadline: float | None = None,
        trace: Callable[[CallTrace], None] | None = None,
    ) -> tuple[Any, ...]:
        """Call any row of the table by itself or its name; ``trace`` is handed the call's way through the daemon.

        ``args`` are the row's fields in order, the result its result's fields. Raises InvalidArgument for a name that
        is not in the table.
        """
        return self._session.call(row_named(row), *args, deadline=deadline, trace=trace)


def row_named(row: Row | str) -> Row:
    """The row itself, or that of the name. Raises InvalidArgument for one that a client cannot call."""
    found = row if isinstance(row, Row) else ROWS.get(row)
    if found is None:
        raise InvalidArgument(f"no procedure is named '{row}'")
    if found.kind is Kind.MESSAGE:
        raise InvalidArgument(f"'{found.name}' is sent by the daemon, not called")
    return found
