"""What a domain does: start, stop, pause, rename, and what is done to its guest from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...wire.enums.domain import (
    DomainCreateFlags,
    DomainDestroyFlagsValues,
    DomainRebootFlagValues,
    DomainShutdownFlagValues,
    DomainUndefineFlagsValues,
)
from ...wire.errors import InvalidArgument
from ...wire.table import ROWS
from ..values import bits, impact
from .identity import Identity

if TYPE_CHECKING:
    from ...wire.enums.domain_tuning import (
        DomainCoreDumpFormat,
        DomainLifecycle,
        DomainLifecycleAction,
        DomainProcessSignal,
        KeycodeSet,
    )
    from ...wire.enums.host import NodeSuspendTarget
    from ..descriptors import File

_START = ROWS["domain_create_with_flags"]
_START_WITH_FILES = ROWS["domain_create_with_files"]
_FD_ASSOCIATE = ROWS["domain_fd_associate"]
_DESTROY = ROWS["domain_destroy_flags"]
_SUSPEND = ROWS["domain_suspend"]
_RESUME = ROWS["domain_resume"]
_SHUTDOWN = ROWS["domain_shutdown_flags"]
_REBOOT = ROWS["domain_reboot"]
_RESET = ROWS["domain_reset"]
_UNDEFINE = ROWS["domain_undefine_flags"]
_RENAME = ROWS["domain_rename"]
_SET_AUTOSTART = ROWS["domain_set_autostart"]
_SET_AUTOSTART_ONCE = ROWS["domain_set_autostart_once"]
_SET_LIFECYCLE_ACTION = ROWS["domain_set_lifecycle_action"]
_CORE_DUMP = ROWS["domain_core_dump_with_format"]
_PM_SUSPEND = ROWS["domain_pm_suspend_for_duration"]
_PM_WAKEUP = ROWS["domain_pm_wakeup"]
_INJECT_NMI = ROWS["domain_inject_nmi"]
_SEND_KEY = ROWS["domain_send_key"]
_SEND_PROCESS_SIGNAL = ROWS["domain_send_process_signal"]


class Life(Identity):
    """The methods that change what a domain does."""

    __slots__ = ()

    def start(
        self,
        *,
        paused: bool = False,
        autodestroy: bool = False,
        force_boot: bool = False,
        reset_nvram: bool = False,
        flags: int = 0,
        files: Sequence[File] = (),
        deadline: float | None = None,
    ) -> None:
        """Start the defined domain (virDomainCreateWithFlags); ``flags`` are further DomainCreateFlags.

        With ``autodestroy`` the guest is destroyed when this connection ends, for whatever reason. ``files`` are open
        in what is started, from descriptor 3 on in their order (virDomainCreateWithFiles): in a container's init by
        libvirt, in QEMU by virtactor. They stay the caller's, who may close them. Raises NotSupported where no files
        can pass: over other than unix sockets.
        """
        flags |= start_flags(paused, autodestroy, force_boot, reset_nvram)
        if files:
            fields, _ = self._session.call_with_files(
                _START_WITH_FILES, self._ref, flags, files=files, deadline=deadline
            )
        else:
            fields = self._session.call(_START, self._ref, flags, deadline=deadline)
        (self._ref,) = fields

    def fd_associate(
        self,
        name: str,
        files: Sequence[File],
        *,
        restore_label: bool = False,
        writable_label: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Hand over open files that a disk's ``<source fdgroup=name>`` means (virDomainFDAssociate).

        They are used by starts until this connection ends, or others are handed over by that name; files that the disk
        is read and written through go in one call. ``writable_label`` and ``restore_label`` are for security drivers.
        """
        from ...wire.enums.domain_tuning import DomainFDAssociateFlags as Flags

        if not files:
            raise InvalidArgument("no files to associate with a name")
        flags = bits({Flags.RESTORE: restore_label, Flags.WRITABLE: writable_label})
        self._session.call_with_files(_FD_ASSOCIATE, self._ref, name, flags, files=files, deadline=deadline)

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

    def rename(self, name: str, *, deadline: float | None = None) -> None:
        """Give the domain another name; it must be off (virDomainRename).

        Raises AlreadyExists for a name that is taken.
        """
        self._call(_RENAME, name, 0, deadline=deadline)
        self._ref = self._ref._replace(name=name)

    def set_autostart(self, autostart: bool, *, deadline: float | None = None) -> None:
        """Start the domain with the daemon, or not (virDomainSetAutostart)."""
        self._session.call(_SET_AUTOSTART, self._ref, int(autostart), deadline=deadline)

    def set_autostart_once(self, autostart: bool, *, deadline: float | None = None) -> None:
        """Start the domain at the host's next boot, or not, and not at those after it (virDomainSetAutostartOnce)."""
        self._call(_SET_AUTOSTART_ONCE, int(autostart), deadline=deadline)

    def set_lifecycle_action(
        self,
        type: DomainLifecycle | int,
        action: DomainLifecycleAction | int,
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Choose what becomes of the guest when it powers off, reboots or crashes (virDomainSetLifecycleAction)."""
        self._call(_SET_LIFECYCLE_ACTION, int(type), int(action), impact(live, config), deadline=deadline)

    def core_dump(
        self,
        path: str,
        format: DomainCoreDumpFormat | int = 0,
        *,
        crash: bool = False,
        live: bool = False,
        bypass_cache: bool = False,
        reset: bool = False,
        memory_only: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Write the guest's memory to a file on the host (virDomainCoreDumpWithFormat).

        Afterwards the guest goes on, is stopped (``crash``) or ``reset``; with ``live`` it runs meanwhile.
        """
        from ...wire.enums.domain_tuning import DomainCoreDumpFlags as Flags

        flags = bits(
            {
                Flags.CRASH: crash,
                Flags.LIVE: live,
                Flags.BYPASS_CACHE: bypass_cache,
                Flags.RESET: reset,
                Flags.MEMORY_ONLY: memory_only,
            }
        )
        self._call(_CORE_DUMP, path, int(format), flags, deadline=deadline)

    def suspend_to(self, target: NodeSuspendTarget | int, duration: int = 0, *, deadline: float | None = None) -> None:
        """Let the guest suspend itself, through its agent (virDomainPMSuspendForDuration).

        It wakes after ``duration`` seconds, 0 for never, where the hypervisor can do that.
        """
        self._call(_PM_SUSPEND, int(target), duration, 0, deadline=deadline)

    def wake_up(self, *, deadline: float | None = None) -> None:
        """Wake a guest that suspended itself (virDomainPMWakeup)."""
        self._call(_PM_WAKEUP, 0, deadline=deadline)

    def inject_nmi(self, *, deadline: float | None = None) -> None:
        """Send the guest's processors a non-maskable interrupt (virDomainInjectNMI)."""
        self._call(_INJECT_NMI, 0, deadline=deadline)

    def send_keys(
        self,
        keycodes: Sequence[int],
        codeset: KeycodeSet | int = 0,
        *,
        hold: int = 0,
        deadline: float | None = None,
    ) -> None:
        """Press up to 16 keys together for ``hold`` milliseconds, 0 for the driver's choice (virDomainSendKey)."""
        self._call(_SEND_KEY, int(codeset), hold, list(keycodes), 0, deadline=deadline)

    def send_signal(self, pid: int, signal: DomainProcessSignal | int, *, deadline: float | None = None) -> None:
        """Send a process in the guest a signal (virDomainSendProcessSignal)."""
        self._call(_SEND_PROCESS_SIGNAL, pid, int(signal), 0, deadline=deadline)


def start_flags(
    paused: bool = False,
    autodestroy: bool = False,
    force_boot: bool = False,
    reset_nvram: bool = False,
    validate: bool = False,
) -> int:
    """The virDomainCreateFlags that the named wishes make."""
    return bits(
        {
            DomainCreateFlags.PAUSED: paused,
            DomainCreateFlags.AUTODESTROY: autodestroy,
            DomainCreateFlags.FORCE_BOOT: force_boot,
            DomainCreateFlags.RESET_NVRAM: reset_nvram,
            DomainCreateFlags.VALIDATE: validate,
        }
    )
