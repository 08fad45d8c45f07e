"""What callers say to a QEMU and its guest directly: pauses, monitor commands, and what they type at its consoles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pykka

from ....wire.enums.domain import (
    DomainConsoleFlags,
    DomainControlErrorReason,
    DomainControlState,
    DomainQemuMonitorCommandFlags,
)
from ....wire.errors import InvalidArgument
from ....wire.table import DomainRef
from ...call import Call
from ...connection.streams import DescriptorStream, StreamClosed
from ...descriptors import close_all
from .consoles import Consoles, find_terminal
from .guest import Guest
from .monitor_command import run_monitor_command
from .notes import CUSTOM_MONITOR


class Talking(Guest):
    """Calls that go to the monitor (almost) as they are, and consoles."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.consoles = Consoles(self.runtime, self.actor_ref, self.name)
        # Whether QEMU was told to let the guest run, and has not been heard to have done what came after.
        self._may_go_on = False

    def on_message(self, message: Any) -> Any:
        if isinstance(message, StreamClosed):
            return self.consoles.closed(message)
        return super().on_message(message)

    def on_stop(self) -> None:
        super().on_stop()
        self.consoles.break_off("the daemon stops")

    # -- pause ---------------------------------------------------------------------------------------------------------

    @property
    def stands_still(self) -> bool:
        return super().stands_still and not self._may_go_on and self.lost_since is None

    async def pause(self, call: Call) -> None:
        self.unfinished_save = None
        await self.execute(call, "stop")
        self._may_go_on = False

    async def unpause(self, call: Call) -> None:
        self.unfinished_save = None
        self._may_go_on = True
        await self.execute(call, "cont")
        self._may_go_on = False

    # -- monitor -------------------------------------------------------------------------------------------------------

    async def domain_monitor_command(self, call: Call, dom: DomainRef, cmd: str, flags: int) -> tuple[str]:
        self.check_flags(call, flags, DomainQemuMonitorCommandFlags.HMP)
        self.require_active()
        return (await self._run_monitor_command(call, cmd, flags),)

    async def domain_monitor_command_with_files(self, call: Call, dom: DomainRef, cmd: str, flags: int) -> tuple[str]:
        self.check_flags(call, flags, DomainQemuMonitorCommandFlags.HMP)
        self.require_active()
        files = call.take_descriptors()
        try:
            if len(files) > 1:
                raise InvalidArgument("at most 1 fd can be passed to qemu along with a command")
            return (await self._run_monitor_command(call, cmd, flags, files),)
        finally:
            close_all(files)

    async def _run_monitor_command(self, call: Call, cmd: str, flags: int, files: Sequence[int] = ()) -> str:
        await self.note_deed(CUSTOM_MONITOR)

        async def execute(command: str, arguments: dict[str, Any] | None) -> Any:
            return await self.execute(call, command, arguments, files)

        return await run_monitor_command(self.name, cmd, bool(flags & DomainQemuMonitorCommandFlags.HMP), execute)

    def domain_get_control_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        if self.active and self.lost_since is not None:
            lost_for = int((self.runtime.loop.time() - self.lost_since) * 1000)
            return int(DomainControlState.ERROR), int(DomainControlErrorReason.MONITOR), lost_for
        return super().domain_get_control_info(call, dom, flags)

    # -- console -------------------------------------------------------------------------------------------------------

    def domain_open_console(
        self, call: Call, dom: DomainRef, dev_name: str | None, flags: int
    ) -> tuple[pykka.ActorRef[DescriptorStream]]:
        self.check_flags(call, flags, DomainConsoleFlags.FORCE | DomainConsoleFlags.SAFE)
        self.require_active()
        path = find_terminal(self.definition.devices, dev_name)
        return (self.consoles.open(path, call.session, force=bool(flags & DomainConsoleFlags.FORCE)),)
