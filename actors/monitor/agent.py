"""The agent in a guest, by the channel that QEMU has for it: a connection for each command, within its deadline.

Whatever an earlier command has left in the channel (an answer that came too late, half a line) is told apart by
`guest-sync-delimited`: its answer comes behind a byte that is in no JSON, and has the number that was asked with.
An agent that is not there or hangs is no error of QEMU's: AGENT_UNRESPONSIVE.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...wire.enums.error import ErrorNumber
from ...wire.errors import MonitorFailure, OperationFailed, SystemFailure
from ..unix_sockets import connect_unix

DELIMITER = b"\xff"
# Seconds that an agent which is there needs at most to say so; how long a command takes is the command's matter.
SYNC_PATIENCE = 5.0
# Bytes of an answer: lists of files or disks may be long.
_MOST = 16 * 1024 * 1024


class GuestAgent:
    """The agent behind the socket at ``path``; ``name`` is the guest's. One command at a time, the others wait."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._turn = asyncio.Lock()

    async def execute(
        self,
        path: Path,
        command: str,
        arguments: Mapping[str, Any] | None,
        patience: float,
        *,
        done: asyncio.Future[None] | None = None,
    ) -> Any:
        """Run a command within ``patience`` seconds and give its result.

        Of some commands nothing is heard unless they fail (shutdown): ``done`` resolves when they took effect. Raises
        MonitorFailure (``qmp_class``) when the agent refuses, OperationFailed when it does not answer.
        """
        try:
            async with asyncio.timeout(patience), self._turn:
                reader, writer = await asyncio.open_unix_connection(sock=connect_unix(path), limit=_MOST)
                try:
                    async with asyncio.timeout(SYNC_PATIENCE):
                        await self._synchronize(reader, writer)
                    writer.write(_line(command, arguments))
                    await writer.drain()
                    return self._result(command, await _answer_or(done, reader))
                finally:
                    writer.close()
        except TimeoutError:
            raise self.unresponsive(f"no answer to '{command}' in time") from None
        except (OSError, SystemFailure, EOFError, asyncio.IncompleteReadError) as error:
            raise self.unresponsive(str(error) or "it closed the channel") from error

    def unresponsive(self, words: str) -> OperationFailed:
        return OperationFailed(words, code=ErrorNumber.AGENT_UNRESPONSIVE, object=self._name)

    async def _synchronize(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = secrets.randbits(31)
        writer.write(DELIMITER + _line("guest-sync-delimited", {"id": number}))
        while True:
            await reader.readuntil(DELIMITER)
            if _parsed(await reader.readuntil(b"\n")).get("return") == number:
                return

    def _result(self, command: str, reply: Mapping[str, Any]) -> Any:
        if "error" in reply:
            refusal = reply["error"]
            raise MonitorFailure(
                f"unable to execute QEMU agent command '{command}': {refusal.get('desc')}",
                qmp_class=refusal.get("class", "GenericError"),
                object=self._name,
            )
        return reply.get("return")


async def _answer_or(done: asyncio.Future[None] | None, reader: asyncio.StreamReader) -> Mapping[str, Any]:
    """The next line; an empty one when ``done`` comes first."""
    answer = asyncio.ensure_future(reader.readuntil(b"\n"))
    try:
        await asyncio.wait((answer, done) if done is not None else (answer,), return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return _parsed(answer.result())
        return {}
    finally:
        answer.cancel()


def _line(command: str, arguments: Mapping[str, Any] | None) -> bytes:
    said = {"execute": command, **({"arguments": dict(arguments)} if arguments else {})}
    return json.dumps(said).encode() + b"\n"


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
