"""Connections, streams, typed parameters and event loops.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class ClientTransport(IntEnum):
    UNIX = 0
    TCP = 1
    TLS = 2


class ConnectCloseReason(IntEnum):
    ERROR = 0
    EOF = 1
    KEEPALIVE = 2
    CLIENT = 3


class ConnectCredentialType(IntEnum):
    USERNAME = 1
    AUTHNAME = 2
    LANGUAGE = 3
    CNONCE = 4
    PASSPHRASE = 5
    ECHOPROMPT = 6
    NOECHOPROMPT = 7
    REALM = 8
    EXTERNAL = 9


class ConnectFlags(IntFlag):
    RO = 1
    NO_ALIASES = 2


class EventHandleType(IntEnum):
    READABLE = 1
    WRITABLE = 2
    ERROR = 4
    HANGUP = 8


class Feature(IntEnum):
    """What ends ask each other whether they have it (libvirt's internal virDrvFeature)."""

    MIGRATION_V1 = 1
    REMOTE = 2
    MIGRATION_V2 = 3
    MIGRATION_P2P = 4
    MIGRATION_DIRECT = 5
    MIGRATION_V3 = 6
    MIGRATE_CHANGE_PROTECTION = 7
    FD_PASSING = 8
    TYPED_PARAM_STRING = 9
    PROGRAM_KEEPALIVE = 10
    XML_MIGRATABLE = 11
    MIGRATION_OFFLINE = 12
    MIGRATION_PARAMS = 13
    REMOTE_EVENT_CALLBACK = 14
    REMOTE_CLOSE_CALLBACK = 15
    NETWORK_UPDATE_HAS_CORRECT_ORDER = 16


class StreamEventType(IntEnum):
    READABLE = 1
    WRITABLE = 2
    ERROR = 4
    HANGUP = 8


class StreamFlags(IntFlag):
    NONBLOCK = 1


class StreamRecvFlagsValues(IntFlag):
    HOLE = 1


class TypedParameterFlags(IntFlag):
    OKAY = 4


class TypedParameterType(IntEnum):
    INT = 1
    UINT = 2
    LLONG = 3
    ULLONG = 4
    DOUBLE = 5
    BOOLEAN = 6
    STRING = 7
