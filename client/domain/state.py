"""What a domain is: its state, its size, its XML and what the daemon knows of it beside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ...wire.enums.domain import (
    DomainBlockedReason,
    DomainControlErrorReason,
    DomainControlState,
    DomainCrashedReason,
    DomainNostateReason,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainShutoffReason,
    DomainState,
    DomainXMLFlags,
)
from ...wire.table import ROWS
from ..values import bits, member_or_number
from .identity import Identity

if TYPE_CHECKING:
    from ...wire.enums.domain_tuning import DomainMessageType

_STATE = ROWS["domain_get_state"]
_INFO = ROWS["domain_get_info"]
_CONTROL_INFO = ROWS["domain_get_control_info"]
_XML = ROWS["domain_get_xml_desc"]
_GET_AUTOSTART = ROWS["domain_get_autostart"]
_GET_AUTOSTART_ONCE = ROWS["domain_get_autostart_once"]
_OS_TYPE = ROWS["domain_get_os_type"]
_IS_ACTIVE = ROWS["domain_is_active"]
_IS_PERSISTENT = ROWS["domain_is_persistent"]
_IS_UPDATED = ROWS["domain_is_updated"]
_MESSAGES = ROWS["domain_get_messages"]

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


class State(Identity):
    """The methods that ask how a domain is."""

    __slots__ = ()

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
        self,
        *,
        inactive: bool = False,
        secure: bool = False,
        update_cpu: bool = False,
        migratable: bool = False,
        flags: int = 0,
        deadline: float | None = None,
    ) -> str:
        """The domain's XML (virDomainGetXMLDesc); ``flags`` are further DomainXMLFlags.

        ``inactive`` gives the definition that the next start uses, ``secure`` includes passwords (refused on a
        read-only connection), ``update_cpu`` names the processor's features that the host adds, ``migratable`` leaves
        out what another host need not know.
        """
        flags |= bits(
            {
                DomainXMLFlags.INACTIVE: inactive,
                DomainXMLFlags.SECURE: secure,
                DomainXMLFlags.UPDATE_CPU: update_cpu,
                DomainXMLFlags.MIGRATABLE: migratable,
            }
        )
        return self._session.call(_XML, self._ref, int(flags), deadline=deadline)[0]

    def autostart(self, *, deadline: float | None = None) -> bool:
        """Whether it starts with the daemon (virDomainGetAutostart)."""
        return self._session.call(_GET_AUTOSTART, self._ref, deadline=deadline)[0] != 0

    def autostart_once(self, *, deadline: float | None = None) -> bool:
        """Whether it starts at the host's next boot only (virDomainGetAutostartOnce)."""
        return self._call(_GET_AUTOSTART_ONCE, deadline=deadline)[0] != 0

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

    def messages(self, types: DomainMessageType | int = 0, *, deadline: float | None = None) -> list[str]:
        """What the daemon has to say about the domain, such as that it is tainted (virDomainGetMessages).

        ``types`` are bits of DomainMessageType, 0 for all.
        """
        return self._call(_MESSAGES, int(types), deadline=deadline)[0]


def state_and_reason(state: int, reason: int) -> tuple[DomainState | int, IntEnum | int]:
    """The numbers as members of DomainState and of that state's reasons."""
    known = member_or_number(DomainState, state)
    reasons = REASONS.get(known) if isinstance(known, DomainState) else None
    return known, member_or_number(reasons, reason) if reasons else reason
