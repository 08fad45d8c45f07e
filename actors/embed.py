"""A daemon inside somebody else's process: the same actors and wire, a socketpair in place of a listening socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future

from ..wire.paths import Paths
from .config import Config
from .connection.listener import Adopt
from .daemon import Daemon, loop_factory


class EmbeddedDaemon:
    """A daemon on a thread of its own. ``start_embedded`` makes one."""

    def __init__(self, paths: Paths | None, config: Config) -> None:
        self._daemon = Daemon(paths, config, listen=False)
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="virtactor-embedded", daemon=True)
        self._thread.start()
        self._started.result()

    def connect_socket(self) -> socket.socket:
        """A connected socket whose other end the daemon serves."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        theirs.setblocking(False)
        self._daemon.listener.tell(Adopt(theirs))
        return ours

    def stop(self) -> None:
        """Stop the daemon and its thread. Guests stay as they are."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            await self._daemon.start()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._stopping.wait()
        await self._daemon.stop()


def start_embedded(paths: Paths | None, config: Config | None = None) -> EmbeddedDaemon:
    """Start a daemon on these directories, or on none and with drivers in memory only.

    Raises what its start raises (ResourceBusy when another daemon has the directories).
    """
    return EmbeddedDaemon(paths, config or Config())
