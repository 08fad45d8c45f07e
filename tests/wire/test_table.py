"""The table against libvirt's own protocol, and what every row must say.

data/procedures.json has the facts; data/make_procedures.py made it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from virtactor.wire.enums.domain import DomainXMLFlags
from virtactor.wire.table import (
    EXTENSION_PROGRAM,
    MSGPACK_BIT,
    QEMU_PROGRAM,
    REMOTE_PROGRAM,
    ROWS,
    Access,
    Kind,
    Row,
    Target,
    row_of,
)
from virtactor.wire.table.structs import STRUCTS
from virtactor.wire.table.types import (
    Array,
    Boolean,
    Double,
    Field,
    Integer,
    List,
    Opaque,
    Optional,
    String,
    Struct,
    Type,
    parse_fields,
)

FACTS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "procedures.json").read_text())
PROCEDURES = {(fact["program"], fact["number"]): fact for fact in FACTS}
EVERY_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def notation(type_: Type) -> str:
    """A type as the facts write it: structures written out, limits left out."""
    match type_:
        case Integer(name):
            return name
        case Boolean() | Double() | String():
            return type(type_).__name__.lower()
        case Opaque():
            return "opaque[]"
        case Optional(of):
            return f"{notation(of)}?"
        case List(of):
            return f"{notation(of)}[]"
        case Array(of, length):
            return f"{notation(of)}{{{length}}}"
        case Struct(_, fields):
            return f"({signature(fields)})"
    return "uuid"


def signature(fields: tuple[Field, ...]) -> str:
    return ", ".join(f"{field.name}: {notation(field.type)}" for field in fields)


@pytest.mark.parametrize(
    "row", [row for row in ROWS.values() if row.program != EXTENSION_PROGRAM], ids=lambda row: row.name
)
def test_a_row_has_libvirts_number_name_and_fields(row: Row) -> None:
    fact = PROCEDURES[row.program, row.number]
    assert (row.name, signature(row.args), signature(row.result)) == (fact["name"], fact["args"], fact["result"])


def test_no_two_rows_share_a_number_or_a_name() -> None:
    numbers = Counter((row.program, row.number) for row in ROWS.values())
    assert [number for number, count in numbers.items() if count > 1] == []
    assert all(row_of(row.program, row.number) is row for row in ROWS.values())


def test_a_row_is_found_by_either_number_of_its_program() -> None:
    row = ROWS["domain_suspend"]
    assert row_of(REMOTE_PROGRAM, 34) is row
    assert row_of(REMOTE_PROGRAM | MSGPACK_BIT, 34) is row
    assert row_of(QEMU_PROGRAM, 34) is None
    assert row_of(REMOTE_PROGRAM, 10_000) is None


def test_our_programs_are_those_that_the_design_gives() -> None:
    assert (ROWS["connect_open"].msgpack_program, ROWS["events_subscribe"].msgpack_program) == (0x30008086, 0x30008100)
    assert {row.program for row in ROWS.values()} == {REMOTE_PROGRAM, QEMU_PROGRAM, EXTENSION_PROGRAM}


@EVERY_ROW
def test_a_row_says_what_it_is_for_and_who_may_call_it(row: Row) -> None:
    assert row.help
    assert row.help[-1] != "."
    kind, _, permission = row.permission.partition(":")
    assert kind in {"connect", "domain"}
    assert permission
    assert row.api.startswith("vir") or (row.program == EXTENSION_PROGRAM and not row.api)


@EVERY_ROW
def test_a_row_about_an_object_names_it_in_its_first_argument(row: Row) -> None:
    if row.target is Target.OBJECT:
        assert row.args[0] == Field("dom", STRUCTS["domain"])


@EVERY_ROW
def test_what_changes_something_needs_write_access(row: Row) -> None:
    if row.kind in (Kind.CHANGE, Kind.INTERRUPT):
        assert row.access is Access.WRITE
    if row.access is Access.NONE:
        assert row.name in ("connect_open", "connect_close")


@EVERY_ROW
def test_guarded_flags_are_flags_of_the_row(row: Row) -> None:
    fields = {field.name: field.type for field in row.args}
    for name, bits in row.guarded.items():
        assert fields[name] == Integer("uint", 0, 2**32 - 1)
        assert bits


def test_dumpxml_guards_what_shows_secrets() -> None:
    assert ROWS["domain_get_xml_desc"].guarded["flags"] & DomainXMLFlags.SECURE


@EVERY_ROW
def test_a_row_that_opens_a_stream_has_no_other_result(row: Row) -> None:
    if row.stream:
        assert row.result == ()


@pytest.mark.parametrize("text", ["no_type", "a: nonsense", "a: int!", "a: int[", "a:", "a: int[x]"])
def test_a_malformed_signature_is_a_defect_that_shows_at_once(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_fields(text, STRUCTS)


def test_signatures_nest() -> None:
    (field,) = parse_fields("doms: domain?[3]", STRUCTS)
    assert field == Field("doms", List(Optional(STRUCTS["domain"]), 3))
    assert parse_fields("a: opaque[5], b: int{4}", STRUCTS) == (
        Field("a", Opaque(5)),
        Field("b", Array(Integer("int", -(2**31), 2**31 - 1), 4)),
    )
    assert parse_fields("", STRUCTS) == ()
