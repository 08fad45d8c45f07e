"""What the router decides from a row alone: who may call it, and who answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.connection.connection import Connection
from virtactor.actors.drivers.registry import ANSWERERS
from virtactor.actors.drivers.test.driver import TestDriver
from virtactor.actors.support import answers
from virtactor.wire.errors import (
    AuthFailed,
    InternalError,
    InvalidArgument,
    NoConnect,
    NoDomain,
    NotFound,
    NotSupported,
    OperationDenied,
    OperationInvalid,
    PeerError,
    SystemFailure,
    VirtError,
    XMLError,
)
from virtactor.wire.table import ROWS, Access, DomainRef, Kind, Part, Row, Target
from virtactor.wire.table.structs import InterfaceRef, NetworkRef, StoragePoolRef, StorageVolRef
from virtactor.wire.table.types import (
    UUID,
    Boolean,
    Chars,
    Double,
    Integer,
    List,
    Opaque,
    Optional,
    String,
    Struct,
    Type,
)

from ..raw_client import RawClient, domain_xml
from .served import Served

CALLS = [row for row in ROWS.values() if row.kind is not Kind.MESSAGE]
ANSWERED = [row for row in CALLS if answers("test", row) and row.target is not Target.SESSION]
WRITING = [row for row in CALLS if row.access is Access.WRITE]
READING = [row for row in CALLS if row.access is Access.READ]
EARLY = [row for row in CALLS if row.access in (Access.ANYONE, Access.NONE)]
GUARDED_BITS = [
    pytest.param(row, name, 1 << bit, id=f"{row.name}-{name}-{1 << bit}")
    for row in CALLS
    for name, bits in row.guarded.items()
    for bit in range(32)
    if bits >> bit & 1
]


def by_name(rows: list[Row]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


def plain(type_: Type, refs: Mapping[type, Any]) -> Any:
    """Some value of a type; of a structure that of ``refs``, where it is there."""
    match type_:
        case Integer():
            return 0
        case Boolean():
            return False
        case Double():
            return 0.0
        case String() | Chars():
            return ""
        case UUID():
            return bytes(16)
        case Opaque():
            return b""
        case Optional():
            return None
        case List():
            return []
        case Struct(make, fields):
            return refs.get(make) or make(*(plain(field.type, refs) for field in fields))
    raise AssertionError(type_)


def call(client: RawClient, row: Row, refs: Mapping[type, Any] | None = None, **given: Any) -> Any:
    arguments = [given.get(field.name, plain(field.type, refs or {})) for field in row.args]
    return client.call(row.name, *arguments)


def error_of(client: RawClient, row: Row, refs: Mapping[type, Any], **given: Any) -> VirtError | None:
    """The error that a call is answered with, None when it works."""
    try:
        call(client, row, refs, **given)
    except VirtError as error:
        return error
    return None


def what_is_there(client: RawClient) -> dict[type, Any]:
    """The objects that the test driver begins with, by the types of their references, and a volume that is not."""
    pool = client.call("storage_pool_lookup_by_name", "default-pool")
    return {
        DomainRef: client.lookup("test"),
        NetworkRef: client.call("network_lookup_by_name", "default"),
        InterfaceRef: client.call("interface_lookup_by_name", "eth1"),
        StoragePoolRef: pool,
        StorageVolRef: StorageVolRef(pool.name, "x", "x"),
    }


@by_name(CALLS)
def test_few_calls_are_answered_before_the_session_is_open(row: Row, served: Served) -> None:
    with served.connect() as client:
        if row not in EARLY:
            with pytest.raises(NoConnect, match="the session is not open"):
                call(client, row)
        elif row.name not in ("connect_open", "connect_close"):
            with suppress(AuthFailed, NoConnect):  # Features but for keepalive are the driver's.
                call(client, row)
    assert len(EARLY) == 5 + 3


def test_a_readonly_session_is_refused_every_row_that_writes(served: Served) -> None:
    with served.opened(flags=1) as client:
        refs = what_is_there(client)
        assert len(WRITING) > 150
        for row in WRITING:
            with pytest.raises(OperationDenied) as raised:
                call(client, row, refs, xml=domain_xml("x"), xml_desc=domain_xml("x"))
            assert str(raised.value) == f"operation forbidden: read only access prevents {row.api}"
        assert client.names() == {"test"}
        assert client.state("test") == (1, 0)


@pytest.mark.parametrize(("row", "name", "bit"), GUARDED_BITS)
def test_a_readonly_session_is_refused_guarded_flags(row: Row, name: str, bit: int, served: Served) -> None:
    with served.opened(flags=1) as client:
        refs = what_is_there(client)
        with pytest.raises(OperationDenied):
            call(client, row, refs, **{name: bit})
        with pytest.raises(OperationDenied):
            call(client, row, refs, **{name: bit | 2**31})
        with suppress(NotSupported, NotFound):
            assert call(client, row, refs)


@by_name(READING)
def test_a_readonly_session_may_read(row: Row, served: Served) -> None:
    with served.opened(flags=1) as client:
        refs = what_is_there(client)
        error = error_of(client, row, refs, name="test", id=1)
    assert not isinstance(error, OperationDenied | PeerError)
    # Who was never told of events cannot ask to be told no more: libvirt calls that internal.
    assert not isinstance(error, InternalError) or "_deregister" in row.name


def test_the_readonly_socket_makes_sessions_readonly(serve: Callable[..., Served], root: Path) -> None:
    served = serve(root)
    assert served.paths is not None
    with RawClient.opened(served.paths.readonly_socket) as client:
        with pytest.raises(OperationDenied):
            client.define("x")
        assert client.names() == {"test"}
    with RawClient.opened(served.paths.socket) as client:
        assert client.define("x").name == "x"


@by_name([row for row in CALLS if row.target is Target.OBJECT])
def test_an_object_that_does_not_exist_is_not_found(row: Row, served: Served) -> None:
    ghost = DomainRef("ghost", b"\x11" * 16, -1)
    with served.opened() as client:
        if row.part not in ANSWERERS["test"]:
            with pytest.raises(NotSupported, match=row.api):
                call(client, row)
        elif row.part is Part.DOMAIN:
            with pytest.raises(NoDomain) as raised:
                call(client, row, {DomainRef: ghost})
            assert "'11111111-1111-1111-1111-111111111111' (ghost)" in str(raised.value)
            assert raised.value.code == 42
        else:
            with pytest.raises(NotFound):
                call(client, row)


def test_a_domain_is_found_by_its_uuid_whatever_name_it_is_called(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        assert client.call("domain_get_state", DomainRef("other", dom.uuid, 77), 0) == (1, 0)


@pytest.mark.parametrize(("name", "api"), [("domain_open_console", "virDomainOpenConsole")])
def test_what_a_driver_does_not_do_is_not_supported(name: str, api: str, served: Served) -> None:
    with served.opened() as client, pytest.raises(NotSupported) as raised:
        call(client, ROWS[name], dom=client.lookup("test"))
    assert str(raised.value) == f"this function is not supported by the connection driver: {api}"
    assert raised.value.code == 3


@by_name([row for row in CALLS if row not in ANSWERED and row.target is not Target.SESSION])
def test_what_nobody_answers_is_not_supported_or_asks_for_nothing_there_is(row: Row, served: Served) -> None:
    with served.opened() as client, pytest.raises((NotSupported, NotFound)) as raised:
        call(client, row, what_is_there(client))
    if isinstance(raised.value, NotSupported):
        assert str(raised.value) == f"this function is not supported by the connection driver: {row.api}"


@by_name([row for row in CALLS if row.target is Target.SESSION])
def test_every_call_about_the_session_has_its_handler(row: Row) -> None:
    assert callable(getattr(Connection, row.name))


@by_name(ANSWERED)
def test_no_call_raises_anything_unexpected(row: Row, served: Served) -> None:
    for flags in (0, 2**31, 2**32 - 1):
        with served.opened() as client:
            error = error_of(client, row, what_is_there(client), name="test", flags=flags)
        assert not isinstance(error, InternalError | PeerError)


# libvirt's test driver looks at no flags of the first two; of the last, the number is one that it knows.
TAKE_ANY = {"domain_get_vcpu_pin_info", "domain_get_disk_errors", "connect_get_all_domain_stats"}
# Before any driver, libvirt's library refuses an argument that makes no sense; so are these, of a call that says none.
SENSELESS = re.compile(
    r"(params|memory|nvcpus|iothread_id|pid_value|string new_name|uri) in vir\w+ must not be (NULL|zero|empty)|"
    r"invalid argument: flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL"
)


@by_name([row for row in ANSWERED if any(field.name == "flags" for field in row.args) and row.name not in TAKE_ANY])
def test_unknown_flags_are_refused_by_their_number(row: Row, served: Served) -> None:
    """Before it is asked whether that is there which belongs to an object: a snapshot, a volume."""
    with served.opened() as client:
        refs = what_is_there(client)
        with pytest.raises((InvalidArgument, NotSupported)) as raised:
            call(client, row, refs, xml=domain_xml("x"), xml_desc=domain_xml("x"), flags=2**31)
        if isinstance(raised.value, InvalidArgument):
            # The second bit is one that libvirt's library adds.
            expected = r"unsupported flags \(0x8000000[04]\) in function \w+"
            assert re.fullmatch(expected, str(raised.value)) or SENSELESS.fullmatch(str(raised.value))


# -- opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "kind", "complaint"),
    [
        ("vbox:///session", NoConnect, "no driver for 'vbox:///session'"),
        ("qemu:///system", NoConnect, "no driver for 'qemu:///system'"),
        ("nonsense", InvalidArgument, "names no driver"),
        ("test:///", InvalidArgument, "supply a path or use test:///default"),
        ("test:///no/such/file", SystemFailure, "cannot read /no/such/file: No such file or directory"),
    ],
)
def test_what_cannot_be_opened_says_why_and_can_be_tried_again(
    uri: str, kind: type[VirtError], complaint: str, served: Served
) -> None:
    with served.connect() as client:
        with pytest.raises(kind, match=complaint):
            client.open(uri)
        client.open()
        assert client.call("connect_get_uri") == "test:///default"


def test_a_session_is_opened_once(served: Served) -> None:
    with served.connect() as client:
        serials = [client.send("connect_open", "test:///default", 0) for _ in range(3)]
        answers = client.answers(serials)
        assert answers[serials[0]] is None
        for error in (answers[serial] for serial in serials[1:]):
            assert isinstance(error, OperationInvalid)
            assert "connection is already open" in str(error)
        assert client.names() == {"test"}


def test_the_default_test_driver_is_shared_and_gone_with_its_last_session(served: Served) -> None:
    with served.opened() as one, served.opened() as two:
        one.define("mine")
        assert two.names() == {"test", "mine"}
        one.call("connect_close")
        assert one.at_end()
        assert two.names() == {"test", "mine"}
        two.call("connect_close")
        assert two.at_end()
    assert served.actors(TestDriver) == []
    with served.opened() as three:
        assert three.names() == {"test"}


def test_a_test_driver_of_a_document_is_its_sessions_own(served: Served, tmp_path: Path) -> None:
    document = tmp_path / "node.xml"
    document.write_text(
        "<node><domain type='test'><name>a</name><memory>1024</memory><os><type>hvm</type></os></domain></node>"
    )
    with served.opened(f"test://{document}") as one, served.opened(f"test://{document}") as two:
        one.define("mine")
        assert one.names() == {"a", "mine"}
        assert two.names() == {"a"}
        assert one.call("connect_get_uri") == f"test://{document}"


def test_a_document_that_is_wrong_leaves_nothing_behind(served: Served, tmp_path: Path) -> None:
    document = tmp_path / "node.xml"
    document.write_text("<node>")
    with served.connect() as client:
        with pytest.raises(XMLError):
            client.open(f"test://{document}")
        assert served.actors(TestDriver) == []
