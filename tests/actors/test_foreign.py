"""Foreign exceptions and ours: one table."""

from __future__ import annotations

import asyncio
import errno
import subprocess

import pykka
import pytest
from virtactor.actors import foreign
from virtactor.actors.foreign import translate
from virtactor.wire.errors import (
    InternalError,
    NoDomain,
    OperationAborted,
    OperationInvalid,
    OperationTimeout,
    ProcessFailure,
    SystemFailure,
    VirtError,
)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (TimeoutError(), OperationTimeout, "operation timed out: the deadline passed"),
        (TimeoutError("no answer"), OperationTimeout, "operation timed out: no answer"),
        (asyncio.CancelledError(), OperationAborted, "operation aborted: the daemon or an interrupt ended it"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"),
            SystemFailure,
            "system error: /x: No such file or directory",
        ),
        (OSError(errno.EMFILE, "Too many open files"), SystemFailure, "system error: Too many open files"),
        (OSError("odd"), SystemFailure, "system error: odd"),
        (
            pykka.ActorDeadError("x"),
            OperationInvalid,
            "Requested operation is not valid: what the call was about is gone",
        ),
        (
            subprocess.CalledProcessError(3, ["qemu-img", "info"], stderr=b"bad \xff"),
            ProcessFailure,
            "process failed: qemu-img ended with status 3",
        ),
        (subprocess.CalledProcessError(1, "true"), ProcessFailure, "process failed: true ended with status 1"),
    ],
)
def test_a_foreign_exception_becomes_one_of_ours(error: BaseException, kind: type[VirtError], message: str) -> None:
    found = translate(error)
    assert type(found) is kind
    assert str(found) == message


def test_facts_are_kept() -> None:
    assert translate(FileNotFoundError(errno.ENOENT, "x", "/x")).errno == errno.ENOENT
    assert translate(subprocess.CalledProcessError(3, ["a"], stderr="boom")).stderr == "boom"


def test_ours_stay_as_they_are() -> None:
    error = NoDomain("x")
    assert translate(error) is error


def test_what_is_not_in_the_table_is_a_defect_of_ours_with_its_traceback_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise KeyError("missing")
    except KeyError as error:
        found = translate(error)
    assert type(found) is InternalError
    assert str(found) == "internal error: unexpected KeyError: 'missing'"
    assert "Traceback" in caplog.text


def test_no_row_of_the_table_hides_another() -> None:
    kinds = [kind for kind, _ in foreign._TABLE]
    for at, kind in enumerate(kinds):
        assert not any(issubclass(kind, before) for before in kinds[:at])
