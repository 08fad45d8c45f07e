"""What a guest's agent does: domhostname, domtime, domfs*, guestinfo, passwords, keys, and any command for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_tuning import DomainGuestInfoTypes
from ....wire.enums.domain_tuning import DomainQemuAgentCommandTimeoutValues as Timeout
from ..declaring import command, data, domain
from ..flags import Flag, flag_options
from ..render import Table, Text
from ..session import Shell
from .actions import finish, tell, tell_values
from .definitions import read

GUEST_INFO: dict[str, Flag] = {
    "user": (DomainGuestInfoTypes.USERS, "Users that are logged in."),
    "os": (DomainGuestInfoTypes.OS, "The operating system."),
    "timezone": (DomainGuestInfoTypes.TIMEZONE, "The time zone."),
    "hostname": (DomainGuestInfoTypes.HOSTNAME, "The hostname."),
    "filesystem": (DomainGuestInfoTypes.FILESYSTEM, "File systems."),
    "disk": (DomainGuestInfoTypes.DISKS, "Disks."),
    "interface": (DomainGuestInfoTypes.INTERFACES, "Network interfaces."),
}


@command("domhostname")
@domain(applies=Flags.ACTIVE)
@data("source", click.Choice(["lease", "agent"]), "Who is asked.", metavar="SOURCE")
@click.pass_obj
def domhostname(shell: Shell, name: str, source: str | None) -> None:
    chosen = shell.domain(name)
    hostname = chosen.agent.hostname(lease=source == "lease", agent=source == "agent")
    tell(shell, chosen, {"hostname": hostname}, Text(hostname))


@command("domtime")
@domain(applies=Flags.ACTIVE)
@click.option("--now", is_flag=True, help="Set it to the time here.")
@click.option("--pretty", is_flag=True, help="As a date.")
@click.option("--sync", is_flag=True, help="Set it to that of the guest's clock chip.")
@data("time", int, "Set it to that second since 1970.", into="moment")
@click.pass_obj
def domtime(shell: Shell, name: str, now: bool, pretty: bool, sync: bool, moment: int | None) -> None:
    if now + sync + (moment is not None) > 1:
        raise click.UsageError("one of --now, --sync and --time")
    chosen = shell.domain(name)
    if now or sync or moment is not None:
        chosen.agent.set_time(int(time.time()) if now else moment or 0, sync=sync)
        finish(shell, chosen, "time set")
        return
    seconds, nanoseconds = chosen.agent.time()
    word = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if pretty else str(seconds)
    tell(shell, chosen, {"seconds": seconds, "nanoseconds": nanoseconds}, Text(f"Time: {word}", spaced=False))


@command("domfsinfo")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def domfsinfo(shell: Shell, name: str) -> None:
    chosen = shell.domain(name)
    found = chosen.agent.filesystems()
    rows = [(one.mountpoint, one.name, one.fstype, ",".join(one.dev_aliases)) for one in found]
    as_data = [
        {"mountpoint": one.mountpoint, "name": one.name, "type": one.fstype, "targets": list(one.dev_aliases)}
        for one in found
    ]
    view = Table(("Mountpoint", "Name", "Type", "Target"), rows) if rows else Text("No filesystems are mounted.")
    tell(shell, chosen, {"filesystems": as_data}, view)


@command("domfsfreeze")
@domain(applies=Flags.ACTIVE)
@data("mountpoint", help="Where they are mounted; all by default.", many=True, into="mountpoints")
@click.pass_obj
def domfsfreeze(shell: Shell, name: str, mountpoints: Sequence[str]) -> None:
    chosen = shell.domain(name)
    frozen = chosen.agent.freeze(mountpoints)
    tell(shell, chosen, {"filesystems": frozen}, Text(f"Froze {frozen} filesystem(s)"))


@command("domfsthaw")
@domain(applies=Flags.ACTIVE)
@data("mountpoint", help="Where they are mounted; all by default.", many=True, into="mountpoints")
@click.pass_obj
def domfsthaw(shell: Shell, name: str, mountpoints: Sequence[str]) -> None:
    chosen = shell.domain(name)
    thawed = chosen.agent.thaw(mountpoints)
    tell(shell, chosen, {"filesystems": thawed}, Text(f"Thawed {thawed} filesystem(s)"))


@command("domfstrim")
@domain(applies=Flags.ACTIVE)
@data("minimum", click.IntRange(0), "Leave free runs shorter than that, in bytes.", metavar="BYTES")
@data("mountpoint", help="Where it is mounted; all by default.")
@click.pass_obj
def domfstrim(shell: Shell, name: str, minimum: int | None, mountpoint: str | None) -> None:
    chosen = shell.domain(name)
    chosen.agent.trim(mountpoint, minimum or 0)
    finish(shell, chosen, "unused blocks given back")


@command("guestinfo")
@domain(applies=Flags.ACTIVE)
@flag_options(GUEST_INFO)
@click.pass_obj
def guestinfo(shell: Shell, name: str, flags: int) -> None:
    chosen = shell.domain(name)
    values = chosen.agent.info(flags)
    tell_values(shell, chosen, values, [f"{key:<20}: {value}" for key, value in values.items()])


@command("set-user-password")
@domain(applies=Flags.ACTIVE)
@data("user", help="Whose.", needed=True)
@data("password", help="The new one.", needed=True)
@click.option("--encrypted", is_flag=True, help="It is as crypt(3) has it.")
@click.pass_obj
def set_user_password(shell: Shell, name: str, user: str, password: str, encrypted: bool) -> None:
    chosen = shell.domain(name)
    chosen.agent.set_password(user, password, encrypted=encrypted)
    finish(shell, chosen, f"password of {user} set")


@command("get-user-sshkeys")
@domain(applies=Flags.ACTIVE)
@data("user", help="Whose.", needed=True)
@click.pass_obj
def get_user_sshkeys(shell: Shell, name: str, user: str) -> None:
    chosen = shell.domain(name)
    keys = chosen.agent.ssh_keys(user)
    tell(shell, chosen, {"user": user, "keys": keys}, Text("\n".join(keys)))


@command("set-user-sshkeys")
@domain(applies=Flags.ACTIVE)
@data("user", help="Whose.", needed=True)
@data("file", click.Path(allow_dash=True), "A file with keys, one on each line.")
@click.option("--reset", is_flag=True, help="Forget those that there are.")
@click.option("--remove", is_flag=True, help="Take them away.")
@click.pass_obj
def set_user_sshkeys(shell: Shell, name: str, user: str, file: str | None, reset: bool, remove: bool) -> None:
    if reset and remove:
        raise click.UsageError("either --reset or --remove")
    if file is None and not reset:
        raise click.UsageError("no file is named")
    lines = read(file).splitlines() if file is not None else []
    keys = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
    chosen = shell.domain(name)
    chosen.agent.set_ssh_keys(user, keys, append=not (reset or remove), remove=remove)
    finish(shell, chosen, f"keys of {user} changed")


@command("guest-agent-timeout")
@domain(applies=Flags.ACTIVE)
@click.option(
    "--timeout",
    type=click.IntRange(-2),
    default=-2,
    show_default=False,
    metavar="SECONDS",
    help="How long to wait for it; -2 for ever (the default), -1 the daemon's choice, 0 not at all.",
)
@click.pass_obj
def guest_agent_timeout(shell: Shell, name: str, timeout: int) -> None:
    chosen = shell.domain(name)
    chosen.agent.set_response_timeout(timeout)
    finish(shell, chosen, "timeout of its agent set")


@command("qemu-agent-command")
@domain(applies=Flags.ACTIVE)
@click.option("--timeout", type=click.IntRange(1), metavar="SECONDS", help="How long to wait for its answer.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for its answer.")
@click.option("--block", is_flag=True, help="Wait for its answer for ever.")
@click.option("--pretty", is_flag=True, help="Indent its answer.")
@data("cmd", help="The command, as JSON.", needed=True, many=True, metavar="COMMAND")
@click.pass_obj
def qemu_agent_command(
    shell: Shell, name: str, timeout: int | None, asynchronous: bool, block: bool, pretty: bool, cmd: Sequence[str]
) -> None:
    import json

    if asynchronous + block + (timeout is not None) > 1:
        raise click.UsageError("one of --timeout, --async and --block")
    limit = Timeout.NOWAIT if asynchronous else Timeout.BLOCK if block else timeout or Timeout.DEFAULT
    chosen = shell.domain(name)
    answer = chosen.agent.command(" ".join(cmd), limit) or ""
    value = json.loads(answer) if answer else None
    text = json.dumps(value, indent=2) if pretty and answer else answer
    tell(shell, chosen, {"answer": value}, Text(text))


COMMANDS = {
    one.name: one
    for one in (
        domfsfreeze,
        domfsinfo,
        domfsthaw,
        domfstrim,
        domhostname,
        domtime,
        get_user_sshkeys,
        guest_agent_timeout,
        guestinfo,
        qemu_agent_command,
        set_user_password,
        set_user_sshkeys,
    )
}
