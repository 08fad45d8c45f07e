"""Saving a running guest to a file, starting one from such a file, and writing its memory for debuggers.

QEMU writes and reads by itself, to and from a descriptor that it is given; what it tells when it is done ends the wait.
A save that fails or is interrupted leaves the guest as it was, and no file.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ....wire.documents.domain import DomainDefinition, format_domain, parse_domain, without_live
from ....wire.enums.domain import DomainCreateFlags, DomainState, DomainXMLFlags
from ....wire.enums.domain_tuning import DomainCoreDumpFlags, DomainCoreDumpFormat, DomainSaveRestoreFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import (
    InvalidArgument,
    MonitorFailure,
    NotSupported,
    OperationFailed,
    OperationInvalid,
    VirtError,
)
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import Happening
from ...monitor.qmp import QmpEvent
from .guest import Guest, Load
from .image_streams import Stream, Way, into_file, out_of_file
from .images import Image, NewFile, open_stream, read_image, rewrite_image, temporary_of
from .pumps import Pump
from .surroundings import QemuSurroundings
from .unfinished_dumps import UnfinishedDump, until_given_up
from .unfinished_saves import UnfinishedSave, go_on

logger = logging.getLogger("virtactor.qemu")

_RUNNING, _PAUSED = int(DomainSaveRestoreFlags.RUNNING), int(DomainSaveRestoreFlags.PAUSED)
_BYPASS_CACHE = int(DomainSaveRestoreFlags.BYPASS_CACHE)
# More bytes per second than there are.
_UNBOUNDED = 2**63 - 2**24
# Seconds between two questions how far it is.
PAUSE = 1.0
_FORMATS = {
    DomainCoreDumpFormat.RAW: "elf",
    DomainCoreDumpFormat.KDUMP_ZLIB: "kdump-zlib",
    DomainCoreDumpFormat.KDUMP_LZO: "kdump-lzo",
    DomainCoreDumpFormat.KDUMP_SNAPPY: "kdump-snappy",
    DomainCoreDumpFormat.WIN_DMP: "win-dmp",
}
_CRASH, _RESET = int(DomainCoreDumpFlags.CRASH), int(DomainCoreDumpFlags.RESET)
# The calls that end a guest, whatever it is at.
ENDS = ("domain_destroy", "domain_destroy_flags")
_NAME = "saved"
_DISK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands in an image before the stream."""

    xml: str
    running: bool
    format: str


class GuestSaving(Guest):
    """How a QEMU guest is saved, restored and dumped."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._image: Image | None = None
        self._bypasses_cache = False
        # What QEMU will tell of the stream or dump that it is at work on.
        self._finished: asyncio.Future[str | None] | None = None
        # What it is asked meanwhile.
        self._question = ""

    def on_message(self, message: Any) -> Any:
        if not isinstance(message, Load):
            return super().on_message(message)
        self.has_managed_save = self.around.files.managed_save(self.name).exists()
        answer = super().on_message(message)
        if self.has_managed_save and self.process is not None and self.unfinished_save is None:
            self._drop_stale_image()
        return answer

    def _drop_stale_image(self) -> None:
        """Forget an image whose guest runs: it was started from it, and its daemon did not live to remove it."""
        image = self.around.files.managed_save(self.name)
        stale = image.rename(temporary_of(str(image)) or image)
        self.has_managed_save = False
        self.tell_summary()
        self.spawn(self.runtime.in_thread(stale.unlink), name="remove a stale image")

    # -- saving --------------------------------------------------------------------------------------------------------

    async def document_to_save(self, dxml: str | None) -> str | None:
        if dxml is None:
            return None
        self.require_active()
        return format_domain(await self.around.fitting(self.definition, parse_domain(dxml)), secure=True)

    async def save_guest(self, call: Call, path: str, xml: str, flags: int) -> None:
        self._check_save()
        was_running = self.state is DomainState.RUNNING
        running = bool(flags & _RUNNING) or (was_running and not flags & _PAUSED)
        part = await self.runtime.in_thread(temporary_of, path)
        save = UnfinishedSave(path=path, part=part, running=was_running)
        await self._note_save(save)
        try:
            way = Way(self.around.config.save_image_format, bool(flags & _BYPASS_CACHE))
            await self._write_image(call, save, _Head(xml, running, way.format), way)
        except BaseException:
            await self._give_up_save(was_running)
            raise
        if path == str(self.around.files.managed_save(self.name)):
            self.has_managed_save = True
        await self.end(call, Happening.SAVED)

    async def _note_save(self, save: UnfinishedSave | None) -> None:
        """Tell the next daemon of a save that is under way, or no more. Raises SystemFailure."""
        self.unfinished_save = save
        await self._note_status()

    async def _note_status(self) -> None:
        self.require_active()
        assert self.live is not None
        noted = self.save_status(self.live, self.state, self.reason)
        if noted is not None:
            await asyncio.shield(noted)

    async def _write_image(self, call: Call, save: UnfinishedSave, head: _Head, way: Way) -> None:
        file = NewFile(save.path, save.part)
        try:
            await self._to_its_end(file.begin_image, head.xml, head.running, head.format)
            await self._note_save(replace(save, inode=file.inode))
            if save.running:
                self.expect_stop(Happening.PAUSED)
                await self.execute(call, "stop")
            await self._write_stream(file, way)
        except BaseException:
            file.discard()
            raise
        await self._keep_image(file)

    async def _keep_image(self, file: NewFile) -> None:
        """Give a file its name. From then on it is the guest, and a save that is cancelled meanwhile is done anyway."""
        try:
            await self._to_its_end(file.finish)
        except asyncio.CancelledError:
            if not file.is_kept:
                file.discard()
                raise
            if self.actor_stopped.is_set():
                raise
        except BaseException:
            file.discard()
            raise

    async def _to_its_end(self, work: Callable[..., None], *args: Any) -> None:
        """Do something in a thread; whoever cancels that waits a moment for it, as long as a disk may take."""
        working = asyncio.ensure_future(self.runtime.in_thread(work, *args))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait((working,), timeout=_DISK_SECONDS)
            raise

    def _check_save(self) -> None:
        if any(disk.transient is not None for disk in self.definition.devices.disks):
            raise OperationInvalid("migration with transient disk is not supported", object=self.name)

    async def _write_stream(self, file: NewFile, way: Way) -> None:
        await self._prepare_stream()
        async with into_file(self.runtime, file.fd, way) as stream:
            await self._give(stream)
            await self._until_told("migrate", {"uri": f"fd:{_NAME}"}, "query-migrate")

    async def _give(self, stream: Stream) -> None:
        try:
            await self.execute(None, "getfd", {"fdname": _NAME}, fds=(stream.fd,))
        finally:
            stream.given()

    async def _prepare_stream(self) -> None:
        events = [{"capability": "events", "state": True}]
        await self.execute(None, "migrate-set-capabilities", {"capabilities": events})
        await self.execute(None, "migrate-set-parameters", {"max-bandwidth": _UNBOUNDED})

    async def _until_told(self, command: str, arguments: dict[str, Any], question: str) -> None:
        """Run what QEMU does beside other things, until it tells the end. Raises OperationFailed, ProcessFailure."""
        process = self.process
        if process is None:
            self.require_active()  # It has ended meanwhile. A guest that is being restored is not active yet.
        assert process is not None
        told = self._finished = self.runtime.loop.create_future()
        self._question = question
        ended = asyncio.ensure_future(process.wait())
        try:
            await self.execute(None, command, arguments)
            while not told.done():
                done, _ = await asyncio.wait((told, ended), timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
                if ended in done and not told.done():
                    raise self.ended(process)
                if not done:
                    await self.execute(None, question)
                    if self.job is not None:
                        self.job.progress()
            if (reason := told.result()) is not None:
                raise OperationFailed(f"operation failed: {command} of {self.name}: {reason}", object=self.name)
        finally:
            self._finished = None
            ended.cancel()

    async def _give_up_save(self, was_running: bool) -> None:
        if self.unfinished_save is not None and self.unfinished_save.is_whole():
            return  # The file is the guest: the next daemon ends its QEMU.
        taking_up = self.runtime.spawn(self._take_up_again(was_running), f"{self.label}: goes on")
        # Who ends the guest does not wait until a QEMU that may hang has gone on.
        if self.job is None or self.job.interrupted_by not in ENDS:
            await asyncio.shield(taking_up)

    async def _take_up_again(self, was_running: bool) -> None:
        """Let a guest go on that has not been saved."""
        try:
            if self.process is not None and self.process.exit is None:
                await go_on(lambda command: self.execute(None, command), was_running)
        except MonitorFailure as error:
            logger.warning("%s: cannot go on after a save that failed: %s", self.label, error)
        except VirtError:
            return  # It hangs, or its monitor is closed: who connects to it next does it, unless somebody was quicker.
        self.unfinished_save = None
        self.save_live_state()

    def on_migration(self, event: QmpEvent) -> None:
        status = str(event.data.get("status"))
        if self._finished is not None and not self._finished.done():
            if status == "completed":
                self._finished.set_result(None)
            elif status in ("failed", "cancelled"):
                self._finished.set_result(status)

    def on_dump_completed(self, event: QmpEvent) -> None:
        if self._finished is not None and not self._finished.done():
            failed = event.data.get("result", {}).get("status") != "completed"
            self._finished.set_result(str(event.data.get("error", "failed")) if failed else None)

    # -- managed -------------------------------------------------------------------------------------------------------

    async def keep_managed(self, call: Call, flags: int) -> None:
        path = str(self.around.files.managed_save(self.name))
        await self.save_guest(call, path, format_domain(self.definition, secure=True), flags)

    async def drop_managed(self) -> None:
        path = self.around.files.managed_save(self.name)
        await self.runtime.in_thread(lambda: path.unlink(missing_ok=True))

    async def domain_create_with_flags(self, call: Call, dom: DomainRef, flags: int) -> tuple[DomainRef]:
        if not self.has_managed_save or self.active or flags & DomainCreateFlags.FORCE_BOOT:
            return await super().domain_create_with_flags(call, dom, flags)
        image = await self._managed_image()
        states = _PAUSED if flags & DomainCreateFlags.PAUSED else 0
        states |= _BYPASS_CACHE if flags & DomainCreateFlags.BYPASS_CACHE else 0
        self.autodestroy = call.session if flags & DomainCreateFlags.AUTODESTROY else None
        await self.restore(call, image.definition(), image, states)
        if self.autodestroy is not None:
            self.follow_session(self.autodestroy)
        await self.forget_managed()
        return (self.wire_ref(),)

    async def _managed_image(self) -> Image:
        if not self.has_managed_save:
            raise OperationInvalid("Domain does not have managed save image", object=self.name)
        return await self.runtime.in_thread(read_image, str(self.around.files.managed_save(self.name)))

    async def domain_managed_save_get_xml_desc(self, call: Call, dom: DomainRef, flags: int) -> tuple[str]:
        self.check_flags(call, flags, DomainXMLFlags.SECURE)
        image = await self._managed_image()
        return (image_document(image, flags),)

    async def domain_managed_save_define_xml(self, call: Call, dom: DomainRef, dxml: str | None, flags: int) -> None:
        self.check_flags(call, flags, _RUNNING | _PAUSED)
        image = await self._managed_image()
        await redefine_image(self.around, image, dxml, flags)

    # -- restoring -----------------------------------------------------------------------------------------------------

    async def restore(self, call: Call, definition: DomainDefinition, image: Image, flags: int) -> None:
        """Start from an image (the driver forwards virDomainRestore here)."""
        self.check_start()
        running = bool(flags & _RUNNING) or (image.running and not flags & _PAUSED)
        self._image, self._bypasses_cache = image, bool(flags & _BYPASS_CACHE)
        try:
            self.id = next(self.around.ids)
            started = replace(await self.complete_to_start(without_live(definition)), id=self.id)
            self.live = await self.boot(call, started, paused=not running)
        except BaseException:
            self.id, self.live = -1, None
            self.happen(Happening.START_FAILED)
            raise
        finally:
            self._image = None
        self.happen(Happening.RESTORED if running else Happening.RESTORED_PAUSED)
        await self.live_state_saved()

    @property
    def is_incoming(self) -> bool:
        return self._image is not None

    async def load_stream(self, call: Call) -> None:
        if self._image is None:
            return
        await self._prepare_stream()
        fd = await self.runtime.in_thread(open_stream, self._image)
        try:
            async with out_of_file(self.runtime, fd, Way(self._image.format, self._bypasses_cache)) as stream:
                await self._give(stream)
                await self._until_told("migrate-incoming", {"uri": f"fd:{_NAME}"}, "query-migrate")
        finally:
            os.close(fd)

    # -- dumps ---------------------------------------------------------------------------------------------------------

    async def dump_guest(self, call: Call, path: str, format: int, flags: int) -> None:
        if format not in list(DomainCoreDumpFormat):
            raise InvalidArgument(f"unknown dump format {format}")
        if format != DomainCoreDumpFormat.RAW and not flags & DomainCoreDumpFlags.MEMORY_ONLY:
            raise NotSupported(
                "kdump-compressed format is only supported with memory-only dump",
                code=ErrorNumber.OPERATION_UNSUPPORTED,
            )
        # A guest that is not to run on from there stops before: QEMU alone would let it.
        waits = self.state is DomainState.RUNNING and bool(flags & (_CRASH | _RESET))
        if waits:
            self.expect_stop(Happening.PAUSED)
            await self.execute(call, "stop")
        try:
            await self._dump(call, path, format, flags)
            if flags & _RESET:
                await self.press_reset(call)
        except BaseException:
            with suppress(VirtError):  # It has ended or hangs; whoever asks next is told.
                await asyncio.shield(self._go_on_if(waits))
            raise
        if flags & _CRASH:
            await self.end(call, Happening.DUMPED)
        else:
            await self._go_on_if(waits)

    async def _go_on_if(self, waits: bool) -> None:
        if waits and self.process is not None and self.process.exit is None:
            await self.execute(None, "cont")

    async def _dump(self, call: Call, path: str, format: int, flags: int) -> None:
        wanted = _FORMATS[DomainCoreDumpFormat(format)]
        known = (await self.execute(call, "query-dump-guest-memory-capability"))["formats"]
        if wanted not in known:
            raise InvalidArgument(f"unsupported dumpformat '{wanted}' for this QEMU binary")
        part = await self.runtime.in_thread(temporary_of, path)
        file = NewFile(path, part)
        try:
            if part is not None:
                self.unfinished_dump = UnfinishedDump(part=part)
                await self._note_status()
            await self._to_its_end(file.open)
            await self._dump_into(call, file, wanted, direct=bool(flags & DomainCoreDumpFlags.BYPASS_CACHE))
            await self._to_its_end(file.finish)
        except BaseException:
            await self._to_its_end(file.discard)  # A file of that size takes a while to go.
            raise
        finally:
            self.unfinished_dump = None
            self.save_live_state()

    async def _dump_into(self, call: Call, file: NewFile, format: str, *, direct: bool) -> None:
        """Have QEMU write its memory, and let it go on when that is broken off or fails."""
        pump = Pump(file.fd, file.path, direct=direct)
        copying = asyncio.ensure_future(self.runtime.in_thread(pump.run))
        try:
            try:
                await self.execute(call, "getfd", {"fdname": _NAME}, fds=(pump.inlet,))
            finally:
                pump.close_inlet()
            how = {"paging": False, "protocol": f"fd:{_NAME}", "format": format, "detach": True}
            try:
                await self._until_told("dump-guest-memory", how, "query-dump")
            except OperationFailed:
                # QEMU has closed its end, so the copying ends too; it may know why nobody read what QEMU wrote.
                done, _ = await asyncio.wait((copying,), timeout=_DISK_SECONDS)
                if done:
                    copying.result()
                raise
            await asyncio.shield(copying)
        finally:
            pump.break_off()
            await asyncio.shield(self._dump_over(copying))

    async def _dump_over(self, copying: asyncio.Future[None]) -> None:
        """Wait until QEMU has given up a dump that nobody reads any more."""
        await asyncio.wait((copying,))
        copying.exception()
        if self.job is not None and self.job.interrupted_by in ENDS:
            return  # Who ends the guest does not wait for a QEMU that may hang.
        with suppress(VirtError):  # It has ended or hangs; whoever asks next is told.
            await until_given_up(lambda command: self.execute(None, command))

    # -- the job -------------------------------------------------------------------------------------------------------

    async def job_progress(self, call: Call) -> tuple[int, int, int]:
        if self._finished is None:
            return 0, 0, 0
        told = await self.execute(call, self._question)
        if self._question == "query-dump":
            return int(told["total"]), int(told["completed"]), int(told["total"]) - int(told["completed"])
        ram = told.get("ram", {})
        return int(ram.get("total", 0)), int(ram.get("transferred", 0)), int(ram.get("remaining", 0))


def image_document(image: Image, flags: int) -> str:
    """The document of an image as it is shown."""
    return format_domain(without_live(image.definition()), secure=bool(flags & DomainXMLFlags.SECURE))


async def redefine_image(around: QemuSurroundings, image: Image, dxml: str | None, flags: int) -> None:
    """Give an image another document, or another state to restore.

    Raises SystemFailure, UnsupportedConfig, XMLError.
    """
    xml = image.xml
    if dxml is not None:
        xml = format_domain(await around.fitting(image.definition(), parse_domain(dxml)), secure=True)
    running = bool(flags & _RUNNING) or (image.running and not flags & _PAUSED)
    if (xml, running) != (image.xml, image.running):
        await asyncio.to_thread(rewrite_image, image, xml, running)
