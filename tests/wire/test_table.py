"""The table against libvirt's own protocol, and what every row must say.

data/procedures.json and limits.json have the protocol's facts (made by data/make_procedures.py), readonly.json what
libvirtd 9.0 lets whom do (asked by data/ask_readonly.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.wire.enums.domain import DomainXMLFlags
from virtactor.wire.enums.domain_jobs import DomainCheckpointXMLFlags, DomainSaveImageXMLFlags, DomainSnapshotXMLFlags
from virtactor.wire.enums.domain_tuning import DomainInterfaceAddressesSource, DomainVcpuFlags
from virtactor.wire.table import (
    EXTENSION_PROGRAM,
    MSGPACK_BIT,
    QEMU_PROGRAM,
    REMOTE_PROGRAM,
    ROWS,
    Access,
    Kind,
    Part,
    Row,
    Target,
    row_of,
)
from virtactor.wire.table.structs import STRUCTS
from virtactor.wire.table.types import (
    Array,
    Boolean,
    Chars,
    Double,
    Field,
    Integer,
    List,
    Opaque,
    Optional,
    Parameter,
    String,
    Struct,
    Type,
    parse_fields,
)

DATA = Path(__file__).parent / "data"
FACTS: list[dict[str, Any]] = json.loads((DATA / "procedures.json").read_text())
PROCEDURES = {(fact["program"], fact["number"]): fact for fact in FACTS}
LIMITS: dict[str, int] = json.loads((DATA / "limits.json").read_text())
ANSWERS: dict[str, dict[str, Any]] = {
    answer["name"]: answer for answer in json.loads((DATA / "readonly.json").read_text())
}
ASKED = [answer for answer in ANSWERS.values() if answer.get("denied") is not None]
EVERY_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
LIBVIRTS = [row for row in ROWS.values() if row.program != EXTENSION_PROGRAM]

# libvirt 9.0's procedures end here.
LAST_OF_9_0 = 443
OBJECTS = {
    Part.DOMAIN: {"domain", "snapshot", "checkpoint"},
    Part.NETWORK: {"network", "network_port"},
    Part.STORAGE: {"storage_pool", "storage_vol"},
    Part.INTERFACE: {"interface"},
    Part.NWFILTER: {"nwfilter", "nwfilter_binding"},
    Part.SECRET: {"secret"},
}
# The objects and permissions of libvirt's access control (its documentation, acl.html).
PERMISSIONS = {
    "connect": "detect-storage-pools getattr interface-transaction pm-control read search-domains search-interfaces "
    "search-networks search-node-devices search-nwfilter-bindings search-nwfilters search-secrets "
    "search-storage-pools write",
    "domain": "block-read block-write checkpoint core-dump delete fs-freeze fs-trim getattr hibernate init-control "
    "inject-nmi mem-read migrate open-device open-graphics open-namespace pm-control read read-secure reset save "
    "screenshot send-input send-signal set-password set-time snapshot start stop suspend write",
    "interface": "delete getattr read save start stop write",
    "network": "delete getattr read save search-ports start stop write",
    "network-port": "create delete getattr read write",
    "node-device": "delete detach getattr read start stop write",
    "nwfilter": "delete getattr read save write",
    "nwfilter-binding": "create delete getattr read",
    "secret": "delete getattr read read-secure save write",
    "storage-pool": "delete format getattr read refresh save search-storage-vols start stop write",
    "storage-vol": "create data-read data-write delete format getattr read resize",
}


def notation(type_: Type) -> str:
    """A type as the facts write it: structures written out, limits left out."""
    match type_:
        case Integer(name):
            return name
        case Boolean() | Double() | String():
            return type(type_).__name__.lower()
        case Opaque():
            return "opaque[]"
        case Parameter():
            return "param"
        case Chars(length, exact):
            return f"char{{{length}}}" if exact else "char[]"
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


@pytest.mark.parametrize("row", LIBVIRTS, ids=lambda row: row.name)
def test_a_row_has_libvirts_number_name_and_fields(row: Row) -> None:
    fact = PROCEDURES[row.program, row.number]
    assert (row.name, signature(row.args), signature(row.result)) == (fact["name"], fact["args"], fact["result"])


def test_every_procedure_of_libvirts_has_a_row() -> None:
    assert [fact["name"] for fact in FACTS if row_of(fact["program"], fact["number"]) is None] == []
    assert len(LIBVIRTS) == len(FACTS) == 453 + 7


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
    if not row.permission:
        assert row.name == "connect_is_secure" or row.name.startswith("auth_")
        return
    kind, _, permission = row.permission.partition(":")
    assert permission in PERMISSIONS[kind].split()


@EVERY_ROW
def test_a_row_says_which_function_of_libvirts_it_serves(row: Row) -> None:
    """All but those that have none, of the session's own and of our own program."""
    assert row.api.startswith("vir") or row.name.startswith("auth_") or row.program == EXTENSION_PROGRAM


@EVERY_ROW
def test_a_row_about_an_object_names_it_in_its_first_argument(row: Row) -> None:
    if row.target is Target.OBJECT:
        assert row.args[0].type in [STRUCTS[name] for name in OBJECTS[row.part]]


@EVERY_ROW
def test_what_changes_something_needs_write_access(row: Row) -> None:
    if row.kind in (Kind.CHANGE, Kind.INTERRUPT):
        assert row.access is Access.WRITE
    if row.access is Access.NONE:
        assert row.name in ("connect_open", "connect_close", "connect_supports_feature")
    if row.access is Access.ANYONE:
        assert row.name.startswith("auth_")


def test_what_the_session_answers_is_answered_at_once() -> None:
    session = [row for row in ROWS.values() if row.target is Target.SESSION]
    assert {row.kind for row in session} == {Kind.QUERY, Kind.MESSAGE}
    assert [row.name for row in ROWS.values() if row.kind is Kind.MESSAGE and row not in session] == []


@pytest.mark.parametrize("answer", ASKED, ids=lambda answer: answer["name"])
def test_a_row_is_refused_on_a_readonly_connection_where_libvirtd_refuses_it(answer: dict[str, Any]) -> None:
    row = ROWS[answer["name"]]
    assert (row.access is Access.WRITE) == answer["denied"]
    assert dict(row.guarded) == answer["guarded"]


@pytest.mark.parametrize("answer", ASKED, ids=lambda answer: answer["name"])
def test_a_row_is_answered_early_where_libvirtd_answers_it(answer: dict[str, Any]) -> None:
    row = ROWS[answer["name"]]
    assert (row.access is Access.ANYONE) == answer["early"]
    if row.name != "connect_open":
        assert (row.access in (Access.ANYONE, Access.NONE)) == answer["unopened"]


def test_libvirtd_was_asked_about_all_but_what_takes_devices_from_the_host_and_what_it_does_not_know() -> None:
    calls = {row.name for row in LIBVIRTS if row.kind is not Kind.MESSAGE}
    assert set(ANSWERS) == calls
    skipped = [name for name, answer in ANSWERS.items() if answer.get("denied", False) is None]
    assert [name for name in skipped if not name.startswith(("interface_", "node_"))] == []
    getters = ("_lookup_by_name", "_lookup_by_mac_string", "_get_xml_desc", "_is_active")
    for name in skipped:
        assert (ROWS[name].access is Access.WRITE) != name.endswith(getters)


@pytest.mark.parametrize("answer", ASKED, ids=lambda answer: answer["name"])
def test_a_rows_arguments_have_the_size_and_limits_that_libvirtd_has_for_them(answer: dict[str, Any]) -> None:
    """So none has a field that came after libvirt 9.0, or lacks one."""
    row = ROWS[answer["name"]]
    lists = {field.name: field.type for field in row.args if isinstance(field.type, List | Opaque)}
    assert answer["size"] is not None
    assert answer["limits"] == {name: of.max for name, of in lists.items() if of.max < 1_000_000}


@EVERY_ROW
def test_a_row_that_is_newer_than_libvirt_9_0_says_since_when(row: Row) -> None:
    newer = row.program == REMOTE_PROGRAM and row.number > LAST_OF_9_0
    assert bool(row.newer) == newer
    if newer:
        assert tuple(map(int, row.newer.split("."))) > (9, 0, 0)
    if ANSWERS.get(row.name, {}).get("unknown", False):
        assert newer


@EVERY_ROW
def test_guarded_flags_are_flags_of_the_row(row: Row) -> None:
    fields = {field.name: field.type for field in row.args}
    for name, bits in row.guarded.items():
        assert fields[name] == Integer("uint", 0, 2**32 - 1)
        assert bits


def test_guarded_are_the_flags_that_show_secrets_or_ask_the_guest() -> None:
    """Their numbers stand in the table, their names in the enumerations."""
    assert {row.name: dict(row.guarded) for row in ROWS.values() if row.guarded} == {
        "domain_get_xml_desc": {"flags": DomainXMLFlags.SECURE | DomainXMLFlags.MIGRATABLE},
        "domain_managed_save_get_xml_desc": {"flags": DomainSaveImageXMLFlags.SECURE},
        "domain_get_vcpus_flags": {"flags": DomainVcpuFlags.GUEST},
        "domain_interface_addresses": {"source": DomainInterfaceAddressesSource.AGENT},
        "domain_snapshot_get_xml_desc": {"flags": DomainSnapshotXMLFlags.SECURE},
        "domain_checkpoint_get_xml_desc": {"flags": DomainCheckpointXMLFlags.SECURE},
    }


@EVERY_ROW
def test_a_row_that_opens_a_stream_has_no_other_result(row: Row) -> None:
    """A screenshot says first what it is, a tunnel what the source needs to know."""
    if row.stream and row.name not in ("domain_screenshot", "domain_migrate_prepare_tunnel3"):
        assert row.result == () or row.name == "domain_migrate_prepare_tunnel3_params"


def test_the_rows_that_open_streams_are_libvirts() -> None:
    assert {row.name for row in ROWS.values() if row.stream} == {
        "domain_open_console",
        "domain_open_channel",
        "domain_screenshot",
        "domain_migrate_prepare_tunnel",
        "domain_migrate_prepare_tunnel3",
        "domain_migrate_prepare_tunnel3_params",
        "storage_vol_upload",
        "storage_vol_download",
    }


def limits(fields: tuple[Field, ...]) -> Iterator[tuple[str, int]]:
    """What the lists and byte strings among fields hold, and how much of it at most."""
    for field in fields:
        yield from _limits(field.type)


def _limits(type_: Type) -> Iterator[tuple[str, int]]:
    match type_:
        case Optional(of) | Array(of, _):
            yield from _limits(of)
        case List(of, most):
            yield notation(of), most
            yield from _limits(of)
        case Struct(_, fields):
            yield from limits(fields)
        case Opaque(most):
            yield "opaque", most
        case Chars(most, exact=False):
            yield "char", most


# libvirt's buffers for a security label, its model and domain of interpretation, which the protocol does not number.
LABEL, MODEL = 4097, 257


@pytest.mark.parametrize("row", LIBVIRTS, ids=lambda row: row.name)
def test_the_limits_of_a_row_are_constants_of_libvirts(row: Row) -> None:
    known = {*LIMITS.values(), LABEL, MODEL}
    assert [found for found in limits((*row.args, *row.result)) if found[1] not in known] == []


@pytest.mark.parametrize(
    ("row", "limit", "field"),
    [
        ("connect_list_all_domains", "DOMAIN_LIST", 0),
        ("connect_get_all_domain_stats", "DOMAIN_LIST", 0),
        ("connect_list_all_networks", "NETWORK_LIST", 0),
        ("connect_list_all_interfaces", "INTERFACE_LIST", 0),
        ("connect_list_all_storage_pools", "STORAGE_POOL_LIST", 0),
        ("storage_pool_list_all_volumes", "STORAGE_VOL_LIST", 0),
        ("connect_list_all_node_devices", "NODE_DEVICE_LIST", 0),
        ("node_device_list_caps", "NODE_DEVICE_CAPS_LIST", 0),
        ("connect_list_all_nwfilters", "NWFILTER_LIST", 0),
        ("connect_list_all_secrets", "SECRET_LIST", 0),
        ("network_get_dhcp_leases", "NETWORK_DHCP_LEASES", 0),
        ("node_get_free_pages", "NODE_MAX_CELLS", 0),
        ("domain_get_vcpus", "VCPUINFO", 0),
        ("domain_get_vcpus", "CPUMAPS", 1),
        ("domain_get_iothread_info", "IOTHREAD_INFO", 0),
        ("domain_memory_stats", "DOMAIN_MEMORY_STATS", 0),
        ("domain_memory_peek", "DOMAIN_MEMORY_PEEK_BUFFER", 0),
        ("domain_block_peek", "DOMAIN_BLOCK_PEEK_BUFFER", 0),
        ("domain_get_security_label_list", "SECURITY_LABEL_LIST", 0),
        ("domain_get_scheduler_parameters", "DOMAIN_SCHEDULER_PARAMETERS", 0),
        ("domain_get_block_io_tune", "DOMAIN_BLOCK_IO_TUNE_PARAMETERS", 0),
        ("domain_get_cpu_stats", "DOMAIN_GET_CPU_STATS", 0),
        ("domain_get_guest_info", "DOMAIN_GUEST_INFO_PARAMS", 0),
        ("domain_get_job_stats", "DOMAIN_JOB_STATS", 1),
        ("domain_get_fsinfo", "DOMAIN_FSINFO", 0),
        ("domain_list_all_snapshots", "DOMAIN_SNAPSHOT_LIST", 0),
        ("domain_migrate_begin3", "MIGRATE_COOKIE", 0),
        ("secret_get_value", "SECRET_VALUE", 0),
        ("connect_get_cpu_model_names", "CONNECT_CPU_MODELS", 0),
    ],
)
def test_a_result_has_the_limit_that_libvirt_gives_it(row: str, limit: str, field: int) -> None:
    found = ROWS[row].result[field].type
    assert isinstance(found, List | Opaque)
    assert found.max == LIMITS[f"REMOTE_{limit}".removesuffix("_MAX") + ("" if limit.endswith("_CELLS") else "_MAX")]


def test_a_domains_figures_and_labels_have_libvirts_limits() -> None:
    assert dict(limits(ROWS["connect_get_all_domain_stats"].result))["param"] == 262144
    assert list(limits(ROWS["domain_get_security_label"].result)) == [("char", LABEL)]
    assert list(limits(ROWS["node_get_security_model"].result)) == [("char", MODEL)] * 2


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
