"""The msgpack codec: what is sent comes out as it was, what does not fit is refused by its name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.wire.errors import InvalidArgument, NoDomain, ProtocolError, VirtError, error_from_wire
from virtactor.wire.framing import STRING_MAX
from virtactor.wire.pack import codec, decode_error, encode, encode_error
from virtactor.wire.table import REMOTE_PROGRAM, ROWS, DomainRef, Row, Target
from virtactor.wire.table.rows import Family

from .strategies import rows_of

REF = DomainRef("guest", bytes(range(16)), 3)
_family = Family(REMOTE_PROGRAM, Target.OBJECT)
# A row with every type, beside what the real ones have.
EVERYTHING = _family.query(
    9100,
    "everything",
    "a: uchar, b: ushort, c: hyper, d: bool, e: double, f: opaque[8], g: string?, h: domain?, i: int[3], j: uint{2}",
    "k: domain[2], l: uuid, m: int[2]?",
    permission="",
    help="",
)
ALL_ROWS = {**ROWS, "everything": EVERYTHING}
EVERY_ROW = pytest.mark.parametrize("row", ALL_ROWS.values(), ids=ALL_ROWS)


@EVERY_ROW
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_row_comes_out_as_it_was_sent(row: Row, data: st.DataObject) -> None:
    for fields, decode in ((row.args, codec(row).decode_args), (row.result, codec(row).decode_result)):
        values = data.draw(rows_of(fields))
        assert decode(encode(values)) == (values, {})
        extras = {"deadline": 2.5, "trace": True}
        assert decode(encode(values, extras)) == (values, extras)


def test_structures_come_out_as_their_classes() -> None:
    ((found,), _) = codec(ROWS["domain_suspend"]).decode_args(encode((REF,)))
    assert type(found) is DomainRef
    assert found == REF


GOOD: dict[str, Any] = {
    "a": 1,
    "b": 2,
    "c": -3,
    "d": True,
    "e": 1.5,
    "f": b"12345678",
    "g": None,
    "h": REF,
    "i": [1, 2, 3],
    "j": [1, 2],
}


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("a", 256, "not a uchar"),
        ("a", -1, "not a uchar"),
        ("a", True, "not a uchar"),
        ("a", 1.0, "not a uchar"),
        ("a", "1", "not a uchar"),
        ("a", None, "not a uchar"),
        ("b", 2**16, "not a ushort"),
        ("c", 2**63, "not a hyper"),
        ("d", 1, "not a bool"),
        ("e", True, "not a double"),
        ("e", "1", "not a double"),
        ("f", b"123456789", "not binary of at most 8 bytes"),
        ("f", "text", "not binary of at most 8 bytes"),
        ("g", b"bytes", "not a string"),
        ("g", "x" * (STRING_MAX + 1), f"longer than {STRING_MAX} bytes"),
        ("g", "\N{EURO SIGN}" * (STRING_MAX // 3 + 1), f"longer than {STRING_MAX} bytes"),
        ("h", ["guest", b"\0" * 16], "not a DomainRef of 3 fields"),
        ("h", ["guest", b"\0" * 15, 1], "not a UUID of 16 bytes"),
        ("h", ["guest", b"\0" * 16, 2**31], "not a int"),
        ("h", "guest", "not a DomainRef of 3 fields"),
        ("i", [1, 2, 3, 4], "not a list of at most 3"),
        ("i", [1, "2"], "not a int"),
        ("i", {"1": 2}, "not a list of at most 3"),
        ("j", [1], "not a list of 2"),
        ("j", [1, 2, 3], "not a list of 2"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(field: str, value: Any, complaint: str) -> None:
    payload = encode(tuple({**GOOD, field: value}.values()))
    with pytest.raises(ProtocolError) as raised:
        codec(EVERYTHING).decode_args(payload)
    assert str(raised.value) == f"protocol error: everything: {field}: {complaint}"


def test_what_just_fits_passes() -> None:
    for text in ("x" * STRING_MAX, "\N{EURO SIGN}" * (STRING_MAX // 3)):
        values = tuple({**GOOD, "g": text}.values())
        assert codec(EVERYTHING).decode_args(encode(values))[0] == values


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "not msgpack"),
        (b"\xc1", "not msgpack"),
        (encode((REF,))[:-1], "not msgpack"),
        (encode((REF,)) + b"\0", "not msgpack"),
        (b"\x91\x93\xa2\xff\xfe\xc4\x10" + b"\0" * 16 + b"\x01", "not msgpack"),
        (b"\xdd\xff\xff\xff\xff", "not msgpack"),
        (b"\x91" * 2000, "not msgpack"),
        (b"\x91\x81\x01\x02", "not msgpack"),
        (b"\x80", "the payload is not an array"),
        (b"\x01", "the payload is not an array"),
        (encode(()), "0 fields where 1 belong"),
        (encode((REF, 1)), "2 fields where 1 belong"),
        (encode((REF, {}, {})), "3 fields where 1 belong"),
        (encode((REF, None)), "2 fields where 1 belong"),
        (msgpack.packb([msgpack.ExtType(5, b"x")]), "dom: not a DomainRef"),
        (msgpack.packb([msgpack.Timestamp(1)]), "dom: not a DomainRef"),
    ],
    ids=repr,
)
def test_a_payload_that_is_none_of_the_row_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        codec(ROWS["domain_suspend"]).decode_args(payload)


def test_a_row_without_fields_takes_none() -> None:
    decode = codec(ROWS["connect_get_type"]).decode_args
    assert decode(b"\x90") == ((), {})
    with pytest.raises(ProtocolError, match="connect_get_type: 1 fields where 0 belong"):
        decode(b"\x91\x01")


@given(st.binary(max_size=200), st.sampled_from(sorted(ALL_ROWS)))
def test_garbage_raises_nothing_but_protocol_errors(payload: bytes, name: str) -> None:
    for decode in (codec(ALL_ROWS[name]).decode_args, codec(ALL_ROWS[name]).decode_result):
        with suppress(ProtocolError):
            decode(payload)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(ANYTHING, max_size=11))
def test_wrong_values_raise_nothing_but_protocol_errors(values: list[Any]) -> None:
    with suppress(ProtocolError):
        codec(EVERYTHING).decode_args(encode(tuple(values)))


@pytest.mark.parametrize("value", [object(), 2**64, -(2**63) - 1, "\udc80", {1, 2}])
def test_what_msgpack_cannot_carry_is_an_invalid_argument(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="a value cannot be sent"):
        encode((value,))


def test_an_error_can_be_sent_whatever_it_names() -> None:
    sent = NoDomain("no domain with matching name '\udc80'", object="\udc80")
    found = error_from_wire(decode_error(encode_error(sent)))
    assert str(found) == "Domain not found: no domain with matching name '\\udc80'"
    assert found.object == "\\udc80"


def test_an_error_carries_the_extras_of_its_call() -> None:
    fields = decode_error(encode_error(VirtError("x"), {"trace": [1]}))
    assert fields["trace"] == [1]


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {},
        {"code": "1", "domain": 0, "level": 2, "message": "", "data": {}},
        {"code": 1, "domain": 0, "level": 2, "message": b"", "data": {}},
        {"code": 1, "domain": 0, "level": 2, "message": "", "data": []},
        {"code": 1, "domain": 0, "level": None, "message": "", "data": {}},
    ],
)
def test_an_error_that_is_none_is_a_protocol_error(fields: Any) -> None:
    with pytest.raises(ProtocolError, match="an error"):
        decode_error(msgpack.packb(fields) or b"")
