"""Unix sockets at paths of any length.

A socket address holds 107 bytes of path; a daemon below ``--root DIR`` easily exceeds that. The directory is opened and
the address becomes ``/proc/self/fd/N/NAME``, which the kernel resolves to the same file, so only the last component is
limited.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..wire.errors import InvalidArgument, SystemFailure

ADDRESS_MAX = 107


def listen_unix(path: str | os.PathLike[str], *, mode: int = 0o600, backlog: int = 8) -> socket.socket:
    """A non-blocking socket that listens at ``path`` with that file mode; what lay there before is replaced.

    The mode is set before the file appears, so nobody can connect in between. Raises SystemFailure, and InvalidArgument
    for a last component that is too long for an address.
    """
    path = Path(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address_of(path) as address:
            with suppress(FileNotFoundError):
                os.unlink(path)
            # bind gives the file the socket's own mode, less the umask; chmod afterwards adds what the umask took.
            os.fchmod(listener.fileno(), mode)
            listener.bind(address)
            os.chmod(path, mode)
            listener.listen(backlog)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _failure("listen at", path, error) from error
    except BaseException:
        listener.close()
        raise
    return listener


def connect_unix(path: str | os.PathLike[str]) -> socket.socket:
    """A connected, non-blocking socket to the one that listens at ``path``; never waits. Raises SystemFailure."""
    path = Path(path)
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.setblocking(False)
    try:
        with address_of(path) as address:
            peer.connect(address)
    except OSError as error:
        peer.close()
        raise _failure("connect to", path, error) from error
    except BaseException:
        peer.close()
        raise
    return peer


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """An address for bind and connect that means ``path``, valid within the block. Raises InvalidArgument, OSError."""
    if len(os.fsencode(path)) <= ADDRESS_MAX:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        address = f"/proc/self/fd/{directory}/{path.name}"
        if len(os.fsencode(address)) > ADDRESS_MAX:
            raise InvalidArgument(f"the socket's name {path.name} is longer than an address can hold")
        yield address
    finally:
        os.close(directory)


def _failure(action: str, path: Path, error: OSError) -> SystemFailure:
    return SystemFailure(f"cannot {action} {path}: {error.strerror}", errno=error.errno)
