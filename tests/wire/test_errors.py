"""The tree of errors, and its way over the wire."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire import errors
from virtactor.wire.enums.error import ErrorDomain, ErrorLevel, ErrorNumber
from virtactor.wire.errors import (
    AlreadyExists,
    CallerError,
    HostError,
    InternalError,
    InvalidArgument,
    MonitorFailure,
    NoConnect,
    NoDomain,
    NotSupported,
    OperationAborted,
    OperationDenied,
    OperationFailed,
    OperationInvalid,
    OperationTimeout,
    ProcessFailure,
    ProtocolError,
    ResourceBusy,
    StateError,
    SystemFailure,
    VirtError,
    XMLError,
    error_from_wire,
)
from virtactor.wire.pack import decode_error, encode_error

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, VirtError)]
DATA: dict[str, Any] = {
    "object": "guest",
    "holder": "save",
    "held_for": 2.5,
    "stderr": "no such device",
    "hint": "try again",
    "line": 3,
    "errno": 2,
    "qmp_class": "GenericError",
}


def over_the_wire(error: VirtError) -> VirtError:
    return error_from_wire(decode_error(encode_error(error)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_arrives_as_it_was_raised(kind: type[VirtError]) -> None:
    sent = kind("because", domain=ErrorDomain.QEMU, level=ErrorLevel.WARNING, **DATA)
    found = over_the_wire(sent)
    assert type(found) is kind
    assert (found.message, str(found), found.code, found.domain, found.level) == (
        f"{kind.summary}: because",
        f"{kind.summary}: because",
        sent.code,
        ErrorDomain.QEMU,
        ErrorLevel.WARNING,
    )
    assert found.data == DATA


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_error_arrives_too(kind: type[VirtError]) -> None:
    found = over_the_wire(kind())
    assert (type(found), str(found), found.data) == (kind, kind.summary, {})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorNumber.INTERNAL_ERROR, InternalError),
        (ErrorNumber.NO_SUPPORT, NotSupported),
        (ErrorNumber.OPERATION_UNSUPPORTED, NotSupported),
        (ErrorNumber.NO_CONNECT, NoConnect),
        (ErrorNumber.INVALID_ARG, InvalidArgument),
        (ErrorNumber.OPERATION_FAILED, OperationFailed),
        (ErrorNumber.DOM_EXIST, AlreadyExists),
        (ErrorNumber.XML_ERROR, XMLError),
        (ErrorNumber.NO_DOMAIN, NoDomain),
        (ErrorNumber.OPERATION_DENIED, OperationDenied),
        (ErrorNumber.OPERATION_INVALID, OperationInvalid),
        (ErrorNumber.OPERATION_TIMEOUT, OperationTimeout),
        (ErrorNumber.OPERATION_ABORTED, OperationAborted),
        (ErrorNumber.RESOURCE_BUSY, ResourceBusy),
        (ErrorNumber.SYSTEM_ERROR, SystemFailure),
        (ErrorNumber.RPC, ProtocolError),
        (ErrorNumber.NO_NWFILTER, errors.NoNWFilter),
        (ErrorNumber.NO_SECRET, errors.NoSecret),
        (123456, HostError),
    ],
)
def test_without_a_kind_the_code_decides_as_for_libvirts_own_errors(code: int, kind: type[VirtError]) -> None:
    found = error_from_wire({"code": code, "domain": 10, "level": 2, "message": "as libvirt says it"})
    assert type(found) is kind
    assert (found.code, found.domain, str(found)) == (code, 10, "as libvirt says it")


def test_data_tells_what_failed_where_the_code_does_not() -> None:
    base = {"code": ErrorNumber.INTERNAL_ERROR, "message": "x"}
    assert type(error_from_wire({**base, "data": {"qmp_class": "DeviceNotFound"}})) is MonitorFailure
    assert type(error_from_wire({**base, "data": {"stderr": "boom"}})) is ProcessFailure


def test_kinds_and_facts_of_a_newer_peer_are_passed_over() -> None:
    fields = {"kind": "Unheard", "code": int(ErrorNumber.NO_DOMAIN), "message": "x", "data": {"colour": "red"}}
    found = error_from_wire(fields)
    assert type(found) is NoDomain
    assert found.data == {}


@given(
    st.dictionaries(
        st.sampled_from(sorted(DATA)), st.none() | st.integers() | st.text() | st.floats() | st.lists(st.text())
    )
)
def test_facts_of_a_wrong_type_are_passed_over(data: dict[str, Any]) -> None:
    found = error_from_wire({"kind": ["NoDomain"], "code": 42, "message": "x", "data": data})
    assert isinstance(found, VirtError)
    assert all(isinstance(found.held_for, kind) for kind in (float,) if type(found.held_for) is float)
    assert isinstance(found.object, str | None)
    assert isinstance(found.line, int | None)


def test_whose_fault_it_is_can_be_caught() -> None:
    assert issubclass(NoDomain, CallerError)
    assert issubclass(AlreadyExists, CallerError)
    assert issubclass(OperationTimeout, StateError)
    assert issubclass(MonitorFailure, HostError)
    assert issubclass(ProtocolError, errors.PeerError)
    assert not issubclass(InternalError, CallerError | StateError | HostError | errors.PeerError)


def test_messages_begin_with_libvirts_words() -> None:
    assert str(NoDomain("no domain with matching name 'x'")) == "Domain not found: no domain with matching name 'x'"
    assert str(OperationInvalid("domain is not running")) == ("Requested operation is not valid: domain is not running")
    assert NoDomain().code == 42
    assert OperationInvalid().code == 55
    assert VirtError("x", code=7).code == 7
    assert VirtError().code == 1
