"""The daemon: starts and stops everything, in named pairs, and stops in reverse.

``virtactord`` runs one in the foreground; embed.py runs one on a thread of somebody else's process. A daemon is a
value: two in one process know nothing of each other. Stopping touches no guest: running ones are adopted by the next
daemon on the same root.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pykka
from pykka import messages

from ..wire.errors import ResourceBusy, SystemFailure, VirtError
from ..wire.paths import Paths
from . import logs, sockets
from .committer import recover, settle
from .config import Config, default_file
from .connection.listener import Listener
from .drivers.registry import Services, driver_kinds
from .journal import Journal
from .listening import Listening, listen
from .router import Router
from .runtime import Runtime
from .store import Store

logger = logging.getLogger("virtactor.daemon")

# A transport says that it is closed in the turn after the one in which it was told to; then its actors say so.
CLOSE_TURNS = 3
STOP_TURNS = 1000
FINISH_SECONDS = 5.0
DESCRIPTORS = 65536


@dataclass
class Daemon:
    """One daemon. ``listen`` False serves only the clients whose sockets it is handed (embedded).

    Without ``paths`` it keeps nothing, and has only drivers that live in memory.
    """

    paths: Paths | None
    config: Config = field(default_factory=Config)
    listen: bool = True
    passed: Sequence[socket.socket] = ()

    def __post_init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._lock = -1

    async def start(self) -> None:
        """Start all parts, in order. When one fails, those before it are stopped again and its error is raised."""
        stages: tuple[tuple[str, Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]], ...] = (
            ("directories", self._take_directories, self._release_directories),
            ("runtime", self._start_runtime, self._check_for_leaks),
            ("store", self._start_store, self._stop_store),
            ("drivers", self._start_drivers, self._stop_drivers),
            ("listener", self._start_listener, self._stop_listener),
        )
        try:
            for name, start, stop in stages:
                logger.debug("starting %s", name)
                await start()
                self._stack.push_async_callback(self._stop_stage, name, stop)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what runs, in reverse. Guests stay as they are."""
        await self._stack.aclose()

    async def _stop_stage(self, name: str, stop: Callable[[], Awaitable[None]]) -> None:
        logger.debug("stopping %s", name)
        try:
            await stop()
        except Exception:
            logger.exception("stopping %s failed", name)

    # -- directories ---------------------------------------------------------------------------------------------------

    async def _take_directories(self) -> None:
        if self.paths is None:
            return
        try:
            for directory in self.paths.all():
                directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(self.paths.runtime / "virtactord.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SystemFailure(f"cannot use {error.filename}: {error.strerror}", errno=error.errno) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            os.close(self._lock)
            raise ResourceBusy(
                f"another virtactord (pid {holder or 'unknown'}) runs on {self.paths.runtime}",
                holder=f"pid {holder}",
                hint="stop it, or give this one another --root",
            ) from None
        # The lock is what counts; whose it is can go unsaid on a full disk.
        with contextlib.suppress(OSError):
            os.pwrite(self._lock, f"{os.getpid():<20}".encode(), 0)

    async def _release_directories(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)

    # -- actors --------------------------------------------------------------------------------------------------------

    async def _start_runtime(self) -> None:
        self.runtime = Runtime(asyncio.get_running_loop())

    async def _check_for_leaks(self) -> None:
        await self._settle()
        for task in await self.runtime.finish(FINISH_SECONDS):
            logger.error("still at work after the stop: %s", task.get_name())
        for actor in self.runtime.actors:
            logger.error("still there after the stop: %s", getattr(actor, "label", actor))

    async def _start_store(self) -> None:
        self.store = None
        if self.paths is not None:
            self._journal = Journal(self.paths.state / "journal")
            await self.runtime.in_thread(recover, self._journal)
            self.store = Store.start(self.runtime, self._journal)

    async def _stop_store(self) -> None:
        if self.store is not None:
            await self._stop_actor(self.store)
            await self.runtime.in_thread(settle, self._journal)
            self._journal.close()

    async def _start_drivers(self) -> None:
        kinds, self._lasting = await driver_kinds(Services(self.runtime, self.config, self.paths, self.store))
        self.router = Router.start(self.runtime, kinds)

    async def _stop_drivers(self) -> None:
        for handle in self._lasting:
            for part in handle.parts.values():
                await self._stop_actor(part.ref)
        await self._stop_actor(self.router)
        await self._settle()
        # What was cancelled cleans up after itself, and may need the store for it.
        await self.runtime.finish(FINISH_SECONDS)

    # -- clients -------------------------------------------------------------------------------------------------------

    async def _start_listener(self) -> None:
        self.listening = self._listen() if self.listen else []
        self.listener = Listener.start(self.runtime, self.router, self.config)
        for one in self.listening:
            self.listener.tell(one)
        await self._settle()

    def _listen(self) -> list[Listening]:
        assert self.paths is not None, "a daemon that listens has directories"
        return listen(self.config, self.paths, self.passed)

    async def _stop_listener(self) -> None:
        await self._stop_actor(self.listener)
        await self._settle()
        for one in self.listening:
            one.close()

    async def _stop_actor(self, ref: pykka.ActorRef[Any]) -> None:
        if ref.is_alive():
            await ref.ask(messages._ActorStop(), block=False)

    async def _settle(self) -> None:
        """Let all mail be handled that is under way, and the transports close."""
        for turn in range(STOP_TURNS):
            await asyncio.sleep(0)
            self.runtime.run_ready()
            if turn >= CLOSE_TURNS and self.runtime.idle:
                return


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's event loop where it is installed (the extra `uvloop`), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def run(daemon: Daemon, environ: MutableMapping[str, str]) -> None:
    """Run a daemon until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await daemon.start()
    try:
        # What is there now stays: it need not be looked at by every full collection of garbage.
        gc.collect()
        gc.freeze()
        logger.info("ready")
        sockets.notify(environ, f"READY=1\nMAINPID={os.getpid()}")
        await stopping.wait()
        logger.info("stopping; guests go on")
        sockets.notify(environ, "STOPPING=1")
    finally:
        await daemon.stop()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="virtactord", description="A virtualization daemon made of actors.")
    parser.add_argument("--root", type=Path, metavar="DIR", help="keep everything below DIR")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: virtactord.toml beside the definitions)"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print the commented default configuration and exit"
    )
    parser.add_argument("--version", action="version", version=f"virtactord {metadata.version('virtactor')}")
    return parser.parse_args(argv)


def allow_many_descriptors() -> None:
    """Raise the soft limit of open files: each client takes one, each running guest a few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def find_paths(root: Path | None) -> Paths:
    """The directories of a daemon that runs as the current user, or below a root of its own."""
    if root is not None:
        return Paths.below(root.absolute())
    return Paths.system() if os.geteuid() == 0 else Paths.session(os.environ, os.geteuid())


def find_config(paths: Paths, given: Path | None) -> Config:
    """The configuration from a named file, else from the default place if there is one. Raises VirtError."""
    path = given or paths.config / "virtactord.toml"
    if given is None and not path.exists():
        return Config()
    try:
        return Config.load(path)
    except OSError as error:
        raise SystemFailure(f"cannot read {path}: {error.strerror}", errno=error.errno) from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command `virtactord`. Exit status 0 after a stop by signal, 1 when it could not start."""
    arguments = _arguments(argv)
    if arguments.print_config:
        sys.stdout.write(default_file())
        return 0
    try:
        paths = find_paths(arguments.root)
        config = find_config(paths, arguments.config)
        logs.configure(config.log)
        allow_many_descriptors()
        daemon = Daemon(paths, config, passed=sockets.passed_sockets(os.environ))
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run(daemon, os.environ))
    except VirtError as error:
        hint = f" ({error.hint})" if error.hint else ""
        print(f"virtactord: {error}{hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
