"""One client's connection: what is answered, what is refused, and what ends it."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.connection.connection import Connection
from virtactor.actors.connection.listener import Adopt
from virtactor.actors.drivers.test.domain import TestDomain
from virtactor.wire import framing
from virtactor.wire.enums.domain import DomainCreateFlags, DomainState
from virtactor.wire.enums.error import ErrorDomain
from virtactor.wire.errors import (
    InternalError,
    NoDomain,
    OperationTimeout,
    ProtocolError,
    VirtError,
)
from virtactor.wire.framing import PacketType, Status, encode_packet
from virtactor.wire.pack import codec, encode
from virtactor.wire.table import EXTENSION_PROGRAM, MSGPACK_BIT, QEMU_PROGRAM, REMOTE_PROGRAM, ROWS

from ...raw_client import PATIENCE, RawClient, domain_xml, result_of
from ..served import Served, SlowDomain, wait_until

HOSTNAME = ROWS["connect_get_hostname"]
URI = ROWS["connect_get_uri"]


# -- packets that are none ---------------------------------------------------------------------------------------------


def test_a_malformed_call_is_answered_and_those_around_it_are_made(served: Served) -> None:
    with served.opened() as client:
        calls = [(URI, ()), (ROWS["domain_lookup_by_name"], (1,)), (URI, ())]
        client.socket.sendall(
            b"".join(
                encode_packet(row.msgpack_program, 1, row.number, PacketType.CALL, serial, Status.OK, encode(args))
                for serial, (row, args) in enumerate(calls, 7)
            )
        )
        answers = client.answers([7, 8, 9])
        assert answers[7] == answers[9] == "test:///default"
        assert isinstance(answers[8], ProtocolError)
        assert str(answers[8]) == "protocol error: domain_lookup_by_name: name: not a string"
        assert answers[8].domain == ErrorDomain.RPC


@pytest.mark.parametrize("length", [0, 27, (32 << 20) + 1, 2**32 - 1])
def test_an_impossible_length_ends_the_connection_after_the_calls_before_it(length: int, served: Served) -> None:
    with served.opened() as client:
        client.socket.sendall(
            encode_packet(URI.msgpack_program, 1, URI.number, PacketType.CALL, 7, Status.OK, encode(()))
            + struct.pack(">I", length)
            + bytes(24)
        )
        assert client.answer(7) == "test:///default"
        assert client.at_end()
    wait_until(lambda: not served.actors())


@pytest.mark.parametrize(
    ("packet", "complaint"),
    [
        ({"program": 0x30001234}, "unknown program 0x30001234"),
        ({"program": 0x30001234, "number": -1}, "unknown program 0x30001234"),
        ({"number": 9999}, "unknown procedure 9999 of program 0x30008086"),
        ({"number": -1}, "unknown procedure -1 of program 0x30008086"),
        ({"number": 107}, "unknown procedure 107 of program 0x30008086"),
        ({"program": EXTENSION_PROGRAM, "number": 77}, "unknown procedure 77 of program 0x30008100"),
        ({"program": QEMU_PROGRAM | MSGPACK_BIT, "number": 6}, "unknown procedure 6 of program 0x30008087"),
        ({"version": 2}, "version 2 or status 0 of a call"),
        ({"status": Status.ERROR}, "version 1 or status 1 of a call"),
        ({"status": 77}, "version 1 or status 77 of a call"),
        ({"type": PacketType.REPLY}, "packets of type 1 do not go to a daemon"),
        ({"type": PacketType.MESSAGE}, "packets of type 2 do not go to a daemon"),
        ({"type": 99}, "packets of type 99 do not go to a daemon"),
    ],
)
def test_a_packet_that_is_no_call_of_the_table_is_refused_in_its_own_words(
    packet: dict[str, Any], complaint: str, served: Served
) -> None:
    with served.opened() as client:
        client.send_packet(URI, 7, **packet)
        found = client.receive()
        assert (found.type, found.status, found.serial) == (PacketType.REPLY, Status.ERROR, 7)
        assert found.program == packet.get("program", REMOTE_PROGRAM | MSGPACK_BIT)
        assert found.procedure == packet.get("number", URI.number)
        with pytest.raises(ProtocolError, match=complaint):
            result_of(found)
        assert client.call("connect_get_uri") == "test:///default"


def test_stream_packets_for_no_stream_are_dropped(served: Served) -> None:
    with served.opened() as client:
        for status in (Status.CONTINUE, Status.OK, Status.ERROR):
            client.send_packet(ROWS["domain_open_console"], 5, b"data", type=PacketType.STREAM, status=status)
        client.send_packet(ROWS["domain_open_console"], 5, b"?", type=PacketType.STREAM_HOLE, status=Status.CONTINUE)
        assert client.call("connect_get_uri") == "test:///default"


@pytest.mark.parametrize("deadline", [0, -1, "5", [], float("nan")])
def test_an_impossible_deadline_is_a_malformed_call(deadline: Any, served: Served) -> None:
    with served.opened() as client:
        with pytest.raises(ProtocolError, match="connect_get_uri: a deadline is a positive number of seconds"):
            client.call("connect_get_uri", options={"deadline": deadline})
        assert client.call("connect_get_uri") == "test:///default"


def test_a_result_that_cannot_be_sent_is_an_error_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing, "PACKET_MAX", 10_000)
    with served.opened("slow:///") as client:
        with pytest.raises(InternalError, match="the result of connect_get_hostname cannot be sent"):
            client.call("connect_get_hostname")
        assert client.call("connect_get_uri") == "slow:///"
    assert "exceeds the limit" in caplog.text


# -- calls -------------------------------------------------------------------------------------------------------------


def test_a_call_that_waits_ends_with_its_clients_deadline(served: Served) -> None:
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        with pytest.raises(OperationTimeout, match=r"domain guest did not answer domain_get_info within 0\.3 s"):
            client.call("domain_get_info", dom, options={"deadline": 0.3})


def test_a_traced_call_names_every_actor_it_passed(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        serial = client.send("domain_suspend", dom, options={"trace": True})
        packet = client.receive_reply()
        assert packet.serial == serial
        _, extras = codec(ROWS["domain_suspend"]).decode_result(packet.payload)
        spans = [(span["actor"].split()[0], span["what"], span["depth"]) for span in extras["trace"]]
        assert spans == [
            ("client", "call domain_suspend", 0),
            ("router", "route to object", 1),
            ("domain", "domain_suspend", 2),
        ]
        assert all(span["took"] >= 0 for span in extras["trace"])
        assert extras["trace"][0]["took"] >= extras["trace"][2]["took"]


def test_calls_beyond_the_limit_wait_and_all_are_answered_in_the_order_of_their_start(
    serve: Callable[..., Served],
) -> None:
    served = serve(config={"limits": {"calls_per_client": 3}})
    with served.opened("slow:///") as client, served.opened("slow:///") as other:
        dom = other.define("guest")
        slow = [client.send("domain_get_info", dom) for _ in range(3)]
        quick = [client.send("connect_get_uri") for _ in range(200)]
        wait_until(lambda: len(served.actors()[0]._waiting) + len(served.actors()[1]._waiting) == 200)
        assert other.call("connect_get_uri") == "slow:///"
        served.let_go("guest")
        answers = client.answers(slow + quick)
        assert list(answers) == slow + quick
        assert {answers[serial] for serial in quick} == {"slow:///"}
        assert client.call("connect_get_type") == "SLOW"


def test_pipelined_calls_are_answered_in_few_writes_and_their_order(served: Served) -> None:
    with served.opened() as client:
        packets = [
            encode_packet(URI.msgpack_program, 1, URI.number, PacketType.CALL, serial, Status.OK, encode(()))
            for serial in range(1000, 1200)
        ]
        client.socket.sendall(b"".join(packets))
        assert list(client.answers(range(1000, 1200))) == list(range(1000, 1200))


def test_an_unexpected_exception_in_a_driver_is_answered_and_logged(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, call: Any, *args: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(TestDomain, "domain_get_os_type", broken)
    with served.opened() as client:
        dom = client.lookup("test")
        with pytest.raises(InternalError, match="unexpected ZeroDivisionError: a defect"):
            client.call("domain_get_os_type", dom)
        assert client.state("test")[0] == DomainState.RUNNING
    assert "Traceback" in caplog.text


# -- the end -----------------------------------------------------------------------------------------------------------


def test_a_close_is_answered_and_closes_when_all_calls_are(served: Served) -> None:
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        slow = client.send("domain_get_info", dom)
        close = client.send("connect_close")
        assert client.answers([close]) == {close: None}
        served.let_go("guest")
        assert client.answer(slow)
        assert client.at_end()


def test_two_hundred_clients_come_and_go_and_leave_nothing(serve: Callable[..., Served], root: Path) -> None:
    served = serve(root)
    assert served.paths is not None
    before = served.run(lambda: len(served.daemon.runtime.actors))
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        clients = [RawClient.opened(served.paths.socket) for _ in range(100)]
        for number, client in enumerate(clients):
            if number % 3 == 0:
                client.call("connect_close")
            elif number % 3 == 1:
                client.send("connect_get_hostname")
            client.close()
    wait_until(lambda: served.run(lambda: len(served.daemon.runtime.actors)) == before)
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    with RawClient.opened(served.paths.socket) as client:
        assert client.names() == {"test"}


def test_clients_beyond_the_limit_are_turned_away(serve: Callable[..., Served], root: Path) -> None:
    served = serve(root, {"limits": {"clients": 2}})
    assert served.paths is not None
    path = served.paths.socket
    with RawClient.opened(path) as one, RawClient.opened(path) as two:
        with RawClient.connect(path) as three:
            assert three.at_end()
        assert one.names() == two.names()
        two.close()
        wait_until(lambda: len(served.actors()) == 1)
        with RawClient.opened(path) as four:
            assert four.names() == {"test"}


CLIENT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.raw_client import RawClient, domain_xml
client = RawClient.opened(Path(sys.argv[2]), "slow:///")
client.define("guest")
client.send("domain_create_xml", domain_xml("other"), 2)
client.send("domain_suspend", client.lookup("guest"))
client.socket.sendall(b"\\0\\0\\0\\x40half a packet")
print("sent", flush=True)
sys.stdin.read()
"""


def test_a_client_that_is_killed_in_the_middle_of_its_calls_is_forgotten(
    serve: Callable[..., Served], root: Path
) -> None:
    served = serve(root)
    assert served.paths is not None
    with RawClient.opened(served.paths.socket, "slow:///") as witness:
        repository = str(Path(__file__).parents[3])
        child = subprocess.Popen(
            [sys.executable, "-c", CLIENT, repository, str(served.paths.socket)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"sent\n"
            assert served.domain("other").began.wait(PATIENCE)
            child.send_signal(signal.SIGKILL)
        wait_until(lambda: len(served.actors()) == 1)
        # What it had asked for goes on; what was to be destroyed with it is, as soon as it is there.
        assert witness.names() == {"guest", "other"}
        served.let_go("other")
        wait_until(lambda: witness.names() == {"guest"})
        served.let_go("guest")
        assert witness.state("guest") == (5, 0)


def test_what_was_created_with_autodestroy_ends_with_its_session(served: Served) -> None:
    with served.opened() as witness:
        witness.subscribe()
        with served.opened() as client:
            client.create("mine", DomainCreateFlags.AUTODESTROY)
            dom = client.define("persistent")
            client.call("domain_create_with_flags", dom, DomainCreateFlags.AUTODESTROY | DomainCreateFlags.PAUSED)
            client.create("stays")
            freed = client.create("freed", DomainCreateFlags.AUTODESTROY)
            client.call("domain_destroy_flags", freed, 0)
            client.create("freed")
        wait_until(lambda: witness.names() == {"test", "persistent", "stays", "freed"})
        assert witness.state("persistent") == (5, 2)
        stopped = [event.name for event in witness.events_of() if event.event == 5]
        assert sorted(stopped) == ["freed", "mine", "persistent"]


def test_a_domain_that_still_starts_when_its_session_ends_is_destroyed_when_it_has(served: Served) -> None:
    with served.opened("slow:///") as witness:
        with served.opened("slow:///") as client:
            client.send("domain_create_xml", domain_xml("mine"), 2)
            wait_until(lambda: len(served.actors(SlowDomain)) == 1)
            assert served.domain("mine").began.wait(PATIENCE)
        wait_until(lambda: len(served.actors()) == 1)
        assert witness.names() == {"mine"}
        served.let_go("mine")
        wait_until(lambda: witness.names() == set())
        wait_until(lambda: not served.actors(SlowDomain))


def test_a_stop_of_the_daemon_closes_clients_with_calls_under_way(serve: Callable[..., Served]) -> None:
    served = serve()
    with served.opened("slow:///") as client, served.opened() as idle:
        dom = client.define("guest")
        served.run(lambda: None)
        client.send("domain_suspend", dom)
        client.send("domain_get_info", dom)
        served.begin_stop()
        while True:
            try:
                with pytest.raises(VirtError):
                    result_of(client.receive())
            except (EOFError, ConnectionResetError):
                break
        assert idle.at_end()


def test_peer_credentials_are_recorded(serve: Callable[..., Served], root: Path) -> None:
    served = serve(root)
    assert served.paths is not None
    with RawClient.opened(served.paths.socket):
        (connection,) = served.actors()
        assert isinstance(connection, Connection)
        identity = connection.session.identity
        assert identity is not None
        assert (identity.pid, identity.uid, identity.gid) == (os.getpid(), os.getuid(), os.getgid())
        assert (
            str(identity) == f"root (pid {os.getpid()})"
            if os.getuid() == 0
            else f"(pid {os.getpid()})" in str(identity)
        )


def test_a_socket_that_is_handed_over_as_the_daemon_stops_is_closed(serve: Callable[..., Served]) -> None:
    served = serve()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    served.daemon.listener.tell(Adopt(theirs))
    served.begin_stop()
    with RawClient(ours) as client:
        assert client.at_end()


def test_calls_pipelined_behind_a_domains_end_are_all_answered(served: Served) -> None:
    with served.opened() as client:
        dom = client.create("short")
        serials = [
            client.send("domain_destroy_flags", dom, 0),
            *(client.send("domain_get_info", dom) for _ in range(5)),
        ]
        answers = client.answers(serials)
        assert answers[serials[0]] is None
        # Queries do not wait for the job: these found the domain running, ending or gone, and none was left waiting.
        for serial in serials[1:]:
            assert isinstance(answers[serial], NoDomain) or answers[serial][0] in (1, 5)
        with pytest.raises(NoDomain):
            client.call("domain_get_info", dom)
