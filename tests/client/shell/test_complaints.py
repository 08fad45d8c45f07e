"""Errors in one line, with what helps."""

from __future__ import annotations

import pytest
from virtactor.client import ConnectionLost, NoConnect, OperationTimeout, ProcessFailure, ResourceBusy, VirtError
from virtactor.client.shell.complaints import as_data, line_of

CASES = [
    (NoConnect("nobody is there", hint="start virtactord"),
     "error: no connection: nobody is there (hint: start virtactord)"),
    (NoConnect("no driver for 'x:///y'"),
     "error: no connection: no driver for 'x:///y' (hint: start virtactord there, or name another host with -c)"),
    (ConnectionLost("reset by peer"),
     "error: connection lost: reset by peer (hint: see whether virtactord still runs; start virtactord if not)"),
    (OperationTimeout("domain web is held by save for 3.2 s", holder="save", held_for=3.24, object="web"),
     "error: operation timed out: domain web is held by save for 3.2 s "
     "(hint: `virtactor domjobabort web` ends what holds it)"),
    (OperationTimeout("too late", holder="save", held_for=3.24, object="web"),
     "error: operation timed out: too late; held by save for 3.2 s "
     "(hint: `virtactor domjobabort web` ends what holds it)"),
    (ResourceBusy("taken", holder="pid 7"), "error: resource busy: taken; held by pid 7"),
    (ProcessFailure("QEMU ended", stderr="qemu: no such machine\nqemu: bye\n"),
     "error: process failed: QEMU ended: qemu: no such machine; qemu: bye"),
    (ProcessFailure("QEMU ended: qemu: bye", stderr="qemu: bye"), "error: process failed: QEMU ended: qemu: bye"),
    (VirtError("one\n  two"), "error: internal error: one; two"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "line"), CASES, ids=[type(error).__name__ for error, _ in CASES])
def test_an_error_is_one_line_with_what_helps(error: VirtError, line: str) -> None:
    assert line_of(error) == line


def test_a_domain_is_named_first() -> None:
    assert line_of(ResourceBusy("taken"), "web") == "error: web: resource busy: taken"


def test_an_error_as_data_has_its_facts() -> None:
    assert as_data(OperationTimeout("late", holder="save", held_for=1.5, object="web"), "web") == {
        "name": "web",
        "kind": "OperationTimeout",
        "code": 68,
        "message": "operation timed out: late",
        "object": "web",
        "holder": "save",
        "held_for": 1.5,
    }
