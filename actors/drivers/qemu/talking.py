"""What callers say to a QEMU and its guest directly: monitor commands, and what they type at its consoles."""

from __future__ import annotations

from typing import Any

import pykka

from ....wire.enums.domain import (
    DomainConsoleFlags,
    DomainControlErrorReason,
    DomainControlState,
    DomainQemuMonitorCommandFlags,
)
from ....wire.table import DomainRef
from ...call import Call
from ...connection.streams import DescriptorStream, StreamClosed
from .consoles import Consoles, find_terminal
from .guest import Guest
from .monitor_command import run_monitor_command


class Talking(Guest):
    """Calls that go to the monitor as they are, and consoles."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.consoles = Consoles(self.runtime, self.actor_ref, self.name)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, StreamClosed):
            return self.consoles.closed(message)
        return super().on_message(message)

    def on_stop(self) -> None:
        super().on_stop()
        self.consoles.break_off("the daemon stops")

    async def domain_monitor_command(self, call: Call, dom: DomainRef, cmd: str, flags: int) -> tuple[str]:
        self.check_flags(call, flags, DomainQemuMonitorCommandFlags.HMP)
        self.require_active()
        hmp = bool(flags & DomainQemuMonitorCommandFlags.HMP)
        return (await run_monitor_command(self.name, cmd, hmp, lambda *command: self.execute(call, *command)),)

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
