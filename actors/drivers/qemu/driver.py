"""The qemu driver: the domains of one daemon, loaded from their files, running guests adopted.

It is started with the daemon and lasts as long. Starting it takes up what the last one left: definitions from their
files (a damaged one is set aside and named in the log), guests that still run, and guests that have ended meanwhile,
whose end is told now. A QEMU of ours that no file speaks of was being started when its daemon died: nobody was told
that it runs, and it is ended. One whose file is damaged is no such: it is taken up by its definition, or left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
from collections.abc import Callable, Set
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pykka

from ....wire.documents.domain import DomainDefinition, parse_domain
from ....wire.enums.domain import DomainPausedReason, DomainState
from ....wire.enums.error import ErrorDomain
from ....wire.errors import VirtError, XMLError
from ....wire.paths import Paths
from ...call import Call
from ...committer import TEMPORARY, sweep
from ...config import Config
from ...events import EventLog
from ...host.files import HostFiles
from ...runtime import Runtime
from ...store import Store
from ..directory import Directory
from ..domain_driver import DomainDriver
from ..handle import DriverHandle
from .aliases import assign_aliases
from .checks import Checks
from .companions import companions_of
from .copies import Copies
from .domain import QemuDomain
from .emulators import Emulators
from .files import QemuFiles
from .guest import Load
from .guest_logs import CHECK_EVERY, bound_logs
from .host_queries import QemuHostQueries
from .leftovers import end_at_once, helpers_of, processes_of
from .native import NativeDocuments
from .process import Identity, boot_id
from .restoring import Restoring
from .statistics import DriverStatistics
from .status import Status, parse_status
from .surroundings import QemuSurroundings

logger = logging.getLogger("virtactor.qemu")

T = TypeVar("T")
# Seconds between attempts to remove control groups whose processes are about to end.
GROUP_PAUSES = (0.05, 0.2, 1.0, 5.0, 20.0)


class QemuDriver(NativeDocuments, Restoring, DriverStatistics, QemuHostQueries, DomainDriver):
    """Domains that are QEMU processes."""

    name = "qemu"
    errors = ErrorDomain.QEMU
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
        self.emulators = emulators
        self.files = HostFiles()

    def on_start(self) -> None:
        for directory in (self._files.config, self._files.autostart, self._files.run):
            sweep(directory)
        definitions = {definition.uuid or "": definition for definition in self._load_definitions()}
        statuses, damaged = self._load_statuses()
        processes = processes_of(self._files.run)
        first = 1 + max((status.domain.id or 0 for status in statuses.values()), default=0)
        self.ids = itertools.count(first)
        for uuid in damaged & processes.keys() - statuses.keys():
            if (status := self._recovered(uuid, definitions.get(uuid), processes[uuid])) is not None:
                statuses[uuid] = status
        unattended = damaged & processes.keys() - statuses.keys()
        self._end_unknown({uuid: processes[uuid] for uuid in processes.keys() - statuses.keys() - unattended})
        alive = {uuid for uuid, status in statuses.items() if status.process.is_alive()}
        self._end_companions(alive | unattended)
        self._end_helpers(alive | unattended)
        # Those of a guest that has a status go when its domain has taken that up.
        self._remove_leftovers({*statuses, *unattended})
        self._set_images_of_nobody_aside({definition.name for definition in definitions.values()})
        autostart = self._config.autostart and self._is_first_of_boot()
        for uuid in {**definitions, **statuses}:
            self._load(definitions.get(uuid), statuses.get(uuid), autostart)
        self.spawn(self._bound_logs(), "bound the guests' logs")

    async def _remove_groups(self, uuid: str) -> None:
        """Remove the control groups of a guest that was killed just now and takes a while to be gone."""
        for pause in GROUP_PAUSES:
            await asyncio.sleep(pause)
            if await self.runtime.in_thread(self._files.groups(uuid).remove):
                return
        logger.warning("the control groups of %s have processes and stay", uuid)

    def _end_helpers(self, living: set[str]) -> None:
        """End what served guests beside their QEMUs, and has outlived them."""
        for uuid, helpers in helpers_of(self._files.run).items():
            if uuid not in living:
                logger.warning("ending what is left of %s: processes %s", uuid, [helper.pid for helper in helpers])
                for helper in helpers:
                    end_at_once(helper)

    def _remove_leftovers(self, known: set[str]) -> None:
        """Remove the files of guests that nothing is known of, and what stood for definitions that are gone."""
        for uuid in self._files.uuids_in_run() - known:
            if not self._files.remove_leftovers(uuid):
                self.spawn(self._remove_groups(uuid), "remove control groups")
        for name in self._files.remove_marks_of_nothing():
            logger.warning("%s is no longer marked for autostart: its definition is not there", name)
        self._files.remove_parts_of_images()

    def _set_images_of_nobody_aside(self, names: Set[str]) -> None:
        for path in self._files.images_of_nobody(names):
            aside = self._files.set_aside(path).name
            logger.error("%s is set aside as %s: there is no definition of that name", path, aside)

    async def _bound_logs(self) -> None:
        while True:
            await self.runtime.in_thread(bound_logs, self._files.log, self._config.log_size, self._config.log_backups)
            await asyncio.sleep(CHECK_EVERY)

    def _load(self, persistent: DomainDefinition | None, status: Status | None, autostart: bool) -> None:
        definition = persistent or (status.domain if status is not None else None)
        assert definition is not None
        try:
            entry = self.admit(definition)
        except VirtError as error:
            logger.error("domain %s is left out: %s", definition.name, error)
            return
        marked = persistent is not None and self._is_marked(definition.name)
        entry.ref.tell(Load(persistent, marked, status, start=marked and autostart))

    def _load_definitions(self) -> list[DomainDefinition]:
        """What the files say. Two of one UUID are what is left of a rename that did not come to its end.

        Of these the one stays that is marked for autostart, if one is: the new mark is made before the old one goes.
        The other is set aside, or it would come back when the first is undefined.
        """
        found: dict[str | None, DomainDefinition] = {}
        for path in sorted(self._files.definitions(), key=lambda path: not self._is_marked(path.stem)):
            definition = self._read(path, _parse_definition)
            if definition is None:
                continue
            if other := found.get(definition.uuid):
                aside = self._files.set_aside(path).name
                logger.error("%s is set aside as %s: its UUID is that of %s", path, aside, other.name)
                continue
            found[definition.uuid] = definition
        return list(found.values())

    def _is_marked(self, name: str) -> bool:
        return self._files.autostart_link(name).is_symlink()

    def _load_statuses(self) -> tuple[dict[str, Status], set[str]]:
        """The running guests by UUID, and the UUIDs whose files are damaged, or were when an earlier daemon looked."""
        found = {path.stem: self._read(path, _parse_status) for path in self._files.statuses()}
        return {uuid: status for uuid, status in found.items() if status is not None}, self._files.damaged_statuses()

    def _read(self, path: Path, parse: Callable[[Path], T]) -> T | None:
        """What a file says; None for a damaged one, which is set aside."""
        try:
            return parse(path)
        except (VirtError, OSError, UnicodeDecodeError) as error:
            logger.error("%s is damaged and set aside as %s: %s", path, self._files.set_aside(path).name, error)
            return None

    def _recovered(self, uuid: str, definition: DomainDefinition | None, process: Identity) -> Status | None:
        """What a damaged status file most likely said; the guest's monitor will tell the rest."""
        if definition is None:
            logger.error("process %d runs on unattended: the status of its domain %s is damaged", process.pid, uuid)
            return None
        logger.warning("%s: process %d is taken up by its definition", definition.name, process.pid)
        live = dataclasses.replace(assign_aliases(definition), id=next(self.ids))
        # Not running, until its monitor says so: one that was started paused must not be taken for a restart.
        return Status(state=DomainState.PAUSED, reason=int(DomainPausedReason.UNKNOWN), process=process, domain=live)

    def _end_unknown(self, processes: dict[str, Identity]) -> None:
        for uuid, identity in processes.items():
            logger.warning("ending process %d of %s: a start that was never acknowledged", identity.pid, uuid)
            end_at_once(identity)

    def _end_companions(self, uuids: Set[str]) -> None:
        """End what was started beside a QEMU that never came, or that has ended while nobody watched."""
        for uuid, companions in companions_of(self._files.run).items():
            for identity in companions if uuid not in uuids else ():
                logger.warning("ending process %d of %s: it serves nobody", identity.pid, uuid)
                end_at_once(identity)

    def _is_first_of_boot(self) -> bool:
        """Whether this is the first daemon here since the host came up: what is marked for it starts once."""
        mark = self._files.run / "autostarted"
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if mark.read_text() == boot_id():
                return False
        # In one piece: a mark that is half there would have everything started again.
        fresh = mark.with_name(f"{TEMPORARY}{mark.name}")
        try:
            fresh.write_text(boot_id())
            fresh.replace(mark)
        except OSError as error:
            logger.error("cannot write %s: %s", mark, error.strerror)
            fresh.unlink(missing_ok=True)
        return True

    def on_stop(self) -> None:
        super().on_stop()
        self.emulators.stop()

    def surroundings(self) -> QemuSurroundings:
        return self._around

    @cached_property
    def _around(self) -> QemuSurroundings:
        """What all domains have in common."""
        return QemuSurroundings(
            self.actor_ref,
            self.events,
            self.ids,
            self._files,
            self._store,
            self._config,
            self.emulators,
            Checks(),
            Copies(),
            self._files.tpm_states(),
        )

    def make_domain(self, name: str, uuid: bytes) -> pykka.ActorRef[Any]:
        return QemuDomain.start(self.runtime, self._around, name, uuid, str(UUID(bytes=uuid)))

    # -- calls ---------------------------------------------------------------------------------------------------------

    async def connect_get_version(self, call: Call) -> tuple[int]:
        capabilities = await self.emulators.capabilities(None, None)
        major, minor, micro = capabilities.version
        return (major * 1_000_000 + minor * 1_000 + micro,)


def open_qemu(runtime: Runtime, config: Config, paths: Paths, store: pykka.ActorRef[Store]) -> DriverHandle:
    """Start the driver of one daemon on its directories."""
    files = QemuFiles.below(paths)
    files.make()
    emulators = Emulators(runtime, files.cache, config.qemu.emulator)
    return QemuDriver.open(runtime, config.limits.events, files, store, config, emulators)


def _parse_definition(path: Path) -> DomainDefinition:
    """What a definition's file says. Raises XMLError also when it is not the file of that domain."""
    definition = parse_domain(path.read_bytes().decode())
    if definition.name != path.stem:
        raise XMLError(f"the file of a domain named {definition.name!r} is {definition.name}.xml")
    if definition.uuid is None:
        raise XMLError("a definition that was kept has a UUID")
    return definition


def _parse_status(path: Path) -> Status:
    status = parse_status(path.read_bytes())
    if status.domain.uuid != path.stem:
        raise XMLError(f"the file of a domain with UUID {status.domain.uuid} is {status.domain.uuid}.status")
    return status
