"""What every domain is: its definitions and state, whom it tells of them, and what a driver provides.

A domain has a ``persistent`` definition (None when it is transient), a ``live`` one (None while it is off), or both.
State changes go through ``happen`` alone, which looks them up in lifecycle.TABLE.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, ClassVar
from uuid import UUID

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainShutoffReason, DomainState
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import NoDomain, NotSupported, OperationFailed, OperationInvalid, VirtError
from ....wire.table import ROWS, DomainRef, Row
from ...call import Call
from ...connection.session import Session
from ...events import Publish
from ...lifecycle import Event, Happening, advance
from ...objects import Job, ManagedObject
from ...runtime import Runtime, send
from ..directory import OFF, Summary
from .flags import CONFIG, LIVE, Impact, check_flags, check_one_impact
from .messages import FollowSession, Gone, SessionClosed, Surroundings

_LIFECYCLE_ROW = ROWS["domain_event_lifecycle"]


class DomainObject(ManagedObject):
    """Identity, definitions and state of a domain of any driver; the mixins beside this file answer the calls."""

    kind = "domain"
    # The flags that a driver takes where they differ from what all take, by the row's name.
    flags: ClassVar[Mapping[str, int]] = {}

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
        self.has_managed_save = False
        self.autodestroy: Session | None = None
        self._told: Summary | None = None
        self._handed_over = 0

    # -- what a driver provides ----------------------------------------------------------------------------------------

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        """The definition with what this driver adds by itself (addresses, implicit devices). Raises VirtError."""
        return definition

    async def complete_to_start(self, definition: DomainDefinition) -> DomainDefinition:
        """``complete`` for a start: what the start will refuse itself need not be looked for. Raises VirtError."""
        return await self.complete(definition)

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        """Start the guest and give its live definition; leave nothing behind when that fails or is cancelled."""
        raise NotImplementedError

    @property
    def stands_still(self) -> bool:
        """Whether the guest is paused, and nothing is under way that could let it run."""
        return self.state is DomainState.PAUSED

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

    async def move_definition(self, definition: DomainDefinition, old: str) -> None:
        """Make it durable that the domain, which was called ``old``, is called as this definition says."""
        await self.save_definition(definition)

    async def delete_definition(self) -> None:
        """Make it durable that there is no persistent definition any more."""

    async def save_autostart(self, wanted: bool) -> None:
        """Make the autostart mark durable."""

    def save_live_state(self) -> None:
        """Note what a daemon that is started later has to know of the running guest; does not wait."""

    async def live_state_saved(self) -> None:
        """Wait until a daemon that is started later knows what has been noted: before a change is acknowledged."""

    async def live_state_kept(self) -> None:
        """The same for what that daemon can learn from nobody else. Raises SystemFailure where it cannot be noted."""
        await self.live_state_saved()

    def cpu_time(self) -> int:
        """Processor time that the guest has used since its start, in ns."""
        return 0

    async def apply_live(self, call: Call, live: DomainDefinition) -> DomainDefinition:
        """Make the running guest what ``live`` says (`self.live` is what it is) and give its live definition.

        Raises UnsupportedConfig for what cannot be changed while it runs, and does nothing of it then.
        """
        raise NotSupported(
            f"{call.row.api or call.row.name} cannot change a running guest", code=ErrorNumber.OPERATION_UNSUPPORTED
        )

    async def save_guest(self, call: Call, path: str, xml: str, flags: int) -> None:
        """Write the running guest with its document to a file and end it; leave it as it was when that fails."""
        raise NotSupported(call.row.api)

    async def dump_guest(self, call: Call, path: str, format: int, flags: int) -> None:
        """Write the running guest's memory to a file for debuggers, and reset it then if the flags say so.

        Whether it is ended then is not done here.
        """
        raise NotSupported(call.row.api)

    async def keep_managed(self, call: Call, flags: int) -> None:
        """Save the running guest where the driver finds it at its next start, and end it."""
        raise NotSupported(call.row.api)

    async def drop_managed(self) -> None:
        """Remove what `keep_managed` wrote."""

    def host_cpus(self) -> frozenset[int]:
        """The numbers of the host's processors."""
        return frozenset(range(os.cpu_count() or 1))

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
        if (session := self.autodestroy) is not None:
            self.autodestroy = None
            self.leave_session(session)

    async def change_documents(self, flags: int, change: Callable[[DomainDefinition], DomainDefinition]) -> None:
        """Change what the definitions that the flags name say, where no hypervisor need hear of it."""
        impact = self.affected(flags)
        live = change(self.live) if impact.live and self.live is not None else None
        kept = change(self.persistent) if impact.config and self.persistent is not None else None
        if live is not None and live != self.live:
            before, self.live = self.live, live
            self.save_live_state()
            try:
                await self.live_state_kept()
            except VirtError:
                self.live = before
                self.save_live_state()
                raise
        if kept is not None and kept != self.persistent:
            await self.save_definition(kept)
            self.persistent = kept

    def publish_lifecycle(self, event: Event) -> None:
        self.publish(_LIFECYCLE_ROW, int(event.type), int(event.detail))

    def publish(self, row: Row, *fields: Any) -> None:
        """Tell an event of this domain: the row's fields behind the domain."""
        send(self.around.events, Publish(row, (self.wire_ref(), *fields)))

    def summary(self) -> Summary:
        """What the driver's lists filter by."""
        return Summary(
            self.uuid, self.id, self.state, self.persistent is not None, self.autostart, self.has_managed_save
        )

    def tell_summary(self) -> None:
        """Tell the driver what its lists filter by, when some of that is new."""
        summary = self.summary()
        if summary != self._told:
            self._told = summary
            send(self.around.driver, summary)

    def require_persistent(self, what: str) -> None:
        """Refuse to do something with the definition of a transient domain. Raises OperationInvalid."""
        if self.persistent is None:
            raise OperationInvalid(f"cannot {what} transient domain", object=self.name)

    def require_active(self) -> None:
        if not self.active:
            raise OperationInvalid("domain is not running", domain=ErrorDomain.DOMAIN, object=self.name)

    def check_flags(self, call: Call, flags: int, allowed: int) -> None:
        """Refuse flags that neither all drivers nor this one take. Raises InvalidArgument."""
        check_flags(call, flags, self.flags.get(call.row.name, allowed))

    def affected(self, flags: int) -> Impact:
        """Which definitions a change with these flags is about: of neither flag, the one in force.

        Raises OperationInvalid where there is no such definition.
        """
        live, config = bool(flags & LIVE), bool(flags & CONFIG)
        if not live and not config:
            return Impact(self.active, not self.active)
        if live:
            self.require_active()
        if config and self.persistent is None:
            raise OperationInvalid(
                "transient domains do not have any persistent config", domain=ErrorDomain.DOMAIN, object=self.name
            )
        return Impact(live, config)

    def definition_for(self, flags: int) -> DomainDefinition:
        """The one definition that a question with these flags is about. Raises InvalidArgument, OperationInvalid."""
        check_one_impact(flags)
        definition = self.live if self.affected(flags).live else self.persistent
        assert definition is not None
        return definition

    async def change_definition(
        self, call: Call, flags: int, change: Callable[[DomainDefinition], DomainDefinition]
    ) -> None:
        """Change the definitions that the flags name: the guest first, then what is kept for its next start.

        Both changes are made on paper before either is done.
        """
        impact = self.affected(flags)
        live = change(self.live) if impact.live and self.live is not None else None
        kept = change(self.persistent) if impact.config and self.persistent is not None else None
        if kept is not None:
            kept = await self.complete(kept)
        if live is not None and live != self.live:
            self.live = await self.apply_live(call, live)
            self.save_live_state()
            await self.live_state_kept()
        if kept is not None and kept != self.persistent:
            await self.save_definition(kept)
            self.persistent = kept

    def gone(self) -> VirtError:
        return NoDomain(f"no domain with matching uuid '{UUID(bytes=self.uuid)}' ({self.name})")

    def _finish(self, job: Job) -> None:
        super()._finish(job)
        self.leave_if_gone()

    @property
    def has_nothing_left(self) -> bool:
        """Whether there is neither a definition nor a guest, and nothing works on it."""
        return self.job is None and self.persistent is None and not self.active

    def leave_if_gone(self) -> None:
        """Ask the driver to forget this domain when nothing of it is left."""
        if self.has_nothing_left:
            send(self.around.driver, Gone(self.uuid, self._handed_over))

    def take(self, call: Call) -> None:
        if call.method in ("define", "create", "restore"):
            self._handed_over += 1
        super().take(call)

    # -- the sessions that something here goes with --------------------------------------------------------------------

    def goes_with(self, session: Session) -> bool:
        """Whether there is anything that is to end with a session."""
        return self.autodestroy is session

    def follow_session(self, session: Session) -> None:
        """Have ``session_closed`` called when a session's connection closes."""
        if not send(session.connection, FollowSession(self.actor_ref, wanted=True)):
            self.actor_ref.tell(SessionClosed(session.label))

    def leave_session(self, session: Session) -> None:
        """Be told of a session no more, unless something here still goes with it."""
        if not self.goes_with(session):
            send(session.connection, FollowSession(self.actor_ref, wanted=False))

    def session_closed(self, label: str) -> None:
        """End what was to end with that session."""
        # It may have been stopped and started again for somebody else meanwhile.
        if self.autodestroy is not None and self.autodestroy.label == label:
            self.autodestroy = None
            self.take(internal_call("domain_destroy_flags", (self.wire_ref(), 0)))

    def on_message(self, message: Any) -> Any:
        if isinstance(message, SessionClosed):
            return self.session_closed(message.session)
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
