"""The agent inside a guest: a program that does there what nobody can do from outside.

Without one these calls fail with OperationFailed (AGENT_UNRESPONSIVE) or UnsupportedConfig.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ...wire.enums.domain_tuning import (
    DomainAuthorizedSSHKeysSetFlags,
    DomainGetHostnameFlags,
    DomainGuestInfoTypes,
    DomainQemuAgentCommandTimeoutValues,
    DomainSetTimeFlags,
    DomainSetUserPasswordFlags,
)
from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS
from ...wire.table.structs import FilesystemInfo
from ..values import bits
from .cpusets import to_text
from .identity import Part

_HOSTNAME = ROWS["domain_get_hostname"]
_TIME = ROWS["domain_get_time"]
_SET_TIME = ROWS["domain_set_time"]
_FILESYSTEMS = ROWS["domain_get_fsinfo"]
_TRIM = ROWS["domain_fstrim"]
_FREEZE = ROWS["domain_fsfreeze"]
_THAW = ROWS["domain_fsthaw"]
_SET_PASSWORD = ROWS["domain_set_user_password"]
_VCPUS = ROWS["domain_get_guest_vcpus"]
_SET_VCPUS = ROWS["domain_set_guest_vcpus"]
_INFO = ROWS["domain_get_guest_info"]
_SET_RESPONSE_TIMEOUT = ROWS["domain_agent_set_response_timeout"]
_SSH_KEYS = ROWS["domain_authorized_ssh_keys_get"]
_SET_SSH_KEYS = ROWS["domain_authorized_ssh_keys_set"]
_COMMAND = ROWS["domain_agent_command"]


class Agent(Part):
    """``guest.agent``."""

    __slots__ = ()

    def hostname(self, *, lease: bool = False, agent: bool = False, deadline: float | None = None) -> str:
        """The guest's hostname, from its DHCP lease or its agent, or as the driver likes (virDomainGetHostname)."""
        flags = bits({DomainGetHostnameFlags.LEASE: lease, DomainGetHostnameFlags.AGENT: agent})
        return self._call(_HOSTNAME, flags, deadline=deadline)[0]

    def time(self, *, deadline: float | None = None) -> tuple[int, int]:
        """The guest's time: seconds since 1970 and nanoseconds (virDomainGetTime)."""
        seconds, nanoseconds = self._call(_TIME, 0, deadline=deadline)
        return seconds, nanoseconds

    def set_time(
        self, seconds: int = 0, nanoseconds: int = 0, *, sync: bool = False, deadline: float | None = None
    ) -> None:
        """Set the guest's time, with ``sync`` to that of its own clock chip (virDomainSetTime)."""
        flags = DomainSetTimeFlags.SYNC if sync else 0
        self._call(_SET_TIME, seconds, nanoseconds, int(flags), deadline=deadline)

    def filesystems(self, *, deadline: float | None = None) -> list[FilesystemInfo]:
        """What is mounted in the guest, and on which of its disks (virDomainGetFSInfo)."""
        return self._call(_FILESYSTEMS, 0, deadline=deadline)[0]

    def trim(self, mountpoint: str | None = None, minimum: int = 0, *, deadline: float | None = None) -> None:
        """Give unused blocks back, of runs of at least ``minimum`` bytes (virDomainFSTrim)."""
        self._call(_TRIM, mountpoint, minimum, 0, deadline=deadline)

    def freeze(self, mountpoints: Iterable[str] = (), *, deadline: float | None = None) -> int:
        """Let no more be written to these file systems, by default all; gives how many (virDomainFSFreeze)."""
        return self._call(_FREEZE, list(mountpoints), 0, deadline=deadline)[0]

    def thaw(self, mountpoints: Iterable[str] = (), *, deadline: float | None = None) -> int:
        """Let file systems be written to again; gives how many (virDomainFSThaw)."""
        return self._call(_THAW, list(mountpoints), 0, deadline=deadline)[0]

    def set_password(self, user: str, password: str, *, encrypted: bool = False, deadline: float | None = None) -> None:
        """Give a user another password, as text or as crypt(3) has it (virDomainSetUserPassword)."""
        flags = DomainSetUserPasswordFlags.ENCRYPTED if encrypted else 0
        self._call(_SET_PASSWORD, user, password, int(flags), deadline=deadline)

    def vcpus(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """Which processors the guest has, which are on, which may go off: lists as ``0-3`` (virDomainGetGuestVcpus)."""
        return values_of(self._call(_VCPUS, 0, deadline=deadline)[0])

    def set_vcpus(self, vcpus: Collection[int] | str, enabled: bool, *, deadline: float | None = None) -> None:
        """Switch processors on or off inside the guest (virDomainSetGuestVcpus)."""
        text = vcpus if isinstance(vcpus, str) else to_text(vcpus)
        self._call(_SET_VCPUS, text, int(enabled), 0, deadline=deadline)

    def info(self, types: DomainGuestInfoTypes | int = 0, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """What the guest says of users, system, time zone, disks, …: all it can by default (virDomainGetGuestInfo).

        Lists are flat: ``user.count``, ``user.0.name``, …
        """
        return values_of(self._call(_INFO, int(types), 0, deadline=deadline)[0])

    def set_response_timeout(self, seconds: int, *, deadline: float | None = None) -> None:
        """How long the daemon waits for this agent (virDomainAgentSetResponseTimeout).

        -2 is for ever, -1 the daemon's choice, 0 not at all.
        """
        self._call(_SET_RESPONSE_TIMEOUT, seconds, 0, deadline=deadline)

    def ssh_keys(self, user: str, *, deadline: float | None = None) -> list[str]:
        """The keys by which a user may log in (virDomainAuthorizedSSHKeysGet)."""
        return self._call(_SSH_KEYS, user, 0, deadline=deadline)[0]

    def set_ssh_keys(
        self,
        user: str,
        keys: Iterable[str],
        *,
        append: bool = False,
        remove: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Replace them, or add to them, or take some away (virDomainAuthorizedSSHKeysSet)."""
        Flags = DomainAuthorizedSSHKeysSetFlags
        self._call(
            _SET_SSH_KEYS, user, list(keys), bits({Flags.APPEND: append, Flags.REMOVE: remove}), deadline=deadline
        )

    def command(
        self,
        command: str | dict[str, Any],
        timeout: int = DomainQemuAgentCommandTimeoutValues.DEFAULT,
        *,
        deadline: float | None = None,
    ) -> str | None:
        """Send QEMU's agent a command as JSON, or as a dict, and give its answer (virDomainQemuAgentCommand).

        ``timeout`` is in seconds, or one of DomainQemuAgentCommandTimeoutValues; without waiting there is no answer.
        """
        import json

        text = command if isinstance(command, str) else json.dumps(command)
        return self._call(_COMMAND, text, int(timeout), 0, deadline=deadline)[0]
