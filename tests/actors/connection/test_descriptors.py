"""Descriptors that come with calls and go with answers: each arrives where it belongs, and none is left open."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from virtactor.actors.call import Call
from virtactor.actors.connection.descriptors import HIGH, DescriptorTransport
from virtactor.wire.errors import InternalError, OperationInvalid, ProtocolError
from virtactor.wire.framing import Packet, PacketType, Status, encode_packet
from virtactor.wire.lanes import LANES, XDR, Lane
from virtactor.wire.table import ROWS, DomainRef

from ...raw_client import PATIENCE, RawClient, domain_xml, result_of
from ..loops import run
from ..served import Served, SlowDomain, wait_until

TAKES, GIVES = ROWS["domain_fd_associate"], ROWS["domain_open_graphics_fd"]
FD_PASSING = 8
GUEST = DomainRef("guest", b"\5" * 16, -1)
both_lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)


@pytest.fixture
def handlers(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Has domains of the slow driver take descriptors (what was in their pipes is in this list) and give one."""
    said: list[bytes] = []

    def take(self: SlowDomain, call: Call, dom: Any, name: str, flags: int) -> None:
        if name == "refuse":
            raise OperationInvalid("not today")
        if name == "ignore":
            return
        for descriptor in call.take_descriptors():
            said.append(os.read(descriptor, 100))
            os.close(descriptor)

    def give(self: SlowDomain, call: Call, dom: Any, idx: int, flags: int) -> None:
        for number in range(idx):
            readable, writable = os.pipe()
            os.write(writable, b"pipe %d" % number)
            os.close(writable)
            call.attach(readable)

    monkeypatch.setattr(SlowDomain, TAKES.name, take, raising=False)
    monkeypatch.setattr(SlowDomain, GIVES.name, give, raising=False)
    return said


@pytest.fixture
def nothing_open() -> Iterator[None]:
    """No descriptor is left open. uvloop's first loop opens two that it keeps: it has had it before."""
    for loop in loops():
        loop.values[0]().close()
    before = len(os.listdir("/proc/self/fd"))
    yield
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def pipe_with(data: bytes) -> int:
    readable, writable = os.pipe()
    os.write(writable, data)
    os.close(writable)
    return readable


def send_with(client: RawClient, serial: int, name: str, contents: list[bytes], row: Any = TAKES) -> None:
    """A call, and behind it a pipe's end for each of these contents."""
    args = client.lane.codec(row).encode_args((GUEST, name, 0), None)
    pipes = [pipe_with(content) for content in contents]
    program = client.lane.program_of(row)
    client.socket.sendall(encode_packet(program, 1, row.number, PacketType.CALL_WITH_FDS, serial, 0, args, pipes))
    for pipe in pipes:
        socket.send_fds(client.socket, [b"\0"], [pipe])
        os.close(pipe)


def opened(served: Served, lane: Lane = XDR, *, carries: bool = True) -> RawClient:
    client = served.opened("slow:///", lane=lane)
    if "guest" not in client.names():
        client.call("domain_define_xml_flags", domain_xml("guest", uuid=str(UUID(bytes=GUEST.uuid))), 0)
    if carries:
        assert client.call("connect_supports_feature", FD_PASSING) == 1
    return client


def receive_with(client: RawClient, count: int) -> tuple[Packet, list[bytes]]:
    """A reply with descriptors, and what is in them."""
    data, descriptors = b"", []
    while len(descriptors) < count:
        more, found, _, _ = socket.recv_fds(client.socket, 1 << 16, 32)
        assert more
        data, descriptors = data + more, descriptors + list(found)
    client._reader.descriptors.extend(descriptors)
    (packet,) = client._reader.feed(data)
    contents = []
    for descriptor in packet.descriptors:
        contents.append(os.read(descriptor, 100))
        os.close(descriptor)
    return packet, contents


@pytest.mark.usefixtures("nothing_open")
@both_lanes
def test_a_call_brings_its_descriptors_to_its_handler(lane: Lane, served: Served, handlers: list[bytes]) -> None:
    with opened(served, lane) as client:
        send_with(client, 70, "take", [b"one", b"two"])
        assert client.answer(70) is None
        send_with(client, 71, "take", [])
        assert client.answer(71) is None
        assert handlers == [b"one", b"two"]
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open")
def test_each_of_pipelined_calls_gets_its_own(served: Served, handlers: list[bytes]) -> None:
    with opened(served) as client:
        for serial in range(70, 80):
            send_with(client, serial, "take", [b"%d.%d" % (serial, number) for number in range(serial % 4)])
        client.answers(range(70, 80))
        assert handlers == [b"%d.%d" % (serial, number) for serial in range(70, 80) for number in range(serial % 4)]


@pytest.mark.usefixtures("nothing_open", "handlers")
@pytest.mark.parametrize("name", ["refuse", "ignore"])
def test_descriptors_that_nobody_takes_are_closed(name: str, served: Served) -> None:
    with opened(served) as client:
        descriptors = len(os.listdir("/proc/self/fd"))
        for serial in range(70, 80):
            send_with(client, serial, name, [b"x"] * 3)
        client.answers(range(70, 80))
        assert len(os.listdir("/proc/self/fd")) <= descriptors


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_descriptors_of_packets_that_are_no_calls_are_closed(served: Served) -> None:
    with opened(served) as client:
        descriptors = len(os.listdir("/proc/self/fd"))
        send_with(client, 70, "x", [b"x"], ROWS["domain_rename"])  # A call that wants none.
        client.socket.sendall(encode_packet(0x20001234, 1, 1, PacketType.CALL_WITH_FDS, 71, 0, b"", [0]))
        socket.send_fds(client.socket, [b"\0"], [0])
        assert isinstance(client.answers([70, 71])[71], ProtocolError)
        # Without any call at all: in the middle of one that has none.
        whole = encode_packet(0x20008086, 1, 59, PacketType.CALL, 72, 0)
        socket.send_fds(client.socket, [whole], [0, 0, 0])
        assert client.answer(72)
        wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_a_client_that_goes_in_the_middle_leaves_none_open(served: Served) -> None:
    with opened(served) as witness:
        for _ in range(20):
            with opened(served) as client:
                client.socket.sendall(
                    encode_packet(0x20008086, 1, TAKES.number, PacketType.CALL_WITH_FDS, 70, 0, b"", range(5))
                )
                socket.send_fds(client.socket, [b"\0"], [0])
                socket.send_fds(client.socket, [b"\0"], [0])
        wait_until(lambda: len(served.actors()) == 1)
        assert witness.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_a_client_that_did_not_ask_stays_in_step_without_descriptors(served: Served, handlers: list[bytes]) -> None:
    with opened(served, carries=False) as client:
        send_with(client, 70, "take", [b"one", b"two"])
        assert client.answer(70) is None
        assert handlers == []
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open", "handlers")
@both_lanes
@pytest.mark.parametrize("count", [1, 3])
def test_an_answer_brings_its_descriptors(count: int, lane: Lane, served: Served) -> None:
    with opened(served, lane) as client:
        serial = client.send(GIVES.name, GUEST, count, 0)
        packet, contents = receive_with(client, count)
        assert (packet.type, packet.status, packet.serial) == (PacketType.REPLY_WITH_FDS, Status.OK, serial)
        assert contents == [b"pipe %d" % number for number in range(count)]
        assert result_of(packet._replace(type=PacketType.REPLY)) is None
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_an_answer_with_descriptors_fails_where_they_cannot_go(served: Served) -> None:
    with opened(served, carries=False) as client:
        with pytest.raises(InternalError, match="the result of domain_open_graphics_fd cannot be sent"):
            client.call(GIVES.name, GUEST, 2, 0)
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_an_answer_with_too_many_descriptors_is_an_error(served: Served) -> None:
    with opened(served) as client:
        with pytest.raises(InternalError, match="cannot be sent"):
            client.call(GIVES.name, GUEST, 33, 0)
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open", "handlers")
def test_answers_keep_their_order_around_descriptors(served: Served) -> None:
    with opened(served) as client:
        before = [client.send("domain_get_xml_desc", GUEST, 0) for _ in range(50)]
        giving = client.send(GIVES.name, GUEST, 1, 0)
        after = [client.send("domain_get_xml_desc", GUEST, 0) for _ in range(50)]
        found: list[int] = []
        while len(found) < 101:
            data, descriptors, _, _ = socket.recv_fds(client.socket, 1 << 16, 32)
            client._reader.descriptors.extend(descriptors)
            for packet in client._reader.feed(data):
                found.append(packet.serial)
                for descriptor in packet.descriptors:
                    os.close(descriptor)
        assert found == [*before, giving, *after]


@pytest.mark.usefixtures("nothing_open")
def test_a_client_that_asks_while_it_does_not_read_is_answered_when_it_does(served: Served) -> None:
    with opened(served, carries=False) as client:
        (connection,) = served.actors()
        serials = []
        while served.run(lambda: connection._transport.get_write_buffer_size()) == 0:
            serials += [client.send("domain_get_xml_desc", GUEST, 0) for _ in range(10)]
        serials.append(client.send("connect_supports_feature", FD_PASSING))
        serials += [client.send("domain_get_xml_desc", GUEST, 0) for _ in range(10)]
        answers = client.answers(serials)
        assert answers[serials[-11]] == 1
        assert served.run(lambda: isinstance(connection._transport, DescriptorTransport))
        assert client.names() == {"guest"}


@pytest.mark.usefixtures("nothing_open")
def test_everything_else_works_over_the_transport_for_descriptors(served: Served) -> None:
    with opened(served) as client, opened(served) as other:
        client.call("connect_domain_event_callback_register_any", 0, None)
        (connection,) = [actor for actor in served.actors() if actor.label == "client 1"]
        serials = []
        while served.run(lambda: connection._reading):
            serials += [client.send("domain_get_xml_desc", GUEST, 0) for _ in range(50)]
        assert other.names() == {"guest"}
        assert served.run(lambda: connection._transport.get_write_buffer_size()) < 4 << 20
        assert len(client.answers(serials)) == len(serials)
        wait_until(lambda: served.run(lambda: connection._reading))
        client.call("connect_close")
        assert client.at_end()


@pytest.mark.usefixtures("nothing_open")
def test_an_impossible_length_ends_it_too(served: Served) -> None:
    with opened(served) as client:
        client.socket.sendall(struct.pack(">I", 3) + bytes(24))
        assert client.at_end()
    wait_until(lambda: not served.actors())


# -- the transport by itself, also on uvloop ---------------------------------------------------------------------------


class Recorder(asyncio.Protocol):
    """A protocol that keeps what it is told."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.descriptors: list[int] = []
        self.lost = asyncio.Event()
        self.came = asyncio.Event()
        self.told: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.received(data, [])

    def received(self, data: bytes, descriptors: list[int]) -> None:
        self.data += data
        self.descriptors += descriptors
        self.came.set()

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


def loops() -> list[Any]:
    found: list[Any] = [pytest.param(asyncio.new_event_loop, id="asyncio")]
    try:
        import uvloop
    except ImportError:
        return found
    return [*found, pytest.param(uvloop.new_event_loop, id="uvloop")]


@pytest.mark.usefixtures("nothing_open")
@pytest.mark.parametrize("new_loop", loops())
def test_the_transport_takes_over_and_writes_all_before_it_closes(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(PATIENCE)
        recorder = Recorder()
        transport, _ = await loop.connect_accepted_socket(lambda: recorder, ours)
        theirs.sendall(b"before ")
        await asyncio.wait_for(recorder.came.wait(), PATIENCE)
        carrying = DescriptorTransport(loop, transport, recorder, True)
        recorder.came.clear()
        pipe = pipe_with(b"content")
        socket.send_fds(theirs, [b"after"], [pipe])
        await asyncio.wait_for(recorder.came.wait(), PATIENCE)
        assert bytes(recorder.data) == b"before after"
        assert os.read(recorder.descriptors[0], 100) == b"content"
        os.close(recorder.descriptors[0])
        block = os.urandom(8 * HIGH)
        carrying.write(block)
        carrying.write_descriptors([pipe])
        carrying.write(b"end")
        assert recorder.told == ["pause"]
        carrying.close()
        assert carrying.is_closing()

        def read_all() -> tuple[bytes, int]:
            data, count = bytearray(), 0
            while True:
                more, found, _, _ = socket.recv_fds(theirs, 1 << 20, 4)
                if not more:
                    return bytes(data), count
                data += more
                count += len(found)
                for descriptor in found:
                    os.close(descriptor)

        data, count = await loop.run_in_executor(None, read_all)
        assert (data, count) == (block + b"\0end", 1)
        await asyncio.wait_for(recorder.lost.wait(), PATIENCE)
        theirs.close()
        await asyncio.sleep(0)

    run(work, new_loop)


@pytest.mark.usefixtures("nothing_open")
@pytest.mark.parametrize("new_loop", loops())
def test_the_end_of_the_peer_is_noticed(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        recorder = Recorder()
        transport, _ = await loop.connect_accepted_socket(lambda: recorder, ours)
        carrying = DescriptorTransport(loop, transport, recorder, True)
        theirs.close()
        await asyncio.wait_for(recorder.lost.wait(), PATIENCE)
        assert carrying.is_closing()
        await asyncio.sleep(0)

    run(work, new_loop)
