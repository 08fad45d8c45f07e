"""What the domains of every driver have in common: definitions, state, events, and the calls that follow from them.

A driver's own domain class says how its hypervisor does things, in the coroutines of the section «what a driver
provides»; everything a caller sees (which states allow a call, what is answered, which events are told) is here, so
that drivers cannot differ in it.

A domain has a ``persistent`` definition (None when it is transient), a ``live`` one (None while it is off), or both.
State changes go through ``happen`` alone, which looks them up in lifecycle.TABLE.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from uuid import UUID

import pykka

from ...wire.documents.domain import DomainDefinition, format_domain
from ...wire.enums.domain import (
    DomainControlState,
    DomainCreateFlags,
    DomainDestroyFlagsValues,
    DomainRebootFlagValues,
    DomainShutdownFlagValues,
    DomainShutoffReason,
    DomainState,
    DomainUndefineFlagsValues,
    DomainXMLFlags,
)
from ...wire.errors import InvalidArgument, NoDomain, OperationFailed, OperationInvalid, VirtError
from ...wire.table import ROWS, DomainRef
from ..call import Call
from ..connection.session import Session
from ..events import Publish
from ..lifecycle import DEFINITION_EVENTS, Event, Happening, advance
from ..objects import Job, ManagedObject
from ..runtime import Runtime, send
from .directory import OFF, Summary

# Flags that only concern what no domain has yet (managed saves, snapshots, NVRAM, TPM): there is nothing to do for
# them.
_START_FLAGS = (
    DomainCreateFlags.PAUSED
    | DomainCreateFlags.AUTODESTROY
    | DomainCreateFlags.BYPASS_CACHE
    | DomainCreateFlags.FORCE_BOOT
    | DomainCreateFlags.VALIDATE
)
_UNDEFINE_FLAGS = ~DomainUndefineFlagsValues(0)
_LIFECYCLE_ROW = ROWS["domain_event_lifecycle"]


def check_flags(call: Call, flags: int, allowed: int) -> None:
    """Refuse flags that a call does not know, by their number. Raises InvalidArgument."""
    # The complement of an IntFlag has only bits that the flag knows.
    if unknown := flags & ~int(allowed):
        raise InvalidArgument(f"unsupported flags (0x{unknown:x}) in {call.row.name}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver gives its domains: whom to tell, and the running numbers of started domains."""

    driver: pykka.ActorRef[Any]
    events: pykka.ActorRef[Any]
    ids: Iterator[int]


@dataclass(frozen=True, slots=True)
class Gone:
    """A domain to its driver: I am neither defined nor running any more, after so many definitions from you."""

    uuid: bytes
    handed_over: int


@dataclass(frozen=True, slots=True)
class DestroyWithSession:
    """A domain to a connection: tell me when you close (or, with ``wanted`` False: no more)."""

    domain: pykka.ActorRef[Any]
    wanted: bool


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """A connection to a domain that asked for it."""

    session: str


class Domain(ManagedObject):
    """A domain of any driver."""

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
        self._autodestroy: Session | None = None
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
        return self._autodestroy is not None

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
            self._publish(event)
        self.tell_summary()

    def _turned_off(self) -> None:
        self.id = -1
        self.live = None
        self.updated = False
        if self._autodestroy is not None:
            send(self._autodestroy.connection, DestroyWithSession(self.actor_ref, wanted=False))
            self._autodestroy = None

    def _publish(self, event: Event) -> None:
        send(self.around.events, Publish(_LIFECYCLE_ROW, (self.wire_ref(), int(event.type), int(event.detail))))

    def tell_summary(self) -> None:
        """Tell the driver what its lists filter by, when some of that is new."""
        summary = Summary(self.uuid, self.id, self.state, self.persistent is not None, self.autostart)
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
            if self._autodestroy is not None and self._autodestroy.label == message.session:
                self._autodestroy = None
                self.take(internal_call("domain_destroy_flags", (self.wire_ref(), 0)))
            return None
        return super().on_message(message)

    # -- queries -------------------------------------------------------------------------------------------------------

    def domain_get_state(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int]:
        check_flags(call, flags, 0)
        return int(self.state), int(self.reason)

    def domain_get_info(self, call: Call, dom: DomainRef) -> tuple[int, int, int, int, int]:
        definition = self.definition
        memory = self.current_memory() if self.active else (definition.current_memory or definition.memory)
        vcpus = definition.current_vcpus or definition.vcpus or 1
        return int(self.state), definition.memory, memory, vcpus, self.cpu_time() if self.active else 0

    def current_memory(self) -> int:
        """What the running guest's balloon leaves it, in KiB."""
        return self.definition.current_memory or self.definition.memory

    def domain_get_control_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        check_flags(call, flags, 0)
        self.require_active()
        held = self.holder()
        if held is None:
            return int(DomainControlState.OK), 0, 0
        return int(DomainControlState.JOB), 0, int(held[1] * 1000)

    def domain_get_xml_desc(self, call: Call, dom: DomainRef, flags: int) -> tuple[str]:
        check_flags(call, flags, DomainXMLFlags.SECURE | DomainXMLFlags.INACTIVE)
        definition = self.definition
        if flags & DomainXMLFlags.INACTIVE and self.persistent is not None:
            definition = self.persistent
        return (format_domain(definition, secure=bool(flags & DomainXMLFlags.SECURE)),)

    def domain_get_autostart(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.autostart),)

    def domain_get_os_type(self, call: Call, dom: DomainRef) -> tuple[str]:
        return (self.definition.os.type,)

    def domain_is_active(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.active),)

    def domain_is_persistent(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.persistent is not None),)

    def domain_is_updated(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.updated),)

    # -- definition ----------------------------------------------------------------------------------------------------

    async def define(self, call: Call, definition: DomainDefinition) -> tuple[DomainRef]:
        """Keep a definition (the driver forwards virDomainDefineXMLFlags here once the names are ours)."""
        definition = dataclasses.replace(await self.complete(definition), id=None)
        await self.save_definition(definition)
        known = self.persistent is not None
        self.persistent = definition
        self.updated = self.active
        self._publish(DEFINITION_EVENTS[Happening.REDEFINED if known else Happening.DEFINED])
        self.tell_summary()
        return (self.wire_ref(),)

    async def domain_undefine_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, _UNDEFINE_FLAGS)
        if self.persistent is None:
            raise OperationInvalid("cannot undefine transient domain", object=self.name)
        await self.delete_definition()
        self.persistent = None
        self.autostart = False
        self._publish(DEFINITION_EVENTS[Happening.UNDEFINED])
        self.tell_summary()

    async def domain_set_autostart(self, call: Call, dom: DomainRef, autostart: int) -> None:
        if self.persistent is None:
            raise OperationInvalid("cannot set autostart for transient domain", object=self.name)
        if bool(autostart) != self.autostart:
            await self.save_autostart(bool(autostart))
            self.autostart = bool(autostart)
            self.tell_summary()

    # -- life ----------------------------------------------------------------------------------------------------------

    async def domain_create_with_flags(self, call: Call, dom: DomainRef, flags: int) -> tuple[DomainRef]:
        if self.persistent is None and not self.active:
            raise OperationInvalid("domain is gone", object=self.name)
        return await self._start_guest(call, self.persistent, flags)

    async def create(self, call: Call, definition: DomainDefinition, flags: int) -> tuple[DomainRef]:
        """Start from ``definition`` (the driver forwards virDomainCreateXML here)."""
        return await self._start_guest(call, definition, flags)

    async def _start_guest(self, call: Call, definition: DomainDefinition | None, flags: int) -> tuple[DomainRef]:
        check_flags(call, flags, _START_FLAGS)
        if self.active or definition is None:
            raise OperationInvalid("domain is already running", object=self.name)
        paused = bool(flags & DomainCreateFlags.PAUSED)
        self._autodestroy = call.session if flags & DomainCreateFlags.AUTODESTROY else None
        try:
            self.id = next(self.around.ids)
            started = dataclasses.replace(await self.complete(definition), id=self.id)
            self.live = await self.boot(call, started, paused)
        except BaseException:
            self.id, self.live = -1, None
            self.happen(Happening.START_FAILED)
            raise
        if self._autodestroy is not None and not send(
            call.session.connection, DestroyWithSession(self.actor_ref, wanted=True)
        ):
            self.actor_ref.tell(SessionClosed(call.session.label))
        self.happen(Happening.BOOTED_PAUSED if paused else Happening.BOOTED)
        return (self.wire_ref(),)

    async def domain_suspend(self, call: Call, dom: DomainRef) -> None:
        self.require_active()
        if self.state is DomainState.PMSUSPENDED:
            raise OperationInvalid("domain is pmsuspended", object=self.name)
        if self.state is not DomainState.PAUSED:
            await self.pause(call)
            self.happen(Happening.PAUSED)
            await self.live_state_saved()

    async def domain_resume(self, call: Call, dom: DomainRef) -> None:
        self.require_active()
        if self.state is DomainState.PMSUSPENDED:
            raise OperationInvalid("domain is pmsuspended", object=self.name)
        if self.state is DomainState.RUNNING:
            raise OperationInvalid("domain is already running", object=self.name)
        await self.unpause(call)
        self.happen(Happening.UNPAUSED)
        await self.live_state_saved()

    async def domain_shutdown_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, ~DomainShutdownFlagValues(0))
        self.require_active()
        await self.press_power_button(call, flags)
        await self.live_state_saved()

    async def domain_reboot(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, ~DomainRebootFlagValues(0))
        self.require_active()
        await self.request_reboot(call, flags)
        await self.live_state_saved()

    async def domain_reset(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, 0)
        self.require_active()
        await self.press_reset(call)

    async def domain_destroy_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, DomainDestroyFlagsValues.GRACEFUL)
        if not self.active and call.interrupted is not None:
            return  # What it interrupted was the start, which has cleaned up after itself.
        self.require_active()
        await self.kill(call, bool(flags & DomainDestroyFlagsValues.GRACEFUL))
        self.happen(Happening.DESTROYED)

    def domain_abort_job(self, call: Call, dom: DomainRef) -> None:
        if call.interrupted is None:
            raise OperationInvalid("no job is active on the domain", object=self.name)


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
