"""One domain, as its caller sees it: libvirt's ``virDomainPtr`` with Python's shapes."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, overload

from ..wire.enums.domain import (
    DomainBlockedReason,
    DomainConsoleFlags,
    DomainControlErrorReason,
    DomainControlState,
    DomainCrashedReason,
    DomainCreateFlags,
    DomainDestroyFlagsValues,
    DomainNostateReason,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainQemuMonitorCommandFlags,
    DomainRebootFlagValues,
    DomainRunningReason,
    DomainShutdownFlagValues,
    DomainShutdownReason,
    DomainShutoffReason,
    DomainState,
    DomainUndefineFlagsValues,
    DomainXMLFlags,
)
from ..wire.errors import ProtocolError
from ..wire.table import ROWS, DomainRef
from .streams import Console
from .values import member_or_number

if TYPE_CHECKING:
    from .reconnect import Session

_LOOKUP_BY_UUID = ROWS["domain_lookup_by_uuid"]
_START = ROWS["domain_create_with_flags"]
_DESTROY = ROWS["domain_destroy_flags"]
_SUSPEND = ROWS["domain_suspend"]
_RESUME = ROWS["domain_resume"]
_SHUTDOWN = ROWS["domain_shutdown_flags"]
_REBOOT = ROWS["domain_reboot"]
_RESET = ROWS["domain_reset"]
_UNDEFINE = ROWS["domain_undefine_flags"]
_SET_AUTOSTART = ROWS["domain_set_autostart"]
_GET_AUTOSTART = ROWS["domain_get_autostart"]
_ABORT_JOB = ROWS["domain_abort_job"]
_OPEN_CONSOLE = ROWS["domain_open_console"]
_STATE = ROWS["domain_get_state"]
_INFO = ROWS["domain_get_info"]
_CONTROL_INFO = ROWS["domain_get_control_info"]
_XML = ROWS["domain_get_xml_desc"]
_OS_TYPE = ROWS["domain_get_os_type"]
_IS_ACTIVE = ROWS["domain_is_active"]
_IS_PERSISTENT = ROWS["domain_is_persistent"]
_IS_UPDATED = ROWS["domain_is_updated"]
_MONITOR_COMMAND = ROWS["domain_monitor_command"]

REASONS: dict[DomainState, type[IntEnum]] = {
    DomainState.NOSTATE: DomainNostateReason,
    DomainState.RUNNING: DomainRunningReason,
    DomainState.BLOCKED: DomainBlockedReason,
    DomainState.PAUSED: DomainPausedReason,
    DomainState.SHUTDOWN: DomainShutdownReason,
    DomainState.SHUTOFF: DomainShutoffReason,
    DomainState.CRASHED: DomainCrashedReason,
    DomainState.PMSUSPENDED: DomainPMSuspendedReason,
}


@dataclass(frozen=True, slots=True)
class DomainInfo:
    """A domain's size and use (virDomainGetInfo): memory in KiB, processor time in nanoseconds."""

    state: DomainState | int
    max_memory: int
    memory: int
    vcpus: int
    cpu_time: int


@dataclass(frozen=True, slots=True)
class DomainControlInfo:
    """Whether a domain can take orders (virDomainGetControlInfo); ``state_time`` is in milliseconds."""

    state: DomainControlState | int
    details: DomainControlErrorReason | int
    state_time: int


class Domain:
    """A guest on a host, found or made through ``host.domains``.

    It stands for the domain by its UUID: two Domain values are equal when their UUIDs are, and one stays usable over
    reconnects and over stops and starts of the guest. Safe to use from any number of threads. Every method takes
    ``deadline``, seconds for the whole call (None: that of the connection); when it passes OperationTimeout is raised,
    naming what held the domain where the daemon knows. A domain that is gone raises NoDomain.
    """

    __slots__ = ("_ref", "_session")

    def __init__(self, session: Session, ref: DomainRef) -> None:
        self._session = session
        self._ref = ref

    @property
    def name(self) -> str:
        return self._ref.name

    @property
    def uuid(self) -> uuids.UUID:
        return uuids.UUID(bytes=self._ref.uuid)

    @property
    def id(self) -> int | None:
        """The number of the running guest, None while it is off; as last heard, see :meth:`refresh`."""
        return None if self._ref.id < 0 else self._ref.id

    @property
    def ref(self) -> DomainRef:
        """What names the domain in a call of a row (``host.call``)."""
        return self._ref

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self._ref.uuid == other._ref.uuid

    def __hash__(self) -> int:
        return hash(self._ref.uuid)

    def __repr__(self) -> str:
        number = "" if self.id is None else f" id={self.id}"
        return f"<Domain {self.name} {self.uuid}{number}>"

    def update(self, ref: DomainRef) -> None:
        """Take over what the daemon said of it elsewhere: its name and id may have changed."""
        self._ref = ref

    def refresh(self, *, deadline: float | None = None) -> Domain:
        """Look the domain up again by its UUID, for its present name and id; returns itself."""
        (self._ref,) = self._session.call(_LOOKUP_BY_UUID, self._ref.uuid, deadline=deadline)
        return self

    # What it does.

    def start(
        self,
        *,
        paused: bool = False,
        autodestroy: bool = False,
        force_boot: bool = False,
        reset_nvram: bool = False,
        flags: int = 0,
        deadline: float | None = None,
    ) -> None:
        """Start the defined domain (virDomainCreateWithFlags); ``flags`` are further DomainCreateFlags.

        With ``autodestroy`` the guest is destroyed when this connection ends, for whatever reason.
        """
        flags |= start_flags(paused, autodestroy, force_boot, reset_nvram)
        (self._ref,) = self._session.call(_START, self._ref, flags, deadline=deadline)

    def destroy(self, *, graceful: bool = False, flags: int = 0, deadline: float | None = None) -> None:
        """Stop it at once, whatever it is doing (virDomainDestroyFlags).

        With ``graceful`` QEMU may end by itself but is not killed; the call fails where it does not.
        """
        flags |= DomainDestroyFlagsValues.GRACEFUL if graceful else 0
        self._session.call(_DESTROY, self._ref, int(flags), deadline=deadline)
        self._ref = self._ref._replace(id=-1)

    def suspend(self, *, deadline: float | None = None) -> None:
        """Stop the guest's processors; its memory stays (virDomainSuspend)."""
        self._session.call(_SUSPEND, self._ref, deadline=deadline)

    def resume(self, *, deadline: float | None = None) -> None:
        """Let the guest's processors run again (virDomainResume)."""
        self._session.call(_RESUME, self._ref, deadline=deadline)

    def shutdown(
        self,
        mode: DomainShutdownFlagValues | int = DomainShutdownFlagValues.DEFAULT,
        *,
        deadline: float | None = None,
    ) -> None:
        """Ask the guest to power off; returns before it has, see :meth:`wait` (virDomainShutdownFlags)."""
        self._session.call(_SHUTDOWN, self._ref, int(mode), deadline=deadline)

    def reboot(
        self, mode: DomainRebootFlagValues | int = DomainRebootFlagValues.DEFAULT, *, deadline: float | None = None
    ) -> None:
        """Ask the guest to restart; returns before it has (virDomainReboot)."""
        self._session.call(_REBOOT, self._ref, int(mode), deadline=deadline)

    def reset(self, *, deadline: float | None = None) -> None:
        """Press the reset button (virDomainReset)."""
        self._session.call(_RESET, self._ref, 0, deadline=deadline)

    def undefine(self, flags: DomainUndefineFlagsValues | int = 0, *, deadline: float | None = None) -> None:
        """Forget the definition; a running guest goes on until it stops (virDomainUndefineFlags)."""
        self._session.call(_UNDEFINE, self._ref, int(flags), deadline=deadline)

    def set_autostart(self, autostart: bool, *, deadline: float | None = None) -> None:
        """Start the domain with the daemon, or not (virDomainSetAutostart)."""
        self._session.call(_SET_AUTOSTART, self._ref, int(autostart), deadline=deadline)

    def abort_job(self, *, deadline: float | None = None) -> None:
        """End the job that holds the domain; its caller gets OperationAborted (virDomainAbortJob)."""
        self._session.call(_ABORT_JOB, self._ref, deadline=deadline)

    # What it is.

    def state(self, *, deadline: float | None = None) -> tuple[DomainState | int, IntEnum | int]:
        """The state and how it came about: ``(DomainState.PAUSED, DomainPausedReason.USER)`` (virDomainGetState).

        The reason is a member of that state's own enumeration; numbers that are not in ours come as they are.
        """
        state, reason = self._session.call(_STATE, self._ref, 0, deadline=deadline)
        return state_and_reason(state, reason)

    def info(self, *, deadline: float | None = None) -> DomainInfo:
        """State, memory, processors and processor time (virDomainGetInfo)."""
        state, *rest = self._session.call(_INFO, self._ref, deadline=deadline)
        return DomainInfo(member_or_number(DomainState, state), *rest)

    def control_info(self, *, deadline: float | None = None) -> DomainControlInfo:
        """Whether the domain can take orders, and for how long it has not (virDomainGetControlInfo)."""
        state, details, since = self._session.call(_CONTROL_INFO, self._ref, 0, deadline=deadline)
        return DomainControlInfo(
            member_or_number(DomainControlState, state), member_or_number(DomainControlErrorReason, details), since
        )

    def xml(
        self, *, inactive: bool = False, secure: bool = False, flags: int = 0, deadline: float | None = None
    ) -> str:
        """The domain's XML (virDomainGetXMLDesc); ``flags`` are further DomainXMLFlags.

        ``inactive`` gives the definition that the next start uses, ``secure`` includes passwords (refused on a
        read-only connection).
        """
        flags |= (DomainXMLFlags.INACTIVE if inactive else 0) | (DomainXMLFlags.SECURE if secure else 0)
        return self._session.call(_XML, self._ref, int(flags), deadline=deadline)[0]

    def autostart(self, *, deadline: float | None = None) -> bool:
        """Whether it starts with the daemon (virDomainGetAutostart)."""
        return self._session.call(_GET_AUTOSTART, self._ref, deadline=deadline)[0] != 0

    def os_type(self, *, deadline: float | None = None) -> str:
        """The kind of guest, ``hvm`` for full virtualization (virDomainGetOSType)."""
        return self._session.call(_OS_TYPE, self._ref, deadline=deadline)[0]

    def is_active(self, *, deadline: float | None = None) -> bool:
        """Whether it is running or paused (virDomainIsActive)."""
        return self._session.call(_IS_ACTIVE, self._ref, deadline=deadline)[0] == 1

    def is_persistent(self, *, deadline: float | None = None) -> bool:
        """Whether it has a definition that outlives its stop (virDomainIsPersistent)."""
        return self._session.call(_IS_PERSISTENT, self._ref, deadline=deadline)[0] == 1

    def is_updated(self, *, deadline: float | None = None) -> bool:
        """Whether the definition was changed while it runs (virDomainIsUpdated)."""
        return self._session.call(_IS_UPDATED, self._ref, deadline=deadline)[0] == 1

    def wait(self, state: DomainState | Collection[DomainState], deadline: float | None = None) -> DomainState:
        """Block until the domain is in ``state`` (or one of several) and return that one; no polling.

        A guest that passes through the state while we wait counts as having been there; a transient guest that is
        gone counts as SHUTOFF. Raises OperationTimeout after ``deadline`` seconds, NoDomain when the domain is gone
        and another state was wanted.
        """
        # Imported here because events, which waiting needs, carry domains.
        from .states import wait_for_state

        return wait_for_state(self._session, self, state, deadline)

    # How to talk to it.

    def open_console(
        self,
        device: str | None = None,
        *,
        force: bool = False,
        safe: bool = False,
        deadline: float | None = None,
    ) -> Console:
        """Talk to a console or serial device, the first one when ``device`` (an alias) is None (virDomainOpenConsole).

        ``force`` takes it from whoever has it open; ``safe`` refuses where that cannot be excluded. Use it in a
        ``with`` statement, or call ``close``.
        """
        flags = (DomainConsoleFlags.FORCE if force else 0) | (DomainConsoleFlags.SAFE if safe else 0)
        return Console(self._session.open_stream(_OPEN_CONSOLE, self._ref, device, int(flags), deadline=deadline))

    @overload
    def monitor_command(self, command: str, *, hmp: bool = False, deadline: float | None = None) -> str: ...
    @overload
    def monitor_command(self, command: dict[str, Any], *, deadline: float | None = None) -> dict[str, Any]: ...

    def monitor_command(
        self, command: str | dict[str, Any], *, hmp: bool = False, deadline: float | None = None
    ) -> str | dict[str, Any]:
        """Send QEMU a monitor command (virDomainQemuMonitorCommand).

        Text is QMP as JSON, or a line of the human monitor with ``hmp``, and is answered by QEMU's text. A dict is a
        QMP command (``{"execute": "query-status"}``), answered by the dict that QEMU sent.
        """
        import json  # Here, as few programs talk to the monitor and it takes a while to import.

        text = command if isinstance(command, str) else json.dumps(command)
        flags = DomainQemuMonitorCommandFlags.HMP if hmp else DomainQemuMonitorCommandFlags.DEFAULT
        (answer,) = self._session.call(_MONITOR_COMMAND, self._ref, text, int(flags), deadline=deadline)
        if isinstance(command, str):
            return answer
        try:
            return json.loads(answer)
        except ValueError as error:
            raise ProtocolError(f"the monitor's answer is not JSON: {error}") from error


def start_flags(
    paused: bool = False,
    autodestroy: bool = False,
    force_boot: bool = False,
    reset_nvram: bool = False,
    validate: bool = False,
) -> int:
    """The virDomainCreateFlags that the named wishes make."""
    wishes = {
        DomainCreateFlags.PAUSED: paused,
        DomainCreateFlags.AUTODESTROY: autodestroy,
        DomainCreateFlags.FORCE_BOOT: force_boot,
        DomainCreateFlags.RESET_NVRAM: reset_nvram,
        DomainCreateFlags.VALIDATE: validate,
    }
    return sum(int(flag) for flag, wished in wishes.items() if wished)


def state_and_reason(state: int, reason: int) -> tuple[DomainState | int, IntEnum | int]:
    """The numbers as members of DomainState and of that state's reasons."""
    known = member_or_number(DomainState, state)
    reasons = REASONS.get(known) if isinstance(known, DomainState) else None
    return known, member_or_number(reasons, reason) if reasons else reason
