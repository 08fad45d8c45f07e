"""Both lanes give a row's codec in one shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtactor.wire.errors import InvalidArgument, NoDomain, error_from_wire
from virtactor.wire.lanes import LANES, MSGPACK, XDR, Lane, lane_of
from virtactor.wire.table import MSGPACK_BIT, REMOTE_PROGRAM, ROWS, Row

from .strategies import rows_of

EVERY_LANE = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)


def test_a_packets_program_tells_its_lane() -> None:
    assert lane_of(REMOTE_PROGRAM) is XDR
    assert lane_of(REMOTE_PROGRAM | MSGPACK_BIT) is MSGPACK
    assert XDR.program_of(ROWS["connect_open"]) == REMOTE_PROGRAM
    assert MSGPACK.program_of(ROWS["connect_open"]) == REMOTE_PROGRAM | MSGPACK_BIT


@EVERY_LANE
@given(data=st.data(), row=st.sampled_from(list(ROWS.values())))
@settings(deadline=None)
def test_a_row_goes_there_and_back(lane: Lane, data: st.DataObject, row: Row) -> None:
    codec = lane.codec(row)
    args, result = data.draw(rows_of(row.args)), data.draw(rows_of(row.result))
    assert codec.decode_args(codec.encode_args(args, None)) == (args, {})
    assert codec.decode_result(codec.encode_result(result, None)) == (result, {})


def test_what_goes_beside_the_fields_reaches_only_the_lane_that_has_a_place_for_it() -> None:
    row, extras = ROWS["connect_get_type"], {"deadline": 2.0}
    assert MSGPACK.codec(row).decode_args(MSGPACK.codec(row).encode_args((), extras)) == ((), extras)
    assert XDR.codec(row).decode_args(XDR.codec(row).encode_args((), extras)) == ((), {})


@EVERY_LANE
def test_a_string_with_a_nul_is_not_sent(lane: Lane) -> None:
    with pytest.raises(InvalidArgument):
        lane.codec(ROWS["domain_lookup_by_name"]).encode_args(("a\0b",), None)


@EVERY_LANE
def test_an_error_keeps_its_kind(lane: Lane) -> None:
    error = error_from_wire(lane.decode_error(lane.encode_error(NoDomain("x"), None)))
    assert (type(error), str(error)) == (NoDomain, str(NoDomain("x")))
