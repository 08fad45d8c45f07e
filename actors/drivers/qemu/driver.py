"""The qemu driver: the domains of one daemon, loaded from their files, running guests adopted.

It is started with the daemon and lasts as long. Starting it takes up what the last one left: definitions from their
files (a damaged one is set aside and named in the log), guests that still run, and guests that have ended meanwhile,
whose end is told now. A QEMU of ours that no file speaks of was being started when its daemon died: nobody was told
that it runs, and it is ended.
"""

from __future__ import annotations

import itertools
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pykka

from ....wire.documents.domain import DomainDefinition, parse_domain
from ....wire.errors import VirtError
from ....wire.paths import Paths
from ...call import Call
from ...config import Config
from ...events import EventLog
from ...runtime import Runtime
from ...store import Store, sweep
from ..directory import Directory
from ..domain import internal_call
from ..domain_driver import DomainDriver
from ..handle import DriverHandle
from .domain import Load, QemuDomain
from .emulators import Emulators
from .files import QemuFiles
from .process import Identity, boot_id
from .status import Status, parse_status
from .surroundings import QemuSurroundings

logger = logging.getLogger("virtactor.qemu")

T = TypeVar("T")


class QemuDriver(DomainDriver):
    """Domains that are QEMU processes."""

    name = "qemu"
    domain_types = frozenset({"qemu", "kvm"})

    def __init__(
        self,
        runtime: Runtime,
        directory: Directory,
        events: pykka.ActorRef[EventLog],
        files: QemuFiles,
        store: pykka.ActorRef[Store],
        config: Config,
        emulators: Emulators,
    ) -> None:
        super().__init__(runtime, directory, events)
        self._files = files
        self._store = store
        self._config = config.qemu
        self._emulators = emulators

    def on_start(self) -> None:
        statuses = self._load_statuses()
        definitions = self._load_definitions()
        self._end_unknown_processes({status.process.pid for status in statuses.values()})
        self.ids = itertools.count(1 + max((status.domain.id or 0 for status in statuses.values()), default=0))
        for key in definitions.keys() | statuses.keys():
            self._load(definitions.get(key), statuses.get(key))
        self.spawn(self._probe_early(), name="probe the emulator")
        if self._config.autostart:
            self._autostart()

    async def _probe_early(self) -> None:
        """Have the default emulator's capabilities at hand before the first call needs them."""
        try:
            await self._emulators.capabilities(None, None)
        except VirtError as error:
            logger.warning("%s", error)

    def _load(self, persistent: DomainDefinition | None, status: Status | None) -> None:
        definition = persistent or (status.domain if status is not None else None)
        assert definition is not None
        try:
            entry = self.admit(definition)
        except VirtError as error:
            logger.error("domain %s is left out: %s", definition.name, error)
            return
        autostart = self._files.autostart_link(definition.name).is_symlink()
        entry.ref.tell(Load(persistent, autostart, status))

    def _load_definitions(self) -> dict[str | None, DomainDefinition]:
        sweep(self._files.config)
        sweep(self._files.autostart)
        found = _load_files(self._files, self._files.definitions(), lambda data: parse_domain(data.decode()))
        return {definition.uuid: definition for definition in found}

    def _load_statuses(self) -> dict[str | None, Status]:
        sweep(self._files.run)
        return {status.domain.uuid: status for status in _load_files(self._files, self._files.statuses(), parse_status)}

    def _end_unknown_processes(self, known: set[int]) -> None:
        for identity in _processes_of(self._files.run):
            if identity.pid not in known and identity.is_alive():
                logger.warning("ending process %d: a start that was never acknowledged", identity.pid)
                os.kill(identity.pid, signal.SIGKILL)

    def _autostart(self) -> None:
        """Start what is marked for it, once for each boot of the host."""
        mark = self._files.run / "autostarted"
        if mark.exists() and mark.read_text() == boot_id():
            return
        mark.write_text(boot_id())
        for entry in self.directory:
            if self._files.autostart_link(entry.name).is_symlink():
                entry.ref.tell(internal_call("domain_create_with_flags", (entry.domain_ref(), 0)))

    def on_stop(self) -> None:
        super().on_stop()
        self._emulators.stop()

    def surroundings(self) -> QemuSurroundings:
        return QemuSurroundings(
            self.actor_ref, self.events, self.ids, self._files, self._store, self._config, self._emulators
        )

    def make_domain(self, name: str, uuid: bytes) -> pykka.ActorRef[Any]:
        return QemuDomain.start(self.runtime, self.surroundings(), name, uuid, str(UUID(bytes=uuid)))

    # -- calls ---------------------------------------------------------------------------------------------------------

    async def connect_get_version(self, call: Call) -> tuple[int]:
        capabilities = await self._emulators.capabilities(None, None)
        major, minor, micro = capabilities.version
        return (major * 1_000_000 + minor * 1_000 + micro,)

    async def connect_get_capabilities(self, call: Call) -> tuple[str]:
        return (await self._emulators.host_document(),)


def open_qemu(runtime: Runtime, config: Config, paths: Paths, store: pykka.ActorRef[Store]) -> DriverHandle:
    """Start the driver of one daemon on its directories."""
    files = QemuFiles.below(paths)
    files.make()
    emulators = Emulators(runtime, files.cache, config.qemu.emulator)
    return QemuDriver.open(runtime, config.limits.events, files, store, config, emulators)


def _load_files(files: QemuFiles, paths: Any, parse: Callable[[bytes], T]) -> list[T]:
    loaded = []
    for path in paths:
        try:
            loaded.append(parse(path.read_bytes()))
        except (VirtError, OSError, UnicodeDecodeError) as error:
            logger.error("%s is damaged and set aside as %s: %s", path, files.set_aside(path).name, error)
    return loaded


def _processes_of(run: Path) -> list[Identity]:
    """The processes that were started with a pid file below ``run``: that argument marks a guest of this daemon."""
    mark = f"-pidfile\0{run}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "cmdline").read_bytes() and (identity := Identity.of(int(entry.name))) is not None:
                found.append(identity)
        except OSError:
            continue  # It has ended meanwhile.
    return found
