"""What a row of the table says about one procedure, and the few words in which the family modules write rows.

A row is the whole truth about one API. Codecs take its fields, the router its checks, the objects its kind, the
client and the shell their names and help, docs/api-support.md its place in libvirt's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .structs import STRUCTS
from .types import Field, Struct, parse_fields

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
    """What a connection must be for a call: WRITE refuses read-only ones, NONE works before authentication and open."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


class Target(Enum):
    """Who answers: the session itself, the connection's driver, or the object that the first argument names."""

    SESSION = "session"
    DRIVER = "driver"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One procedure.

    ``guarded`` maps the name of a flags argument to the bits that need WRITE access although the row itself does not.
    ``api`` is the public function of libvirt's that it serves, empty for our own extensions; ``commands`` are the
    shell's commands that lead to it; ``stream`` tells that the call opens a stream.
    """

    program: int
    number: int
    name: str
    args: tuple[Field, ...]
    result: tuple[Field, ...]
    kind: Kind
    target: Target
    access: Access
    permission: str
    help: str
    api: str = ""
    commands: tuple[str, ...] = ()
    stream: bool = False
    guarded: Mapping[str, int] = field(default_factory=dict)
    msgpack_program: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "msgpack_program", self.program | MSGPACK_BIT)


@dataclass(frozen=True, slots=True)
class Family:
    """Writes the rows of one program and target; the signature strings are those of types.py."""

    program: int
    target: Target
    structs: Mapping[str, Struct] = field(default_factory=lambda: STRUCTS)

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
            args=parse_fields(args, self.structs),
            result=parse_fields(result, self.structs),
            kind=kind,
            target=self.target,
            **more,
        )
