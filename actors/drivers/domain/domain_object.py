"""What every domain is: its definitions and state, whom it tells of them, and what a driver provides.

A domain has a ``persistent`` definition (None when it is transient), a ``live`` one (None while it is off), or both.
State changes go through ``happen`` alone, which looks them up in lifecycle.TABLE.
"""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import Any
from uuid import UUID

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainShutoffReason, DomainState
from ....wire.errors import InvalidArgument, NoDomain, OperationFailed, OperationInvalid, VirtError
from ....wire.table import ROWS, DomainRef
from ...call import Call
from ...connection.session import Session
from ...events import Publish
from ...lifecycle import Event, Happening, advance
from ...objects import Job, ManagedObject
from ...runtime import Runtime, send
from ..directory import OFF, Summary
from .messages import DestroyWithSession, Gone, SessionClosed, Surroundings

_LIFECYCLE_ROW = ROWS["domain_event_lifecycle"]


def check_flags(call: Call, flags: int, allowed: int) -> None:
    """Refuse flags that a call does not know, by their number. Raises InvalidArgument."""
    # The complement of an IntFlag has only bits that the flag knows.
    if unknown := flags & ~int(allowed):
        raise InvalidArgument(f"unsupported flags (0x{unknown:x}) in {call.row.name}")


class DomainObject(ManagedObject):
    """Identity, definitions and state of a domain of any driver; the mixins beside this file answer the calls."""

    kind = "domain"

    def __init__(self, runtime: Runtime, around: Surroundings, name: str, uuid: bytes) -> None:
        super().__init__(runtime, name, uuid)
        self.around = around
        self.persistent: DomainDefinition | None = None
        self.live: DomainDefinition | None = None
        self.state = DomainState.SHUTOFF
        self.reason: IntEnum = DomainShutoffReason.UNKNOWN
        self.id = -1
        self.autostart = False
        self.updated = False
        self.autodestroy: Session | None = None
        self._told: Summary | None = None
        self._handed_over = 0

    # -- what a driver provides ----------------------------------------------------------------------------------------

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        """The definition with what this driver adds by itself (addresses, implicit devices). Raises VirtError."""
        return definition

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        """Start the guest and give its live definition; leave nothing behind when that fails or is cancelled."""
        raise NotImplementedError

    async def pause(self, call: Call) -> None:
        """Stop the guest's processors."""

    async def unpause(self, call: Call) -> None:
        """Let the guest's processors run."""

    async def press_power_button(self, call: Call, flags: int) -> None:
        """Ask the guest to power off."""

    async def request_reboot(self, call: Call, flags: int) -> None:
        """Ask the guest to restart."""

    async def press_reset(self, call: Call) -> None:
        """Reset the machine."""

    async def kill(self, call: Call, graceful: bool) -> None:
        """End the guest, and let later daemons know. Raises ResourceBusy when ``graceful`` and it does not go."""

    async def save_definition(self, definition: DomainDefinition) -> None:
        """Make the persistent definition durable."""

    async def delete_definition(self) -> None:
        """Make it durable that there is no persistent definition any more."""

    async def save_autostart(self, wanted: bool) -> None:
        """Make the autostart mark durable."""

    def save_live_state(self) -> None:
        """Note what a daemon that is started later has to know of the running guest; does not wait."""

    async def live_state_saved(self) -> None:
        """Wait until a daemon that is started later knows what has been noted: before a change is acknowledged."""

    def cpu_time(self) -> int:
        """Processor time that the guest has used since its start, in ns."""
        return 0

    def check_control(self) -> None:
        """Raise when the hypervisor cannot be given orders now."""

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        return self.state not in OFF

    @property
    def definition(self) -> DomainDefinition:
        """The definition in force: the live one of a running domain, else the persistent one."""
        definition = self.live or self.persistent
        if definition is None:
            raise NoDomain(f"no domain with matching name '{self.name}'")
        return definition

    @property
    def ends_with_its_session(self) -> bool:
        """Whether it was started to be destroyed when its starter's connection closes."""
        return self.autodestroy is not None

    def wire_ref(self) -> DomainRef:
        return DomainRef(self.name, self.uuid, self.id)

    def happen(self, what: Happening) -> None:
        """Change the state as the lifecycle table says, and tell whoever wants to know."""
        transition = advance(self.state, what)
        if transition is None:
            return
        self.state, self.reason = transition.state, transition.reason
        if not self.active:
            self._turned_off()
        else:
            self.save_live_state()
        for event in transition.events:
            self.publish_lifecycle(event)
        self.tell_summary()

    def _turned_off(self) -> None:
        self.id = -1
        self.live = None
        self.updated = False
        if self.autodestroy is not None:
            send(self.autodestroy.connection, DestroyWithSession(self.actor_ref, wanted=False))
            self.autodestroy = None

    def publish_lifecycle(self, event: Event) -> None:
        send(self.around.events, Publish(_LIFECYCLE_ROW, (self.wire_ref(), int(event.type), int(event.detail))))

    def summary(self) -> Summary:
        """What the driver's lists filter by."""
        return Summary(self.uuid, self.id, self.state, self.persistent is not None, self.autostart)

    def tell_summary(self) -> None:
        """Tell the driver what its lists filter by, when some of that is new."""
        summary = self.summary()
        if summary != self._told:
            self._told = summary
            send(self.around.driver, summary)

    def require_active(self) -> None:
        if not self.active:
            raise OperationInvalid("domain is not running", object=self.name)

    def gone(self) -> VirtError:
        return NoDomain(f"no domain with matching uuid '{UUID(bytes=self.uuid)}' ({self.name})")

    def _finish(self, job: Job) -> None:
        super()._finish(job)
        self.leave_if_gone()

    def leave_if_gone(self) -> None:
        """Ask the driver to forget this domain when nothing of it is left and nothing works on it."""
        if self.job is None and self.persistent is None and not self.active:
            send(self.around.driver, Gone(self.uuid, self._handed_over))

    def take(self, call: Call) -> None:
        if call.method in ("define", "create"):
            self._handed_over += 1
        super().take(call)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, SessionClosed):
            # It may have been stopped and started again for somebody else meanwhile.
            if self.autodestroy is not None and self.autodestroy.label == message.session:
                self.autodestroy = None
                self.take(internal_call("domain_destroy_flags", (self.wire_ref(), 0)))
            return None
        return super().on_message(message)


def internal_call(name: str, args: tuple[Any, ...], patience: float = 60.0) -> Call:
    """A call that the daemon makes itself; its answer goes nowhere, a failure to the log."""
    call = Call(ROWS[name], args, Session(), serial=0)
    call.patience = patience
    call.deadline = asyncio.get_running_loop().time() + patience
    return call


def uuid_bytes(definition: DomainDefinition) -> bytes:
    """The UUID of a definition that has one, as the wire carries it."""
    if definition.uuid is None:
        raise OperationFailed(f"domain {definition.name} has no UUID")
    return UUID(definition.uuid).bytes
