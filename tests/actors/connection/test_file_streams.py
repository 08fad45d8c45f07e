"""Files that clients download and upload over streams, with their holes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtactor.actors.connection import file_streams
from virtactor.actors.connection.file_streams import Download, Upload
from virtactor.actors.connection.streams import BACKLOG_MAX
from virtactor.wire.errors import OperationInvalid, ProtocolError, SystemFailure, VirtError
from virtactor.wire.framing import STREAM_DATA_MAX, Packet, PacketType, Status, decode_hole, encode_hole
from virtactor.wire.lanes import LANES, MSGPACK, XDR, Lane
from virtactor.wire.table import ROWS

from ...raw_client import RawClient, result_of
from ..served import Served, SlowDomain, wait_until

ROW = ROWS["domain_open_console"]
BLOCK = 64 * 1024
both_lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)


class Opened:
    """A client with one stream open, which the test's own actor is at the other end of."""

    def __init__(self, client: RawClient, serial: int) -> None:
        self.client = client
        self.serial = serial

    def say(self, payload: bytes = b"", status: int = Status.CONTINUE, type: int = PacketType.STREAM) -> None:
        self.client.send_packet(ROW, self.serial, payload, type=type, status=status)

    def hole(self, length: int, flags: int = 0) -> None:
        self.say(encode_hole(length, flags), type=PacketType.STREAM_HOLE)

    def receive(self) -> Packet:
        packet = self.client.receive()
        assert (packet.procedure, packet.serial) == (ROW.number, self.serial)
        assert packet.program == self.client.lane.program_of(ROW)
        return packet

    def content(self) -> list[bytes | int]:
        """What comes until the end of the file: bytes joined, holes as their lengths."""
        found: list[bytes | int] = []
        while (packet := self.receive()).payload:
            assert packet.status == Status.CONTINUE
            if packet.type == PacketType.STREAM_HOLE:
                found.append(decode_hole(packet.payload)[0])
            elif found and isinstance(found[-1], bytes):
                found[-1] += packet.payload
            else:
                found.append(packet.payload)
        assert (packet.type, packet.status) == (PacketType.STREAM, Status.CONTINUE)
        return found

    def finish(self) -> None:
        self.say(status=Status.OK)
        packet = self.receive()
        assert (packet.type, packet.status, packet.payload) == (PacketType.STREAM, Status.OK, b"")

    def error(self) -> VirtError:
        packet = self.receive()
        assert (packet.type, packet.status) == (PacketType.STREAM, Status.ERROR)
        with pytest.raises(VirtError) as raised:
            result_of(packet._replace(type=PacketType.REPLY))
        return raised.value


Open = Callable[..., Opened]


@pytest.fixture
def stream(served: Served, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens a stream of a class on a file, for a client in a lane."""
    clients: list[RawClient] = []

    def open_stream(kind: Any, path: Path, lane: Lane = XDR, flags: int = os.O_RDWR, **more: Any) -> Opened:
        def start(self: SlowDomain, call: Any, dom: Any, dev_name: Any, flags_: int) -> tuple[Any]:
            return (kind.start(self.runtime, os.open(path, flags), "test", owner=self.actor_ref, **more),)

        monkeypatch.setattr(SlowDomain, "domain_open_console", start)
        client = served.opened("slow:///", lane=lane)
        clients.append(client)
        dom = client.define(f"guest{len(clients)}")
        serial = client.send("domain_open_console", dom, None, 0)
        assert client.answer(serial) is None
        return Opened(client, serial)

    yield open_stream
    for client in clients:
        client.close()


def nothing_left(served: Served) -> bool:
    return not served.actors(Download) and not served.actors(Upload)


def make_file(path: Path, pieces: list[bytes | int]) -> Path:
    """A file of these bytes and holes."""
    with path.open("wb") as file:
        for piece in pieces:
            if isinstance(piece, int):
                file.seek(piece, os.SEEK_CUR)
            else:
                file.write(piece)
        file.truncate(file.tell())
    return path


# -- downloads ---------------------------------------------------------------------------------------------------------


@both_lanes
@pytest.mark.parametrize("size", [0, 1, STREAM_DATA_MAX, STREAM_DATA_MAX + 1, 5_000_000])
def test_a_file_comes_whole_and_the_finish_is_confirmed(
    size: int, lane: Lane, stream: Open, tmp_path: Path, served: Served
) -> None:
    data = os.urandom(size)
    opened = stream(Download, make_file(tmp_path / "file", [data]), lane)
    assert opened.content() == ([data] if data else [])
    opened.finish()
    assert nothing_left(served)
    (domain,) = served.actors(SlowDomain)
    assert domain.streams_closed == 1


@pytest.mark.parametrize(
    ("offset", "length", "wanted"), [(3, 4, b"3456"), (8, 0, b"89"), (8, 100, b"89"), (50, 0, b"")]
)
def test_a_region_comes_as_it_was_asked_for(
    offset: int, length: int, wanted: bytes, stream: Open, tmp_path: Path
) -> None:
    path = make_file(tmp_path / "file", [b"0123456789"])
    assert stream(Download, path, offset=offset, length=length).content() == ([wanted] if wanted else [])


@both_lanes
@pytest.mark.parametrize(
    "pieces",
    [
        [4 * BLOCK],
        [b"a" * BLOCK, 2 * BLOCK, b"b" * BLOCK],
        [BLOCK, b"a" * BLOCK, BLOCK],
        [b"a" * BLOCK, 100 * BLOCK],
    ],
    ids=["hole", "hole within", "hole around", "hole behind"],
)
def test_holes_come_as_holes(pieces: list[bytes | int], lane: Lane, stream: Open, tmp_path: Path) -> None:
    opened = stream(Download, make_file(tmp_path / "file", pieces), lane, sparse=True)
    assert opened.content() == pieces
    opened.finish()


def test_holes_come_as_zeros_to_who_did_not_ask_for_them(stream: Open, tmp_path: Path) -> None:
    path = make_file(tmp_path / "file", [b"a" * BLOCK, 3 * BLOCK])
    assert stream(Download, path).content() == [b"a" * BLOCK + bytes(3 * BLOCK)]


def test_a_region_within_a_hole_is_that_much_of_it(stream: Open, tmp_path: Path) -> None:
    path = make_file(tmp_path / "file", [b"a" * BLOCK, 8 * BLOCK, b"b" * BLOCK])
    opened = stream(Download, path, sparse=True, offset=2 * BLOCK, length=BLOCK)
    assert opened.content() == [BLOCK]


def test_a_finish_before_the_end_is_confirmed(stream: Open, tmp_path: Path, served: Served) -> None:
    opened = stream(Download, make_file(tmp_path / "file", [20_000_000]))
    opened.say(status=Status.OK)
    while opened.receive().status == Status.CONTINUE:
        pass
    wait_until(lambda: nothing_left(served))


def test_a_client_that_does_not_read_stops_the_reading_of_the_file(
    stream: Open, tmp_path: Path, served: Served
) -> None:
    opened = stream(Download, make_file(tmp_path / "file", [20_000_000]))
    (download,) = served.actors(Download)
    wait_until(lambda: not served.run(lambda: download._wake.is_set()))
    assert served.run(lambda: download._at) < 8_000_000
    assert sum(len(piece) for piece in opened.content() if isinstance(piece, bytes)) == 20_000_000


def test_a_client_that_sends_to_a_download_is_told_that_it_cannot(stream: Open, tmp_path: Path, served: Served) -> None:
    opened = stream(Download, make_file(tmp_path / "file", [20_000_000]))
    opened.say(b"up?")
    while (packet := opened.receive()).status == Status.CONTINUE:
        pass
    assert packet.status == Status.ERROR
    wait_until(lambda: nothing_left(served))


def test_a_file_that_cannot_be_read_breaks_the_stream(stream: Open, tmp_path: Path, served: Served) -> None:
    opened = stream(Download, tmp_path, flags=os.O_RDONLY)
    assert isinstance(opened.error(), SystemFailure)
    wait_until(lambda: nothing_left(served))


def test_a_client_that_goes_during_a_download_leaves_nothing(stream: Open, tmp_path: Path, served: Served) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    opened = stream(Download, make_file(tmp_path / "file", [20_000_000]))
    opened.receive()
    opened.client.close()
    wait_until(lambda: nothing_left(served))
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)


@pytest.mark.parametrize("kind", [Download, Upload])
def test_a_stream_that_is_stopped_by_others_ends_with_an_error(
    kind: Any, stream: Open, tmp_path: Path, served: Served
) -> None:
    opened = stream(kind, make_file(tmp_path / "file", [20_000_000]))
    served.actors(kind)[0].actor_ref.stop(block=False)
    while (packet := opened.receive()).status == Status.CONTINUE:
        pass
    assert packet.status == Status.ERROR
    wait_until(lambda: nothing_left(served))


# -- uploads -----------------------------------------------------------------------------------------------------------


@both_lanes
def test_what_is_uploaded_is_in_the_file_when_the_finish_is_confirmed(
    lane: Lane, stream: Open, tmp_path: Path, served: Served
) -> None:
    path = make_file(tmp_path / "file", [b"0123456789"])
    opened = stream(Upload, path, lane, offset=2)
    for piece in (b"ab", b"", b"cd"):
        opened.say(piece)
    opened.finish()
    assert path.read_bytes() == b"01abcd6789"
    assert nothing_left(served)
    (domain,) = served.actors(SlowDomain)
    assert domain.streams_closed == 1


@both_lanes
def test_holes_are_holes_in_the_file_and_what_was_there_is_gone(lane: Lane, stream: Open, tmp_path: Path) -> None:
    path = make_file(tmp_path / "file", [b"x" * (8 * BLOCK)])
    opened = stream(Upload, path, lane, sparse=True)
    opened.say(b"a" * BLOCK)
    opened.hole(3 * BLOCK)
    opened.say(b"b")
    opened.finish()
    assert path.read_bytes() == b"a" * BLOCK + bytes(3 * BLOCK) + b"b" + b"x" * (4 * BLOCK - 1)
    assert path.stat().st_blocks * 512 <= 5 * BLOCK


def test_a_hole_at_the_end_makes_the_file_longer(stream: Open, tmp_path: Path) -> None:
    path = make_file(tmp_path / "file", [])
    opened = stream(Upload, path, sparse=True)
    opened.hole(10 * BLOCK)
    opened.finish()
    assert (path.stat().st_size, path.stat().st_blocks) == (10 * BLOCK, 0)


def test_a_hole_where_none_can_be_punched_is_written(
    stream: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_streams, "_punch_hole", lambda fd, at, length: False)
    path = make_file(tmp_path / "file", [b"x" * 3_000_000])
    opened = stream(Upload, path, sparse=True, offset=1)
    opened.hole(2_500_000)
    opened.finish()
    assert path.read_bytes() == b"x" + bytes(2_500_000) + b"x" * 499_999


@pytest.mark.parametrize(
    ("sparse", "payload", "kind"),
    [
        (False, encode_hole(5), OperationInvalid),
        (True, encode_hole(5, 1), OperationInvalid),
        (True, encode_hole(-5), ProtocolError),
        (True, b"?", ProtocolError),
    ],
    ids=["not sparse", "flags", "negative", "none"],
)
def test_a_hole_that_cannot_be_breaks_the_stream_alone(
    sparse: bool, payload: bytes, kind: type[VirtError], stream: Open, tmp_path: Path, served: Served
) -> None:
    opened = stream(Upload, make_file(tmp_path / "file", []), sparse=sparse)
    opened.say(payload, type=PacketType.STREAM_HOLE)
    assert isinstance(opened.error(), kind)
    opened.say(b"too late")
    opened.say(status=Status.OK)
    assert opened.client.call("connect_get_type") == "SLOW"
    wait_until(lambda: nothing_left(served))


def test_more_than_fits_breaks_the_stream(stream: Open, tmp_path: Path, served: Served) -> None:
    path = make_file(tmp_path / "file", [])
    opened = stream(Upload, path, length=8)
    opened.say(b"01234567")
    opened.say(b"8")
    error = opened.error()
    assert str(error) == "system error: cannot write to stream: No space left on device"
    assert path.read_bytes() == b"01234567"
    wait_until(lambda: nothing_left(served))


def test_a_status_that_no_stream_has_breaks_it(stream: Open, tmp_path: Path, served: Served) -> None:
    opened = stream(Upload, make_file(tmp_path / "file", []))
    opened.say(status=77)
    assert "unexpected status 77 of a stream" in str(opened.error())
    wait_until(lambda: nothing_left(served))


def test_an_abort_is_confirmed_and_leaves_what_was_written(stream: Open, tmp_path: Path, served: Served) -> None:
    path = make_file(tmp_path / "file", [])
    opened = stream(Upload, path)
    opened.say(b"abc")
    wait_until(lambda: path.read_bytes() == b"abc")
    opened.say(status=Status.ERROR)
    packet = opened.receive()
    assert (packet.type, packet.status, packet.payload) == (PacketType.STREAM, Status.OK, b"")
    wait_until(lambda: nothing_left(served))


def test_a_slow_disk_stops_the_client_and_gets_all_in_the_end(
    stream: Open, tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_file(tmp_path / "file", [])
    opened = stream(Upload, path)
    (connection,) = served.actors()
    (upload,) = served.actors(Upload)
    slow = threading.Event()
    write = file_streams._write_all
    monkeypatch.setattr(file_streams, "_write_all", lambda *args: (slow.wait(60), write(*args)))
    block, sent = os.urandom(65536), 0
    while served.run(lambda: connection._reading):
        opened.say(block)
        sent += 1
    assert BACKLOG_MAX < served.run(lambda: upload._waiting) < BACKLOG_MAX + (1 << 20)
    slow.set()
    opened.finish()
    assert path.read_bytes() == block * sent


@settings(max_examples=20)
@given(
    pieces=st.lists(
        st.one_of(st.integers(1, 5).map(lambda blocks: blocks * 4096), st.binary(min_size=1, max_size=20_000)),
        max_size=8,
    )
)
def test_what_is_uploaded_with_holes_is_what_is_downloaded(pieces: list[bytes | int]) -> None:
    """Straight through the two halves that touch the file."""
    fd = os.memfd_create("test")
    try:
        at = 0
        for piece in pieces:
            if isinstance(piece, int):
                file_streams._make_hole(fd, at, piece)
                at += piece
            else:
                file_streams._write_all(fd, piece, at)
                at += len(piece)
        whole = b"".join(bytes(piece) if isinstance(piece, int) else piece for piece in pieces)
        assert os.pread(fd, at + 1, 0) == whole
    finally:
        os.close(fd)


def test_the_lanes_carry_the_same_stream_data() -> None:
    assert MSGPACK.program_of(ROW) != XDR.program_of(ROW)
    assert decode_hole(encode_hole(2**62, 3)) == (2**62, 3)
