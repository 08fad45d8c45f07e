"""One start of a guest: from a live definition to a QEMU that waits for `cont` with its monitor connected.

Nothing is done one after the other that can be done beside it: the monitor's socket listens before QEMU runs and is
passed to it, so the connection is made while QEMU starts, and the questions whose answers the live definition needs
go out together. If anything fails, or the start is cancelled, the process is ended and nothing of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pykka

from ....wire.documents.domain import Channel, CharacterDevice, Devices, DomainDefinition, Graphics, mirror_console
from ....wire.errors import OperationFailed, ProcessFailure, UnsupportedConfig
from ...call import Call, spanning
from ...commands import allowed_environment
from ...host.files import HostFiles
from ...host.firmware import read_sysinfo
from ...monitor import monitor
from ...monitor.monitor import Monitor
from ...runtime import Runtime
from .aliases import assign_aliases
from .command_line import (
    Placement,
    build_command_line,
    chardev_id,
    check_models,
    companions,
    environment,
    preparation,
)
from .command_line.graphics import DEFAULT_LISTEN
from .companions import end_companions, start_companion
from .host_models import as_given, with_named_model
from .named_capabilities import with_named
from .opening import Handed, Opening, with_present_media
from .overlays import make_overlays, with_overlays
from .process import Launch, Process, spawn
from .surroundings import QemuSurroundings, check_accelerator
from .threads import QUESTIONS as THREAD_QUESTIONS
from .threads import Threads, place_threads

BYTES_PER_KIB = 1024
END_NOTICED = 0.5  # seconds between the end of QEMU's monitor and that of its process


@dataclass(frozen=True, slots=True)
class Guest:
    """A QEMU that has started and waits; ``live`` says what it was given (terminals, ports)."""

    process: Process
    monitor: pykka.ActorRef[Monitor]
    live: DomainDefinition


async def launch(
    runtime: Runtime,
    around: QemuSurroundings,
    definition: DomainDefinition,
    domain: pykka.ActorRef[Any],
    call: Call,
    *,
    incoming: bool = False,
    handed: Handed,
) -> Guest:
    """Start a completed definition. ``domain`` is told what the monitor tells; ``incoming`` waits for a saved guest.

    ``handed`` are open files of callers', which stay theirs.

    Raises UnsupportedConfig for what this QEMU cannot do, ProcessFailure with QEMU's last words when it ends instead,
    OperationTimeout when it does not answer in time.
    """
    return await _Start(runtime, around, definition, domain, call, incoming, handed).run()


class _Start:
    def __init__(
        self,
        runtime: Runtime,
        around: QemuSurroundings,
        definition: DomainDefinition,
        domain: pykka.ActorRef[Any],
        call: Call,
        incoming: bool,
        handed: Handed,
    ) -> None:
        self._runtime = runtime
        self._around = around
        self._live = assign_aliases(definition)
        self._uuid = definition.uuid or ""
        self._domain = domain
        self._call = call
        self._incoming = incoming
        self._handed = handed
        self._begun: list[asyncio.Future[None]] = []
        self._deadline = runtime.loop.time() + around.config.start_deadline

    async def run(self) -> Guest:
        try:
            with spanning(self._call.trace, f"process {self._live.name}", "spawn QEMU"):
                process = await self._spawn()
        except BaseException:
            self._around.files.remove_leftovers(self._uuid)
            raise
        ref = Monitor.start(self._runtime, self._live.name, self._domain)
        try:
            wanted = self._around.placement(self._live)
            entered = self._enter(wanted, process)
            with spanning(self._call.trace, f"monitor {self._live.name}", "connect"):
                await self._connect(ref, process)
            await asyncio.shield(entered)
            await self._place(wanted, ref, process)
            live = await self._prepare(ref)
        except BaseException as error:
            await asyncio.shield(self._undo(ref, process))
            if isinstance(error, OperationFailed) and process.exit is not None:
                raise self._ended(process) from error
            raise
        return Guest(process, ref, live)

    async def _spawn(self) -> Process:
        capabilities = with_named(await self._around.capabilities(self._live), self._live)
        check_accelerator(self._live, capabilities)
        check_models(self._live)
        cpus = await self._around.cpus(self._live, capabilities)
        if cpus is not None:
            self._live = with_named_model(self._live, cpus)
        files = self._around.files
        host_sysinfo = await self._host_sysinfo()
        present, written = with_overlays(await self._runtime.in_thread(with_present_media, self._live, self._incoming))
        with contextlib.ExitStack() as opened:
            opening = Opening(files, present, self._handed, opened)
            resources = opening.resources(host_sysinfo=host_sysinfo, now=datetime.now().astimezone())
            argv = build_command_line(present, capabilities, resources)
            if self._incoming:
                argv += ["-incoming", "defer"]
            self._live = opening.live if cpus is None else as_given(opening.live, cpus)
            await make_overlays(self._runtime, files.overlays(self._uuid), written)
            log = files.guest_log(self._live.name)
            variables = {**allowed_environment(), **environment(self._live)}
            beside = await self._start_companions(opening)
            try:
                fds = opening.descriptors
                process = await spawn(Launch(argv, log, variables, fds, files.run, self._handed.files))
            except BaseException:
                await asyncio.shield(end_companions(beside))
                raise
            process.companions = beside
            return process

    async def _start_companions(self, opening: Opening) -> list[Process]:
        """Start what runs beside QEMU; all of it or nothing."""
        files = self._around.files
        wanted = companions(self._live, opening.companions, files.tpm(self._uuid))
        mark, log = files.run / self._uuid, files.guest_log(self._live.name)
        started: list[Process] = []
        try:
            for each in wanted:
                started.append(await start_companion(each, opening.companions[each.alias], mark, log))
        except BaseException:
            await asyncio.shield(end_companions(started))
            raise
        return started

    async def _connect(self, ref: pykka.ActorRef[Monitor], process: Process) -> None:
        """Connect while QEMU starts; when it ends instead, its own words are the error."""
        path = self._around.files.monitor(self._uuid)
        connecting = asyncio.ensure_future(monitor.connect(ref, path, self._deadline))
        ending = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((connecting, ending), return_when=asyncio.FIRST_COMPLETED)
            if connecting.done() and isinstance(connecting.exception(), OperationFailed):
                # QEMU closes its monitor a moment before its end is noticed.
                await asyncio.wait((ending,), timeout=END_NOTICED)
            if ending.done():
                raise self._ended(process)
            await connecting
        finally:
            connecting.cancel()
            ending.cancel()
            await asyncio.wait((connecting,))
            if not connecting.cancelled():
                connecting.exception()

    async def _host_sysinfo(self) -> dict[str, dict[str, str]]:
        """What the host's firmware tells, for a guest that tells the same. Raises UnsupportedConfig if it is mute."""
        if self._live.os.smbios != "host":
            return {}
        told = await self._runtime.in_thread(read_sysinfo, HostFiles())
        if told is None:
            raise UnsupportedConfig("smbios mode 'host': Host SMBIOS information is not available")
        blocks = {"bios": told.bios, "system": told.system}
        return {
            name: {entry.name: entry.value for entry in block.entries if entry.value}
            for name, block in blocks.items()
            if block is not None
        }

    def _enter(self, wanted: Placement, process: Process) -> asyncio.Future[None]:
        """Put the process into control groups with the limits that the definition sets for it.

        It stands still meanwhile: memory that it took before would count for the daemon.
        """
        if wanted.needs_groups:
            process.send_signal(signal.SIGSTOP)
        return self._begin(self._moved(wanted, process))

    async def _moved(self, wanted: Placement, process: Process) -> None:
        if not wanted.needs_groups:
            return
        try:
            await self._runtime.in_thread(self._around.files.groups(self._uuid).enter, wanted, process.pid)
        finally:
            process.send_signal(signal.SIGCONT)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Begin what makes something; a start that fails waits for it before it removes everything."""
        begun = asyncio.ensure_future(work)
        self._begun.append(begun)
        return begun

    async def _place(self, wanted: Placement, ref: pykka.ActorRef[Monitor], process: Process) -> None:
        """Put the guest's threads where the definition says, in groups with the limits that it sets."""
        if wanted.is_empty:
            return
        answers = await asyncio.gather(*(self._execute(ref, question, None) for question in THREAD_QUESTIONS))
        told: dict[str, Any] = dict(zip(THREAD_QUESTIONS, answers, strict=True))
        groups = self._around.files.groups(self._uuid)

        def place() -> None:
            threads = Threads.of(process.pid, told)
            groups.place(wanted, threads)
            place_threads(wanted, threads)

        await asyncio.shield(self._begin(self._runtime.in_thread(place)))

    async def _prepare(self, ref: pykka.ActorRef[Monitor]) -> DomainDefinition:
        """Run what the command line could not say, and ask what QEMU has chosen; all on its way at once."""
        asked = questions(self._live)
        answers = await asyncio.gather(
            *(self._execute(ref, command.name, command.arguments) for command in preparation(self._live)),
            *(self._execute(ref, question, None) for question in asked),
        )
        told = dict(zip(asked, answers[len(answers) - len(asked) :], strict=True))
        return with_answers(self._live, told)

    async def _execute(self, ref: pykka.ActorRef[Monitor], command: str, arguments: dict[str, Any] | None) -> Any:
        return await monitor.execute(ref, command, arguments, deadline=self._deadline, trace=self._call.trace)

    async def _undo(self, ref: pykka.ActorRef[Monitor], process: Process) -> None:
        if ref.is_alive():
            ref.stop(block=False)
        await process.kill(0.0)
        await end_companions(process.companions)
        await asyncio.gather(*self._begun, return_exceptions=True)
        self._around.files.remove_leftovers(self._uuid)

    def _ended(self, process: Process) -> ProcessFailure:
        words = process.last_lines()
        last = words.splitlines()[-1] if words else "it said nothing"
        return ProcessFailure(f"QEMU of {self._live.name} {process.exit}: {last}", stderr=words, object=self._live.name)


def with_channel_state(live: DomainDefinition, alias: str, is_open: bool) -> DomainDefinition:
    """The live definition with what QEMU tells of a channel: whether something in the guest has it open."""
    state = "connected" if is_open else "disconnected"
    channels = tuple(
        dataclasses.replace(each, state=state) if each.alias == alias else each for each in live.devices.channels
    )
    return dataclasses.replace(live, devices=dataclasses.replace(live.devices, channels=channels))


def questions(live: DomainDefinition) -> list[str]:
    """The QMP queries whose answers ``with_answers`` wants for this definition."""
    devices = live.devices
    characters = (*devices.serials, *devices.parallels, *devices.consoles, *devices.channels)
    asked = ["query-chardev"] if any(each.type == "pty" or isinstance(each, Channel) for each in characters) else []
    displays = [each for each in devices.graphics if each.type == "vnc"]
    asked += ["query-vnc"] if displays else []
    asked += ["query-memory-devices"] if any(each.model == "virtio-mem" for each in devices.memories) else []
    return [*asked, "query-vnc-servers"] if any(each.websocket is not None for each in displays) else asked


def with_answers(live: DomainDefinition, told: dict[str, Any]) -> DomainDefinition:
    """The live definition with the terminals and ports that QEMU has chosen, and whether channels are connected."""
    character = {each["label"]: each for each in told.get("query-chardev", ())}
    port = told.get("query-vnc", {}).get("service")
    browsers = _websocket(told.get("query-vnc-servers", ()))

    def completed(device: Any) -> Any:
        if not isinstance(device, CharacterDevice) or device.alias is None:
            return device
        found = character.get(chardev_id(device))
        if found is None:
            return device
        if device.type == "pty":
            device = dataclasses.replace(device, source_path=found["filename"].removeprefix("pty:"))
        if isinstance(device, Channel):
            state = "connected" if found["frontend-open"] else "disconnected"
            device = dataclasses.replace(device, state=state)
        return device

    devices = _with_plugged_memory(live.devices.mapped(completed), told.get("query-memory-devices", ()))
    graphics = tuple(_with_place(_with_ports(display, port, browsers)) for display in devices.graphics)
    return mirror_console(dataclasses.replace(live, devices=dataclasses.replace(devices, graphics=graphics)))


def _with_plugged_memory(devices: Devices, told: Any) -> Devices:
    """What the guest has taken of each virtio-mem."""
    sizes = {each["data"].get("id"): each["data"]["size"] // BYTES_PER_KIB for each in told if "size" in each["data"]}
    memories = tuple(
        dataclasses.replace(each, current=sizes.get(each.alias)) if each.model == "virtio-mem" else each
        for each in devices.memories
    )
    return dataclasses.replace(devices, memories=memories)


def _with_ports(display: Graphics, port: str | None, browsers: int | None) -> Graphics:
    """A VNC display with the ports that QEMU has chosen for it."""
    if display.type != "vnc" or any(listen.type == "socket" for listen in display.listens):
        return display
    if display.websocket == -1 and browsers is not None:
        display = dataclasses.replace(display, websocket=browsers, websocket_generated=True)
    return dataclasses.replace(display, port=int(port)) if display.autoport and port else display


def _with_place(display: Graphics) -> Graphics:
    """A display with the address that it has where none is said."""
    if display.type not in ("vnc", "spice") or not display.listens:
        return display
    listens = tuple(
        dataclasses.replace(each, address=DEFAULT_LISTEN) if (each.type, each.address) == ("address", None) else each
        for each in display.listens
    )
    first = listens[0].address if listens[0].type == "address" else display.listen
    return dataclasses.replace(display, listens=listens, listen=first)


def _websocket(servers: Any) -> int | None:
    """The port of the first display for browsers."""
    places = (place for server in servers for place in server["server"] if place.get("websocket"))
    return next((int(place["service"]) for place in places), None)
