"""How a domain talks to its guest's agent: whether there is one, how long it may take, and what tells of its deeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ....wire.documents.domain import Channel
from ....wire.enums.domain import DomainState
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, OperationInvalid
from ...call import Call
from ...monitor.agent import SYNC_PATIENCE, GuestAgent
from ...monitor.monitor import MonitorEvent
from .guest import Guest

CHANNEL = "org.qemu.guest_agent.0"
# Seconds that commands may take which do more than to look something up, unless the domain's user says another time.
_PATIENCE: Mapping[str, float] = dict.fromkeys(
    (
        "guest-fsfreeze-freeze",
        "guest-fsfreeze-freeze-list",
        "guest-fsfreeze-thaw",
        "guest-fstrim",
        "guest-set-time",
        "guest-set-vcpus",
        "guest-set-user-password",
        "guest-suspend-ram",
        "guest-suspend-disk",
        "guest-suspend-hybrid",
    ),
    60.0,
)
PATIENCE = 5.0
# virDomainQemuAgentCommandTimeoutValues.
BLOCK, DEFAULT, NOWAIT = -2, -1, 0


class AgentTalk(Guest):
    """The way to the agent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._agent = GuestAgent(self.name)
        # Who waits for an event of QEMU's that tells that the guest did what its agent was asked for.
        self._awaited: dict[asyncio.Future[None], frozenset[str]] = {}

    def on_message(self, message: Any) -> Any:
        if isinstance(message, MonitorEvent):
            for done, names in self._awaited.items():
                if message.event.name in names and not done.done():
                    done.set_result(None)
        return super().on_message(message)

    @property
    def has_agent(self) -> bool:
        """Whether an agent has opened its channel."""
        channel = self._configured_channel()
        return channel is not None and channel.state == "connected"

    def _configured_channel(self) -> Channel | None:
        return next((each for each in self.definition.devices.channels if each.name == CHANNEL), None)

    def require_agent(self) -> Path:
        """The socket of an agent that is there. Raises OperationInvalid, InvalidArgument, OperationFailed."""
        self.require_active()
        channel = self._configured_channel()
        if self.state is not DomainState.RUNNING:
            raise OperationInvalid("domain is not running", domain=ErrorDomain.DOMAIN, object=self.name)
        if channel is None or channel.source_path is None:
            raise InvalidArgument("QEMU guest agent is not configured", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        if channel.state != "connected":
            raise self._agent.unresponsive("QEMU guest agent is not connected")
        return Path(channel.source_path)

    async def ask_agent(
        self,
        call: Call,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        patience: float | None = None,
        done: asyncio.Future[None] | None = None,
    ) -> Any:
        """Run a command of the agent's, within its own time and what is left of the call's.

        Raises as GuestAgent.execute does.
        """
        path = self.require_agent()
        if patience is None:
            patience = self.agent_patience
        if patience is None:
            patience = _PATIENCE.get(command, PATIENCE)
        # A moment before the call itself would be over: the caller is told who did not answer.
        left = (call.deadline - self.runtime.loop.time()) * 0.95
        return await self._agent.execute(path, command, arguments, max(0.0, min(patience, left)), done=done)

    def set_agent_patience(self, timeout: int) -> None:
        """How long commands may take from now on: seconds, or one of virDomainQemuAgentCommandTimeoutValues."""
        self.agent_patience = {BLOCK: None, DEFAULT: int(SYNC_PATIENCE)}.get(timeout, timeout)

    @asynccontextmanager
    async def told_by(self, *names: str) -> AsyncIterator[asyncio.Future[None]]:
        """A future that is resolved when QEMU tells one of these events."""
        done: asyncio.Future[None] = self.runtime.loop.create_future()
        self._awaited[done] = frozenset(names)
        try:
            yield done
        finally:
            del self._awaited[done]
            done.cancel()
