"""Asks libvirtd what it refuses on a read-only connection.

    .venv/bin/python -m tests.wire.data.ask_readonly

It writes readonly.json, a line for each procedure:

- ``early``: answered before the client has proved who it is;
- ``unopened``: answered on a connection that has not opened a driver;
- ``denied``: refused on a read-only connection whatever its arguments, null where that was not asked;
- ``guarded``: the bits of its unsigned arguments that alone make it be refused there;
- ``size``: how many bytes of arguments it takes and not a word less, ``limits``: how many elements its lists take and
  not one more; null where libvirtd takes another number than the table says.

The packets' arguments are all zero, or where libvirtd wants more of them before it looks at the connection, ones and an
x: no object is found in either, so nothing is done that should not be. The connection is one to the test driver of a
libvirtd in namespaces of its own (tests/libvirtd.py). Not even so are procedures sent that take devices or interfaces
from the host, or the host from us.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

from virtactor.wire.table import EXTENSION_PROGRAM, ROWS, Access, Kind, Row
from virtactor.wire.table.types import (
    UUID,
    Array,
    Chars,
    Double,
    Field,
    Integer,
    List,
    Opaque,
    Optional,
    Parameter,
    String,
    Struct,
    Type,
)

from tests.libvirtd import Libvirtd

NOT_SENT = re.compile(r"interface_|node_suspend|node_device_(?!get|is|list|lookup|num)")
WITH_DESCRIPTOR = {"domain_fd_associate", "domain_open_graphics"}
# virErrorNumber
DENIED, INVALID_ARGUMENT = 29, 8
# The feature that clients ask for before they open a driver.
PROGRAM_KEEPALIVE = 10
# The types of packets.
CALL, REPLY, CALL_WITH_DESCRIPTORS = 0, 1, 4
HEADER = struct.Struct(">IIIiiIi")


class Client:
    """One connection that sends raw packets."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.serial = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def call(self, row: Row, payload: bytes) -> tuple[int, str]:
        """The code and text of the error that the call is answered with, 0 for success."""
        self.serial += 1
        kind = CALL
        if row.name in WITH_DESCRIPTOR:
            kind, payload = CALL_WITH_DESCRIPTORS, struct.pack(">I", 1) + payload
        header = HEADER.pack(HEADER.size + len(payload), row.program, 1, row.number, kind, self.serial, 0)
        self.socket.sendall(header + payload)
        if kind == CALL_WITH_DESCRIPTORS:
            socket.send_fds(self.socket, [b"\0"], [self.socket.fileno()])
        while True:
            _, _, _, _, kind, serial, status = HEADER.unpack(packet := self._take(HEADER.size))
            body = self._take(struct.unpack(">I", packet[:4])[0] - HEADER.size)
            if kind == REPLY and serial == self.serial:
                return _error(body) if status == 1 else (0, "")

    def _take(self, size: int) -> bytes:
        taken = b""
        while len(taken) < size:
            more = self.socket.recv(size - len(taken))
            if not more:
                raise ConnectionError("libvirtd closed the connection")
            taken += more
        return taken

    def open(self) -> None:
        name = b"test:///default\0"
        code, text = self.call(ROWS["connect_open"], struct.pack(">II", 1, 15) + name + struct.pack(">I", 1))
        assert code == 0, text


def _error(body: bytes) -> tuple[int, str]:
    code, _, has_text = struct.unpack(">iiI", body[:12])
    if not has_text:
        return code, ""
    (length,) = struct.unpack(">I", body[12:16])
    return code, body[16 : 16 + length].decode()


def zero(type_: Type) -> bytes:
    """A value of zeros, empty lists and absent options."""
    match type_:
        case Integer(name=("hyper" | "uhyper")) | Double():
            return bytes(8)
        case UUID():
            return bytes(16)
        case Array(of, length):
            return length * zero(of)
        case Chars(length, exact=True):
            return bytes(length * 4)
        case Struct(_, fields):
            return b"".join(zero(field.type) for field in fields)
    return bytes(4)


def one(type_: Type) -> bytes:
    """A value of ones, texts of one letter and lists of one element."""
    match type_:
        case Integer():
            return (1).to_bytes(len(zero(type_)), "big")
        case String() | Opaque():
            return b"\0\0\0\1x\0\0\0"
        case Parameter():
            return one(String()) + struct.pack(">Ii", 1, 1)
        case Optional(of) | List(of):
            return b"\0\0\0\1" + one(of)
        case Struct(_, fields):
            return b"".join(one(field.type) for field in fields)
    return zero(type_)


def zeros(row: Row) -> bytes:
    return b"".join(zero(field.type) for field in row.args)


def ones(row: Row) -> bytes:
    """Ones, but for flags."""
    return b"".join(zero(field.type) if field.name == "flags" else one(field.type) for field in row.args)


def only(row: Row, name: str, value: int) -> bytes:
    """Zeros, but for one unsigned argument."""
    fields = [(field.name, zero(field.type)) for field in row.args]
    return b"".join(value.to_bytes(len(empty), "big") if field == name else empty for field, empty in fields)


def guarded(row: Row, client: Client) -> dict[str, int]:
    """The bits that make a call be refused that is else let through."""
    found: dict[str, int] = {}
    for field in row.args:
        if isinstance(field.type, Integer) and field.type.name in ("uint", "uhyper"):
            bits = [1 << bit for bit in range(32)]
            found[field.name] = sum(bit for bit in bits if client.call(row, only(row, field.name, bit))[0] == DENIED)
    return {name: bits for name, bits in found.items() if bits}


def fits(row: Row, daemon: Libvirtd, payload: bytes) -> bool:
    """Whether libvirtd can read these arguments."""
    with Client(daemon.readonly_socket) as client:
        if row.access not in (Access.ANYONE, Access.NONE):
            client.open()
        return "decode" not in client.call(row, payload)[1]


def sizes(row: Row, daemon: Libvirtd) -> int | None:
    payload = zeros(row)
    exact = fits(row, daemon, payload) and not (payload and fits(row, daemon, payload[:-4]))
    return len(payload) if exact else None


def limits(row: Row, daemon: Libvirtd) -> dict[str, int | None]:
    """How many elements libvirtd takes in each list of a size that can be tried."""
    found: dict[str, int | None] = {}
    for field in row.args:
        if isinstance(field.type, List | Opaque) and field.type.max < 1_000_000:
            most = field.type.max
            exact = fits(row, daemon, filled(row, field, most)) and not fits(row, daemon, filled(row, field, most + 1))
            found[field.name] = most if exact else None
    return found


def filled(row: Row, field: Field, count: int) -> bytes:
    """Zeros, but for a list of so many elements."""
    of = field.type
    elements = one(of.of) * count if isinstance(of, List) else b"x" * count + bytes(-count % 4)
    return b"".join(struct.pack(">I", count) + elements if each is field else zero(each.type) for each in row.args)


def ask(row: Row, daemon: Libvirtd) -> dict[str, Any]:
    answer: dict[str, Any] = {"name": row.name, "early": None, "unopened": None, "denied": None, "guarded": {}}
    if NOT_SENT.match(row.name):
        return answer
    with Client(daemon.socket) as client:
        try:
            answer["early"] = "authentication required" not in client.call(row, zeros(row))[1]
        except ConnectionError:
            answer["early"] = False
    with Client(daemon.readonly_socket) as client:
        _, text = client.call(row, only(row, "feature", PROGRAM_KEEPALIVE))
        if "unknown procedure" in text:
            return {"name": row.name, "unknown": True}
        answer["unopened"] = "connection not open" not in text
    with Client(daemon.readonly_socket) as client:
        if row.name != "connect_open":
            client.open()
        code, text = client.call(row, zeros(row))
        if code == INVALID_ARGUMENT:
            code, text = client.call(row, ones(row))
        print(row.name, code, text, file=sys.stderr)
        answer["denied"] = code == DENIED
        if not answer["denied"]:
            answer["guarded"] = guarded(row, client)
    return {**answer, "size": sizes(row, daemon), "limits": limits(row, daemon)}


def main() -> None:
    rows = [row for row in ROWS.values() if row.program != EXTENSION_PROGRAM and row.kind is not Kind.MESSAGE]
    with tempfile.TemporaryDirectory(dir="/tmp") as root:
        daemon = Libvirtd(Path(root))
        settings = daemon.root / "etc/libvirtd.conf"
        settings.write_text(settings.read_text().replace('auth_unix_rw = "none"', 'auth_unix_rw = "sasl"'))
        daemon.start()
        try:
            lines = [json.dumps(ask(row, daemon)) for row in rows]
        finally:
            daemon.stop()
    (Path(__file__).parent / "readonly.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
