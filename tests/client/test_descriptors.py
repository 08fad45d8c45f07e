"""Open files that pass with calls and replies: each arrives where it belongs, and none is left open."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.call import Call
from virtactor.client import Host, connect
from virtactor.client.connection import Connection
from virtactor.client.descriptors import Descriptors
from virtactor.client.transports.local import SocketLink
from virtactor.wire.enums.connect import Feature
from virtactor.wire.errors import ConnectionLost, InvalidArgument, NotSupported, OperationInvalid, OperationTimeout
from virtactor.wire.framing import PacketType, Status, encode_packet
from virtactor.wire.lanes import LANES, lane_of
from virtactor.wire.table import ROWS

from ..actors.served import Served, SlowDomain
from .conftest import PATIENCE, Peer, domain_ref, in_thread, wait_until

TAKES, GIVES = ROWS["domain_fd_associate"], ROWS["domain_open_graphics_fd"]
HOSTNAME = ROWS["connect_get_hostname"]
GUEST = domain_ref("guest")
GUEST_XML = "<domain type='test'><name>guest</name><memory>1024</memory><os><type>hvm</type></os></domain>"
both_lanes = pytest.mark.parametrize("lane", LANES)

Ends = tuple[Connection, Peer]


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    """Nothing is open afterwards that was not before. A loop's first run opens what stays open."""
    connect("test:///default").close()
    before = open_descriptors()
    yield
    wait_until(lambda: open_descriptors() <= before)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def pipe_with(content: bytes) -> int:
    readable, writable = os.pipe()
    os.write(writable, content)
    os.close(writable)
    return readable


@pytest.fixture
def files() -> Iterator[Callable[..., list[int]]]:
    """Makes pipes with those contents; they are closed after the test, as the client leaves its caller's files open."""
    made: list[int] = []

    def make(*contents: bytes) -> list[int]:
        made.extend(new := [pipe_with(content) for content in contents])
        return new

    yield make
    for number in made:
        os.close(number)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Has domains of the slow driver take descriptors (their contents are in this list) and give some."""
    contents: list[bytes] = []

    def take(self: SlowDomain, call: Call, dom: Any, name: str, flags: int) -> None:
        if name == "refuse":
            raise OperationInvalid("not today")
        for number in call.take_descriptors():
            contents.append(os.read(number, 100))
            os.close(number)

    def give(self: SlowDomain, call: Call, dom: Any, idx: int, flags: int) -> None:
        for number in range(idx):
            call.attach(pipe_with(b"pipe %d" % number))

    monkeypatch.setattr(SlowDomain, TAKES.name, take, raising=False)
    monkeypatch.setattr(SlowDomain, GIVES.name, give, raising=False)
    return contents


@pytest.fixture
def served(root: Path, said: list[bytes]) -> Iterator[Served]:
    served = Served(root)
    yield served
    served.stop()


@pytest.fixture(params=LANES)
def host(served: Served, request: pytest.FixtureRequest) -> Iterator[Host]:
    assert served.paths is not None
    uri = f"slow+unix:///default?socket={served.paths.socket}"
    with connect(uri, lane=request.param, keepalive_interval=0) as host:
        host.domains.define(GUEST_XML)
        yield host


def contents_of(descriptors: Descriptors) -> list[bytes]:
    found = []
    while descriptors:
        number = descriptors.take()
        found.append(os.read(number, 100))
        os.close(number)
    return found


# -- against a daemon --------------------------------------------------------------------------------------------------


def test_a_call_brings_its_files_and_leaves_the_callers_open(host: Host, said: list[bytes], files: Any) -> None:
    guest = host.domains["guest"]
    guest.fd_associate("disk", files(b"one", b"two"))
    with open(files(b"three")[0], "rb", closefd=False) as third:
        guest.fd_associate("disk", [third])
    assert said == [b"one", b"two", b"three"]


def test_a_reply_brings_files_to_its_caller(host: Host) -> None:
    guest = host.domains["guest"]
    for count in (1, 3, 32):
        _, brought = host._session.call_with_files(GIVES, guest.ref, count, 0)
        assert contents_of(brought) == [b"pipe %d" % number for number in range(count)]


def test_what_nobody_takes_of_a_reply_is_closed(host: Host) -> None:
    guest = host.domains["guest"]
    host._session.call_with_files(GIVES, guest.ref, 0, 0)
    before = open_descriptors()
    host._session.call_with_files(GIVES, guest.ref, 5, 0)
    host.call(GIVES, guest.ref, 5, 0)  # Which does not ask for any.
    wait_until(lambda: open_descriptors() == before)


def test_a_refused_call_leaves_nothing_open(host: Host, files: Any) -> None:
    guest, given = host.domains["guest"], files(b"one", b"two")
    guest.fd_associate("disk", given)
    before = open_descriptors()
    with pytest.raises(OperationInvalid, match="not today"):
        guest.fd_associate("refuse", given)
    wait_until(lambda: open_descriptors() == before)


def test_threads_share_a_connection_that_carries_files(host: Host, said: list[bytes], files: Any) -> None:
    guest = host.domains["guest"]
    given = files(*(b"%d" % number for number in range(20)))
    following = [in_thread(guest.fd_associate, "disk", [number]) for number in given]
    asking = [in_thread(host._session.call_with_files, GIVES, guest.ref, 2, 0) for _ in range(20)]
    plain = [in_thread(guest.xml) for _ in range(20)]
    for one in (*following, *plain):
        one.result(PATIENCE)
    for one in asking:
        assert contents_of(one.result(PATIENCE)[1]) == [b"pipe 0", b"pipe 1"]
    assert sorted(said) == sorted(b"%d" % number for number in range(20))


def test_files_pass_when_a_connection_was_made_anew(host: Host, said: list[bytes], files: Any, served: Served) -> None:
    guest = host.domains["guest"]
    guest.fd_associate("disk", files(b"before"))
    (connection,) = served.actors()
    served.run(connection._transport.abort)
    wait_until(lambda: not served.actors())
    guest = host.domains.define(GUEST_XML)  # The driver's domains live as long as their session.
    guest.fd_associate("disk", files(b"after"))
    assert said == [b"before", b"after"]


def test_files_go_into_the_daemon_in_this_process(files: Any) -> None:
    with connect("test:///default") as host:
        guest = host.domains["test"]
        guest.destroy()
        guest.start(files=files(b"x"))
        assert guest.is_active()


def test_traces_tell_of_calls_with_files_too(served: Served, files: Any) -> None:
    assert served.paths is not None
    told: list[str] = []
    with connect(
        f"slow+unix:///default?socket={served.paths.socket}", on_trace=lambda one: told.append(one.row.name)
    ) as host:
        host.domains.define(GUEST_XML).fd_associate("disk", files(b"x"))
    assert told[-1] == TAKES.name


def test_too_many_files_are_refused_before_anything_is_sent(host: Host, files: Any) -> None:
    (number,) = files(b"x")
    with pytest.raises(InvalidArgument, match="33 files in one call"):
        host.domains["guest"].fd_associate("disk", [number] * 33)


@pytest.mark.parametrize("what", [-1, 1 << 20, socket.socket])
def test_what_is_not_open_is_refused(host: Host, what: Any) -> None:
    file = what if isinstance(what, int) else what()
    if not isinstance(file, int):
        file.close()
    with pytest.raises(InvalidArgument, match="is not an open file"):
        host.domains["guest"].fd_associate("disk", [file])


# -- on the wire -------------------------------------------------------------------------------------------------------


def answer_question(peer: Peer, supported: int = 1) -> None:
    question, args, _ = peer.receive_call("connect_supports_feature")
    assert args == (Feature.FD_PASSING,)
    peer.reply(question, supported)


def send_reply(peer: Peer, call: Any, contents: list[bytes]) -> None:
    """A reply to a call of GIVES, and behind it a pipe for each content."""
    pipes = [pipe_with(content) for content in contents]
    payload = lane_of(call.program).codec(GIVES).encode_result((), None)
    reply = (call.program, 1, call.procedure, PacketType.REPLY_WITH_FDS, call.serial, Status.OK)
    peer.socket.sendall(encode_packet(*reply, payload, pipes))
    for pipe in pipes:
        socket.send_fds(peer.socket, [b"\0"], [pipe])
        os.close(pipe)


@both_lanes
def test_a_call_with_files_is_libvirts(ends: Ends, lane: str, files: Any) -> None:
    connection, peer = ends
    connection.speak(LANES[lane])
    waiting = in_thread(connection.submit_with_files, TAKES, (GUEST, "disk", 0), files(b"one", b"two"))
    answer_question(peer)
    pending = waiting.result(PATIENCE)
    args = LANES[lane].codec(TAKES).encode_args((GUEST, "disk", 0), None)
    whole = encode_packet(
        LANES[lane].program_of(TAKES), 1, TAKES.number, PacketType.CALL_WITH_FDS, pending.serial, 0, args, [0, 0]
    )
    data, came = b"", []
    while len(data) < len(whole) + 2:
        more, numbers, _, _ = socket.recv_fds(peer.socket, 1 << 16, 32)
        data, came = data + more, [*came, *numbers]
    assert data == whole + b"\0\0"
    assert contents_of(Descriptors(came)) == [b"one", b"two"]


def test_the_daemon_is_asked_once(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.submit_with_files, GIVES, (GUEST, 0, 0))
    answer_question(peer)
    first = waiting.result(PATIENCE)
    second = connection.submit_with_files(GIVES, (GUEST, 0, 0))
    for pending in (first, second):
        call, _, _ = peer.receive_call(GIVES.name)
        send_reply(peer, call, [b"x"])
        assert pending.result(PATIENCE) == ()
        assert contents_of(pending.descriptors or Descriptors()) == [b"x"]


def test_a_reader_that_waits_already_gets_files_too(ends: Ends) -> None:
    connection, peer = ends
    reader = in_thread(connection.call, HOSTNAME)
    plain, _, _ = peer.receive_call(HOSTNAME.name)
    wait_until(lambda: connection.has_reader)
    waiting = in_thread(connection.submit_with_files, GIVES, (GUEST, 0, 0))
    answer_question(peer)
    pending = waiting.result(PATIENCE)
    call, _, _ = peer.receive_call(GIVES.name)
    send_reply(peer, call, [b"one", b"two"])
    peer.reply(plain, "here")
    assert reader.result(PATIENCE) == ("here",)
    pending.result(PATIENCE)
    assert contents_of(pending.descriptors or Descriptors()) == [b"one", b"two"]


def test_a_daemon_that_takes_no_files_is_sent_none(ends: Ends, files: Any) -> None:
    connection, peer = ends
    waiting = in_thread(connection.submit_with_files, TAKES, (GUEST, "disk", 0), files(b"x"))
    answer_question(peer, 0)
    with pytest.raises(NotSupported, match="fd passing is not supported by this connection"):
        waiting.result(PATIENCE)


def test_files_that_nobody_asked_for_are_closed(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.carry_descriptors)
    answer_question(peer)
    waiting.result(PATIENCE)
    before = open_descriptors()
    asked = connection.submit(GIVES, (GUEST, 0, 0))
    late = connection.submit_with_files(GIVES, (GUEST, 0, 0))
    late.forget()
    last = connection.submit(HOSTNAME)
    calls = [peer.receive() for _ in range(3)]
    for call in calls[:2]:
        send_reply(peer, call, [b"one", b"two", b"three"])
    pipe = pipe_with(b"of no packet")
    payload = lane_of(calls[2].program).codec(HOSTNAME).encode_result(("here",), None)
    reply = encode_packet(calls[2].program, 1, HOSTNAME.number, PacketType.REPLY, last.serial, 0, payload)
    socket.send_fds(peer.socket, [reply], [pipe, pipe])
    os.close(pipe)
    assert asked.result(PATIENCE) == ()
    assert last.result(PATIENCE) == ("here",)
    assert open_descriptors() == before


def test_a_full_socket_keeps_files_behind_their_call(ends: Ends, files: Any) -> None:
    connection, peer = ends
    waiting = in_thread(connection.carry_descriptors)
    answer_question(peer)
    waiting.result(PATIENCE)
    big = "x" * 1_000_000
    following = [in_thread(connection.submit, ROWS["domain_define_xml"], (big,)) for _ in range(3)]
    given = files(b"one", b"two")
    following.append(in_thread(connection.submit_with_files, TAKES, (GUEST, "disk", 0), given))
    following.append(in_thread(connection.submit, ROWS["domain_define_xml"], (big,)))
    found, came = [], []
    while len(found) < 5:
        data, numbers, _, _ = socket.recv_fds(peer.socket, 1 << 16, 32)
        peer._reader.descriptors.extend(numbers)
        for packet in peer._reader.feed(data):
            found.append(packet.procedure)
            came += packet.descriptors
    assert sorted(found) == sorted([*[ROWS["domain_define_xml"].number] * 4, TAKES.number])
    assert contents_of(Descriptors(came)) == [b"one", b"two"]
    for one in following:
        one.result(PATIENCE)


def submitted(connection: Connection, given: list[int]) -> bool:
    try:
        connection.submit_with_files(TAKES, (GUEST, "disk" * 10_000, 0), given, 0.2)
    except OperationTimeout:
        return False
    return True


def test_a_connection_that_breaks_with_files_on_their_way_closes_them(ends: Ends, files: Any) -> None:
    connection, peer = ends
    waiting = in_thread(connection.carry_descriptors)
    answer_question(peer)
    waiting.result(PATIENCE)
    given, before = files(b"one", b"two"), open_descriptors()
    while submitted(connection, given):
        pass  # Nobody reads: the last of them does not fit.
    assert open_descriptors() > before
    connection.break_off("enough")
    with pytest.raises(ConnectionLost):
        connection.submit_with_files(TAKES, (GUEST, "disk", 0), given)
    # What the kernel holds for the peer is closed with it; ours is closed, and so is the link.
    assert open_descriptors() == before - 1


def test_half_a_reply_leaves_nothing_open(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.submit_with_files, GIVES, (GUEST, 0, 0))
    answer_question(peer)
    pending = waiting.result(PATIENCE)
    call, _, _ = peer.receive_call(GIVES.name)
    before = open_descriptors()
    pipe = pipe_with(b"x")
    kind = PacketType.REPLY_WITH_FDS
    reply = encode_packet(call.program, 1, call.procedure, kind, call.serial, Status.OK, b"\x90", [0] * 3)
    socket.send_fds(peer.socket, [reply], [pipe])
    os.close(pipe)
    reader = in_thread(pending.result)
    wait_until(lambda: open_descriptors() == before + 1)
    peer.socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ConnectionLost):
        reader.result(PATIENCE)
    wait_until(lambda: open_descriptors() == before - 1)  # Without the link's own.


def test_a_link_over_another_socket_carries_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        connection = Connection(SocketLink(sock.dup()))
        with pytest.raises(NotSupported, match="fd passing is not supported by this connection"):
            connection.submit_with_files(GIVES, (GUEST, 0, 0))
        connection.break_off("done")
