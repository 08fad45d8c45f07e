"""What a row of the table says about one procedure, and the few words in which the family modules write rows.

A row is the whole truth about one API. Codecs take its fields, the router its checks, the objects its kind, the
client and the shell their names and help, docs/api-support.md its place in libvirt's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from .structs import STRUCTS
from .types import Field, parse_fields

REMOTE_PROGRAM = 0x20008086
QEMU_PROGRAM = 0x20008087
KEEPALIVE_PROGRAM = 0x6B656570
EXTENSION_PROGRAM = 0x30008100
# The twin of a libvirt program (0x2…) whose payloads are msgpack (0x3…).
MSGPACK_BIT = 0x10000000

_NOTHING: Mapping[str, int] = {}


class Kind(Enum):
    """How an object takes a call (DESIGN section 5): at once, in line behind the job at work, or in place of that job.

    It does not say who may call: a query can need WRITE access, where it hands out what the guest can be changed by.
    """

    QUERY = "query"
    CHANGE = "change"
    INTERRUPT = "interrupt"
    MESSAGE = "message"


class Access(Enum):
    """What a connection must be for a call, from least to most.

    ANYONE works before authentication, NONE before open, READ on a session that is open, WRITE on one that is not
    read-only.
    """

    ANYONE = "anyone"
    NONE = "none"
    READ = "read"
    WRITE = "write"


class Target(Enum):
    """Who answers: the session itself, a part of the connection's driver, or the object that the first argument names.

    What an argument names may belong to an object (a domain's snapshot, a pool's volume): then its owner answers.
    """

    SESSION = "session"
    DRIVER = "driver"
    OBJECT = "object"


class Part(Enum):
    """What a driver is made of. A URI picks the driver of domains; the other parts come along (DESIGN section 6)."""

    DOMAIN = "domain"
    NETWORK = "network"
    STORAGE = "storage"
    INTERFACE = "interface"
    NODE_DEVICE = "node_device"
    SECRET = "secret"
    NWFILTER = "nwfilter"


class Row:
    """One procedure.

    ``guarded`` maps the name of an unsigned argument to the bits that need WRITE access although the row itself does
    not. ``permission`` is what libvirt's access control asks for first, ``object:permission``, empty where it asks for
    nothing. ``api`` is the public function of libvirt's that it serves, empty for what only the connection itself is
    about and for our own extensions; ``newer`` is the version of libvirt that it came with, where that is after 9.0.0.
    ``commands`` are the shell's commands that lead to it; ``stream`` tells that the call opens a stream.

    A plain class with slots, and signatures that are read when they are first asked for: every start of the shell makes
    several hundred rows and uses a handful.
    """

    __slots__ = (
        "_args",
        "_result",
        "access",
        "api",
        "args_signature",
        "commands",
        "guarded",
        "help",
        "kind",
        "msgpack_program",
        "name",
        "newer",
        "number",
        "part",
        "permission",
        "program",
        "result_signature",
        "stream",
        "target",
    )

    def __init__(
        self,
        family: Family,
        kind: Kind,
        number: int,
        name: str,
        args: str,
        result: str,
        access: Access,
        permission: str,
        help: str,
        api: str = "",
        commands: tuple[str, ...] = (),
        stream: bool = False,
        guarded: Mapping[str, int] = _NOTHING,
        newer: str = "",
    ) -> None:
        self.program = family.program
        self.target = family.target
        self.part = family.part
        self.msgpack_program = family.program | MSGPACK_BIT
        self.kind = kind
        self.number = number
        self.name = name
        self.args_signature = args
        self.result_signature = result
        self.access = access
        self.permission = permission
        self.help = help
        self.api = api
        self.commands = commands
        self.stream = stream
        self.guarded = guarded
        self.newer = newer
        self._args: tuple[Field, ...] | None = None
        self._result: tuple[Field, ...] | None = None

    def __repr__(self) -> str:
        return f"<Row {self.name}>"

    @property
    def args(self) -> tuple[Field, ...]:
        if self._args is None:
            self._args = parse_fields(self.args_signature, STRUCTS)
        return self._args

    @property
    def result(self) -> tuple[Field, ...]:
        if self._result is None:
            self._result = parse_fields(self.result_signature, STRUCTS)
        return self._result


class Family:
    """Writes the rows of one program, target and part; the signature strings are those of types.py."""

    __slots__ = ("part", "program", "target")

    def __init__(self, program: int, target: Target, part: Part = Part.DOMAIN) -> None:
        self.program = program
        self.target = target
        self.part = part

    def query(
        self,
        number: int,
        name: str,
        args: str = "",
        result: str = "",
        *,
        access: Access = Access.READ,
        **more: Any,
    ) -> Row:
        return Row(self, Kind.QUERY, number, name, args, result, access, **more)

    def change(
        self,
        number: int,
        name: str,
        args: str = "",
        result: str = "",
        *,
        access: Access = Access.WRITE,
        **more: Any,
    ) -> Row:
        return Row(self, Kind.CHANGE, number, name, args, result, access, **more)

    def interrupt(
        self,
        number: int,
        name: str,
        args: str = "",
        result: str = "",
        *,
        access: Access = Access.WRITE,
        **more: Any,
    ) -> Row:
        return Row(self, Kind.INTERRUPT, number, name, args, result, access, **more)

    def message(self, number: int, name: str, fields: str, *, access: Access = Access.READ, **more: Any) -> Row:
        return Row(self, Kind.MESSAGE, number, name, fields, "", access, **more)
