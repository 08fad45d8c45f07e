"""libvirt's encoding: known bytes, every row there and back, and what does not fit."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.wire import xdr
from virtactor.wire.errors import InvalidArgument, NoDomain, ProtocolError, VirtError, error_from_wire
from virtactor.wire.params import ParamType, TypedParam, param
from virtactor.wire.table import REMOTE_PROGRAM, ROWS, DomainRef, Row, Target
from virtactor.wire.table.rows import Family

from .strategies import plainest, rows_of

EVERY_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
UUID = bytes(range(16))


def row(args: str) -> Row:
    """A row with these arguments, of no other meaning."""
    return Family(REMOTE_PROGRAM, Target.DRIVER).query(0, "row", args, permission="", help="nothing")


def number(value: int) -> bytes:
    return struct.pack(">I", value)


@pytest.mark.parametrize(
    ("signature", "values", "payload"),
    [
        ("a: int", (-2,), b"\xff\xff\xff\xfe"),
        ("a: uchar, b: ushort", (255, 65535), b"\0\0\0\xff\0\0\xff\xff"),
        ("a: hyper, b: uint", (-1, 7), b"\xff" * 8 + b"\0\0\0\7"),
        ("a: bool, b: bool", (True, False), b"\0\0\0\1\0\0\0\0"),
        ("a: double", (1.5,), b"\x3f\xf8\0\0\0\0\0\0"),
        ("a: string", ("abcde",), b"\0\0\0\5abcde\0\0\0"),
        ("a: string", ("",), b"\0\0\0\0"),
        ("a: string?, b: string?", (None, "é"), b"\0\0\0\0\0\0\0\1\0\0\0\2\xc3\xa9\0\0"),
        ("a: uuid", (UUID,), UUID),
        ("a: opaque[8]", (b"\1\2\3\4",), b"\0\0\0\4\1\2\3\4"),
        ("a: chars[9]", ("ab",), b"\0\0\0\3\0\0\0\x61\0\0\0\x62\0\0\0\0"),
        ("a: chars{3}", ("a",), b"\0\0\0\x61" + bytes(8)),
        ("a: chars[9]", ("é",), b"\0\0\0\3\xff\xff\xff\xc3\xff\xff\xff\xa9\0\0\0\0"),
        ("a: int[9]", ([1, 2],), b"\0\0\0\2\0\0\0\1\0\0\0\2"),
        ("a: int{2}", ([1, 2],), b"\0\0\0\1\0\0\0\2"),
        ("a: domain", (DomainRef("vm", UUID, -1),), b"\0\0\0\2vm\0\0" + UUID + b"\xff\xff\xff\xff"),
        (
            "a: param[9]",
            ([TypedParam("n", ParamType.UINT, 5), TypedParam("s", ParamType.STRING, "x")],),
            number(2) + number(1) + b"n\0\0\0" + number(2) + number(5) + number(1) + b"s\0\0\0" + number(7) + number(1)
            + b"x\0\0\0",
        ),
    ],
)  # fmt: skip
def test_values_have_the_bytes_that_the_standard_gives_them(signature: str, values: tuple, payload: bytes) -> None:
    codec = xdr.codec(row(signature))
    assert codec.encode_args(values) == payload
    assert codec.decode_args(payload) == values


@EVERY_ROW
@given(data=st.data())
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_row_goes_there_and_back(row: Row, data: st.DataObject) -> None:
    codec = xdr.codec(row)
    args, result = data.draw(rows_of(row.args)), data.draw(rows_of(row.result))
    assert codec.decode_args(codec.encode_args(args)) == args
    assert codec.decode_result(codec.encode_result(result)) == result


@EVERY_ROW
def test_a_payload_that_is_cut_short_or_goes_on_is_a_protocol_error(row: Row) -> None:
    codec = xdr.codec(row)
    payload = codec.encode_args(tuple(plainest(field.type) for field in row.args))
    for wrong in [payload[:end] for end in range(0, len(payload), 4)] + [payload + bytes(4)]:
        with pytest.raises(ProtocolError):
            codec.decode_args(wrong)


@EVERY_ROW
@given(payload=st.binary(max_size=64))
@settings(max_examples=10, deadline=None)
def test_whatever_comes_is_values_or_a_protocol_error(row: Row, payload: bytes) -> None:
    codec = xdr.codec(row)
    try:
        args = codec.decode_args(payload)
    except ProtocolError:
        return
    assert codec.decode_args(codec.encode_args(args)) == args or "nan" in repr(args)


@pytest.mark.parametrize(
    ("signature", "payload", "why"),
    [
        ("a: string", number(4_194_305), "longer than 4194304"),
        ("a: string", number(3) + b"\xff\xfe\xfd\0", "utf-8"),
        ("a: string", number(3) + b"a\0b\0", "NUL"),
        ("a: opaque[2]", number(3) + bytes(4), "longer than 2"),
        ("a: int[2]", number(3) + bytes(12), "longer than 2"),
        ("a: int[1000]", number(900), "ends within"),
        ("a: uchar", number(256), "longer than 255"),
        ("a: param", number(0) + number(9) + number(0), "no type 9"),
        ("a: chars[4]", number(5) + bytes(20), "longer than 4"),
        ("a: domain", number(1) + b"x\0\0\0" + bytes(15), "ends within"),
    ],
)
def test_what_no_row_allows_is_refused_by_its_reason(signature: str, payload: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        xdr.codec(row(signature)).decode_args(payload)


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("a: int", 2**31),
        ("a: uint", -1),
        ("a: uchar", 256),
        ("a: int", "one"),
        ("a: int", None),
        ("a: string", None),
        ("a: string", "a\0b"),
        ("a: string", "\ud800"),
        ("a: opaque[2]", b"abc"),
        ("a: uuid", b"short"),
        ("a: chars{4}", "four"),
        ("a: chars[4]", "four"),
        ("a: int[1]", [1, 2]),
        ("a: int{2}", [1]),
        ("a: param", TypedParam("x", 9, 0)),
        ("a: param", TypedParam("x", int(ParamType.INT), 2**40)),
    ],
)
def test_a_value_that_does_not_fit_is_an_invalid_argument(signature: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match="cannot be sent"):
        xdr.codec(row(signature)).encode_args((value,))


def test_too_few_values_are_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgument):
        xdr.codec(row("a: int, b: string")).encode_args((1,))


def test_an_error_comes_back_as_the_same_kind() -> None:
    sent = NoDomain("no domain with matching name 'x'")
    received = error_from_wire(xdr.decode_error(xdr.encode_error(sent)))
    assert isinstance(received, NoDomain)
    assert (received.code, received.domain, received.level) == (sent.code, sent.domain, sent.level)
    assert str(received) == str(sent)


@pytest.mark.parametrize("message", ["a\0b", "\udcff", "x" * 5_000_000])
def test_an_error_can_always_be_sent(message: str) -> None:
    assert xdr.decode_error(xdr.encode_error(VirtError(message)))["message"]


@given(payload=st.binary(max_size=80))
def test_an_error_that_is_none_is_a_protocol_error(payload: bytes) -> None:
    try:
        fields = xdr.decode_error(payload)
    except ProtocolError:
        return
    error_from_wire(fields)


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (1, ParamType.INT),
        (-1, ParamType.INT),
        (2**31, ParamType.LLONG),
        (2**63, ParamType.ULLONG),
        (1.0, ParamType.DOUBLE),
        (True, ParamType.BOOLEAN),
        ("x", ParamType.STRING),
    ],
)
def test_a_parameter_takes_the_type_that_fits_its_value(value: int | float | bool | str, type_: ParamType) -> None:
    assert param("name", value) == TypedParam("name", type_, value)


def test_a_number_that_no_parameter_can_hold_is_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgument):
        param("name", 2**64)
