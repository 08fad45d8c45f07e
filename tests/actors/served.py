"""A daemon on a thread of the test's process, its loop watched, and a driver whose domains take their time."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pykka
from virtactor.actors.call import Call
from virtactor.actors.config import Config
from virtactor.actors.connection.connection import Connection
from virtactor.actors.connection.listener import Adopt
from virtactor.actors.connection.streams import DescriptorStream, StreamClosed
from virtactor.actors.daemon import Daemon
from virtactor.actors.drivers.test.domain import TestDomain
from virtactor.actors.drivers.test.driver import TestDriver
from virtactor.actors.drivers.test.node import InitialNode
from virtactor.actors.router import DriverKind
from virtactor.actors.runtime import Runtime
from virtactor.wire.documents.domain import DomainDefinition
from virtactor.wire.lanes import MSGPACK, Lane
from virtactor.wire.paths import Paths
from virtactor.wire.table import DomainRef

from ..raw_client import RawClient
from ..waiting import PATIENCE, wait_until
from .loops import WatchedLoop, no_complaints

__all__ = ["PATIENCE", "wait_until"]

T = TypeVar("T")

NEVER = 1000.0  # seconds between two pings, where the test itself lets that time pass


class SlowDomain(TestDomain):
    """A domain of the test driver whose boot, pause and memory wait for the test, and with a console."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open = asyncio.Event()
        self.began = threading.Event()
        self.console: socket.socket | None = None
        self.streams_closed = 0

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        self.began.set()
        await self.open.wait()
        return live

    async def pause(self, call: Call) -> None:
        self.began.set()
        await self.open.wait()

    async def domain_get_info(self, call: Call, dom: DomainRef) -> tuple[int, int, int, int, int]:  # type: ignore[override]
        await self.open.wait()
        return super().domain_get_info(call, dom)

    def domain_open_console(self, call: Call, dom: DomainRef, dev_name: str | None, flags: int) -> tuple[Any]:
        ours, theirs = socket.socketpair()
        self.console = theirs
        return (DescriptorStream.start(self.runtime, ours.detach(), self.actor_ref, dev_name or "console"),)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, StreamClosed):
            self.streams_closed += 1
            return None
        return super().on_message(message)


class SlowDriver(TestDriver):
    name = "slow"

    def make_domain(self, name: str, uuid: bytes) -> pykka.ActorRef[Any]:
        return SlowDomain.start(self.runtime, self.surroundings(), name, uuid)

    def connect_get_hostname(self, call: Call) -> tuple[str]:
        return ("x" * 20_000,)


def slow_kind(runtime: Runtime) -> DriverKind:
    return DriverKind(lambda uri: uri.path, lambda uri: SlowDriver.open(runtime, 100, InitialNode()), lasting=False)


class _Daemon(Daemon):
    """A daemon that also has the slow driver, as ``slow:///``."""

    async def _start_drivers(self) -> None:
        await super()._start_drivers()
        router: Any = self.router._actor_weakref()
        router._kinds["slow"] = slow_kind(self.runtime)


class Served:
    """The daemon. ``stop`` fails the test for slow callbacks, lost exceptions, and actors or descriptors left."""

    def __init__(self, root: Path | None = None, config: Config | None = None) -> None:
        self.paths = Paths.below(root) if root is not None else None
        self.daemon = _Daemon(self.paths, config or Config(), listen=root is not None)
        self._descriptors = len(os.listdir("/proc/self/fd"))
        self._complaints = no_complaints()
        self._complaints.__enter__()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="served")
        self._thread.start()
        self._started.result(PATIENCE)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=WatchedLoop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            await self.daemon.start()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._stopping.wait()
        await self.daemon.stop()
        self.left = [actor.label for actor in self.daemon.runtime.actors]

    def begin_stop(self) -> None:
        """Tell the daemon to stop."""
        with suppress(RuntimeError):  # The loop is closed: it has stopped already.
            self.loop.call_soon_threadsafe(self._stopping.set)

    def stop(self) -> None:
        """Stop the daemon, and look at what it leaves."""
        self.begin_stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self.left == []
        self._complaints.__exit__(None, None, None)

    # -- clients -------------------------------------------------------------------------------------------------------

    def connect(self, lane: Lane = MSGPACK) -> RawClient:
        """A client over a socketpair, as embedded daemons have them."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.daemon.listener.tell(Adopt(theirs))
        return RawClient(ours, lane)

    def opened(self, uri: str = "test:///default", flags: int = 0, lane: Lane = MSGPACK) -> RawClient:
        client = self.connect(lane)
        client.open(uri, flags)
        return client

    @property
    def libvirt_uri(self) -> str:
        """How clients of libvirt's reach the test driver of a daemon that listens."""
        assert self.paths is not None
        return f"test+unix:///default?socket={self.paths.socket}"

    # -- inside --------------------------------------------------------------------------------------------------------

    def run(self, function: Callable[[], T]) -> T:
        """Call something on the loop's thread, when all mail is handled."""
        future: Future[T] = Future()

        def call() -> None:
            if not self.daemon.runtime.idle:
                self.loop.call_soon(call)
                return
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        self.loop.call_soon_threadsafe(call)
        return future.result(PATIENCE)

    def actors(self, kind: type[Any] = Connection) -> list[Any]:
        return self.run(lambda: [actor for actor in self.daemon.runtime.actors if isinstance(actor, kind)])

    def pass_intervals(self, count: int) -> None:
        """Let the time between two pings of the one client pass so many times."""
        (connection,) = self.actors()
        for _ in range(count):
            self.run(connection._keepalive._tick)

    def has_heard(self) -> bool:
        """Whether the one client has said anything in the interval."""
        (connection,) = self.actors()
        return self.run(lambda: connection._keepalive._heard)

    def domain(self, name: str) -> SlowDomain:
        (found,) = [domain for domain in self.actors(SlowDomain) if domain.name == name]
        return found

    def let_go(self, name: str) -> None:
        """Let everything that waits in a slow domain go on."""
        self.loop.call_soon_threadsafe(self.domain(name).open.set)
