"""A peer for the client: the other end of a socketpair, which says exactly what a test wants it to say."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from virtactor.client import DomainState, Host, connect
from virtactor.client.connection import Connection
from virtactor.client.transports.local import SocketLink
from virtactor.wire.errors import VirtError
from virtactor.wire.framing import Packet, PacketReader, PacketType, Status, encode_packet
from virtactor.wire.lanes import lane_of
from virtactor.wire.pack import encode
from virtactor.wire.table import ROWS, Row, row_of

from ..libvirtd import Libvirtd
from ..waiting import PATIENCE, in_thread, wait_until

__all__ = ["PATIENCE", "in_thread", "wait_until"]

Handler = Callable[..., tuple]


class Peer:
    """The daemon's end of a connection. ``receive`` and the ``send`` methods script it; ``serve`` answers by itself."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.socket = sock
        self._reader = PacketReader()
        self._packets: list[Packet] = []
        self._server: threading.Thread | None = None
        self.calls: list[tuple[str, tuple]] = []

    @property
    def last_call(self) -> str:
        """The row that was called last, as far as ``serve`` came."""
        return self.calls[-1][0] if self.calls else ""

    def receive(self) -> Packet:
        """The next packet. Raises EOFError when the client has closed."""
        while not self._packets:
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError
            self._packets.extend(self._reader.feed(data))
        return self._packets.pop(0)

    def receive_call(self, name: str) -> tuple[Packet, tuple, dict]:
        """The next packet, which must be a call of that row: it, its arguments and its options."""
        packet = self.receive()
        row = row_of(packet.program, packet.procedure)
        assert row is not None
        assert (row.name, packet.type) == (name, PacketType.CALL)
        args, options = lane_of(packet.program).codec(row).decode_args(packet.payload)
        return packet, args, dict(options)

    def reply(self, call: Packet, *fields: Any, extras: dict | None = None) -> None:
        row = row_of(call.program, call.procedure)
        assert row is not None
        self.send(call, PacketType.REPLY, Status.OK, lane_of(call.program).codec(row).encode_result(fields, extras))

    def fail(self, call: Packet, error: VirtError, extras: dict | None = None) -> None:
        self.send(call, PacketType.REPLY, Status.ERROR, lane_of(call.program).encode_error(error, extras))

    def stream(self, call: Packet, status: Status, payload: bytes = b"") -> None:
        self.send(call, PacketType.STREAM, status, payload)

    def send(self, call: Packet, type: int, status: int, payload: bytes) -> None:
        self.socket.sendall(reply_packet(call, type, status, payload))

    def message(self, row: Row, *fields: Any) -> None:
        packet = encode_packet(row.msgpack_program, 1, row.number, PacketType.MESSAGE, 0, 0, encode(fields))
        self.socket.sendall(packet)

    def event(self, sequence: int, name: str, type_: int, detail: int = 0, when: float = 0.0) -> None:
        """A lifecycle event of the domain that ``domain_ref(name)`` stands for."""
        row = ROWS["domain_event_lifecycle"]
        self.message(ROWS["event"], sequence, when, row.number, encode((domain_ref(name), type_, detail)))

    def serve(self, handlers: dict[str, Handler]) -> None:
        """Answer calls on a thread until the client closes: ``handlers`` take arguments to result fields, or raise.

        What was called is in ``calls``.
        """
        self._server = threading.Thread(target=self._serve, args=(handlers,), name="peer")
        self._server.start()

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self._server is not None:
            self._server.join(PATIENCE)
        self.socket.close()

    def _serve(self, handlers: dict[str, Handler]) -> None:
        with suppress(EOFError, OSError):
            while True:
                call = self.receive()
                row = row_of(call.program, call.procedure)
                if call.type == PacketType.CALL and row is not None:
                    self._answer(call, row, handlers)

    def _answer(self, call: Packet, row: Row, handlers: dict[str, Handler]) -> None:
        args, _ = lane_of(call.program).codec(row).decode_args(call.payload)
        self.calls.append((row.name, args))
        try:
            self.reply(call, *handlers[row.name](*args))
        except VirtError as error:
            self.fail(call, error)


class FakeDaemon:
    """A listening socket; each client that comes becomes a Peer that serves ``handlers``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handlers: dict[str, Handler] = {
            "connect_open": lambda name, flags: (),
            "connect_close": lambda: (),
            "connect_get_hostname": lambda: ("here",),
            "events_subscribe": lambda procedures, epoch, after: ("life 1", 10, False),
            "events_unsubscribe": lambda: (),
        }
        self.peers: list[Peer] = []
        self._listener: socket.socket | None = None
        self.start()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        listener = self._listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen()
        self._thread = threading.Thread(target=self._accept, args=(listener,), name="daemon")
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer = Peer(listener.accept()[0])
                self.peers.append(peer)
                peer.serve(self.handlers)

    def connect(self, **more: Any) -> Host:
        return connect(
            f"test+unix:///default?socket={self.path}", **{"keepalive_interval": 0, "lane": "msgpack", **more}
        )

    @property
    def peer(self) -> Peer:
        """The latest client's."""
        return self.peers[-1]

    def stop(self) -> None:
        """As if killed: the socket stays behind, all connections break."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join(PATIENCE)
            self._listener.close()
            self._listener = None
        for peer in self.peers:
            peer.close()


def reply_packet(call: Packet, type: int, status: int, payload: bytes) -> bytes:
    return encode_packet(call.program, 1, call.procedure, type, call.serial, status, payload)


def domain_ref(name: str, id: int = -1) -> tuple[str, bytes, int]:
    return (name, name.encode().rjust(16, b"\0"), id)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every test leaves as many threads, sockets and eventfds as it found."""
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    wait_until(lambda: not set(threading.enumerate()) - threads)
    wait_until(lambda: not _descriptors() - descriptors)


def _descriptors() -> set[str]:
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            found.add(f"{descriptor} {os.readlink(f'/proc/self/fd/{descriptor}')}")
    return {one for one in found if "socket:" in one or "eventfd" in one}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    """A daemon of our own making."""
    daemon = FakeDaemon(tmp_path / "sock")
    yield daemon
    daemon.stop()


@pytest.fixture
def ends() -> Iterator[tuple[Connection, Peer]]:
    """A connection without keepalive, and its peer."""
    ours, theirs = socket.socketpair()
    connection, peer = Connection(SocketLink(ours)), Peer(theirs)
    yield connection, peer
    connection.break_off("the test is over")
    peer.close()


@pytest.fixture(params=["ours", "libvirtd"])
def a_test_driver(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A test driver as it begins: ours in this process, and libvirt's behind a real libvirtd."""
    if request.param == "ours":
        with connect("test:///default") as host:
            yield host
        return
    with libvirts_test_driver(request.getfixturevalue("libvirtd")) as host:
        yield host


def libvirts_test_driver(libvirtd: Libvirtd) -> Host:
    """A connection to libvirtd's test driver as it begins.

    It forgets what was done when its last connection ends, a little after that was closed, of which nobody is told.
    """
    until = time.monotonic() + PATIENCE
    while True:
        host = connect(libvirtd.uri("test"), keepalive_interval=0)
        if _is_new(host):
            return host
        host.close()
        assert time.monotonic() < until, "somebody else is connected"
        time.sleep(0.01)


def _is_new(host: Host) -> bool:
    """Whether nobody has done to a test driver what the tests here do."""
    (domain, *more), networks, pools = host.domains, list(host.networks), list(host.pools)
    return (
        not more
        and domain.state()[0] is DomainState.RUNNING
        and not domain.snapshots
        and not domain.checkpoints
        and [one.name for one in networks if one.is_active()] == ["default"] == [one.name for one in networks]
        and [one.name for one in pools if one.is_active()] == ["default-pool"] == [one.name for one in pools]
        and not pools[0].volumes
        and len(host.interfaces) == 1
        and len(host.node_devices) == 4
    )
