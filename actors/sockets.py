"""The daemon's listening sockets: made at their paths, or passed by its starter (systemd's socket activation)."""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import MutableMapping
from pathlib import Path

from ..wire.errors import ResourceBusy, SystemFailure

BACKLOG = 1024
_FIRST_PASSED = 3


def listen_at(path: Path, mode: int, group: str = "") -> socket.socket:
    """A listening unix socket at ``path``, taking the place of a dead one.

    Raises ResourceBusy when somebody answers there, SystemFailure when it cannot be made.
    """
    _remove_dead_socket(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Nobody may connect before the permissions are right.
        before = os.umask(0o777)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        if group:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
        os.chmod(path, mode)
        sock.listen(BACKLOG)
    except (OSError, KeyError) as error:
        sock.close()
        raise SystemFailure(f"cannot listen at {path}: {error}", errno=getattr(error, "errno", None)) from error
    sock.setblocking(False)
    return sock


def _remove_dead_socket(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise SystemFailure(f"cannot listen at {path}: something that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise ResourceBusy(f"another daemon answers at {path}")


def passed_sockets(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """The listening sockets that were passed to this process, removed from the environment (sd_listen_fds(3))."""
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    sockets = [socket.socket(fileno=fd) for fd in range(_FIRST_PASSED, _FIRST_PASSED + int(count))]
    for sock in sockets:
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
    return sockets


def notify(environ: MutableMapping[str, str], state: str) -> None:
    """Tell the service manager, when it asked to be told (sd_notify(3)): ``READY=1``, ``STOPPING=1``."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
