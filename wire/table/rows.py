"""What a row of the table says about one procedure, and the few words in which the family modules write rows.

A row is the whole truth about one API. Codecs take its fields, the router its checks, the objects its kind, the
client and the shell their names and help, docs/api-support.md its place in libvirt's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from .structs import STRUCTS
from .types import Field, parse_fields

REMOTE_PROGRAM = 0x20008086
QEMU_PROGRAM = 0x20008087
KEEPALIVE_PROGRAM = 0x6B656570
EXTENSION_PROGRAM = 0x30008100
# The twin of a libvirt program (0x2…) whose payloads are msgpack (0x3…).
MSGPACK_BIT = 0x10000000


class Kind(Enum):
    """How an object takes a call (DESIGN section 5)."""

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


@dataclass(frozen=True, eq=False)
class Row:
    """One procedure.

    ``guarded`` maps the name of a flags argument to the bits that need WRITE access although the row itself does not.
    ``api`` is the public function of libvirt's that it serves, empty for our own extensions; ``commands`` are the
    shell's commands that lead to it; ``stream`` tells that the call opens a stream. The signatures are read when they
    are first asked for: a start of the shell uses a handful of several hundred.
    """

    program: int
    number: int
    name: str
    args_signature: str
    result_signature: str
    kind: Kind
    target: Target
    part: Part
    access: Access
    permission: str
    help: str
    api: str = ""
    commands: tuple[str, ...] = ()
    stream: bool = False
    guarded: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def msgpack_program(self) -> int:
        return self.program | MSGPACK_BIT

    @cached_property
    def args(self) -> tuple[Field, ...]:
        return parse_fields(self.args_signature, STRUCTS)

    @cached_property
    def result(self) -> tuple[Field, ...]:
        return parse_fields(self.result_signature, STRUCTS)


@dataclass(frozen=True)
class Family:
    """Writes the rows of one program, target and part; the signature strings are those of types.py."""

    program: int
    target: Target
    part: Part = Part.DOMAIN

    def query(self, number: int, name: str, args: str = "", result: str = "", **more) -> Row:
        return self._row(Kind.QUERY, number, name, args, result, **{"access": Access.READ, **more})

    def change(self, number: int, name: str, args: str = "", result: str = "", **more) -> Row:
        return self._row(Kind.CHANGE, number, name, args, result, **{"access": Access.WRITE, **more})

    def interrupt(self, number: int, name: str, args: str = "", result: str = "", **more) -> Row:
        return self._row(Kind.INTERRUPT, number, name, args, result, **{"access": Access.WRITE, **more})

    def message(self, number: int, name: str, fields: str, **more) -> Row:
        return self._row(Kind.MESSAGE, number, name, fields, "", **{"access": Access.READ, **more})

    def _row(self, kind: Kind, number: int, name: str, args: str, result: str, **more) -> Row:
        return Row(
            program=self.program,
            number=number,
            name=name,
            args_signature=args,
            result_signature=result,
            kind=kind,
            target=self.target,
            part=self.part,
            **more,
        )
