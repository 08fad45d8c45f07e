"""``virtactor-proxy``: joins its input and output to a daemon's socket on this host.

    virtactor-proxy [-r] [URI | SOCKET]

A client elsewhere runs it by ssh: ours by this name, libvirt's as ``virt-ssh-helper`` (a symbolic link to it is enough)
with the same arguments. The socket is virtactord's; where nobody listens there, libvirtd's. ``?socket=PATH`` and
``?root=DIR`` of the URI name another one, and so does a path in place of the URI.

It has to be there quickly, once for each connection: nothing is imported but what it takes to find a socket.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence

CHUNK = 65536
# What may wait for one side before the other is not read any more, in bytes.
WAITING_MAX = 1 << 20
USAGE = "usage: virtactor-proxy [-r] [URI | SOCKET]"


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Exit status 0 when the daemon or the client closed, 1 when nobody listens, 2 for wrong arguments."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    readonly = False
    while arguments and arguments[0] in ("-r", "--readonly"):
        readonly = bool(arguments.pop(0))
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print(USAGE, file=sys.stderr)
        return 2
    where = arguments[0] if arguments else "qemu:///system"
    tried = list(places(where, readonly, os.environ, os.geteuid()))
    sock, why = _connect(tried)
    if sock is None:
        print(f"virtactor-proxy: {why}", file=sys.stderr)
        return 1
    with sock:
        join(sock, sys.stdin.fileno(), sys.stdout.fileno())
    return 0


def places(where: str, readonly: bool, environ: Mapping[str, str], uid: int) -> Iterator[str]:
    """The sockets that may lead to what a URI means, or the path that is given in its place, in the order to try."""
    if where.startswith("/"):
        yield where
        return
    way, _, query = where.partition("?")
    scheme, _, rest = way.partition("://")
    parameters: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        parameters[name] = value
    if "socket" in parameters:
        yield _unquoted(parameters["socket"])
        return
    ro = "-ro" if readonly else ""
    if "root" in parameters:
        yield f"{_unquoted(parameters['root'])}/run/virtactor{ro}.sock"
        return
    session = rest.endswith("/session") if uid == 0 else not rest.endswith("/system")
    runtime = "/run"
    if session:
        runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    # As client/address.py looks: root's session is its system, and libvirt's sessions have no socket for reading only.
    yield f"{'/run' if uid == 0 else runtime}/virtactor/virtactor{ro}.sock"
    suffix = "" if session else ro
    yield f"{runtime}/libvirt/libvirt-sock{suffix}"
    yield f"{runtime}/libvirt/virt{scheme.partition('+')[0]}d-sock{suffix}"


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _connect(tried: Sequence[str]) -> tuple[socket.socket | None, str]:
    """A socket that is connected to the first place where somebody listens, or why there is none."""
    why = ""
    for path in tried:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _connect_to(sock, path)
        except OSError as error:
            sock.close()
            why = why or f"{path}: {error.strerror or error}"
            if not isinstance(error, FileNotFoundError | ConnectionRefusedError | NotADirectoryError):
                return None, f"{path}: {error.strerror or error}"
        else:
            return sock, ""
    return None, why


def _connect_to(sock: socket.socket, path: str) -> None:
    """Connect, by way of the directory's descriptor where the path is longer than an address."""
    if len(os.fsencode(path)) < 108:
        sock.connect(path)
        return
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    try:
        sock.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    finally:
        os.close(directory)


class _Flow:
    """Bytes on their way from one descriptor to another."""

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.waiting = bytearray()
        self.at_end = False
        self.over = False

    def read(self) -> None:
        try:
            data = os.read(self.source, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # Whoever was there has gone without a word.
            data = b""
        self.at_end = not data
        self.waiting += data

    def write(self) -> None:
        try:
            del self.waiting[: os.write(self.target, self.waiting)]
        except BlockingIOError:
            return
        except OSError:
            self.waiting.clear()
            self.at_end = self.over = True


def join(sock: socket.socket, source: int, target: int) -> None:
    """Carry bytes both ways until the socket is at its end, or the target takes no more.

    The end of the input is told to the socket, whose owner then closes it.
    """
    flags = {descriptor: os.get_blocking(descriptor) for descriptor in (source, target)}
    for descriptor in (*flags, sock.fileno()):
        os.set_blocking(descriptor, False)
    there, back = _Flow(source, sock.fileno()), _Flow(sock.fileno(), target)
    try:
        while not back.over:
            _wait(there, back)
            if there.at_end and not there.waiting and not there.over:
                there.over = True
                _shut_down(sock)
            if back.at_end and not back.waiting:
                back.over = True
    finally:
        # They may be shared with others, such as the terminal or ssh's server.
        for descriptor, blocking in flags.items():
            os.set_blocking(descriptor, blocking)


def _wait(*flows: _Flow) -> None:
    """Wait until one of the flows can go on, and let it."""
    wanted: dict[int, int] = {}
    for flow in flows:
        if not flow.at_end and len(flow.waiting) < WAITING_MAX:
            wanted[flow.source] = wanted.get(flow.source, 0) | select.POLLIN
        if flow.waiting:
            wanted[flow.target] = wanted.get(flow.target, 0) | select.POLLOUT
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    found = dict(poll.poll())
    for flow in flows:
        if found.get(flow.source, 0) & ~select.POLLOUT and wanted[flow.source] & select.POLLIN:
            flow.read()
        if flow.waiting:
            flow.write()


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
