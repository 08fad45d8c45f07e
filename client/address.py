"""Where a URI leads: which daemon, over what, and what that daemon is to open."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..wire.errors import InvalidArgument
from ..wire.lanes import LANES, MSGPACK, XDR, Lane
from ..wire.paths import Paths
from ..wire.uri import ConnectURI
from .transports import Dialer
from .transports.local import FirstDialer, UnixDialer

URI_VARIABLE = "VIRTACTOR_DEFAULT_URI"
LIBVIRT_RUNTIME = Path("/run/libvirt")

# What a URI's parameters say of the way; all others are for the daemon's driver.
WAY_PARAMETERS = frozenset(
    {
        "auth",
        "command",
        "keyfile",
        "known_hosts",
        "known_hosts_verify",
        "lane",
        "mode",
        "name",
        "netcat",
        "no_tty",
        "no_verify",
        "pkipath",
        "proxy",
        "root",
        "sanity",
        "socket",
        "sshauth",
        "tls_priority",
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """A daemon, and what to ask it for: ``opens`` is the URI that it is told.

    ``lane`` is the one that has to be spoken; None leaves that to what the dialer knows and the daemon answers.
    """

    uri: ConnectURI
    opens: str
    readonly: bool
    dialer: Dialer
    lane: Lane | None = None


def default_uri(environ: Mapping[str, str], uid: int) -> str:
    """The URI that is meant when none is given."""
    return environ.get(URI_VARIABLE) or ("qemu:///system" if uid == 0 else "qemu:///session")


def resolve(text: str | None, *, readonly: bool = False, root: Path | None = None, lane: str | None = None) -> Address:
    """The address of a URI, see ``connect``. Raises InvalidArgument."""
    uid = os.geteuid()
    uri = ConnectURI.parse(text or default_uri(os.environ, uid))
    if root is None and "root" in uri.parameters:
        root = Path(uri.parameters["root"])
    dialer = _dialer(uri, readonly, root, uid)
    return Address(uri, _opens(uri), readonly, dialer, _lane(lane or uri.parameters.get("lane")))


def _lane(name: str | None) -> Lane | None:
    if name is None:
        return None
    if name not in LANES:
        raise InvalidArgument(f"lane '{name}' is not one of {', '.join(LANES)}")
    return LANES[name]


def _opens(uri: ConnectURI) -> str:
    """What the daemon is told to open: the URI without the way there, or what its parameter ``name`` says."""
    if "name" in uri.parameters:
        return uri.parameters["name"]
    rest = {name: value for name, value in uri.parameters.items() if name not in WAY_PARAMETERS}
    return str(replace(uri.without_transport(), parameters=rest))


def _dialer(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    if uri.is_local and (
        uri.path == "/embed"
        or (uri.driver == "test" and uri.transport is None and root is None and "socket" not in uri.parameters)
    ):
        # Imported here: it brings the whole daemon.
        from .embedded import EmbeddedDialer

        return EmbeddedDialer(root)
    return _TRANSPORTS[uri.carrier](uri, readonly, root, uid)


def _unix(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    if uri.host is not None:
        raise InvalidArgument(f"URI '{uri}' names a host, and a unix socket is on this one")
    if "socket" in uri.parameters:
        path = Path(uri.parameters["socket"])
        return UnixDialer(path, _lane_at(path))
    if root is not None:
        return _ours(Paths.below(root), readonly)
    session = uri.path == "/session" if uid == 0 else uri.path != "/system"
    ours = Paths.session(os.environ, uid) if uid != 0 and session else Paths.system()
    libvirts = _libvirt_runtime(uid) if session else LIBVIRT_RUNTIME
    suffix = "-ro" if readonly and not session else ""
    # The one daemon for all, and the one of each driver where libvirt was split into those.
    names = (f"libvirt-sock{suffix}", f"virt{uri.driver}d-sock{suffix}")
    return FirstDialer([_ours(ours, readonly), *(UnixDialer(libvirts / name, XDR) for name in names)])


def _ours(paths: Paths, readonly: bool) -> UnixDialer:
    return UnixDialer(paths.readonly_socket if readonly else paths.socket, MSGPACK)


def _libvirt_runtime(uid: int) -> Path:
    """Where a user's own libvirtd has its sockets; it has none for reading only."""
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}") / "libvirt"


def _lane_at(path: Path) -> Lane | None:
    """What is spoken at a socket of that name, as far as the name tells: anybody may answer at libvirt's names."""
    return MSGPACK if path.name in ("virtactor.sock", "virtactor-ro.sock") else None


def _tcp(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    from .transports.tcp import TCPDialer

    return TCPDialer(_host(uri), uri.port)


def _tls(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    from .transports.tls import TLSDialer

    return TLSDialer.of(uri)


def _ssh(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    from .transports.ssh import ssh_dialer

    return ssh_dialer(uri, readonly)


def _ext(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    from .transports.process import ProcessDialer

    command = uri.parameters.get("command")
    if not command:
        raise InvalidArgument(f"URI '{uri}' names no command=, the program that the ext transport runs")
    return ProcessDialer([command])


def _host(uri: ConnectURI) -> str:
    return uri.host or "localhost"


_TRANSPORTS: Mapping[str, Callable[[ConnectURI, bool, Path | None, int], Dialer]] = {
    "unix": _unix,
    "tcp": _tcp,
    "tls": _tls,
    "ssh": _ssh,
    "ext": _ext,
}
