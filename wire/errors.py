"""The one tree of errors that both ends raise, and their form on the wire.

Whose fault it is decides the branch; the libvirt code decides the leaf::

    VirtError
    ├── CallerError            the call is wrong; the same call will fail again
    │   ├── InvalidArgument    a value is out of range, or values do not fit together
    │   ├── XMLError           a document is malformed or says something impossible (``line``)
    │   ├── UnsupportedConfig  a document asks for what this driver cannot do
    │   ├── NotSupported       the driver has no such operation
    │   ├── OperationDenied    read-only connection, or the caller lacks the permission
    │   ├── NotFound           ── NoDomain, NoDomainMetadata, NoNetwork, NoStoragePool, … nothing has that name
    │   └── AlreadyExists      a name or UUID is taken
    ├── StateError             the object is not in a state for it; later it may work
    │   ├── OperationInvalid   wrong state (``domain is not running``)
    │   ├── OperationTimeout   the deadline passed (``holder`` held the object for ``held_for`` seconds)
    │   ├── OperationAborted   an interrupt, or the caller, ended it
    │   └── ResourceBusy       somebody else holds what it needs (``holder``)
    ├── HostError              this host or its QEMU failed
    │   ├── SystemFailure      the kernel said no (``errno``)
    │   ├── ProcessFailure     a program failed (``stderr``: its last lines)
    │   ├── MonitorFailure     QEMU refused a command (``qmp_class``)
    │   └── OperationFailed    anything else that did not work out
    ├── PeerError              the two ends could not talk
    │   ├── NoConnect          nobody there, or no driver for that URI
    │   ├── ConnectionLost     the connection broke; it is unknown whether calls under way took effect
    │   ├── ProtocolError      the peer sent what the protocol does not allow
    │   └── AuthFailed         the peer did not accept who we are
    └── InternalError          a defect of ours

``code`` and ``domain`` are libvirt's virErrorNumber and virErrorDomain. ``str(error)`` is the whole message, beginning
with the words of its kind, as libvirt's messages do. Extra facts travel beside the message in ``data``; clients of
libvirt's own protocol see the message only, so it must be complete without them.

Rejected: an exception class for each of libvirt's 110 codes (nobody catches most of them; ``code`` is there for those
who do), and classes by the daemon's area (a caller asks whose fault it is, not which source file noticed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .enums.error import ErrorDomain, ErrorLevel, ErrorNumber

# The facts beside a message, and what they are.
DATA_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "object": str,
    "holder": str,
    "held_for": (float, int),
    "stderr": str,
    "hint": str,
    "line": int,
    "errno": int,
    "qmp_class": str,
}


# Codes whose messages begin otherwise than those of the class that has them.
_SUMMARY_OF_CODE: Mapping[int, str] = {
    ErrorNumber.INTERNAL_ERROR: "internal error",
    ErrorNumber.OPERATION_UNSUPPORTED: "Operation not supported",
    ErrorNumber.ARGUMENT_UNSUPPORTED: "argument unsupported",
    ErrorNumber.XML_DETAIL: "",
    ErrorNumber.XML_INVALID_SCHEMA: "XML document failed to validate against schema",
    ErrorNumber.MULTIPLE_INTERFACES: "multiple matching interfaces found",
    ErrorNumber.AGENT_UNRESPONSIVE: "Guest agent is not responding",
    ErrorNumber.NO_HOSTNAME: "no hostname found",
}


class VirtError(Exception):
    """Any failure of a call.

    ``object`` names what the call was about, ``holder`` the job that was in the way and ``held_for`` for how many
    seconds, ``stderr`` has the last lines of a program that failed, ``hint`` says what to try, ``line`` is a line of
    the document that was passed in.
    """

    code: ErrorNumber | int = ErrorNumber.INTERNAL_ERROR
    summary: ClassVar[str] = "internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        code: int | None = None,
        domain: int = ErrorDomain.NONE,
        level: int = ErrorLevel.ERROR,
        object: str | None = None,
        holder: str | None = None,
        held_for: float | None = None,
        stderr: str | None = None,
        hint: str | None = None,
        line: int | None = None,
        errno: int | None = None,
        qmp_class: str | None = None,
    ) -> None:
        summary = self.summary if code is None else _SUMMARY_OF_CODE.get(code, self.summary)
        self.message = ": ".join(filter(None, (summary, detail)))
        super().__init__(self.message)
        if code is not None:
            self.code = code
        self.domain = domain
        self.level = level
        self.object = object
        self.holder = holder
        self.held_for = held_for
        self.stderr = stderr
        self.hint = hint
        self.line = line
        self.errno = errno
        self.qmp_class = qmp_class

    @property
    def data(self) -> dict[str, Any]:
        """The facts that stand beside the message, those that are known."""
        return {name: value for name in DATA_FIELDS if (value := getattr(self, name)) is not None}

    def to_wire(self) -> dict[str, Any]:
        """The error as the msgpack lane carries it; ``kind`` is its class, which several codes share."""
        return {
            "kind": type(self).__name__,
            "code": int(self.code),
            "domain": int(self.domain),
            "level": int(self.level),
            "message": self.message,
            "data": self.data,
        }


class CallerError(VirtError):
    """The call itself is wrong; repeating it cannot help."""

    code = ErrorNumber.INVALID_ARG
    summary = "invalid argument"


class InvalidArgument(CallerError):
    """A value is out of range or values do not fit together."""


class XMLError(CallerError):
    """A document is malformed, or an element has an impossible value; ``line`` counts from 1."""

    code = ErrorNumber.XML_ERROR
    summary = "XML error"


class UnsupportedConfig(CallerError):
    """A document asks for something that this driver does not do."""

    code = ErrorNumber.CONFIG_UNSUPPORTED
    summary = "unsupported configuration"


class NotSupported(CallerError):
    """The connection's driver has no such operation."""

    code = ErrorNumber.NO_SUPPORT
    summary = "this function is not supported by the connection driver"


class OperationDenied(CallerError):
    """The connection is read-only, or its user lacks the permission."""

    code = ErrorNumber.OPERATION_DENIED
    summary = "operation forbidden"


class NotFound(CallerError):
    """Nothing has that name, UUID or id."""

    code = ErrorNumber.INVALID_ARG
    summary = "not found"


class NoDomain(NotFound):
    code = ErrorNumber.NO_DOMAIN
    summary = "Domain not found"


class NoDomainMetadata(NotFound):
    code = ErrorNumber.NO_DOMAIN_METADATA
    summary = "metadata not found"


class NoNetwork(NotFound):
    code = ErrorNumber.NO_NETWORK
    summary = "Network not found"


class NoStoragePool(NotFound):
    code = ErrorNumber.NO_STORAGE_POOL
    summary = "Storage pool not found"


class NoStorageVolume(NotFound):
    code = ErrorNumber.NO_STORAGE_VOL
    summary = "Storage volume not found"


class NoInterface(NotFound):
    code = ErrorNumber.NO_INTERFACE
    summary = "Interface not found"


class NoNodeDevice(NotFound):
    code = ErrorNumber.NO_NODE_DEVICE
    summary = "Node device not found"


class NoSecret(NotFound):
    code = ErrorNumber.NO_SECRET
    summary = "Secret not found"


class NoNWFilter(NotFound):
    code = ErrorNumber.NO_NWFILTER
    summary = "Network filter not found"


class NoNWFilterBinding(NotFound):
    code = ErrorNumber.NO_NWFILTER_BINDING
    summary = "Network filter binding not found"


class NoNetworkPort(NotFound):
    code = ErrorNumber.NO_NETWORK_PORT
    summary = "network port not found"


class NoSnapshot(NotFound):
    code = ErrorNumber.NO_DOMAIN_SNAPSHOT
    summary = "Domain snapshot not found"


class NoCheckpoint(NotFound):
    code = ErrorNumber.NO_DOMAIN_CHECKPOINT
    summary = "Domain checkpoint not found"


class NoBackup(NotFound):
    code = ErrorNumber.NO_DOMAIN_BACKUP
    summary = "Domain backup job id not found"


class AlreadyExists(CallerError):
    """A name or UUID is taken by another object (libvirt: operation failed)."""

    code = ErrorNumber.OPERATION_FAILED
    summary = "operation failed"


class StateError(VirtError):
    """The object is not in a state for this call."""

    code = ErrorNumber.OPERATION_INVALID
    summary = "Requested operation is not valid"


class OperationInvalid(StateError):
    """The object is in the wrong state."""


class OperationTimeout(StateError):
    """The call's deadline passed; the object stays usable."""

    code = ErrorNumber.OPERATION_TIMEOUT
    summary = "operation timed out"


class OperationAborted(StateError):
    """The call was ended by an interrupt (destroy, abort) before it was through."""

    code = ErrorNumber.OPERATION_ABORTED
    summary = "operation aborted"


class ResourceBusy(StateError):
    """Somebody else holds what the call needs."""

    code = ErrorNumber.RESOURCE_BUSY
    summary = "resource busy"


class HostError(VirtError):
    """This host, or a program on it, failed."""

    code = ErrorNumber.OPERATION_FAILED
    summary = "operation failed"


class OperationFailed(HostError):
    """The operation was possible, was tried, and did not work out."""


class SystemFailure(HostError):
    """A system call failed; ``errno`` says how."""

    code = ErrorNumber.SYSTEM_ERROR
    summary = "system error"


class ProcessFailure(HostError):
    """A program (QEMU most of all) did not do what was asked; ``stderr`` has its last lines."""

    code = ErrorNumber.INTERNAL_ERROR
    summary = "process failed"


class MonitorFailure(HostError):
    """QEMU answered a monitor command with an error of class ``qmp_class``."""

    code = ErrorNumber.INTERNAL_ERROR
    summary = "QEMU refused"


class PeerError(VirtError):
    """The two ends could not talk to each other."""

    code = ErrorNumber.RPC
    summary = "Cannot talk to the peer"


class NoConnect(PeerError):
    """Nobody answers at that URI, or nobody there has a driver for it."""

    code = ErrorNumber.NO_CONNECT
    summary = "no connection"


class ConnectionLost(PeerError):
    """The connection broke; whether calls under way took effect is unknown."""

    summary = "connection lost"


class ProtocolError(PeerError):
    """The peer sent something that the protocol does not allow."""

    summary = "protocol error"


class AuthFailed(PeerError):
    """The peer did not accept our identity."""

    code = ErrorNumber.AUTH_FAILED
    summary = "authentication failed"


class InternalError(VirtError):
    """A defect of virtactor's own; the daemon's log has the traceback."""


# Codes that several kinds share, or that libvirt hosts send and we do not: the kind that a caller would want to catch.
_KIND_OF_CODE: dict[int, type[VirtError]] = {
    ErrorNumber.INTERNAL_ERROR: InternalError,
    ErrorNumber.NO_SUPPORT: NotSupported,
    ErrorNumber.NO_CONNECT: NoConnect,
    ErrorNumber.INVALID_CONN: NoConnect,
    ErrorNumber.INVALID_ARG: InvalidArgument,
    ErrorNumber.INVALID_DOMAIN: InvalidArgument,
    ErrorNumber.OPERATION_FAILED: OperationFailed,
    ErrorNumber.DOM_EXIST: AlreadyExists,
    ErrorNumber.NETWORK_EXIST: AlreadyExists,
    ErrorNumber.NETWORK_PORT_EXIST: AlreadyExists,
    ErrorNumber.STORAGE_VOL_EXIST: AlreadyExists,
    ErrorNumber.XML_ERROR: XMLError,
    ErrorNumber.XML_DETAIL: XMLError,
    ErrorNumber.XML_INVALID_SCHEMA: XMLError,
    ErrorNumber.OS_TYPE: UnsupportedConfig,
    ErrorNumber.CONFIG_UNSUPPORTED: UnsupportedConfig,
    ErrorNumber.ARGUMENT_UNSUPPORTED: UnsupportedConfig,
    ErrorNumber.OPERATION_UNSUPPORTED: NotSupported,
    ErrorNumber.OPERATION_DENIED: OperationDenied,
    ErrorNumber.ACCESS_DENIED: OperationDenied,
    ErrorNumber.AUTH_FAILED: AuthFailed,
    ErrorNumber.AUTH_CANCELLED: AuthFailed,
    ErrorNumber.AUTH_UNAVAILABLE: AuthFailed,
    ErrorNumber.RPC: ProtocolError,
    ErrorNumber.SYSTEM_ERROR: SystemFailure,
    ErrorNumber.NO_DOMAIN: NoDomain,
    ErrorNumber.NO_DOMAIN_METADATA: NoDomainMetadata,
    ErrorNumber.NO_NETWORK: NoNetwork,
    ErrorNumber.NO_STORAGE_POOL: NoStoragePool,
    ErrorNumber.NO_STORAGE_VOL: NoStorageVolume,
    ErrorNumber.NO_INTERFACE: NoInterface,
    ErrorNumber.NO_NODE_DEVICE: NoNodeDevice,
    ErrorNumber.NO_SECRET: NoSecret,
    ErrorNumber.NO_NWFILTER: NoNWFilter,
    ErrorNumber.NO_NWFILTER_BINDING: NoNWFilterBinding,
    ErrorNumber.NO_NETWORK_PORT: NoNetworkPort,
    ErrorNumber.NO_DOMAIN_SNAPSHOT: NoSnapshot,
    ErrorNumber.NO_DOMAIN_CHECKPOINT: NoCheckpoint,
    ErrorNumber.NO_DOMAIN_BACKUP: NoBackup,
    ErrorNumber.OPERATION_INVALID: OperationInvalid,
    ErrorNumber.OPERATION_TIMEOUT: OperationTimeout,
    ErrorNumber.AGENT_UNRESPONSIVE: OperationTimeout,
    ErrorNumber.OPERATION_ABORTED: OperationAborted,
    ErrorNumber.RESOURCE_BUSY: ResourceBusy,
}


def error_from_wire(fields: Mapping[str, Any]) -> VirtError:
    """The exception that stands for an error received from a peer, complete with its message and data.

    ``fields`` is what :meth:`VirtError.to_wire` gave, or the same names taken from libvirt's error structure, which
    has no ``kind``: the code decides there. Unknown codes become HostError; unknown kinds and data are ignored, so an
    older client can talk to a newer daemon.
    """
    code = int(fields.get("code", ErrorNumber.INTERNAL_ERROR))
    given = fields.get("data") or {}
    kind = _KINDS.get(str(fields.get("kind"))) or _kind_of(code, given)
    error = kind(
        code=code,
        domain=int(fields.get("domain", ErrorDomain.NONE)),
        level=int(fields.get("level", ErrorLevel.ERROR)),
        **{name: given[name] for name, type_ in DATA_FIELDS.items() if isinstance(given.get(name), type_)},
    )
    error.message = str(fields.get("message") or error.summary)
    error.args = (error.message,)
    return error


def _kind_of(code: int, data: Mapping[str, Any]) -> type[VirtError]:
    if "qmp_class" in data:
        return MonitorFailure
    if "stderr" in data:
        return ProcessFailure
    return _KIND_OF_CODE.get(code, HostError)


def _kinds(kind: type[VirtError]) -> dict[str, type[VirtError]]:
    """An error class and all below it, by name."""
    found = {kind.__name__: kind}
    for narrower in kind.__subclasses__():
        found |= _kinds(narrower)
    return found


_KINDS = _kinds(VirtError)
