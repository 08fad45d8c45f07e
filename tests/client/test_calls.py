"""The connection's core, against a peer that says exactly what the test wants."""

from __future__ import annotations

import random
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtactor.client.connection import Connection, NotSent, Pending
from virtactor.client.keepalive import Keepalive
from virtactor.client.transports.local import SocketLink
from virtactor.client.waiting import Inbox
from virtactor.wire.errors import (
    ConnectionLost,
    InvalidArgument,
    NoDomain,
    OperationTimeout,
    ProtocolError,
)
from virtactor.wire.framing import PacketType, Status
from virtactor.wire.pack import encode
from virtactor.wire.table import KEEPALIVE_PROGRAM, ROWS

from .conftest import PATIENCE, Peer, domain_ref, in_thread, reply_packet, wait_until

HOSTNAME = ROWS["connect_get_hostname"]
LOOKUP = ROWS["domain_lookup_by_name"]
BY_ID = ROWS["domain_lookup_by_id"]

Ends = tuple[Connection, Peer]


def test_a_call_is_one_packet_of_its_row(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, LOOKUP, ("web",))
    data = peer.socket.recv(4096)
    assert data == struct.pack(">IIIiiIi", 33, 0x30008086, 1, 23, 0, 1, 0) + b"\x91\xa3web"
    peer.socket.sendall(
        struct.pack(">IIIiiIi", 28 + 25, 0x30008086, 1, 23, 1, 1, 0) + b"\x91\x93\xa3web\xc4\x10" + b"u" * 16 + b"\xff"
    )
    assert waiting.result(PATIENCE) == (("web", b"u" * 16, -1),)


def test_an_error_reply_raises_the_exception_of_its_kind_with_its_facts(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, LOOKUP, ("web",))
    call, _, _ = peer.receive_call("domain_lookup_by_name")
    peer.fail(call, NoDomain("no domain with matching name 'web'", object="web", hint="list them"))
    with pytest.raises(NoDomain) as caught:
        waiting.result(PATIENCE)
    assert str(caught.value) == "Domain not found: no domain with matching name 'web'"
    assert (caught.value.object, caught.value.hint) == ("web", "list them")


def test_replies_in_any_order_reach_their_callers(ends: Ends) -> None:
    connection, peer = ends
    pending = [connection.submit(LOOKUP, (name,)) for name in "abc"]
    calls = [peer.receive_call("domain_lookup_by_name") for _ in pending]
    for call, (name,), _ in reversed(calls):
        peer.reply(call, domain_ref(name))
    assert [one.result(PATIENCE)[0].name for one in pending] == ["a", "b", "c"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=12), st.permutations(list(range(5))))
def test_replies_come_through_in_any_split_and_order(cuts: list[int], order: list[int]) -> None:
    ours, theirs = socket.socketpair()
    connection, peer = Connection(SocketLink(ours)), Peer(theirs)
    try:
        pending = [connection.submit(BY_ID, (number,)) for number in range(5)]
        calls = [peer.receive() for _ in pending]
        stream = b"".join(
            reply_packet(calls[n], PacketType.REPLY, Status.OK, encode((domain_ref(f"d{n}", n),))) for n in order
        )
        waiting = in_thread(lambda: [one.result(PATIENCE)[0].id for one in pending])
        edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
        for start, end in pairwise(edges):
            peer.socket.sendall(stream[start:end])
        assert waiting.result(PATIENCE) == [0, 1, 2, 3, 4]
    finally:
        connection.break_off("over")
        peer.close()


def test_32_threads_share_a_connection(ends: Ends) -> None:
    connection, peer = ends

    def shuffled() -> None:
        rng = random.Random(1)
        held = []
        for number in range(32 * 25):
            held.append(peer.receive_call("domain_lookup_by_id"))
            if len(held) > rng.randrange(8) or number >= 32 * 24:
                rng.shuffle(held)
                for call, (id_,), _ in held:
                    peer.reply(call, domain_ref("d", id_))
                held.clear()

    def caller(thread: int) -> list[int]:
        return [connection.call(BY_ID, (thread * 1000 + turn,))[0].id for turn in range(25)]

    serving = in_thread(shuffled)
    callers = [in_thread(caller, thread) for thread in range(32)]
    for thread, waiting in enumerate(callers):
        assert waiting.result(2 * PATIENCE) == [thread * 1000 + turn for turn in range(25)]
    serving.result(PATIENCE)


def test_arguments_that_cannot_be_packed_never_leave(ends: Ends) -> None:
    connection, peer = ends
    with pytest.raises(InvalidArgument, match="a value cannot be sent"):
        connection.call(LOOKUP, (object(),))
    with pytest.raises(InvalidArgument, match="exceeds the limit"):
        connection.call(LOOKUP, ("x" * (33 << 20),))
    peer.serve({"connect_get_hostname": lambda: ("here",)})
    assert connection.call(HOSTNAME) == ("here",)


def test_a_reply_that_does_not_fit_its_row_fails_that_call_alone(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, HOSTNAME)
    call, _, _ = peer.receive_call("connect_get_hostname")
    peer.reply(call, 17)
    with pytest.raises(ProtocolError, match="connect_get_hostname: hostname: not a string"):
        waiting.result(PATIENCE)
    peer.serve({"connect_get_hostname": lambda: ("here",)})
    assert connection.call(HOSTNAME) == ("here",)


# Deadlines


def test_the_daemon_is_told_the_deadline_and_the_wish_for_a_trace(ends: Ends) -> None:
    connection, peer = ends
    pending = connection.submit(HOSTNAME, (), 7, trace=True)
    call, _, options = peer.receive_call("connect_get_hostname")
    assert options == {"deadline": 7.0, "trace": True}
    peer.reply(call, "here", extras={"trace": [{"actor": "router"}]})
    assert pending.outcome(None) == (("here",), {"trace": [{"actor": "router"}]})


def test_after_its_deadline_a_call_raises_and_its_late_reply_is_dropped(ends: Ends) -> None:
    connection, peer = ends
    with pytest.raises(OperationTimeout, match="connect_get_hostname"):
        connection.call(HOSTNAME, (), 0.3)
    late, _, _ = peer.receive_call("connect_get_hostname")
    waiting = in_thread(connection.call, HOSTNAME)
    call, _, _ = peer.receive_call("connect_get_hostname")
    peer.reply(late, "late")
    peer.reply(call, "in time")
    assert waiting.result(PATIENCE) == ("in time",)


def test_a_deadline_that_has_passed_is_not_sent_at_all(ends: Ends) -> None:
    connection, peer = ends
    with pytest.raises(OperationTimeout, match="no time was left"):
        connection.call(LOOKUP, ("web",), 0)
    pending = connection.submit(HOSTNAME)
    peer.receive_call("connect_get_hostname")
    pending.forget()


def test_a_reader_whose_deadline_passes_leaves_the_reading_to_others(ends: Ends) -> None:
    connection, peer = ends
    reader = in_thread(connection.call, HOSTNAME, (), 0.5)
    peer.receive_call("connect_get_hostname")
    follower = in_thread(connection.call, LOOKUP, ("web",))
    call, _, _ = peer.receive_call("domain_lookup_by_name")
    with pytest.raises(OperationTimeout):
        reader.result(PATIENCE)
    peer.reply(call, domain_ref("web"))
    assert follower.result(PATIENCE)[0].name == "web"


def test_a_follower_whose_deadline_passes_leaves_the_reader_alone(ends: Ends) -> None:
    connection, peer = ends
    reader = in_thread(connection.call, LOOKUP, ("web",))
    call, _, _ = peer.receive_call("domain_lookup_by_name")
    follower = in_thread(connection.call, HOSTNAME, (), 0.5)
    peer.receive_call("connect_get_hostname")
    with pytest.raises(OperationTimeout):
        follower.result(PATIENCE)
    peer.reply(call, domain_ref("web"))
    assert reader.result(PATIENCE)[0].name == "web"


# Endings


def test_everyone_who_waits_learns_at_once_that_the_peer_is_gone(ends: Ends) -> None:
    connection, peer = ends
    inbox: Inbox[str] = Inbox()
    callers = [in_thread(connection.call, HOSTNAME) for _ in range(5)]
    reader = in_thread(inbox.take, connection, None)
    for _ in range(5):
        peer.receive_call("connect_get_hostname")
    peer.close()
    for one in (*callers, reader):
        with pytest.raises(ConnectionLost, match="the other end closed it"):
            one.result(PATIENCE)
    assert not connection.is_alive


def test_breaking_off_wakes_a_reader_that_sits_in_recv(ends: Ends) -> None:
    connection, peer = ends
    waiting = [in_thread(connection.call, HOSTNAME) for _ in range(3)]
    for _ in range(3):
        peer.receive_call("connect_get_hostname")
    connection.break_off("it was closed on this side")
    for one in waiting:
        with pytest.raises(ConnectionLost, match="it was closed on this side"):
            one.result(PATIENCE)
    with pytest.raises(EOFError):
        peer.receive()


def test_a_call_on_a_broken_connection_was_not_sent(ends: Ends) -> None:
    connection, peer = ends
    connection.break_off("over")
    with pytest.raises(NotSent):
        connection.call(HOSTNAME)
    peer.close()


def test_a_call_to_a_peer_that_is_gone_unnoticed_was_not_sent(ends: Ends) -> None:
    connection, peer = ends
    peer.close()
    with pytest.raises(NotSent):
        connection.call(HOSTNAME)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (struct.pack(">I", 7) + b"x" * 24, "packet length 7"),
        (struct.pack(">IIIiiIi", 28, 0x30008086, 1, 59, 0, 1, 0), "a packet of type 0"),
        (b"GET / HTTP/1.0\r\n\r\nHost: nowhere\r\n", "packet length"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_left(ends: Ends, data: bytes, why: str) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, HOSTNAME)
    peer.receive()
    peer.socket.sendall(data)
    with pytest.raises(ConnectionLost, match=why):
        waiting.result(PATIENCE)


def test_messages_nobody_knows_are_ignored(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, HOSTNAME)
    call, _, _ = peer.receive_call("connect_get_hostname")
    peer.socket.sendall(struct.pack(">IIIiiIi", 32, 0x31234567, 9, 5, 2, 0, 0) + b"what")
    peer.socket.sendall(struct.pack(">IIIiiIi", 28, 0x30008086, 1, 59, 3, 4711, 2))
    peer.socket.sendall(struct.pack(">IIIiiIi", 28, 0x30008086, 1, 59, 1, 4711, 0))
    peer.reply(call, "here")
    assert waiting.result(PATIENCE) == ("here",)


# Signals


class Interrupted(Exception):
    """What a signal's handler raises, as Ctrl-C raises KeyboardInterrupt."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[float], None]]:
    """Interrupt the main thread in so many seconds, and again where that was lost in a finalizer; 0 takes it back."""

    def raise_it(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, raise_it)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds, 0.2) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupted_wait_leaves_the_connection_as_it_was(ends: Ends, interrupt: Callable[[float], None]) -> None:
    connection, peer = ends
    interrupt(0.02)
    with pytest.raises(Interrupted):
        connection.call(HOSTNAME)
    late, _, _ = peer.receive_call("connect_get_hostname")
    peer.reply(late, "late")
    peer.serve({"connect_get_hostname": lambda: ("here",)})
    assert connection.call(HOSTNAME) == ("here",)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wherever_a_call_is_interrupted_nobody_waits_forever_or_gets_anothers_reply(
    interrupt: Callable[[float], None],
) -> None:
    rng = random.Random(1)
    ends: list[tuple[Connection, Peer]] = []

    def new_connection() -> Connection:
        ours, theirs = socket.socketpair()
        ends.append((Connection(SocketLink(ours)), Peer(theirs)))
        ends[-1][1].serve({"domain_lookup_by_id": lambda id_: (domain_ref("d", id_),)})
        return ends[-1][0]

    connection, turn = new_connection(), 0
    for _ in range(150):
        try:
            interrupt(rng.uniform(0.0002, 0.002))
            while connection.is_alive:
                turn += 1
                assert connection.call(BY_ID, (turn,), PATIENCE)[0].id == turn
            interrupt(0)
        except (Interrupted, ConnectionLost):
            interrupt(0)
        if not connection.is_alive:
            connection = new_connection()
        assert not connection.has_reader
        assert connection.call(BY_ID, (0,), PATIENCE)[0].id == 0
    for connection, peer in ends:
        connection.break_off("the test is over")
        peer.close()


# Full sockets


def test_a_large_call_and_a_large_answer_do_not_block_each_other(ends: Ends) -> None:
    connection, peer = ends
    size = 4 << 20
    waiting = in_thread(connection.call, LOOKUP, ("x" * size,))

    def talks_before_it_listens() -> None:
        for serial in range(64):
            peer.socket.sendall(
                struct.pack(">IIIiiIi", 28 + size // 16, 0x31234567, 1, 1, 2, serial, 0) + b"y" * (size // 16)
            )
        call, (name,), _ = peer.receive_call("domain_lookup_by_name")
        assert len(name) == size
        peer.reply(call, domain_ref("web"))

    in_thread(talks_before_it_listens).result(2 * PATIENCE)
    assert waiting.result(PATIENCE)[0].name == "web"


def test_many_large_calls_of_many_threads_arrive_whole(ends: Ends) -> None:
    connection, peer = ends
    peer.serve({"domain_lookup_by_name": lambda name: (domain_ref(name[:1], len(name)),)})

    def caller(letter: str, size: int) -> tuple[str, int]:
        (found,) = connection.call(LOOKUP, (letter * size,))
        return found.name, found.id

    callers = [in_thread(caller, letter, 300_000 + ord(letter)) for letter in "abcdefgh"]
    assert [one.result(2 * PATIENCE) for one in callers] == [(letter, 300_000 + ord(letter)) for letter in "abcdefgh"]


def test_a_send_that_finds_no_room_ends_at_its_deadline_and_is_completed_later(ends: Ends) -> None:
    connection, peer = ends
    with pytest.raises(OperationTimeout, match="takes nothing"):
        connection.call(LOOKUP, ("x" * (3 << 20),), 0.5)
    peer.serve({"domain_lookup_by_name": lambda name: (domain_ref("late"),), "connect_get_hostname": lambda: ("here",)})
    assert connection.call(HOSTNAME) == ("here",)


# Keepalive


def test_a_ping_is_answered_by_whoever_reads(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, HOSTNAME)
    call, _, _ = peer.receive_call("connect_get_hostname")
    peer.socket.sendall(struct.pack(">IIIiiIi", 28, KEEPALIVE_PROGRAM, 1, 1, 2, 0, 0))
    assert peer.receive()[:7] == (KEEPALIVE_PROGRAM, 1, 2, 2, 0, 0, b"")
    peer.reply(call, "here")
    waiting.result(PATIENCE)


def test_a_ping_is_answered_when_nobody_calls(ends: Ends) -> None:
    connection, peer = ends
    keepalive = Keepalive(connection, 0.01, 1000)
    peer.socket.sendall(struct.pack(">IIIiiIi", 28, KEEPALIVE_PROGRAM, 1, 1, 2, 0, 0))
    kinds = [peer.receive().procedure for _ in range(4)]
    assert 2 in kinds
    keepalive.stop()


def test_a_silent_peer_is_noticed_by_a_thread_that_waits(ends: Ends) -> None:
    connection, peer = ends
    waiting = in_thread(connection.call, HOSTNAME)
    peer.receive_call("connect_get_hostname")
    keepalive = Keepalive(connection, 0.02, 3)
    with pytest.raises(ConnectionLost, match="no answer to 3 keepalive messages"):
        waiting.result(PATIENCE)
    assert [peer.receive().program for _ in range(3)] == [KEEPALIVE_PROGRAM] * 3
    keepalive.stop()


def test_a_peer_that_answers_pings_may_take_its_time_with_calls(ends: Ends) -> None:
    connection, peer = ends
    keepalive = Keepalive(connection, 1000, 2)
    waiting = in_thread(connection.call, HOSTNAME)
    call, _, _ = peer.receive_call("connect_get_hostname")
    for _ in range(8):  # Its time is the test's.
        keepalive._tick(connection)
        assert peer.receive().program == KEEPALIVE_PROGRAM
        peer.socket.sendall(struct.pack(">IIIiiIi", 28, KEEPALIVE_PROGRAM, 1, 2, 2, 0, 0))
        wait_until(lambda: connection.heard)
    peer.reply(call, "here")
    assert waiting.result(PATIENCE) == ("here",)
    keepalive.stop()


def test_the_keepalive_thread_ends_with_a_connection_that_was_forgotten() -> None:
    ours, theirs = socket.socketpair()
    connection = Connection(SocketLink(ours))
    Keepalive(connection, 60, 5)
    assert any(thread.name == "virtactor-keepalive" for thread in threading.enumerate())
    del connection
    wait_until(lambda: not any(thread.name == "virtactor-keepalive" for thread in threading.enumerate()))
    assert theirs.recv(1) == b""
    theirs.close()


# Inboxes


def test_closing_an_inbox_frees_the_reader_that_waits_on_it(ends: Ends) -> None:
    connection, _ = ends
    inbox: Inbox[str] = Inbox()
    waiting = in_thread(inbox.take, connection, None)
    wait_until(lambda: connection.has_reader)
    inbox.close()
    assert waiting.result(PATIENCE) is None


def test_a_reader_on_an_inbox_serves_the_calls_of_others(ends: Ends) -> None:
    connection, peer = ends
    inbox: Inbox[str] = Inbox()
    waiting = in_thread(inbox.take, connection, None)
    peer.serve({"connect_get_hostname": lambda: ("here",)})
    assert [connection.call(HOSTNAME) for _ in range(50)] == [("here",)] * 50
    inbox.close()
    assert waiting.result(PATIENCE) is None


def test_an_inbox_gives_each_item_to_one_taker(ends: Ends) -> None:
    connection, peer = ends
    inbox: Inbox[Pending] = Inbox()
    takers = [in_thread(inbox.take, connection, None) for _ in range(4)]
    pending = [connection.submit(HOSTNAME, sink=inbox) for _ in range(4)]
    for _ in pending:
        peer.reply(peer.receive(), "here")
    assert {taker.result(PATIENCE) for taker in takers} == set(pending)


def test_taking_from_an_empty_inbox_ends_in_time(ends: Ends) -> None:
    connection, _ = ends
    inbox: Inbox[str] = Inbox()
    assert inbox.take(connection, time.monotonic() + 0.01) is None
    assert inbox.take(connection, 0.0) is None
