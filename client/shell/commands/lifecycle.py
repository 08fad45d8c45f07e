"""Commands that change what a domain does: start, suspend, destroy and the like, for one domain or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain import (
    DomainCreateFlags,
    DomainDestroyFlagsValues,
    DomainRebootFlagValues,
    DomainShutdownFlagValues,
)
from ....wire.enums.domain_jobs import DomainAbortJobFlagsValues
from ..declaring import command, data, domain, domains
from ..flags import Flag, flag_options, modes
from ..selection import Selection
from ..session import Shell
from ..values import Descriptors, FileGroup, pass_fds
from .actions import act, finish

if TYPE_CHECKING:
    from ....wire.table import DomainRef
    from ...domain import Domain

START_FLAGS: dict[str, Flag] = {
    "paused": (DomainCreateFlags.PAUSED, "Leave its processors stopped."),
    "autodestroy": (DomainCreateFlags.AUTODESTROY, "Destroy it when this command ends."),
    "bypass-cache": (DomainCreateFlags.BYPASS_CACHE, "Load saved memory without the host's page cache."),
    "force-boot": (DomainCreateFlags.FORCE_BOOT, "Boot even where there is saved memory."),
    "reset-nvram": (DomainCreateFlags.RESET_NVRAM, "Take fresh firmware variables from their template."),
}
DESTROY_FLAGS: dict[str, Flag] = {
    "graceful": (DomainDestroyFlagsValues.GRACEFUL, "Ask QEMU to end, do not kill it."),
    "remove-logs": (DomainDestroyFlagsValues.REMOVE_LOGS, "Remove its logs too."),
}


@command("start")
@domains(applies=Flags.INACTIVE)
@flag_options(START_FLAGS)
@pass_fds("for the guest's process, from descriptor 3 on")
@click.option(
    "--fd-group",
    "groups",
    type=FileGroup(),
    multiple=True,
    metavar="NAME=N[,M...]",
    help="Open files of this process, for disks whose source has that fdgroup.",
)
@click.option("--console", is_flag=True, help="Open its console afterwards.")
@click.pass_obj
def start(
    shell: Shell,
    selection: Selection,
    flags: int,
    pass_fds: tuple[int, ...],
    groups: tuple[tuple[str, tuple[int, ...]], ...],
    console: bool,
) -> None:
    if (console or pass_fds or groups) and not selection.is_one:
        raise click.UsageError(f"--{'console' if console else 'pass-fds' if pass_fds else 'fd-group'} wants one domain")
    if pass_fds or groups:
        started = [_start_with_files(shell, shell.domain(selection.names[0]), flags, pass_fds, groups)]
    else:
        started = act(shell, selection, "started", "domain_create_with_flags", flags)
    if console and started:
        from .console import talk

        talk(shell, shell.domain(started[0].name))


def _start_with_files(
    shell: Shell,
    domain: Domain,
    flags: int,
    files: tuple[int, ...],
    groups: tuple[tuple[str, tuple[int, ...]], ...],
) -> DomainRef:
    for name, members in groups:
        domain.fd_associate(name, members)
    domain.start(flags=flags, files=files)
    finish(shell, domain, "started")
    return domain.ref


@command("dom-fd-associate")
@domain(applies=Flags.PERSISTENT)
@data("name", help="What disks call them, as the fdgroup of their source.", needed=True, into="group")
@data("pass-fds", Descriptors(), "Open files of this process.", needed=True, metavar="N[,M...]")
@click.option("--seclabel-writable", is_flag=True, help="Label them for writing.")
@click.option("--seclabel-restore", is_flag=True, help="Give them their labels back afterwards.")
@click.pass_obj
def dom_fd_associate(
    shell: Shell, name: str, group: str, pass_fds: tuple[int, ...], seclabel_writable: bool, seclabel_restore: bool
) -> None:
    chosen = shell.domain(name)
    chosen.fd_associate(group, pass_fds, restore_label=seclabel_restore, writable_label=seclabel_writable)
    finish(shell, chosen, "files associated until this command ends")


@command("suspend")
@domains(applies=Flags.RUNNING)
@click.pass_obj
def suspend(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "suspended", "domain_suspend")


@command("resume")
@domains(applies=Flags.PAUSED)
@click.pass_obj
def resume(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "resumed", "domain_resume")


@command("shutdown")
@domains(applies=Flags.ACTIVE)
@modes(DomainShutdownFlagValues)
@click.pass_obj
def shutdown(shell: Shell, selection: Selection, flags: int) -> None:
    act(shell, selection, "asked to power off", "domain_shutdown_flags", flags)


@command("reboot")
@domains(applies=Flags.ACTIVE)
@modes(DomainRebootFlagValues)
@click.pass_obj
def reboot(shell: Shell, selection: Selection, flags: int) -> None:
    act(shell, selection, "asked to restart", "domain_reboot", flags)


@command("reset")
@domains(applies=Flags.ACTIVE, sweeping=False)
@click.pass_obj
def reset(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "reset", "domain_reset", 0)


@command("destroy")
@domains(applies=Flags.ACTIVE, sweeping=False)
@flag_options(DESTROY_FLAGS)
@click.pass_obj
def destroy(shell: Shell, selection: Selection, flags: int) -> None:
    act(shell, selection, "destroyed", "domain_destroy_flags", flags)


@command("autostart")
@domains(applies=Flags.PERSISTENT)
@click.option("--disable", is_flag=True, help="Start it with the daemon no more.")
@click.pass_obj
def autostart(shell: Shell, selection: Selection, disable: bool) -> None:
    done = "not started with the daemon any more" if disable else "started with the daemon from now on"
    act(shell, selection, done, "domain_set_autostart", int(not disable))


@command("domjobabort")
@domains(applies=Flags.ACTIVE)
@click.option("--postcopy", is_flag=True, help="A migration whose guest runs on the other side already.")
@click.pass_obj
def domjobabort(shell: Shell, selection: Selection, postcopy: bool) -> None:
    if postcopy:
        act(shell, selection, "job aborted", "domain_abort_job_flags", int(DomainAbortJobFlagsValues.POSTCOPY))
    else:
        act(shell, selection, "job aborted", "domain_abort_job")


COMMANDS = {
    one.name: one
    for one in (autostart, destroy, dom_fd_associate, domjobabort, reboot, reset, resume, shutdown, start, suspend)
}
