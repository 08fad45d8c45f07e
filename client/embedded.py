"""The daemon inside this process: the one place where the client meets the actors.

There is one daemon for each root in a process, shared by all connections to it and stopped with the last. It is reached
over a socketpair: the same session, the same packets, the same checks as over a socket file.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from ..actors.embed import EmbeddedDaemon, start_embedded
from ..wire.lanes import MSGPACK
from ..wire.paths import Paths
from .transports.local import SocketLink


@dataclass(slots=True)
class _Shared:
    daemon: EmbeddedDaemon
    users: int = 0


_daemons: dict[Path | None, _Shared] = {}
_lock = threading.Lock()


class EmbeddedDialer:
    """Dials the process's own daemon below ``root`` (None: one that keeps nothing), starting it where need be."""

    keepalive = False
    lane = MSGPACK

    def __init__(self, root: Path | None) -> None:
        self._root = None if root is None else root.resolve()
        self._shared: _Shared | None = None

    def dial(self) -> SocketLink:
        with _lock:
            if self._shared is None:
                self._shared = self._share()
            return SocketLink(self._shared.daemon.connect_socket())

    def release(self) -> None:
        with _lock:
            shared, self._shared = self._shared, None
            if shared is None:
                return
            shared.users -= 1
            if not shared.users:
                del _daemons[self._root]
                shared.daemon.stop()

    def _share(self) -> _Shared:
        shared = _daemons.get(self._root)
        if shared is None:
            paths = None if self._root is None else Paths.below(self._root)
            shared = _daemons[self._root] = _Shared(start_embedded(paths))
        shared.users += 1
        return shared
