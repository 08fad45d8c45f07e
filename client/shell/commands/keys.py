"""What is done to a guest from outside: keys, signals, interrupts, sleep, its screen, its name, its last moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_tuning import DomainLifecycle, DomainLifecycleAction, DomainProcessSignal, KeycodeSet
from ....wire.enums.host import NodeSuspendTarget
from ....wire.errors import InvalidArgument, SystemFailure
from ..declaring import command, data, domain, domains
from ..render import Text
from ..selection import Selection
from ..session import Shell
from ..values import Impact, affecting
from .actions import act, finish, tell

_TARGETS = {"mem": NodeSuspendTarget.MEM, "disk": NodeSuspendTarget.DISK, "hybrid": NodeSuspendTarget.HYBRID}
_SUFFIXES = {
    "image/png": ".png",
    "image/x-portable-pixmap": ".ppm",
    "image/x-portable-graymap": ".pgm",
    "image/x-portable-bitmap": ".pbm",
}
_ACTIONS = {member.name.lower().replace("_", "-"): member for member in DomainLifecycleAction}


@command("send-key")
@domain(applies=Flags.ACTIVE)
@click.option("--codeset", metavar="NAME", help="What the codes are of: linux (the default), xt, usb, qnum, …")
@click.option("--holdtime", type=click.IntRange(0), metavar="MS", help="For how long, in milliseconds.")
@data("keycode", help="Codes, or names such as KEY_A.", needed=True, many=True, into="keycodes")
@click.pass_obj
def send_key(shell: Shell, name: str, codeset: str | None, holdtime: int | None, keycodes: Sequence[str]) -> None:
    from ..keycodes import code_of

    known = KeycodeSet.__members__.get((codeset or "linux").upper().replace("-", "_"))
    if known is None:
        raise InvalidArgument(f"'{codeset}' is no set of keycodes")
    codes = [code_of(text, known) for text in keycodes]
    chosen = shell.domain(name)
    chosen.send_keys(codes, known, hold=holdtime or 0)
    finish(shell, chosen, "keys sent")


@command("send-process-signal")
@domain(applies=Flags.ACTIVE)
@data("pid", int, "The process.", needed=True)
@data("signame", help="The signal's name or number.", needed=True)
@click.pass_obj
def send_process_signal(shell: Shell, name: str, pid: int, signame: str) -> None:
    signal = _signal(signame)
    chosen = shell.domain(name)
    chosen.send_signal(pid, signal)
    finish(shell, chosen, f"signal sent to process {pid}")


def _signal(text: str) -> int:
    if text.isdecimal():
        return int(text)
    name = text.upper().removeprefix("SIG_").removeprefix("SIG")
    found = DomainProcessSignal.__members__.get(name)
    if found is None:
        raise InvalidArgument(f"malformed signal name: {text}")
    return int(found)


@command("inject-nmi")
@domains(applies=Flags.ACTIVE)
@click.pass_obj
def inject_nmi(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "NMI injected", "domain_inject_nmi", 0)


@command("dompmsuspend")
@domain(applies=Flags.RUNNING)
@data("target", click.Choice(list(_TARGETS)), "To memory, disk or both.", needed=True, metavar="TARGET")
@click.option("--duration", type=click.IntRange(0), metavar="SECONDS", help="For how long.")
@click.pass_obj
def dompmsuspend(shell: Shell, name: str, target: str, duration: int | None) -> None:
    chosen = shell.domain(name)
    chosen.suspend_to(_TARGETS[target], duration or 0)
    finish(shell, chosen, "asked to suspend itself")


@command("dompmwakeup")
@domains(applies=Flags.ACTIVE)
@click.pass_obj
def dompmwakeup(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "woken up", "domain_pm_wakeup", 0)


@command("domrename")
@domain(applies=Flags.INACTIVE)
@data("new-name", help="What it is to be called.", needed=True)
@click.pass_obj
def domrename(shell: Shell, name: str, new_name: str) -> None:
    chosen = shell.domain(name)
    before = chosen.name
    chosen.rename(new_name)
    finish(shell, chosen, f"was called {before} until now")


@command("set-lifecycle-action")
@domain()
@data("type", click.Choice([member.name.lower() for member in DomainLifecycle]), "What happens.",
      needed=True, metavar="TYPE")  # fmt: skip
@data("action", click.Choice(list(_ACTIONS)), "What becomes of it then.", needed=True, metavar="ACTION")
@affecting()
@click.pass_obj
def set_lifecycle_action(shell: Shell, name: str, type: str, action: str, impact: Impact) -> None:
    chosen = shell.domain(name)
    chosen.set_lifecycle_action(DomainLifecycle[type.upper()], _ACTIONS[action], **impact)
    finish(shell, chosen, f"{action} on {type} from now on")


@command("screenshot")
@domain(applies=Flags.ACTIVE)
@data("file", click.Path(), "Where to, here; named for domain and time by default.")
@data("screen", click.IntRange(0), "Which of its screens.")
@click.pass_obj
def screenshot(shell: Shell, name: str, file: str | None, screen: int | None) -> None:
    chosen = shell.domain(name)
    picture = chosen.screenshot(screen or 0)
    path = file or f"{chosen.name}-{datetime.now():%Y-%m-%d-%H:%M:%S}{_SUFFIXES.get(picture.mime, '')}"
    try:
        with open(path, "wb") as output:
            output.write(picture.data)
    except OSError as error:
        raise SystemFailure(f"cannot write {path}: {error.strerror}", errno=error.errno, object=path) from error
    shown = Text(f"Screenshot saved to {path}, with type of {picture.mime or '(null)'}", spaced=False)
    tell(shell, chosen, {"file": path, "type": picture.mime}, shown)


COMMANDS = {
    one.name: one
    for one in (
        dompmsuspend,
        dompmwakeup,
        domrename,
        inject_nmi,
        screenshot,
        send_key,
        send_process_signal,
        set_lifecycle_action,
    )
}
