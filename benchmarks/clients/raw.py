"""The least load that still asks a daemon for its host's name: `python -m benchmarks.clients.raw SOCKET xdr|msgpack`.

Its packets are made once and answers are not decoded. What is left is the daemon. The framing is the same on both
sides; the payloads differ, and are written here by hand so that this runs under any Python.
"""

from __future__ import annotations

import socket
import struct
import sys
from functools import partial
from typing import Any, cast

from .serving import Client, serve

HEADER = struct.Struct(">IIIiiIi")
STATUS_AT = 24
CONNECT_OPEN, CONNECT_GET_HOSTNAME = 1, 59
URI = b"test:///default"
RECEIVE_SIZE = 65536
# The program, and the payloads of connect_open (the URI, no flags) and of a call without arguments.
CODECS = {
    "xdr": (0x20008086, struct.pack(">II16sI", 1, len(URI), URI, 0), b""),
    "msgpack": (0x30008086, bytes([0x92, 0xA0 + len(URI), *URI, 0]), b"\x90"),
}


class RawClient:
    """As much of a ``serving.Client`` as the throughput needs."""

    def __init__(self, path: str, codec: str) -> None:
        program, opening, nothing = CODECS[codec]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        answer = self._ask(_packet(program, CONNECT_OPEN, opening))
        if any(answer[STATUS_AT : STATUS_AT + 4]):
            raise ConnectionError("the daemon does not open the test driver")
        self._hostname = _packet(program, CONNECT_GET_HOSTNAME, nothing)

    def _ask(self, packet: bytes) -> bytes:
        self._socket.sendall(packet)
        return self._socket.recv(RECEIVE_SIZE)

    def hostname(self) -> Any:
        return self._ask(self._hostname)

    def close(self) -> None:
        self._socket.close()


def _packet(program: int, procedure: int, payload: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(payload), program, 1, procedure, 0, 1, 0) + payload


def _connect(path: str, codec: str) -> Client:
    return cast("Client", RawClient(path, codec))


if __name__ == "__main__":
    serve(partial(_connect, *sys.argv[1:]))
