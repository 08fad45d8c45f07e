"""Where a guest's screen and console are: domdisplay, vncdisplay, ttyconsole."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.errors import NotFound, OperationInvalid
from ..declaring import command, data, domain
from ..render import Text
from ..session import Shell
from .actions import tell
from .devices_of import attribute, parsed

if TYPE_CHECKING:
    from ...domain import Domain

SCHEMES = ("vnc", "spice", "rdp", "dbus")
_ANY = ("", "0.0.0.0", "::")
FIRST_VNC_PORT = 5900


@command("domdisplay")
@domain(applies=Flags.ACTIVE)
@click.option("--include-password", is_flag=True, help="With the password, where there is one.")
@data("type", click.Choice(SCHEMES), "Of that kind only.", metavar="TYPE")
@click.option("--all", "everything", is_flag=True, help="All of them; the first by default.")
@click.pass_obj
def domdisplay(shell: Shell, name: str, include_password: bool, type: str | None, everything: bool) -> None:
    if type and everything:
        raise click.UsageError("either --type or --all")
    chosen = _running(shell, name)
    tree = parsed(chosen, secure=include_password)
    found = [
        uri
        for scheme in SCHEMES
        if type in (None, scheme)
        for display in tree.iterfind(f"devices/graphics[@type='{scheme}']")
        if (uri := display_uri(scheme, display, shell.host.uri)) is not None
    ]
    if not found:
        raise NotFound("no graphical display found", object=chosen.name)
    shown = found if everything else found[:1]
    tell(shell, chosen, {"displays": shown}, Text("\n".join(shown), spaced=False))


def _running(shell: Shell, name: str) -> Domain:
    """The domain; raises OperationInvalid for one that is off, which has its displays nowhere."""
    chosen = shell.domain(name)
    if not chosen.is_active():
        raise OperationInvalid("domain is not running", object=chosen.name)
    return chosen


def display_uri(scheme: str, display: Element, connection: str) -> str | None:
    """Where a viewer finds a display, as virsh writes it; None for one that listens nowhere yet."""
    socket = attribute(display, "listen", "socket") or display.get("socket")
    if scheme == "dbus":
        return display.get("address")
    if socket:
        # A socket has no port, and no host either.
        return f"{scheme}+unix://{socket}" if scheme == "spice" else f"{scheme}://{socket}"
    port, secure_port = (_port(display.get(key)) for key in ("port", "tlsPort"))
    if port is None and secure_port is None:
        return None
    host = attribute(display, "listen", "address") or display.get("listen") or ""
    if host in _ANY:
        host = _host_of(connection)
    password = display.get("passwd") or ""
    if scheme == "vnc" and port is not None:
        # Viewers count displays, not ports.
        return f"vnc://{f':{quote(password)}@' if password else ''}{_bracketed(host)}:{port - FIRST_VNC_PORT}"
    query = urlencode({**({"tls-port": secure_port} if secure_port and port else {}), **_password_of(scheme, password)})
    secret = f":{quote(password)}@" if password and scheme != "spice" else ""
    return f"{scheme}://{secret}{_bracketed(host)}:{port or secure_port}{f'?{query}' if query else ''}"


def _password_of(scheme: str, password: str) -> dict[str, str]:
    return {"password": password} if password and scheme == "spice" else {}


def _port(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and int(text) > 0 else None


def _host_of(connection: str) -> str:
    """The host that the connection leads to; the local one by default."""
    from ....wire.uri import ConnectURI

    return ConnectURI.parse(connection).host or "localhost"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@command("vncdisplay")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def vncdisplay(shell: Shell, name: str) -> None:
    chosen = _running(shell, name)
    display = parsed(chosen).find("devices/graphics[@type='vnc']")
    port = None if display is None else _port(display.get("port"))
    if display is None or port is None:
        raise NotFound("failed to get VNC port. Is this domain using VNC?", object=chosen.name)
    host = attribute(display, "listen", "address") or display.get("listen") or ""
    address = f"{'' if host in _ANY[:2] else _bracketed(host)}:{port - FIRST_VNC_PORT}"
    tell(shell, chosen, {"display": address}, Text(address))


@command("ttyconsole")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def ttyconsole(shell: Shell, name: str) -> None:
    chosen = shell.domain(name)
    console = parsed(chosen).find("devices/console")
    tty = None if console is None else console.get("tty") or attribute(console, "source", "path")
    if not tty:
        raise NotFound("its console is no terminal of the host", object=chosen.name)
    tell(shell, chosen, {"tty": tty}, Text(tty))


COMMANDS = {one.name: one for one in (domdisplay, ttyconsole, vncdisplay)}
