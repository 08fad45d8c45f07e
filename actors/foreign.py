"""Foreign exceptions -> our tree: the one table, for everything that reaches a caller.

What is not in the table is a defect of ours: it becomes an InternalError that names the exception, and its traceback
is in the daemon's log.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Callable
from typing import Any

import pykka

from ..wire.enums.error import ErrorDomain
from ..wire.errors import (
    InternalError,
    OperationAborted,
    OperationInvalid,
    OperationTimeout,
    ProcessFailure,
    SystemFailure,
    VirtError,
)

logger = logging.getLogger("virtactor.errors")


def translate(error: BaseException) -> VirtError:
    """The error of ours that stands for any exception; ours are given back as they are."""
    if isinstance(error, VirtError):
        return error
    for kind, make in _TABLE:
        if isinstance(error, kind):
            return make(error)
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return InternalError(f"unexpected {type(error).__name__}: {error}")


def _from_os_error(error: Any) -> VirtError:
    where = f"{error.filename}: " if error.filename else ""
    return SystemFailure(f"{where}{error.strerror or error}", errno=error.errno, domain=ErrorDomain.NONE)


def _from_called_process(error: Any) -> VirtError:
    stderr = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode(errors="replace")
    program = error.cmd if isinstance(error.cmd, str) else error.cmd[0]
    return ProcessFailure(f"{program} ended with status {error.returncode}", stderr=stderr[-4096:])


# Subclasses before their bases: TimeoutError is an OSError.
_TABLE: tuple[tuple[type[BaseException], Callable[[Any], VirtError]], ...] = (
    (TimeoutError, lambda error: OperationTimeout(str(error) or "the deadline passed")),
    (asyncio.CancelledError, lambda _: OperationAborted("the daemon or an interrupt ended it")),
    (OSError, _from_os_error),
    (pykka.ActorDeadError, lambda _: OperationInvalid("what the call was about is gone")),
    (subprocess.CalledProcessError, _from_called_process),
)
