"""Streams and consoles, against a peer that says exactly what the test wants."""

from __future__ import annotations

import pytest
from virtactor.client.connection import Connection
from virtactor.client.streams import Console, Hole, Stream
from virtactor.wire.errors import (
    ConnectionLost,
    OperationAborted,
    OperationInvalid,
    OperationTimeout,
    ResourceBusy,
)
from virtactor.wire.framing import STREAM_DATA_MAX, Packet, PacketType, Status, decode_hole, encode_hole
from virtactor.wire.table import ROWS

from .conftest import PATIENCE, Peer, domain_ref, in_thread

OPEN = ROWS["domain_open_console"]


class Opened:
    """A stream that was just opened, and the call that did it."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        self.connection, self.peer = connection, peer
        self.stream, pending = connection.open_stream(OPEN, (domain_ref("web"), None, 0))
        self.call: Packet = peer.receive_call("domain_open_console")[0]
        peer.reply(self.call)
        assert pending.result(PATIENCE) == ()

    def says(self, payload: bytes, status: Status = Status.CONTINUE) -> None:
        self.peer.stream(self.call, status, payload)

    def hears(self) -> tuple[int, bytes]:
        packet = self.peer.receive()
        assert (packet.type, packet.serial, packet.procedure) == (PacketType.STREAM, self.call.serial, OPEN.number)
        return packet.status, packet.payload


@pytest.fixture
def opened(ends: tuple[Connection, Peer]) -> Opened:
    return Opened(*ends)


def test_data_that_comes_with_the_reply_is_not_lost(ends: tuple[Connection, Peer]) -> None:
    connection, peer = ends
    stream, pending = connection.open_stream(OPEN, (domain_ref("web"), None, 0))
    call = peer.receive()
    peer.reply(call)
    peer.stream(call, Status.CONTINUE, b"login: ")
    pending.result(PATIENCE)
    assert stream.read(timeout=PATIENCE) == b"login: "


def test_bytes_are_read_as_they_came_or_by_the_wished_number(opened: Opened) -> None:
    opened.says(b"hello ")
    opened.says(b"world")
    read = [opened.stream.read(2, timeout=PATIENCE) for _ in range(4)]
    assert read == [b"he", b"ll", b"o ", b"wo"]
    assert opened.stream.read(timeout=PATIENCE) == b"rld"


def test_a_read_that_waits_too_long_raises_and_loses_nothing(opened: Opened) -> None:
    with pytest.raises(OperationTimeout, match="nothing came"):
        opened.stream.read(timeout=0.01)
    opened.says(b"late")
    assert opened.stream.read(timeout=PATIENCE) == b"late"


def test_what_is_written_goes_out_in_packets_that_libvirt_takes(opened: Opened) -> None:
    data = bytes(range(256)) * 2048
    writing = in_thread(opened.stream.write, data)
    pieces = [opened.hears() for _ in range(3)]
    writing.result(PATIENCE)
    assert [len(piece) for _, piece in pieces] == [STREAM_DATA_MAX, STREAM_DATA_MAX, len(data) - 2 * STREAM_DATA_MAX]
    assert b"".join(piece for _, piece in pieces) == data
    assert {status for status, _ in pieces} == {Status.CONTINUE}


def test_our_finish_is_ok_and_waits_for_the_peers(opened: Opened) -> None:
    finishing = in_thread(opened.stream.finish)
    assert opened.hears() == (Status.OK, b"")
    opened.says(b"still on its way")
    assert not finishing.done()
    opened.says(b"", Status.OK)
    finishing.result(PATIENCE)
    with pytest.raises(OperationInvalid, match="closed"):
        opened.stream.write(b"x")


@pytest.mark.parametrize("status", [Status.CONTINUE, Status.OK])
def test_the_peers_finish_ends_reading_and_is_answered(opened: Opened, status: Status) -> None:
    opened.says(b"bye")
    opened.says(b"", status)
    assert opened.stream.read(timeout=PATIENCE) == b"bye"
    assert opened.stream.read(timeout=PATIENCE) == b""
    assert opened.stream.read(timeout=PATIENCE) == b""
    opened.stream.finish()
    assert opened.hears() == (Status.OK, b"")
    assert not opened.stream.is_open


def test_the_peers_abort_is_raised_by_reads_and_writes(opened: Opened) -> None:
    opened.peer.send(opened.call, PacketType.STREAM, Status.ERROR, _packed(ResourceBusy("taken", holder="client 2")))
    for _ in range(2):
        with pytest.raises(ResourceBusy, match="taken") as caught:
            opened.stream.read(timeout=PATIENCE)
        assert caught.value.holder == "client 2"
    with pytest.raises(ResourceBusy):
        opened.stream.write(b"x")
    opened.stream.finish()


def test_our_abort_tells_the_peer_and_ends_reading(opened: Opened) -> None:
    opened.stream.abort()
    assert opened.hears()[0] == Status.ERROR
    with pytest.raises(OperationAborted):
        opened.stream.read(timeout=PATIENCE)


def test_a_reader_learns_that_the_connection_is_gone(opened: Opened) -> None:
    opened.says(b"last words")
    reading = in_thread(lambda: [opened.stream.read(), opened.stream.read()])
    opened.peer.close()
    with pytest.raises(ConnectionLost):
        reading.result(PATIENCE)


def test_two_streams_keep_apart(ends: tuple[Connection, Peer]) -> None:
    one, two = Opened(*ends), Opened(*ends)
    two.says(b"two")
    one.says(b"one")
    assert one.stream.read(timeout=PATIENCE) == b"one"
    assert two.stream.read(timeout=PATIENCE) == b"two"


def test_a_console_gives_lines_however_they_come(opened: Opened) -> None:
    console = Console(opened.stream)
    for piece in (b"boo", b"ting\r\nready \xc3", b"\xbc\n\n\xff", b"rest"):
        opened.says(piece)
    opened.says(b"")
    assert list(console.lines(timeout=PATIENCE)) == ["booting", "ready \xfc", "", "\ufffdrest"]


def test_a_console_waits_for_a_text_and_goes_on_after_it(opened: Opened) -> None:
    console = Console(opened.stream)
    opened.says(b"Linux 6.1\r\nlog")
    opened.says(b"in: ")
    assert console.wait_for("login:", timeout=PATIENCE) == "Linux 6.1\r\nlogin:"
    opened.says(b" \r\nMOTD\r\n")
    with pytest.raises(OperationTimeout, match=r"'password' did not come in 0.01 s; its last line was 'MOTD'"):
        console.wait_for("password", timeout=0.01)
    console.write("root\n")
    assert opened.hears() == (Status.CONTINUE, b"root\n")
    opened.says(b"")
    with pytest.raises(OperationInvalid, match="ended before 'password' came"):
        console.wait_for("password", timeout=PATIENCE)


def test_leaving_a_console_finishes_its_stream(opened: Opened) -> None:
    def use() -> None:
        with Console(opened.stream) as console:
            console.write(b"x")

    using = in_thread(use)
    assert opened.hears() == (Status.CONTINUE, b"x")
    assert opened.hears() == (Status.OK, b"")
    opened.says(b"", Status.OK)
    using.result(PATIENCE)


def test_leaving_a_console_whose_connection_broke_is_no_error(opened: Opened) -> None:
    opened.peer.close()
    with Console(opened.stream):
        pass


def test_a_stream_that_is_given_up_is_forgotten_by_the_connection(opened: Opened) -> None:
    stream: Stream = opened.stream
    stream.abort()
    opened.says(b"too late")
    opened.peer.serve({"connect_get_hostname": lambda: ("here",)})
    assert opened.connection.call(ROWS["connect_get_hostname"]) == ("here",)


def _packed(error: ResourceBusy) -> bytes:
    from virtactor.wire.pack import encode_error

    return encode_error(error)


def test_holes_are_told_by_their_length(opened: Opened) -> None:
    opened.says(b"data")
    opened.peer.send(opened.call, PacketType.STREAM_HOLE, Status.CONTINUE, encode_hole(1 << 40))
    opened.says(b"")
    pieces = [opened.stream.receive(timeout=PATIENCE) for _ in range(3)]
    assert pieces == [b"data", Hole(1 << 40), b""]


def test_who_reads_bytes_gets_zeros_for_a_hole_a_packet_at_a_time(opened: Opened) -> None:
    opened.peer.send(opened.call, PacketType.STREAM_HOLE, Status.CONTINUE, encode_hole(STREAM_DATA_MAX + 5))
    opened.says(b"x")
    assert opened.stream.read(3, timeout=PATIENCE) == bytes(3)
    read = b"".join(opened.stream.read(timeout=PATIENCE) for _ in range(3))
    assert read == bytes(STREAM_DATA_MAX + 2) + b"x"


def test_what_is_left_of_a_hole_is_received_as_one(opened: Opened) -> None:
    opened.peer.send(opened.call, PacketType.STREAM_HOLE, Status.CONTINUE, encode_hole(2 * STREAM_DATA_MAX))
    assert opened.stream.read(timeout=PATIENCE) == bytes(STREAM_DATA_MAX)
    assert opened.stream.receive(timeout=PATIENCE) == Hole(STREAM_DATA_MAX)


def test_a_hole_is_written_as_one(opened: Opened) -> None:
    opened.stream.write_hole(1 << 40)
    packet = opened.peer.receive()
    assert (packet.type, packet.status, packet.serial) == (PacketType.STREAM_HOLE, Status.CONTINUE, opened.call.serial)
    assert decode_hole(packet.payload) == (1 << 40, 0)
