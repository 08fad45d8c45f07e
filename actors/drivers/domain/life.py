"""Start and stop, pause and go on: the calls that move a domain by the lifecycle table."""

from __future__ import annotations

import dataclasses

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import (
    DomainCreateFlags,
    DomainDestroyFlagsValues,
    DomainRebootFlagValues,
    DomainShutdownFlagValues,
    DomainState,
)
from ....wire.errors import OperationInvalid
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import Happening
from .saving import Saving

# Flags that only concern what no domain has yet (managed saves, snapshots, NVRAM, TPM): there is nothing to do for
# them.
START_FLAGS = (
    DomainCreateFlags.PAUSED
    | DomainCreateFlags.AUTODESTROY
    | DomainCreateFlags.BYPASS_CACHE
    | DomainCreateFlags.FORCE_BOOT
    | DomainCreateFlags.VALIDATE
)


class Life(Saving):
    """Calls that start, stop and pause the guest."""

    async def domain_create_with_flags(self, call: Call, dom: DomainRef, flags: int) -> tuple[DomainRef]:
        if self.persistent is None and not self.active:
            raise OperationInvalid("domain is gone", object=self.name)
        return await self._start_guest(call, self.persistent, flags)

    async def create(self, call: Call, definition: DomainDefinition, flags: int) -> tuple[DomainRef]:
        """Start from ``definition`` (the driver forwards virDomainCreateXML here)."""
        return await self._start_guest(call, definition, flags)

    async def _start_guest(self, call: Call, definition: DomainDefinition | None, flags: int) -> tuple[DomainRef]:
        self.check_flags(call, flags, START_FLAGS)
        self.check_start()
        assert definition is not None
        paused = bool(flags & DomainCreateFlags.PAUSED)
        self.autodestroy = call.session if flags & DomainCreateFlags.AUTODESTROY else None
        try:
            self.id = next(self.around.ids)
            started = dataclasses.replace(await self.complete_to_start(definition), id=self.id)
            self.live = await self.boot(call, started, paused)
        except BaseException:
            self.id, self.live = -1, None
            self.happen(Happening.START_FAILED)
            raise
        if self.autodestroy is not None:
            self.follow_session(self.autodestroy)
        await self.forget_managed()
        self.happen(Happening.BOOTED_PAUSED if paused else Happening.BOOTED)
        return (self.wire_ref(),)

    # What the states allow; libvirt's test driver differs from its others here.

    def check_start(self) -> None:
        """Refuse to start what runs. Raises OperationInvalid."""
        if self.active:
            raise OperationInvalid("domain is already running", object=self.name)

    def check_suspend(self) -> None:
        """Refuse to suspend what does not run. Raises OperationInvalid."""
        self.require_active()
        if self.state is DomainState.PMSUSPENDED:
            raise OperationInvalid("domain is pmsuspended", object=self.name)

    def check_resume(self) -> None:
        """Refuse to resume what is not suspended. Raises OperationInvalid."""
        self.require_active()
        if self.state is DomainState.PMSUSPENDED:
            raise OperationInvalid("domain is pmsuspended", object=self.name)
        if self.state is DomainState.RUNNING:
            raise OperationInvalid("domain is already running", object=self.name)

    def check_shutdown(self) -> None:
        """Refuse to shut down what does not run. Raises OperationInvalid."""
        self.require_active()

    async def domain_suspend(self, call: Call, dom: DomainRef) -> None:
        self.check_suspend()
        if not self.stands_still:
            await self.pause(call)
            self.happen(Happening.PAUSED)
            await self.live_state_saved()

    async def domain_resume(self, call: Call, dom: DomainRef) -> None:
        self.check_resume()
        await self.unpause(call)
        self.happen(Happening.UNPAUSED)
        await self.live_state_saved()

    async def domain_shutdown_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, ~DomainShutdownFlagValues(0))
        self.check_shutdown()
        await self.press_power_button(call, flags)
        await self.live_state_saved()

    async def domain_reboot(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, ~DomainRebootFlagValues(0))
        self.require_active()
        await self.request_reboot(call, flags)
        await self.live_state_saved()

    async def domain_reset(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()
        await self.press_reset(call)

    async def domain_destroy_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, DomainDestroyFlagsValues.GRACEFUL)
        if not self.active and call.interrupted is not None:
            return  # What it interrupted was the start, which has cleaned up after itself.
        self.require_active()
        await self.kill(call, bool(flags & DomainDestroyFlagsValues.GRACEFUL))
        self.happen(Happening.DESTROYED)
