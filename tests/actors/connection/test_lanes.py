"""Both lanes on one connection: every call is answered in the lane it came in, whatever is wrong with it."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.wire import xdr
from virtactor.wire.enums.connect import Feature
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import NoConnect, NoDomain, OperationDenied, ProtocolError, VirtError
from virtactor.wire.framing import Packet, PacketType, Status, encode_packet
from virtactor.wire.lanes import LANES, MSGPACK, XDR, Lane
from virtactor.wire.table import (
    EXTENSION_PROGRAM,
    KEEPALIVE_PROGRAM,
    MSGPACK_BIT,
    QEMU_PROGRAM,
    REMOTE_PROGRAM,
    ROWS,
    Kind,
    Row,
)

from ...raw_client import RawClient, domain_xml, result_of
from ...wire.strategies import plainest
from ..served import NEVER, Served, wait_until

HOSTNAME, URI = ROWS["connect_get_hostname"], ROWS["connect_get_uri"]
both_lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
CALLS = [row for row in ROWS.values() if row.kind is not Kind.MESSAGE]


def lanes_of(row: Row) -> list[Lane]:
    return [MSGPACK] if row.program & MSGPACK_BIT else [MSGPACK, XDR]


def is_alive(client: RawClient) -> bool:
    return client.call("connect_get_uri") == "test:///default"


# -- what is right -----------------------------------------------------------------------------------------------------


@both_lanes
def test_a_session_from_open_to_close(lane: Lane, served: Served) -> None:
    with served.opened(lane=lane) as client:
        assert client.call("auth_list") == [0]
        dom = client.define("guest")
        assert client.call("domain_create_with_flags", dom, 0).name == "guest"
        assert client.state("guest") == (1, 1)
        assert "<name>guest</name>" in client.call("domain_get_xml_desc", dom, 0)
        assert client.names() == {"test", "guest"}
        client.call("connect_close")
        assert client.at_end()


def test_calls_of_both_lanes_are_answered_each_in_its_own(served: Served) -> None:
    with served.opened() as client:
        for serial, lane in enumerate([MSGPACK, XDR, XDR, MSGPACK], 100):
            client.send_packet(HOSTNAME, serial, lane.codec(HOSTNAME).encode_args((), None), program=program(lane))
        programs = [client.receive().program for _ in range(4)]
        assert programs == [program(lane) for lane in (MSGPACK, XDR, XDR, MSGPACK)]


def program(lane: Lane) -> int:
    return lane.program_of(HOSTNAME)


@both_lanes
def test_an_error_carries_libvirts_numbers(lane: Lane, served: Served) -> None:
    with served.opened(lane=lane) as client:
        serial = client.send("domain_lookup_by_name", "nobody")
        packet = client.receive()
        assert (packet.serial, packet.status) == (serial, Status.ERROR)
        fields = lane.decode_error(packet.payload)
        assert fields["code"] == ErrorNumber.NO_DOMAIN
        assert fields["message"] == "Domain not found: no domain with matching name 'nobody'"
        with pytest.raises(NoDomain):
            result_of(packet)


def test_the_error_structure_is_libvirts(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        client.send("domain_lookup_by_name", "nobody")
        payload = client.receive().payload
        code, _, present = struct.unpack_from(">iiI", payload)
        assert (code, present) == (42, 1)
        # No domain and no network stand in it, and the numbers are those of an error without any.
        assert payload[-12:] == struct.pack(">iiI", -1, -1, 0)


@both_lanes
def test_a_readonly_session_is_refused_what_writes(lane: Lane, served: Served) -> None:
    with served.opened(flags=1, lane=lane) as client:
        with pytest.raises(OperationDenied, match="read only access prevents virDomainDefineXMLFlags"):
            client.call("domain_define_xml_flags", domain_xml("x"), 0)
        assert is_alive(client)


@both_lanes
def test_the_default_uri_is_the_system_driver(lane: Lane, served: Served) -> None:
    with served.connect(lane) as client:
        for name in (None, ""):
            with pytest.raises(NoConnect, match="no driver for 'qemu:///system'"):
                client.call("connect_open", name, 0)
        client.call("connect_open", "test:///default", 2)
        assert is_alive(client)
        assert client.call("connect_is_secure") == 1


# -- what is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.name)
def test_a_call_with_the_wrong_payload_is_answered_and_the_connection_goes_on(row: Row, served: Served) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    with served.opened() as client:
        for lane in lanes_of(row):
            whole = lane.codec(row).encode_args(tuple(plainest(field.type) for field in row.args), None)
            for payload in {whole[:-1], whole[: len(whole) // 2], whole + b"\0\0\0\0", b"\xff" * 64} - {whole}:
                client.send_packet(row, 9, payload, program=lane.program_of(row))
                packet = client.receive()
                assert (packet.type, packet.status, packet.serial) == (PacketType.REPLY, Status.ERROR, 9)
                assert (packet.program, packet.procedure) == (lane.program_of(row), row.number)
                fields = lane.decode_error(packet.payload)
                assert (fields["code"], fields["domain"]) == (ErrorNumber.RPC, ErrorDomain.RPC)
        assert is_alive(client)
    wait_until(lambda: not served.actors())
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)


@both_lanes
@pytest.mark.parametrize(
    ("packet", "complaint"),
    [
        ({"program": 0x20001234}, "unknown program 0x20001234"),
        ({"program": EXTENSION_PROGRAM & ~MSGPACK_BIT, "number": 1}, "unknown program 0x20008100"),
        ({"program": KEEPALIVE_PROGRAM}, "unknown program 0x6b656570"),
        ({"number": 9999}, "unknown procedure 9999 of program 0x.0008086"),
        ({"number": -1}, "unknown procedure -1 of program 0x.0008086"),
        ({"number": 0}, "unknown procedure 0 of program 0x.0008086"),
        ({"number": 107}, "unknown procedure 107 of program 0x.0008086"),
        ({"program": QEMU_PROGRAM, "number": 77}, "unknown procedure 77 of program 0x20008087"),
        ({"version": 2}, "version 2 or status 0 of a call"),
        ({"status": Status.ERROR}, "version 1 or status 1 of a call"),
        ({"status": 77}, "version 1 or status 77 of a call"),
    ],
)
def test_a_packet_that_is_no_call_of_the_table_is_refused(
    packet: dict[str, Any], complaint: str, lane: Lane, served: Served
) -> None:
    with served.opened(lane=lane) as client:
        client.send_packet(URI, 7, **packet)
        found = client.receive()
        assert (found.type, found.status, found.serial) == (PacketType.REPLY, Status.ERROR, 7)
        assert found.program == packet.get("program", lane.program_of(URI))
        assert found.procedure == packet.get("number", URI.number)
        with pytest.raises(ProtocolError, match=complaint) as raised:
            result_of(found)
        assert raised.value.domain == ErrorDomain.RPC
        assert is_alive(client)


def test_a_payload_that_claims_a_long_list_is_refused_at_once(served: Served) -> None:
    row = ROWS["domain_set_block_io_tune"]
    with served.opened(lane=XDR) as client:
        dom = client.lookup("test")
        head = xdr.codec(row).encode_args((dom, "disk", [], 0))[:-8]
        client.send_packet(row, 5, head + struct.pack(">I", 2**31))
        with pytest.raises(ProtocolError, match="domain_set_block_io_tune"):
            result_of(client.receive())
        assert is_alive(client)


def test_an_impossible_length_ends_a_connection_of_libvirts_lane(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        client.socket.sendall(
            encode_packet(REMOTE_PROGRAM, 1, URI.number, PacketType.CALL, 7, Status.OK)
            + struct.pack(">I", 5)
            + bytes(24)
        )
        assert client.answer(7) == "test:///default"
        assert client.at_end()
    wait_until(lambda: not served.actors())


# -- what both ends are able to ----------------------------------------------------------------------------------------


def test_each_feature_is_answered_as_by_libvirts_test_driver(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        assert {number for number in range(40) if client.call("connect_supports_feature", number)} == {
            Feature.FD_PASSING,
            Feature.TYPED_PARAM_STRING,
            Feature.PROGRAM_KEEPALIVE,
            Feature.REMOTE_EVENT_CALLBACK,
            Feature.REMOTE_CLOSE_CALLBACK,
            Feature.NETWORK_UPDATE_HAS_CORRECT_ORDER,
        }


def test_keepalive_may_be_asked_for_before_the_session_is_open(served: Served) -> None:
    with served.connect(XDR) as client:
        assert client.call("connect_supports_feature", 10) == 1
        with pytest.raises(NoConnect):
            client.call("connect_is_secure")


def test_a_client_that_asked_for_keepalive_is_pinged(serve: Any) -> None:
    served = serve(config={"keepalive": {"interval": NEVER, "count": 2}})
    with served.opened(lane=XDR) as client:
        assert client.call("connect_supports_feature", 10) == 1
        served.pass_intervals(2)
        packet = client.receive()
        assert packet == Packet(KEEPALIVE_PROGRAM, 1, 1, PacketType.MESSAGE, 0, Status.OK, b"")
        client.keepalive(2)
        wait_until(served.has_heard)
        served.pass_intervals(4)
        assert client.receive().procedure == 1
        assert client.receive().procedure == 1
        assert client.at_end()


def test_sasl_is_refused(served: Served) -> None:
    with served.connect(XDR) as client:
        for name, args in (
            ("auth_sasl_init", ()),
            ("auth_sasl_start", ("PLAIN", 0, "x")),
            ("auth_sasl_step", (0, "x")),
            ("auth_polkit", ()),
        ):
            with pytest.raises(VirtError) as raised:
                client.call(name, *args)
            assert raised.value.code == ErrorNumber.AUTH_FAILED
        client.open()
        assert is_alive(client)


# -- anything at all ---------------------------------------------------------------------------------------------------

ANY_PROGRAM = st.sampled_from([REMOTE_PROGRAM, QEMU_PROGRAM, REMOTE_PROGRAM | MSGPACK_BIT, EXTENSION_PROGRAM])
# Not the call that closes, and none that waits.
ANY_NUMBER = st.one_of(
    st.sampled_from([row.number for row in CALLS if row.name != "connect_close"]), st.integers(3, 500)
)
ANY_PACKET = st.builds(
    Packet,
    ANY_PROGRAM,
    st.sampled_from([1, 1, 1, 2]),
    ANY_NUMBER,
    st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 6, 7]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
    st.binary(max_size=80),
    st.just(()),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(packets=st.lists(ANY_PACKET, max_size=30), is_open=st.booleans())
def test_whatever_a_client_sends_others_are_served_and_nothing_fails_unexpectedly(
    packets: list[Packet], is_open: bool, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    with served.opened() as witness, served.opened() if is_open else served.connect() as client:
        client.socket.sendall(b"".join(encode_packet(*packet) for packet in packets))
        client.send_packet(ROWS["auth_list"], 123_456, program=REMOTE_PROGRAM, payload=b"")
        while client.receive().serial != 123_456:
            pass
        assert is_alive(witness)
    assert "Traceback" not in caplog.text
    assert "unexpected" not in caplog.text
