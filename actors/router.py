"""The RPC dispatcher: checks a call by its row alone, finds who answers it, and forwards it. It never waits.

Because every check is made here and from the row, no API can forget its own: is the session open, may it write (also
where only some flags need that), does the object exist. The router also knows the drivers, which sessions open by
URI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pykka

from ..wire.enums.error import ErrorDomain
from ..wire.errors import NoConnect, NotSupported, OperationDenied, OperationInvalid, ProtocolError, VirtError
from ..wire.table import ROWS, Access, Row, Target
from ..wire.uri import ConnectURI
from .call import Call
from .connection.session import Session
from .drivers.handle import DriverHandle, PartHandle
from .runtime import LoopActor, Runtime, send

# Looked up once: Python 3.11 finds a member of an enumeration by a Python function.
_ANYONE, _NONE = Access.ANYONE, Access.NONE


@dataclass(frozen=True, slots=True)
class OpenDriver:
    """A connection wants the driver of a URI; it is answered with DriverOpened, or the call fails."""

    call: Call
    uri: ConnectURI

    def fail(self, error: BaseException) -> None:
        self.call.fail(error)


@dataclass(frozen=True, slots=True)
class DriverOpened:
    call: Call
    handle: DriverHandle

    def fail(self, error: BaseException) -> None:
        self.call.fail(error)


@dataclass(frozen=True, slots=True)
class CloseDriver:
    """A connection is done with the driver that it had opened, if it had."""

    connection: pykka.ActorRef[Any]


@dataclass(frozen=True, slots=True)
class DriverKind:
    """How the URIs of one scheme are opened: ``key`` says which of them share an instance.

    A ``lasting`` instance lives as long as the daemon, any other until its last session closes.
    """

    key: Callable[[ConnectURI], str]
    open: Callable[[ConnectURI], DriverHandle]
    lasting: bool


class Router(LoopActor):
    """The dispatcher of one daemon."""

    label = "router"

    def __init__(self, runtime: Runtime, kinds: dict[str, DriverKind]) -> None:
        super().__init__(runtime)
        self._kinds = kinds
        self._instances: dict[tuple[str, str], DriverHandle] = {}
        self._opened: dict[str, DriverHandle] = {}
        self._users: Counter[DriverHandle] = Counter()
        routes = {
            Target.SESSION: self._to_session,
            Target.DRIVER: self._to_driver,
            Target.OBJECT: self._to_object,
        }
        self._route = {row: routes[row.target] for row in ROWS.values()}

    def on_receive(self, message: Any) -> Any:
        if message.__class__ is Call:
            return self._dispatch(message)
        if isinstance(message, OpenDriver):
            return self._open(message)
        if isinstance(message, CloseDriver):
            return self._close(message)
        return super().on_receive(message)

    def _dispatch(self, call: Call) -> None:
        row, session = call.row, call.session
        if session.driver is None:
            _check_unopened(row, session)
        elif session.readonly:
            _check_write(row, call.args)
        if call.trace is None:
            self._route[row](call)
            return
        span = call.trace.open(self.label, f"route to {row.target.value}", 1)
        self._route[row](call)
        call.trace.close(span)

    def _to_session(self, call: Call) -> None:
        send(call.session.connection, call)

    def _to_driver(self, call: Call) -> None:
        _part_for(call).ref.tell(call)

    def _to_object(self, call: Call) -> None:
        part = _part_for(call)
        ref = part.directory.ref_of(call.args[0])
        if not send(ref, call):
            raise part.directory.gone(call.args[0])

    def _open(self, message: OpenDriver) -> None:
        uri, connection = message.uri, message.call.session.connection
        assert connection is not None
        if connection.actor_urn in self._opened:
            raise OperationInvalid("connection is already open")
        kind = self._kinds.get(uri.driver)
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            raise NoConnect(f"no driver for '{uri}' (drivers here: {known})")
        key = (uri.driver, kind.key(uri))
        handle = self._instances.get(key)
        if handle is None:
            handle = self._instances[key] = kind.open(uri)
        self._users[handle] += 1
        self._opened[connection.actor_urn] = handle
        if not send(connection, DriverOpened(message.call, handle)):
            self._close(CloseDriver(connection))

    def _close(self, message: CloseDriver) -> None:
        handle = self._opened.pop(message.connection.actor_urn, None)
        if handle is None:
            return
        self._users[handle] -= 1
        if self._users[handle] > 0 or self._kinds[handle.name].lasting:
            return
        del self._users[handle]
        self._instances = {key: found for key, found in self._instances.items() if found is not handle}
        for part in handle.parts.values():
            part.ref.stop(block=False)


def _part_for(call: Call) -> PartHandle:
    """The part of the session's driver that a row is about. Raises NotSupported where the driver has none."""
    driver, row = call.session.driver, call.row
    assert driver is not None
    part = driver.parts.get(row.part)
    if part is None:
        raise NotSupported(row.api or row.name)
    return part


def _check_unopened(row: Row, session: Session) -> None:
    """Raise when a call needs a session that is open, or a client that has said who it is."""
    if row.access is _ANYONE:
        return
    if not session.authenticated:
        raise ProtocolError("authentication required", domain=ErrorDomain.RPC)
    if row.access is not _NONE:
        raise NoConnect("the session is not open", domain=ErrorDomain.RPC)


def _check_write(row: Row, args: tuple[Any, ...]) -> None:
    """Raise OperationDenied when a read-only session may not make this call with these arguments."""
    if row.access is Access.WRITE:
        raise _denied(row)
    for field, value in zip(row.args, args, strict=True):
        if row.guarded.get(field.name, 0) & (value if isinstance(value, int) else 0):
            raise _denied(row)


def _denied(row: Row) -> VirtError:
    return OperationDenied(f"read only access prevents {row.api or row.name}")
