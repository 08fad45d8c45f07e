"""Asking a QEMU binary questions by QMP: in a process of its own, without a machine, that ends with the answers."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ....wire.errors import OperationTimeout, ProcessFailure, VirtError
from ...commands import allowed_environment, mortal
from ...monitor.qmp import QmpConnection
from .process import Launch, Process, spawn

PATIENCE = 60.0  # seconds for all the questions together; they take 0.1 on an idle host

_ARGUMENTS = (
    *("-nodefaults", "-no-user-config", "-display", "none", "-S"),
    *("-serial", "none", "-monitor", "none"),
)
_MONITOR = "chardev=probe,mode=control"


class Interrogation:
    """A QEMU that answers. Made by ``interrogate``."""

    def __init__(self, connection: QmpConnection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    async def ask(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """What a command answers. Raises MonitorFailure where QEMU refuses."""
        return await self._connection.execute(command, arguments, deadline=self._deadline)


@asynccontextmanager
async def interrogate(binary: str, accelerators: str = "tcg:kvm") -> AsyncIterator[Interrogation]:
    """Start a binary to be asked, with the first of the accelerators that works; ended when the block is left.

    Raises ProcessFailure (``stderr``) when it is no QEMU or does not answer, SystemFailure when it cannot be executed.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    output = os.memfd_create("virtactor-probe", os.MFD_CLOEXEC)
    try:
        machine = ("-machine", f"none,accel={accelerators}")
        chardev = f"socket,id=probe,fd={theirs.fileno()}"
        argv = mortal([binary, *machine, *_ARGUMENTS, "-chardev", chardev, "-mon", _MONITOR])
        log = Path(f"/proc/self/fd/{output}")
        process = await spawn(Launch(argv, log, allowed_environment(), fds=(theirs.fileno(),)))
        theirs.close()
        try:
            async with _connected(binary, process, ours) as interrogation:
                yield interrogation
        finally:
            await process.kill(grace=0)
    finally:
        ours.close()
        theirs.close()
        os.close(output)


@asynccontextmanager
async def _connected(binary: str, process: Process, peer: socket.socket) -> AsyncIterator[Interrogation]:
    connection = QmpConnection(binary, lambda event: None)
    deadline = asyncio.get_running_loop().time() + PATIENCE
    try:
        await connection.connect(peer, deadline)
        yield Interrogation(connection, deadline)
    except OperationTimeout as error:
        raise ProcessFailure(f"{binary} does not answer", stderr=process.last_lines()) from error
    except VirtError as error:
        ended = await process.kill(grace=0.1)
        raise ProcessFailure(
            f"{binary} cannot be asked what it can do, it {ended}", stderr=process.last_lines()
        ) from error
    finally:
        await connection.close()
