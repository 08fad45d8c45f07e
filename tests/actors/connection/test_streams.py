"""Streams: bytes both ways, their ends, and nothing buffered without bound."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from virtactor.actors.call import Call
from virtactor.actors.connection.streams import BACKLOG_MAX, Break, DescriptorStream
from virtactor.wire.errors import InternalError, NotSupported, OperationAborted, OperationInvalid
from virtactor.wire.framing import STREAM_DATA_MAX, Packet, PacketType, Status
from virtactor.wire.pack import encode
from virtactor.wire.table import ROWS, DomainRef

from ...raw_client import PATIENCE, RawClient, result_of
from ..served import Served, SlowDomain, wait_until

CONSOLE = ROWS["domain_open_console"]


def open_console(served: Served, client: RawClient, name: str = "guest") -> tuple[int, socket.socket]:
    """A stream's serial, and the other end of its descriptor."""
    dom = client.define(name)
    serial = client.send("domain_open_console", dom, None, 0)
    assert client.answer(serial) is None
    console = served.domain(name).console
    assert console is not None
    console.settimeout(PATIENCE)
    return serial, console


def send(client: RawClient, serial: int, data: bytes = b"", status: int = Status.CONTINUE) -> None:
    client.send_packet(CONSOLE, serial, data, type=PacketType.STREAM, status=status)


def receive(client: RawClient, serial: int) -> Packet:
    packet = client.receive()
    assert (packet.program, packet.procedure, packet.serial) == (CONSOLE.msgpack_program, CONSOLE.number, serial)
    assert packet.type == PacketType.STREAM
    return packet


def streams(served: Served) -> list[DescriptorStream]:
    return served.actors(DescriptorStream)


def test_bytes_go_both_ways(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            console.sendall(b"login: ")
            assert receive(client, serial).payload == b"login: "
            send(client, serial, b"root\r")
            assert console.recv(100) == b"root\r"
            assert client.call("connect_get_type") == "SLOW"


def test_a_finish_by_the_client_is_confirmed_and_closes_the_descriptor(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            send(client, serial, status=Status.OK)
            packet = receive(client, serial)
            assert (packet.status, packet.payload) == (Status.OK, b"")
            assert console.recv(1) == b""
        wait_until(lambda: not streams(served))
        assert served.domain("guest").streams_closed == 1


def test_an_abort_by_the_client_is_confirmed_and_closes_the_descriptor(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            send(client, serial, b"", Status.ERROR)
            packet = receive(client, serial)
            assert (packet.status, packet.payload) == (Status.OK, b"")
            assert console.recv(1) == b""
        assert client.call("connect_get_type") == "SLOW"
        wait_until(lambda: not streams(served))


def test_the_end_of_the_descriptor_is_told_by_an_empty_packet_after_all_data(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            console.sendall(b"x" * 1000)
        data = b""
        while (packet := receive(client, serial)).payload:
            data += packet.payload
        assert (packet.status, data) == (Status.CONTINUE, b"x" * 1000)
        # What the client still sends is under way and harmless; its finish is confirmed.
        send(client, serial, b"too late")
        assert client.call("connect_get_type") == "SLOW"
        assert not streams(served)
        send(client, serial, status=Status.OK)
        assert receive(client, serial).status == Status.OK
        (connection,) = served.actors()
        assert served.run(lambda: connection._streams) == {}


def test_a_stream_that_its_owner_breaks_off_ends_with_the_reason(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            streams(served)[0].actor_ref.tell(Break("another client took the console"))
            packet = receive(client, serial)
            assert packet.status == Status.ERROR
            with pytest.raises(OperationAborted, match="another client took the console"):
                result_of(packet._replace(type=PacketType.REPLY))
            assert console.recv(1) == b""


def test_a_stream_that_is_stopped_by_others_ends_with_an_error(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            streams(served)[0].actor_ref.stop(block=False)
            assert receive(client, serial).status == Status.ERROR
            assert console.recv(1) == b""
        assert client.call("connect_get_type") == "SLOW"


def test_a_stream_whose_opening_cannot_be_answered_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        monkeypatch.setattr(SlowDomain, "domain_screenshot", screenshot, raising=False)
        with pytest.raises(InternalError, match="the result of domain_screenshot cannot be sent"):
            client.call("domain_screenshot", dom, 0, 0)
        wait_until(lambda: not streams(served))
        (connection,) = served.actors()
        assert served.run(lambda: connection._streams) == {}


def screenshot(self: SlowDomain, call: Call, dom: DomainRef, screen: int, flags: int) -> tuple[Any, object]:
    ours, theirs = socket.socketpair()
    theirs.close()
    return DescriptorStream.start(self.runtime, ours.detach(), self.actor_ref, "screen"), object()


def test_a_client_that_goes_takes_its_streams_along(served: Served) -> None:
    with served.opened("slow:///") as other:
        with served.opened("slow:///") as client:
            _, console = open_console(served, client)
        with console:
            assert console.recv(1) == b""
        wait_until(lambda: not streams(served))
        assert served.domain("guest").streams_closed == 1
        assert other.names() == {"guest"}


def test_a_client_that_goes_before_its_stream_is_open_leaves_no_descriptor(served: Served) -> None:
    with served.opened("slow:///") as other:
        dom = other.define("guest")
        with served.opened("slow:///") as client:
            held = client.send("domain_suspend", dom)  # Refused, but in a job of its own.
            client.send("domain_open_console", dom, None, 0)
            client.close()
            assert held
        wait_until(lambda: len(served.actors()) == 1)
        wait_until(lambda: not streams(served))


def test_a_console_that_takes_nothing_stops_the_client_and_gets_all_in_the_end(served: Served) -> None:
    with served.opened("slow:///") as client, served.opened("slow:///") as other:
        serial, console = open_console(served, client)
        with console:
            (connection,) = [actor for actor in served.actors() if actor.label == "client 1"]
            sent = 0
            block = bytes(range(256)) * 256
            while served.run(lambda: connection._reading):
                send(client, serial, block)
                sent += len(block)
            (stream,) = streams(served)
            assert BACKLOG_MAX < served.run(lambda: stream._backlog_size) < BACKLOG_MAX + (1 << 20)
            assert other.call("connect_get_type") == "SLOW"
            received = bytearray()
            while len(received) < sent:
                received += console.recv(1 << 20)
            assert received == block * (sent // len(block))
            wait_until(lambda: served.run(lambda: connection._reading))
            assert client.call("connect_get_type") == "SLOW"


def test_a_client_that_does_not_read_stops_the_descriptor_and_gets_all_in_the_end(served: Served) -> None:
    with served.opened("slow:///") as client, served.opened("slow:///") as other:
        serial, console = open_console(served, client)
        with console:
            console.setblocking(False)
            (stream,) = streams(served)
            sent = 0
            while served.run(lambda: stream._reading):
                try:
                    sent += console.send(b"y" * 65536)
                except BlockingIOError:
                    continue
            assert other.call("connect_get_type") == "SLOW"
            received = 0
            while received < sent:
                packet = receive(client, serial)
                assert len(packet.payload) <= STREAM_DATA_MAX
                received += len(packet.payload)
            wait_until(lambda: served.run(lambda: stream._reading))


def test_a_stream_opened_by_a_client_that_does_not_read_waits_with_its_data(served: Served) -> None:
    with served.opened("slow:///") as client, served.opened("slow:///") as other:
        dom = other.define("guest")
        (connection,) = [actor for actor in served.actors() if actor.label == "client 1"]
        serials = []
        while served.run(lambda: connection._writable):
            serials += [client.send("domain_get_xml_desc", dom, 0) for _ in range(50)]
        serial = 77_777

        # It is not read from any more: the call is made from within, as one that was under way.
        def call_from_within() -> None:
            call = Call(CONSOLE, (DomainRef("guest", dom.uuid, -1), None, 0), connection.session, serial)
            connection._under_way += 1
            connection._router.tell(call)

        served.run(call_from_within)
        wait_until(lambda: len(streams(served)) == 1)
        (stream,) = streams(served)
        assert not served.run(lambda: stream._reading)
        console = served.domain("guest").console
        assert console is not None
        with console:
            console.sendall(b"hello")
            # Calls that were not read yet are answered after the stream has begun to speak.
            packets = [client.receive() for _ in range(len(serials) + 2)]
            mine = [(packet.type, packet.status, packet.payload) for packet in packets if packet.serial == serial]
            assert mine == [(PacketType.REPLY, Status.OK, b"\x90"), (PacketType.STREAM, Status.CONTINUE, b"hello")]


def test_a_serial_that_is_used_twice_ends_the_older_stream(served: Served) -> None:
    with served.opened("slow:///") as client:
        serial, console = open_console(served, client)
        with console:
            dom = client.lookup("guest")
            client.send_packet(CONSOLE, serial, encode((dom, None, 0)))
            packet = client.receive()
            assert (packet.type, packet.status) == (PacketType.STREAM, Status.ERROR)
            with pytest.raises(OperationInvalid, match="another stream has this serial"):
                result_of(packet._replace(type=PacketType.REPLY))
            assert client.answer(serial) is None
            assert console.recv(1) == b""
            assert len(streams(served)) == 1


def test_a_driver_without_consoles_says_so_and_opens_nothing(served: Served) -> None:
    with served.opened() as client:
        descriptors = len(os.listdir("/proc/self/fd"))
        with pytest.raises(NotSupported):
            client.call("domain_open_console", client.lookup("test"), None, 0)
        assert len(os.listdir("/proc/self/fd")) <= descriptors
