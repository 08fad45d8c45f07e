"""Where a URI leads: which daemon, over what, and what that daemon is to open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..wire.errors import NotSupported
from ..wire.paths import Paths
from ..wire.uri import ConnectURI
from .transport import Dialer, UnixDialer

URI_VARIABLE = "VIRTACTOR_DEFAULT_URI"


@dataclass(frozen=True, slots=True)
class Address:
    """A daemon, and what to ask it for: ``opens`` is the URI that it is told."""

    uri: ConnectURI
    opens: str
    readonly: bool
    dialer: Dialer


def default_uri(environ: Mapping[str, str], uid: int) -> str:
    """The URI that is meant when none is given."""
    return environ.get(URI_VARIABLE) or ("qemu:///system" if uid == 0 else "qemu:///session")


def resolve(text: str | None, *, readonly: bool = False, root: Path | None = None) -> Address:
    """The address of a URI, see ``connect``. Raises InvalidArgument, and NotSupported for a transport we lack."""
    uid = os.geteuid()
    uri = ConnectURI.parse(text or default_uri(os.environ, uid))
    if root is None and "root" in uri.parameters:
        root = Path(uri.parameters["root"])
    if not uri.is_local:
        raise NotSupported(f"transport '{uri.transport or 'tls'}' of URI '{uri}'")
    return Address(uri, str(uri.without_transport()), readonly, _dialer(uri, readonly, root, uid))


def _dialer(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Dialer:
    if uri.path == "/embed" or (
        uri.driver == "test" and uri.transport is None and root is None and "socket" not in uri.parameters
    ):
        # Imported here: it brings the whole daemon.
        from .embedded import EmbeddedDialer

        return EmbeddedDialer(root)
    return UnixDialer(_socket_path(uri, readonly, root, uid))


def _socket_path(uri: ConnectURI, readonly: bool, root: Path | None, uid: int) -> Path:
    if "socket" in uri.parameters:
        return Path(uri.parameters["socket"])
    paths = _paths(uri, root, uid)
    return paths.readonly_socket if readonly else paths.socket


def _paths(uri: ConnectURI, root: Path | None, uid: int) -> Paths:
    if root is not None:
        return Paths.below(root)
    if uid == 0 or uri.path == "/system":
        return Paths.system()
    return Paths.session(os.environ, uid)
