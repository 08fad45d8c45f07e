"""A domain of the qemu driver: jobs in, QMP out, and what QEMU tells turned into states.

The process is the truth. Everything that a guest or its QEMU does by itself arrives as a message (an event of the
monitor, the end of the process) and is turned into a happening of the lifecycle; what a job does to it comes back the
same way and changes nothing twice. A guest that powers itself off leaves QEMU waiting (it runs with -no-shutdown):
the daemon then ends or restarts it, as the definition says.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
from dataclasses import dataclass
from typing import Any

import pykka

from ....wire.documents.domain import CharacterDevice, DomainDefinition, format_domain
from ....wire.enums.domain import (
    DomainConsoleFlags,
    DomainControlErrorReason,
    DomainControlState,
    DomainQemuMonitorCommandFlags,
    DomainRebootFlagValues,
    DomainShutdownFlagValues,
    DomainState,
)
from ....wire.errors import (
    InvalidArgument,
    MonitorFailure,
    OperationFailed,
    ProcessFailure,
    SystemFailure,
    UnsupportedConfig,
    VirtError,
)
from ....wire.table import DomainRef
from ...call import Call
from ...connection.streams import Break, DescriptorStream, StreamClosed
from ...lifecycle import Happening
from ...monitor import monitor
from ...monitor.monitor import Monitor, MonitorEvent, MonitorLost
from ...monitor.qmp import QmpEvent
from ...runtime import Runtime, send
from ...store import Link, Remove, Write, commit, commit_later
from ..domain import Domain, check_flags
from .launch import Guest, launch
from .process import Exit, Process, adopt
from .status import REASONS, Status, format_status
from .surroundings import QemuSurroundings

logger = logging.getLogger("virtactor.qemu")


@dataclass(frozen=True, slots=True)
class Load:
    """To a new domain: what the last daemon left of you."""

    persistent: DomainDefinition | None
    autostart: bool
    status: Status | None


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A process to its domain."""

    process: Process
    exit: Exit


class QemuDomain(Domain):
    """A domain whose guest is a QEMU process."""

    around: QemuSurroundings

    def __init__(self, runtime: Runtime, around: QemuSurroundings, name: str, uuid: bytes, text_uuid: str) -> None:
        super().__init__(runtime, around, name, uuid)
        self._text_uuid = text_uuid
        self._process: Process | None = None
        self._monitor: pykka.ActorRef[Monitor] | None = None
        self._connected: asyncio.Future[None] | None = None
        self._memory: int | None = None
        self._ending: Happening | None = None
        self._why_stopped: Happening | None = None
        self._reboot_asked = False
        self._lost_since: float | None = None
        self._consoles: dict[str, pykka.ActorRef[DescriptorStream]] = {}

    # -- messages ------------------------------------------------------------------------------------------------------

    def on_message(self, message: Any) -> Any:
        if isinstance(message, MonitorEvent):
            return self._monitor_event(message)
        if isinstance(message, ProcessEnded):
            return self._process_ended(message)
        if isinstance(message, MonitorLost):
            return self._monitor_lost(message)
        if isinstance(message, StreamClosed):
            return self._console_closed(message)
        if isinstance(message, Load):
            return self._load(message)
        return super().on_message(message)

    def on_stop(self) -> None:
        super().on_stop()
        for stream in self._consoles.values():
            send(stream, Break("the daemon stops"))
        if self._process is not None:
            self._process.release()
        self._drop_monitor()

    # -- definitions on disk -------------------------------------------------------------------------------------------

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        return await self.around.complete(definition)

    async def save_definition(self, definition: DomainDefinition) -> None:
        data = format_domain(definition, secure=True).encode()
        await commit(self.around.store, Write(self.around.files.definition(self.name), data))

    async def delete_definition(self) -> None:
        # The mark first: a link to nothing must not be found by the next daemon.
        if self.autostart:
            await self.save_autostart(False)
        await commit(self.around.store, Remove(self.around.files.definition(self.name)))

    async def save_autostart(self, wanted: bool) -> None:
        link = self.around.files.autostart_link(self.name)
        change = Link(link, str(self.around.files.definition(self.name))) if wanted else Remove(link)
        await commit(self.around.store, change)

    def save_live_state(self) -> None:
        if self._process is None or self.live is None:
            return
        status = Status(
            state=self.state,
            reason=int(self.reason),
            memory=self._memory,
            process=self._process.identity,
            domain=self.live,
        )
        path = self.around.files.status(self._text_uuid)
        commit_later(self.around.store, Write(path, format_status(status), durable=False))

    # -- adoption ------------------------------------------------------------------------------------------------------

    def _load(self, message: Load) -> None:
        self.persistent = message.persistent
        self.autostart = message.autostart
        if message.status is not None:
            self._adopt(message.status)
        self.tell_summary()
        self.leave_if_gone()

    def _adopt(self, status: Status) -> None:
        """Take up a guest that an earlier daemon has started; if it has ended meanwhile, tell that now."""
        self.live = status.domain
        self.id = -1 if status.domain.id is None else status.domain.id
        self.state = status.state
        self.reason = REASONS[status.state](status.reason)
        self._memory = status.memory
        process = adopt(status.process, self.around.files.guest_log(self.name))
        if process is None:
            logger.info("%s: ended while no daemon watched", self.label)
            self._clean_up()
            self.happen(Happening.SHUT_DOWN if self.state is DomainState.SHUTDOWN else Happening.CRASHED)
            return
        logger.info("%s: adopted, process %d", self.label, process.pid)
        self._watch_process(process)
        self._monitor = Monitor.start(self.runtime, self.name, self.actor_ref)
        self._connected = self.runtime.loop.create_future()
        self.spawn(self._reconnect(self._connected), name="reconnect the monitor")

    async def _reconnect(self, connected: asyncio.Future[None]) -> None:
        """Connect to an adopted guest's monitor, however long that takes: it may be frozen."""
        path = self.around.files.monitor(self._text_uuid)
        try:
            while self._monitor is not None:
                deadline = self.runtime.loop.time() + self.around.config.start_deadline
                try:
                    await monitor.connect(self._monitor, path, deadline)
                    break
                except VirtError as error:
                    logger.warning("%s: %s", self.label, error)
                    await asyncio.sleep(self.around.config.reconnect_pause)
            connected.set_result(None)
            await self._reread_state()
        finally:
            if not connected.done():
                connected.cancel()

    async def _reread_state(self) -> None:
        """Take from QEMU what happened while no daemon listened."""
        status = await self._execute(None, "query-status")
        what = _HAPPENED_BY_STATUS.get(status["status"])
        if what is Happening.SHUTTING_DOWN:
            self._guest_powered_off()
        elif what is not None:
            self.happen(what)
        await self._reread_memory()

    async def _reread_memory(self) -> None:
        try:
            balloon = await self._execute(None, "query-balloon")
        except MonitorFailure:
            return  # It has none.
        self._memory = balloon["actual"] // 1024

    # -- start ---------------------------------------------------------------------------------------------------------

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        self._ending = self._why_stopped = None
        self._reboot_asked = False
        self._memory = None
        guest = await launch(self.runtime, self.around, live, self.actor_ref, call)
        self._take(guest)
        if not paused:
            try:
                await self._execute(call, "cont")
            except BaseException:
                await self._abandon()
                raise
        return guest.live

    def _take(self, guest: Guest) -> None:
        self._monitor = guest.monitor
        self._watch_process(guest.process)

    def _watch_process(self, process: Process) -> None:
        self._process = process
        self._lost_since = None
        process.watch(lambda exit: self.actor_ref.tell(ProcessEnded(process, exit)))

    async def _abandon(self) -> None:
        """End a guest whose start does not come to an end."""
        process = self._process
        self._clean_up()
        if process is not None:
            await asyncio.shield(process.kill(0.0))

    # -- what jobs do --------------------------------------------------------------------------------------------------

    async def pause(self, call: Call) -> None:
        await self._execute(call, "stop")

    async def unpause(self, call: Call) -> None:
        await self._execute(call, "cont")

    async def press_power_button(self, call: Call, flags: int) -> None:
        _require_acpi(flags, DomainShutdownFlagValues.ACPI_POWER_BTN, "shut down")
        await self._execute(call, "system_powerdown")

    async def request_reboot(self, call: Call, flags: int) -> None:
        _require_acpi(flags, DomainRebootFlagValues.ACPI_POWER_BTN, "reboot")
        await self._execute(call, "system_powerdown")
        self._reboot_asked = True

    async def press_reset(self, call: Call) -> None:
        await self._execute(call, "system_reset")

    async def kill(self, call: Call, graceful: bool) -> None:
        process = self._process
        if process is None:
            return
        span = call.trace.open(f"process {process.pid}", "end", 3) if call.trace is not None else None
        self._ending = Happening.DESTROYED
        await process.kill(self.around.config.destroy_grace, force=not graceful)
        if span is not None and call.trace is not None:
            call.trace.close(span)
        self._clean_up()

    # -- the monitor ---------------------------------------------------------------------------------------------------

    async def _execute(self, call: Call | None, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """Run a QMP command within the configured deadline and what is left of the call's."""
        deadline = self.runtime.loop.time() + self.around.config.monitor_deadline
        if call is not None:
            deadline = min(deadline, call.deadline)
        if self._connected is not None and not self._connected.done():
            await self._until_connected(deadline)
        if self._monitor is None:
            raise OperationFailed(f"the monitor of {self.label} is closed", object=self.name)
        try:
            trace = call.trace if call is not None else None
            return await monitor.execute(self._monitor, command, arguments, deadline=deadline, trace=trace)
        except OperationFailed:
            # The monitor closed under the command: most likely the process is ending, and its last words tell more.
            if self._process is not None:
                await self._explain_end(self._process)
            raise

    async def _until_connected(self, deadline: float) -> None:
        assert self._connected is not None
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(self._connected)
        except TimeoutError:
            raise TimeoutError(f"the monitor of {self.label} does not answer yet") from None

    async def _explain_end(self, process: Process) -> None:
        done, _ = await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=0.2)
        if done:
            raise ProcessFailure(f"QEMU of {self.name} {process.exit}", stderr=process.last_lines(), object=self.name)

    def _drop_monitor(self) -> None:
        if self._monitor is not None and self._monitor.is_alive():
            self._monitor.stop(block=False)
        self._monitor = None
        if self._connected is not None and not self._connected.done():
            self._connected.cancel()
        self._connected = None

    def _monitor_lost(self, message: MonitorLost) -> None:
        if message.monitor is self._monitor and self._lost_since is None and self._ending is None:
            logger.warning("%s: its monitor is gone: %s", self.label, message.reason)
            self._lost_since = self.runtime.loop.time()

    async def domain_monitor_command(self, call: Call, dom: DomainRef, cmd: str, flags: int) -> tuple[str]:
        check_flags(call, flags, DomainQemuMonitorCommandFlags.HMP)
        self.require_active()
        if flags & DomainQemuMonitorCommandFlags.HMP:
            return (await self._execute(call, "human-monitor-command", {"command-line": cmd}),)
        command, arguments = _parse_command(cmd)
        try:
            result = await self._execute(call, command, arguments)
        except MonitorFailure as error:
            # QEMU's refusal is the answer here, as with libvirt: the caller speaks QMP.
            description = error.message.partition(": ")[2].partition(": ")[2]
            return (json.dumps({"error": {"class": error.qmp_class, "desc": description}}),)
        return (json.dumps({"return": result}),)

    def domain_get_control_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        if self.active and self._lost_since is not None:
            lost_for = int((self.runtime.loop.time() - self._lost_since) * 1000)
            return int(DomainControlState.ERROR), int(DomainControlErrorReason.MONITOR), lost_for
        return super().domain_get_control_info(call, dom, flags)

    def cpu_time(self) -> int:
        return self._process.cpu_time() if self._process is not None else 0

    def current_memory(self) -> int:
        return self._memory or super().current_memory()

    # -- what QEMU tells -----------------------------------------------------------------------------------------------

    def _monitor_event(self, message: MonitorEvent) -> None:
        if message.monitor is not self._monitor:
            return
        handler = self._EVENTS.get(message.event.name)
        if handler is not None:
            handler(self, message.event)

    def _on_shutdown(self, event: QmpEvent) -> None:
        # Reasons that begin with host-: somebody ends the process; its end will tell.
        if not event.data.get("guest", True) and event.data.get("reason") != "host-qmp-system-reset":
            return
        if self._reboot_asked:
            self._reboot_asked = False
            self.spawn(self._restart_guest(), name="reboot")
        else:
            self._guest_powered_off()

    def _guest_powered_off(self) -> None:
        self.happen(Happening.SHUTTING_DOWN)
        if self.definition.on_poweroff == "restart":
            self.spawn(self._restart_guest(), name="restart after power-off")
        elif self.definition.on_poweroff != "preserve":
            self._end_because(Happening.SHUT_DOWN)

    def _end_because(self, what: Happening) -> None:
        if self._process is not None and self._ending is None:
            self._ending = what
            self.spawn(self._end_process(self._process), name="end the process")

    async def _end_process(self, process: Process) -> None:
        await process.kill(self.around.config.destroy_grace)

    async def _restart_guest(self) -> None:
        await self._execute(None, "system_reset")
        await self._execute(None, "cont")
        self.happen(Happening.UNPAUSED)

    def _on_reset(self, event: QmpEvent) -> None:
        if event.data.get("guest") and self.definition.on_reboot == "destroy":
            self._end_because(Happening.SHUT_DOWN)

    def _on_stop_event(self, event: QmpEvent) -> None:
        asked = self.job is not None and self.job.name == "domain_suspend"
        what = self._why_stopped or (Happening.PAUSED if asked else Happening.STOPPED_UNASKED)
        self._why_stopped = None
        self.happen(what)

    def _on_resume_event(self, event: QmpEvent) -> None:
        self.happen(Happening.UNPAUSED)

    def _on_io_error(self, event: QmpEvent) -> None:
        if event.data.get("action") == "stop":
            self._why_stopped = Happening.IO_ERROR

    def _on_watchdog(self, event: QmpEvent) -> None:
        if event.data.get("action") == "pause":
            self._why_stopped = Happening.WATCHDOG_PAUSE

    def _on_panic(self, event: QmpEvent) -> None:
        if self.definition.on_crash == "preserve":
            self.happen(Happening.PANIC_PAUSE)
        elif self.definition.on_crash == "restart":
            self.happen(Happening.PANICKED)
            self.spawn(self._restart_guest(), name="restart after panic")
        else:
            self.happen(Happening.PANICKED)
            self._end_because(Happening.CRASHED)

    def _on_balloon(self, event: QmpEvent) -> None:
        self._memory = int(event.data["actual"]) // 1024
        self.save_live_state()

    def _on_port(self, event: QmpEvent) -> None:
        if self.live is None:
            return
        state = "connected" if event.data.get("open") else "disconnected"
        channels = tuple(
            dataclasses.replace(each, target_state=state) if each.alias == event.data.get("id") else each
            for each in self.live.devices.channels
        )
        devices = dataclasses.replace(self.live.devices, channels=channels)
        self.live = dataclasses.replace(self.live, devices=devices)
        self.save_live_state()

    def _on_suspend(self, event: QmpEvent) -> None:
        self.happen(Happening.GUEST_SUSPENDED)

    def _on_wakeup(self, event: QmpEvent) -> None:
        self.happen(Happening.WOKE_UP)

    _EVENTS = {
        "SHUTDOWN": _on_shutdown,
        "RESET": _on_reset,
        "STOP": _on_stop_event,
        "RESUME": _on_resume_event,
        "BLOCK_IO_ERROR": _on_io_error,
        "WATCHDOG": _on_watchdog,
        "GUEST_PANICKED": _on_panic,
        "BALLOON_CHANGE": _on_balloon,
        "VSERPORT_CHANGE": _on_port,
        "SUSPEND": _on_suspend,
        "WAKEUP": _on_wakeup,
    }

    def _process_ended(self, message: ProcessEnded) -> None:
        if message.process is not self._process:
            return
        if self._ending is Happening.DESTROYED and self.job is not None:
            return  # The job that ends it is about to tell.
        what = self._ending or (Happening.SHUT_DOWN if self.state is DomainState.SHUTDOWN else Happening.CRASHED)
        if what is Happening.CRASHED:
            logger.warning("%s: QEMU %s: %s", self.label, message.exit, message.process.last_lines(3))
        self._clean_up()
        self.happen(what)
        self.leave_if_gone()

    def _clean_up(self) -> None:
        """Let go of a process that has ended, and of all that was open for it."""
        self._process = None
        self._memory = None
        self._lost_since = None
        self._drop_monitor()
        for stream in self._consoles.values():
            send(stream, Break(f"{self.label} has ended"))
        self.around.files.remove_leftovers(self._text_uuid)
        commit_later(self.around.store, Remove(self.around.files.status(self._text_uuid), durable=False))

    # -- console -------------------------------------------------------------------------------------------------------

    def domain_open_console(self, call: Call, dom: DomainRef, dev_name: str | None, flags: int) -> tuple[Any]:
        check_flags(call, flags, DomainConsoleFlags.FORCE | DomainConsoleFlags.SAFE)
        self.require_active()
        device = self._find_console(dev_name)
        path = device.source_path or ""
        user = self._consoles.get(path)
        if user is not None and user.is_alive():
            if not flags & DomainConsoleFlags.FORCE:
                raise OperationFailed(
                    f"the console of domain {self.name} is in use", object=self.name, hint="force takes it over"
                )
            send(user, Break("another client took the console over"))
        stream = self._open_console(path)
        self._consoles[path] = stream
        return (stream,)

    def _find_console(self, dev_name: str | None) -> CharacterDevice:
        devices = self.definition.devices
        candidates = [*devices.consoles, *devices.serials, *devices.channels]
        for device in candidates:
            if dev_name is None or device.alias == dev_name:
                if device.type != "pty" or not device.source_path:
                    raise UnsupportedConfig(f"character device {device.alias} is not a pseudo-terminal")
                return device
        raise InvalidArgument(f"cannot find character device {dev_name or '(none at all)'}")

    def _open_console(self, path: str) -> pykka.ActorRef[DescriptorStream]:
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SystemFailure(f"cannot open {path}: {error.strerror}", errno=error.errno) from error
        return DescriptorStream.start(self.runtime, fd, self.actor_ref, f"console of {self.name}")

    def _console_closed(self, message: StreamClosed) -> None:
        self._consoles = {path: ref for path, ref in self._consoles.items() if ref is not message.stream}


_HAPPENED_BY_STATUS = {
    "running": Happening.UNPAUSED,
    "paused": Happening.STOPPED_UNASKED,
    "io-error": Happening.IO_ERROR,
    "watchdog": Happening.WATCHDOG_PAUSE,
    "shutdown": Happening.SHUTTING_DOWN,
    "guest-panicked": Happening.PANICKED,
    "suspended": Happening.GUEST_SUSPENDED,
}


def _require_acpi(flags: int, acpi: int, what: str) -> None:
    if flags and not flags & acpi:
        raise UnsupportedConfig(f"only ACPI can {what} a guest of the qemu driver")


def _parse_command(text: str) -> tuple[str, dict[str, Any] | None]:
    """The command and arguments of a QMP message. Raises InvalidArgument."""
    try:
        message = json.loads(text)
        command, arguments = message["execute"], message.get("arguments")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidArgument('a monitor command is a JSON object such as {"execute": "query-status"}') from None
    if not isinstance(command, str) or not isinstance(arguments, dict | None):
        raise InvalidArgument("a monitor command's execute is a string, its arguments are an object")
    return command, arguments
