"""The host's side of whatever talks in characters: -chardev, for serial ports, channels, smartcards, egd and redirdevs.

QEMU makes the terminals of type pty itself; `query-chardev` tells their paths. What is said of one type and means
nothing to another is refused. QEMU 7.2 takes no JSON here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from .....wire.documents.domain import CharacterDevice, RedirectedDevice, Rng, Smartcard
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board
from .syntax import Value, key_values

LISTENING = ("bind", "server")
# What QEMU names the channels to a SPICE client by what uses them.
SPICE_NAMES = {"channel": "vdagent", "redirdev": "usbredir", "smartcard": "smartcard"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEnd:
    """Where characters come from and go to; see wire's `CharacterDevice` for what belongs to which ``type``.

    ``name`` is what the device is called in errors, ``use`` its family; ``opened`` is what the start has opened for it.
    """

    name: str
    use: str
    type: str
    mode: str | None = None
    path: str | None = None
    append: bool | None = None
    channel: str | None = None
    host: str | None = None
    service: str | None = None
    second_mode: str | None = None
    second_host: str | None = None
    second_service: str | None = None
    protocol: str | None = None
    tls: bool | None = None
    reconnect: bool | None = None
    reconnect_timeout: int | None = None
    clipboard: bool | None = None
    mouse: str | None = None
    log_file: str | None = None
    log_append: bool | None = None
    opened: Path | int | None = None


def host_side(end: HostEnd, id: str, board: Board) -> list[str]:
    """The -chardev of that id. Raises UnsupportedConfig for a type that QEMU does not have, and for what does not
    belong to the type."""
    kind = _KINDS.get(end.type)
    if kind is None:
        raise UnsupportedConfig(f"{end.name}: type {end.type!r}")
    _check(end, kind.fields)
    settings = kind.settings(end)
    if kind.needs == _SPICE and not any(each.type == "spice" for each in board.definition.devices.graphics):
        raise UnsupportedConfig(f"chardev '{end.type}' not supported without spice graphics")
    if kind.needs is not None and not board.capabilities.has_option(*kind.needs):
        raise UnsupportedConfig(f"{end.name}: {board.capabilities.binary} has no chardev {kind.backend!r}")
    backend = "parallel" if end.use == "parallel" and end.type == "dev" else kind.backend
    return ["-chardev", key_values(backend, id=id, **settings, **_log(end))]


def end_of(device: CharacterDevice, board: Board) -> HostEnd:
    """The host's side of a serial or parallel port, a console or a channel."""
    return HostEnd(
        name=label(device),
        use=type(device).__name__.lower(),
        type=device.type,
        mode=device.source_mode,
        path=device.source_path,
        append=device.source_append,
        channel=device.source_channel,
        host=device.source_host,
        service=device.source_service,
        second_mode=device.second_mode,
        second_host=device.second_host,
        second_service=device.second_service,
        protocol=device.protocol,
        tls=device.source_tls,
        reconnect=device.reconnect,
        reconnect_timeout=device.reconnect_timeout,
        clipboard=device.clipboard,
        mouse=device.mouse,
        log_file=device.log_file,
        log_append=device.log_append,
        opened=board.resources.sockets.get(device.alias or ""),
    )


def lent_end(device: Smartcard | RedirectedDevice) -> HostEnd:
    """Where what a viewer lends comes in."""
    return HostEnd(
        name=label(device),
        use=type(device).__name__.lower().replace("redirecteddevice", "redirdev"),
        type=device.type or "spicevmc",
        mode=device.source_mode,
        path=device.source_path,
        host=device.source_host,
        service=device.source_service,
        protocol=device.protocol,
    )


def server_end(rng: Rng) -> HostEnd:
    """Where a server of randomness is. Raises UnsupportedConfig unless one end of it is told."""
    if len(rng.servers) != 1:
        raise UnsupportedConfig(f"{label(rng)}: backend egd with {len(rng.servers)} sources, expected one")
    (server,) = rng.servers
    return HostEnd(
        name=label(rng),
        use="rng",
        type=rng.server_type or "",
        mode=server.mode,
        path=server.path,
        host=server.host,
        service=server.service,
        protocol=rng.server_protocol,
    )


# --- types


@dataclass(frozen=True, slots=True)
class _Kind:
    """One type: QEMU's backend, what may be said of it, what is made of that; ``needs`` is an option and a parameter
    of QEMU's that show that it has it."""

    backend: str
    fields: frozenset[str]
    settings: Callable[[HostEnd], dict[str, Value]]
    needs: tuple[str, str] | None = None


def _nothing(end: HostEnd) -> dict[str, Value]:
    return {}


def _path(end: HostEnd) -> dict[str, Value]:
    if end.path is None:
        raise UnsupportedConfig(f"{end.name}: type {end.type!r} without a path")
    return {"path": end.path}


def _file(end: HostEnd) -> dict[str, Value]:
    return {**_path(end), "append": end.append}


def _unix(end: HostEnd) -> dict[str, Value]:
    """A unix socket: what was opened for it, else at its own path."""
    if end.opened is not None and (end.reconnect is not None or end.reconnect_timeout is not None):
        raise UnsupportedConfig(f"{end.name}: the daemon listens here, nobody reconnects")
    if isinstance(end.opened, int):
        return {"fd": end.opened, "server": True, "wait": False}
    listens = end.mode in LISTENING or end.opened is not None
    path = _path(end)["path"] if end.opened is None else str(end.opened)
    return {"path": path, **_server(end, listens)}


def _server(end: HostEnd, listens: bool) -> dict[str, Value]:
    if listens:
        if end.reconnect is not None or end.reconnect_timeout is not None:
            raise UnsupportedConfig(f"{end.name}: only who connects reconnects", hint="mode='connect'")
        return {"server": True, "wait": False}
    if end.reconnect_timeout is not None and not end.reconnect:
        raise UnsupportedConfig(f"{end.name}: a timeout without reconnect enabled='yes'")
    if end.reconnect and end.reconnect_timeout is None:
        raise UnsupportedConfig(f"{end.name}: reconnect without a timeout")
    return {"reconnect": 0 if end.reconnect is False else end.reconnect_timeout}


def _tcp(end: HostEnd) -> dict[str, Value]:
    if end.service is None or (end.host is None and end.mode not in LISTENING):
        raise UnsupportedConfig(f"{end.name}: type 'tcp' without host and service")
    if end.tls or end.protocol not in (None, "raw", "telnet"):
        raise UnsupportedConfig(f"{end.name}: an encrypted connection")
    telnet = True if end.protocol == "telnet" else None
    return {
        "host": end.host or "",
        "port": end.service,
        "telnet": telnet,
        **_server(end, end.mode in LISTENING),
    }


def _udp(end: HostEnd) -> dict[str, Value]:
    """Where it sends to, and where it listens, in whatever order that is said."""
    said = [(end.mode, end.host, end.service), (end.second_mode, end.second_host, end.second_service)]
    remote = [(host, service) for mode, host, service in said if mode != "bind" and service is not None]
    local = [(host, service) for mode, host, service in said if mode == "bind"]
    if len(remote) != 1 or len(local) > 1 or (end.second_mode is None and (end.second_host or end.second_service)):
        raise UnsupportedConfig(f"{end.name}: type 'udp' has an end that it sends to", hint="mode='connect'")
    here = {"localaddr": local[0][0] or "", "localport": local[0][1] or "0"} if local else {}
    return {"host": remote[0][0] or "", "port": remote[0][1], **here}


def _named(end: HostEnd) -> dict[str, Value]:
    if end.channel is None:
        raise UnsupportedConfig(f"{end.name}: type {end.type!r} without a channel")
    return {"name": end.channel}


def _spice(end: HostEnd) -> dict[str, Value]:
    name = SPICE_NAMES.get(end.use)
    if name is None:
        raise UnsupportedConfig(f"{end.name}: type 'spicevmc' of a {end.use}")
    return {"name": name}


def _agent(end: HostEnd) -> dict[str, Value]:
    if end.use != "channel":
        raise UnsupportedConfig(f"{end.name}: type 'qemu-vdagent' of a {end.use}")
    # The client's pointer is what the agent is for; the server's is the display's own.
    mouse = None if end.mouse is None else end.mouse == "client"
    return {"name": "vdagent", "clipboard": end.clipboard, "mouse": mouse}


_SPICE = ("spice", "port")
_END = ("mode", "host", "service")
_NET = {"mode", "host", "service", "protocol", "tls", "reconnect", "reconnect_timeout"}
_KINDS = {
    "null": _Kind("null", frozenset(), _nothing),
    "pty": _Kind("pty", frozenset({"path"}), _nothing),
    "vc": _Kind("vc", frozenset(), _nothing),
    "stdio": _Kind("stdio", frozenset(), _nothing),
    "file": _Kind("file", frozenset({"path", "append"}), _file),
    "pipe": _Kind("pipe", frozenset({"path"}), _path),
    "dev": _Kind("serial", frozenset({"path"}), _path),
    "unix": _Kind("socket", frozenset({"mode", "path", "reconnect", "reconnect_timeout"}), _unix),
    "tcp": _Kind("socket", frozenset(_NET), _tcp),
    "udp": _Kind("udp", frozenset({*_END, "second_mode", "second_host", "second_service"}), _udp),
    "spicevmc": _Kind("spicevmc", frozenset(), _spice, needs=_SPICE),
    "spiceport": _Kind("spiceport", frozenset({"channel"}), _named, needs=_SPICE),
    "dbus": _Kind("dbus", frozenset({"channel"}), _named),
    "qemu-vdagent": _Kind("qemu-vdagent", frozenset({"clipboard", "mouse"}), _agent, needs=("chardev", "clipboard")),
}
_COMMON = frozenset({"name", "use", "type", "log_file", "log_append", "opened"})


def _check(end: HostEnd, known: frozenset[str]) -> None:
    for field in fields(end):
        if field.name not in known | _COMMON and getattr(end, field.name) is not None:
            raise UnsupportedConfig(f"{end.name}: {field.name.replace('_', ' ')} with type {end.type!r}")


def _log(end: HostEnd) -> dict[str, Value]:
    """A copy of what the guest says, beside where it goes."""
    if end.log_file is None and end.log_append is not None:
        raise UnsupportedConfig(f"{end.name}: log append without a file")
    return {"logfile": end.log_file, "logappend": end.log_append} if end.log_file is not None else {}
