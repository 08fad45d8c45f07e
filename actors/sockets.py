"""The daemon's listening sockets: made at their paths, or passed by its starter (systemd's socket activation)."""

from __future__ import annotations

import errno
import grp
import logging
import os
import socket
import stat
from collections.abc import MutableMapping
from pathlib import Path

from ..wire.errors import ResourceBusy, SystemFailure
from .unix_sockets import connect_unix, listen_unix

logger = logging.getLogger("virtactor.daemon")

BACKLOG = 1024
_FIRST_PASSED = 3


def listen_at(path: Path, mode: int, group: str = "") -> socket.socket:
    """A listening unix socket at ``path``, however long that is, taking the place of a dead one.

    Raises ResourceBusy when somebody answers there, SystemFailure when it cannot be made.
    """
    _refuse_living(path)
    # Nobody but its owner may connect before the group is right.
    sock = listen_unix(path, mode=0o600 if group else mode, backlog=BACKLOG)
    try:
        if group:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
            os.chmod(path, mode)
    except KeyError:
        _give_up(sock, path)
        raise SystemFailure(f"cannot listen at {path}: there is no group '{group}'") from None
    except OSError as error:
        _give_up(sock, path)
        raise SystemFailure(f"cannot listen at {path}: {error.strerror}", errno=error.errno) from error
    return sock


def listen_tcp(address: str, port: int) -> socket.socket:
    """A listening TCP socket; without an address for all of the host's, IPv6 and IPv4. Raises SystemFailure."""
    where = f"{address or 'all addresses'}, port {port}"
    both = not address and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in address else socket.AF_INET
    try:
        # A name is given the first address that it has.
        (family, *_, place), *_ = socket.getaddrinfo(
            address or None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sock = socket.create_server(place, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:  # What getaddrinfo raises is one too.
        raise SystemFailure(f"cannot listen at {where}: {error.strerror or error}", errno=error.errno) from error
    sock.setblocking(False)
    return sock


def _give_up(sock: socket.socket, path: Path) -> None:
    sock.close()
    path.unlink(missing_ok=True)


def _refuse_living(path: Path) -> None:
    """Raise when what is at ``path`` is not a socket that nobody listens at."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise SystemFailure(f"cannot listen at {path}: something that is no socket is there")
    try:
        connect_unix(path).close()
    except SystemFailure as error:
        if error.errno != errno.EAGAIN:  # EAGAIN: more clients wait there than its backlog takes.
            return
    raise ResourceBusy(f"another daemon answers at {path}")


def passed_sockets(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """The listening sockets that were passed to this process, removed from the environment (sd_listen_fds(3)).

    Raises SystemFailure for descriptors that are not sockets.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    try:
        sockets = [socket.socket(fileno=fd) for fd in range(_FIRST_PASSED, _FIRST_PASSED + int(count))]
    except OSError as error:
        raise SystemFailure(f"LISTEN_FDS={count}: not all of these are sockets", errno=error.errno) from error
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
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(state.encode(), address)
    except OSError as error:
        logger.warning("cannot tell %s at %s: %s", state.partition("\n")[0], environ["NOTIFY_SOCKET"], error.strerror)
